// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// fit fits a schema that must be good.
func fit(t testing.TB, s Schema, train *Frame) *TableEncoder {
	t.Helper()
	e, err := s.Fit(train)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// readTableEncoder reads what was saved.
func readTableEncoder(raw []byte) (*TableEncoder, error) {
	e := new(TableEncoder)
	return e, e.UnmarshalJSON(raw)
}

// inputsOf encodes a frame without targets and returns the numbers of the first input.
func inputsOf(t testing.TB, e *TableEncoder, f *Frame) []float32 {
	t.Helper()
	s, err := e.EncodeInputs(f)
	if err != nil {
		t.Fatal(err)
	}
	return firstInput(t, s)
}

// firstInput reads the first input of all samples.
func firstInput(t testing.TB, s Source) []float32 {
	t.Helper()
	in, _ := s.Shapes()
	x := make([][]float32, len(in))
	x[0] = make([]float32, s.Len()*sizeOf(in[0]))
	if err := s.Read(upTo(s.Len()), x, nil); err != nil {
		t.Fatal(err)
	}
	return x[0]
}

// column is a file of one column besides another, so that a missing value is no empty line.
func column(cells ...string) string {
	return "x,other\n" + strings.Join(cells, ",0\n") + ",0\n"
}

// near compares with the values that the formulas give.
func near(got []float32, want ...float64) bool {
	return slices.EqualFunc(got, want, func(a float32, b float64) bool { return math.Abs(float64(a)-b) <= 1e-6 })
}

// TestEncodedFeatures: every setting, with values computed by hand from its formula. Of 1, 2,
// 3, 6 the mean is 3, the variance (4+1+0+9)/4 = 3.5, the median 2.5, and the quartiles are
// 1.75 and 3.75.
func TestEncodedFeatures(t *testing.T) {
	r := 1 / math.Sqrt(3.5)
	angle := func(turns float64) (sin, cos float64) { return math.Sincos(2 * math.Pi * turns) }
	s6, c6 := angle(0.25)                       // 6 o'clock
	sw, cw := angle((2 + 0.25) / 7)             // Wednesday, 6 o'clock
	sy, cy := angle((31 + 28 + 31 + .25) / 365) // 1 April of a common year, 6 o'clock
	sm, cm := angle((9 + .75) / 29)             // 10 February of a leap year, 18 o'clock
	for _, c := range []struct {
		name  string
		f     Feature
		train []string
		apply []string // nil: the training rows
		want  []float64
	}{
		{"standardize", Feature{}, []string{"1", "2", "3", "6"}, []string{"3", "2"}, []float64{0, -r}},
		{"min-max", Feature{Scale: MinMax}, []string{"1", "2", "3", "6"}, nil, []float64{0, .2, .4, 1}},
		{"robust", Feature{Scale: Robust}, []string{"6", "2", "3", "1"}, nil, []float64{1.75, -.25, .25, -.75}},
		{"robust, constant", Feature{Scale: Robust}, []string{"6", "6"}, nil, []float64{0, 0}},
		{"unscaled", Feature{Scale: Unscaled}, []string{"1", "-2.5"}, nil, []float64{1, -2.5}},
		{"mean, of present values only", Feature{Missing: MissingMean}, []string{"1", "2", "3", "6"}, []string{"", "6"}, []float64{0, 3 * r}},
		{"median", Feature{Missing: MissingMedian, Scale: Unscaled}, []string{"1", "2", "3", "6", "NA"}, []string{"NA"}, []float64{2.5}},
		{"most frequent", Feature{Missing: MissingMost, Scale: Unscaled}, []string{"7", "2", "7", "2", "9", ""}, []string{""}, []float64{2}},
		{"value", Feature{Missing: MissingValue, Value: "-1", Scale: Unscaled}, []string{"1"}, []string{"", "4"}, []float64{-1, 4}},
		{"zero, after scaling", Feature{Missing: MissingZero, Scale: MinMax}, []string{"5", "10"}, []string{"", "10"}, []float64{0, 1}},
		{"indicator", Feature{Missing: MissingZero, Indicator: true, Scale: Unscaled}, []string{"5", ""}, nil, []float64{5, 0, 0, 1}},

		{"one-hot, sorted", Feature{}, []string{"b", "a", "c", "a"}, []string{"a", "c", "b"}, []float64{1, 0, 0, 0, 0, 1, 0, 1, 0}},
		{"one-hot, sorted by number", Feature{Kind: Category}, []string{"10", "9", "-1.5"}, nil, []float64{0, 0, 1, 0, 1, 0, 1, 0, 0}},
		{"listed", Feature{Categories: []string{"s", "m", "l"}, Encoding: EncodeOrdinal, Kind: Category}, []string{"m"}, []string{"l", "s", "m"}, []float64{2, 0, 1}},
		{"unseen zero", Feature{Unseen: UnseenZero, Kind: Category}, []string{"a", "b"}, []string{"z", "b"}, []float64{0, 0, 0, 1}},
		{"unseen category", Feature{Unseen: UnseenCategory, Kind: Category}, []string{"a", "b"}, []string{"z", "b"}, []float64{0, 0, 1, 0, 1, 0}},
		{"unseen and missing", Feature{Unseen: UnseenCategory, Missing: MissingCategory, Kind: Category, Encoding: EncodeOrdinal}, []string{"a", "b"}, []string{"z", "", "b"}, []float64{3, 2, 1}},
		{"rare", Feature{Unseen: UnseenCategory, MinCount: 2, Kind: Category}, []string{"a", "b", "b"}, nil, []float64{0, 1, 1, 0, 1, 0}},
		{"missing category", Feature{Missing: MissingCategory, Kind: Category}, []string{"a", "b", ""}, nil, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}},
		{"most frequent category", Feature{Missing: MissingMost, Kind: Category}, []string{"b", "a", "b", "a", ""}, []string{""}, []float64{1, 0}},
		{"category value", Feature{Missing: MissingValue, Value: "b", Kind: Category, Indicator: true}, []string{"b", "a"}, []string{"", "a"}, []float64{0, 1, 1, 1, 0, 0}},
		// FNV-1a of "a" is 0xaf63dc4c8601ec8c, of "b" 0xaf63df4c8601f1a5 (Fowler, Noll, Vo).
		{"hashed", Feature{Buckets: 3, Kind: Category, Encoding: EncodeOrdinal}, []string{"x"}, []string{"a", "b"}, []float64{0xaf63dc4c8601ec8c % 3, 0xaf63df4c8601f1a5 % 3}},
		{"hashed, one-hot, missing", Feature{Buckets: 2, Kind: Category, Missing: MissingCategory}, []string{"x"}, []string{"a", ""}, []float64{1, 0, 0, 0, 0, 1}},

		{"boolean", Feature{}, []string{"yes", "no"}, []string{"No", "TRUE"}, []float64{0, 1}},
		{"boolean of numbers", Feature{Kind: Boolean, Missing: MissingMost}, []string{"1", "0", "1"}, []string{"", "0"}, []float64{1, 0}},
		{"boolean, a tie", Feature{Missing: MissingMost, Kind: Boolean}, []string{"t", "f", ""}, []string{""}, []float64{0}},
		{"boolean value", Feature{Missing: MissingValue, Value: "yes"}, []string{"yes", "no"}, []string{""}, []float64{1}},

		{"cycles", Feature{}, []string{"2021-04-01 06:00", "2020-01-01"}, []string{"2021-04-01T06:00"}, []float64{s6, c6, func() float64 { s, _ := angle((3 + 0.25) / 7); return s }(), func() float64 { _, c := angle((3 + 0.25) / 7); return c }(), sy, cy}},
		{"days alone", Feature{}, []string{"2021-03-31", "2020-01-01"}, []string{"2021-03-31 06:00"}, []float64{sw, cw, func() float64 { s, _ := angle((31 + 28 + 30 + .25) / 365); return s }(), func() float64 { _, c := angle((31 + 28 + 30 + .25) / 365); return c }()}},
		{"time of day alone", Feature{}, []string{"6:00", "12:00"}, []string{"6:00"}, []float64{s6, c6}},
		{"month", Feature{Parts: []DatePart{MonthCycle}}, []string{"2020-02-10"}, []string{"10.2.2020 18:00"}, []float64{sm, cm}},
		{"parts", Feature{Parts: []DatePart{Elapsed, Year, Month, Day, Weekday, Hour, Minute}, Scale: Unscaled, Kind: Date}, []string{"1970-01-02"},
			[]string{"1970-01-03 12:30", "2023-06-04 00:00+02:00"}, []float64{2 + 12.5/24, 1970, 1, 3, 6, 12, 30, 19512 - 2/24. - 0, 2023, 6, 4, 7, 0, 0}},
		{"parts, min-max", Feature{Parts: []DatePart{Year, DayCycle}, Scale: MinMax, Kind: Date}, []string{"2000-01-01", "2010-01-01"}, []string{"2005-07-01 06:00"}, []float64{.5, 1, 0}},
		{"missing date", Feature{Missing: MissingZero, Indicator: true, Kind: Date}, []string{"2020-01-01"}, []string{""}, []float64{0, 0, 0, 0, 1}},
		{"date value", Feature{Missing: MissingValue, Value: "1 Jan 1971", Kind: Date, Parts: []DatePart{Year}, Scale: Unscaled}, []string{"2020-01-01"}, []string{""}, []float64{1971}},
	} {
		c.f.Column = "x"
		train := readCSV(t, column(c.train...), CSVOptions{})
		e := fit(t, Schema{Features: []Feature{c.f}}, train)
		apply := train
		if c.apply != nil {
			apply = readCSV(t, column(c.apply...), CSVOptions{})
		}
		got := inputsOf(t, e, apply)
		if c.name == "parts" { // an elapsed time of 19,512 days has an ulp of 0.002
			if math.Abs(float64(got[7])-(19512-2/24.)) > 0.002 {
				t.Errorf("elapsed %v", got[7])
			}
			got[7] = float32(c.want[7])
			c.want[7] = float64(got[7])
		}
		if !near(got, c.want...) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if in, _ := e.Shapes(); in[0][0] != len(e.FeatureNames(0)) {
			t.Errorf("%s: shape %v, names %q", c.name, in, e.FeatureNames(0))
		}
		// What was fitted survives being saved.
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		loaded, err := ReadPreprocessor(e.Kind(), raw)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if again := inputsOf(t, loaded.(*TableEncoder), apply); c.name != "parts" && !slices.Equal(again, got) {
			t.Errorf("%s: after loading %v, want %v", c.name, again, got)
		}
		if second, err := json.Marshal(loaded); err != nil || string(second) != string(raw) {
			t.Errorf("%s: saved again\n%s\nwant\n%s", c.name, second, raw)
		}
	}
}

