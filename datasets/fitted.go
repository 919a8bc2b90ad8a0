// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reef-dl/reef/internal/text"
)

// maxOneHot is the most categories that are found in training rows.
const maxOneHot = 1000

// fittedColumn is a feature and what it has learned.
type fittedColumn struct {
	Feature
	Shift  []float64 `json:"shift,omitempty"` // of every number that is scaled
	Factor []float64 `json:"factor,omitempty"`
	Fill   string    `json:"fill,omitzero"` // what stands for a missing value, a number with a point
	Order  DateOrder `json:"order,omitzero"`

	index map[string]int // of the categories
	known int            // how many numbers a category chooses from
	at    int            // first number in the input
	kept  int            // first number in what a source keeps of a row
	input int
}

// words tells where a kind comes from, for errors.
func (f *Frame) words(c int, kind Kind) string {
	if g := f.guessed()[c]; g.kind == kind {
		return fmt.Sprintf("as the others of the file are (%s)", g.sample())
	}
	return "as the schema says"
}

// fit learns from the rows of the frame.
func (c *fittedColumn) fit(f *Frame) error {
	k, err := f.find(c.Column)
	if err != nil {
		return err
	}
	if c.Kind == Date {
		if c.Order, err = f.dateOrder(k); err != nil {
			return err
		}
	}
	found := learned{counts: map[string]int{}}
	for _, row := range f.rows {
		if cell, ok := f.cell(row, k); ok && !found.add(c, cell, f.dialect) {
			return fmt.Errorf("%s: %.40q is not a %v, %s", f.where(row, c.Column), cell, c.Kind, f.words(k, c.Kind))
		}
	}
	if found.present == 0 && !(c.Kind == Category && (c.Categories != nil || c.Buckets > 0)) {
		return f.in(fmt.Errorf("column %q: no training row has a value", c.Column))
	}
	c.Value = strings.TrimSpace(c.Value)
	switch c.Kind {
	case Number:
		err = c.fitNumbers(found.numbers, f.dialect)
	case Category:
		err = c.fitCategories(found.counts)
	case Boolean:
		err = c.fitBooleans(found.falses, found.present)
	case Date:
		err = c.fitDates(found.times, found.clock, found.day)
	}
	if err != nil {
		return f.in(fmt.Errorf("column %q: %w", c.Column, err))
	}
	return nil
}

// learned is what a column holds in the training rows.
type learned struct {
	present    int // cells with a value
	numbers    []float64
	counts     map[string]int // of each name
	falses     int
	times      []time.Time
	clock, day bool // some date has a time of day, a day
}

// add takes in a cell; it returns false if the cell is not of the column's kind.
func (l *learned) add(c *fittedColumn, cell string, d dialect) bool {
	l.present++
	switch c.Kind {
	case Number:
		v, ok := parseNumber(cell, d.decimal, d.thousands)
		l.numbers = append(l.numbers, v)
		return ok
	case Category:
		if c.Buckets == 0 || c.Missing == MissingMost {
			l.counts[cell]++
		}
	case Boolean:
		v, ok := parseBool(cell)
		if !v {
			l.falses++
		}
		return ok
	case Date:
		at, form, ok := parseDate(cell, c.Order)
		l.clock, l.day = l.clock || form.clock, l.day || form.day
		l.times = append(l.times, at)
		return ok
	}
	return true
}

// fitBooleans finds what stands for a missing boolean.
func (c *fittedColumn) fitBooleans(falses, present int) error {
	switch c.Missing {
	case MissingMost:
		c.Fill = truths[0][0]
		if 2*falses < present {
			c.Fill = truths[0][1]
		}
	case MissingValue:
		c.Fill = c.Value
		if _, ok := parseBool(c.Value); !ok {
			return fmt.Errorf("the Value %q is not a boolean", c.Value)
		}
	}
	return nil
}

