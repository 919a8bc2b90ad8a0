// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// utf16Of is the text in UTF-16 with a byte order mark.
func utf16Of(s string, little bool) string {
	var raw []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		if little {
			raw = binary.LittleEndian.AppendUint16(raw, u)
		} else {
			raw = binary.BigEndian.AppendUint16(raw, u)
		}
	}
	return string(raw)
}

// readCSV reads a file that must be good.
func readCSV(t testing.TB, raw string, o CSVOptions) *Frame {
	t.Helper()
	f, err := ReadCSV(strings.NewReader(raw), "f", o)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return f
}

// grid lists the cells of a frame, row by row.
func grid(t testing.TB, f *Frame) string {
	t.Helper()
	rows := make([][]string, f.Len())
	for _, name := range f.Columns() {
		cells, err := f.Column(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, cell := range cells {
			rows[i] = append(rows[i], cell)
		}
	}
	return fmt.Sprintf("%q %q", f.Columns(), rows)
}

// TestDialects: one table in many dialects.
func TestDialects(t *testing.T) {
	const want = `["näme" "mass" "note"] [["Ada" "1.5" "a, b; c"] ["Böb" "-2" "say \"hi\""] ["" "3" "x"]]`
	const good = "näme,mass,note\nAda,1.5,\"a, b; c\"\nBöb,-2,\"say \"\"hi\"\"\"\n,3,x\n"
	latin, err := charmap.Windows1252.NewEncoder().String(good)
	if err != nil {
		t.Fatal(err)
	}
	little := utf16Of(good, true)
	for _, c := range []struct {
		raw string
		o   CSVOptions
	}{
		{good, CSVOptions{}},
		{"\ufeff" + good, CSVOptions{}},
		{strings.ReplaceAll(good, "\n", "\r\n"), CSVOptions{}},
		{strings.TrimSuffix(good, "\n"), CSVOptions{}},
		{latin, CSVOptions{Charset: Windows1252}},
		{latin, CSVOptions{Charset: Latin1}},
		{little, CSVOptions{}},
		{utf16Of(good, false), CSVOptions{Charset: Latin1}}, // the mark counts
		{little[2:], CSVOptions{Charset: UTF16LE}},
		{"näme;mass;note\nAda;1.5;\"a, b; c\"\nBöb;-2;\"say \"\"hi\"\"\"\n;3;x\n", CSVOptions{}},
		{"näme\tmass\tnote\nAda\t1.5\ta, b; c\nBöb\t-2\t\"say \"\"hi\"\"\"\n\t3\tx\n", CSVOptions{}},
		{"näme|mass|note\nAda|1.5|a, b; c\nBöb|-2|\"say \"\"hi\"\"\"\n|3|x\n", CSVOptions{}},
		{"näme:mass:note\nAda:1.5:a, b; c\nBöb:-2:\"say \"\"hi\"\"\"\n:3:x\n", CSVOptions{Comma: ':'}},
		{"sep=;\nnäme;mass;note\nAda;1.5;\"a, b; c\"\nBöb;-2;\"say \"\"hi\"\"\"\n;3;x\n", CSVOptions{}},
		{"A title, with a comma\nand;one;with;more\n" + good, CSVOptions{Skip: 2}},
		{"# a;b;c;d;e\n" + strings.Replace(good, "Böb", "#;;;;;;;\n\nBöb", 1), CSVOptions{Comment: '#'}},
		{" näme , mass,note\n Ada ,1.5 , \"a, b; c\"\nBöb, -2,\"say \"\"hi\"\"\"\n,3,x\n", CSVOptions{}},
		{strings.Replace(good, `"say ""hi"""`, `say "hi"`, 1), CSVOptions{LazyQuotes: true}},
		{strings.SplitN(good, "\n", 2)[1], CSVOptions{NoHeader: true, Columns: []string{"näme", "mass", "note"}}},
		{"id,näme,mass,note\n1,Ada,1.5,\"a, b; c\"\n2,Böb,-2,\"say \"\"hi\"\"\"\n3,,3,x\n", CSVOptions{Columns: []string{"näme", "mass", "note"}}},
	} {
		if got := grid(t, readCSV(t, c.raw, c.o)); got != want {
			t.Errorf("%q %+v: %s", c.raw, c.o, got)
		}
	}
	f := readCSV(t, "1,2\n3,4\n", CSVOptions{NoHeader: true})
	if got := grid(t, f); got != `["column 1" "column 2"] [["1" "2"] ["3" "4"]]` || f.Line(1) != 2 {
		t.Errorf("no header: %s", got)
	}
	if got := grid(t, readCSV(t, ",a\n0,x\n", CSVOptions{})); got != `["column 1" "a"] [["0" "x"]]` {
		t.Errorf("index of pandas: %s", got)
	}
	lines := readCSV(t, "# c\na,b\n\n1,\"x\ny\"\n2,z\n", CSVOptions{Comment: '#'})
	if lines.Line(0) != 4 || lines.Line(1) != 6 {
		t.Errorf("lines %d %d", lines.Line(0), lines.Line(1))
	}
}

func TestReadCSVErrors(t *testing.T) {
	const good = "a,b\n1,x\n"
	for _, c := range []struct {
		raw  string
		o    CSVOptions
		want string
	}{
		{"", CSVOptions{}, "f: line 1: an empty file, want CSV: a header and lines of cells"},
		{"a,b\n", CSVOptions{}, "f: no rows after the header"},
		{good + "2\n", CSVOptions{}, "f: line 3: 1 column, the header has 2"},
		{"t\n" + good + "2\n", CSVOptions{Skip: 1}, "f: line 4: 1 column, the header has 2"},
		{"t\n" + good + "2,\"x\n", CSVOptions{Skip: 1}, `f: parse error on line 4, column 6: extraneous or missing " in quoted-field`},
		{good + "2,a\"b\n", CSVOptions{}, `f: parse error on line 3, column 4: bare "`},
		{"a,b,a\n1,2,3\n", CSVOptions{}, `f: line 1: columns 1 and 3 are both named "a"`},
		{"1,2\n3,4\n", CSVOptions{}, `f: line 1: the header ["1" "2"] has only numbers: set CSVOptions.NoHeader if the file has none`},
		{good, CSVOptions{Columns: []string{"B"}}, `f: line 1: no column "B" (did you mean "b"?), there are ["a" "b"]`},
		{good, CSVOptions{NoHeader: true, Columns: []string{"x"}}, `f: line 1: 2 columns, CSVOptions.Columns names 1`},
		{good, CSVOptions{Comma: ';'}, "f: line 1: columns are separated by commas, want semicolons"},
		{good, CSVOptions{Comma: '"'}, `f: csv: Comma is '"', want another character`},
		{good, CSVOptions{Comma: ';', Comment: ';'}, `f: csv: Comma and Comment are both ';'`},
		{good, CSVOptions{Decimal: ';'}, `f: csv: Decimal is ';', want '.' or ','`},
		{good, CSVOptions{Thousands: '1'}, `f: csv: Thousands is '1', want a character`},
		{good, CSVOptions{Skip: 5}, "f: line 3: skipped lines: unexpected EOF"},
		{good, CSVOptions{Skip: -1}, "f: csv: Skip is -1, want 0 to 1000"},
		{good, CSVOptions{Charset: 9}, "f: csv: Charset 9 is unknown"},
		{good, CSVOptions{Dates: 9}, "f: csv: Dates is 9, want"},
		{good, CSVOptions{MaxBytes: 1 << 40}, "f: csv: MaxBytes is 1099511627776, want 1 to 1073741824"},
		{good, CSVOptions{MaxBytes: 5}, "f: more than 5 bytes"},
		{good, CSVOptions{Columns: []string{"a", "a"}}, `f: csv: Columns: columns 1 and 2 are both named "a"`},
		{"a,caf\xe9\n1,2\n", CSVOptions{}, `f: line 1: column "caf\xe9" is not UTF-8: set CSVOptions.Charset, perhaps to Windows1252`},
		{good + "2,\xe9\n", CSVOptions{}, `f: line 3: column "b": "\xe9" is not UTF-8: set CSVOptions.Charset, perhaps to Windows1252`},
		{"a\x00,\x00b\x00\n\x00", CSVOptions{}, "f: line 1: zeros between the characters, as in UTF-16"},
		{"a,b\r1,2\r", CSVOptions{}, "f: line 1: lines end with CR alone, want LF or CRLF"},
		{`{"a": 1}`, CSVOptions{}, "f: line 1: a JSON file, want CSV"},
		{`[{"a": 1}]`, CSVOptions{}, "f: line 1: a JSON file, want CSV"},
		{"PK\x03\x04", CSVOptions{}, "f: line 1: a zip archive, want CSV"},
		{good + strings.Repeat("1", maxTextLine+1), CSVOptions{}, "f: line 3: longer than 1048576 bytes"},
		{strings.Repeat("a,", maxFrameColumns) + "b\n", CSVOptions{}, "f: line 1: 16,385 columns, want at most 16384"},
	} {
		if _, err := ReadCSV(strings.NewReader(c.raw), "f", c.o); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.40q %+v: got error %v\nwant %s", c.raw, c.o, err, c.want)
		}
	}
}

