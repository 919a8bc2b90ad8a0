// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// Known values are in testdata/NAME.json, written by testdata/NAME.py beside it.

func loadKnown(t *testing.T, name string, cases any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(b, cases)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// number is a float64 that may be written as a text.
type number float64

func (n *number) UnmarshalJSON(b []byte) (err error) {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*n = number(f)
	return err
}

// valuesOf returns the elements of a value of any type as float64.
func valuesOf(v Value) (list []float64) {
	switch v.Dtype() {
	case Float32:
		for _, x := range data[float32](v) {
			list = append(list, float64(x))
		}
	case Float64:
		list = slices.Clone(data[float64](v))
	case Int64:
		for _, x := range data[int64](v) {
			list = append(list, float64(x))
		}
	case Bool:
		for _, x := range data[bool](v) {
			f := 0.0
			if x {
				f = 1
			}
			list = append(list, f)
		}
	}
	return list
}

func compareNumbers(t *testing.T, what string, got []float64, want []number, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if g, w := got[i], float64(w); g != w && !(g != g && w != w) && !(math.Abs(g-w) <= tolerance*(1+math.Abs(w))) {
			t.Errorf("%s: element %d is %v, want %v", what, i, g, w)
		}
	}
}

// knownTensor returns the numbers as a tensor of the type.
func knownTensor(list []number, dt Dtype, shape []int) *tensor.Dense {
	d := tensor.New(tensor.Of(dt), tensor.WithShape(shape...))
	for i, v := range list {
		switch dt {
		case Float32:
			d.Float32s()[i] = float32(v)
		case Float64:
			d.Float64s()[i] = float64(v)
		case Int64:
			d.Int64s()[i] = int64(v)
		case Bool:
			d.Bools()[i] = v != 0
		}
	}
	return d
}

// knownInputs returns inputs of the types with the numbers.
func knownInputs(t *testing.T, g *Graph, inputs [][]number, shapes [][]int, dtype func(k int) Dtype) (in Nodes) {
	t.Helper()
	for k, shape := range shapes {
		n, err := Input(g, dtype(k), fmt.Sprint("x", k), shape...)
		if err == nil {
			err = Let(n, knownTensor(inputs[k], dtype(k), shape))
		}
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, n)
	}
	return in
}

// checkKnown compares the value of y and, unless r is nil, the gradients of sum(r·y) with respect to the
// inputs whose wanted gradient is not nil.
func checkKnown(t *testing.T, what string, y *Node, shape []int, want []number, in Nodes, r []number, grads [][]number, tolerance float64) {
	t.Helper()
	if !equal(y.Shape(), shape) {
		t.Errorf("%s has the shape %v, want %v", what, y.Shape(), shape)
		return
	}
	outs := Nodes{y}
	wants := [][]number{want}
	if r != nil {
		var to Nodes
		for k, grad := range grads {
			if grad != nil {
				to, wants = append(to, in[k]), append(wants, grad)
			}
		}
		var try Try
		cost := try.Do(Sum(try.Do(Mul(y, try.Do(Constant(y.Graph(), knownTensor(r, y.Dtype(), shape)))))))
		if try.Err() != nil {
			t.Fatal(what, try.Err())
		}
		gradients, err := Grad(cost, to...)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		outs = append(outs, gradients...)
	}
	p, err := Compile(outs...)
	if err == nil {
		err = p.RunAll()
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	for k, n := range outs {
		if k > 0 {
			compareNumbers(t, fmt.Sprint(what, ", gradient ", k), valuesOf(n.Value()), wants[k], 4*tolerance)
			continue
		}
		compareNumbers(t, what, valuesOf(n.Value()), want, tolerance)
	}
}
