// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
)

// known computes Σ r·f(inputs) in float32 and its gradients with respect to all inputs but the
// fixed ones; a nil r means ones. It returns the value of f and the gradients.
func known(t *testing.T, f func(in graph.Nodes) (*graph.Node, error), r *golden.Array, fixed int, inputs ...golden.Array) (y []float32, grads [][]float32) {
	t.Helper()
	must := func(n *graph.Node, err error) *graph.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	g := graph.New()
	bind := func(name string, a golden.Array) *graph.Node {
		n := must(graph.Input(g, graph.Float32, name, a.Shape...))
		if err := graph.Let(n, tensor.New(tensor.WithShape(a.Shape...), tensor.WithBacking(a.Float32()))); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var in graph.Nodes
	for i, a := range inputs {
		in = append(in, bind(fmt.Sprint("in", i), a))
	}
	out := must(f(in))
	cost := out
	if r != nil {
		cost = must(graph.Mul(out, bind("r", *r)))
	}
	if len(cost.Shape()) > 0 {
		cost = must(graph.Sum(cost))
	}
	gradients, err := graph.Grad(cost, in[:len(in)-fixed]...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := graph.Compile(append(graph.Nodes{out, cost}, gradients...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	for _, n := range gradients {
		grads = append(grads, graph.Floats(n.Value()))
	}
	return graph.Floats(out.Value()), grads
}

// TestKnownActivations compares with testdata/golden/activations.json, including activations
// with a parameter.
func TestKnownActivations(t *testing.T) {
	for _, c := range golden.Load(t, "activations") {
		t.Run(c.Name, func(t *testing.T) {
			f := func(in graph.Nodes) (*graph.Node, error) { return graph.Activate(in[0], activationOf(t, c.Args)) }
			switch c.Args.String("activation") {
			case "softmax":
				f = func(in graph.Nodes) (*graph.Node, error) { return graph.Softmax(in[0]) }
			case "log_softmax":
				f = func(in graph.Nodes) (*graph.Node, error) { return graph.LogSoftmax(in[0]) }
			}
			r := c.Inputs["r"]
			y, grads := known(t, f, &r, 0, c.Inputs["x"])
			golden.Close(t, "y", y, c.Want["y"], 2e-6, 1e-6)
			golden.Close(t, "dx", grads[0], c.Want["dx"], 2e-6, 1e-6)
		})
	}
}

func activationOf(t *testing.T, a golden.Args) graph.Activation {
	t.Helper()
	name := a.String("activation")
	if a.Bool("approximate") {
		name += "_tanh"
	}
	kind, err := graph.ParseActivation(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, parameter := range []string{"alpha", "negative_slope"} {
		if _, ok := a[parameter]; ok {
			return graph.ActAlpha(kind, a.Float(parameter))
		}
	}
	return graph.Act(kind)
}

// TestKnownDense compares with those Dense cases of testdata/golden/layers_core.json whose
// input is a matrix.
func TestKnownDense(t *testing.T) {
	n := 0
	for _, c := range golden.Load(t, "layers_core") {
		act := c.Args.String("activation")
		if c.Args.String("layer") != "Dense" || len(c.Inputs["x"].Shape) != 2 || act == "softmax" {
			continue
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			inputs := []golden.Array{c.Inputs["x"], c.Inputs["kernel"]}
			if c.Args.Bool("use_bias") {
				inputs = append(inputs, c.Inputs["bias"])
			}
			r := c.Inputs["r"]
			y, grads := known(t, func(in graph.Nodes) (*graph.Node, error) {
				return graph.Dense(in[0], in[1], append(slices.Clone(in), nil)[2], activationOf(t, c.Args))
			}, &r, 0, inputs...)
			golden.Close(t, "y", y, c.Want["y"], 2e-6, 1e-6)
			for i, name := range []string{"dx", "dkernel", "dbias"}[:len(inputs)] {
				golden.Close(t, name, grads[i], c.Want[name], 2e-6, 2e-6)
			}
		})
	}
	if n < 7 {
		t.Errorf("%d cases, want 7", n)
	}
}

// TestKnownLosses compares with testdata/golden/losses.json: the loss of each row, the mean
// (with sample weights, if any) and its gradient.
func TestKnownLosses(t *testing.T) {
	losses := map[string]func(p, t *graph.Node) (*graph.Node, error){
		"mean_squared_error": graph.MeanSquaredError, "mean_absolute_error": graph.MeanAbsoluteError, "binary_crossentropy": graph.SigmoidCrossEntropy,
		"categorical_crossentropy": graph.SoftmaxCrossEntropy, "sparse_categorical_crossentropy": graph.SparseSoftmaxCrossEntropy,
	}
	seen := map[string]int{}
	for _, c := range golden.Load(t, "losses") {
		loss, ok := losses[c.Args.String("loss")]
		fromLogits, crossEntropy := c.Args["from_logits"]
		if !ok || crossEntropy && fromLogits == false || c.Args.Float("label_smoothing") != 0 {
			continue
		}
		seen[c.Args.String("loss")]++
		t.Run(c.Name, func(t *testing.T) {
			pred := c.Inputs["pred"]
			abs := 1e-6 + float64(slices.Max(pred.Float32()))/(1<<24) // logits have single precision, even where their difference is close to 0
			var rows *graph.Node
			inputs := []golden.Array{pred, c.Inputs["true"]}
			weights, weighted := c.Inputs["sample_weight"]
			if weighted {
				inputs = append(inputs, weights)
			}
			value, grads := known(t, func(in graph.Nodes) (n *graph.Node, err error) {
				if rows, err = loss(in[0], in[1]); err != nil {
					return nil, err
				}
				if weighted {
					return graph.WeightedMean(rows, in[2])
				}
				return graph.Mean(rows)
			}, nil, len(inputs)-1, inputs...)
			golden.Close(t, "loss", value, c.Want["loss"], 2e-6, abs)
			golden.Close(t, "dpred", grads[0], c.Want["dpred"], 2e-6, 1e-6)
			if !weighted {
				p, err := graph.Compile(rows)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.RunAll(); err != nil {
					t.Fatal(err)
				}
				golden.Close(t, "values", graph.Floats(rows.Value()), c.Want["values"], 2e-6, abs)
			}
		})
	}
	for name := range losses {
		if seen[name] < 4 {
			t.Errorf("%s has %d cases, want at least 4", name, seen[name])
		}
	}
}

// TestKnownPenalty compares with the L2 cases of testdata/golden/regularizers.json.
func TestKnownPenalty(t *testing.T) {
	n := 0
	for _, c := range golden.Load(t, "regularizers") {
		if c.Args.String("regularizer") != "L2" {
			continue
		}
		n++
		value, grads := known(t, func(in graph.Nodes) (*graph.Node, error) { return graph.L2(in[0], c.Args.Float("l2")) }, nil, 0, c.Inputs["w"])
		golden.Close(t, c.Name+" loss", value, c.Want["loss"], 2e-6, 1e-6)
		golden.Close(t, c.Name+" dw", grads[0], c.Want["dw"], 2e-6, 1e-6)
	}
	if n < 3 {
		t.Errorf("%d cases, want 3", n)
	}
}
