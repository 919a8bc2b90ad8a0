// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/reef-dl/reef/internal/inflate"
)

var seriesInflated = inflate.Limit{Base: 4 << 20, Ratio: 10}

// seriesTime is the time format of the weather station.
const seriesTime = "02.01.2006 15:04:05"

// ReadSeries decodes a CSV file with a header, the time (day.month.year
// hour:minute:second) in the first column and numbers in all others, separated by commas.
// A byte order mark is ignored. Errors name the file, which is called name, and the line.
// Frame.Series reads other dialects and dates.
func ReadSeries(r io.Reader, name string) (*Series, error) {
	f, err := openCSV(r, name, CSVOptions{Comma: ','}, numbersOnly, "the time and numbers")
	if err != nil {
		return nil, err
	}
	columns := f.header[1:]
	if len(columns) == 0 {
		return nil, fmt.Errorf("%s: line 1: 1 column, want the time and 1 to %d numbers", name, maxCSVColumns-1)
	}
	var x []float64
	var times []time.Time
	for {
		record, err := f.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at, err := time.Parse(seriesTime, record[0])
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: time %.40q, want day.month.year hour:minute:second", name, f.line, record[0])
		}
		times = append(times, at)
		for j := range columns {
			v, err := f.number(record, j+1)
			if err != nil {
				return nil, err
			}
			x = append(x, v)
		}
	}
	t, err := NewTable(columns, x, "", nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Series{t, times}, nil
}

// Series is a table whose rows are ordered in time.
type Series struct {
	*Table
	Times []time.Time // of every row
}

// Normalized scales every column to mean 0 and standard deviation 1 over the rows from
// first up to, but not including, end, which should be the training rows. All rows are
// scaled by the same numbers. The scaler converts predictions back.
func (s *Series) Normalized(first, end int) (*Series, Scaler, error) {
	rows, err := s.Rows(first, end)
	if err != nil {
		return nil, Scaler{}, err
	}
	scaler, err := StandardScaler(rows.X, len(s.Columns))
	if err != nil {
		return nil, Scaler{}, err
	}
	t, err := s.Scaled(scaler)
	if err != nil {
		return nil, Scaler{}, err
	}
	return &Series{t, s.Times}, scaler, nil
}
