// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// Domained is a Measurement of something that is not defined for every number, as
// all of this package are. Err is the first target or prediction since the last
// Reset for which it is not: it ends Fit, Evaluate and EvaluateWith. Value is NaN then, and
// where a prediction is NaN or infinite.
type Domained interface {
	Measurement
	// Err names the number and its row; nil where there is none.
	Err() error
}

// domain keeps what a measurement has met that has no value.
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

// numbers is a set of numbers that targets or predictions lie in: an interval, of
// whole numbers alone where it is so.
type numbers struct {
	lo, hi float64
	whole  bool
	want   string // in words, with hi in the place of %v
}

var (
	probabilities = &numbers{lo: 0, hi: 1, want: "want 0 to 1"}
	positives     = &numbers{lo: 0, hi: math.Inf(1), want: "want at least 0"}
)

// classNumbers are the numbers of n classes.
func classNumbers(n int) *numbers {
	return &numbers{lo: 0, hi: float64(n - 1), whole: true, want: fmt.Sprintf("want a class number, an integer from 0 to %d", n-1)}
}

// check reports the first of the values that does not belong to the set; nil is
// the set of all finite numbers. Predictions may miss the bounds by rounding.
func (s *numbers) check(what string, values []float32, rounding float64) error {
	if s == nil {
		return nil
	}
	if i := s.outside(values, 0, rounding); i >= 0 {
		return s.mistake(what, values[i])
	}
	return nil
}

// outside is the place of the first value from one place on that does not belong to the
// set; -1 for none.
func (s *numbers) outside(values []float32, from int, rounding float64) int {
	for i := from; i < len(values); i++ {
		if x := float64(values[i]); !(x >= s.lo-rounding && x <= s.hi+rounding) || s.whole && x != math.Trunc(x) {
			return i
		}
	}
	return -1
}

func (s *numbers) mistake(what string, v float32) error {
	return fmt.Errorf("%s is %v, %s", what, v, s.want)
}

// predictionRounding is how far a sum of probabilities in float32 may be from 1.
const predictionRounding = 1e-5