// animals has every kind of column; the target is not among the features.
const animals = `name,mass,kind,wild,born,class,score,w
a,1,cat,yes,2020-01-01 10:00,tame,1.5,1
b,2,dog,no,2020-06-01 12:00,tame,2.5,2
c,,cat,no,2021-01-01,wild,3.5,0.5
d,6,NA,yes,2021-06-01,fierce,-1,1
`

func TestEncode(t *testing.T) {
	f := readCSV(t, animals, CSVOptions{})
	s := Schema{
		Features: []Feature{
			{Column: "mass", Scale: Unscaled, Missing: MissingZero, Indicator: true},
			{Column: "kind", Kind: Category, Encoding: EncodeOrdinal, Missing: MissingCategory, Input: "kind"},
			{Column: "wild"},
		},
		Targets: []Target{{Column: "class"}},
		Weight:  "w",
	}
	e := fit(t, s, f)
	source, err := e.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if in, out := source.Shapes(); fmt.Sprint(in, out) != "[[3] [1]] [[]]" {
		t.Errorf("shapes %v %v", in, out)
	}
	if in, out := e.Shapes(); fmt.Sprint(in, out) != "[[3] [1]] [[]]" {
		t.Errorf("shapes of the encoder %v %v", in, out)
	}
	x := [][]float32{make([]float32, 12), make([]float32, 4)}
	y, w := [][]float32{make([]float32, 4)}, make([]float32, 2)
	if err := source.Read(upTo(4), x, y); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(x, y); got != "[[1 0 1 2 0 0 0 1 0 6 0 1] [0 1 0 2]] [[1 1 2 0]]" {
		t.Errorf("encoded %s", got)
	}
	if err := source.(interface {
		Weights([]int, []float32) error
	}).Weights([]int{2, 1}, w); err != nil || w[0] != 0.5 || w[1] != 2 {
		t.Errorf("weights %v %v", w, err)
	}
	if got := fmt.Sprintf("%q %q %q %q %q %d %q %q", e.Names(), e.Columns(), e.InputNames(), e.FeatureNames(0), e.FeatureNames(1), e.Cardinality("kind"), e.Categories("kind"), e.Classes("class")); got !=
		`["fierce" "tame" "wild"] ["mass" "kind" "wild"] ["" "kind"] ["mass" "mass missing" "wild"] ["kind"] 3 ["cat" "dog"] ["fierce" "tame" "wild"]` {
		t.Errorf("names: %s", got)
	}
	if named, ok := source.(interface{ Names() []string }); !ok || !slices.Equal(named.Names(), e.Names()) {
		t.Error("the source has no class names")
	}
	// Without a Weight the source has no method of weights, which would exclude class weights.
	s.Weight = ""
	plain, err := fit(t, s, f).Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := plain.(interface {
		Weights([]int, []float32) error
	}); ok {
		t.Error("a source without weights has weights")
	}
	// Two numbers are one target; a boolean has its own.
	s.Targets = []Target{{Column: "score"}, {Column: "w"}, {Column: "wild", Output: "wild"}}
	s.Features = s.Features[:1]
	e = fit(t, s, f)
	if source, err = e.Encode(f); err != nil {
		t.Fatal(err)
	}
	y = [][]float32{make([]float32, 8), make([]float32, 4)}
	if err := source.Read(upTo(4), nil, y); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(y, e.Names(), e.OutputNames(), e.Classes("wild"), e.Classes("score")); got != "[[1.5 1 2.5 2 3.5 0.5 -1 1] [1 0 0 1]] [] [ wild] [no yes] []" {
		t.Errorf("targets %s", got)
	}
	if _, out := e.Shapes(); fmt.Sprint(out) != "[[2] [1]]" {
		t.Errorf("target shapes %v", out)
	}
}

