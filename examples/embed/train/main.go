// SPDX-License-Identifier: Apache-2.0

// Command train trains the model of the folder above and writes its file. Run it there:
//
//	go run ./train [file.safetensors]
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

func main() {
	path := "penguins.safetensors"
	if len(os.Args) == 2 {
		path = os.Args[1]
	}
	table, err := datasets.ReadCSVFile("../table/testdata/penguins.csv", datasets.CSVOptions{})
	check(err)
	schema, err := table.Schema("species")
	check(err)
	encoder, err := schema.Fit(table) // how well it does on rows held out, the example table shows
	check(err)
	data, err := encoder.Encode(table)
	check(err)
	model := k.Sequential("penguins",
		k.Input(len(encoder.FeatureNames(0))),
		k.Dense(16, k.ReLU),
		k.Dense(len(encoder.Names()), k.Softmax),
	)
	check(model.Compile(k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	history, err := model.Fit(context.Background(), data, k.Epochs(30))
	check(err)
	fmt.Printf("accuracy: %.2f\n", history.Last("accuracy"))
	check(model.SetClasses(0, encoder.Names()...))
	check(model.SetPreprocessor(0, encoder))
	check(model.Save(path))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