// TestFrameString: what is guessed, and how sure it is.
func TestFrameString(t *testing.T) {
	var b strings.Builder
	b.WriteString("id;mass;when;species;big;text;const;code;none;ref\n")
	for i := range 24 {
		mass := fmt.Sprintf("%d,5", i)
		if i == 3 {
			mass = "NA"
		}
		fmt.Fprintf(&b, "%d;%s;%02d/02/2020 10:00;%s;%s;%s;7;%d;;v%d\n", i, mass, i+1, [2]string{"cat", "dog"}[i%2], [2]string{"Yes", "no"}[i%2], strings.Repeat("word ", 20), i%3, i)
	}
	raw := strings.Replace(b.String(), "\n5;5,5", "\n?;5,5", 1)
	f := readCSV(t, raw, CSVOptions{})
	const want = `f: 24 rows, 10 columns
separated by semicolons (guessed), decimal character ,
column   kind      missing  different  values                                                                       note
id       text      0        24         0, 1, 2, 3, ...                                                              numbers besides "?" in line 7 (1)
mass     number    1        23         0.5 to 23.5
when     date      0        24         01/02/2020 10:00, 02/02/2020 10:00, 03/02/2020 10:00, 04/02/2020 10:00, ...  day first, by "13/02/2020 10:00" in line 14
species  category  0        2          cat, dog
big      boolean   0        2          Yes, no
text     text      0        1          word word word word…                                                         constant
const    number    0        1          7 to 7                                                                       constant
code     number    0        3          0 to 2                                                                       3 different numbers: perhaps categories
none     text      24       0                                                                                       no value
ref      text      0        24         v0, v1, v2, v3, ...`
	if got := f.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	train, test, err := f.Split(0.5)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.SplitN(test.String(), "\n", 2)[0]; got != "f: 12 rows, 10 columns of the file's 24 rows, held out for testing" || train.Len() != 12 {
		t.Errorf("got %s", got)
	}
}