// TestRows: a row encodes to the same numbers, however it is given.
func TestRows(t *testing.T) {
	f := readCSV(t, strings.NewReplacer(",", ";", ".", ",").Replace(animals), CSVOptions{})
	s, err := f.Schema("class")
	if err != nil {
		t.Fatal(err)
	}
	e := fit(t, s, f)
	if got := fmt.Sprint(e.Columns()); got != "[mass kind wild born score w]" {
		t.Fatalf("columns %s", got)
	}
	want := inputsOf(t, e, f)[:len(e.FeatureNames(0))]
	for name, encode := range map[string]func() (Source, error){
		"map": func() (Source, error) {
			return e.EncodeRows(map[string]string{"mass": " 1 ", "kind": "cat", "wild": "Yes", "born": "2020-01-01T10:00", "score": "1,5", "w": "1", "more": "x"})
		},
		"record": func() (Source, error) {
			return e.EncodeRecords([]string{"1", "cat", "yes", "1.1.2020 10:00", "1,5", "1"})
		},
		"object": func() (Source, error) {
			return e.EncodeJSON([]byte(`{"mass": 1.0, "kind": "cat", "wild": true, "born": "2020-01-01 10:00", "score": 1.5, "w": "1,0", "id": [7]}`))
		},
		"array": func() (Source, error) {
			return e.EncodeJSON([]byte(` [{"mass": 1e0, "kind": "cat", "wild": 1, "born": "2020-01-01 10:00", "score": "1,5", "w": 1}] `))
		},
	} {
		s, err := encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if x := firstInput(t, s); !slices.Equal(x, want) {
			t.Errorf("%s: %v, want %v", name, x, want)
		}
	}
	missing, err := e.EncodeJSON([]byte(`[{"mass": null, "kind": "", "wild": "no", "born": "2020-01-01", "score": 1, "w": 1}, {"mass": "NA", "kind": "NULL", "wild": "no", "born": "2020-01-01", "score": 1, "w": 1}]`))
	if err != nil {
		t.Fatal(err)
	}
	if x := firstInput(t, missing); missing.Len() != 2 || !slices.Equal(x[:len(want)], x[len(want):]) || x[1] != 1 {
		t.Errorf("missing values: %v", x)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(e.EncodeRows()), "encode: no rows"},
		{second(e.EncodeRows(map[string]string{"Mass": "1"})), `row 0: column "mass": is not in the row (did you mean "Mass"?), which has ["Mass"]`},
		{second(e.EncodeRows(map[string]string{"mass": "x"})), `row 0: column "mass": "x" is not a number, as the training rows are`},
		{second(e.EncodeRecords([]string{"1"})), `row 0: 1 cell, want 6: ["mass" "kind" "wild" "born" "score" "w"]`},
		{second(e.EncodeRecords([]string{"1", "cat", "yes", "2020-01-01", "1.5", "1"})), `row 0: column "score": "1.5" is not a number`},
		{second(e.EncodeRecords([]string{"1", "cat", "perhaps", "2020-01-01", "1", "1"})), `row 0: column "wild": "perhaps" is not true or false`},
		{second(e.EncodeRecords([]string{"1", "cat", "", "2020-01-01", "1", "1"})), `row 0: column "wild": no value: set Feature.Missing, or drop the row with DropMissing`},
		{second(e.EncodeRecords([]string{"1", "cat", "yes", "soon", "1", "1"})), `row 0: column "born": "soon" is not a date, as the training rows are`},
		{second(e.EncodeRecords([]string{"1", "cat", "yes", "01/02/2020", "1", "1"})), `row 0: column "born": "01/02/2020" may be day or month first, the training rows have neither: write year-month-day`},
		{second(e.EncodeRecords([]string{"1", "cat", "yes", "10:00", "1", "1"})), `row 0: column "born": "10:00" has no day, which week cycle needs`},
		{second(e.EncodeRecords([]string{"1e300", "cat", "yes", "2020-01-01", "1", "1"})), `row 0: column "mass": 1e+300, scaled by (x - 3) / 2.16025, does not fit single precision`},
		{second(e.EncodeJSON([]byte(`{"mass": [1]}`))), `row 0: column "mass": [1], want a string, a number, true, false or null`},
		{second(e.EncodeJSON([]byte(`{"mass": 1`))), `json: unexpected EOF, want an object or an array of objects`},
		{second(e.EncodeJSON([]byte(`{} {}`))), `json: more after the end, offset 4`},
		{second(e.EncodeJSON([]byte(`[]`))), `encode: no rows`},
		{second(e.EncodeJSON([]byte(`[3]`))), `json: a number before offset 2, want an object or`},
		{second(e.EncodeJSON(make([]byte, maxJSONRows+1))), `json: 16777217 bytes, want at most 16777216`},
	} {
		if c.err == nil || !strings.HasPrefix(c.err.Error(), c.want) {
			t.Errorf("got error %v\nwant %s", c.err, c.want)
		}
	}
}

