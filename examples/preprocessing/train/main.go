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
	ctx := context.Background()
	table, err := datasets.ReadCSVFile("../table/testdata/penguins.csv", datasets.CSVOptions{})
	check(err)
	schema, err := table.Schema("species")
	check(err)
	encoder, err := schema.Fit(table) // how well it does on rows held out, the example table shows
	check(err)
	data, err := encoder.Raw(table) // an input for each column, as it is
	check(err)

	var inputs, features []*k.Tensor
	for i, column := range encoder.Columns() {
		var in *k.Tensor
		var layer k.Layer
		if column == "sex" {
			in, layer = k.NamedStringInput(column, 1), k.StringLookup(k.OneHotOutput)
		} else {
			in, layer = k.NamedInput(column, 1), k.Normalization()
		}
		check(k.Adapt(ctx, layer, data, k.AdaptInput(i))) // the vocabulary, or the mean and the variance
		inputs, features = append(inputs, in), append(features, layer.Apply(in))
	}
	x := k.Dense(16, k.ReLU).Apply(k.Concatenate().Apply(features...))
	model := k.NewModel("penguins", inputs, []*k.Tensor{k.Dense(len(encoder.Names()), k.Softmax).Apply(x)})
	check(model.Compile(k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	history, err := model.Fit(ctx, data, k.Epochs(30))
	check(err)
	fmt.Printf("accuracy: %.2f\n", history.Last("accuracy"))
	check(model.SetClasses(0, encoder.Names()...))
	check(model.Save(path))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
