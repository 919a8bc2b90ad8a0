// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// net is a small classifier with everything that a training step has: dense layers, dropout,
// a penalty, a fused loss. Weights and data come from a fixed seed.
type net struct {
	x, labels, cost, out *Node
	weights, grads       Nodes
	rng                  *Random
}

const netBatch, netIn, netHidden, netClasses = 16, 10, 12, 5

func newNet(t testing.TB) *net {
	t.Helper()
	m := &net{rng: &Random{Key: 11}}
	g := New()
	rng := rand.New(rand.NewPCG(8, 9))
	must := func(n *Node, err error) *Node {
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	weight := func(name string, shape ...int) *Node {
		n := must(Input(g, Float32, name, shape...))
		v := make([]float32, size(shape))
		for i := range v {
			v[i] = float32(rng.NormFloat64() / 3)
		}
		if err := Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))); err != nil {
			t.Fatal(err)
		}
		m.weights = append(m.weights, n)
		return n
	}
	m.x = must(Input(g, Float32, "x", netBatch, 2, netIn/2))
	m.labels = must(Input(g, Float32, "labels", netBatch))
	w1, b1 := weight("fc1/kernel", netIn, netHidden), weight("fc1/bias", netHidden)
	w2, b2 := weight("fc2/kernel", netHidden, netClasses), weight("fc2/bias", netClasses)
	h := must(Dense(must(Flatten(m.x)), w1, b1, Act(ReLU)))
	h = must(Dropout(h, 0.25, m.rng, 1))
	h = must(Add(h, must(Activate(h, Act(Tanh)))))
	z := must(Dense(h, w2, b2, Act(Linear)))
	m.out = must(Softmax(z))
	loss := must(Mean(must(SparseSoftmaxCrossEntropy(z, m.labels))))
	m.cost = must(Add(loss, must(L2(w1, 1e-3))))
	m.weights = Nodes{w1, b1, w2, b2}
	grads, err := Grad(m.cost, m.weights...)
	if err != nil {
		t.Fatal(err)
	}
	m.grads = grads
	return m
}

// bindBatch binds batch k of a fixed sequence.
func (m *net) bindBatch(t testing.TB, k int) {
	rng := rand.New(rand.NewPCG(77, uint64(k)))
	x, y := make([]float32, netBatch*netIn), make([]float32, netBatch)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for i := range y {
		y[i] = float32(rng.IntN(netClasses))
	}
	for n, v := range map[*Node][]float32{m.x: x, m.labels: y} {
		if err := Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(v))); err != nil {
			t.Fatal(err)
		}
	}
}

// train runs gradient descent for some steps on any of Gorgonia's machines.
func (m *net) train(t *testing.T, vm gorgonia.VM, steps int) (losses []float64) {
	for k := range steps {
		m.bindBatch(t, k)
		m.rng.Step = uint64(k)
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, float64(Floats(m.cost.Value())[0]))
		for i, w := range m.weights {
			v, g := Floats(w.Value()), Floats(m.grads[i].Value())
			for j := range v {
				v[j] -= 0.3 * g[j]
			}
		}
		vm.Reset()
	}
	return losses
}

// TestTapeMachineAgrees trains a model on Gorgonia's own machine and on a Program: the loss
// curves must agree.
func TestTapeMachineAgrees(t *testing.T) {
	a := newNet(t)
	p, err := Compile(append(Nodes{a.cost}, a.grads...)...)
	if err != nil {
		t.Fatal(err)
	}
	ours := a.train(t, p, 30)
	b := newNet(t)
	tape := gorgonia.NewTapeMachine(b.cost.Graph())
	defer tape.Close()
	theirs := b.train(t, tape, 30)
	for i := range ours {
		if d := math.Abs(ours[i] - theirs[i]); !(d <= 1e-5*math.Abs(theirs[i])) {
			t.Errorf("step %d: loss %.8g on a Program, %.8g on TapeMachine", i, ours[i], theirs[i])
		}
	}
	if ours[29] > 0.9*ours[0] {
		t.Errorf("loss went from %g to %g: the model does not learn, so the curves prove nothing", ours[0], ours[29])
	}
}

func TestProgramPrunesAndPlans(t *testing.T) {
	m := newNet(t)
	p, err := Compile(append(Nodes{m.cost, m.out}, m.grads...)...)
	if err != nil {
		t.Fatal(err)
	}
	gradientOfData := func(n *Node) bool {
		return n.Op() != nil && n.Op().String() == matMulOp(false, true).name && equal(n.Shape(), Shape{netBatch, netIn})
	}
	if !slices.ContainsFunc(m.cost.Graph().AllNodes(), gradientOfData) {
		t.Fatal("Grad no longer builds the gradient of the data: this test has lost its point")
	}
	for _, s := range p.slots {
		if gradientOfData(s.node) {
			t.Error("the gradient of the data is computed although no root depends on it")
		}
	}
	if mem := p.Memory(); mem.Planned >= mem.Naive {
		t.Errorf("plan needs %d bytes, %d without reuse: nothing is shared", mem.Planned, mem.Naive)
	}
}