// TestNoLeak: a schema cannot be fitted to rows that are held out, whatever way they come.
func TestNoLeak(t *testing.T) {
	f := readCSV(t, "a,y\n1,2\n2,3\n3,4\n4,5\n5,6\n", CSVOptions{})
	s, err := f.Schema("y")
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := f.TrainTestSplit(0.4, 1)
	if err != nil {
		t.Fatal(err)
	}
	part, validation, err := train.Split(0.5)
	if err != nil {
		t.Fatal(err)
	}
	const held = "f: fit: these rows are held out for testing; fit to the training part and encode these"
	if _, err := s.Fit(test); err == nil || err.Error() != held {
		t.Errorf("fitted to test rows: %v", err)
	}
	if _, err := s.Fit(validation); err == nil || err.Error() != held {
		t.Errorf("fitted to validation rows: %v", err)
	}
	all := fit(t, s, f)
	if _, err := all.Encode(test); err == nil || err.Error() != fmt.Sprintf("f: line %d is held out for testing, but the schema was fitted to it: split before Fit", test.Line(0)) {
		t.Errorf("fitted before the split: %v", err)
	}
	if _, err := all.Encode(f); err != nil {
		t.Errorf("training rows: %v", err)
	}
	e := fit(t, s, train)
	if _, err := e.Encode(test); err != nil {
		t.Errorf("test rows: %v", err)
	}
	if _, err := e.Encode(validation); err == nil {
		t.Error("validation rows were among those of Fit")
	}
	other := readCSV(t, "a,y\n1,2\n2,3\n3,4\n4,5\n5,6\n", CSVOptions{})
	if _, last, err := other.Split(0.5); err != nil || second(e.Encode(last)) != nil {
		t.Errorf("another file: %v", err)
	}
	if part.Len() != 1 {
		t.Errorf("%d rows", part.Len())
	}
}

