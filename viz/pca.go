// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// PCA projects each row on the k directions in which the rows vary most (principal
// components of the centered data). It returns the coordinates and the share of the total
// variance along each direction, largest first. The sign of a direction is such that its
// largest weight is positive.
func PCA(rows [][]float64, k int) (coordinates [][]float64, shares []float64, err error) {
	if err := checkRows(rows); err != nil {
		return nil, nil, fmt.Errorf("pca: %w", err)
	}
	rows, exponent := tame(rows)
	n, d := len(rows), len(rows[0])
	if n < 2 {
		return nil, nil, fmt.Errorf("pca: %d row, want at least 2", n)
	}
	if k < 1 || k > min(n, d) {
		return nil, nil, fmt.Errorf("pca: %d components of %d rows with %d values", k, n, d)
	}
	x := mat.NewDense(n, d, nil)
	for i, row := range rows {
		x.SetRow(i, row)
	}
	var pc stat.PC
	if !pc.PrincipalComponents(x, nil) {
		return nil, nil, errors.New("pca: the singular values did not converge")
	}
	var directions mat.Dense
	pc.VectorsTo(&directions)
	variances := pc.VarsTo(nil)
	total := 0.0
	for _, v := range variances {
		total += v
	}
	for c := range d {
		column := mat.Col(nil, c, x)
		mean := stat.Mean(column, nil)
		for r := range n {
			x.Set(r, c, x.At(r, c)-mean)
		}
	}
	coordinates = make([][]float64, n)
	for i := range coordinates {
		coordinates[i] = make([]float64, k)
	}
	for j := range k {
		w := mat.Col(nil, j, &directions)
		largest := 0.0
		for _, v := range w {
			if math.Abs(v) > math.Abs(largest) {
				largest = v
			}
		}
		sign := math.Copysign(1, largest)
		for i := range n {
			coordinates[i][j] = inside(math.Ldexp(sign*mat.Dot(x.RowView(i), mat.NewVecDense(d, w)), exponent))
		}
		share := 0.0
		if total > 0 {
			share = variances[j] / total
		}
		shares = append(shares, share)
	}
	return coordinates, shares, nil
}

// tame divides all values by a power of two if their squares would overflow or underflow,
// and returns its exponent.
func tame(rows [][]float64) (tamed [][]float64, exponent int) {
	largest := 0.0
	for _, row := range rows {
		for _, v := range row {
			largest = math.Max(largest, math.Abs(v))
		}
	}
	if _, exponent = math.Frexp(largest); exponent > -60 && exponent < 200 {
		return rows, 0
	}
	for _, row := range rows {
		small := make([]float64, len(row))
		for i, v := range row {
			small[i] = math.Ldexp(v, -exponent)
		}
		tamed = append(tamed, small)
	}
	return tamed, exponent
}

// checkRows requires rows of equal length and finite values.
func checkRows(rows [][]float64) error {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return errors.New("no value")
	}
	for i, row := range rows {
		if len(row) != len(rows[0]) {
			return fmt.Errorf("row %d has %d values, row 0 has %d", i, len(row), len(rows[0]))
		}
		for j, v := range row {
			if !finite(v) {
				return fmt.Errorf("row %d, column %d is %v", i, j, v)
			}
		}
	}
	return nil
}
