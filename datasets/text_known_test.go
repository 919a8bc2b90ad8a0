// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// checkSequences checks the counts of a part and how its first texts begin.
func checkSequences(t *testing.T, name string, s *Sequences, counts []int, labels []int32, begin [][]int32, sum int64) {
	t.Helper()
	if !slices.Equal(s.ClassCounts(), counts) {
		t.Errorf("%s: texts of each class %v, want %v", name, s.ClassCounts(), counts)
	}
	if !slices.Equal(s.Labels[:len(labels)], labels) {
		t.Errorf("%s: first labels %v, want %v", name, s.Labels[:len(labels)], labels)
	}
	for i, want := range begin {
		if got := s.IDs[i][:len(want)]; !slices.Equal(got, want) {
			t.Errorf("%s: text %d begins %v, want %v", name, i, got, want)
		}
	}
	var got int64
	for _, ids := range s.IDs {
		for _, id := range ids {
			got += int64(id)
		}
	}
	if got != sum {
		t.Errorf("%s: sum of all ids %d, want %d", name, got, sum)
	}
}

// The expected numbers of the next two tests are those of the article's notebooks
// and, for sums and counts, of numpy: see testdata/known_texts.py.
func TestIMDBFull(t *testing.T) {
	realData(t, "imdb", "imdb.npz")
	slowUnderRace(t)
	t.Parallel()
	train, test, err := IMDB(t.Context(), From{Source: Full}, Words{NumWords: 10000})
	if err != nil {
		t.Fatal(err)
	}
	half := []int{12500, 12500}
	checkSequences(t, "train", train, half, []int32{1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0},
		[][]int32{{1, 14, 22, 16, 43, 530, 973, 1622, 1385, 65, 458, 4468}}, 4360438289)
	checkSequences(t, "test", test, half, []int32{0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0},
		[][]int32{{1, 591, 202, 14, 31, 6, 717, 10}}, 4106542514)
	if got := train.Text(0); !strings.HasPrefix(got, "? this film was just brilliant casting location scenery story direction everyone's really suited the") {
		t.Errorf("text 0: %.120q", got)
	}
	if train.Index.Len() != 88584 {
		t.Errorf("%d words, want 88584", train.Index.Len())
	}
	// Project 8 takes the last 20 words.
	padded, err := train.Padded(20)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := readAll(t, Take(padded, 3))
	for i, want := range []string{"[65 16 38]", "[23 4 1690]", "[1352 13 191]"} {
		if got := fmt.Sprint(x[20*i : 20*i+3]); got != want {
			t.Errorf("row %d begins %s, want %s", i, got, want)
		}
	}
	hot, err := train.MultiHot(10000)
	if err != nil {
		t.Fatal(err)
	}
	ones := 0
	for i := range hot.Len() {
		ones += len(hot.Active(0, i))
	}
	if ones != 3292468 {
		t.Errorf("%d ones in the multi-hot matrix, want 3292468", ones)
	}
	if in, out := hot.Shapes(); fmt.Sprint(in, out) != "[[10000]] [[1]]" {
		t.Errorf("shapes %v %v", in, out)
	}
}

func TestReutersFull(t *testing.T) {
	realData(t, "reuters", "reuters.npz")
	slowUnderRace(t)
	t.Parallel()
	all, _, err := Reuters(t.Context(), From{Source: Full}, Words{})
	if err != nil {
		t.Fatal(err)
	}
	if got := all.IDs[0][:16]; !slices.Equal(got, []int32{1, 27595, 28842, 8, 43, 10, 447, 5, 25, 207, 270, 5, 3095, 111, 16, 369}) || len(all.IDs[0]) != 87 {
		t.Errorf("wire 0 begins %v, %d ids", got, len(all.IDs[0]))
	}
	train, test, err := Reuters(t.Context(), From{Source: Full}, Words{NumWords: 10000})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 8982 || test.Len() != 2246 {
		t.Fatalf("%d + %d wires, want 8982 + 2246", train.Len(), test.Len())
	}
	checkSequences(t, "train", train,
		[]int{55, 432, 74, 3159, 1949, 17, 48, 16, 139, 101, 124, 390, 49, 172, 26, 20, 444, 39, 66, 549, 269, 100, 15, 41, 62, 92, 24, 15, 48, 19, 45, 39, 32, 11, 50, 10, 49, 19, 19, 24, 36, 30, 13, 21, 12, 18},
		[]int32{3, 4, 3, 4, 4, 4, 4, 3, 3, 16, 3, 3}, [][]int32{{1, 2, 2, 8, 43, 10, 447}}, 979952241)
	checkSequences(t, "test", test,
		[]int{12, 105, 20, 813, 474, 5, 14, 3, 38, 25, 30, 83, 13, 37, 2, 9, 99, 12, 20, 133, 70, 27, 7, 12, 19, 31, 8, 4, 10, 4, 12, 13, 10, 5, 7, 6, 11, 2, 3, 5, 10, 8, 3, 6, 5, 1},
		nil, nil, 247898873)
	if got := train.Text(0); !strings.HasPrefix(got, "? ? ? said as a result of its december acquisition of space co it expects earnings per share in 1987") {
		t.Errorf("text 0: %.120q", got)
	}
	if got := train.Names()[3]; got != "earn" {
		t.Errorf("topic 3 is %q", got)
	}
}

