// SPDX-License-Identifier: Apache-2.0

// Command linear fits a plane through noisy points by gradient descent: an expression, its gradient and
// a loop. Run it by
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
	const n = 200
	g, random := graph.New(), rand.New(rand.NewPCG(1, 2))
	xs, ts, ws, bs := make([]float32, 2*n), make([]float32, n), make([]float32, 2), make([]float32, 1)
	for i := range ts {
		xs[2*i], xs[2*i+1] = float32(random.NormFloat64()), float32(random.NormFloat64())
		ts[i] = 3*xs[2*i] - xs[2*i+1] + 2 + 0.1*float32(random.NormFloat64())
	}

	var try graph.Try // keeps the first error
	do := try.Do
	x, t := do(graph.Variable(g, "x", xs, n, 2)), do(graph.Variable(g, "t", ts, n, 1))
	w, b := do(graph.Variable(g, "w", ws, 2, 1)), do(graph.Variable(g, "b", bs, 1))
	e := do(graph.Sub(do(graph.Add(do(graph.MatMul(x, w)), b)), t)) // x·w + b - t
	cost := do(graph.Mean(do(graph.Square(e))))
	check(try.Err())
	descent, err := graph.Descent(cost, 0.1, w, b)
	check(err)
	program, err := graph.CompileOptions{Updates: descent}.Compile(cost)
	check(err)
	for range 100 {
		check(program.RunAll())
	}
	fmt.Printf("y = %.2f·x1 + %.2f·x2 + %.2f, cost %.4f\n", ws[0], ws[1], bs[0], program.Floats(0)[0])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
