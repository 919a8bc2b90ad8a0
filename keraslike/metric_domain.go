// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// CheckedMeasurement is a Measurement that is defined only for some targets and predictions, such as
// probabilities. An error from Err ends Fit, Evaluate and EvaluateWith. Value returns NaN
// then, and also if a prediction is NaN or infinite.
type CheckedMeasurement interface {
	Measurement
	// Err returns an error for the first invalid target or prediction since the last Reset,
	// with its row; nil if there is none.
	Err() error
}

// domain records values for which a measurement is not defined.
type domain struct {
	invalid float64 // 1 if a value was NaN, infinite or invalid; saved with the sums
	err     *graph.RowError
}

// Err returns an error for the first value outside the domain.
func (d *domain) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// valueOrNaN returns v, NaN if any value was outside the domain.
func (d *domain) valueOrNaN(v float64) float64 {
	if d.invalid != 0 {
		return math.NaN()
	}
	return v
}

// checkFinite records predictions and targets that are NaN or infinite.
func (d *domain) checkFinite(p, t []float32) {
	if kernel.Finite(p) >= 0 || kernel.Finite(t) >= 0 {
		d.invalid = 1
	}
}

// reject records err, unless it is nil, for a row outside the domain. It reports whether
// the row is outside.
func (d *domain) reject(metric string, row, rows int, err error) bool {
	if err == nil {
		return false
	}
	if d.invalid = 1; d.err == nil {
		d.err = &graph.RowError{Row: row, Rows: rows, Err: fmt.Errorf("metric %s: %w", metric, err)}
	}
	return true
}

func (d *domain) reset() { *d = domain{} }
