// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// layouts returns tensors of shape (2, 3) in every possible memory layout; want is empty for
// those that are effectively row-major.
func layouts() map[string]struct {
	t    *tensor.Dense
	want string
} {
	countNonzero := func(shape ...int) *tensor.Dense {
		v := make([]float32, size(shape))
		for i := range v {
			v[i] = float32(i)
		}
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
	}
	cut := func(t *tensor.Dense, slices ...tensor.Slice) *tensor.Dense {
		v, err := t.Slice(slices...)
		if err != nil {
			panic(err)
		}
		return v.(*tensor.Dense)
	}
	lazy, moved, masked := countNonzero(3, 2), countNonzero(3, 2), countNonzero(2, 3)
	for _, err := range []error{lazy.T(), moved.T(), moved.Transpose(), masked.MaskedEqual(float32(2))} {
		if err != nil {
			panic(err)
		}
	}
	return map[string]struct {
		t    *tensor.Dense
		want string
	}{
		"row-major":         {countNonzero(2, 3), ""},
		"column-major":      {tensor.New(tensor.WithShape(2, 3), tensor.AsFortran([]float32{0, 1, 2, 3, 4, 5})), "is column-major (strides [1 2]), want row-major"},
		"transposed":        {lazy, "is a transposed view (strides [1 2])"},
		"transposed, moved": {moved, ""},
		"columns":           {cut(countNonzero(2, 4), nil, gorgonia.S(1, 4)), "is not contiguous (strides [4 1])"},
		"rows":              {cut(countNonzero(4, 3), gorgonia.S(1, 3)), ""},
		"every second row":  {cut(countNonzero(4, 3), gorgonia.S(0, 4, 2)), "is not contiguous (strides [6 1])"},
		"masked":            {masked, "the tensor is masked"},
		"float64":           {tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{0, 1, 2, 3, 4, 5})), "value is float64, want float32"},
		"ints":              {tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]int{0, 1, 2, 3, 4, 5})), "value is int, want float32"},
	}
}

// TestLayouts binds tensors of all layouts, with Let, bypassing Let, and as constants: either
// the op sees the elements at the right indices, or there is an error.
func TestLayouts(t *testing.T) {
	for name, l := range layouts() {
		for _, way := range []string{"let", "past let", "constant"} {
			if l.t.Dtype() != Float32 && way != "let" {
				continue // which Gorgonia rejects
			}
			g := New()
			x, err := Input(g, Float32, "x", 2, 3)
			if err != nil {
				t.Fatal(err)
			}
			switch way {
			case "let":
				err = Let(x, l.t)
			case "past let":
				err = gorgonia.Let(x, l.t)
			default:
				if err = Let(x, newValue(Float32, Shape{2, 3})); err == nil {
					x, err = Add(x, gorgonia.NewConstant(l.t))
				}
			}
			var y *Node
			var p *Program
			if err == nil {
				y, err = Scale(x, 2)
			}
			if err == nil {
				p, err = Compile(y)
			}
			if err == nil {
				err = p.RunAll()
			}
			if l.want != "" {
				if err == nil || !strings.Contains(err.Error(), l.want) {
					t.Errorf("%s, %s: got %v, want %q", name, way, err, l.want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for i, got := range Floats(y.Value()) {
				at, _ := l.t.At(i/3, i%3)
				if got != 2*at.(float32) {
					t.Errorf("%s: got %v, want twice %v", name, Floats(y.Value()), l.t)
					break
				}
			}
		}
	}
}

// TestTransposedAfterLet transposes a tensor after it has been bound.
func TestTransposedAfterLet(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 2)
	y, _ := Scale(x, 1)
	p, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	v := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 2, 3, 4}))
	if err := Let(x, v); err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if err := v.T(); err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err == nil || !strings.Contains(err.Error(), "transposed") {
		t.Errorf("got %v, want an error about the transposed tensor", err)
	}
}

// TestScalarTensor: a tensor of rank 0 is read again on each run.
func TestScalarTensor(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x")
	y, _ := Scale(x, 2)
	p, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	v := tensor.New(tensor.FromScalar(float32(3)))
	if err := Let(x, v); err != nil {
		t.Fatal(err)
	}
	for _, value := range []float32{3, 5} {
		v.Float32s()[0] = value
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		if got := Floats(y.Value())[0]; got != 2*value {
			t.Errorf("got %v, want %v", got, 2*value)
		}
	}
}

// TestLayoutsOfForeignOps: Gorgonia's ops return tensors that are transposed without being
// moved, both as inputs of other ops and as roots.
func TestLayoutsOfForeignOps(t *testing.T) {
	for _, dt := range []Dtype{Float32, Float64} {
		g := New()
		x, _ := Input(g, dt, "x", 2, 3)
		if err := Let(x, valueOf(dt, []float64{0, 1, 2, 3, 4, 5}, 2, 3)); err != nil {
			t.Fatal(err)
		}
		turned, err := gorgonia.Transpose(x, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := gorgonia.Slice(x, nil, gorgonia.S(1, 3))
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			n    *Node
			want []float64
		}{"transposed": {turned, []float64{0, 3, 1, 4, 2, 5}}, "columns": {columns, []float64{1, 2, 4, 5}}} {
			same, err := Scale(test.n, 1)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(test.n, same)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.RunAll(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for what, v := range map[string]Value{"root": test.n.Value(), "op": same.Value()} {
				for i, want := range test.want {
					var got float64
					if dt == Float32 {
						got = float64(data[float32](v)[i])
					} else {
						got = data[float64](v)[i]
					}
					if got != want {
						t.Errorf("%v, %s, %s: value %d is %v, want %v", dt, name, what, i, got, want)
					}
				}
			}
		}
	}
}