// TestFitSeesTrainingRowsOnly: other rows of the file change nothing that is fitted.
func TestFitSeesTrainingRowsOnly(t *testing.T) {
	const rows = "a,b,c,y\n1,x,2020-01-01,u\n2,y,2020-01-02,v\n3,x,2020-01-03,u\n"
	fitted := func(raw string) string {
		f := readCSV(t, raw, CSVOptions{})
		train, err := f.Subset([]int{0, 1, 2})
		if err != nil {
			t.Fatal(err)
		}
		s := Schema{
			Features: []Feature{{Column: "a", Scale: Robust, Missing: MissingMean}, {Column: "b", Kind: Category, Unseen: UnseenZero, Missing: MissingMost}, {Column: "c", Missing: MissingZero, Parts: []DatePart{Elapsed}}},
			Targets:  []Target{{Column: "y", Kind: Category}},
		}
		out, err := json.Marshal(fit(t, s, train))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	want := fitted(rows)
	if got := fitted(rows + "1e6,z,2030-01-01,w\n,,,\n-5,z,2000-01-01 10:00,w\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSchemaErrors(t *testing.T) {
	f := readCSV(t, animals, CSVOptions{})
	one := func(f Feature) Schema { return Schema{Features: []Feature{f}} }
	with := func(targets ...Target) Schema {
		return Schema{Features: []Feature{{Column: "wild"}}, Targets: targets}
	}
	for _, c := range []struct {
		s    Schema
		want string
	}{
		{Schema{}, "f: schema: no Features"},
		{one(Feature{}), `f: no column ""`},
		{one(Feature{Column: "Mass"}), `f: no column "Mass" (did you mean "mass"?), there are ["name"`},
		{one(Feature{Column: "mass"}), ""},
		{one(Feature{Column: "name", Kind: FreeText}), `f: schema: feature "name" of kind text: want a number, category, boolean or date: leave it out of Features, or name another Kind`},
		{one(Feature{Column: "mass", Encoding: EncodeOrdinal}), `f: schema: feature "mass" of kind number: got Encoding, Categories, MinCount, Buckets or Unseen, which are for categories`},
		{one(Feature{Column: "kind", Kind: Category, Scale: Robust}), `f: schema: feature "kind" of kind category: got Scale robust, which is for numbers and dates`},
		{one(Feature{Column: "mass", Parts: []DatePart{Year}}), `f: schema: feature "mass" of kind number: got Parts, which are for dates`},
		{one(Feature{Column: "born", Parts: []DatePart{Year, Year}}), `f: schema: feature "born" of kind date: part year is unknown or occurs twice`},
		{one(Feature{Column: "mass", Scale: 9}), `f: schema: feature "mass" of kind number: scaling 9,`},
		{one(Feature{Column: "kind", Buckets: -1}), `f: schema: feature "kind" of kind category: MinCount 0, Buckets -1`},
		{one(Feature{Column: "kind", Buckets: 2, Unseen: UnseenZero}), `f: schema: feature "kind" of kind category: got Buckets with`},
		{one(Feature{Column: "kind", Encoding: EncodeOrdinal, Unseen: UnseenZero}), `f: schema: feature "kind" of kind category: 0 is the index of a category`},
		{one(Feature{Column: "kind", MinCount: 2}), `f: schema: feature "kind" of kind category: MinCount 2 makes categories unseen, and Unseen is an error`},
		{one(Feature{Column: "kind", MinCount: 9, Unseen: UnseenZero}), `f: column "kind": no category has 9 training rows`},
		{one(Feature{Column: "kind", Missing: MissingMean}), `f: schema: feature "kind" of kind category: got Missing mean, which is for kinds [number]`},
		{one(Feature{Column: "mass", Missing: MissingCategory}), `f: schema: feature "mass" of kind number: got Missing category`},
		{one(Feature{Column: "mass", Value: "1"}), `f: schema: feature "mass" of kind number: Value is "1" and Missing error, want both or neither`},
		{one(Feature{Column: "mass", Missing: MissingValue, Value: "x"}), `f: column "mass": the Value "x" is not a number`},
		{one(Feature{Column: "wild", Missing: MissingValue, Value: "x"}), `f: column "wild": the Value "x" is not a boolean`},
		{one(Feature{Column: "born", Missing: MissingValue, Value: "x"}), `f: column "born": the Value "x" is not a date`},
		{one(Feature{Column: "kind", Missing: MissingValue, Value: "x"}), `f: column "kind": the Value "x" is none of the categories ["cat" "dog"]`},
		{one(Feature{Column: "kind", Categories: []string{"x"}, Missing: MissingMost}), `f: column "kind": no training row has one of the Categories`},
		{one(Feature{Column: "kind", Categories: []string{"x", "x"}}), `f: column "kind": Categories: columns 1 and 2`},
		{one(Feature{Column: "kind", Kind: Number}), `f: line 2: column "kind": "cat" is not a number, as the schema says`},
		{one(Feature{Column: "kind", Kind: Boolean}), `f: line 2: column "kind": "cat" is not a boolean, as the schema says`},
		{one(Feature{Column: "kind", Kind: Date}), `f: line 2: column "kind": "cat" is not a date, as the schema says`},
		{Schema{Features: []Feature{{Column: "wild"}, {Column: "wild"}}}, `f: schema: column "wild" is twice a feature of input ""`},
		{with(Target{Column: "wild"}), `f: schema: column "wild" is both feature and target`},
		{with(Target{Column: "born"}), `f: schema: target "born" of kind date, want a number, category or boolean`},
		{with(Target{Column: "mass"}), `f: line 4: column "mass": the target is missing: drop such rows with DropMissing("mass")`},
		{with(Target{Column: "kind", Categories: []string{"a"}}), `f: line 5: column "kind": the target is missing`},
		{with(Target{Column: "score"}, Target{Column: "class"}), `f: schema: targets "score" and "class" have the Output "", want one for each target that is no number`},
		{with(Target{Column: "score", Categories: []string{"a"}}), `f: schema: target "score" of kind number has Categories`},
		{Schema{Features: []Feature{{Column: "wild"}}, Weight: "wild"}, `f: schema: column "wild" is both feature and sample weight`},
		{Schema{Features: []Feature{{Column: "wild"}}, Weight: "none"}, `f: no column "none"`},
	} {
		_, err := c.s.Fit(f)
		if c.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", c.s, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v\nwant %s", err, c.want)
		}
	}
	many := "x,other\n"
	for i := range maxOneHot + 1 {
		many += fmt.Sprintf("c%d,0\nc%d,0\nc%d,0\n", i, i, i)
	}
	many = many + "d,0\n"
	f = readCSV(t, many, CSVOptions{})
	if _, err := one(Feature{Column: "x", Kind: Category}).Fit(f); err == nil || err.Error() != `f: column "x": 1,002 different values, one-hot takes at most 1000: set MinCount, Buckets, or EncodeOrdinal and an Embedding` {
		t.Errorf("error %v", err)
	}
	f = readCSV(t, "x,y\n,a\n,a\n", CSVOptions{})
	if _, err := one(Feature{Column: "x", Kind: Number}).Fit(f); err == nil || err.Error() != `f: column "x": no training row has a value` {
		t.Errorf("error %v", err)
	}
	if _, err := (Schema{Features: []Feature{{Column: "x", Buckets: 1, Kind: Category, Missing: MissingCategory}}, Targets: []Target{{Column: "y"}}}).Fit(f); err == nil || err.Error() != `f: target "y": all training rows are ["a"], want at least two classes` {
		t.Errorf("error %v", err)
	}
	empty, err := f.Subset(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one(Feature{Column: "x"}).Fit(empty); err == nil || err.Error() != "f: fit: no rows" {
		t.Errorf("error %v", err)
	}
}

func TestEncodeErrors(t *testing.T) {
	f := readCSV(t, animals, CSVOptions{})
	e := fit(t, Schema{Features: []Feature{{Column: "mass", Missing: MissingMean}, {Column: "kind", Missing: MissingCategory}}, Targets: []Target{{Column: "class"}}, Weight: "w"}, f)
	for _, c := range []struct{ raw, want string }{
		{"mass,kind,class\n1,cat,tame\n", `f: no column "w", there are`},
		{"mass,kind,w\n1,cat,1\n", `f: no column "class", there are ["mass" "kind" "w"]: EncodeInputs needs no targets`},
		{"mass,class,w\n1,tame,1\n", `f: no column "kind"`},
		{"mass,kind,class,w\n1,cat,tame,1\n1,Cat,tame,1\n", `f: line 3: column "kind": category "Cat" is not among the 2 of the training rows ["cat" "dog"] (did you mean "cat"?): set Feature.Unseen`},
		{"mass,kind,class,w\n1,cat,tame,1\nx,cat,tame,1\n", `f: line 3: column "mass": "x" is not a number, as the training rows are`},
		{"mass,kind,class,w\n1,cat,lame,1\n", `f: line 2: column "class": class "lame" is not among those of the training rows ["fierce" "tame" "wild"]`},
		{"mass,kind,class,w\n1,cat,NA,1\n", `f: line 2: column "class": the target is missing`},
		{"mass,kind,class,w\n1,cat,tame,-1\n", `f: line 2: column "w": "-1", want a sample weight of 0 to 1e30`},
		{"mass,kind,class,w\n1,cat,tame,\n", `f: line 2: column "w": "", want a sample weight of 0 to 1e30`},
	} {
		if _, err := e.Encode(readCSV(t, c.raw, CSVOptions{})); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v\nwant %s", err, c.want)
		}
	}
	// A file in another dialect is read as it is written.
	other := readCSV(t, "kind;mass\ncat;1,5\n", CSVOptions{})
	if got := inputsOf(t, e, other); !near(got, (1.5-3)/math.Sqrt(14/3.), 1, 0, 0) {
		t.Errorf("decimal comma: %v", got)
	}
}

