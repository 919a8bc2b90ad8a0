// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestCorrelationFigure(t *testing.T) {
	names := strings.Fields("CRIM ZN INDUS CHAS NOX RM AGE DIS RAD TAX PTRATIO B LSTAT MEDV")
	m := make([][]float64, len(names))
	for r := range m {
		m[r] = make([]float64, len(names))
		for c := range m[r] {
			// made up, symmetric, ones on the diagonal
			d := math.Abs(float64(r - c))
			m[r][c] = math.Exp(-d/4) * math.Cos(float64(r+c)*0.45*math.Min(d, 1))
		}
	}
	m[3][5], m[5][3] = math.NaN(), math.NaN()
	f, err := Correlation("Boston housing, correlation of the columns", names, m)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "correlation", f)
	m[0][1] = 1.2
	if _, err := Correlation("x", names, m); err == nil {
		t.Error("a correlation of 1.2 was accepted")
	}
}

func TestConfusionFigure(t *testing.T) {
	var names []string
	counts := make([][]int, 10)
	for r := range counts {
		names = append(names, fmt.Sprint(r))
		counts[r] = make([]int, 10)
		for c := range counts[r] {
			counts[r][c] = (r*7 + c*5 + r*c) % 11
		}
		counts[r][r] = 950 + 11*r
	}
	counts[4][9], counts[7][2] = 180, 240
	f, err := Confusion("MNIST, test set", names, counts)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "confusion", f, Dark)

	two, err := Confusion("Cats and dogs, test set", []string{"cat", "dog"}, [][]int{{478, 22}, {13, 487}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "confusion-two", two)
	if want := "Cats and dogs, test set: confusion matrix of 2 classes, 965 of 1000 samples right."; two.Alt != want {
		t.Errorf("alt = %q, want %q", two.Alt, want)
	}

	for _, bad := range [][][]int{nil, {{1, 2}}, {{1, -2}, {0, 3}}, {{1, 2}, {3}}} {
		if _, err := Confusion("x", nil, bad); err == nil {
			t.Errorf("Confusion(%v) was accepted", bad)
		}
	}
}

// TestManyClasses: 46 topics, names thinned out, no numbers.
func TestManyClasses(t *testing.T) {
	names := make([]string, 46)
	counts := make([][]int, 46)
	for r := range counts {
		names[r] = fmt.Sprintf("topic %d", r)
		counts[r] = make([]int, 46)
		counts[r][r] = 40
		counts[r][(r*5+3)%46] += r
		counts[r][3] += 7
	}
	f, err := Confusion("Reuters, test set", names, counts)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "confusion-many", f)
}

func TestLargeHeatMapFigure(t *testing.T) {
	values := make([][]float64, 90)
	for r := range values {
		values[r] = make([]float64, 120)
		for c := range values[r] {
			x, y := float64(c)/20-3, float64(r)/20-2
			values[r][c] = 30 * math.Exp(-(x*x+y*y)/2) * math.Cos(2*x)
		}
	}
	f, err := HeatMap{Title: "Channel 7", Values: values, Map: Magma, Bar: "activation", XLabel: "column", YLabel: "row"}.Figure()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "heatmap-large", f)
}

func TestHeatMapErrors(t *testing.T) {
	tests := []struct {
		h    HeatMap
		want string
	}{
		{HeatMap{Title: "m"}, "m: no value to draw"},
		{HeatMap{Title: "m", Values: [][]float64{{1, 2}, {3}}}, "m: row 1 has 1 values, row 0 has 2"},
		{HeatMap{Title: "m", Values: [][]float64{{1}}, Rows: []string{"a", "b"}}, "m: 1 rows, 2 row names"},
		{HeatMap{Title: "m", Values: [][]float64{{1}}, Cols: []string{}}, "m: 1 columns, 0 column names"},
		{HeatMap{Title: "m", Values: [][]float64{{1}}, Min: 2, Max: 1}, "m: range 2 to 1"},
	}
	for _, test := range tests {
		if _, err := test.h.Figure(); err == nil || err.Error() != test.want {
			t.Errorf("error = %v, want %s", err, test.want)
		}
	}
	if _, err := (HeatMap{Values: [][]float64{{3, 3}, {3, math.NaN()}}}).Figure(); err != nil {
		t.Errorf("equal values: %v", err)
	}
}
