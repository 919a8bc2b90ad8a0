// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"slices"
	"strings"
	"testing"
)

// rawStrings reads input k of all samples.
func rawStrings(t *testing.T, s Source, k int) []string {
	t.Helper()
	to := make([]string, s.Len())
	indices := make([]int, s.Len())
	for i := range indices {
		indices[i] = i
	}
	if err := s.(stringed).ReadStrings(k, indices, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestRawColumns: strings stay strings and numbers numbers, with the targets of Encode, and other sources
// pass them through.
func TestRawColumns(t *testing.T) {
	frame, err := ReadCSV(strings.NewReader("color;size;ok;class;w\nred;1,5;yes;a;1\n;2,5;no;b;2\nblue;;yes;a;0,5\ngreen;4;no;b;1\n"), "f.csv", CSVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	schema := Schema{
		Features: []Feature{{Column: "color", Kind: Category, Missing: MissingCategory}, {Column: "size", Kind: Number, Missing: MissingMean, Indicator: true}, {Column: "ok", Kind: Boolean}},
		Targets:  []Target{{Column: "class", Kind: Category}}, Weight: "w",
	}
	encoder, err := schema.Fit(frame)
	if err != nil {
		t.Fatal(err)
	}
	s, err := encoder.Raw(frame)
	if err != nil {
		t.Fatal(err)
	}
	in, out := s.Shapes()
	if len(in) != 3 || len(out) != 1 || !slices.Equal(in[0], []int{1}) {
		t.Fatalf("shapes are %v, %v", in, out)
	}
	if got := rawStrings(t, s, 0); !slices.Equal(got, []string{"red", "", "blue", "green"}) {
		t.Errorf("colors are %q", got)
	}
	x := [][]float32{nil, make([]float32, 4), make([]float32, 4)}
	y := [][]float32{make([]float32, 4)}
	if err := s.Read([]int{0, 1, 2, 3}, x, y); err != nil {
		t.Fatal(err)
	}
	if mean := (float32(1.5) + 2.5 + 4) / 3; !slices.Equal(x[1], []float32{1.5, 2.5, mean, 4}) || !slices.Equal(x[2], []float32{1, 0, 1, 0}) || !slices.Equal(y[0], []float32{0, 1, 0, 1}) {
		t.Errorf("numbers are %v, targets %v", x, y)
	}
	weights := make([]float32, 2)
	if err := s.(weigher).Weights([]int{2, 1}, weights); err != nil || !slices.Equal(weights, []float32{0.5, 2}) {
		t.Errorf("weights are %v, %v", weights, err)
	}
	part, err := Subset(s, []int{3, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got := rawStrings(t, part, 0); !slices.Equal(got, []string{"green", "red"}) {
		t.Errorf("of a subset the colors are %q", got)
	}
	if _, err := Zip(part, Take(part, 2)); err == nil {
		t.Error("two sources with weights are zipped")
	}
	texts, err := NewTexts([]string{"good", "bad"}, []int32{1, 0}, []string{"no", "yes"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := texts.Raw()
	if err != nil {
		t.Fatal(err)
	}
	both, err := Zip(raw, Shuffle(raw, 1))
	if err != nil {
		t.Fatal(err)
	}
	if !both.(stringed).StringInput(1) || len(rawStrings(t, both, 1)) != 2 || !slices.Equal(rawStrings(t, both, 0), []string{"good", "bad"}) {
		t.Error("zipped texts are others")
	}
	if names := (view{raw}).Names(); !slices.Equal(names, []string{"no", "yes"}) {
		t.Errorf("class names are %q", names)
	}
	// Without the target's column there are no targets.
	rows, err := ReadCSV(strings.NewReader("size,ok,color\n3,true,red\n"), "g.csv", CSVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = encoder.Raw(rows); err != nil {
		t.Fatal(err)
	}
	if _, out := s.Shapes(); len(out) != 0 || rawStrings(t, s, 0)[0] != "red" {
		t.Errorf("targets are %v", out)
	}
	for _, c := range []struct{ csv, want string }{
		{"size,ok\n1,yes\n", `no column "color"`},
		{"size,ok,color\nlarge,yes,red\n", `column "size": "large" is not a number`},
		{"size,ok,color\n1,perhaps,red\n", `column "ok": "perhaps" is not true or false`},
	} {
		bad, err := ReadCSV(strings.NewReader(c.csv), "bad.csv", CSVOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encoder.Raw(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if err := s.(stringed).ReadStrings(0, []int{1}, make([]string, 1)); err == nil {
		t.Error("sample 1 of 1")
	}
	if err := s.(stringed).ReadStrings(1, []int{0}, make([]string, 1)); err == nil {
		t.Error("strings of an input of numbers")
	}
}
