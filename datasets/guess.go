// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/internal/text"
)

// Kind is what the cells of a column mean.
type Kind int

// The kinds of columns.
const (
	Guessed  Kind = iota // as the file suggests
	Number               // a decimal number
	Category             // one of a few names; numbers may be names, too
	Boolean              // true or false, yes or no, t or f, y or n, on or off, 1 or 0
	Date                 // a day, a time of day, or both
	FreeText             // text, or names that hardly repeat: not encoded, see Frame.Texts
)

var kindNames = choices[Kind]{"guessed", "number", "category", "boolean", "date", "text"}

// String returns the name of the kind.
func (k Kind) String() string { return nameOf(k, kindNames) }

// MarshalText returns the name of the kind.
func (k Kind) MarshalText() ([]byte, error) { return kindNames.marshal("kind", k) }

// UnmarshalText reads what MarshalText returned.
func (k *Kind) UnmarshalText(raw []byte) error { return kindNames.unmarshal("kind", raw, k) }

// maxDistinct is where the counting of different cells ends, and the most categories that
// are guessed.
const maxDistinct = 1000

// guess is what the cells of a column seem to be. It only concerns how they are written:
// nothing of it is fitted to the values.
type guess struct {
	kind               Kind
	missing, distinct  int      // rows; distinct stops at maxDistinct+1
	examples           []string // different cells, by first appearance
	least, most        float64  // numbers
	order              DateOrder
	undecided, opposed string // why the order of dates is unknown, or is none
	clock, day         bool   // some date has a time of day, a day
	note               string
}

// guessed looks at every row of the file once.
func (c *cells) guessed() []guess {
	c.guessing.Do(func() {
		for k := range c.columns {
			c.guesses = append(c.guesses, c.guess(k))
		}
	})
	return c.guesses
}

// guess looks at column k.
func (c *cells) guess(k int) guess {
	var g guess
	seen := map[string]bool{}
	rows := len(c.lines)
	numbers, booleans, dates, long, present := 0, 0, 0, 0, 0
	pairs := make([]int, len(truths))
	odd, evidence := "", [3]string{} // the first cell that is no number; a date of each order
	either := ""
	for row := range rows {
		cell, ok := c.cell(int32(row), k)
		if !ok {
			g.missing++
			continue
		}
		present++
		if len(seen) <= maxDistinct && !seen[cell] {
			seen[cell] = true
			if len(g.examples) < 4 {
				g.examples = append(g.examples, cell)
			}
		}
		if v, ok := parseNumber(cell, c.dialect.decimal, c.dialect.thousands); ok {
			if numbers == 0 {
				g.least, g.most = v, v
			}
			numbers, g.least, g.most = numbers+1, min(g.least, v), max(g.most, v)
		} else if odd == "" {
			odd = fmt.Sprintf("%.30q in line %d", cell, c.lines[row])
		}
		if _, ok := parseBool(cell); ok {
			booleans++
			lower := strings.ToLower(cell)
			for p, pair := range truths {
				if lower == pair[0] || lower == pair[1] {
					pairs[p]++
				}
			}
		}
		if dates == present-1 { // all so far
			if _, form, ok := parseDate(cell, c.dialect.dates); ok {
				dates++
				g.clock, g.day = g.clock || form.clock, g.day || form.day
				if form.order != GuessDates && evidence[form.order] == "" {
					evidence[form.order] = fmt.Sprintf("%.30q in line %d", cell, c.lines[row])
				}
				if form.either && either == "" {
					either = fmt.Sprintf("%.30q in line %d", cell, c.lines[row])
				}
			}
		}
		if len(cell) > 60 || strings.Contains(cell, "\n") {
			long++
		}
	}
	g.distinct = len(seen)
	g.order = c.dialect.dates
	if g.order == GuessDates {
		switch {
		case evidence[DayFirst] != "" && evidence[MonthFirst] != "":
			g.opposed = evidence[DayFirst] + " has the day first, " + evidence[MonthFirst] + " the month"
			dates = 0
		case evidence[DayFirst] != "":
			g.order, g.note = DayFirst, "day first, by "+evidence[DayFirst]
		case evidence[MonthFirst] != "":
			g.order, g.note = MonthFirst, "month first, by "+evidence[MonthFirst]
		case either != "":
			g.undecided = either
			g.note = "day or month first? Set CSVOptions.Dates"
		}
	}
	word := slices.ContainsFunc(pairs[:len(pairs)-1], func(n int) bool { return n == present })
	switch {
	case present == 0:
		g.kind, g.note = FreeText, "no value"
	case numbers == present:
		g.kind, g.note = Number, ""
		if g.distinct == 1 {
			g.note = "constant"
		} else if g.distinct <= 10 && present > 20 && allIntegers(g.examples) {
			g.note = fmt.Sprintf("%d different numbers: perhaps categories", g.distinct)
		}
	case booleans == present && word:
		g.kind, g.note = Boolean, ""
	case dates == present:
		g.kind = Date
	default:
		g.note = ""
		g.kind = Category
		if g.distinct > maxDistinct || long*4 > present || g.distinct > 10 && 2*g.distinct > present || g.distinct > 2 && g.distinct == present {
			g.kind = FreeText
		}
		switch {
		case g.opposed != "":
			g.note = "dates? " + g.opposed
		case 10*numbers >= 9*present:
			g.note = fmt.Sprintf("numbers besides %s (%d)", odd, present-numbers)
		case g.distinct == 1:
			g.note = "constant"
		}
	}
	return g
}

