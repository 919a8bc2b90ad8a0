// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadTexts(t *testing.T) {
	const good = "sun\tIt is warm.\nrain\tI am wet.\n\nsun \t No\tcloud\n"
	for _, same := range []string{good, "\ufeff" + good, strings.ReplaceAll(good, "\n", "\r\n"), strings.TrimSuffix(good, "\n")} {
		texts, err := ReadTexts(strings.NewReader(same), "f")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q %v %v", texts.Texts, texts.Labels, texts.Names()); got != `["It is warm." "I am wet." "No\tcloud"] [1 0 1] [rain sun]` {
			t.Errorf("%q: %s", same, got)
		}
	}
	for _, c := range []struct{ raw, want string }{
		{"", "f: no lines of a class, a tab and a text"},
		{"\n\n", "f: no lines of a class, a tab and a text"},
		{good + "wind and rain\n", `f: line 5: "wind and rain", want a class, a tab and a text`},
		{"\tno class\n", `f: line 1: "no class", want a class, a tab and a text`},
		{good + "sun\t\xff\n", "f: line 5: not UTF-8"},
		{"PK\x03\x04", "f: line 1: a zip archive, want a class, a tab and a text"},
		{good + strings.Repeat("a", maxTextLine+1), "f: line 5: longer than 1048576 bytes"},
	} {
		if _, err := ReadTexts(strings.NewReader(c.raw), "f"); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzReadTexts(f *testing.F) {
	f.Add("a\tb\nc\td e\n")
	f.Add("\ufeffa\t\r\n\n b \t \n")
	f.Fuzz(func(t *testing.T, raw string) {
		texts, err := ReadTexts(strings.NewReader(raw), "f")
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		if texts.Len() == 0 || len(texts.Labels) != texts.Len() {
			t.Fatalf("%d texts, %d labels", texts.Len(), len(texts.Labels))
		}
		for i, label := range texts.Labels {
			if class := texts.Names()[label]; class == "" || !utf8.ValidString(class+texts.Texts[i]) {
				t.Fatalf("text %q of class %q", texts.Texts[i], class)
			}
		}
	})
}

// TestArrayIsASource: a padded sentence is a source of its ids, without targets.
func TestArrayIsASource(t *testing.T) {
	a, err := PadSequences([][]int32{{1, 2}, {3}, {4, 5, 6}}, Padding{})
	if err != nil {
		t.Fatal(err)
	}
	in := [][]float32{make([]float32, 6)}
	if err := a.Read([]int{2, 1}, in, nil); err != nil {
		t.Fatal(err)
	}
	if inputs, targets := a.Shapes(); a.Len() != 3 || fmt.Sprint(in, inputs, targets) != "[[4 5 6 0 0 3]] [[3]] []" {
		t.Errorf("%d samples: %v %v %v", a.Len(), in, inputs, targets)
	}
	for _, c := range []struct {
		a    Array
		at   int
		want string
	}{
		{a, 3, "array: sample 3: the source has samples 0 to 2"},
		{Array{[]int{2}, make([]float32, 5)}, 0, "array: 5 numbers are not a whole number of samples of shape [2]"},
		{Array{[]int{0}, make([]float32, 5)}, 0, "array: 5 numbers are not a whole number of samples of shape [0]"},
		{Array{}, 0, "array: sample 0: the source has samples 0 to -1"},
	} {
		if err := c.a.Read([]int{c.at}, in, nil); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}
