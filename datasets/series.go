// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets/internal/inflate"
	"github.com/reef-dl/reef/datasets/internal/sniff"
	"github.com/reef-dl/reef/internal/text"
)

// Limits of a series; the published file of Jena has 43 MB, which compress to a third,
// and lines of 120 bytes.
const (
	maxSeriesBytes = 1 << 27
	maxSeriesLine  = 1 << 15
)

var seriesInflated = inflate.Limit{Base: 4 << 20, Ratio: 10}

// seriesTime is the time format of the weather station.
const seriesTime = "02.01.2006 15:04:05"

// ReadSeries decodes a CSV file with a header, the time (day.month.year
// hour:minute:second) in the first column and numbers in all others, separated by commas.
// A byte order mark is ignored. Errors name the file, which is called name, and the line.
func ReadSeries(r io.Reader, name string) (*Series, error) {
	limited := &io.LimitedReader{R: r, N: maxSeriesBytes}
	in := bufio.NewReaderSize(limited, maxSeriesLine)
	begin, _ := in.Peek(maxSeriesLine) // a short file is reported below
	if bytes.HasPrefix(begin, []byte("\ufeff")) {
		_, _ = in.Discard(len("\ufeff")) // was peeked at
		begin = begin[len("\ufeff"):]
	}
	if err := checkSeries(begin); err != nil {
		return nil, fmt.Errorf("%s: line 1: %w", name, err)
	}
	c := csv.NewReader(&lines{r: in, n: 1})
	c.ReuseRecord, c.FieldsPerRecord = true, -1 // fields are counted below
	header, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: header: %w", name, unexpected(err))
	}
	if len(header) < 2 || len(header) > 1000 {
		return nil, fmt.Errorf("%s: line 1: %s, want the time and 1 to 999 numbers", name, text.Count(len(header), "column"))
	}
	columns := make([]string, len(header)-1)
	for j, h := range header[1:] {
		columns[j] = strings.Clone(h) // the record is reused
	}
	var x []float64
	var times []time.Time
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // err names the line
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := c.FieldPos(0)
		if len(record) != len(header) {
			return nil, fmt.Errorf("%s: line %d: %d columns, the header has %d", name, line, len(record), len(header))
		}
		at, err := time.Parse(seriesTime, record[0])
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: time %.40q, want day.month.year hour:minute:second", name, line, record[0])
		}
		times = append(times, at)
		for j, field := range record[1:] {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%s: line %d: %q: %.40q is not a finite number", name, line, columns[j], field)
			}
			x = append(x, v)
		}
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxSeriesBytes)
	}
	if len(times) == 0 {
		return nil, fmt.Errorf("%s: %w", name, errors.New("no rows after the header"))
	}
	t, err := NewTable(columns, x, "", nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Series{t, times}, nil
}

// quoted matches a name that may contain any separator.
var quoted = regexp.MustCompile(`"[^"]*"`)

// checkSeries rejects the beginning of a file that is not such a CSV.
func checkSeries(begin []byte) error {
	switch is := sniff.Name(begin[:min(len(begin), sniff.Len)]); is {
	case "", "a text file", "a BMP image": // a name may begin with BM
	default:
		return fmt.Errorf("%s, want CSV: a header and lines of the time and numbers", is)
	}
	line, _, ends := bytes.Cut(begin, []byte("\n"))
	if bare, _, ok := bytes.Cut(line, []byte("\r")); ok && len(bare)+1 < len(line) {
		return errors.New("lines end with CR alone, want LF or CRLF")
	}
	if !ends && len(begin) >= maxSeriesLine {
		return fmt.Errorf("longer than %d bytes", maxSeriesLine)
	}
	line = quoted.ReplaceAll(line, nil)
	commas := bytes.Count(line, []byte(","))
	for _, c := range []struct {
		separator string
		name      string
	}{{";", "semicolons"}, {"\t", "tabs"}, {"|", "vertical bars"}} {
		if bytes.Count(line, []byte(c.separator)) > commas {
			return fmt.Errorf("columns are separated by %s, want commas", c.name)
		}
	}
	return nil
}

// lines rejects a line that is too long.
type lines struct {
	r    io.Reader
	n    int // number of the current line
	long int // bytes of it so far
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	rest := p[:n]
	for {
		before, behind, ended := bytes.Cut(rest, []byte("\n"))
		if l.long += len(before); l.long > maxSeriesLine {
			return 0, fmt.Errorf("line %d: longer than %d bytes", l.n, maxSeriesLine)
		}
		if !ended {
			return n, err
		}
		l.n, l.long, rest = l.n+1, 0, behind
	}
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
