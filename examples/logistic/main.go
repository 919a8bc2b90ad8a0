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
	xs, ts, ws, bs := make([]float32, 2*n), make([]float32, n), make([]float32, 2), make([]float32, 1)
	for i := range ts { // around (-1, 0) and (1, 2)
		ts[i] = float32(i % 2)
		xs[2*i], xs[2*i+1] = 2*ts[i]-1+float32(random.NormFloat64()), 2*ts[i]+float32(random.NormFloat64())
	}

	var try graph.Try // keeps the first error
	do := try.Do
	x, t := do(graph.Variable(g, "x", xs, n, 2)), do(graph.Variable(g, "t", ts, n, 1))
	w, b := do(graph.Variable(g, "w", ws, 2, 1)), do(graph.Variable(g, "b", bs, 1))
	logits := do(graph.Dense(x, w, b, graph.Act(graph.Linear)))
	cost := do(graph.Mean(do(graph.SigmoidCrossEntropy(logits, t))))
	check(try.Err())
	descent, err := graph.Descent(cost, 0.5, w, b)
	check(err)
	program, err := graph.CompileOptions{Updates: descent}.Compile(cost, logits)
	check(err)
	for range 200 {
		check(program.RunAll())
	}
	right := 0
	for i, logit := range program.Floats(1) {
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
