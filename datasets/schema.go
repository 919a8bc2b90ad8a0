// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/reef-dl/reef/internal/text"
)

// Schema says which columns of a Frame become the inputs, targets and sample weights of a
// model, and how. Frame.Schema proposes one. Fit learns what depends on values, such as means
// and categories, from the training rows, and returns the TableEncoder that applies it to any
// rows.
type Schema struct {
	Features []Feature
	Targets  []Target
	Weight   string   // the column of the samples' weights: numbers of at least 0; "" for none
	Ignored  []string // columns that are not used, for String
}

// Feature is a column that becomes numbers of an input.
type Feature struct {
	Column string `json:"column"`
	Kind   Kind   `json:"kind"`
	// Scale of numbers, including those of dates.
	Scale Scaling `json:"scale,omitzero"`
	// Encoding of categories.
	Encoding Encoding `json:"encoding,omitzero"`
	// Categories lists the categories in their order. nil: those of the training rows,
	// sorted by number if all are numbers, else by name.
	Categories []string `json:"categories,omitempty"`
	// MinCount makes categories with fewer training rows unseen ones.
	MinCount int `json:"-"`
	// Buckets, if not 0, hashes categories into as many numbers in place of listing them
	// (FNV-1a, 64 bits, modulo Buckets): for names that are too many or always new. Unrelated
	// names may share a bucket.
	Buckets int `json:"buckets,omitzero"`
	// Unseen is what happens to a category that is not listed.
	Unseen Unseen `json:"unseen,omitzero"`
	// Missing is what happens to a missing value.
	Missing Missing `json:"missing,omitzero"`
	// Value stands for missing values with MissingValue, written as in the file.
	Value string `json:"value,omitzero"`
	// Indicator adds a number that is 1 where the value is missing, else 0.
	Indicator bool `json:"indicator,omitzero"`
	// Parts of a date. nil: DayCycle if the training rows have times of day, WeekCycle and
	// YearCycle if they have days.
	Parts []DatePart `json:"parts,omitempty"`
	// Input is the name of the model's input that gets the feature. The order of the inputs
	// is that of their first features. A single input needs no name. Embeddings need
	// inputs of their own.
	Input string `json:"input,omitzero"`
}

// Target is a column to predict.
type Target struct {
	Column string `json:"column"`
	// Kind is Number, Category or Boolean. The numbers are not scaled.
	Kind Kind `json:"kind"`
	// Categories are the class names in the order of their indices. nil: those of the
	// training rows, sorted.
	Categories []string `json:"categories,omitempty"`
	// Output is the name of the model's output that predicts it. Numbers with the same
	// Output are one target, a vector; a category or boolean needs one of its own.
	Output string `json:"output,omitzero"`
}

// Scaling is how numbers are scaled: to (x - shift) / scale, fitted to the values that the
// training rows have.
type Scaling int

// The scalings.
const (
	Standardize Scaling = iota // to mean 0 and standard deviation 1: StandardScaler
	MinMax                     // to 0..1: MinMaxScaler
	Robust                     // by the median and the distance of the quartiles (scikit-learn's RobustScaler)
	Unscaled                   // not at all
)

// Encoding is how a category becomes numbers.
type Encoding int

// The encodings.
const (
	EncodeOneHot  Encoding = iota // as many numbers as categories, all 0 but one
	EncodeOrdinal                 // its index from 0, for an Embedding or for categories with an order
)

// Unseen is what happens to a category that is not listed.
type Unseen int

// The policies for unseen categories.
const (
	UnseenError    Unseen = iota // an error that names it
	UnseenZero                   // zeros (only EncodeOneHot)
	UnseenCategory               // a category of its own, after the others
)

// Missing is what happens to a missing value.
type Missing int

// The policies for missing values. Statistics are of the training rows.
const (
	MissingError    Missing = iota // an error that names the row
	MissingMean                    // the mean (numbers)
	MissingMedian                  // the median (numbers)
	MissingMost                    // the most frequent value, of equally frequent ones the first in order (not for dates)
	MissingValue                   // Feature.Value
	MissingZero                    // zeros after encoding and scaling (not EncodeOrdinal)
	MissingCategory                // a category of its own, before UnseenCategory's (categories)
)

