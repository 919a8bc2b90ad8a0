// SPDX-License-Identifier: Apache-2.0

// Package golden reads the tables of known values in testdata/golden for tests: inputs and
// expected results computed by independent programs. The README next to the tables describes
// how they were made and what each topic contains.
package golden

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Case is one known value: a configuration, its inputs and the expected results.
type Case struct {
	Name   string           `json:"name"`
	Source string           `json:"source"` // origin of the numbers
	Args   Args             `json:"args"`   // under their Keras names
	Inputs map[string]Array `json:"inputs"`
	Want   map[string]Array `json:"want"`
}

// Array holds its elements in row-major order; a scalar has no axes.
type Array struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

// Float32 returns the elements as float32. For inputs the conversion is exact.
func (a Array) Float32() []float32 {
	out := make([]float32, len(a.Data))
	for i, v := range a.Data {
		out[i] = float32(v)
	}
	return out
}

// Args are a case's arguments as decoded by encoding/json. The methods return the zero value
// if the argument is absent, null or of another type.
type Args map[string]any

// Float returns a number.
func (a Args) Float(name string) float64 {
	v, _ := a[name].(float64)
	return v
}

// Int returns a number that is written as an integer.
func (a Args) Int(name string) int { return int(a.Float(name)) }

// Ints returns a list of integers.
func (a Args) Ints(name string) []int {
	list, _ := a[name].([]any)
	out := make([]int, len(list))
	for i, v := range list {
		f, _ := v.(float64)
		out[i] = int(f)
	}
	return out
}

// Bool returns a boolean.
func (a Args) Bool(name string) bool {
	v, _ := a[name].(bool)
	return v
}

// String returns a string.
func (a Args) String(name string) string {
	v, _ := a[name].(string)
	return v
}

// Load reads the table of a topic, such as "losses".
func Load(t testing.TB, topic string) []Case {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Dir(t), topic+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatalf("%s: %v", topic, err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s has no cases", topic)
	}
	return cases
}

// Dir returns the directory testdata/golden of the module that the test belongs to.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "golden")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

// Close reports the element of got that violates |got - want| <= abs + rel·|want| by the most,
// and every NaN.
func Close[T float32 | float64](t testing.TB, what string, got []T, want Array, rel, abs float64) {
	t.Helper()
	if len(got) != len(want.Data) {
		t.Errorf("%s: %d elements, want %d (shape %v)", what, len(got), len(want.Data), want.Shape)
		return
	}
	worst, at := 0.0, -1
	for i, w := range want.Data {
		g := float64(got[i])
		if excess := math.Abs(g-w) - abs - rel*math.Abs(w); excess > worst || math.IsNaN(g) {
			worst, at = excess, i
			if math.IsNaN(g) {
				break
			}
		}
	}
	if at >= 0 {
		t.Errorf("%s[%d] = %v, want %v (shape %v, rel %g, abs %g)", what, at, got[at], want.Data[at], want.Shape, rel, abs)
	}
}
