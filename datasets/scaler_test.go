// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestScalerHard: columns on which a short formula gives something else. The values follow
// by hand: a constant stays a constant, and k and k+1 become -1 and 1.
func TestScalerHard(t *testing.T) {
	tenth := slices.Repeat([]float64{0.1}, 10) // their sum is not 1
	near := []float64{1e9, 1e9 + 1, 1e9, 1e9 + 1}
	tiny := []float64{1e-9, 3e-9, 1e-9, 3e-9}
	for _, c := range []struct {
		x           []float64
		first, last float64
	}{
		{tenth, 0, 0},
		{slices.Repeat([]float64{1e15 + 0.3}, 7), 0, 0},
		{near, -1, 1},
		{tiny, -1, 1},
		{[]float64{5}, 0, 0},
		{[]float64{-1e100, 1e100}, -1, 1},
	} {
		s, err := StandardScaler(c.x, 1)
		if err != nil {
			t.Fatal(err)
		}
		x := slices.Clone(c.x)
		if err := s.Apply(x); err != nil {
			t.Fatal(err)
		}
		if math.Abs(x[0]-c.first) > 1e-9 || math.Abs(x[len(x)-1]-c.last) > 1e-9 {
			t.Errorf("%v becomes %v, want %v to %v", c.x, x, c.first, c.last)
		}
	}
	for _, f := range []func([]float64, int) (Scaler, error){StandardScaler, MinMaxScaler} {
		if _, err := f([]float64{1, -1.7e308, 2, 1.7e308}, 2); err == nil || !strings.HasPrefix(err.Error(), "scaler: column 1: ") {
			t.Errorf("got error %v", err)
		}
	}
}

// TestCorrelationHard: a constant column has no correlation, whatever rounding makes of its
// mean; large and small columns have theirs.
func TestCorrelationHard(t *testing.T) {
	var x []float64
	for i := range 10 {
		v := float64(i)
		x = append(x, 0.1, v, 1e200*v, -1e-200*v)
	}
	table, err := NewTable([]string{"constant", "v", "large", "small"}, x, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := table.Correlation()
	for a, row := range r {
		for b, got := range row {
			want := 1.0
			if (a == 3) != (b == 3) {
				want = -1
			}
			if a == 0 || b == 0 {
				want = math.NaN()
			}
			if !(math.Abs(got-want) < 1e-12 || math.IsNaN(got) && math.IsNaN(want)) || math.Abs(got) > 1 {
				t.Errorf("correlation of %d and %d is %v, want %v", a, b, got, want)
			}
		}
	}
}

// TestSinglePrecision: numbers that become infinite when they are read are errors.
func TestSinglePrecision(t *testing.T) {
	table, err := NewTable([]string{"a"}, []float64{1, 1e39, 2, 3}, "y", []float64{1, 2, 3, -1e39})
	if err != nil {
		t.Fatal(err)
	}
	in, out := table.buffers(1)
	for i, want := range []string{"", `table: row 1, column "a": 1e+39 does not fit single precision`, "", `table: row 3, target "y": -1e+39 does not fit single precision`} {
		if err := table.Read([]int{i}, in, out); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("row %d: got error %v, want %q", i, err, want)
		}
	}
	if _, err := NewWindows(table, Window{Lookback: 1}); err == nil || !strings.HasPrefix(err.Error(), `windows: row 1, column "a": 1e+39`) {
		t.Errorf("got error %v", err)
	}
	for _, w := range []Window{
		{Lookback: math.MaxInt}, {Lookback: 1, Delay: math.MaxInt}, {Lookback: 1, First: math.MaxInt}, {Lookback: 1, End: math.MaxInt, Delay: 1},
		{Lookback: math.MaxInt, First: 1, End: 2}, {Lookback: 1, End: math.MinInt},
	} {
		if _, err := NewWindows(table, w); err == nil {
			t.Errorf("%+v passed", w)
		}
	}
	huge, err := NewWindows(must(table.Rows(2, 4)), Window{Lookback: 1, Stride: math.MaxInt})
	if err != nil || huge.Len() != 1 {
		t.Errorf("%v, want one window", err)
	}
	s, err := NewImages(make([]uint8, 8), []uint8{0, 0}, 2, 2, 1, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Crop(1, 1, math.MaxInt, math.MaxInt); err == nil {
		t.Error("crop beyond the image passed")
	}
	if _, err := NewImages(nil, []uint8{0}, 1<<16, 1<<16, 1<<16, []string{"a"}); err == nil {
		t.Error("images without bytes passed")
	}
	if _, err := (&Sequences{IDs: [][]int32{{1}}, Labels: []int32{1<<24 + 1}}).Padded(1); err == nil || !strings.HasPrefix(err.Error(), "text 0: label 16777217 does not fit") {
		t.Errorf("got error %v", err)
	}
}

func must(t *Table, err error) *Table {
	if err != nil {
		panic(err)
	}
	return t
}
