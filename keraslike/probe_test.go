// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// What the tests of known values measure with, all of it through the public
// interfaces: a layer whose weight has the gradient of the layer's input, a loss
// that is linear, an optimizer that records gradients instead of using them.

// probe adds a weight of zeros to one sample: the weight's gradient is the
// gradient of the input.
type probe struct{}

func (probe) Kind() string { return "Probe" }

func (probe) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	b.Weight("x", keraslike.Zeros(), keraslike.Regularizer{}, in[0]...)
	return in[0], nil
}

func (probe) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	x := s.Do(graph.Reshape(s.Weight("x"), in[0].Shape()...)) // a batch of one
	return s.Do(graph.Add(in[0], x))
}

// weighted is the loss Σ target·prediction, whose gradient is the target.
type weighted struct{}

func (weighted) Name() string { return "weighted" }

func (weighted) Target(p keraslike.Shape) (keraslike.Shape, error) { return p, nil }

func (weighted) Rows(p, _, target *graph.Node) (*graph.Node, error) {
	product, err := graph.Mul(p, target)
	if err != nil {
		return nil, err
	}
	return graph.Sum(product)
}

// recorder is an optimizer that leaves the weights alone and keeps a copy of
// every gradient, in the order of the trainable weights.
type recorder struct{ gradients [][]float32 }

func (*recorder) Name() string    { return "recorder" }
func (*recorder) Check() error    { return nil }
func (*recorder) Rate() float64   { return 1 }
func (*recorder) Slots() []string { return nil }

func (r *recorder) Update(_, g []float32, _ [][]float32, _ int, _ float64) {
	r.gradients = append(r.gradients, slices.Clone(g))
}

// probed is a compiled model of a probe followed by the layers.
func probed(t *testing.T, loss keraslike.Loss, shape []int, layers ...keraslike.Part) (*keraslike.Model, *recorder) {
	t.Helper()
	parts := append([]keraslike.Part{keraslike.Input(shape...), keraslike.Custom(probe{})}, layers...)
	m, r := keraslike.Sequential("known values", parts...), &recorder{}
	if err := m.Compile(r, loss); err != nil {
		t.Fatal(err)
	}
	return m, r
}

// differentiate puts one sample x through a probed model and returns the loss,
// its gradient by x and the output.
func differentiate(t *testing.T, m *keraslike.Model, r *recorder, x, target golden.Array) (value float64, dx, y []float32) {
	t.Helper()
	h, err := m.Fit(t.Context(), dataOf(t, batchOfOne(x), batchOfOne(target)))
	if err != nil {
		t.Fatal(err)
	}
	value = h.Last("loss")
	out, err := m.Predict(keraslike.ArrayOf(batchOfOne(x)))
	if err != nil {
		t.Fatal(err)
	}
	return value, r.gradients[0], out.Values()
}

func batchOfOne(a golden.Array) *tensor.Dense {
	return tensor.New(tensor.WithShape(append([]int{1}, a.Shape...)...), tensor.WithBacking(a.Float32()))
}

func tensorOf(shape []int, values []float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
}

func dataOf(t testing.TB, x, y *tensor.Dense) keraslike.Source {
	t.Helper()
	d, err := keraslike.Data(keraslike.ArrayOf(x), keraslike.ArrayOf(y))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func setWeight(t testing.TB, m *keraslike.Model, path string, values []float32) {
	t.Helper()
	w, err := m.Weight(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Set(values); err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless err holds all the parts.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}