func TestSchemaProposal(t *testing.T) {
	f := readCSV(t, strings.ReplaceAll(animals, "yes,2021-06-01", ","), CSVOptions{})
	s, err := f.Schema("class")
	if err != nil {
		t.Fatal(err)
	}
	s.Weight = "w"
	if err := s.Drop("w"); err != nil {
		t.Fatal(err)
	}
	s.Feature("mass").Scale = Robust
	if s.Feature("none") != nil {
		t.Error("a feature of no column")
	}
	if err := s.Drop("Mass"); err == nil || err.Error() != `drop: no column "Mass" (did you mean "mass"?), there are ["mass" "kind" "wild" "born" "score"]` {
		t.Errorf("error %v", err)
	}
	const want = `column  kind      becomes      missing                    unseen  to
mass    number    robust       median + indicator                 input
kind    category  one-hot      category                   zero    input
wild    boolean   0 or 1       most frequent + indicator          input
born    date      cycles       zero + indicator                   input
score   number    standardize  error                              input
class   category  class index  error                              target
w       number    sample weight  error
left out: name, w`
	if got := s.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	e := fit(t, s, f)
	const learned = `column kind becomes numbers learned
mass number robust 2 (x - 2) / 2.5; missing: 2
kind category one-hot 3 ["cat" "dog"]
wild boolean 0 or 1 2 missing: false
born date day cycle, week cycle, year cycle 7
score number standardize 1 (x - 1.625) / 1.672
class category target 1 ["fierce" "tame" "wild"]`
	if got := e.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(learned), " ") {
		t.Errorf("got\n%s\nwant\n%s", got, learned)
	}
	if _, err := f.Schema("born"); err == nil || !strings.HasPrefix(err.Error(), `f: target "born" seems to be a date (2020-01-01 10:00, `) {
		t.Errorf("error %v", err)
	}
	if _, err := f.Schema("clas"); err == nil || !strings.HasPrefix(err.Error(), `f: no column "clas" (did you mean "class"?)`) {
		t.Errorf("error %v", err)
	}
	if _, err := readCSV(t, "a,y\nv,1\nv,2\n", CSVOptions{}).Schema("y"); err == nil || err.Error() != "f: no column seems to be a number, category, boolean or date besides the targets" {
		t.Errorf("error %v", err)
	}
	several, err := f.Schema("score", "class", "w")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(several.Targets); got != "[{score number [] } {class category [] class} {w number [] }]" {
		t.Errorf("targets %s", got)
	}
}

