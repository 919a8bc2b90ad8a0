// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/reef-dl/reef/internal/sniff"
	"github.com/reef-dl/reef/internal/text"
)

// CSVOptions describe a CSV file. The zero value guesses the separator and the decimal
// character and expects a header and UTF-8. The string of a Frame says what was guessed. Cells
// may be in double quotes, inside which a quote is written twice (RFC 4180).
type CSVOptions struct {
	// Comma separates the columns. 0 takes the one of , ; tab | that divides the first
	// lines most evenly, or that of a first line "sep=;", as Excel writes it.
	Comma rune
	// Decimal is the decimal character, '.' or ','. 0 takes the comma if the columns are
	// not separated by commas and more cells look like 1,5 than like 1.5.
	Decimal rune
	// Thousands is ignored between the digits of a number: in "1.234,5" the point. 0: no
	// character is.
	Thousands rune
	// Dates is the order of day and month in dates such as 03/04/2020. Dates that begin
	// with the year and those with points (31.12.2020) need no order.
	Dates DateOrder
	// Missing are the cells that stand for a missing value, beside empty ones; nil means
	// DefaultMissing. Sentinels such as "?" or "-999" must be listed.
	Missing []string
	// Columns are the names of the columns to keep, in this order; nil keeps all. With
	// NoHeader they name all columns of the file instead.
	Columns []string
	// NoHeader says that the first line is a row already. Columns without names are called
	// "column 1", "column 2" ...
	NoHeader bool
	// Comment, if not 0, begins a line that is skipped.
	Comment rune
	// Skip is the number of lines before the header, such as a title.
	Skip int
	// LazyQuotes accepts a quote inside a cell that is not in quotes, such as 5" disk.
	LazyQuotes bool
	// Charset is how characters are stored. A byte order mark of UTF-8 or UTF-16 overrides
	// it.
	Charset Charset
	// MaxBytes is the largest file that is read; 0 means 128 MB. At most 1 GB.
	MaxBytes int64
}

// DefaultMissing are the cells that pandas reads as missing, without those of old C
// libraries. To keep "NA" or "None" as the name of a category, list others in
// CSVOptions.Missing.
var DefaultMissing = []string{"NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"}

// Charset is an encoding of characters.
type Charset int

// The character sets.
const (
	UTF8        Charset = iota
	Latin1              // ISO 8859-1
	Windows1252         // as Excel writes CSV files in western Europe and America
	UTF16LE             // little-endian
	UTF16BE             // big-endian
)

const (
	maxFrameBytes = 1 << 30 // the largest CSVOptions.MaxBytes
	maxMissing    = 100     // cells in CSVOptions.Missing
)

func (o CSVOptions) check() error {
	for _, c := range []struct {
		what string
		char rune
	}{{"Comma", o.Comma}, {"Comment", o.Comment}} {
		if c.char == '"' || c.char == '\r' || c.char == '\n' || c.char == utf8.RuneError || c.char != 0 && !utf8.ValidRune(c.char) {
			return fmt.Errorf("csv: %s is %q, want another character", c.what, c.char)
		}
	}
	if o.Comma != 0 && o.Comma == o.Comment {
		return fmt.Errorf("csv: Comma and Comment are both %q", o.Comma)
	}
	if o.Decimal != 0 && o.Decimal != '.' && o.Decimal != ',' {
		return fmt.Errorf("csv: Decimal is %q, want '.' or ','", o.Decimal)
	}
	if t := o.Thousands; t != 0 && (t == o.Decimal || t >= '0' && t <= '9' || !utf8.ValidRune(t) || strings.ContainsRune("+-eE", t)) {
		return fmt.Errorf("csv: Thousands is %q, want a character that is no digit, sign or decimal character", t)
	}
	if o.Dates < GuessDates || o.Dates > MonthFirst {
		return fmt.Errorf("csv: Dates is %d, want GuessDates, DayFirst or MonthFirst", o.Dates)
	}
	if o.Charset < UTF8 || o.Charset > UTF16BE {
		return fmt.Errorf("csv: Charset %d is unknown", o.Charset)
	}
	if o.Skip < 0 || o.Skip > 1000 {
		return fmt.Errorf("csv: Skip is %d, want 0 to 1000", o.Skip)
	}
	if o.MaxBytes < 0 || o.MaxBytes > maxFrameBytes {
		return fmt.Errorf("csv: MaxBytes is %d, want 1 to %d", o.MaxBytes, maxFrameBytes)
	}
	if len(o.Missing) > maxMissing {
		return fmt.Errorf("csv: Missing has %d cells, want at most %d", len(o.Missing), maxMissing)
	}
	if err := distinct(o.Columns); err != nil {
		return fmt.Errorf("csv: Columns: %w", err)
	}
	return nil
}

// distinct rejects names that are empty or occur twice.
func distinct(names []string) error {
	seen := map[string]int{}
	for c, name := range names {
		if name == "" {
			return fmt.Errorf("column %d has no name", c+1)
		}
		if first, ok := seen[name]; ok {
			return fmt.Errorf("columns %d and %d are both named %q", first+1, c+1, name)
		}
		seen[name] = c
	}
	return nil
}

