// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestWordIndexEncode: how texts become ids. The rules were found by comparing the raw reviews
// with the ids that were published, see TestReviewsHaveTheIDsOfIMDB.
func TestWordIndexEncode(t *testing.T) {
	x, err := ReadWordIndex(strings.NewReader(`{"the": 1, "film": 2, "it's": 3, "br": 4, "good": 5, "1": 6, "Üvegtigris": 7, "an'": 8, "\u0085so": 9, "É": 11}`), "words")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		w    Words
		want []int32
	}{
		{"", Words{}, []int32{1}},
		{"The FILM: it's (good)!", Words{}, []int32{1, 4, 5, 6, 8}},
		{"good<br /><br />film-film\tthe\nfilm", Words{}, []int32{1, 8, 7, 7, 5, 5, 4, 5}},
		{"of 1.1 unknown words", Words{}, []int32{1, 9, 9}},                       // unknown words are left out,
		{"the film is good 1", Words{NumWords: 6}, []int32{1, 4, 5, 2, 2}},        // rare ones are not
		{"the film is good", Words{NumWords: 8, SkipTop: 5}, []int32{2, 2, 5, 2}}, // nor is the start mark, as in Keras
		{"Üvegtigris üvegtigris É é", Words{}, []int32{1, 10, 14}},                // only A to Z become small
		{"an' an \u0085so so", Words{}, []int32{1, 11, 12}},                       // a control character is no space
		{"good\u00a0film\rfilm film", Words{MaxLen: 1}, []int32{1, 5}},            // nor is another space
	} {
		if got := x.Encode(c.text, c.w); !slices.Equal(got, c.want) {
			t.Errorf("%q with %+v: %v, want %v", c.text, c.w, got, c.want)
		}
	}
}

// TestKnownWire: the first newswire of Keras's training set, from its text in Reuters-21578.
func TestKnownWire(t *testing.T) {
	realData(t, "reuters", "reuters.npz")
	const text = `McGrath RentCorp said as a result of
its December acquisition of Space Co, it expects earnings per
share in 1987 of 1.15 to 1.30 dlrs per share, up from 70 cts in
1986.
    The company said pretax net should rise to nine to 10 mln
dlrs from six mln dlrs in 1986 and rental operation revenues to
19 to 22 mln dlrs from 12.5 mln dlrs.
    It said cash flow per share this year should be 2.50 to
three dlrs.
 Reuter
&#3;`
	for _, w := range []Words{{}, {NumWords: 10_000}, {NumWords: 300, SkipTop: 20}} {
		train, _, err := Reuters(t.Context(), From{Source: Full}, w)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := train.Index.Encode(text, w), train.IDs[0]; !slices.Equal(got, want) {
			t.Errorf("%+v: ids %v, want %v", w, got, want)
		}
	}
}

