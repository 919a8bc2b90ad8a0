// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/reef-dl/reef/graph"
)

// expressions are chains of element-wise ops on 10 million numbers, reductions and softmaxes of as many, and ops
// that move, sort and scan smaller tensors, volumes and normalizations. The program expressions.py has the same ones in PyTorch under the
// same names.

// expressionShape is that of reductions, which are along one of the axes or all of them.
var expressionShape = []int{200, 250, 200}

// expression is an expression of x and y.
type expression struct {
	name   string
	arrays int // the arrays of all numbers that are read or written
	build  func(do func(*graph.Node, error) *graph.Node, x, y *graph.Node) *graph.Node
	own    func(b *expressionInputs) graph.Nodes // of inputs of its own, instead of x and y
}

// expressionInputs makes inputs.
type expressionInputs struct {
	graph.Try
	g   *graph.Graph
	rng *rand.Rand
}

func (b *expressionInputs) name() string { return fmt.Sprint("x", len(b.g.AllNodes())) }

func (b *expressionInputs) floats(shape ...int) *graph.Node {
	v := floats(shape[1:]...)(b.rng, shape[0])
	return b.Do(graph.Variable(b.g, b.name(), graph.Floats(v), shape...))
}

func (b *expressionInputs) indices(below int, shape ...int) *graph.Node {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]int64, n)
	for i := range v {
		v[i] = b.rng.Int64N(int64(below))
	}
	return b.Do(graph.Variable(b.g, b.name(), v, shape...))
}

// expressionResult is one line of the output.
type expressionResult struct {
	Peer     string  `json:"peer"`
	Workload string  `json:"workload"`
	Name     string  `json:"name"`
	Threads  int     `json:"threads"`
	Path     string  `json:"path"`
	Step     float64 `json:"ms_per_step_median"`
	Rate     float64 `json:"gb_per_s"` // each array is read or written once
	OfCopy   float64 `json:"of_copy"`  // the rate divided by that of a copy; both are 0 where arrays differ
	Steps    int     `json:"steps"`
}

func expressions() (list []expression) {
	type n = *graph.Node
	type do = func(n, error) n
	add := func(name string, arrays int, build func(do do, x, y n) n) {
		list = append(list, expression{name: name, arrays: arrays, build: build})
	}
	add("chain 2: x y + x", 3, func(do do, x, y n) n { return do(graph.Add(do(graph.Mul(x, y)), x)) })
	add("chain 3: sqrt(x^2 + 1)", 2, func(do do, x, _ n) n {
		return do(graph.Sqrt(do(graph.Affine(do(graph.Square(x)), 1, 1))))
	})
	add("chain 5: max(x y + 0.5, 0)^2 - x", 3, func(do do, x, y n) n {
		h := do(graph.Affine(do(graph.Mul(x, y)), 1, 0.5))
		h = do(graph.Maximum(h, do(graph.Scalar(x, 0))))
		return do(graph.Sub(do(graph.Square(h)), x))
	})
	add("chain 7: |clip(3 x - 1, -2, 2)| y / (1 + x^2)", 3, func(do do, x, y n) n {
		h := do(graph.Abs(do(graph.Clip(do(graph.Affine(x, 3, -1)), -2, 2))))
		return do(graph.Div(do(graph.Mul(h, y)), do(graph.Affine(do(graph.Square(x)), 1, 1))))
	})
	add("chain 10: polynomial of degree 5", 2, func(do do, x, _ n) n {
		h := do(graph.Affine(x, 0.5, -0.25))
		for _, c := range []float64{0.125, -1, 2, 1} {
			h = do(graph.Affine(do(graph.Mul(h, x)), 1, c))
		}
		return h
	})
	add("exp 4: 1 / (1 + exp(-x))", 2, func(do do, x, _ n) n {
		return do(graph.Reciprocal(do(graph.Affine(do(graph.Exp(do(graph.Neg(x)))), 1, 1))))
	})
	add("exp 4: density of the normal distribution", 2, func(do do, x, _ n) n {
		return do(graph.Scale(do(graph.Exp(do(graph.Scale(do(graph.Square(x)), -0.5)))), 0.3989422804))
	})
	add("exp 6: max(x, 0) + log(1 + exp(-|x|))", 2, func(do do, x, _ n) n {
		h := do(graph.Log1p(do(graph.Exp(do(graph.Neg(do(graph.Abs(x))))))))
		return do(graph.Add(do(graph.Maximum(x, do(graph.Scalar(x, 0)))), h))
	})
	add("tanh 8: GELU", 2, func(do do, x, _ n) n {
		h := do(graph.Mul(do(graph.Square(x)), x))
		h = do(graph.Scale(do(graph.Add(do(graph.Scale(h, 0.044715)), x)), 0.7978845608))
		return do(graph.Mul(do(graph.Scale(x, 0.5)), do(graph.Affine(do(graph.Activate(h, graph.Act(graph.Tanh))), 1, 1))))
	})
	for _, r := range []struct {
		name string
		op   func(n, ...graph.ReduceOption) (n, error)
	}{
		{"sum", graph.Sum}, {"max", graph.Max}, {"logsumexp", graph.LogSumExp}, {"argmax", graph.ArgMax},
		{"var", func(x n, options ...graph.ReduceOption) (n, error) { return graph.Variance(x, 0, options...) }},
	} {
		for axis := range expressionShape {
			add(fmt.Sprintf("%s, axis %d", r.name, axis), 1, func(do do, x, _ n) n { return do(r.op(x, graph.Axes(axis))) })
		}
		if r.name != "argmax" {
			add(r.name+", all axes", 1, func(do do, x, _ n) n { return do(r.op(x)) })
		}
	}
	for axis := range expressionShape {
		add(fmt.Sprintf("softmax, axis %d", axis), 2, func(do do, x, _ n) n { return do(graph.Softmax(x, graph.SoftmaxAxis(axis))) })
	}
	return slices.Concat(list, moves(), volumes(), norms())
}

