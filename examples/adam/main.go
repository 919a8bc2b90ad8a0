// SPDX-License-Identifier: Apache-2.0

// Command adam trains a network of two layers to tell two spirals apart, with an optimizer of its own: Adam
// (Kingma, Ba 2015) in ten lines, which graph.Adam has as an expression. Run it by
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

// adam has the moving averages of a weight's gradient and of its square.
type adam struct{ w, m, v []float32 }

// update makes step t, counted from 1.
func (a *adam) update(grad []float32, rate float64, t int) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-7
	rate *= math.Sqrt(1-math.Pow(beta2, float64(t))) / (1 - math.Pow(beta1, float64(t)))
	for i, g := range grad {
		a.m[i] += (1 - beta1) * (g - a.m[i])
		a.v[i] += (1 - beta2) * (g*g - a.v[i])
		a.w[i] -= float32(rate) * a.m[i] / (float32(math.Sqrt(float64(a.v[i]))) + epsilon)
	}
}

func main() {
	const n, hidden = 400, 32
	g, random := graph.New(), rand.New(rand.NewPCG(1, 2))
	var try graph.Try // keeps the first error
	do := try.Do
	input := func(name string, shape ...int) (*graph.Node, []float32) {
		values := make([]float32, graph.Shape(shape).TotalSize())
		return do(graph.Variable(g, name, values, shape...)), values
	}
	var weights graph.Nodes
	var optimizers []adam
	dense := func(x *graph.Node, in, out int, act graph.ActivationKind) *graph.Node {
		w, values := input(fmt.Sprint("w", len(weights)), in, out)
		b, zeros := input(fmt.Sprint("b", len(weights)), out)
		for i := range values {
			values[i] = float32(random.NormFloat64() / math.Sqrt(float64(in)))
		}
		weights = append(weights, w, b)
		for _, w := range [][]float32{values, zeros} {
			optimizers = append(optimizers, adam{w, make([]float32, len(w)), make([]float32, len(w))})
		}
		return do(graph.Dense(x, w, b, graph.Act(act)))
	}

	x, points := input("x", n, 2)
	t, classes := input("t", n, 1)
	for i := range classes {
		classes[i] = float32(i % 2)
		r := 0.2 + 2*float64(i)/n
		sin, cos := math.Sincos(3*r + math.Pi*float64(i%2))
		points[2*i], points[2*i+1] = float32(r*cos), float32(r*sin)
	}
	logits := dense(dense(dense(x, 2, hidden, graph.Tanh), hidden, hidden, graph.Tanh), hidden, 1, graph.Linear)
	cost := do(graph.Mean(do(graph.SigmoidCrossEntropy(logits, t))))
	check(try.Err())
	grads, err := graph.Grad(cost, weights...)
	check(err)
	program, err := graph.Compile(append(graph.Nodes{cost, logits}, grads...)...)
	check(err)
	for step := 1; step <= 600; step++ {
		check(program.RunAll())
		for k := range optimizers {
			optimizers[k].update(program.Floats(2+k), 0.01, step)
		}
		if step%200 == 0 {
			fmt.Printf("step %d: cost %.4f\n", step, program.Floats(0)[0])
		}
	}
	right := 0
	for i, logit := range program.Floats(1) {
		if (logit > 0) == (classes[i] == 1) {
			right++
		}
	}
	fmt.Printf("accuracy: %.3f\n", float64(right)/n)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