// DatePart is one or two numbers computed from a date, in its own time zone. Cycles are
// sine and cosine of an angle that grows by 2π over the period, so that its end is close to
// its beginning. The other parts are scaled as numbers are.
type DatePart int

// The parts of a date.
const (
	DayCycle   DatePart = iota // from midnight to midnight
	WeekCycle                  // from Monday to Monday
	MonthCycle                 // from the first of the month to that of the next
	YearCycle                  // from 1 January to 1 January
	Elapsed                    // days since 1 January 1970 UTC
	Year
	Month   // 1 to 12
	Day     // of the month, 1 to 31
	Weekday // 1 (Monday) to 7
	Hour    // 0 to 23
	Minute  // 0 to 59
)

var (
	scalingNames  = choices[Scaling]{"standardize", "min-max", "robust", "unscaled"}
	encodingNames = choices[Encoding]{"one-hot", "ordinal"}
	unseenNames   = choices[Unseen]{"error", "zero", "category"}
	missingNames  = choices[Missing]{"error", "mean", "median", "most frequent", "value", "zero", "category"}
	partNames     = choices[DatePart]{"day cycle", "week cycle", "month cycle", "year cycle", "elapsed", "year", "month", "day", "weekday", "hour", "minute"}
)

// String returns the name of the scaling.
func (s Scaling) String() string { return nameOf(s, scalingNames) }

// MarshalText returns the name of the scaling.
func (s Scaling) MarshalText() ([]byte, error) { return scalingNames.marshal("scaling", s) }

// UnmarshalText reads what MarshalText returned.
func (s *Scaling) UnmarshalText(raw []byte) error {
	return scalingNames.unmarshal("scaling", raw, s)
}

// String returns the name of the encoding.
func (e Encoding) String() string { return nameOf(e, encodingNames) }

// MarshalText returns the name of the encoding.
func (e Encoding) MarshalText() ([]byte, error) { return encodingNames.marshal("encoding", e) }

// UnmarshalText reads what MarshalText returned.
func (e *Encoding) UnmarshalText(raw []byte) error {
	return encodingNames.unmarshal("encoding", raw, e)
}

// String returns the name of the policy.
func (u Unseen) String() string { return nameOf(u, unseenNames) }

// MarshalText returns the name of the policy.
func (u Unseen) MarshalText() ([]byte, error) { return unseenNames.marshal("unseen", u) }

// UnmarshalText reads what MarshalText returned.
func (u *Unseen) UnmarshalText(raw []byte) error {
	return unseenNames.unmarshal("unseen", raw, u)
}

// String returns the name of the policy.
func (m Missing) String() string { return nameOf(m, missingNames) }

// MarshalText returns the name of the policy.
func (m Missing) MarshalText() ([]byte, error) { return missingNames.marshal("missing", m) }

// UnmarshalText reads what MarshalText returned.
func (m *Missing) UnmarshalText(raw []byte) error {
	return missingNames.unmarshal("missing", raw, m)
}

// String returns the name of the part.
func (p DatePart) String() string { return nameOf(p, partNames) }

// MarshalText returns the name of the part.
func (p DatePart) MarshalText() ([]byte, error) { return partNames.marshal("part", p) }

// UnmarshalText reads what MarshalText returned.
func (p *DatePart) UnmarshalText(raw []byte) error { return partNames.unmarshal("part", raw, p) }

// cyclic reports whether a part is a sine and a cosine.
func (p DatePart) cyclic() bool { return p <= YearCycle }

