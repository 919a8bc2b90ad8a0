// SPDX-License-Identifier: Apache-2.0

// Command preprocessing tells the species of a penguin from a row as it is, strings and numbers: how a
// string becomes numbers and what the numbers are scaled by are layers of the model, which is part of
// the program. It was trained by the command in the folder train. Run it with a row as JSON:
//
//	go run . '{"sex": "female", "bill_length_mm": 48, ...}'
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"log"
	"os"

	k "github.com/reef-dl/reef/keraslike"
)

//go:embed penguins.safetensors
var file []byte

func main() {
	row := `{"sex": "female", "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}`
	if len(os.Args) == 2 {
		row = os.Args[1]
	}
	var cells map[string]any
	check(json.Unmarshal([]byte(row), &cells))
	model, err := k.LoadBytes(file, k.WithoutCompile)
	check(err)
	var x []*k.Array
	for _, in := range model.Inputs() {
		var a *k.Array
		if cell := cells[k.Inspect(in.Layer()).Name]; in.IsString() {
			text, _ := cell.(string) // none is unknown
			a, err = k.Strings([]string{text})
		} else {
			number, _ := cell.(float64)
			a, err = k.Column([]float64{number})
		}
		check(err)
		x = append(x, a)
	}
	y, err := model.Predict(x...)
	check(err)
	class := y.ArgMax()[0]
	fmt.Printf("%s: %s (%.2f)\n", row, model.Classes(0)[class], y.Row(0)[class])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