// moves are ops that move, sort and scan elements, and products.
func moves() (list []expression) {
	type b = *expressionInputs
	add := func(name string, build func(b b) *graph.Node) {
		list = append(list, expression{name: name, own: func(b b) graph.Nodes { return graph.Nodes{build(b)} }})
	}
	square := func(b b) *graph.Node { return b.floats(1000, 1000) }
	heads := func(b b) *graph.Node { return b.floats(16, 128, 8, 64) }
	add("gather", func(b b) *graph.Node {
		return b.Do(graph.Gather(b.floats(50000, 64), b.indices(50000, 100000), 0))
	})
	add("gather_columns", func(b b) *graph.Node { return b.Do(graph.Gather(square(b), b.indices(1000, 1000), 1)) })
	add("gather_elements", func(b b) *graph.Node {
		return b.Do(graph.GatherElements(square(b), b.indices(1000, 1000, 1000), 1))
	})
	add("scatter_add", func(b b) *graph.Node {
		return b.Do(graph.ScatterAdd(b.floats(50000, 64), b.indices(50000, 100000), b.floats(100000, 64), 0))
	})
	add("sort", func(b b) *graph.Node { return b.Do(graph.Sort(square(b), 1)) })
	add("sort_columns", func(b b) *graph.Node { return b.Do(graph.Sort(square(b), 0)) })
	add("sort_vector", func(b b) *graph.Node { return b.Do(graph.Sort(b.floats(1000000), 0)) })
	add("top_k", func(b b) *graph.Node { y, _, err := graph.TopK(square(b), 10, 1); return b.Do(y, err) })
	add("cumsum", func(b b) *graph.Node { return b.Do(graph.CumSum(square(b), 1)) })
	add("cumsum_columns", func(b b) *graph.Node { return b.Do(graph.CumSum(square(b), 0)) })
	add("cumprod", func(b b) *graph.Node { return b.Do(graph.CumProd(square(b), 1)) })
	add("cumprod_columns", func(b b) *graph.Node { return b.Do(graph.CumProd(square(b), 0)) })
	add("transpose", func(b b) *graph.Node { return b.Do(graph.Transpose(square(b), 1, 0)) })
	add("transpose_heads", func(b b) *graph.Node { return b.Do(graph.Transpose(heads(b), 0, 2, 1, 3)) })
	add("transpose_last", func(b b) *graph.Node { return b.Do(graph.Transpose(heads(b), 0, 2, 3, 1)) })
	add("concat", func(b b) *graph.Node { return b.Do(graph.Concat(1, square(b), b.floats(1000, 500))) })
	add("einsum_batch", func(b b) *graph.Node {
		return b.Do(graph.Einsum("bij,bjk->bik", b.floats(32, 128, 128), b.floats(32, 128, 128)))
	})
	add("einsum_scores", func(b b) *graph.Node { return b.Do(graph.Einsum("bqhd,bkhd->bhqk", heads(b), heads(b))) })
	add("einsum_reduce", func(b b) *graph.Node { return b.Do(graph.Einsum("ij,ij->i", square(b), square(b))) })
	add("flip", func(b b) *graph.Node { return b.Do(graph.Flip(square(b), 1)) })
	add("roll", func(b b) *graph.Node { return b.Do(graph.Roll(square(b), 100, 1)) })
	add("tile", func(b b) *graph.Node { return b.Do(graph.Tile(b.floats(500, 500), 2, 2)) })
	add("slice_steps", func(b b) *graph.Node {
		return b.Do(graph.Slice(square(b), graph.At(1, graph.Open, graph.Open, 2)))
	})
	add("pad_reflect", func(b b) *graph.Node {
		return b.Do(graph.Pad(b.floats(8, 128, 128, 16), graph.PadReflect, graph.PadWidth{Axis: 1, Before: 2, After: 2}, graph.PadWidth{Axis: 2, Before: 2, After: 2}))
	})
	add("resize_bilinear", func(b b) *graph.Node {
		return b.Do(graph.Resize(b.floats(8, 64, 64, 16), 128, 128, graph.Bilinear))
	})
	return list
}

