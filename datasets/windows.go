// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math"
)

// Window defines which rows of a table make up a sample and which row is predicted. With the
// anchor row r, the inputs are the rows
//
//	r - Lookback, r - Lookback + Step, ... up to, but not including, r
//
// and the target is column Target of row r + Delay. The anchors are
//
//	First + Lookback, First + Lookback + Stride, ... up to, but not including, End
//
// so no input lies before First, but the target of a late anchor lies up to Delay rows
// after End. The last input row is at least one row before r: the prediction reaches
// further than Delay. [Windows.Rows] lists the rows of a sample.
//
// These are the lookback, step, delay, min_index and max_index of the generator in
// Chollet's Deep Learning with Python, section 6.3.
type Window struct {
	Lookback int // rows before the anchor that inputs are taken from
	Step     int // distance between input rows; 0 means 1
	Delay    int // rows from the anchor to the target
	Target   int // column to predict
	First    int // first row that may be an input
	End      int // upper bound of the anchors; 0 means as many as have a target
	Stride   int // distance between anchors; 0 means 1
}

// Windows is a source of the windows of a table. The rows are stored once, in single
// precision; the windows overlap and are assembled when they are read.
//
// Input shape:  (ceil(Lookback/Step), columns)
//
// Target shape: (1)
type Windows struct {
	layout
	w       Window
	values  []float32 // of the rows from First on, arranged by residue, see at
	stored  int       // rows of values
	columns int
	rows    int // of one sample
	n       int
}

// NewWindows returns the windows of a table. A window that reaches outside the table is
// an error, and so are settings that leave no window.
func NewWindows(t *Table, w Window) (*Windows, error) {
	if w.Step == 0 {
		w.Step = 1
	}
	if w.Stride == 0 {
		w.Stride = 1
	}
	if w.End == 0 {
		w.End = t.Len() - w.Delay
	}
	var errs []error
	complain := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("windows: "+format, args...))
		}
	}
	complain(w.Lookback < 1, "lookback %d, want at least 1 row", w.Lookback)
	complain(w.Step < 1 || w.Step > max(w.Lookback, 1), "step %d, want 1 to the lookback of %d", w.Step, w.Lookback)
	complain(w.Stride < 1, "stride %d, want at least 1", w.Stride)
	complain(w.Delay < 0, "delay %d, want 0 or more", w.Delay)
	complain(w.Target < 0 || w.Target >= len(t.Columns), "target column %d of a table of %d columns", w.Target, len(t.Columns))
	complain(w.First < 0, "first row %d, want 0 or more", w.First)
	if len(errs) == 0 {
		complain(w.Delay > t.Len() || w.End > t.Len()-w.Delay, "end %d and delay %d: the last target would be row %d of %d", w.End, w.Delay, w.End-1+w.Delay, t.Len())
		complain(w.First >= w.End || w.Lookback >= w.End-w.First, "no window: the first anchor would be row %d, the end is %d", w.First+w.Lookback, w.End)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	rows := (w.Lookback-1)/w.Step + 1
	columns := len(t.Columns)
	s := &Windows{
		layout:  newLayout([][]int{{rows, columns}}, [][]int{{1}}),
		w:       w,
		stored:  w.End + w.Delay - w.First,
		columns: columns,
		rows:    rows,
		n:       (w.End-w.First-w.Lookback-1)/w.Stride + 1,
	}
	s.values = make([]float32, s.stored*columns)
	for row := w.First; row < w.First+s.stored; row++ {
		to := s.values[s.at(row):]
		for c, v := range t.X[row*columns : (row+1)*columns] {
			if to[c] = float32(v); math.IsInf(float64(to[c]), 0) {
				return nil, fmt.Errorf("windows: row %d, column %q: %v does not fit single precision", row, t.Columns[c], v)
			}
		}
	}
	return s, nil
}

// at is the offset of a row of the table in values. Rows that are a multiple of Step
// apart are adjacent, so that a window is contiguous.
func (s *Windows) at(row int) int {
	row -= s.w.First
	residue := row % s.w.Step
	before := residue*(s.stored/s.w.Step) + min(residue, s.stored%s.w.Step) // rows of smaller residues
	return (before + row/s.w.Step) * s.columns
}

// Len is the number of windows.
func (s *Windows) Len() int { return s.n }

// anchor is the row r of window i.
func (s *Windows) anchor(i int) int { return s.w.First + s.w.Lookback + i*s.w.Stride }

// Rows lists the rows of the table that window i takes as inputs, and the row it
// predicts.
func (s *Windows) Rows(i int) (inputs []int, target int) {
	r := s.anchor(i)
	for row := r - s.w.Lookback; row < r; row += s.w.Step {
		inputs = append(inputs, row)
	}
	return inputs, r + s.w.Delay
}

// Read fills the windows at the indices, oldest row first, and their targets.
func (s *Windows) Read(indices []int, inputs, targets [][]float32) error {
	if err := s.check(s.n, indices, inputs, targets); err != nil {
		return fmt.Errorf("windows: %w", err)
	}
	if wanted(inputs) {
		out := inputs[0]
		size := s.rows * s.columns
		for _, i := range indices {
			first := s.at(s.anchor(i) - s.w.Lookback)
			out = out[copy(out, s.values[first:first+size]):]
		}
	}
	if wanted(targets) {
		for j, i := range indices {
			targets[0][j] = s.target(s.anchor(i) + s.w.Delay)
		}
	}
	return nil
}

// target is the value to predict in a row.
func (s *Windows) target(row int) float32 {
	return s.values[s.at(row)+s.w.Target]
}

// NaiveMAE is the mean absolute error, over all windows, of the prediction that nothing
// changes: the target is assumed to equal the value in the last row of the window. A
// model has to beat this baseline.
func (s *Windows) NaiveMAE() float64 {
	var sum float64
	for i := range s.n {
		r := s.anchor(i)
		last := r - s.w.Lookback + (s.rows-1)*s.w.Step
		sum += math.Abs(float64(s.target(r+s.w.Delay)) - float64(s.target(last)))
	}
	return sum / float64(s.n)
}
