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
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/sniff"
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
// A cell that is empty or not a finite number is an error. ReadCSV reads files with other
// separators, classes, dates and missing values. Errors name the file, which is called name,
// the line and the column.
func ReadTable(r io.Reader, name, target string) (*Table, error) {
	f, err := openCSV(r, name, CSVOptions{Comma: ','}, numbersOnly, "numbers")
	if err != nil {
		return nil, err
	}
	columns, at := f.header, -1
	if target != "" {
		if at = slices.Index(columns, target); at < 0 {
			return nil, fmt.Errorf("%s: line 1: %w", name, noColumn(target, columns))
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

// noColumn is the error for a column that does not exist.
func noColumn(name string, columns []string) error {
	return text.Brief(fmt.Errorf("no column %q%s, there are %q", name, text.Meant(name, columns...), columns))
}

// csvLimits bound what a reader of CSV accepts.
type csvLimits struct {
	bytes   int64
	line    int // bytes
	columns int
}

// numbersOnly are the limits of files of numbers.
var numbersOnly = csvLimits{maxCSVBytes, maxCSVLine, maxCSVColumns}

// csvFile is a CSV file that is read line by line.
type csvFile struct {
	name    string
	limits  csvLimits
	limited *io.LimitedReader
	records *csv.Reader
	dialect dialect
	header  []string
	first   []string // the first record of a file without a header, until next returns it
	line    int      // of the last record
	before  int      // lines before those that records reads
}

// openCSV reads the header. want says what a line should have, for errors.
func openCSV(r io.Reader, name string, o CSVOptions, limits csvLimits, want string) (*csvFile, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &csvFile{name: name, limits: limits, limited: &io.LimitedReader{R: r, N: limits.bytes + 1}}
	in, err := decodeText(bufio.NewReaderSize(f.limited, maxCSVLine), o.Charset)
	if err != nil {
		return nil, fmt.Errorf("%s: line 1: %w", name, err)
	}
	for range o.Skip {
		if _, err := readLine(in, limits.line); err != nil {
			return nil, fmt.Errorf("%s: line %d: skipped lines: %w", name, f.before+1, unexpected(err))
		}
		f.before++
	}
	begin, err := sniff.Peek(in, maxCSVLine)
	if err == nil {
		err = checkCSV(begin, limits.line, want)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", name, f.before+1, err)
	}
	if comma, ok := declared(begin); ok && (o.Comma == 0 || o.Comma == comma) {
		if _, err := readLine(in, limits.line); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, f.before+1, err)
		}
		f.before++
		o.Comma = comma
		begin, err = sniff.Peek(in, maxCSVLine)
	}
	if err == nil {
		f.dialect, err = guessDialect(begin, o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", name, f.before+1, err)
	}
	f.records = csv.NewReader(&lines{r: in, n: f.before + 1, most: limits.line})
	f.records.Comma, f.records.Comment, f.records.LazyQuotes = f.dialect.comma, o.Comment, o.LazyQuotes
	f.records.TrimLeadingSpace = f.dialect.comma != '\t' && f.dialect.comma != ' '
	f.records.ReuseRecord, f.records.FieldsPerRecord = true, -1 // next counts the fields
	header, err := f.records.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: header: %w", name, unexpected(f.placed(err)))
	}
	line, _ := f.records.FieldPos(0)
	line += f.before
	if len(header) > limits.columns {
		return nil, fmt.Errorf("%s: line %d: %s, want at most %d", name, line, text.Count(len(header), "column"), limits.columns)
	}
	for _, h := range header { // the record is reused
		f.header = append(f.header, strings.Clone(strings.TrimSpace(h)))
	}
	if o.NoHeader {
		f.first, f.line = f.header, line
		f.header, err = o.names(len(f.first))
	} else if limits != numbersOnly {
		err = nameColumns(f.header)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", name, line, err)
	}
	return f, nil
}

// placed is an error of package csv with the lines of the whole file.
func (f *csvFile) placed(err error) error {
	if e := (*csv.ParseError)(nil); errors.As(err, &e) {
		moved := *e
		moved.StartLine, moved.Line = e.StartLine+f.before, e.Line+f.before
		return &moved
	}
	return err
}

// next returns the fields of the next line, valid until it is called again, and io.EOF
// after the last. A file without any line is an error.
func (f *csvFile) next() ([]string, error) {
	if f.first != nil {
		record := f.first
		f.first = nil
		return record, nil
	}
	record, err := f.records.Read()
	switch {
	case err != nil && f.limited.N <= 0:
		return nil, fmt.Errorf("%s: more than %d bytes", f.name, f.limits.bytes)
	case errors.Is(err, io.EOF) && f.line == 0:
		return nil, fmt.Errorf("%s: no rows after the header", f.name)
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil: // names the line
		return nil, fmt.Errorf("%s: %w", f.name, f.placed(err))
	}
	f.line, _ = f.records.FieldPos(0)
	if f.line += f.before; len(record) != len(f.header) {
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

// checkCSV rejects the beginning of a file that is not text or has lines that are too long;
// the error says what each line should have.
func checkCSV(begin []byte, longest int, want string) error {
	switch is := sniff.Name(begin[:min(len(begin), sniff.Len)]); is {
	case "", "a text file", "a BMP image": // a name may begin with BM
	case "a JSON file": // text in braces, or a name in brackets
		if !bytes.ContainsAny(firstLine(begin), ",;\t|") || begin[0] == '{' {
			return fmt.Errorf("%s, want CSV: a header and lines of %s", is, want)
		}
	default:
		return fmt.Errorf("%s, want CSV: a header and lines of %s", is, want)
	}
	line, _, ends := bytes.Cut(begin, []byte("\n"))
	if bare, _, ok := bytes.Cut(line, []byte("\r")); ok && len(bare)+1 < len(line) {
		return errors.New("lines end with CR alone, want LF or CRLF")
	}
	if !ends && len(begin) >= longest {
		return fmt.Errorf("longer than %d bytes", longest)
	}
	return nil
}

func firstLine(raw []byte) []byte {
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return line
}

// readLine reads one line of at most limit bytes.
func readLine(r *bufio.Reader, limit int) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return nil, fmt.Errorf("longer than %d bytes", limit)
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return line, err
		default:
			return line, nil
		}
	}
}

// lines rejects a line that is too long.
type lines struct {
	r    io.Reader
	n    int // number of the current line
	long int // bytes of it so far
	most int
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	rest := p[:n]
	for {
		before, behind, ended := bytes.Cut(rest, []byte("\n"))
		if l.long += len(before); l.long > l.most {
			return 0, fmt.Errorf("line %d: longer than %d bytes", l.n, l.most)
		}
		if !ended {
			return n, err
		}
		l.n, l.long, rest = l.n+1, 0, behind
	}
}
