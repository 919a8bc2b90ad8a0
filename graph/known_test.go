// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
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