func TestTextSamples(t *testing.T) {
	train, test, err := IMDB(t.Context(), From{Source: Sample}, Words{NumWords: 10000})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.ClassCounts(), []int{400, 400}) || !slices.Equal(test.ClassCounts(), []int{200, 200}) {
		t.Errorf("IMDB: %v and %v reviews", train.ClassCounts(), test.ClassCounts())
	}
	if strings.Count(train.Text(0), "?") > len(train.IDs[0])/4 {
		t.Errorf("IMDB: the word index does not fit: %.200q", train.Text(0))
	}
	wires, _, err := Reuters(t.Context(), From{Source: Sample}, Words{NumWords: 10000, MaxLen: 200, SkipTop: 20})
	if err != nil {
		t.Fatal(err)
	}
	for i, ids := range wires.IDs {
		if len(ids) >= 200 || slices.ContainsFunc(ids, func(id int32) bool { return id != OOVID && (id < 20 || id >= 10000) }) {
			t.Fatalf("Reuters: wire %d breaks the limits: %v", i, ids)
		}
	}
	reviews, more, err := Reviews(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	if reviews.Len() != 300 || more.Len() != 150 || reviews.Labels[149] != 0 || reviews.Labels[150] != 1 {
		t.Errorf("reviews: %d + %d", reviews.Len(), more.Len())
	}
	tok := &Tokenizer{NumWords: 10000}
	tok.Fit(reviews.Texts)
	encoded := reviews.Sequences(tok)
	if _, err := encoded.Padded(100); err != nil {
		t.Error(err)
	}
	if words := strings.Fields(encoded.Text(0)); len(words) != len(encoded.IDs[0]) || !strings.Contains(strings.ToLower(reviews.Texts[0]), words[0]) {
		t.Errorf("review 0 is decoded as %.80q", words)
	}
	if got := (&Sequences{IDs: [][]int32{{5, 0}}}).Text(0); got != "?" {
		t.Errorf("without an index: %q", got)
	}
}

// TestReviewsFull reads the archive of all labeled reviews and counts their
// words: Keras's word index was made from the training reviews, so the ranks of
// the most frequent words must come out again.
func TestReviewsFull(t *testing.T) {
	if testing.Short() {
		t.Skip("inflates 65 MB")
	}
	realData(t, "imdb", "aclImdb_v1_labeled.tar.bz2")
	slowUnderRace(t)
	t.Parallel() // ten seconds of bzip2
	train, test, err := Reviews(t.Context(), From{Source: Full})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Texts{"train": train, "test": test} {
		if s.Len() != 25000 || s.Labels[12499] != 0 || s.Labels[12500] != 1 {
			t.Errorf("%s: %d reviews, labels %d %d in the middle", name, s.Len(), s.Labels[12499], s.Labels[12500])
		}
	}
	tok := &Tokenizer{}
	tok.Fit(train.Texts)
	raw, err := os.Open(realData(t, "imdb", "imdb_word_index.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	index, err := ReadWordIndex(raw, "word index")
	if err != nil {
		t.Fatal(err)
	}
	for rank := 1; rank <= 500; rank++ {
		want, _ := index.Word(rank)
		if id, ok := tok.ID(want); !ok || tok.stats[want].count != tok.stats[tok.words[rank-1]].count {
			t.Errorf("word %q of rank %d has id %d (%t)", want, rank, id, ok)
		}
	}
}

func BenchmarkIMDBLoad(b *testing.B) {
	realData(b, "imdb", "imdb.npz")
	for b.Loop() {
		if _, _, err := IMDB(b.Context(), From{Source: Full}, Words{NumWords: 10000}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReutersLoad(b *testing.B) {
	realData(b, "reuters", "reuters.npz")
	for b.Loop() {
		if _, _, err := Reuters(b.Context(), From{Source: Full}, Words{NumWords: 10000}); err != nil {
			b.Fatal(err)
		}
	}
}