func TestGuesses(t *testing.T) {
	for _, c := range []struct {
		cells string // one column
		kind  Kind
		note  string
	}{
		{"1 2 3", Number, ""},
		{"0 1 1", Number, ""},
		{"true FALSE True", Boolean, ""},
		{"y n y", Boolean, ""},
		{"yes off no no", Category, ""},
		{"a b a", Category, ""},
		{"2020-01-01 31.12.2020", Date, ""},
		{"10:00 11:30", Date, ""},
		{"13/01/2020 01/02/2020", Date, `day first, by "13/01/2020" in line 2`},
		{"01/13/2020 01/02/2020", Date, `month first, by "01/13/2020" in line 2`},
		{"01/03/2020 01/02/2020", Date, "day or month first? Set CSVOptions.Dates"},
		{"01/13/2020 13/02/2020", Category, `dates? "13/02/2020" in line 3 has the day first, "01/13/2020" in line 2 the month`},
		{"a b c d e f g h i j k l", FreeText, ""},
		{"x y z", FreeText, ""},
		{"1 2 3 4 5 6 7 8 8 9 9 ?", Category, `numbers besides "?" in line 13 (1)`},
		{"NA NaN null", FreeText, "no value"},
	} {
		g := readCSV(t, "x\n"+strings.ReplaceAll(c.cells, " ", "\n")+"\n", CSVOptions{}).guessed()[0]
		if g.kind != c.kind || g.note != c.note {
			t.Errorf("%s: %v %q, want %v %q", c.cells, g.kind, g.note, c.kind, c.note)
		}
	}
	for _, c := range []struct {
		raw  string
		o    CSVOptions
		want rune
	}{
		{"a;b\n1,5;2\n", CSVOptions{}, ','},
		{"a;b\n1.5;2\n", CSVOptions{}, '.'},
		{"a\tb\n1,5\t2.5\n2,5\t1\n", CSVOptions{}, ','},
		{"a,b\n\"1,5\",2\n", CSVOptions{}, '.'},
		{"a,b\n\"1,5\",2\n", CSVOptions{Decimal: ','}, ','},
	} {
		if got := readCSV(t, c.raw, c.o).dialect.decimal; got != c.want {
			t.Errorf("%q: decimal character %c, want %c", c.raw, got, c.want)
		}
	}
}

