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
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/sniff"
	"github.com/reef-dl/reef/internal/text"
)

// Limits of a CSV file; that of Jena, the largest of the recipes, has 43 MB and lines of
// 120 bytes.
const (
	maxCSVBytes   = 1 << 27
	maxCSVLine    = 1 << 15
	maxCSVColumns = 1000
)

// ReadTable decodes a CSV file of numbers, separated by commas, with a header of column
// names. The column named target becomes the target of the table, all others its inputs,
// in their order; with an empty name there is no target. A byte order mark and spaces
// around names and numbers are ignored.
//
// A cell that is empty or not a finite number is an error: encode classes as numbers, one
// column of 0 and 1 for each, and fill or drop missing values before. Errors name the file,
// which is called name, the line and the column.
func ReadTable(r io.Reader, name, target string) (*Table, error) {
	f, err := openCSV(r, name, "numbers")
	if err != nil {
		return nil, err
	}
	columns, at := f.header, -1
	if target != "" {
		if at = slices.Index(columns, target); at < 0 {
			return nil, fmt.Errorf("%s: line 1: no column %q, there are %q", name, target, columns)
		}
		columns = slices.Delete(slices.Clone(columns), at, at+1)
		if len(columns) == 0 {
			return nil, fmt.Errorf("%s: line 1: no column besides the target %q", name, target)
		}
	}
	var x, y []float64
	for {
		record, err := f.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for c := range record {
			v, err := f.number(record, c)
			if err != nil {
				return nil, err
			}
			if c == at {
				y = append(y, v)
			} else {
				x = append(x, v)
			}
		}
	}
	t, err := NewTable(columns, x, target, y)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// csvFile is a CSV file with a header that is read line by line.
type csvFile struct {
	name    string
	limited *io.LimitedReader
	records *csv.Reader
	header  []string
	line    int // of the last record
}

// openCSV reads the header. The columns say what a line should have, for errors.
func openCSV(r io.Reader, name, columns string) (*csvFile, error) {
	f := &csvFile{name: name, limited: &io.LimitedReader{R: r, N: maxCSVBytes}}
	in := bufio.NewReaderSize(f.limited, maxCSVLine)
	begin, _ := in.Peek(maxCSVLine) // a short file is reported below
	if bytes.HasPrefix(begin, []byte("\ufeff")) {
		_, _ = in.Discard(len("\ufeff")) // was peeked at
		begin = begin[len("\ufeff"):]
	}
	if err := checkCSV(begin, columns); err != nil {
		return nil, fmt.Errorf("%s: line 1: %w", name, err)
	}
	f.records = csv.NewReader(&lines{r: in, n: 1})
	f.records.ReuseRecord, f.records.FieldsPerRecord = true, -1 // next counts the fields
	header, err := f.records.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: header: %w", name, unexpected(err))
	}
	if len(header) > maxCSVColumns {
		return nil, fmt.Errorf("%s: line 1: %s, want at most %d", name, text.Count(len(header), "column"), maxCSVColumns)
	}
	for _, h := range header { // the record is reused
		f.header = append(f.header, strings.Clone(strings.TrimSpace(h)))
	}
	return f, nil
}

// next returns the fields of the next line, valid until it is called again, and io.EOF
// after the last. A file without any line is an error.
func (f *csvFile) next() ([]string, error) {
	record, err := f.records.Read()
	switch {
	case err != nil && f.limited.N <= 0:
		return nil, fmt.Errorf("%s: more than %d bytes", f.name, maxCSVBytes)
	case errors.Is(err, io.EOF) && f.line == 0:
		return nil, fmt.Errorf("%s: no rows after the header", f.name)
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil: // names the line
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if f.line, _ = f.records.FieldPos(0); len(record) != len(f.header) {
		return nil, fmt.Errorf("%s: line %d: %s, the header has %d", f.name, f.line, text.Count(len(record), "column"), len(f.header))
	}
	return record, nil
}

// number is column c of a record.
func (f *csvFile) number(record []string, c int) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(record[c]), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s: line %d: %q: %.40q is not a finite number", f.name, f.line, f.header[c], record[c])
	}
	return v, nil
}

// quoted matches a name that may contain any separator.
var quoted = regexp.MustCompile(`"[^"]*"`)

// checkCSV rejects the beginning of a file that is not a CSV file with commas; the error
// says what each line should have.
func checkCSV(begin []byte, columns string) error {
	switch is := sniff.Name(begin[:min(len(begin), sniff.Len)]); is {
	case "", "a text file", "a BMP image": // a name may begin with BM
	default:
		return fmt.Errorf("%s, want CSV: a header and lines of %s", is, columns)
	}
	line, _, ends := bytes.Cut(begin, []byte("\n"))
	if bare, _, ok := bytes.Cut(line, []byte("\r")); ok && len(bare)+1 < len(line) {
		return errors.New("lines end with CR alone, want LF or CRLF")
	}
	if !ends && len(begin) >= maxCSVLine {
		return fmt.Errorf("longer than %d bytes", maxCSVLine)
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
		if l.long += len(before); l.long > maxCSVLine {
			return 0, fmt.Errorf("line %d: longer than %d bytes", l.n, maxCSVLine)
		}
		if !ended {
			return n, err
		}
		l.n, l.long, rest = l.n+1, 0, behind
	}
}
