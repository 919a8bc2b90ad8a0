// SPDX-License-Identifier: Apache-2.0

// Command embed tells the species of a penguin by a model that is part of the program, with
// its classes and with what turns a row into numbers: the binary needs no other file. It was
// trained by the command in the folder train. Run it with a row as JSON:
//
//	go run . '{"sex": null, "bill_length_mm": 48, ...}'
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

//go:embed penguins.safetensors
var file []byte

func main() {
	row := `{"sex": null, "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}`
	if len(os.Args) == 2 {
		row = os.Args[1]
	}
	model, err := k.LoadBytes(file, k.WithoutCompile)
	check(err)
	saved, err := datasets.ReadPreprocessor(model.Preprocessor(0))
	check(err)
	x, err := saved.(*datasets.TableEncoder).EncodeJSON([]byte(row))
	check(err)
	out, err := model.PredictSource(context.Background(), x)
	check(err)
	class := out[0].ArgMax()[0]
	fmt.Printf("%s: %s (%.2f)\n", row, model.Classes(0)[class], out[0].Row(0)[class])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
