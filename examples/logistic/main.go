// SPDX-License-Identifier: Apache-2.0

// Command logistic tells two overlapping clouds of points apart by logistic regression: an expression, its
// gradient and a loop. Run it by
//
//	go run .
package main

import (
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/reef-dl/reef/graph"
)

func main() {
	const n = 400
	g, random := graph.New(), rand.New(rand.NewPCG(1, 2))
	var try graph.Try // keeps the first error
	do := try.Do
	input := func(values []float32, name string, shape ...int) *graph.Node {
		v := do(graph.Input(g, graph.Float32, name, shape...))
		if try.Err() == nil {
			do(v, graph.LetFloats(v, values)) // shares the memory of values
		}
		return v
	}
	xs, ts, ws, bs := make([]float32, 2*n), make([]float32, n), make([]float32, 2), make([]float32, 1)
	for i := range ts { // around (-1, 0) and (1, 2)
		ts[i] = float32(i % 2)
		xs[2*i], xs[2*i+1] = 2*ts[i]-1+float32(random.NormFloat64()), 2*ts[i]+float32(random.NormFloat64())
	}

	x, t, w, b := input(xs, "x", n, 2), input(ts, "t", n, 1), input(ws, "w", 2, 1), input(bs, "b", 1)
	logits := do(graph.Dense(x, w, b, graph.Act(graph.Linear)))
	cost := do(graph.Mean(do(graph.SigmoidCrossEntropy(logits, t))))
	check(try.Err())
	grads, err := graph.Grad(cost, w, b)
	check(err)
	program, err := graph.Compile(cost, grads[0], grads[1], logits)
	check(err)
	for range 200 {
		check(program.RunAll())
		for k, weights := range [][]float32{ws, bs} {
			for i, slope := range program.Floats(1 + k) {
				weights[i] -= 0.5 * slope
			}
		}
	}
	right := 0
	for i, logit := range program.Floats(3) {
		if (logit > 0) == (ts[i] == 1) {
			right++
		}
	}
	fmt.Printf("cost %.4f, accuracy: %.3f\n", program.Floats(0)[0], float64(right)/n)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
