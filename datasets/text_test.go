// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// The two sentences of the article's notebook, and what it prints for them.
var sentences = []string{"The cat sat on the mat.", "The dog ate my homework."}

func TestTokenizer(t *testing.T) {
	tok := &Tokenizer{NumWords: 1000}
	tok.Fit(sentences)
	if got := fmt.Sprint(tok.Sequences(sentences)); got != "[[1 2 3 4 1 5] [1 6 7 8 9]]" || tok.Len() != 9 {
		t.Errorf("%d words, sequences %s", tok.Len(), got)
	}
	if got := fmt.Sprint(tok.Texts([][]int32{{1, 6, 99, 9}})); got != "[the dog homework]" {
		t.Errorf("decoded %s", got)
	}
	few := &Tokenizer{NumWords: 4, OOV: "<rare>"}
	few.Fit(sentences)
	// <rare> 1, the 2, cat 3, all others are not below 4.
	if got := fmt.Sprint(few.Sequences([]string{"The cat, the COW"})); got != "[[2 3 2 1]]" {
		t.Errorf("with OOV: %s", got)
	}
	none := &Tokenizer{NumWords: 3}
	none.Fit(sentences)
	if got := fmt.Sprint(none.Sequences([]string{"The cat, the COW sat"})); got != "[[1 2 1]]" {
		t.Errorf("without OOV: %s", got)
	}
	cased := &Tokenizer{KeepCase: true, Filters: "."}
	cased.Fit([]string{"a,b A.  B\tc"})
	if got := fmt.Sprintf("%q", cased.Texts(cased.Sequences([]string{"a,b A B\tc"}))); got != `["a,b A B\tc"]` {
		t.Errorf("with case and own filters: %s", got)
	}
}

// TestTokenizerMatrix: the formulas by hand. "the" has id 1, is twice among the
// six words of the first sentence and in both of the two texts; "cat" (2) is in one.
func TestTokenizerMatrix(t *testing.T) {
	tok := &Tokenizer{}
	tok.Fit(sentences)
	for _, c := range []struct {
		mode     Mode
		the, cat float64
	}{
		{Binary, 1, 1},
		{Count, 2, 1},
		{Freq, 2. / 6, 1. / 6},
		{TFIDF, (1 + math.Log(2)) * math.Log(1+2./3), math.Log(1 + 2./2)},
	} {
		m, err := tok.Matrix(sentences, c.mode)
		if err != nil {
			t.Fatal(err)
		}
		if m.Shape[0] != 10 || len(m.Data) != 20 || m.Data[0] != 0 || m.Data[12] != 0 {
			t.Errorf("mode %d: shape %v, %v", c.mode, m.Shape, m.Data)
		}
		if math.Abs(float64(m.Data[1])-c.the) > 1e-6 || math.Abs(float64(m.Data[2])-c.cat) > 1e-6 {
			t.Errorf("mode %d: the %v, cat %v, want %v and %v", c.mode, m.Data[1], m.Data[2], c.the, c.cat)
		}
	}
	if _, err := tok.Matrix(sentences, 9); err == nil {
		t.Error("no error for an unknown mode")
	}
	if _, err := (&Tokenizer{}).Matrix(sentences, Binary); err == nil || err.Error() != "tokenizer: Matrix before Fit" {
		t.Errorf("got error %v", err)
	}
}

