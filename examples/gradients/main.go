// SPDX-License-Identifier: Apache-2.0

// Command gradients trains a network of two layers on handwritten digits with nothing but
// expressions: no layers, no model, no Fit. Gradients come from the graph, and an update is a
// loop. Run it by
//
//	go run .
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
)

const (
	batch, hidden, epochs = 50, 64, 10
	rate                  = 0.3
)

func main() {
	train, test, err := datasets.MNIST(context.Background(), datasets.From{Source: datasets.Sample})
	check(err)

	// The expression: p = relu(x·w1 + b1)·w2 + b2, and its cross-entropy with the digits.
	var try graph.Try // keeps the first error
	g := graph.New()
	input := func(name string, shape ...int) *graph.Node {
		return try.Do(graph.Input(g, graph.Float32, name, shape...))
	}
	x, labels := input("x", batch, 784), input("labels", batch)
	w1, b1, w2, b2 := input("w1", 784, hidden), input("b1", hidden), input("w2", hidden, 10), input("b2", 10)
	h := try.Do(graph.Dense(x, w1, b1, graph.Act(graph.ReLU)))
	logits := try.Do(graph.Dense(h, w2, b2, graph.Act(graph.Linear)))
	cost := try.Do(graph.Mean(try.Do(graph.SparseSoftmaxCrossEntropy(logits, labels))))
	check(try.Err())
	grads, err := graph.Grad(cost, w1, b1, w2, b2)
	check(err)
	step, err := graph.Compile(append(graph.Nodes{cost}, grads...)...)
	check(err)
	predict, err := graph.Compile(logits)
	check(err)

	// Its values, which the programs share: biases start at 0, kernels at noise.
	random := rand.New(rand.NewPCG(1, 2))
	images, digits := let(x), let(labels)
	weights := [][]float32{let(w1), let(b1), let(w2), let(b2)}
	for i, fanIn := range []float64{784, hidden} {
		for j := range weights[2*i] {
			weights[2*i][j] = float32(random.NormFloat64() * math.Sqrt(2/fanIn))
		}
	}

	for epoch := range epochs {
		sum, order := 0.0, random.Perm(train.Len())
		for at := 0; at+batch <= len(order); at += batch {
			check(train.Read(order[at:at+batch], [][]float32{images}, [][]float32{digits}))
			check(step.RunAll())
			sum += float64(step.Floats(0)[0])
			for k, w := range weights {
				for i, slope := range step.Floats(1 + k) {
					w[i] -= rate * slope
				}
			}
		}
		fmt.Printf("epoch %d: loss %.4f\n", epoch+1, sum*batch/float64(len(order)))
	}

	right := 0
	for b, err := range datasets.Batches(test, batch) {
		check(err)
		copy(images, b.Inputs[0])
		check(predict.RunAll())
		for i, digit := range b.Targets[0] {
			row, best := predict.Floats(0)[10*i:10*i+10], 0
			for class := range row {
				if row[class] > row[best] {
					best = class
				}
			}
			if best == int(digit) {
				right++
			}
		}
	}
	fmt.Printf("accuracy: %.2f\n", float64(right)/float64(test.Len()))
}

// let gives a variable zeros for its value and returns their memory.
func let(n *graph.Node) []float32 {
	values := make([]float32, n.Shape().TotalSize())
	check(graph.LetFloats(n, values))
	return values
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