// TestReviewsHaveTheIDsOfIMDB: each of the 50,000 raw reviews becomes one of IMDB's sequences of
// ids. Their order is another one.
func TestReviewsHaveTheIDsOfIMDB(t *testing.T) {
	realData(t, "imdb", "imdb.npz")
	realData(t, "imdb", "aclImdb_v1_labeled.tar.bz2")
	slowUnderRace(t)
	if testing.Short() {
		t.Skip("reads all reviews")
	}
	t.Parallel()
	train, test, err := IMDB(t.Context(), From{Source: Full}, Words{})
	if err != nil {
		t.Fatal(err)
	}
	rawTrain, rawTest, err := Reviews(t.Context(), From{Source: Full})
	if err != nil {
		t.Fatal(err)
	}
	seed := maphash.MakeSeed()
	var b []byte
	key := func(ids []int32) uint64 {
		b = b[:0]
		for _, id := range ids {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		return maphash.Bytes(seed, b)
	}
	for _, part := range []struct {
		name string
		ids  *Sequences
		raw  *Texts
	}{{"train", train, rawTrain}, {"test", test, rawTest}} {
		count := map[uint64]int{}
		for _, ids := range part.ids.IDs {
			count[key(ids)]++
		}
		for _, text := range part.raw.Texts {
			k := key(train.Index.Encode(text, Words{}))
			if count[k]--; count[k] < 0 {
				t.Fatalf("%s: no sequence of ids is left for the review %.200q", part.name, text)
			}
		}
	}
}

// TestSequencesPreprocessor: what a data set feeds to a model, its saved preprocessor makes of the
// text.
func TestSequencesPreprocessor(t *testing.T) {
	tok := &Tokenizer{NumWords: 1000}
	for _, set := range []struct {
		name string
		load func(w Words) (train, test *Sequences, err error)
	}{
		{"imdb", func(w Words) (_, _ *Sequences, _ error) { return IMDB(t.Context(), From{Source: Sample}, w) }},
		{"reuters", func(w Words) (_, _ *Sequences, _ error) { return Reuters(t.Context(), From{Source: Sample}, w) }},
		{"tokenizer", func(Words) (train, test *Sequences, err error) {
			texts, _, err := Reviews(t.Context(), From{Source: Sample})
			if err != nil {
				return nil, nil, err
			}
			if tok.Len() == 0 {
				tok.Fit(texts.Texts)
			}
			return texts.Sequences(tok), nil, nil
		}},
	} {
		for _, w := range []Words{{NumWords: 10_000}, {NumWords: 500, SkipTop: 10}} {
			for _, length := range []int{0, 20, 100} {
				s, _, err := set.load(w)
				if err != nil {
					t.Fatal(err)
				}
				const some = 50
				var texts []string
				for i, ids := range s.IDs[:some] {
					text := s.Text(i)
					if s.tok == nil { // Text begins with the start mark and writes "?", which is no word, for rare ones
						text = ""
						for _, id := range ids[1:] {
							word, ok := s.Index.Word(int(id) - WordOffset)
							if !ok {
								word = "nosuchword"
							}
							text += word + " "
						}
					}
					texts = append(texts, text)
				}
				got, err := savedPreprocessor(t, s.Preprocessor(length)).(TextPreprocessor).Array(texts)
				if err != nil {
					t.Fatal(err)
				}
				var source Source
				if length > 0 {
					source, err = s.Padded(length)
				} else {
					source, err = s.MultiHot(got.Shape[0])
				}
				if err != nil {
					t.Fatal(err)
				}
				if want, _ := readAll(t, Take(source, some)); !slices.Equal(got.Data, want) {
					t.Errorf("%s, %+v, length %d: another array than the data set's", set.name, w, length)
				}
			}
		}
	}
}

func TestWordIDsErrors(t *testing.T) {
	x := &WordIndex{}
	if err := json.Unmarshal([]byte(`["a", null, "", "b"]`), x); err != nil {
		t.Fatal(err)
	}
	if got := x.Encode("a b c", Words{}); !slices.Equal(got, []int32{1, 4, 7}) {
		t.Errorf("ids %v", got)
	}
	if _, ok := x.Word(2); ok || x.Len() != 3 {
		t.Errorf("rank 2 has a word, or %d words are not 3", x.Len())
	}
	if word, ok := x.Word(3); !ok || word != "" {
		t.Error("rank 3 lost its empty word")
	}
	if y := (&WordIndex{}); json.Unmarshal(savedIndex(t, x), y) != nil || !reflect.DeepEqual(x, y) {
		t.Errorf("read back %+v, want %+v", y, x)
	}
	for want, settings := range map[string]string{
		"there is no index":                            `{}`,
		`word "a" has the ranks 1 and 3`:               `{"index":["a","b","a"]}`,
		"2 words, want 0 for all or 3 to":              `{"index":[],"num_words":2}`,
		"SkipTop is -1":                                `{"index":[],"skip_top":-1}`,
		"length -1":                                    `{"index":[],"padding":{"length":-1}}`,
		"Padding without a Length":                     `{"index":[],"padding":{"length":0,"post":true}}`,
		"cannot unmarshal":                             `{"index":{"a":1}}`,
		`preprocessor "word_ids": json: unknown field`: `{"words":[]}`,
	} {
		if p, err := ReadPreprocessor("word_ids", []byte(settings)); err == nil || !strings.Contains(err.Error(), want) || p != nil {
			t.Errorf("%s: %v, error %v, want %q", settings, p, err, want)
		}
	}
	if a, err := (WordIDs{Index: &WordIndex{}}).Array([]string{"nothing known"}); err != nil || a.Shape[0] <= StartID || a.Data[StartID] != 1 {
		t.Errorf("an index without words: %v (%v)", a, err)
	}
}

func savedIndex(t *testing.T, x *WordIndex) []byte {
	t.Helper()
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTrimmedTokenizer encodes as before, with fewer words.
func TestTrimmedTokenizer(t *testing.T) {
	texts := []string{"the cat sat on the mat", "the dog sat", "a cat and the cat", "nothing known ? ?", "the the a ?"}
	for _, tok := range []*Tokenizer{
		{}, {NumWords: 4}, {NumWords: 4, OOV: "<rare>"}, {NumWords: 2, OOV: "<rare>"}, {NumWords: 1}, {NumWords: 100, OOV: "<rare>"},
		{NumWords: 5, OOV: "cat"}, {NumWords: 3, OOV: "dog"}, {NumWords: 4, OOV: "?"},
	} {
		tok.Fit(texts)
		c := tok.Trimmed()
		if tok.NumWords == 4 && c.Len() >= tok.Len() {
			t.Errorf("%+v: %d words of %d are left", tok, c.Len(), tok.Len())
		}
		saved := savedPreprocessor(t, TextSequences{c, Padding{Length: 5}}).(TextSequences).Tokenizer
		for name, c := range map[string]*Tokenizer{"trimmed": c, "saved": saved} {
			if got, want := c.Sequences(texts), tok.Sequences(texts); !reflect.DeepEqual(got, want) {
				t.Errorf("%d words, OOV %q, %s: %v, want %v", tok.NumWords, tok.OOV, name, got, want)
			}
			for mode := Binary; mode <= TFIDF; mode++ {
				if tok.NumWords == 0 {
					continue // the same
				}
				got, err := c.Matrix(texts, mode)
				if want, _ := tok.Matrix(texts, mode); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%d words, OOV %q, %s, mode %d: %v (%v), want %v", tok.NumWords, tok.OOV, name, mode, got, err, want)
				}
			}
		}
	}
}
