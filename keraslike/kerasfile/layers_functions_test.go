// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// TestFunctions compares models with functions of keras.ops with Keras, whose script is
// testdata/make_functions.py, and saves and loads them.
func TestFunctions(t *testing.T) {
	raw, err := os.ReadFile("testdata/functions.json")
	if err != nil {
		t.Fatal(err)
	}
	type array struct {
		Shape  []int
		Values []float32
	}
	var cases []struct {
		Name   string
		Model  json.RawMessage
		Inputs []array
		Output array
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			m, _, err := modelOf(&kerash5.File{Config: c.Model, KerasVersion: "3.15.0"}, 0, "file", loadSettings{})
			if err != nil {
				t.Fatal(err)
			}
			var inputs []*k.Array
			for _, a := range c.Inputs {
				x, err := k.NewArray(a.Values, a.Shape...)
				if err != nil {
					t.Fatal(err)
				}
				inputs = append(inputs, x)
			}
			var file bytes.Buffer
			if err := m.SaveTo(&file); err != nil {
				t.Fatal(err)
			}
			again, err := k.LoadBytes(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*k.Model{m, again} {
				y, err := m.Predict(inputs...)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(y.Shape(), c.Output.Shape) {
					t.Fatalf("shape is %v, want %v", y.Shape(), c.Output.Shape)
				}
				for i, want := range c.Output.Values {
					if got := y.Values()[i]; math.Abs(float64(got-want)) > 2e-6*max(1, math.Abs(float64(want))) {
						t.Fatalf("number %d is %v, want %v", i, got, want)
					}
				}
			}
		})
	}
}

// TestFunctionErrors: what has no counterpart is an error that says why.
func TestFunctionErrors(t *testing.T) {
	const ops = "keras.src.ops.numpy"
	for _, c := range []struct{ class, config, args, want string }{
		{"Mean", `{"name":"op","axis":null,"keepdims":false}`, "x", "argument axis is None, which includes the batch"},
		{"Mean", `{"name":"op","axis":[0,1],"keepdims":false}`, "x", "argument axis is [0 1] of 3 axes, want axes behind that of the batch"},
		{"Sum", `{"name":"op","axis":[1,-2],"keepdims":false}`, "x", "argument axis has an axis twice"},
		{"Max", `{"name":"op","axis":1,"keepdims":false,"initial":2.0}`, "x", "argument initial is 2.0, which is not supported"},
		{"Reshape", `{"name":"op","newshape":[-1,2]}`, "x", "argument newshape changes the batch, or may change it"},
		{"Reshape", `{"name":"op","newshape":[6,-1]}`, "x", "argument newshape changes the batch"},
		{"ExpandDims", `{"name":"op","axis":0}`, "x", "argument axis is [0] of 4 axes"},
		{"Squeeze", `{"name":"op","axis":1}`, "x", "argument axis is [1], want axes of length 1"},
		{"Squeeze", `{"name":"op","axis":null}`, "x", "argument axis is None, which includes the batch"},
		{"Transpose", `{"name":"op","axes":null}`, "x", "argument axes is [], want the batch first"},
		{"Transpose", `{"name":"op","axes":[1,0,2]}`, "x", "argument axes is [1 0 2], want the batch first"},
		{"Swapaxes", `{"name":"op","axis1":0,"axis2":1}`, "x", "argument axis1 is [0] of 3 axes"},
		{"Stack", `{"name":"op","axis":0}`, "[x,x]", "argument axis is [0] of 4 axes"},
		{"Stack", `{"name":"op","axis":1}`, "[x]", "argument inputs are 1 tensors, want two or more"},
		{"Matmul", `{"name":"op"}`, "x", "want two matrices for each sample"},
		{"Einsum", `{"name":"op","subscripts":"bij,bkj->bki"}`, "x,x", `argument subscripts is "bij,bkj->bki", want a sum over one axis`},
		{"Einsum", `{"name":"op","subscripts":"bij->bji"}`, "x", `argument subscripts is "bij->bji", want a sum over one axis`},
		{"Cast", `{"name":"op","dtype":"int32"}`, "x", `argument dtype is "int32", want one of floating-point numbers`},
		{"Power", `{"name":"op"}`, "x,0.5", "an exponent that is not supported"},
		{"Power", `{"name":"op"}`, "2,x", "an exponent that is not supported"},
		{"Normalize", `{"name":"op","axis":-1,"order":1,"epsilon":null}`, "x", "argument order is 1, want 2"},
		{"Normalize", `{"name":"op","axis":-1,"order":2,"epsilon":0.1}`, "x", "argument epsilon is 0.1, want 1e-12"},
		{"Sqrt", `{"name":"op"}`, "x", `is of class "Sqrt", which is unknown`},
	} {
		if _, err := operated("3,2", c.class, ops, c.config, c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s(%s): got %v, want %s", c.class, c.config, c.args, err, c.want)
		}
	}
	if _, err := operated("null,2", "Sum", ops, `{"name":"op","axis":1}`, "x"); err == nil || !strings.Contains(err.Error(), "argument axis is of any length, over which Reef has no sum") {
		t.Errorf("sum over any length: got %v", err)
	}
	m, err := operated("3,2", "Reshape", ops, `{"name":"op","newshape":[null,2,-1]}`, "x")
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Outputs()[0].Shape(); !got.Equal(k.Shape{2, 3}) {
		t.Errorf("reshaped to %v, want (2, 3)", got)
	}
}