// TestSavedEncoder: the format is kept, and broken files are rejected by name.
func TestSavedEncoder(t *testing.T) {
	f := readCSV(t, animals, CSVOptions{})
	e := fit(t, Schema{
		Features: []Feature{
			{Column: "mass", Missing: MissingMedian, Indicator: true}, {Column: "kind", Unseen: UnseenZero, Missing: MissingCategory},
			{Column: "born", Parts: []DatePart{DayCycle, Year}}, {Column: "wild", Input: "second"},
		},
		Targets: []Target{{Column: "class"}}, Weight: "w",
	}, f)
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":1,"decimal":".","missing_cells":["NA","N/A","n/a","#N/A","#NA","\u003cNA\u003e","NaN","nan","-NaN","-nan","NULL","null","None"],` +
		`"features":[{"column":"mass","kind":"number","missing":"median","indicator":true,"shift":[3],"factor":[2.1602468994692865],"fill":"2"},` +
		`{"column":"kind","kind":"category","categories":["cat","dog"],"unseen":"zero","missing":"category"},` +
		`{"column":"born","kind":"date","parts":["day cycle","year"],"shift":[2020.5],"factor":[0.5]},` +
		`{"column":"wild","kind":"boolean","input":"second"}],` +
		`"targets":[{"column":"class","kind":"category","categories":["fierce","tame","wild"]}],"weight":"w"}`
	if string(raw) != want {
		t.Fatalf("got\n%s\nwant\n%s", raw, want)
	}
	loaded, err := readTableEncoder(raw)
	if err != nil {
		t.Fatal(err)
	}
	a, err := e.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := loaded.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) || !slices.Equal(loaded.Names(), e.Names()) {
		t.Error("the loaded encoder encodes other numbers")
	}
	for _, c := range []struct{ old, new, want string }{
		{`"version":1`, `"version":2`, `table encoder: version 2, want 1 to 1`},
		{`"version":1`, `"version":0`, `table encoder: version 0`},
		{`"decimal":"."`, `"decimal":";"`, `table encoder: csv: Decimal is ';'`},
		{`"decimal":"."`, `"decimal":""`, `table encoder: decimal "", thousands ""`},
		{`"decimal":"."`, `"decimals":"."`, `table encoder: json: unknown field "decimals"`},
		{`"kind":"number"`, `"kind":"text"`, `table encoder: feature "mass" of kind text: want a number`},
		{`"kind":"number"`, `"kind":"numbers"`, `table encoder: `},
		{`"shift":[3]`, `"shift":[]`, `table encoder: feature "mass": 0 shifts and 1 factors, want 1`},
		{`"factor":[2.1602468994692865]`, `"factor":[0]`, `table encoder: feature "mass": factor 0, want a positive number`},
		{`"factor":[2.1602468994692865]`, `"factor":[1e999]`, `table encoder: `},
		{`"fill":"2"`, `"fill":"x"`, `table encoder: feature "mass": fill: "x" is not a number`},
		{`,"fill":"2"`, ``, `table encoder: feature "mass": fill "" with missing median, want both or neither`},
		{`["cat","dog"]`, `["cat","cat"]`, `table encoder: feature "kind": categories: columns 1 and 2 are both named "cat"`},
		{`"categories":["cat","dog"],`, ``, `table encoder: feature "kind": 0 categories and 0 buckets, want one of both`},
		{`["day cycle","year"]`, `["year"]`, ``},
		{`["day cycle","year"]`, `["day cycle"]`, `table encoder: feature "born": 1 shifts and 1 factors, want 0`},
		{`"parts":["day cycle","year"],`, ``, `table encoder: feature "born": no parts`},
		{`["fierce","tame","wild"]`, `["fierce"]`, `table encoder: target "class": 1 classes, want at least two`},
		{`"column":"class"`, `"column":"wild"`, `table encoder: column "wild" is both feature and target`},
		{`{"column":"wild","kind":"boolean","input":"second"}`, `null`, `table encoder: feature 3 is null`},
		{`"weight":"w"}`, `"weight":"w"} x`, `table encoder: more follows the settings at byte `},
		{`"weight":"w"}`, ``, `table encoder: unexpected EOF`},
	} {
		bad := strings.Replace(want, c.old, c.new, 1)
		if bad == want {
			t.Errorf("%s is not in the file", c.old)
		}
		_, err := readTableEncoder([]byte(bad))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.new, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got error %v\nwant %s", c.new, err, c.want)
		}
	}
	if _, err := readTableEncoder(make([]byte, maxEncoderBytes+1)); err == nil || err.Error() != "table encoder: 67108865 bytes, want at most 67108864" {
		t.Errorf("error %v", err)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add(animals, "class", uint8(0))
	f.Add("a;b\n1,5;x\n2,5;y\n", "a", uint8(1))
	f.Add("sep=|\nwhen|y\n13/01/2020|1\n01/02/2020 10:00|2\n", "y", uint8(2))
	f.Add("\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00", "b", uint8(0))
	f.Fuzz(func(t *testing.T, raw, target string, how uint8) {
		o := CSVOptions{NoHeader: how&1 != 0, LazyQuotes: how&2 != 0, Charset: Charset(how>>2) % 5, Dates: DateOrder(how>>5) % 3}
		frame, err := ReadCSV(strings.NewReader(raw), "f", o)
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		if frame.Len() == 0 || len(frame.String()) == 0 {
			t.Fatal("no rows")
		}
		s, err := frame.Schema(target)
		if err != nil {
			return
		}
		e, err := s.Fit(frame)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f: ") {
				t.Fatalf("error without file: %v", err)
			}
			return
		}
		saved, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := readTableEncoder(saved)
		if err != nil {
			t.Fatalf("%s: %v", saved, err)
		}
		source, err := e.Encode(frame)
		again, err2 := loaded.Encode(frame)
		if fmt.Sprint(err) != fmt.Sprint(err2) || err == nil && !reflect.DeepEqual(source, again) {
			t.Fatalf("loaded %v, fitted %v", err2, err)
		}
	})
}

