// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// BenchmarkStock is a training step (forward, backward, RMSprop) of two models with the shapes
// of MNIST: once with Gorgonia's ops, TapeMachine and solver, as in its examples, and once with
// this package's ops and Program. Each convnet uses its library's layout: channels first in
// Gorgonia, channels last here.
//
//	go test -run '^$' -bench Stock ./graph
func BenchmarkStock(b *testing.B) {
	for _, m := range []struct {
		name  string
		build func(b *testing.B, k kit) (cost *Node, learned Nodes)
	}{{"mnist_dense", denseModel}, {"mnist_cnn", convModel}} {
		b.Run(m.name+"/gorgonia", func(b *testing.B) {
			k := stockKit{newModel()}
			cost, learned := m.build(b, k)
			if _, err := gorgonia.Grad(cost, learned...); err != nil {
				b.Fatal(err)
			}
			vm := gorgonia.NewTapeMachine(k.g, gorgonia.BindDualValues(learned...))
			defer vm.Close()
			solver := gorgonia.NewRMSPropSolver(gorgonia.WithLearnRate(1e-3), gorgonia.WithRho(0.9))
			for b.Loop() {
				if err := vm.RunAll(); err != nil {
					b.Fatal(err)
				}
				if err := solver.Step(gorgonia.NodesToValueGrads(learned)); err != nil {
					b.Fatal(err)
				}
				vm.Reset()
			}
		})
		b.Run(m.name+"/reef", func(b *testing.B) {
			cost, learned := m.build(b, reefKit{newModel()})
			grads, err := Grad(cost, learned...)
			if err != nil {
				b.Fatal(err)
			}
			p, err := Compile(append(Nodes{cost}, grads...)...)
			if err != nil {
				b.Fatal(err)
			}
			if err := p.RunAll(); err != nil { // allocates the gradients
				b.Fatal(err)
			}
			var w, g, state [][]float32
			for i, n := range learned {
				w, g = append(w, Floats(n.Value())), append(g, Floats(grads[i].Value()))
				state = append(state, make([]float32, size(n.Shape())))
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := p.RunAll(); err != nil {
					b.Fatal(err)
				}
				for i := range w {
					kernel.RMSprop(w[i], g[i], state[i], nil, nil, 1e-3, 0.9, 0, 1e-7)
				}
			}
		})
	}
}

// kit has the parts of the models, either Gorgonia's or this package's.
type kit interface {
	input(shape ...int) *Node
	images(batch, side int) *Node
	labels(batch, classes int) *Node
	dense(b *testing.B, x *Node, in, out int, relu bool) *Node
	conv(b *testing.B, x *Node, in, out int) *Node // 3 x 3, valid, relu
	pool(b *testing.B, x *Node) *Node              // 2 x 2
	flatten(b *testing.B, x *Node, batch, n int) *Node
	cost(b *testing.B, logits, labels *Node) *Node
	learned() Nodes
}

func denseModel(b *testing.B, k kit) (cost *Node, learned Nodes) {
	h := k.dense(b, k.input(128, 784), 784, 512, true)
	cost = k.cost(b, k.dense(b, h, 512, 10, false), k.labels(128, 10))
	return cost, k.learned()
}

func convModel(b *testing.B, k kit) (cost *Node, learned Nodes) {
	const batch = 64
	h := k.pool(b, k.conv(b, k.images(batch, 28), 1, 32))
	h = k.conv(b, k.pool(b, k.conv(b, h, 32, 64)), 64, 64)
	h = k.dense(b, k.flatten(b, h, batch, 576), 576, 64, true)
	cost = k.cost(b, k.dense(b, h, 64, 10, false), k.labels(batch, 10))
	return cost, k.learned()
}

// model is a graph under construction.
type model struct {
	g       *Graph
	rng     *rand.Rand
	weights Nodes
}

func newModel() *model { return &model{g: New(), rng: rand.New(rand.NewPCG(1, 1))} }

func (m *model) learned() Nodes { return m.weights }