func allIntegers(cells []string) bool {
	return !slices.ContainsFunc(cells, func(s string) bool { _, err := strconv.Atoi(s); return err != nil })
}

// dateOrder is the order in which column k writes its dates.
func (c *cells) dateOrder(k int) (DateOrder, error) {
	g := c.guessed()[k]
	switch {
	case g.undecided != "":
		return 0, c.in(fmt.Errorf("column %q: %s may be day or month first, and no row decides it: set CSVOptions.Dates to DayFirst or MonthFirst", c.columns[k], g.undecided))
	case g.opposed != "":
		return 0, c.in(fmt.Errorf("column %q: %s: set CSVOptions.Dates to DayFirst or MonthFirst and correct the others", c.columns[k], g.opposed))
	}
	return g.order, nil
}

// distinctText counts different cells.
func (g guess) distinctText() string {
	if g.distinct > maxDistinct {
		return ">" + text.Thousands(maxDistinct)
	}
	return text.Thousands(g.distinct)
}

// sample describes the values of a column in a few words.
func (g guess) sample() string {
	if g.kind == Number {
		return fmt.Sprintf("%.6g to %.6g", g.least, g.most)
	}
	var parts []string
	for _, e := range g.examples {
		parts = append(parts, shorten(e, 20))
	}
	if g.distinct > len(parts) {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}

// shorten cuts a cell to n characters on one line.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// String shows what the file seems to hold: its dialect and, for each column, the kind that
// was guessed, the number of rows without a value and of different cells, and examples. All
// rows of the file count, not only those of this part.
func (f *Frame) String() string {
	var b strings.Builder
	d := f.dialect
	fmt.Fprintf(&b, "%s: %s", f.name, f.rowsAndColumns())
	if f.Len() != len(f.lines) {
		fmt.Fprintf(&b, " of the file's %s rows", text.Thousands(len(f.lines)))
	}
	if f.held {
		b.WriteString(", held out for testing")
	}
	separated := commaNames[d.comma]
	if separated == "" {
		separated = strconv.QuoteRune(d.comma)
	}
	fmt.Fprintf(&b, "\nseparated by %s", separated)
	if d.guessed {
		b.WriteString(" (guessed)")
	}
	fmt.Fprintf(&b, ", decimal character %c\n", d.decimal)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "column\tkind\tmissing\tdifferent\tvalues\tnote")
	for c, g := range f.guessed() {
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%s\n", shorten(f.columns[c], 40), g.kind, text.Thousands(g.missing), g.distinctText(), g.sample(), g.note)
	}
	_ = w.Flush() // a Builder takes everything
	return trimLines(b.String())
}

// trimLines removes the spaces at the ends of lines that tabwriter leaves.
func trimLines(s string) string {
	rows := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, row := range rows {
		rows[i] = strings.TrimRight(row, " ")
	}
	return strings.Join(rows, "\n")
}
