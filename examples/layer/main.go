// SPDX-License-Identifier: Apache-2.0

// Command layer trains a network with a layer of its own, a highway (Srivastava, Greff,
// Schmidhuber 2015), to tell the species of penguins, saves it and loads it again. Run it in
// its folder:
//
//	go run .
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// Highway computes y = t∘h + (1-t)∘x with h = relu(x·W + b) and the gate t = σ(x·V + c): at
// first, with a negative c, nearly all of x passes unchanged.
type Highway struct {
	GateBias float64 `json:"gate_bias"`
}

// Kind names the layer in summaries, errors and files.
func (*Highway) Kind() string { return "Highway" }

// Build declares the weights for inputs of shape (batch, n).
func (d *Highway) Build(b *k.Builder, in []k.Shape) (k.Shape, error) {
	if len(in) != 1 || len(in[0]) != 1 {
		return nil, fmt.Errorf("got inputs %v, want one of shape (batch, features)", in)
	}
	n := in[0][0]
	b.Weight("kernel", k.GlorotUniform(), k.Regularizer{}, n, n)
	b.Weight("bias", k.Zeros(), k.Regularizer{}, n)
	b.Weight("gate_kernel", k.GlorotUniform(), k.Regularizer{}, n, n)
	b.Weight("gate_bias", k.Constant(d.GateBias), k.Regularizer{}, n)
	return in[0], nil
}

// Forward adds y = x + t∘(h - x), which is the same.
func (*Highway) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	x := in[0]
	h := s.Do(graph.Dense(x, s.Weight("kernel"), s.Weight("bias"), graph.Act(graph.ReLU)))
	t := s.Do(graph.Dense(x, s.Weight("gate_kernel"), s.Weight("gate_bias"), graph.Act(graph.Sigmoid)))
	return s.Do(graph.Add(x, s.Do(graph.Mul(t, s.Do(graph.Sub(h, x))))))
}

func main() {
	ctx := context.Background()
	table, err := datasets.ReadCSVFile("../table/testdata/penguins.csv", datasets.CSVOptions{})
	check(err)
	schema, err := table.Schema("species")
	check(err)
	train, test, err := table.TrainTestSplit(0.2, 1)
	check(err)
	encoder, err := schema.Fit(train)
	check(err)
	trainData, err := encoder.Encode(train)
	check(err)
	testData, err := encoder.Encode(test)
	check(err)

	parts := []k.Part{k.Input(len(encoder.FeatureNames(0))), k.Dense(16, k.ReLU)}
	for range 4 {
		parts = append(parts, k.Custom(&Highway{GateBias: -1}))
	}
	model := k.Sequential("highway", append(parts, k.Dense(len(encoder.Names()), k.Softmax))...)
	check(model.Compile(k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	_, err = model.Fit(ctx, trainData, k.Epochs(20))
	check(err)
	scores, err := model.Evaluate(ctx, testData)
	check(err)
	fmt.Printf("accuracy: %.2f\n", scores.Get("accuracy"))

	path := filepath.Join(os.TempDir(), "reef_example_highway.safetensors")
	check(model.Save(path))
	defer os.Remove(path)
	loaded, err := k.Load(path, k.WithCustomLayer(func() k.Definition { return new(Highway) }))
	check(err)
	again, err := loaded.Evaluate(ctx, testData)
	check(err)
	fmt.Println("the same after loading:", again.Get("loss") == scores.Get("loss"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
