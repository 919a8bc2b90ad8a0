// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"log"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// Fits a line to three points: the program computes the loss and its gradients, the loop
// updates the weights in place.
func ExampleCompile() {
	g := graph.New()
	must := func(n *graph.Node, err error) *graph.Node {
		if err != nil {
			log.Fatal(err)
		}
		return n
	}
	variable := func(name string, shape []int, values ...float32) *graph.Node {
		n := must(graph.Input(g, graph.Float32, name, shape...))
		if err := graph.Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))); err != nil {
			log.Fatal(err)
		}
		return n
	}
	x := variable("x", []int{3, 1}, -1, 0, 1)
	y := variable("y", []int{3, 1}, -1, 1, 3) // 2x + 1
	w, b := variable("w", []int{1, 1}, 0), variable("b", []int{1}, 0)

	line := must(graph.Dense(x, w, b, graph.Act(graph.Linear)))
	loss := must(graph.Mean(must(graph.MeanSquaredError(line, y))))
	gradients, err := graph.Grad(loss, w, b)
	if err != nil {
		log.Fatal(err)
	}
	program, err := graph.Compile(loss, gradients[0], gradients[1])
	if err != nil {
		log.Fatal(err)
	}
	for range 100 {
		if err := program.RunAll(); err != nil { // allocates nothing
			log.Fatal(err)
		}
		for i, n := range []*graph.Node{w, b} {
			graph.Floats(n.Value())[0] -= 0.3 * graph.Floats(gradients[i].Value())[0]
		}
	}
	fmt.Printf("y = %.3f x + %.3f\n", graph.Floats(w.Value())[0], graph.Floats(b.Value())[0])
	// Output: y = 2.000 x + 1.000
}

// Compares the gradient of softmax(tanh(x)) with central differences.
func ExampleCheckGradient() {
	x := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{0.5, -1, 2, 0.1, 0.3, -0.7}))
	report, err := graph.CheckGradient(func(in graph.Nodes) (*graph.Node, error) {
		h, err := graph.Activate(in[0], graph.Act(graph.Tanh))
		if err != nil {
			return nil, err
		}
		return graph.Softmax(h)
	}, []*tensor.Dense{x})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Checked, "elements, right to 1e-6:", report.Error < 1e-6 && !math.IsNaN(report.Error))
	// Output: 6 elements, right to 1e-6: true
}
