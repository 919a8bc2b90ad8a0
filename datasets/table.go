// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"slices"
)

// Table is a source of rows with named columns and, for each row, one number to predict.
// Values are kept in double precision, so that scaling loses nothing, and converted to
// float32 when they are read.
//
// Input shape:  (columns)
//
// Target shape: (1); none for a table without a target
type Table struct {
	layout
	Columns []string
	Target  string    // name of the target
	X       []float64 // rows of len(Columns) values
	Y       []float64 // one target for each row, or nil
	origin  Origin
}

// NewTable returns a table of rows, one after another. It keeps the slices. A NaN or Inf
// is an error that names its row and column.
func NewTable(columns []string, x []float64, target string, y []float64) (*Table, error) {
	if len(columns) == 0 || len(x)%len(columns) != 0 {
		return nil, fmt.Errorf("table: %d numbers in rows of %d columns", len(x), len(columns))
	}
	rows := len(x) / len(columns)
	t := &Table{Columns: columns, Target: target, X: x, Y: y}
	var targets [][]int
	if y != nil {
		if len(y) != rows {
			return nil, fmt.Errorf("table: %d targets, want %d, one for each row", len(y), rows)
		}
		targets = [][]int{{1}}
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("table: row %d, column %q is %v", i/len(columns), columns[i%len(columns)], v)
		}
	}
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("table: row %d, target %q is %v", i, target, v)
		}
	}
	t.layout = newLayout([][]int{{len(columns)}}, targets)
	return t, nil
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.X) / max(len(t.Columns), 1) }

// Origin returns where the table came from.
func (t *Table) Origin() Origin { return t.origin }

// Read fills the rows at the indices and their targets.
func (t *Table) Read(indices []int, inputs, targets [][]float32) error {
	if err := t.check(t.Len(), indices, inputs, targets); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	n := len(t.Columns)
	if wanted(inputs) {
		for j, i := range indices {
			out := inputs[0][j*n : (j+1)*n]
			for c, v := range t.X[i*n : (i+1)*n] {
				if out[c] = float32(v); math.IsInf(float64(out[c]), 0) {
					return fmt.Errorf("table: row %d, column %q: %v does not fit single precision", i, t.Columns[c], v)
				}
			}
		}
	}
	if wanted(targets) {
		for j, i := range indices {
			if targets[0][j] = float32(t.Y[i]); math.IsInf(float64(targets[0][j]), 0) {
				return fmt.Errorf("table: row %d, target %q: %v does not fit single precision", i, t.Target, t.Y[i])
			}
		}
	}
	return nil
}

// Column copies column c; it is nil if there is no such column.
func (t *Table) Column(c int) []float64 {
	if c < 0 || c >= len(t.Columns) {
		return nil
	}
	out := make([]float64, 0, t.Len())
	for i := c; i < len(t.X); i += len(t.Columns) {
		out = append(out, t.X[i])
	}
	return out
}

// with is a table of other values with the same target and origin.
func (t *Table) with(columns []string, x, y []float64) *Table {
	c := *t
	c.Columns, c.X, c.Y = columns, x, y
	c.layout = newLayout([][]int{{len(columns)}}, t.targets)
	return &c
}

// Select returns the columns with the given indices, in that order.
func (t *Table) Select(columns ...int) (*Table, error) {
	names := make([]string, len(columns))
	for j, c := range columns {
		if c < 0 || c >= len(t.Columns) {
			return nil, fmt.Errorf("select: column %d of a table of %d columns", c, len(t.Columns))
		}
		names[j] = t.Columns[c]
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("select: no column")
	}
	x := make([]float64, 0, t.Len()*len(columns))
	for i := range t.Len() {
		for _, c := range columns {
			x = append(x, t.X[i*len(t.Columns)+c])
		}
	}
	return t.with(names, x, t.Y), nil
}