// names are those of the n columns of a file without a header.
func (o CSVOptions) names(n int) ([]string, error) {
	if o.Columns == nil {
		names := make([]string, n)
		return names, nameColumns(names)
	}
	if len(o.Columns) != n {
		return nil, fmt.Errorf("%s, CSVOptions.Columns names %d", text.Count(n, "column"), len(o.Columns))
	}
	return slices.Clone(o.Columns), nil
}

// nameColumns numbers the columns of a header that have no name, in place.
func nameColumns(header []string) error {
	numbers := 0
	for c, name := range header {
		if name == "" {
			header[c] = fmt.Sprintf("column %d", c+1)
		}
		if _, ok := parseNumber(name, '.', 0); ok {
			numbers++
		}
	}
	if numbers == len(header) {
		return text.Brief(fmt.Errorf("the header %q has only numbers: set CSVOptions.NoHeader if the file has none", header))
	}
	return distinct(header)
}

// dialect is how the cells of a file are written.
type dialect struct {
	comma, decimal, thousands rune
	guessed                   bool // the comma
	dates                     DateOrder
	missing                   []string
}

// commas are the separators that are tried, the likeliest first.
var commas = []rune{',', ';', '\t', '|'}

var commaNames = map[rune]string{',': "commas", ';': "semicolons", '\t': "tabs", '|': "vertical bars"}

// declared is the separator in a first line "sep=;".
func declared(begin []byte) (comma rune, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimRight(firstLine(begin), "\r"), []byte("sep="))
	if !ok {
		return 0, false
	}
	comma, n := utf8.DecodeRune(rest)
	return comma, n == len(rest) && slices.Contains(commas, comma)
}

// guessDialect finds the separator in the beginning of a file. If the options name another
// one than the file seems to have, that is an error.
func guessDialect(begin []byte, o CSVOptions) (dialect, error) {
	missing := o.Missing
	if missing == nil {
		missing = DefaultMissing
	}
	d := dialect{comma: o.Comma, decimal: o.Decimal, thousands: o.Thousands, dates: o.Dates}
	for _, m := range missing {
		d.missing = append(d.missing, strings.TrimSpace(m))
	}
	counts := separators(begin, o.Comment) // of every line, for each separator
	if d.comma == 0 {
		d.comma, d.guessed = ',', true
		best := 0.0
		for k, c := range commas {
			like := 0 // lines with as many as the first
			for _, n := range counts {
				if n[k] == counts[0][k] {
					like++
				}
			}
			if len(counts) == 0 || counts[0][k] == 0 {
				continue
			}
			// Even lines count more than many columns: prose has commas, too.
			if score := float64(like)/float64(len(counts)) + float64(counts[0][k])/1e6; score > best {
				d.comma, best = c, score
			}
		}
		return d, nil
	}
	if len(counts) > 0 && slices.Contains(commas, d.comma) {
		own := counts[0][slices.Index(commas, d.comma)]
		for k, c := range commas {
			if c != d.comma && counts[0][k] > own {
				return d, fmt.Errorf("columns are separated by %s, want %s", commaNames[c], commaNames[d.comma])
			}
		}
	}
	return d, nil
}

// separators counts the separators outside of quotes in each of the first complete lines,
// or in the only one.
func separators(begin []byte, comment rune) (counts [][4]int) {
	var n [4]int
	quoted, skipped, empty, start := false, false, true, true
	mark := []byte(string(comment))
	for i, b := range begin {
		if start {
			skipped, start = comment != 0 && bytes.HasPrefix(begin[i:], mark), false
		}
		switch {
		case b == '\n' && !quoted:
			if !skipped && !empty {
				counts = append(counts, n)
			}
			if n, empty, start = [4]int{}, true, true; len(counts) == 100 {
				return counts
			}
		case skipped || b == '\r':
		case b == '"':
			quoted, empty = !quoted, false
		case quoted:
		default:
			empty = false
			if k := slices.Index(commas, rune(b)); k >= 0 {
				n[k]++
			}
		}
	}
	if len(counts) == 0 {
		counts = append(counts, n)
	}
	return counts
}

// decodeText returns the text of a file in UTF-8, without a byte order mark.
func decodeText(in *bufio.Reader, set Charset) (*bufio.Reader, error) {
	begin, err := sniff.Peek(in, 4)
	if err != nil {
		return nil, err
	}
	for _, mark := range []struct {
		bytes string
		set   Charset
	}{{"\ufeff", UTF8}, {"\xff\xfe", UTF16LE}, {"\xfe\xff", UTF16BE}} {
		if bytes.HasPrefix(begin, []byte(mark.bytes)) {
			_, _ = in.Discard(len(mark.bytes)) // was peeked at
			set = mark.set
			break
		}
	}
	switch set {
	case Latin1:
		in = bufio.NewReaderSize(charmap.ISO8859_1.NewDecoder().Reader(in), maxCSVLine)
	case Windows1252:
		in = bufio.NewReaderSize(charmap.Windows1252.NewDecoder().Reader(in), maxCSVLine)
	case UTF16LE:
		in = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(in), maxCSVLine)
	case UTF16BE:
		in = bufio.NewReaderSize(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(in), maxCSVLine)
	default:
		if len(begin) == 4 && (begin[0] == 0) != (begin[1] == 0) && (begin[2] == 0) != (begin[3] == 0) {
			return nil, errors.New("zeros between the characters, as in UTF-16: set CSVOptions.Charset to UTF16LE or UTF16BE")
		}
	}
	return in, nil
}