func FuzzReadTableEncoder(f *testing.F) {
	f.Add([]byte(`{"version":1,"decimal":",","missing_cells":["NA"],"features":[{"column":"mass","kind":"number","missing":"median","shift":[3],"factor":[2],"fill":"2"},{"column":"k","kind":"category","categories":["cat","dog"]}],"targets":[{"column":"class","kind":"category","categories":["fierce","tame","wild"]}],"weight":"w"}`), []byte(`{"mass":1,"k":"cat"}`))
	f.Add([]byte(`{"version":1,"decimal":".","missing_cells":null,"features":[{"column":"when","kind":"date","parts":["day cycle","year"],"shift":[2020.5],"factor":[0.5],"order":2}]}`), []byte(`[{"when":"01/02/2020"}]`))
	f.Fuzz(func(t *testing.T, raw, row []byte) {
		e, err := readTableEncoder(raw)
		if err != nil {
			return
		}
		saved, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readTableEncoder(saved); err != nil {
			t.Fatalf("saved again: %v", err)
		}
		source, err := e.EncodeJSON(row)
		if err != nil {
			return
		}
		in, _ := source.Shapes()
		x := make([][]float32, len(in))
		for k, shape := range in {
			x[k] = make([]float32, source.Len()*sizeOf(shape))
		}
		if err := source.Read(upTo(source.Len()), x, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWeightsArePassedOn: no view of a source loses its sample weights, or gains some.
func TestWeightsArePassedOn(t *testing.T) {
	f := readCSV(t, "a,y,w\n1,0,10\n2,1,11\n3,0,12\n4,1,13\n", CSVOptions{})
	s := Schema{Features: []Feature{{Column: "a"}}, Targets: []Target{{Column: "y"}}, Weight: "w"}
	encode := func() Source {
		source, err := fit(t, s, f).Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	must := func(s Source, err error) Source {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	views := func(s Source) map[string]Source {
		_, last, err := Split(s, 0.5)
		train, _, err2 := TrainTestSplit(s, 0.25, 1)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return map[string]Source{
			"subset of subset": must(Range(must(Subset(s, []int{3, 1, 0})), 1, 3)), "split": last, "train": train, "shuffled": Shuffle(s, 1), "taken": Take(s, 2),
			"mapped": Map(s, func(int, [][]float32, [][]float32) error { return nil }), "one-hot": must(OneHot(s, 2)),
			"zipped": must(Zip(counting(t, 4), s)), "taken of one-hot": Take(must(OneHot(s, 2)), 2),
		}
	}
	order := Permutation(4, 1)
	want := map[string][]float32{
		"subset of subset": {11, 10}, "split": {12, 13}, "train": {float32(10 + order[1]), float32(10 + order[2]), float32(10 + order[3])},
		"shuffled": {float32(10 + order[0]), float32(10 + order[1]), float32(10 + order[2]), float32(10 + order[3])}, "taken": {10, 11},
		"mapped": {10, 11, 12, 13}, "one-hot": {10, 11, 12, 13}, "zipped": {10, 11, 12, 13}, "taken of one-hot": {10, 11},
	}
	for name, v := range views(encode()) {
		w, ok := v.(weigher)
		if !ok {
			t.Errorf("%s: no weights", name)
			continue
		}
		got := make([]float32, v.Len())
		if err := w.Weights(upTo(v.Len()), got); err != nil || !slices.Equal(got, want[name]) {
			t.Errorf("%s: %v %v, want %v", name, got, err, want[name])
		}
		if err := w.Weights([]int{v.Len()}, got); err == nil {
			t.Errorf("%s: weight of a sample that does not exist", name)
		}
	}
	weighted := encode()
	for name, err := range map[string]error{
		"zip: 2 sources have sample weights, want at most one":                                    second(Zip(weighted, weighted)),
		"resample: the source has sample weights, which samples drawn anew each time cannot keep": second(Resample(weighted, 5, 1)),
		"draw: the source has sample weights, which a stream cannot have":                         second(Draw(weighted, 1).Next([][]float32{make([]float32, 1)}, nil)),
	} {
		if err == nil || err.Error() != name {
			t.Errorf("got error %v, want %s", err, name)
		}
	}
	s.Weight = ""
	for name, v := range views(encode()) {
		if _, ok := v.(weigher); ok {
			t.Errorf("%s: weights of a source without", name)
		}
	}
}
