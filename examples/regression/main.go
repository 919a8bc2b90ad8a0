// SPDX-License-Identifier: Apache-2.0

// Command regression learns to predict one column of a CSV file from the others: here the
// mass of a penguin from its species, sex and measurements. Run it in its folder:
//
//	go run . [file.csv target]
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

func main() {
	ctx, file, target := context.Background(), "testdata/penguins.csv", "body_mass_kg"
	if len(os.Args) == 3 {
		file, target = os.Args[1], os.Args[2]
	}
	f, err := os.Open(file)
	check(err)
	defer f.Close()
	table, err := datasets.ReadTable(f, file, target)
	check(err)
	train, test, err := table.TrainTestSplit(0.2, 1)
	check(err)

	scale := k.Normalization() // part of the model, fitted to the training rows
	check(k.Adapt(ctx, scale, train))
	model := k.Sequential("regression",
		k.Input(len(table.Columns)),
		scale,
		k.Dense(32, k.ReLU),
		k.Dense(1),
	)
	check(model.Compile(k.Adam(0.01), k.MSE, k.MAE, k.Seed(1)))
	_, err = model.Fit(ctx, train, k.Epochs(50))
	check(err)
	scores, err := model.Evaluate(ctx, test)
	check(err)
	fmt.Printf("mean absolute error: %.3f, of predicting the mean: %.3f\n", scores.Get("mae"), baseline(train.Y, test.Y))
}

// baseline is the mean absolute error of predicting the mean of the training targets.
func baseline(train, test []float64) (mae float64) {
	var mean float64
	for _, y := range train {
		mean += y / float64(len(train))
	}
	for _, y := range test {
		mae += math.Abs(y-mean) / float64(len(test))
	}
	return mae
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