// Schema proposes a schema that predicts the targets from all other columns, by the kinds that
// String shows. Numbers are standardized, categories one-hot with zeros for unseen ones. If
// the file has missing values in a column, numbers get the median, categories a category,
// booleans the most frequent value and dates zeros, each with an indicator except for
// categories. Columns of text and those with a single value are left out.
func (f *Frame) Schema(targets ...string) (Schema, error) {
	var s Schema
	guesses := f.guessed()
	for _, name := range targets {
		c, err := f.find(name)
		if err != nil {
			return s, err
		}
		kind := guesses[c].kind
		if kind == FreeText || kind == Date {
			return s, f.in(fmt.Errorf("target %q seems to be a %v (%s), want a number, category or boolean", name, kind, guesses[c].sample()))
		}
		s.Targets = append(s.Targets, Target{Column: name, Kind: kind})
	}
	if len(targets) > 1 { // each has an output, except for the numbers, which share one
		for i, t := range s.Targets {
			if t.Kind != Number {
				s.Targets[i].Output = t.Column
			}
		}
	}
	for c, name := range f.columns {
		g := guesses[c]
		if slices.Contains(targets, name) {
			continue
		}
		if g.kind == FreeText || g.distinct < 2 && g.missing == 0 {
			s.Ignored = append(s.Ignored, name)
			continue
		}
		feature := Feature{Column: name, Kind: g.kind}
		if g.kind == Category {
			feature.Unseen = UnseenZero
		}
		if g.missing > 0 {
			feature.Indicator = g.kind != Category
			feature.Missing = map[Kind]Missing{Number: MissingMedian, Category: MissingCategory, Boolean: MissingMost, Date: MissingZero}[g.kind]
		}
		s.Features = append(s.Features, feature)
	}
	if len(s.Features) == 0 {
		return s, f.in(errors.New("no column seems to be a number, category, boolean or date besides the targets"))
	}
	return s, nil
}

// Feature returns a pointer to the feature of a column, to change it, or nil.
func (s *Schema) Feature(column string) *Feature {
	for i := range s.Features {
		if s.Features[i].Column == column {
			return &s.Features[i]
		}
	}
	return nil
}

// Drop removes the features of the given columns; unknown names are errors.
func (s *Schema) Drop(columns ...string) error {
	for _, column := range columns {
		i := slices.IndexFunc(s.Features, func(f Feature) bool { return f.Column == column })
		if i < 0 {
			var names []string
			for _, f := range s.Features {
				names = append(names, f.Column)
			}
			return fmt.Errorf("drop: %w", noColumn(column, names))
		}
		s.Features = slices.Delete(s.Features, i, i+1)
		s.Ignored = append(s.Ignored, column)
	}
	return nil
}

// String lists the features, targets and what is left out.
func (s Schema) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "column\tkind\tbecomes\tmissing\tunseen\tto")
	for _, f := range s.Features {
		becomes, unseen := f.becomes(), ""
		if f.Kind == Category && f.Buckets == 0 {
			unseen = f.Unseen.String()
		}
		missing := f.Missing.String()
		if f.Missing == MissingValue {
			missing = strconv.Quote(f.Value)
		}
		if f.Indicator {
			missing += " + indicator"
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%s\n", shorten(f.Column, 40), f.Kind, becomes, missing, unseen, strings.TrimSpace("input "+f.Input))
	}
	for _, t := range s.Targets {
		becomes := "number"
		if t.Kind != Number {
			becomes = "class index"
		}
		fmt.Fprintf(w, "%s\t%v\t%s\terror\t\t%s\n", shorten(t.Column, 40), t.Kind, becomes, strings.TrimSpace("target "+t.Output))
	}
	if s.Weight != "" {
		fmt.Fprintf(w, "%s\tnumber\tsample weight\terror\t\t\n", shorten(s.Weight, 40))
	}
	_ = w.Flush() // a Builder takes everything
	out := trimLines(b.String())
	if len(s.Ignored) > 0 {
		out += "\nleft out: " + strings.Join(s.Ignored, ", ")
	}
	return out
}

// becomes is the encoding of a feature in words.
func (f Feature) becomes() string {
	switch f.Kind {
	case Number:
		return f.Scale.String()
	case Category:
		if f.Buckets > 0 {
			return fmt.Sprintf("%v of %s", f.Encoding, text.Count(f.Buckets, "bucket"))
		}
		return f.Encoding.String()
	case Boolean:
		return "0 or 1"
	case Date:
		if len(f.Parts) == 0 {
			return "cycles"
		}
		var parts []string
		for _, p := range f.Parts {
			parts = append(parts, p.String())
		}
		return strings.Join(parts, ", ")
	}
	return ""
}

// maxWidth is the most numbers of an input.
const maxWidth = 1 << 20