func TestFrameParts(t *testing.T) {
	f := readCSV(t, "a,b\n0,x\n1,\n2,y\n3,NA\n4,z\n", CSVOptions{})
	full, err := f.DropMissing()
	if err != nil || grid(t, full) != `["a" "b"] [["0" "x"] ["2" "y"] ["4" "z"]]` {
		t.Errorf("without missing: %s %v", grid(t, full), err)
	}
	if same, err := f.DropMissing("a"); err != nil || same.Len() != 5 {
		t.Errorf("without missing a: %v", err)
	}
	large, err := f.Filter(func(cell func(string) string) bool { return cell("a") > "2" && cell("none") == "" })
	if err != nil || grid(t, large) != `["a" "b"] [["3" "NA"] ["4" "z"]]` {
		t.Errorf("filtered: %s %v", grid(t, large), err)
	}
	some, err := f.Subset([]int{4, 0})
	if err != nil || grid(t, some) != `["a" "b"] [["4" "z"] ["0" "x"]]` {
		t.Errorf("subset: %s %v", grid(t, some), err)
	}
	train, test, err := f.TrainTestSplit(0.4, 3)
	if err != nil {
		t.Fatal(err)
	}
	first, last, err := trainTestIndices(5, 0.4, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f  *Frame
		at []int
	}{{train, first}, {test, last}} {
		for i, at := range c.at {
			if c.f.Line(i) != at+2 {
				t.Errorf("row %d is line %d, want %d", i, c.f.Line(i), at+2)
			}
		}
	}
	folds, err := KFold{K: 5}.Split(5)
	if err != nil {
		t.Fatal(err)
	}
	if train, test, err = f.Fold(folds[1]); err != nil || train.Len() != 4 || test.Line(0) != 3 || !test.held || train.held {
		t.Errorf("fold: %v", err)
	}
	if kept, err := test.DropMissing("a"); err != nil || !kept.held {
		t.Errorf("a part of held-out rows is not held out: %v", err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(f.Column("c")), `f: no column "c", there are ["a" "b"]`},
		{second(f.DropMissing("A")), `f: no column "A" (did you mean "a"?), there are ["a" "b"]`},
		{second(f.Subset([]int{5})), "subset: index 5 at position 0 of a frame of 5 rows"},
		{second(f.Filter(func(func(string) string) bool { panic("no") })), "the function of Filter panicked (frame_test.go"},
		{third(f.Split(2)), "split: share 2, want 0 to 1"},
		{third(f.TrainTestSplit(0, 1)), "train/test split: share 0 of 5 samples leaves a part empty"},
		{second(f.Table("b")), `f: line 2: column "b": "x" is not a finite number`},
		{second(large.Table("a")), `f: line 5: column "b": "NA" is missing, want a number`},
		{second(f.Table("c")), `f: no column "c"`},
		{second(f.Texts("b", "c")), `f: no column "c"`},
		{second(f.Texts("a", "b")), `f: line 3: column "b": the class is missing`},
		{second(f.Series("a")), `f: line 2: column "a": "0" is not a date`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got error %v, want %q", c.err, c.want)
		}
	}
}