// program compiles the expression for random inputs of a shape.
func (e expression) program(shape []int) (*graph.Program, error) {
	b := expressionInputs{g: graph.New(), rng: rand.New(rand.NewPCG(1, 1))}
	var out graph.Nodes
	if e.own != nil {
		out = e.own(&b)
	} else {
		out = graph.Nodes{e.build(b.Do, b.floats(shape...), b.floats(shape...))}
	}
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	return graph.Compile(out...)
}

// benchExpressions measures a copy and all expressions whose names match.
func benchExpressions(out *json.Encoder, match *regexp.Regexp, shape []int, limit time.Duration) error {
	size := 1
	for _, d := range shape {
		size *= d
	}
	var ofCopy float64
	print := func(name string, arrays int, step func(int) error) error {
		times, err := timeSteps(step, limit)
		if err != nil {
			return err
		}
		t := times[len(times)/2].Seconds()
		rate := float64(4*arrays*size) / t / 1e9
		if ofCopy == 0 {
			ofCopy = rate
		}
		return out.Encode(expressionResult{"reef", "expressions", name, runtime.GOMAXPROCS(0), graph.ISA(), round(1e3*t, 4), round(rate, 2), round(rate/ofCopy, 3), len(times)})
	}
	from, to := make([]float32, size), make([]float32, size)
	for i := range from {
		from[i] = float32(i)
	}
	if err := print("copy", 2, func(int) error { parallelCopy(to, from); return nil }); err != nil {
		return err
	}
	for _, e := range expressions() {
		if !match.MatchString(e.name) {
			continue
		}
		p, err := e.program(shape)
		if err != nil {
			return err
		}
		if err := print(e.name, e.arrays, func(int) error { return p.RunAll() }); err != nil {
			return err
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	return nil
}

// parallelCopy copies a part on each thread.
func parallelCopy(dst, src []float32) {
	parts := runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	for k := range parts {
		lo, hi := len(src)*k/parts, len(src)*(k+1)/parts
		wait.Go(func() { copy(dst[lo:hi], src[lo:hi]) })
	}
	wait.Wait()
}
