// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// Domained is a Measurement of something that is not defined for every number. Err is the first target or prediction since the last
// Reset for which it is not: it ends Fit, Evaluate and EvaluateWith. Value is NaN then, and
// where a prediction is NaN or infinite.
type Domained interface {
	Measurement
	// Err names the number and its row; nil where there is none.
	Err() error
}

// domain notes numbers that a measurement is not defined for.
type domain struct {
	lost float64 // 1 where a number was NaN or infinite, or outside; saved with the sums
	err  *graph.RowError
}

// Err is the first number outside the domain.
func (d *domain) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// value is v, NaN where something had no value.
func (d *domain) value(v float64) float64 {
	if d.lost != 0 {
		return math.NaN()
	}
	return v
}

// look notes predictions and targets that are NaN or infinite.
func (d *domain) look(p, t []float32) {
	if kernel.Finite(p) >= 0 || kernel.Finite(t) >= 0 {
		d.lost = 1
	}
}

// outside notes a row that is outside the domain, if err says so; false if not.
func (d *domain) outside(metric string, row, rows int, err error) bool {
	if err == nil {
		return false
	}
	if d.lost = 1; d.err == nil {
		d.err = &graph.RowError{Row: row, Rows: rows, Err: fmt.Errorf("metric %s: %w", metric, err)}
	}
	return true
}

func (d *domain) forget() { *d = domain{} }