func (c *fittedColumn) fitNumbers(values []float64, d dialect) error {
	if err := c.scaleOf(values); err != nil {
		return err
	}
	var fill float64
	switch c.Missing {
	case MissingMean:
		s, err := StandardScaler(values, 1)
		if err != nil {
			return err
		}
		fill = s.Shift[0]
	case MissingMedian:
		fill = quantile(slices.Sorted(slices.Values(values)), 0.5)
	case MissingMost:
		fill = mostFrequent(values)
	case MissingValue:
		v, ok := parseNumber(c.Value, d.decimal, d.thousands)
		if !ok {
			return fmt.Errorf("the Value %q is not a number", c.Value)
		}
		fill = v
	default:
		return nil
	}
	c.Fill = strconv.FormatFloat(fill, 'g', -1, 64)
	return nil
}

// scaleOf appends the scaling of one series of numbers.
func (c *fittedColumn) scaleOf(values []float64) error {
	var s Scaler
	var err error
	switch c.Scale {
	case Standardize:
		s, err = StandardScaler(values, 1)
	case MinMax:
		s, err = MinMaxScaler(values, 1)
	case Robust:
		sorted := slices.Sorted(slices.Values(values))
		s = Scaler{[]float64{quantile(sorted, 0.5)}, []float64{quantile(sorted, 0.75) - quantile(sorted, 0.25)}}
		if s.Scale[0] == 0 {
			s.Scale[0] = 1
		}
		if math.IsInf(s.Scale[0], 0) {
			err = errors.New("scaler: the distance of the quartiles does not fit double precision")
		}
	default:
		s = Scaler{[]float64{0}, []float64{1}}
	}
	if err != nil {
		return err
	}
	c.Shift, c.Factor = append(c.Shift, s.Shift[0]), append(c.Factor, s.Scale[0])
	return nil
}

// quantile is numpy's default: linear between the sorted values at (n-1)·q.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(i)
	return sorted[i]*(1-part) + sorted[i+1]*part
}

// mostFrequent is the smallest of the most frequent values.
func mostFrequent(values []float64) (best float64) {
	sorted := slices.Sorted(slices.Values(values))
	most := 0
	for i := 0; i < len(sorted); {
		n := i
		for n < len(sorted) && sorted[n] == sorted[i] {
			n++
		}
		if n-i > most {
			most, best = n-i, sorted[i]
		}
		i = n
	}
	return best
}

func (c *fittedColumn) fitCategories(counts map[string]int) error {
	switch {
	case c.Buckets > 0:
	case c.Categories != nil:
		if err := distinct(c.Categories); err != nil {
			return fmt.Errorf("Categories: %w", err)
		}
		c.Categories = slices.Clone(c.Categories)
	default:
		for name, n := range counts {
			if n >= c.MinCount {
				c.Categories = append(c.Categories, name)
			}
		}
		sortNames(c.Categories)
		if len(c.Categories) == 0 {
			return fmt.Errorf("no category has %s", text.Count(c.MinCount, "training row"))
		}
		if n := len(c.Categories); n > maxOneHot && c.Encoding == EncodeOneHot {
			return fmt.Errorf("%s, one-hot takes at most %d: set MinCount, Buckets, or EncodeOrdinal and an Embedding", text.Count(n, "different value"), maxOneHot)
		}
	}
	return c.fillCategory(counts)
}

// fillCategory finds what stands for a missing category.
func (c *fittedColumn) fillCategory(counts map[string]int) error {
	switch c.Missing {
	case MissingMost:
		most := 0
		names := make([]string, 0, len(counts))
		for name := range counts {
			names = append(names, name)
		}
		sortNames(names)
		for _, name := range names {
			if counts[name] > most && (c.Buckets > 0 || slices.Contains(c.Categories, name)) {
				c.Fill, most = name, counts[name]
			}
		}
		if most == 0 {
			return errors.New("no training row has one of the Categories, to replace missing ones by the most frequent")
		}
	case MissingValue:
		if c.Buckets == 0 && !slices.Contains(c.Categories, c.Value) {
			return fmt.Errorf("the Value %q is none of the categories %q", c.Value, c.Categories)
		}
		c.Fill = c.Value
	}
	return nil
}