// Append returns the rows of t followed by those of more, which must have the same
// columns.
func (t *Table) Append(more *Table) (*Table, error) {
	if !slices.Equal(t.Columns, more.Columns) || (t.Y == nil) != (more.Y == nil) {
		return nil, fmt.Errorf("append: columns %v and target %q, want %v and %q", more.Columns, more.Target, t.Columns, t.Target)
	}
	return t.with(t.Columns, slices.Concat(t.X, more.X), slices.Concat(t.Y, more.Y)), nil
}

// Rows returns the rows from first up to, but not including, end, without copying them.
func (t *Table) Rows(first, end int) (*Table, error) {
	if first < 0 || end < first || end > t.Len() {
		return nil, fmt.Errorf("rows %d:%d of a table of %d rows", first, end, t.Len())
	}
	y := t.Y
	if y != nil {
		y = y[first:end]
	}
	return t.with(t.Columns, t.X[first*len(t.Columns):end*len(t.Columns)], y), nil
}

// Subset returns the rows at the indices, in that order.
func (t *Table) Subset(indices []int) (*Table, error) {
	n := len(t.Columns)
	x, y := make([]float64, 0, len(indices)*n), make([]float64, 0, len(indices))
	for j, i := range indices {
		if i < 0 || i >= t.Len() {
			return nil, fmt.Errorf("subset: index %d at position %d of a table of %d rows", i, j, t.Len())
		}
		x = append(x, t.X[i*n:(i+1)*n]...)
		if t.Y != nil {
			y = append(y, t.Y[i])
		}
	}
	if t.Y == nil {
		y = nil
	}
	return t.with(t.Columns, x, y), nil
}

// TrainTestSplit shuffles the rows and splits them as the function TrainTestSplit does.
func (t *Table) TrainTestSplit(share float64, seed uint32) (train, test *Table, err error) {
	first, last, err := trainTestIndices(t.Len(), share, seed)
	if err != nil {
		return nil, nil, err
	}
	if train, err = t.Subset(first); err != nil {
		return nil, nil, err
	}
	test, err = t.Subset(last)
	return train, test, err
}

// Scaled returns a copy with scaled columns.
func (t *Table) Scaled(s Scaler) (*Table, error) {
	if len(s.Shift) != len(t.Columns) {
		return nil, fmt.Errorf("scaler: fitted on %d columns, the table has %d", len(s.Shift), len(t.Columns))
	}
	x := slices.Clone(t.X)
	if err := s.Apply(x); err != nil {
		return nil, err
	}
	return t.with(t.Columns, x, t.Y), nil
}

// Correlation returns Pearson's correlation coefficient of every pair of columns, with
// the target as the last column if there is one. It is NaN for a constant column.
func (t *Table) Correlation() [][]float64 {
	columns := make([][]float64, 0, len(t.Columns)+1)
	for c := range t.Columns {
		columns = append(columns, t.Column(c))
	}
	if t.Y != nil {
		columns = append(columns, slices.Clone(t.Y))
	}
	for _, c := range columns { // each to mean 0 and length 1
		if len(c) == 0 || slices.Min(c) == slices.Max(c) {
			for i := range c { // otherwise rounding errors of the mean would count as values
				c[i] = math.NaN()
			}
			continue
		}
		var mean, largest, squares float64
		for _, v := range c {
			mean += v / float64(len(c))
		}
		for i := range c {
			c[i] -= mean
			largest = max(largest, math.Abs(c[i]))
		}
		for i := range c { // so that squares neither overflow nor underflow
			c[i] /= largest
			squares += c[i] * c[i]
		}
		for i := range c {
			c[i] /= math.Sqrt(squares)
		}
	}
	r := make([][]float64, len(columns))
	for a := range r {
		r[a] = make([]float64, len(columns))
		for b := range r[a] {
			for i, v := range columns[a] {
				r[a][b] += v * columns[b][i]
			}
			r[a][b] = min(max(r[a][b], -1), 1) // keeps NaN
		}
	}
	return r
}