// TestFrameTable: numbers with decimal commas, and a series with British dates.
func TestFrameTable(t *testing.T) {
	f := readCSV(t, "when;a;b\n01/02/2020 10:00;1.000,5;2\n01/02/2020 11:00;-1;3,5\n02/02/2020;0;1\n", CSVOptions{Thousands: '.', Decimal: ',', Dates: DayFirst})
	s, err := f.Series("when")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Columns, s.X, s.Times[2].Format(" 2 January 2006")); got != "[a b] [1000.5 2 -1 3.5 0 1] 2 February 2020" {
		t.Errorf("series: %s", got)
	}
	american := readCSV(t, "when,a\n01/02/2020 10:00,1\n", CSVOptions{Dates: MonthFirst})
	if s, err := american.Series("when"); err != nil || s.Times[0].Month() != 1 {
		t.Errorf("American: %v", err)
	}
	numbers := readCSV(t, "a,y,b\n1,10,2\n3,20,4\n", CSVOptions{})
	table, err := numbers.Table("y")
	if err != nil || fmt.Sprint(table.Columns, table.X, table.Target, table.Y) != "[a b] [1 2 3 4]y[10 20]" {
		t.Errorf("table %v: %v", table, err)
	}
	if table, err = numbers.Table(""); err != nil || len(table.Columns) != 3 || table.Y != nil {
		t.Errorf("without target: %v", err)
	}
	for _, c := range []struct{ raw, want string }{
		{"when,a\n01/02/2020,1\n", `f: column "when": "01/02/2020" in line 2 may be day or month first, and no row decides it: set CSVOptions.Dates to DayFirst or MonthFirst`},
		{"when,a\n13/02/2020,1\n02/13/2020,2\n", `f: column "when": "13/02/2020" in line 2 has the day first, "02/13/2020" in line 3 the month: set CSVOptions.Dates`},
		{"when,a\n2020-01-02,1\n2020-01-01,2\n", `f: line 3: column "when": "2020-01-01" is earlier than the row before`},
		{"when,a\n10:00,1\n", `f: line 2: column "when": "10:00" is not a date`},
		{"when\n2020-01-02\n", `f: no column besides the time "when"`},
		{"when,a\n2020-01-02,x\n", `f: line 2: column "a": "x" is not a finite number`},
	} {
		if _, err := readCSV(t, c.raw, CSVOptions{}).Series("when"); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func TestFrameTexts(t *testing.T) {
	f := readCSV(t, "id,text,class\n1,It is warm.,sun\n2,\"I am\nwet.\",rain\n3,,sun\n", CSVOptions{})
	texts, err := f.Texts("text", "class")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q %v %v", texts.Texts, texts.Labels, texts.Names()); got != `["It is warm." "I am\nwet." ""] [1 0 1] [rain sun]` {
		t.Errorf("got %s", got)
	}
}

func TestCSVChunks(t *testing.T) {
	const raw = "a;b\n1,5;x\n2;y\n3;z\n4;u\n5;v\n"
	var sizes []int
	var lines []int
	for f, err := range CSVChunks(strings.NewReader(raw), "f", CSVOptions{MaxBytes: 20}, 2) {
		if err != nil {
			t.Fatal(err)
		}
		if f.dialect.decimal != ',' {
			t.Errorf("decimal character %c", f.dialect.decimal)
		}
		sizes, lines = append(sizes, f.Len()), append(lines, f.Line(0))
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) || !slices.Equal(lines, []int{2, 4, 6}) {
		t.Errorf("frames of %v rows at lines %v", sizes, lines)
	}
	for _, err := range CSVChunks(strings.NewReader(raw), "f", CSVOptions{}, 0) {
		if err == nil || err.Error() != "f: frames of 0 rows, want 1 to 268435456" {
			t.Errorf("error %v", err)
		}
	}
	var last error
	for _, err := range CSVChunks(strings.NewReader(raw+"6\n"), "f", CSVOptions{}, 3) {
		last = err
	}
	if last == nil || last.Error() != "f: line 7: 1 column, the header has 2" {
		t.Errorf("error %v", last)
	}
	for range CSVChunks(strings.NewReader(raw), "f", CSVOptions{}, 1) {
		break
	}
}