// check rejects settings that do not fit the kind, which is known.
func (f Feature) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("feature %q of kind %v: %w", f.Column, f.Kind, fmt.Errorf(format, args...))
	}
	if f.Kind < Number || f.Kind > Date {
		return wrong("want a number, category, boolean or date: leave it out of Features, or name another Kind")
	}
	if f.Scale < Standardize || f.Scale > Unscaled || f.Encoding < EncodeOneHot || f.Encoding > EncodeOrdinal ||
		f.Unseen < UnseenError || f.Unseen > UnseenCategory || f.Missing < MissingError || f.Missing > MissingCategory {
		return wrong("scaling %v, encoding %v, unseen %v, missing %v: one of them is unknown", f.Scale, f.Encoding, f.Unseen, f.Missing)
	}
	if f.Scale != Standardize && f.Kind != Number && f.Kind != Date {
		return wrong("got Scale %v, which is for numbers and dates", f.Scale)
	}
	if f.Kind != Category && (f.Encoding != EncodeOneHot || f.Categories != nil || f.MinCount != 0 || f.Buckets != 0 || f.Unseen != UnseenError) {
		return wrong("got Encoding, Categories, MinCount, Buckets or Unseen, which are for categories")
	}
	if f.Kind != Date && f.Parts != nil {
		return wrong("got Parts, which are for dates")
	}
	if len(f.Parts) > len(partNames) {
		return wrong("%d parts, there are %d", len(f.Parts), len(partNames))
	}
	for i, p := range f.Parts {
		if p < DayCycle || p > Minute || slices.Contains(f.Parts[:i], p) {
			return wrong("part %v is unknown or occurs twice", p)
		}
	}
	if f.MinCount < 0 || f.Buckets < 0 || f.Buckets > maxWidth {
		return wrong("MinCount %d, Buckets %d, want at least 0 and at most %d buckets", f.MinCount, f.Buckets, maxWidth)
	}
	if f.Buckets > 0 && (f.Categories != nil || f.MinCount > 0 || f.Unseen != UnseenError) {
		return wrong("got Buckets with Categories, MinCount or Unseen: hashing has no list of categories")
	}
	if f.Encoding == EncodeOrdinal && (f.Unseen == UnseenZero || f.Missing == MissingZero) {
		return wrong("0 is the index of a category: want Unseen or Missing to be a category")
	}
	if f.MinCount > 0 && f.Unseen == UnseenError {
		return wrong("MinCount %d makes categories unseen, and Unseen is an error", f.MinCount)
	}
	fits := map[Missing][]Kind{
		MissingMean: {Number}, MissingMedian: {Number}, MissingMost: {Number, Category, Boolean}, MissingCategory: {Category},
	}
	if kinds := fits[f.Missing]; kinds != nil && !slices.Contains(kinds, f.Kind) {
		return wrong("got Missing %v, which is for kinds %v", f.Missing, kinds)
	}
	if (f.Value != "") != (f.Missing == MissingValue) {
		return wrong("Value is %q and Missing %v, want both or neither", f.Value, f.Missing)
	}
	return nil
}

// check rejects columns that are used twice and targets that do not fit together.
func (s Schema) check() error {
	if len(s.Features) == 0 {
		return errors.New("no Features")
	}
	used := map[string]string{}
	use := func(column, as string) error {
		if column == "" {
			return fmt.Errorf("a %s without a column", as)
		}
		if other, ok := used[column]; ok && !(other == "feature" && as == "feature") {
			return fmt.Errorf("column %q is both %s and %s", column, other, as)
		}
		used[column] = as
		return nil
	}
	seen := map[[2]string]bool{}
	for _, f := range s.Features {
		if err := use(f.Column, "feature"); err != nil {
			return err
		}
		key := [2]string{f.Column, f.Input}
		if seen[key] {
			return fmt.Errorf("column %q is twice a feature of input %q", f.Column, f.Input)
		}
		seen[key] = true
	}
	outputs := map[string]Target{}
	for _, t := range s.Targets {
		if err := use(t.Column, "target"); err != nil {
			return err
		}
		if t.Kind < Number || t.Kind > Boolean {
			return fmt.Errorf("target %q of kind %v, want a number, category or boolean", t.Column, t.Kind)
		}
		if t.Kind != Category && t.Categories != nil {
			return fmt.Errorf("target %q of kind %v has Categories", t.Column, t.Kind)
		}
		if other, ok := outputs[t.Output]; ok && (t.Kind != Number || other.Kind != Number) {
			return fmt.Errorf("targets %q and %q have the Output %q, want one for each target that is no number", other.Column, t.Column, t.Output)
		}
		outputs[t.Output] = t
	}
	if s.Weight != "" {
		return use(s.Weight, "sample weight")
	}
	return nil
}
