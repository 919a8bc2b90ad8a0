// SPDX-License-Identifier: Apache-2.0

// Command table learns a column of classes from the other columns of a CSV file, whatever
// they are: here the species of a penguin from its sex and measurements, some of which are
// missing. It shows what it guesses of the file, and predicts one more row. Run it in its
// folder:
//
//	go run . [file.csv target '{"column": value, ...}']
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
	ctx, file, target := context.Background(), "testdata/penguins.csv", "species"
	row := `{"sex": null, "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}`
	if len(os.Args) == 4 {
		file, target, row = os.Args[1], os.Args[2], os.Args[3]
	}
	table, err := datasets.ReadCSVFile(file, datasets.CSVOptions{})
	check(err)
	schema, err := table.Schema(target)
	check(err)
	fmt.Printf("%v\n\n%v\n\n", table, schema)

	train, test, err := table.TrainTestSplit(0.2, 1)
	check(err)
	encoder, err := schema.Fit(train) // sees the training rows only
	check(err)
	trainData, err := encoder.Encode(train)
	check(err)
	testData, err := encoder.Encode(test)
	check(err)

	model := k.Sequential("table",
		k.Input(len(encoder.FeatureNames(0))),
		k.Dense(16, k.ReLU),
		k.Dense(len(encoder.Names()), k.Softmax),
	)
	check(model.Compile(k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	_, err = model.Fit(ctx, trainData, k.Epochs(30))
	check(err)
	scores, err := model.Evaluate(ctx, testData)
	check(err)
	fmt.Printf("accuracy: %.2f\n", scores.Get("accuracy"))

	x, err := encoder.EncodeJSON([]byte(row))
	check(err)
	out, err := model.PredictSource(ctx, x)
	check(err)
	class := out[0].ArgMax()[0]
	fmt.Printf("%s: %s (%.2f)\n", row, encoder.Names()[class], out[0].Row(0)[class])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
