// SPDX-License-Identifier: Apache-2.0

// Command pinn solves a differential equation with a network (Raissi, Perdikaris, Karniadakis 2019):
// d²u/dx² = -u on [0, 2] with u(0) = 0 and u(2) = sin 2, whose solution is sin x. The network never sees the
// solution: its cost is made of its own second derivative. Run it by
//
//	go run .
package main

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/reef-dl/reef/graph"
)

func main() {
	const n, hidden, steps = 64, 24, 8000
	g, random := graph.New(), rand.New(rand.NewPCG(1, 2))
	var try graph.Try // keeps the first error
	do := try.Do
	variable := func(name string, values []float32, shape ...int) *graph.Node {
		return do(graph.Variable(g, name, values, shape...))
	}
	normal := func(name string, spread float64, shape ...int) *graph.Node {
		values := make([]float32, hidden)
		for i := range values {
			values[i] = float32(spread * random.NormFloat64())
		}
		return variable(name, values, shape...)
	}
	w1, b1, w2 := normal("w1", 1, 1, hidden), normal("b1", 1, hidden), normal("w2", 0.2, hidden, 1)
	b2 := variable("b2", []float32{0}, 1)
	network := func(x *graph.Node) *graph.Node {
		return do(graph.Dense(do(graph.Dense(x, w1, b1, graph.Act(graph.Tanh))), w2, b2, graph.Act(graph.Linear)))
	}
	// Each row of y depends on its own row of x only: the gradient of the sum has the derivatives of all rows.
	derivative := func(y, x *graph.Node) *graph.Node {
		grads, err := graph.Grad(do(graph.Sum(y)), x)
		if err != nil {
			return do(nil, err)
		}
		return grads[0]
	}
	mean := func(x *graph.Node) *graph.Node { return do(graph.Mean(do(graph.Square(x)))) }

	points := make([]float32, n)
	for i := range points {
		points[i] = 2 * float32(i) / (n - 1)
	}
	x := variable("x", points, n, 1)
	edges, ends := variable("edges", []float32{0, 2}, 2, 1), variable("ends", []float32{0, float32(math.Sin(2))}, 2, 1)
	u := network(x)
	equation := do(graph.Add(derivative(derivative(u, x), x), u))
	boundary := do(graph.Sub(network(edges), ends))
	cost := do(graph.Add(mean(equation), mean(boundary)))
	rate := variable("rate", []float32{0.01})
	check(try.Err())
	updates, err := graph.Adam(cost, rate, graph.Nodes{w1, b1, w2, b2})
	check(err)
	program, err := graph.CompileOptions{Updates: updates}.Compile(cost, u)
	check(err)
	for step := range steps {
		check(graph.LetFloats(rate, []float32{float32(0.01 * math.Pow(0.01, float64(step)/steps))}))
		check(program.RunAll())
	}
	worst := 0.0
	for i, got := range program.Floats(1) {
		worst = max(worst, math.Abs(float64(got)-math.Sin(float64(points[i]))))
	}
	fmt.Printf("cost %.1e, largest error: %.6f\n", program.Floats(0)[0], worst)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
