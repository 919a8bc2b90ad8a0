// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestPassesKeepValues runs every op and one pair of ops in five, with their gradients, without any passes
// and with all; REEF_FULL=1 takes all pairs.
func TestPassesKeepValues(t *testing.T) {
	t.Parallel()
	ops, count := chainOps(), 0
	for _, a := range ops {
		for _, rank := range a.ranks {
			c, err := newChain(Float32, small[rank], a)
			if err != nil {
				t.Fatal(err)
			}
			checkPasses(t, small[rank], a)
			between := fmt.Sprint(len(c.out.Shape()))
			for _, b := range ops {
				if !strings.Contains(b.ranks, between) || b.takesP || a.takesP {
					continue
				}
				if count++; count%pairStride() == 0 {
					checkPasses(t, small[rank], a, b)
				}
			}
		}
	}
}

func checkPasses(t *testing.T, shape []int, ops ...unary) {
	t.Helper()
	var name string
	for _, o := range ops {
		name += o.name + " "
		if o.takesP {
			return
		}
	}
	c, err := newChain(Float32, shape, ops...)
	if err == nil {
		err = c.differentiate()
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var want [][]float32
	for _, w := range []Passes{AllPasses, 0} {
		p, err := CompileOptions{Without: w}.Compile(append(Nodes{c.out}, c.roots()...)...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatalf("%s without %b: %v", name, w, err)
		}
		for k := range p.roots {
			got := slices.Clone(p.Floats(k))
			if w == AllPasses {
				want = append(want, got)
				continue
			}
			for i := range got {
				if d := math.Abs(float64(got[i] - want[k][i])); !(d <= 1e-4*(1+math.Abs(float64(want[k][i])))) {
					t.Errorf("%s of %v: root %d, element %d is %v with all passes, %v without any", name, shape, k, i, got[i], want[k][i])
					break
				}
			}
		}
	}
}

// TestSimplify looks at what is left of expressions that can be written shorter.
func TestSimplify(t *testing.T) {
	type do = func(*Node, error) *Node
	for _, test := range []struct {
		name  string
		build func(do do, x *Node) *Node
		want  string // the steps
	}{
		{"times one", func(do do, x *Node) *Node { return do(Sin(do(Mul(x, do(Scalar(x, 1)))))) }, "sin"},
		{"plus zero", func(do do, x *Node) *Node { return do(Sin(do(Add(do(Scalar(x, 0)), x)))) }, "sin"},
		{"scale by one", func(do do, x *Node) *Node { return do(Sin(do(Scale(x, 1)))) }, "sin"},
		{"minus minus", func(do do, x *Node) *Node { return do(Sin(do(Neg(do(Neg(x)))))) }, "sin"},
		{"two transposes", func(do do, x *Node) *Node { return do(Sin(do(Transpose(do(Transpose(x, 1, 2, 0)), 2, 0, 1)))) }, "sin"},
		{"three transposes", func(do do, x *Node) *Node {
			return do(Transpose(do(Transpose(do(Transpose(x, 1, 2, 0)), 1, 2, 0)), 0, 2, 1))
		}, "transpose"},
		{"reshapes", func(do do, x *Node) *Node { return do(Sin(do(Reshape(do(Reshape(x, 24)), 2, 3, 4)))) }, "sin"},
		{"broadcast", func(do do, x *Node) *Node { return do(Sin(do(BroadcastTo(x, 2, 3, 4)))) }, "sin"},
		{"log softmax", func(do do, x *Node) *Node { return do(Log(do(Softmax(x)))) }, "log"},
		{"constants", func(do do, x *Node) *Node {
			two := do(Scalar(x, 2))
			return do(Mul(x, do(Exp(do(Add(two, two))))))
		}, "mul"},
		{"chain", func(do do, x *Node) *Node { return do(Sqrt(do(Affine(do(Square(do(Sin(x)))), 1, 1)))) },
			"sin + square + affine{scale=1,shift=1} + sqrt"},
		{"compare", func(do do, x *Node) *Node { return do(Where(do(Less(x, do(Scalar(x, 0)))), do(Neg(x)), x)) }, "less + neg + where"},
	} {
		g := New()
		x, err := Input(g, Float32, "x", 2, 3, 4)
		if err != nil {
			t.Fatal(err)
		}
		var try Try
		y := test.build(try.Do, x)
		if try.Err() != nil {
			t.Fatalf("%s: %v", test.name, try.Err())
		}
		s, err := StepsOf(nil, y)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, step := range s.List {
			name := step.Op
			if len(s.List) == 1 && !strings.Contains(name, " + ") && test.name != "chain" {
				name, _, _ = strings.Cut(name, "{")
			}
			names = append(names, name)
		}
		if got := strings.Join(names, "; "); got != test.want {
			t.Errorf("%s: the steps are %q, want %q", test.name, got, test.want)
		}
	}
}

// TestFusedAllocatesNothing runs a chain with broadcast operands and conditions.
func TestFusedAllocatesNothing(t *testing.T) {
	g := New()
	var try Try
	do := try.Do
	x := do(Input(g, Float32, "x", 100, 130))
	row := do(Input(g, Float32, "row", 130))
	column := do(Input(g, Float32, "column", 100, 1))
	y := do(Where(do(Less(x, column)), do(Mul(do(Exp(x)), row)), do(Add(x, row))))
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	for _, n := range []*Node{x, row, column} {
		values := make([]float32, size(n.Shape()))
		for i := range values {
			values[i] = float32(i%17)/8 - 1
		}
		if err := LetFloats(n, values); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.instructions) != 1 {
		t.Errorf("%d instructions", len(p.instructions))
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(20, func() {
		if err := p.RunAll(); err != nil {
			t.Error(err)
		}
	}); allocs > 0 {
		t.Errorf("a run allocates %v times", allocs)
	}
	in := [3][]float32{Floats(x.Value()), Floats(row.Value()), Floats(column.Value())}
	for i, got := range p.Floats(0) {
		v, r := in[0][i], in[1][i%130]
		want := v + r
		if v < in[2][i/130] {
			want = float32(math.Exp(float64(v))) * r
		}
		if math.Abs(float64(got-want)) > 1e-5 {
			t.Fatalf("element %d is %v, want %v", i, got, want)
		}
	}
}