// sortNames sorts by number if all names are numbers, else by name.
func sortNames(names []string) {
	slices.Sort(names)
	numbers := map[string]float64{}
	for _, name := range names {
		v, ok := parseNumber(name, '.', 0)
		if !ok {
			return
		}
		numbers[name] = v
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
}

func (c *fittedColumn) fitDates(times []time.Time, clock, day bool) error {
	if c.Parts == nil {
		if clock {
			c.Parts = append(c.Parts, DayCycle)
		}
		if day {
			c.Parts = append(c.Parts, WeekCycle, YearCycle)
		}
	}
	c.Parts = slices.Clone(c.Parts)
	for _, p := range c.Parts {
		if p.cyclic() {
			continue
		}
		values := make([]float64, len(times))
		for i, at := range times {
			values[i], _ = p.of(at)
		}
		if err := c.scaleOf(values); err != nil {
			return fmt.Errorf("%v: %w", p, err)
		}
	}
	if c.Missing == MissingValue {
		if _, _, ok := parseDate(c.Value, c.Order); !ok {
			return fmt.Errorf("the Value %q is not a date", c.Value)
		}
		c.Fill = c.Value
	}
	return nil
}

// of computes a part: the number, or sine and cosine of a cycle.
func (p DatePart) of(at time.Time) (v, cosine float64) {
	const daily = 24 * 60 * 60
	h, m, s := at.Clock()
	clock := (float64(h*3600+m*60+s) + float64(at.Nanosecond())/1e9) / daily // in days
	weekday := (int(at.Weekday()) + 6) % 7                                   // Monday is 0
	cycle := func(days, period float64) (float64, float64) {
		return math.Sincos(2 * math.Pi * days / period)
	}
	year, month, day := at.Date()
	switch p {
	case DayCycle:
		return cycle(clock, 1)
	case WeekCycle:
		return cycle(float64(weekday)+clock, 7)
	case MonthCycle:
		return cycle(float64(day-1)+clock, float64(time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()))
	case YearCycle:
		return cycle(float64(at.YearDay()-1)+clock, float64(time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()))
	case Elapsed:
		return float64(at.Unix())/daily + float64(at.Nanosecond())/1e9/daily, 0
	case Year:
		return float64(year), 0
	case Month:
		return float64(month), 0
	case Day:
		return float64(day), 0
	case Weekday:
		return float64(weekday + 1), 0
	case Hour:
		return float64(h), 0
	default:
		return float64(m), 0
	}
}

// needsDay reports whether a part cannot be computed of a time of day alone.
func (p DatePart) needsDay() bool { return p != DayCycle && p != Hour && p != Minute }

// complete computes what follows from the fitted values.
func (c *fittedColumn) complete() {
	c.known = c.Buckets
	if c.Buckets == 0 {
		c.known = len(c.Categories)
	}
	c.index = make(map[string]int, len(c.Categories))
	for i, name := range c.Categories {
		c.index[name] = i
	}
}

// categories is the number of categories, those for missing and unseen values included.
func (c *fittedColumn) categories() int {
	n := c.known
	if c.Missing == MissingCategory {
		n++
	}
	if c.Unseen == UnseenCategory {
		n++
	}
	return n
}

// width is how many numbers the feature becomes, the indicator included.
func (c *fittedColumn) width() int {
	n := 1
	switch {
	case c.Kind == Category && c.Encoding == EncodeOneHot:
		n = c.categories()
	case c.Kind == Date:
		n = 0
		for _, p := range c.Parts {
			if n++; p.cyclic() {
				n++
			}
		}
	}
	if c.Indicator {
		n++
	}
	return n
}

// names are those of the numbers.
func (c *fittedColumn) names() []string {
	var out []string
	switch {
	case c.Kind == Category && c.Encoding == EncodeOneHot:
		for _, name := range c.Categories {
			out = append(out, c.Column+"="+name)
		}
		for i := range c.Buckets {
			out = append(out, fmt.Sprintf("%s#%d", c.Column, i))
		}
		if c.Missing == MissingCategory {
			out = append(out, c.Column+" missing")
		}
		if c.Unseen == UnseenCategory {
			out = append(out, c.Column+" unseen")
		}
	case c.Kind == Date:
		for _, p := range c.Parts {
			if p.cyclic() {
				out = append(out, c.Column+" "+p.String()+" sin", c.Column+" "+p.String()+" cos")
			} else {
				out = append(out, c.Column+" "+p.String())
			}
		}
	default:
		out = append(out, c.Column)
	}
	if c.Indicator {
		out = append(out, c.Column+" missing")
	}
	return out
}

// value is a cell of a row.
type value struct {
	text    string
	present bool
	number  bool // written with a point, whatever the file's decimal character is
}

// keeps is how many numbers a source keeps of each row: for a category its index alone.
func (c *fittedColumn) keeps() int {
	if c.Kind != Category || c.Encoding != EncodeOneHot {
		return c.width()
	}
	if c.Indicator {
		return 2
	}
	return 1
}

// expand turns what is kept into the numbers of the input.
func (c *fittedColumn) expand(kept, out []float32) {
	if c.Kind != Category || c.Encoding != EncodeOneHot {
		copy(out, kept)
		return
	}
	clear(out)
	if kept[0] != noCategory {
		out[int(kept[0])] = 1
	}
	if c.Indicator {
		out[len(out)-1] = kept[1]
	}
}

// noCategory is kept for a category that becomes zeros.
const noCategory = -1

// encode writes what is kept of a value to out, which is zero.
func (c *fittedColumn) encode(v value, d dialect, out []float32) error {
	if !v.present {
		if c.Indicator {
			out[len(out)-1] = 1
		}
		switch c.Missing {
		case MissingError:
			return errors.New("no value: set Feature.Missing, or drop the row with DropMissing")
		case MissingZero:
			if c.Kind == Category {
				out[0] = noCategory
			}
			return nil
		case MissingCategory:
			out[0] = float32(c.known)
			return nil
		}
		v = value{c.Fill, true, true}
	}
	switch c.Kind {
	case Number:
		if v.number {
			d.decimal, d.thousands = '.', 0
		}
		x, ok := parseNumber(v.text, d.decimal, d.thousands)
		if !ok {
			return fmt.Errorf("%.40q is not a number, as the training rows are", v.text)
		}
		return c.scaled(0, x, &out[0])
	case Boolean:
		b, ok := parseBool(v.text)
		if !ok {
			return fmt.Errorf("%.40q is not true or false, as the training rows are", v.text)
		}
		if b {
			out[0] = 1
		}
	case Category:
		if c.Buckets > 0 {
			h := fnv.New64a()
			_, _ = h.Write([]byte(v.text)) // never fails
			out[0] = float32(h.Sum64() % uint64(c.Buckets))
			return nil
		}
		i, ok := c.index[v.text]
		switch {
		case ok:
			out[0] = float32(i)
		case c.Unseen == UnseenError:
			return text.Brief(fmt.Errorf("category %.40q is not among the %d of the training rows %s%s: set Feature.Unseen", v.text, len(c.Categories), someOf(c.Categories), text.Meant(v.text, c.Categories...)))
		case c.Unseen == UnseenCategory:
			out[0] = float32(c.categories() - 1)
		default:
			out[0] = noCategory
		}
	case Date:
		return c.encodeDate(v.text, out)
	}
	return nil
}

// someOf lists a few names.
func someOf(names []string) string {
	const most = 10
	if len(names) <= most {
		return fmt.Sprintf("%q", names)
	}
	return fmt.Sprintf("%q ...", names[:most])
}

// scaled writes number k of the column.
func (c *fittedColumn) scaled(k int, x float64, out *float32) error {
	*out = float32((x - c.Shift[k]) / c.Factor[k])
	if f := float64(*out); math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("%g, scaled by (x - %.6g) / %.6g, does not fit single precision", x, c.Shift[k], c.Factor[k])
	}
	return nil
}

