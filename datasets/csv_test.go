// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestReadTable(t *testing.T) {
	const good = "a, b,price\n1,2.5,10\n-3, 4e1 ,20\n"
	for _, same := range []string{good, "\ufeff" + good, strings.ReplaceAll(good, "\n", "\r\n"), strings.TrimSuffix(good, "\n"), strings.Replace(good, "1,2.5", `"1","2.5"`, 1)} {
		table, err := ReadTable(strings.NewReader(same), "f", "price")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(table.Columns, table.X, table.Target, table.Y); got != "[a b] [1 2.5 -3 40]price[10 20]" {
			t.Errorf("%q: %s", same, got)
		}
	}
	first, err := ReadTable(strings.NewReader(good), "f", "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(first.Columns, first.X, first.Y); got != "[b price] [2.5 10 40 20] [1 -3]" {
		t.Errorf("target in front: %s", got)
	}
	none, err := ReadTable(strings.NewReader(good), "f", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, targets := none.Shapes(); len(none.Columns) != 3 || len(targets) != 0 || none.Y != nil {
		t.Errorf("without target: %v %v", none.Columns, targets)
	}
	for _, c := range []struct{ raw, want string }{
		{"", "f: line 1: an empty file, want CSV"},
		{"price\n1\n", `f: line 1: no column besides the target "price"`},
		{"a,b\n1,2\n", `f: line 1: no column "price", there are ["a" "b"]`},
		{"a,price\n", "f: no rows after the header"},
		{good + "1,2\n", "f: line 4: 2 columns, the header has 3"},
		{good + "1,,2\n", `f: line 4: "b": "" is not a finite number`},
		{good + "red,1,2\n", `f: line 4: "a": "red" is not a finite number`},
		{good + "1,2,NaN\n", `f: line 4: "price": "NaN" is not a finite number`},
		{strings.ReplaceAll(good, ",", ";"), "f: line 1: columns are separated by semicolons, want commas"},
		{"PK\x03\x04", "f: line 1: a zip archive, want CSV: a header and lines of numbers"},
		{strings.Repeat("a,", maxCSVColumns) + "price\n", "f: line 1: 1,001 columns, want at most 1000"},
		{good + strings.Repeat("1", maxCSVLine+1), "f: line 4: longer than 32768 bytes"},
	} {
		if _, err := ReadTable(strings.NewReader(c.raw), "f", "price"); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("a,b\n1,2\n3,4\n", "b")
	f.Add("\"a\",a\n1e999,0\n", "a")
	f.Add("a\n\n1\n", "")
	f.Fuzz(func(t *testing.T, raw, target string) {
		table, err := ReadTable(strings.NewReader(raw), "f", target)
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		if n := table.Len(); n == 0 || len(table.X) != n*len(table.Columns) || (target != "") != (len(table.Y) == n) {
			t.Fatalf("%d rows of %d columns, %d values, %d targets", n, len(table.Columns), len(table.X), len(table.Y))
		}
	})
}

// TestTrainTestSplitOfTablesAndTexts: the parts are those of the function.
func TestTrainTestSplitOfTablesAndTexts(t *testing.T) {
	const n = 11
	var x, y []float64
	texts := &Texts{names: []string{"a", "b", "c"}}
	for i := range n {
		x, y = append(x, float64(i), float64(-i)), append(y, float64(i))
		texts.Texts, texts.Labels = append(texts.Texts, fmt.Sprint(i)), append(texts.Labels, int32(i%3))
	}
	table, err := NewTable([]string{"p", "q"}, x, "r", y)
	if err != nil {
		t.Fatal(err)
	}
	wantTrain, wantTest, err := TrainTestSplit(counting(t, n), 0.3, 5)
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := table.TrainTestSplit(0.3, 5)
	if err != nil {
		t.Fatal(err)
	}
	textsTrain, textsTest, err := texts.TrainTestSplit(0.3, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  Source
		table *Table
		texts *Texts
	}{{wantTrain, train, textsTrain}, {wantTest, test, textsTest}} {
		want := numbers(t, c.want)
		if got := numbers(t, c.table); !slices.Equal(got, want) || c.table.Target != "r" || c.table.Columns[1] != "q" {
			t.Errorf("table %v, want %v", got, want)
		}
		for j, i := range want {
			if c.texts.Texts[j] != fmt.Sprint(i) || int(c.texts.Labels[j]) != i%3 {
				t.Errorf("text %d is %q of class %d, want %d", j, c.texts.Texts[j], c.texts.Labels[j], i)
			}
		}
		if len(c.texts.Texts) != len(want) || len(c.texts.Names()) != 3 {
			t.Errorf("%d texts, want %d", len(c.texts.Texts), len(want))
		}
	}
	const want = "train/test split: share 1 of 11 samples leaves a part empty"
	if _, _, err := table.TrainTestSplit(1, 0); err == nil || err.Error() != want {
		t.Errorf("table: error %v", err)
	}
	if _, _, err := texts.TrainTestSplit(1, 0); err == nil || err.Error() != want {
		t.Errorf("texts: error %v", err)
	}
}

func TestTableSubset(t *testing.T) {
	table, err := NewTable([]string{"p"}, []float64{1, 2, 3}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := table.Subset([]int{2, 0, 2})
	if err != nil || !slices.Equal(s.X, []float64{3, 1, 3}) || s.Y != nil {
		t.Errorf("%v %v %v", s.X, s.Y, err)
	}
	if _, err := table.Subset([]int{0, 3}); err == nil || err.Error() != "subset: index 3 at position 1 of a table of 3 rows" {
		t.Errorf("error %v", err)
	}
}
