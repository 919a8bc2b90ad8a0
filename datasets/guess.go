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
	t := tally{seen: map[string]bool{}, pairs: make([]int, len(truths))}
	for row := range len(c.lines) {
		if cell, ok := c.cell(int32(row), k); ok {
			t.add(cell, c.lines[row], c.dialect)
		} else {
			t.missing++
		}
	}
	t.distinct = len(t.seen)
	t.decideOrder(c.dialect.dates)
	t.decideKind()
	return t.guess
}

// tally counts how the cells of a column are written.
type tally struct {
	guess
	present, numbers, booleans, dates, long int

	seen     map[string]bool
	pairs    []int     // cells that are a word of each pair of truths
	odd      string    // the first cell that is no number
	evidence [3]string // a date of each order
	either   string    // the first date that may have either
}

// add counts a cell.
func (t *tally) add(cell string, line int32, d dialect) {
	quoted := func() string { return fmt.Sprintf("%.30q in line %d", cell, line) }
	t.present++
	if len(t.seen) <= maxDistinct && !t.seen[cell] {
		t.seen[cell] = true
		if len(t.examples) < 4 {
			t.examples = append(t.examples, cell)
		}
	}
	if v, ok := parseNumber(cell, d.decimal, d.thousands); ok {
		if t.numbers == 0 {
			t.least, t.most = v, v
		}
		t.numbers, t.least, t.most = t.numbers+1, min(t.least, v), max(t.most, v)
	} else if t.odd == "" {
		t.odd = quoted()
	}
	if _, ok := parseBool(cell); ok {
		t.booleans++
		lower := strings.ToLower(cell)
		for p, pair := range truths {
			if lower == pair[0] || lower == pair[1] {
				t.pairs[p]++
			}
		}
	}
	if t.dates == t.present-1 { // all so far
		if _, form, ok := parseDate(cell, d.dates); ok {
			t.addDate(form, quoted)
		}
	}
	if len(cell) > 60 || strings.Contains(cell, "\n") {
		t.long++
	}
}

// addDate counts a date.
func (t *tally) addDate(form dateForm, quoted func() string) {
	t.dates++
	t.clock, t.day = t.clock || form.clock, t.day || form.day
	if form.order != GuessDates && t.evidence[form.order] == "" {
		t.evidence[form.order] = quoted()
	}
	if form.either && t.either == "" {
		t.either = quoted()
	}
}

// decideOrder finds the order of dates where the dialect does not say it.
func (t *tally) decideOrder(said DateOrder) {
	t.order = said
	if said != GuessDates {
		return
	}
	switch dayFirst, monthFirst := t.evidence[DayFirst], t.evidence[MonthFirst]; {
	case dayFirst != "" && monthFirst != "":
		t.opposed = dayFirst + " has the day first, " + monthFirst + " the month"
		t.dates = 0
	case dayFirst != "":
		t.order, t.note = DayFirst, "day first, by "+dayFirst
	case monthFirst != "":
		t.order, t.note = MonthFirst, "month first, by "+monthFirst
	case t.either != "":
		t.undecided = t.either
		t.note = "day or month first? Set CSVOptions.Dates"
	}
}

// decideKind finds the kind. Its note replaces that of the order, except for dates.
func (t *tally) decideKind() {
	word := slices.ContainsFunc(t.pairs[:len(t.pairs)-1], func(n int) bool { return n == t.present })
	switch {
	case t.present == 0:
		t.kind, t.note = FreeText, "no value"
	case t.numbers == t.present:
		t.kind, t.note = Number, ""
		if t.distinct == 1 {
			t.note = "constant"
		} else if t.distinct <= 10 && t.present > 20 && allIntegers(t.examples) {
			t.note = fmt.Sprintf("%d different numbers: perhaps categories", t.distinct)
		}
	case t.booleans == t.present && word:
		t.kind, t.note = Boolean, ""
	case t.dates == t.present:
		t.kind = Date
	default:
		t.decideNames()
	}
}

// decideNames tells categories from free text.
func (t *tally) decideNames() {
	t.kind, t.note = Category, ""
	if t.distinct > maxDistinct || t.long*4 > t.present || t.distinct > 10 && 2*t.distinct > t.present || t.distinct > 2 && t.distinct == t.present {
		t.kind = FreeText
	}
	switch {
	case t.opposed != "":
		t.note = "dates? " + t.opposed
	case 10*t.numbers >= 9*t.present:
		t.note = fmt.Sprintf("numbers besides %s (%d)", t.odd, t.present-t.numbers)
	case t.distinct == 1:
		t.note = "constant"
	}
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