func TestTokenizerSaveLoad(t *testing.T) {
	tok := &Tokenizer{NumWords: 7, OOV: "<oov>"}
	tok.Fit(sentences)
	var b bytes.Buffer
	if err := tok.Save(&b); err != nil {
		t.Fatal(err)
	}
	saved := b.String()
	again, err := LoadTokenizer(io.MultiReader(strings.NewReader("\ufeff"), &b), "f")
	if err != nil {
		t.Fatal(err)
	}
	for mode := Binary; mode <= TFIDF; mode++ {
		a, err := tok.Matrix(sentences, mode)
		if err != nil {
			t.Fatal(err)
		}
		c, err := again.Matrix(sentences, mode)
		if err != nil || !slices.Equal(a.Data, c.Data) {
			t.Errorf("mode %d: %v, %v after loading, %v before", mode, err, c.Data, a.Data)
		}
	}
	// Fitting goes on where it was, ties included.
	tok.Fit([]string{"my dog, my homework"})
	again.Fit([]string{"my dog, my homework"})
	if a, c := fmt.Sprint(tok.words), fmt.Sprint(again.words); a != c {
		t.Errorf("after more texts %s, saved in between %s", a, c)
	}
	for _, c := range []struct{ raw, want string }{
		{"", "f: tokenizer: offset 0: unexpected EOF"},
		{"{}", `f: tokenizer: class "", want "Tokenizer"`},
		{strings.Replace(saved, `\"cat\": 3,`, `\"cat\": 4,`, 1), `f: tokenizer: word_index: id 4 belongs to "cat" and "sat"`},
		{strings.Replace(saved, `\"cat\": 3,`, `\"cat\": 30,`, 1), `f: tokenizer: word_index: id 30 of "cat", want 1 to 10 for a word of word_counts`},
		{strings.Replace(saved, `\"cat\": 3,`, ``, 1), `f: tokenizer: word_index: no id for "cat" of word_counts`},
		{strings.Replace(saved, `\"\\u003coov\\u003e\": 1,`, ``, 1), `f: tokenizer: word_index: no id for the oov_token "<oov>"`},
		{strings.Replace(saved, `"split":" "`, `"split":""`, 1), `f: tokenizer: split "", want a separator`},
		{strings.Replace(saved, `"oov_token":"\u003coov\u003e"`, `"oov_token":""`, 1), `f: tokenizer: oov_token "", want a word or null`},
		{strings.Replace(saved, `\"cat\": 1,`, `\"cat\": -1,`, 1), "f: tokenizer: word_counts: offset "},
		{strings.Replace(saved, `"document_count":2`, `"document_count":1`, 1), `f: tokenizer: word_docs: "the" is in 2 of 1 texts`},
	} {
		if _, err := LoadTokenizer(strings.NewReader(c.raw), "f"); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzLoadTokenizer(f *testing.F) {
	tok := &Tokenizer{OOV: "<oov>"}
	tok.Fit(sentences)
	var b bytes.Buffer
	if err := tok.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"class_name":"Tokenizer","config":{"split":" ","word_counts":"{\"a\":1}","word_docs":"{\"a\":1}","word_index":"{\"a\":1}","document_count":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		tok, err := LoadTokenizer(bytes.NewReader(raw), "f")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f: ") {
				t.Fatalf("error does not name the file: %v", err)
			}
			return
		}
		if len(tok.words) < 1000 && tok.NumWords == 0 {
			if _, err := tok.Matrix([]string{"a b"}, TFIDF); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestPadSequences(t *testing.T) {
	s := [][]int32{{1, 2, 3}, {4}, {}}
	for _, c := range []struct {
		p    Padding
		want string // after Keras's documentation of pad_sequences
	}{
		{Padding{}, "[1 2 3 0 0 4 0 0 0]"},
		{Padding{Length: 2}, "[2 3 0 4 0 0]"},
		{Padding{Length: 2, TruncatePost: true}, "[1 2 0 4 0 0]"},
		{Padding{Length: 4, Post: true, Value: -1}, "[1 2 3 -1 4 -1 -1 -1 -1 -1 -1 -1]"},
	} {
		a, err := PadSequences(s, c.p)
		if err != nil || fmt.Sprint(a.Data) != c.want {
			t.Errorf("%+v: %v %v, want %s", c.p, a.Data, err, c.want)
		}
	}
	if _, err := PadSequences([][]int32{{}}, Padding{}); err == nil {
		t.Error("no error without any length")
	}
}

func TestMultiHot(t *testing.T) {
	m, err := NewMultiHot([][]int32{{3, 1, 3}, {}, {4, 0}}, 5, []Array{{nil, []float32{7, 8, 9}}})
	if err != nil {
		t.Fatal(err)
	}
	x, y := readAll(t, Shuffle(m, 4))
	p := Permutation(3, 4)
	dense := [][]float32{{0, 1, 0, 1, 0}, {0, 0, 0, 0, 0}, {1, 0, 0, 0, 1}}
	for j, i := range p {
		if !slices.Equal(x[j*5:j*5+5], dense[i]) || y[j] != float32(7+i) {
			t.Errorf("sample %d: %v %v", i, x[j*5:j*5+5], y[j])
		}
	}
	v := Shuffle(m, 4).(sparse)
	if !v.SparseInput(0) || !slices.Equal(v.Active(0, slices.Index(p, 0)), []int32{1, 3}) {
		t.Errorf("through a view: sparse %t, active %v", v.SparseInput(0), v.Active(0, slices.Index(p, 0)))
	}
	for _, c := range []struct {
		ids  [][]int32
		want string
	}{
		{[][]int32{{1}, {2, 5}}, "multi-hot: sample 1: ids 2 to 5, want 0 to 4"},
		{[][]int32{{-1}}, "multi-hot: sample 0: ids -1 to -1, want 0 to 4"},
	} {
		if _, err := NewMultiHot(c.ids, 5, nil); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
	if _, err := NewMultiHot(nil, 5, []Array{{nil, []float32{1}}}); err == nil || err.Error() != "multi-hot: target 0 has 1 numbers, want 0 samples of shape []" {
		t.Errorf("got error %v", err)
	}
}

func TestWordIndex(t *testing.T) {
	w, err := ReadWordIndex(strings.NewReader(`{"film": 2, "the": 1, "caf\u00e9": 7}`), "f")
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Decode([]int32{0, 0, 1, 4, 5, 2, 10, 99}); got != "? the film ? café ?" {
		t.Errorf("decoded %q", got)
	}
	if marked, err := ReadWordIndex(strings.NewReader("\ufeff{\"film\": 2}"), "f"); err != nil || marked.Len() != 1 {
		t.Errorf("with a byte order mark: %v", err)
	}
	if r, ok := w.Rank("film"); r != 2 || !ok || w.Len() != 3 {
		t.Errorf("rank of film %d %t, %d words", r, ok, w.Len())
	}
	for _, c := range []struct{ raw, want string }{
		{"", "f: offset 0: unexpected EOF"},
		{"[1]", "f: offset 1: [, want a JSON object of words and ranks"},
		{`{"a": 1, "b": 1}`, `f: offset 15: rank 1 of "b" already belongs to "a"`},
		{`{"a": 1, "a": 2}`, `f: offset 15: "a" has two ranks`},
		{`{"a": 0}`, `f: offset 7: rank 0 of "a", want 1 to 1048576`},
		{`{"a": "x"}`, `f: offset 9: rank of "a": json: cannot unmarshal string`},
		{`{"a": 1`, "f: offset 7: unexpected EOF"},
		{`{"a": 1} x`, "f: offset 9: after the object: invalid character"},
	} {
		if _, err := ReadWordIndex(strings.NewReader(c.raw), "f"); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzReadWordIndex(f *testing.F) {
	f.Add([]byte(`{"film": 2, "the": 1}`))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(`{"a": 1}`)); err != nil {
		f.Fatal(err)
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		w, err := ReadWordIndex(bytes.NewReader(raw), "f")
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		w.Decode([]int32{0, 1, 4, 5})
	})
}

// TestSparseInputIsSkipped: a training loop that takes the columns from Active
// passes nil in the place of the dense vectors.
func TestSparseInputIsSkipped(t *testing.T) {
	m, err := NewMultiHot([][]int32{{1}, {2}}, 5, []Array{{nil, []float32{7, 8}}})
	if err != nil {
		t.Fatal(err)
	}
	other := counting(t, 2)
	z, err := Zip(Shuffle(m, 1), other)
	if err != nil {
		t.Fatal(err)
	}
	x, y0 := make([]float32, 4), make([]float32, 2)
	same := Map(z, func(_ int, in, out [][]float32) error {
		if in[0] != nil || out[1] != nil {
			t.Error("numbers that nobody asked for")
		}
		return nil
	})
	for _, s := range []Source{z, same} {
		if err := s.Read([]int{1, 0}, [][]float32{nil, x}, [][]float32{y0, nil}); err != nil {
			t.Fatal(err)
		}
		if p := Permutation(2, 1); x[0] != 1 || y0[0] != float32(7+p[1]) {
			t.Errorf("%v %v", x, y0)
		}
	}
}

// TestExact: ids that single precision does not hold are refused, not rounded to others.
func TestExact(t *testing.T) {
	if a, err := PadSequences([][]int32{{1 << 24, -1 << 24}}, Padding{}); err != nil || a.Data[0] != 1<<24 {
		t.Errorf("%v, %v", a.Data, err)
	}
	for _, c := range []struct {
		ids  []int32
		p    Padding
		want string
	}{
		{[]int32{5, 1<<24 + 1}, Padding{}, "pad sequences: sequence 0: id 16777217 does not fit single precision"},
		{[]int32{-1<<24 - 1}, Padding{}, "pad sequences: sequence 0: id -16777217 does not fit"},
		{[]int32{5}, Padding{Value: 1<<31 - 1}, "pad sequences: value 2147483647 does not fit"},
		{[]int32{5}, Padding{Length: 1 << 29}, "pad sequences: 1 sequences of 536870912 ids, want at most"},
	} {
		if _, err := PadSequences([][]int32{c.ids}, c.p); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
	tok := &Tokenizer{NumWords: 1 << 30}
	tok.Fit(sentences)
	if _, err := tok.Matrix(sentences, Count); err == nil || !strings.HasPrefix(err.Error(), "tokenizer: matrix of 2 texts and 1073741824 ids, want ") {
		t.Errorf("got error %v", err)
	}
}
