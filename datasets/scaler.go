// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
)

// Scaler maps column j of a table to (x - Shift[j]) / Scale[j].
type Scaler struct {
	Shift []float64 `json:"shift"`
	Scale []float64 `json:"scale"`
}

// StandardScaler fits a scaler that gives every column of x (rows of the given number of
// columns, one after another) mean 0 and population standard deviation 1, as
// scikit-learn's StandardScaler. A constant column is only shifted, and so is one whose
// deviation is no larger than the rounding errors of a constant. A column whose deviation
// overflows double precision is an error.
func StandardScaler(x []float64, columns int) (Scaler, error) {
	rows, err := rowCount(x, columns)
	if err != nil {
		return Scaler{}, err
	}
	s := Scaler{make([]float64, columns), make([]float64, columns)}
	n := float64(rows)
	for i, v := range x {
		s.Shift[i%columns] += v / n
	}
	// The mean has a rounding error, which the sum of the deviations from it reveals:
	// correct the mean and the variance by it.
	off := make([]float64, columns)
	for i, v := range x {
		d := v - s.Shift[i%columns]
		off[i%columns] += d / n
		s.Scale[i%columns] += d * d / n
	}
	const eps = 0x1p-52
	for j := range s.Scale {
		s.Shift[j] += off[j]
		variance := max(s.Scale[j]-off[j]*off[j], 0)
		if rounding := n * math.Abs(s.Shift[j]) * eps; !math.IsInf(variance, 0) && variance <= n*eps*variance+rounding*rounding {
			variance = 1
		}
		if s.Scale[j] = math.Sqrt(variance); math.IsInf(s.Scale[j], 0) || math.IsInf(s.Shift[j], 0) {
			return Scaler{}, fmt.Errorf("scaler: column %d: mean %v and deviation %v, want numbers whose squares fit double precision", j, s.Shift[j], s.Scale[j])
		}
	}
	return s, nil
}

// MinMaxScaler fits a scaler that maps every column of x to 0..1, as scikit-learn's
// MinMaxScaler. A constant column becomes 0. A column whose range overflows double
// precision is an error.
func MinMaxScaler(x []float64, columns int) (Scaler, error) {
	if _, err := rowCount(x, columns); err != nil {
		return Scaler{}, err
	}
	s := Scaler{make([]float64, columns), make([]float64, columns)}
	copy(s.Shift, x)
	copy(s.Scale, x)
	for i, v := range x {
		j := i % columns
		s.Shift[j], s.Scale[j] = min(s.Shift[j], v), max(s.Scale[j], v)
	}
	for j := range s.Scale {
		if s.Scale[j] -= s.Shift[j]; s.Scale[j] == 0 {
			s.Scale[j] = 1
		}
		if math.IsInf(s.Scale[j], 0) {
			return Scaler{}, fmt.Errorf("scaler: column %d: its range does not fit double precision", j)
		}
	}
	return s, nil
}

// rowCount checks that x consists of whole rows of finite numbers, at least one.
func rowCount(x []float64, columns int) (int, error) {
	if columns < 1 || len(x) == 0 || len(x)%columns != 0 {
		return 0, fmt.Errorf("scaler: %d numbers in rows of %d columns, want at least one whole row", len(x), columns)
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, fmt.Errorf("scaler: row %d, column %d is %v", i/columns, i%columns, v)
		}
	}
	return len(x) / columns, nil
}

// Apply scales x in place.
func (s Scaler) Apply(x []float64) error {
	return s.each(x, func(v, shift, scale float64) float64 { return (v - shift) / scale })
}

// Invert undoes Apply in place.
func (s Scaler) Invert(x []float64) error {
	return s.each(x, func(v, shift, scale float64) float64 { return v*scale + shift })
}

func (s Scaler) each(x []float64, f func(v, shift, scale float64) float64) error {
	columns := len(s.Shift)
	if columns == 0 || len(x)%columns != 0 {
		return fmt.Errorf("scaler: %d numbers are not a whole number of rows, it was fitted on %d columns", len(x), columns)
	}
	for i, v := range x {
		x[i] = f(v, s.Shift[i%columns], s.Scale[i%columns])
	}
	return nil
}
