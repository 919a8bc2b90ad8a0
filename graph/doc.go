// SPDX-License-Identifier: Apache-2.0

// Package graph builds expression graphs on Gorgonia and runs them fast.
//
// Nodes are Gorgonia's nodes, all gradients come from Gorgonia's symbolic
// differentiation, and any Gorgonia op can be part of an expression. The package adds
// three things:
//
//   - ops that are correct and fast where Gorgonia's are not: [Dense], [Conv],
//     [MaxPool], [Embedding], [BatchNorm], [LayerNorm], [MatMul], [Activate],
//     [Softmax], [Dropout], [Reshape], [Concat], losses and penalties. Each is a
//     gorgonia.SDOp, so Gorgonia's TapeMachine can run it too;
//   - [Compile], which plans the memory of an expression once and returns a
//     [Program], a gorgonia.VM whose runs allocate nothing;
//   - [CheckGradient], which compares the gradient of any expression with central
//     differences, and [WriteDOT], which draws the expression.
//
// An expression is built from variables ([Input]), bound to values with [Let],
// compiled and run:
//
//	var try graph.Try // keeps the first error
//	g := graph.New()
//	x := try.Do(graph.Input(g, graph.Float32, "x", 128, 784))
//	w := try.Do(graph.Input(g, graph.Float32, "w", 784, 10))
//	y := try.Do(graph.Dense(x, w, nil, graph.Act(graph.ReLU)))
//	cost := try.Do(graph.Mean(y))
//	...
//	grads, err := graph.Grad(cost, w)
//	p, err := graph.Compile(cost, grads[0])
//
// Values are float32; the same ops run in float64 for gradient checks. Tensors are
// row-major, batch first and channels last.
package graph