func (c *fittedColumn) encodeDate(cell string, out []float32) error {
	at, form, ok := parseDate(cell, c.Order)
	if !ok {
		return fmt.Errorf("%.40q is not a date, as the training rows are", cell)
	}
	if form.either && c.Order == GuessDates {
		return fmt.Errorf("%.40q may be day or month first, the training rows have neither: write year-month-day", cell)
	}
	k := 0
	for _, p := range c.Parts {
		if p.needsDay() && !form.day {
			return fmt.Errorf("%.40q has no day, which %v needs", cell, p)
		}
		v, cosine := p.of(at)
		if p.cyclic() {
			out[0], out[1] = float32(v), float32(cosine)
			out = out[2:]
			continue
		}
		if err := c.scaled(k, v, &out[0]); err != nil {
			return err
		}
		k, out = k+1, out[1:]
	}
	return nil
}

// fittedTarget is a target and its class names.
type fittedTarget struct {
	Target
	index  map[string]int
	at     int // first number in the output
	output int
}

func (t *fittedTarget) fit(f *Frame) error {
	k, err := f.find(t.Column)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	var words [2]string // for false and true, as they are written
	for _, row := range f.rows {
		cell, ok := f.cell(row, k)
		switch {
		case !ok:
			return fmt.Errorf("%s: the target is missing: drop such rows with DropMissing(%q)", f.where(row, t.Column), t.Column)
		case t.Kind == Category && t.Categories == nil:
			counts[cell]++
		case t.Kind == Boolean:
			v, ok := parseBool(cell)
			if !ok {
				return fmt.Errorf("%s: %.40q is not true or false, %s", f.where(row, t.Column), cell, f.words(k, t.Kind))
			}
			if i := map[bool]int{false: 0, true: 1}[v]; words[i] == "" {
				words[i] = cell
			}
		}
	}
	switch t.Kind {
	case Category:
		if err := t.fitClasses(counts); err != nil {
			return f.in(err)
		}
	case Boolean:
		t.Categories = bothTruths(words)
	}
	if t.Kind != Number && len(t.Categories) < 2 {
		return f.in(fmt.Errorf("target %q: all training rows are %q, want at least two classes", t.Column, t.Categories))
	}
	return nil
}

