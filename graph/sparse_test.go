// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// bindTo binds a float32 tensor of the node's shape.
func bindTo(t *testing.T, n *Node, v []float32) {
	t.Helper()
	if err := Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(v))); err != nil {
		t.Fatal(err)
	}
}

func TestGradientOfEmbedding(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	ids := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{0, 4, 0, 2, 2, 1}))
	report, err := CheckGradient(func(in Nodes) (*Node, error) { return Embedding(in[0], in[1]) },
		[]*tensor.Dense{ids, random(rng, 5, 3)}, Fixed(0))
	if err != nil {
		t.Fatal(err)
	}
	if report.Error > 1e-6 {
		t.Error(report)
	}
}

// embeddingGradient computes d(Σ y²)/d table; another reader of the gradient makes it dense.
func embeddingGradient(t *testing.T, read bool) *Node {
	t.Helper()
	g := New()
	ids, _ := Input(g, Float32, "ids", 2, 3)
	table, _ := Input(g, Float32, "table", 5, 2)
	y, err := Embedding(ids, table)
	if err != nil {
		t.Fatal(err)
	}
	y, _ = Mul(y, y)
	cost, _ := Sum(y)
	grads, err := Grad(cost, table)
	if err != nil {
		t.Fatal(err)
	}
	roots := Nodes{grads[0]}
	if read {
		s, _ := Sum(grads[0])
		roots = append(roots, s)
	}
	p, err := Compile(roots...)
	if err != nil {
		t.Fatal(err)
	}
	bindTo(t, ids, []float32{0, 4, 0, 2, 2, 4})
	bindTo(t, table, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	return grads[0]
}

func TestSparseGradient(t *testing.T) {
	rows, ok := embeddingGradient(t, false).Value().(*RowSparse)
	if !ok {
		t.Fatal("the gradient of an embedding is not *RowSparse")
	}
	if want := []int32{0, 2, 4}; !slices.Equal(rows.Index, want) {
		t.Errorf("rows %v, want %v", rows.Index, want)
	}
	full := Floats(embeddingGradient(t, true).Value())
	for i, r := range rows.Index {
		if got, want := rows.Values()[2*i:2*i+2], full[2*r:2*r+2]; !slices.Equal(got, want) {
			t.Errorf("row %d: got %v, want %v", r, got, want)
		}
	}
}

// TestSparseGradientOutlivesTheRun: rows are summed when read, after later instructions have
// reused all free memory.
func TestSparseGradientOutlivesTheRun(t *testing.T) {
	for _, dim := range []int{3, 64} { // for longer rows, the lookup builds the index
		outlivesTheRun(t, dim)
	}
}

func outlivesTheRun(t *testing.T, dim int) {
	const texts, steps, words, units = 4, 6, 9, 5
	rng := rand.New(rand.NewPCG(2, 2))
	random := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	idValues := make([]float32, texts*steps)
	for i := range idValues {
		idValues[i] = float32(rng.IntN(words))
	}
	tableValues, wValues := random(words*dim), random(steps*dim*units)
	run := func(asRows bool) []float32 {
		g := New()
		ids, _ := Input(g, Float32, "ids", texts, steps)
		table, _ := Input(g, Float32, "table", words, dim)
		w, _ := Input(g, Float32, "w", steps*dim, units)
		x, err := Embedding(ids, table)
		if err != nil {
			t.Fatal(err)
		}
		x, _ = Flatten(x)
		y, err := Dense(x, w, nil, Act(Tanh))
		if err != nil {
			t.Fatal(err)
		}
		cost, _ := Sum(y)
		grads, err := Grad(cost, table, w)
		if err != nil {
			t.Fatal(err)
		}
		later, err := MatMul(grads[1], grads[1], Transposed(false, true))
		if err != nil {
			t.Fatal(err)
		}
		roots := Nodes{grads[0], later}
		if !asRows {
			s, _ := Sum(grads[0])
			roots = append(roots, s)
		}
		p, err := Compile(roots...)
		if err != nil {
			t.Fatal(err)
		}
		bindTo(t, ids, idValues)
		bindTo(t, table, tableValues)
		bindTo(t, w, wValues)
		for range 2 {
			if err := p.RunAll(); err != nil {
				t.Fatal(err)
			}
		}
		rows, ok := grads[0].Value().(*RowSparse)
		if ok != asRows {
			t.Fatalf("the gradient is %T", grads[0].Value())
		}
		if !ok {
			return Floats(grads[0].Value())
		}
		full, parts := make([]float32, words*dim), make([]float32, words*dim)
		for i, r := range rows.Index {
			copy(full[int(r)*dim:], rows.Values()[i*dim:(i+1)*dim])
		}
		rows.Each(func(index []int32, values []float32) {
			for i, r := range index {
				copy(parts[int(r)*dim:], values[i*dim:(i+1)*dim])
			}
		})
		if !slices.Equal(full, parts) {
			t.Errorf("part by part: %v, at once: %v", parts, full)
		}
		return full
	}
	if rows, dense := run(true), run(false); !slices.Equal(rows, dense) {
		t.Errorf("rows: %v, dense: %v", rows, dense)
	}
}

func TestEmbeddingErrors(t *testing.T) {
	g := New()
	ids, _ := Input(g, Float32, "ids", 2, 2)
	table, _ := Input(g, Float32, "table", 3, 1)
	y, err := Embedding(ids, table)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	bindTo(t, table, make([]float32, 3))
	for _, bad := range []float32{-1, 3, 0.5} {
		bindTo(t, ids, []float32{0, 1, bad, 2})
		if err := p.RunAll(); err == nil || !strings.Contains(err.Error(), "want an integer from 0 to 2") {
			t.Errorf("id %v: got %v", bad, err)
		}
	}
}

// TestSparseInput binds the same batch as a dense and as a sparse matrix.
func TestSparseInput(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 3, 6)
	w, _ := Input(g, Float32, "w", 6, 4)
	b, _ := Input(g, Float32, "b", 4)
	y, err := Dense(x, w, b, Act(ReLU))
	if err != nil {
		t.Fatal(err)
	}
	cost, _ := Sum(y)
	grads, err := Grad(cost, w)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(y, grads[0])
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []*Node{w, b} {
		v := make([]float32, size(n.Shape()))
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		bindTo(t, n, v)
	}
	csr := NewCSR(3, 6)
	csr.Indptr, csr.Cols = []int32{0, 2, 2, 5}, []int32{1, 4, 0, 1, 5}
	dense := tensor.New(tensor.WithShape(3, 6), tensor.WithBacking([]float32{0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1}))
	var got [2][2][]float32
	for i, v := range []Value{dense, csr} {
		if err := Let(x, v); err != nil {
			t.Fatal(err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		got[i] = [2][]float32{slices.Clone(Floats(y.Value())), slices.Clone(Floats(grads[0].Value()))}
	}
	for k, name := range []string{"output", "gradient of w"} {
		for j, want := range got[0][k] {
			if d := got[1][k][j] - want; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s %d: sparse %g, dense %g", name, j, got[1][k][j], want)
			}
		}
	}
	h, err := Activate(x, Act(Tanh))
	if err != nil {
		t.Fatal(err)
	}
	if p, err = Compile(h); err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err == nil || !strings.Contains(err.Error(), "want a dense tensor") {
		t.Errorf("tanh of a sparse matrix: got %v", err)
	}
}