// TestProgramRepeats runs a Program many times with memory reuse and compares with a Program
// that keeps every value.
func TestProgramRepeats(t *testing.T) {
	m := newNet(t)
	roots := append(Nodes{m.cost, m.out}, m.grads...)
	p, err := Compile(roots...)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 3 {
		m.bindBatch(t, k)
		m.rng.Step = uint64(k)
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		var got [][]float32
		for _, r := range roots {
			got = append(got, append([]float32(nil), Floats(r.Value())...))
		}
		all, err := Compile(m.cost.Graph().ExactSubgraphRoots(roots...).AllNodes()...) // every node is a root: no reuse
		if err != nil {
			t.Fatal(err)
		}
		if err := all.RunAll(); err != nil {
			t.Fatal(err)
		}
		for i, r := range roots {
			for j, v := range Floats(r.Value()) {
				if got[i][j] != v {
					t.Fatalf("run %d, root %d (%v), element %d: %g with reused memory, %g without", k, i, r, j, got[i][j], v)
				}
			}
		}
	}
}

func TestProgramAllocatesNothing(t *testing.T) {
	m := newNet(t)
	p, err := Compile(append(Nodes{m.cost}, m.grads...)...)
	if err != nil {
		t.Fatal(err)
	}
	m.bindBatch(t, 0)
	run := func() {
		m.rng.Step++
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(50, run); n != 0 {
		t.Errorf("a training step allocates %v times, want 0", n)
	}
}

// TestPlanReusesMemory: in a chain of ops that cannot work in place, two values are live at a
// time.
func TestPlanReusesMemory(t *testing.T) {
	x, err := Input(New(), Float32, "x", 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if x, err = Flip(x, 1); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Compile(x)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Memory(), (Memory{Planned: 2 * 1024, Naive: 10 * 1024}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProgramErrors(t *testing.T) {
	m := newNet(t)
	p, err := Compile(m.cost)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err == nil || !strings.Contains(err.Error(), `no value is bound to "x"`) {
		t.Errorf("unbound input: got %v", err)
	}
	m.bindBatch(t, 0)
	Floats(m.labels.Value())[3] = netClasses
	err = p.RunAll()
	var op *OpError
	if !errors.As(err, &op) || !strings.Contains(err.Error(), "row 3: label is 5, want an integer from 0 to 4") {
		t.Errorf("label out of range: got %v", err)
	}
	if _, err := Compile(); err == nil {
		t.Error("Compile without roots: no error")
	}
	if _, err := Compile(m.cost, nil); err == nil {
		t.Error("Compile of nil: no error")
	}
	if err := WriteDOT(io.Discard, "nothing", nil); err == nil {
		t.Error("a drawing of nothing: no error")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.RunAll(); err == nil || !strings.Contains(err.Error(), "was closed") {
		t.Errorf("run of a closed program: got %v", err)
	}
	if _, err := Compile(m.cost, newNet(t).cost); err == nil || !strings.Contains(err.Error(), "another graph") {
		t.Errorf("Compile of two graphs: got %v", err)
	}
}

func TestShapeErrors(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 3)
	w, _ := Input(g, Float32, "w", 4, 5)
	v, _ := Input(g, Float32, "v", 4)
	for name, c := range map[string]struct {
		build func() (*Node, error)
		want  string
	}{
		"dense":   {func() (*Node, error) { return Dense(x, w, nil, Act(ReLU)) }, "input has 3 features, kernel was made for 4"},
		"rank":    {func() (*Node, error) { return Dense(v, w, nil, Act(ReLU)) }, "input 0 has shape (4) of rank 1, want rank 2"},
		"matmul":  {func() (*Node, error) { return MatMul(x, w) }, "inner dimensions are 3 and 4"},
		"add":     {func() (*Node, error) { return Add(x, w) }, "input 1 of shape (4, 5) does not broadcast with (2, 3): axis 0 has length 4, want 1 or 2"},
		"reshape": {func() (*Node, error) { return Reshape(x, 4, 2) }, "6 elements do not fit shape (4, 2) of 8"},
		"rate":    {func() (*Node, error) { return Dropout(x, 1, &Random{}, 0) }, "rate is 1, want 0 <= rate < 1"},
		"loss":    {func() (*Node, error) { return MeanSquaredError(x, w) }, "prediction has shape (2, 3), target (4, 5)"},
		"nil":     {func() (*Node, error) { return Softmax(nil) }, "input 0 is nil"},
		"flatten": {func() (*Node, error) { return Flatten(nil) }, "input 0 is nil"},
		"sparse":  {func() (*Node, error) { return SparseSoftmaxCrossEntropy(x, v) }, "logits have shape (2, 3), labels (4), want (2)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.build()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Input(g, Float32, "x", 2, 3); err == nil {
		t.Error("a second input named x: no error")
	}
	if _, err := Input(g, Float32, "z", -1); err == nil {
		t.Error("an input with a negative axis: no error")
	}
	if err := Let(v, tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(4, 1))); err == nil {
		t.Error("a column matrix bound to a vector: no error")
	}
}

func BenchmarkStep(b *testing.B) {
	m := newNet(b)
	p, err := Compile(append(Nodes{m.cost}, m.grads...)...)
	if err != nil {
		b.Fatal(err)
	}
	m.bindBatch(b, 0)
	if err := p.RunAll(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.rng.Step++
		if err := p.RunAll(); err != nil {
			b.Fatal(err)
		}
	}
}
