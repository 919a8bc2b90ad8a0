// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestScalers(t *testing.T) {
	// Two columns by hand: 1 2 3 6 (mean 3, variance (4+1+0+9)/4 = 3.5), constant 5.
	x := []float64{1, 5, 2, 5, 3, 5, 6, 5}
	s, err := StandardScaler(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s.Shift[0] != 3 || math.Abs(s.Scale[0]-math.Sqrt(3.5)) > 1e-15 || s.Shift[1] != 5 || s.Scale[1] != 1 {
		t.Errorf("standard: %+v", s)
	}
	m, err := MinMaxScaler(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	y := slices.Clone(x)
	if err := m.Apply(y); err != nil || !slices.Equal(y, []float64{0, 0, 0.2, 0, 0.4, 0, 1, 0}) {
		t.Errorf("min-max: %v %v", y, err)
	}
	if err := s.Apply(y[:3]); err == nil || err.Error() != "scaler: 3 numbers are not a whole number of rows, it was fitted on 2 columns" {
		t.Errorf("got error %v", err)
	}
	if _, err := StandardScaler([]float64{1, math.NaN()}, 2); err == nil || err.Error() != "scaler: row 0, column 1 is NaN" {
		t.Errorf("got error %v", err)
	}
	if _, err := MinMaxScaler(nil, 2); err == nil {
		t.Error("no error without rows")
	}
}

// TestScalersInvert: scaling and back is the identity, scaled columns have mean 0
// and deviation 1, or lie in 0..1.
func TestScalersInvert(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		columns := rapid.IntRange(1, 5).Draw(r, "columns")
		rows := rapid.IntRange(1, 20).Draw(r, "rows")
		x := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), rows*columns, rows*columns).Draw(r, "x")
		for name, fit := range map[string]func([]float64, int) (Scaler, error){"standard": StandardScaler, "min-max": MinMaxScaler} {
			s, err := fit(x, columns)
			if err != nil {
				r.Fatal(err)
			}
			y := slices.Clone(x)
			if err := s.Apply(y); err != nil {
				r.Fatal(err)
			}
			if name == "min-max" && (slices.Min(y) < 0 || slices.Max(y) > 1) {
				r.Fatalf("min-max: %v", y)
			}
			if err := s.Invert(y); err != nil {
				r.Fatal(err)
			}
			for i := range x {
				if math.Abs(x[i]-y[i]) > 1e-9 {
					r.Fatalf("%s: number %d was %v, comes back as %v", name, i, x[i], y[i])
				}
			}
		}
	})
}

func TestTable(t *testing.T) {
	tab, err := NewTable([]string{"a", "b", "c"}, []float64{1, 2, 3, 4, 5, 7}, "y", []float64{10, 20})
	if err != nil {
		t.Fatal(err)
	}
	sel, err := tab.Select(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	both, err := sel.Append(sel)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := both.Rows(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	x, y := readAll(t, rows)
	if fmt.Sprint(rows.Columns, x, y) != "[c a] [7 4 3 1] [20 10]" {
		t.Errorf("%v %v %v", rows.Columns, x, y)
	}
	if in, out := rows.Shapes(); fmt.Sprint(in, out) != "[[2]] [[1]]" {
		t.Errorf("shapes %v %v", in, out)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(tab.Select(3)), "select: column 3 of a table of 3 columns"},
		{second(tab.Append(sel)), `append: columns [c a] and target "y", want [a b c] and "y"`},
		{second(tab.Rows(0, 3)), "rows 0:3 of a table of 2 rows"},
		{second(tab.Scaled(Scaler{})), "scaler: fitted on 0 columns, the table has 3"},
		{second(NewTable([]string{"a"}, []float64{1, math.Inf(1)}, "", nil)), `table: row 1, column "a" is +Inf`},
		{second(NewTable([]string{"a"}, []float64{1, 2}, "y", []float64{1})), "table: 1 targets, want 2, one for each row"},
		{second(NewTable([]string{"a"}, []float64{1}, "y", []float64{math.NaN()})), `table: row 0, target "y" is NaN`},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("got error %v, want %q", c.err, c.want)
		}
	}
}

// TestCorrelation: 1 2 3 4 against 2 1 4 3 has r = 0.6; a column against itself
// 1, against its negative -1.
func TestCorrelation(t *testing.T) {
	tab, err := NewTable([]string{"a", "b"}, []float64{1, 2, 2, 1, 3, 4, 4, 3}, "minus a", []float64{-1, -2, -3, -4})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float64{{1, 0.6, -1}, {0.6, 1, -0.6}, {-1, -0.6, 1}}
	for a, row := range tab.Correlation() {
		for b, r := range row {
			if math.Abs(r-want[a][b]) > 1e-12 {
				t.Errorf("r(%d,%d) = %v, want %v", a, b, r, want[a][b])
			}
		}
	}
}
