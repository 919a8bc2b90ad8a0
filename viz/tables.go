// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/text"
)

// Correlation draws a matrix of correlation coefficients, from −1 blue through
// 0 white to 1 red, each written in its cell where there are at most 16.
func Correlation(title string, names []string, coefficients [][]float64) (*Figure, error) {
	for r, row := range coefficients {
		for c, v := range row {
			if math.Abs(v) > 1+1e-6 {
				return nil, fmt.Errorf("%s: correlation at row %d, column %d is %v, outside −1 to 1", title, r, c, v)
			}
		}
	}
	h := HeatMap{
		Title: title, Values: coefficients, Rows: names, Cols: names,
		Map: Diverging, Min: -1, Max: 1, Bar: "correlation coefficient",
	}
	if len(coefficients) <= 16 {
		h.Cell = func(r, c int) string { return number(coefficients[r][c], 0.01) }
	}
	return h.Figure()
}

// Confusion draws how often samples of a class (row) were predicted as which class
// (column). The color is the share of the row, so that rare classes show as clearly as
// frequent ones; the number in the cell is the count.
func Confusion(title string, classes []string, counts [][]int) (*Figure, error) {
	shares := make([][]float64, len(counts))
	right, all := 0.0, 0.0 // sums of ints could overflow
	for r, row := range counts {
		sum := 0.0
		for c, n := range row {
			if n < 0 {
				return nil, fmt.Errorf("%s: count at row %d, column %d is %d", title, r, c, n)
			}
			sum += float64(n)
		}
		if r < len(row) {
			right += float64(row[r])
		}
		all += sum
		shares[r] = make([]float64, len(row))
		for c, n := range row {
			shares[r][c] = float64(n) / math.Max(sum, 1)
		}
	}
	if len(counts) > 0 && len(counts[0]) != len(counts) {
		return nil, fmt.Errorf("%s: confusion matrix has %d rows and %d columns", title, len(counts), len(counts[0]))
	}
	h := HeatMap{
		Title: title, Values: shares, Rows: classes, Cols: classes,
		XLabel: "predicted class", YLabel: "true class",
		Map: Cividis, Max: 1, Bar: "share of the true class",
		Alt: fmt.Sprintf("%s: confusion matrix of %d classes, %.0f of %.0f samples right.", title, len(counts), right, all),
	}
	if len(counts) <= 16 {
		h.Cell = func(r, c int) string { return text.Thousands(counts[r][c]) }
	}
	return h.Figure()
}
