// SPDX-License-Identifier: Apache-2.0

package golden_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
)

// TestTables checks that every table is well-formed, small and accompanied by the script that
// made it.
func TestTables(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(golden.Dir(t), "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	total := int64(0)
	for _, path := range paths {
		topic := strings.TrimSuffix(filepath.Base(path), ".json")
		if _, err := os.Stat(strings.TrimSuffix(path, ".json") + ".py"); err != nil {
			t.Errorf("%s has no script: %v", topic, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
		seen := map[string]bool{}
		for _, c := range golden.Load(t, topic) {
			shared := c.Name == "data" // the inputs shared by all cases of the table
			if c.Name == "" || c.Source == "" || len(c.Want) == 0 && !shared || seen[c.Name] {
				t.Errorf("%s: case %q lacks a name, source or result, or is there twice", topic, c.Name)
			}
			seen[c.Name] = true
			for key, a := range c.Inputs {
				checkArray(t, topic+" "+c.Name+" "+key, a, true)
			}
			for key, a := range c.Want {
				checkArray(t, topic+" "+c.Name+" "+key, a, false)
			}
		}
	}
	if total > 5<<20 {
		t.Errorf("the tables have %d bytes, the limit is 5 MiB", total)
	}
}

func checkArray(t *testing.T, what string, a golden.Array, input bool) {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	if n != len(a.Data) {
		t.Errorf("%s: %d elements for shape %v", what, len(a.Data), a.Shape)
	}
	for i, v := range a.Data {
		if input && float64(float32(v)) != v {
			t.Errorf("%s[%d] = %v is not a float32", what, i, v)
			return
		}
	}
}

// recorder counts the errors that Close reports.
type recorder struct {
	testing.TB
	text []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.text = append(r.text, format)
}

func TestClose(t *testing.T) {
	want := golden.Array{Shape: []int{3}, Data: []float64{1, 0, -100}}
	for _, c := range []struct {
		got  []float64
		errs int
	}{
		{[]float64{1, 0, -100}, 0},
		{[]float64{1.009, 0.0009, -100.9}, 0},
		{[]float64{1.02, 0, -100}, 1},
		{[]float64{1, 0.002, -100}, 1},
		{[]float64{1, 0, math.NaN()}, 1},
		{[]float64{math.NaN(), 9, 9}, 1},
		{[]float64{1, 0, math.Inf(-1)}, 1},
		{[]float64{1, 0}, 1},
	} {
		r := &recorder{TB: t}
		golden.Close(r, "x", c.got, want, 0.01, 0.001)
		if len(r.text) != c.errs {
			t.Errorf("Close(%v): errors %q, want %d", c.got, r.text, c.errs)
		}
	}
}