// fitClasses sets the classes to those of the schema, else to the names in the training rows.
func (t *fittedTarget) fitClasses(counts map[string]int) error {
	if t.Categories != nil {
		if err := distinct(t.Categories); err != nil {
			return fmt.Errorf("target %q: Categories: %w", t.Column, err)
		}
		t.Categories = slices.Clone(t.Categories)
		return nil
	}
	for name := range counts {
		t.Categories = append(t.Categories, name)
	}
	sortNames(t.Categories)
	if n := len(t.Categories); n > maxOneHot {
		return fmt.Errorf("target %q: %s, want at most %d classes", t.Column, text.Count(n, "different value"), maxOneHot)
	}
	return nil
}

// bothTruths completes the words for false and true by the other of the same pair, if one was not
// found.
func bothTruths(words [2]string) []string {
	for i, word := range words {
		if word != "" {
			continue
		}
		for _, pair := range truths {
			if strings.EqualFold(words[1-i], pair[1-i]) {
				words[i] = pair[i]
			}
		}
	}
	return words[:]
}

// encode returns the number or class index of a target.
func (t *fittedTarget) encode(v value, d dialect) (float32, error) {
	if !v.present {
		return 0, errors.New("the target is missing")
	}
	switch t.Kind {
	case Number:
		x, ok := parseNumber(v.text, d.decimal, d.thousands)
		if !ok {
			return 0, fmt.Errorf("%.40q is not a number", v.text)
		}
		if y := float32(x); !math.IsInf(float64(y), 0) {
			return y, nil
		}
		return 0, fmt.Errorf("%g does not fit single precision", x)
	case Boolean:
		b, ok := parseBool(v.text)
		if !ok {
			return 0, fmt.Errorf("%.40q is not true or false", v.text)
		}
		if b {
			return 1, nil
		}
		return 0, nil
	}
	i, ok := t.index[v.text]
	if !ok {
		return 0, text.Brief(fmt.Errorf("class %.40q is not among those of the training rows %s", v.text, someOf(t.Categories)))
	}
	return float32(i), nil
}