// variable returns a node whose elements are set one by one.
func (m *model) variable(value func() float32, shape ...int) *Node {
	v := make([]float32, size(shape))
	for i := range v {
		v[i] = value()
	}
	t := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
	return gorgonia.NewTensor(m.g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(string(rune('a'+len(m.g.AllNodes())))), gorgonia.WithValue(t))
}

func (m *model) input(shape ...int) *Node { return m.variable(m.rng.Float32, shape...) }

func (m *model) weight(shape ...int) *Node {
	n := m.variable(func() float32 { return float32(m.rng.NormFloat64()) * 0.05 }, shape...)
	m.weights = append(m.weights, n)
	return n
}

func must(b *testing.B) func(n *Node, err error) *Node {
	return func(n *Node, err error) *Node {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
}

type stockKit struct{ *model }

func (k stockKit) images(batch, side int) *Node { return k.input(batch, 1, side, side) }

func (k stockKit) labels(batch, classes int) *Node {
	i := -1
	return k.variable(func() float32 { // one-hot
		if i++; i%classes == i/classes%classes {
			return 1
		}
		return 0
	}, batch, classes)
}

func (k stockKit) dense(b *testing.B, x *Node, in, out int, relu bool) *Node {
	z := must(b)(gorgonia.Mul(x, k.weight(in, out)))
	y := must(b)(gorgonia.BroadcastAdd(z, k.weight(1, out), nil, []byte{0}))
	if relu {
		y = must(b)(gorgonia.Rectify(y))
	}
	return y
}

func (k stockKit) conv(b *testing.B, x *Node, in, out int) *Node {
	z := must(b)(gorgonia.Conv2d(x, k.weight(out, in, 3, 3), tensor.Shape{3, 3}, []int{0, 0}, []int{1, 1}, []int{1, 1}))
	y := must(b)(gorgonia.BroadcastAdd(z, k.weight(1, out, 1, 1), nil, []byte{0, 2, 3}))
	return must(b)(gorgonia.Rectify(y))
}

func (k stockKit) pool(b *testing.B, x *Node) *Node {
	return must(b)(gorgonia.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
}

func (k stockKit) flatten(b *testing.B, x *Node, batch, n int) *Node {
	return must(b)(gorgonia.Reshape(x, tensor.Shape{batch, n}))
}

func (k stockKit) cost(b *testing.B, logits, labels *Node) *Node {
	p := must(b)(gorgonia.SoftMax(logits))
	l := must(b)(gorgonia.HadamardProd(must(b)(gorgonia.Log(p)), labels))
	return must(b)(gorgonia.Neg(must(b)(gorgonia.Mean(must(b)(gorgonia.Sum(l, 1))))))
}

type reefKit struct{ *model }

func (k reefKit) images(batch, side int) *Node { return k.input(batch, side, side, 1) }

func (k reefKit) labels(batch, classes int) *Node {
	i := -1
	return k.variable(func() float32 { i++; return float32(i % classes) }, batch)
}

func (k reefKit) dense(b *testing.B, x *Node, in, out int, relu bool) *Node {
	act := Act(Linear)
	if relu {
		act = Act(ReLU)
	}
	return must(b)(Dense(x, k.weight(in, out), k.weight(out), act))
}

func (k reefKit) conv(b *testing.B, x *Node, in, out int) *Node {
	return must(b)(Conv(x, k.weight(3, 3, in, out), k.weight(out), ConvSpec{}, Act(ReLU)))
}

func (k reefKit) pool(b *testing.B, x *Node) *Node {
	return must(b)(MaxPool(x, PoolSpec{Size: [3]int{2, 2}, Stride: [3]int{2, 2}}))
}

func (k reefKit) flatten(b *testing.B, x *Node, _, _ int) *Node { return must(b)(Flatten(x)) }

func (k reefKit) cost(b *testing.B, logits, labels *Node) *Node {
	return must(b)(Mean(must(b)(SparseSoftmaxCrossEntropy(logits, labels))))
}
