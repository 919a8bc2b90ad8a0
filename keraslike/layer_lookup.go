// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/text"
)

// StringLookup makes category numbers of strings by a vocabulary, which is given or learned by Adapt:
// the distinct strings, the most frequent first, equally frequent ones in descending order. Unknown
// strings get the numbers before those of the vocabulary, and a MaskToken the number 0 before them
// all. Bytes of a string that are not UTF-8 are replaced by U+FFFD; a Vocabulary or a MaskToken with such bytes is an error.
//
//	input   strings (batch, ...)
//	output  (batch, ...), or vectors with an element for each number
//
//	color := keraslike.StringInput(1)
//	lookup := keraslike.StringLookup(keraslike.OneHotOutput)
//	err := keraslike.AdaptStrings(lookup, []string{"red", "green", "red"})
//	x := lookup.Apply(color) // of shape (batch, 3): unknown, red, green
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	OutputMode      IntOutput
//	MaxTokens       0
//	OOVIndices      1
//	PadToMaxTokens  off
//	MaskToken       none
//	Vocabulary      none
//	IDFWeights      none
//	Name            "string_lookup", "string_lookup_1" and so on
//	Trainable       true
//
// See https://keras.io/api/layers/preprocessing_layers/categorical/string_lookup/.
func StringLookup(opts ...PreprocessingOption) Layer {
	return newLayer(&stringLookup{lookup: newLookup()}, opts)
}

type stringLookup struct {
	beforeGraph
	stringsOnly
	lookup
	MaskToken  *string  `json:"mask_token,omitempty" option:"MaskToken"`
	Vocabulary []string `json:"vocabulary,omitempty" option:"Vocabulary"`
	table      map[string]int32
}

var _ = register[stringLookup]("StringLookup")

func (d *stringLookup) Kind() string { return "StringLookup" }

// unknownToken stands for all unknown strings in VocabularyOf.
const unknownToken = "[UNK]"

func (d *stringLookup) special() []string {
	list := slices.Repeat([]string{unknownToken}, d.OOVIndices)
	if d.MaskToken != nil && d.OutputMode == IntOutput {
		list = append([]string{*d.MaskToken}, list...)
	}
	return list
}

func (d *stringLookup) check() error {
	if err := d.lookup.check(); err != nil {
		return err
	}
	if m := d.MaskToken; m != nil && !utf8.ValidString(*m) {
		return fmt.Errorf("MaskToken %.60q is not valid UTF-8", *m)
	}
	for i, token := range d.Vocabulary {
		if !utf8.ValidString(token) {
			return fmt.Errorf("Vocabulary: token %d, %.60q, is not valid UTF-8", i, token)
		}
	}
	return checkVocabulary(&d.lookup, &d.Vocabulary, d.special(), d.MaskToken)
}

// validText replaces what a file could not hold.
func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func (d *stringLookup) Build(_ *Builder, in []Shape) (Shape, error) {
	if d.table == nil {
		d.table = tableOf(d.Vocabulary, len(d.special()))
	}
	return d.build(in, len(d.Vocabulary), len(d.special()))
}

func (d *stringLookup) prepare(p *preparation, in []*value, out *value) error {
	numbers := p.numbers(len(in[0].strings))
	for i, s := range in[0].strings {
		n, err := d.find(s)
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	d.encode(numbers, in[0].shape, len(d.Vocabulary), len(d.special()), out)
	return nil
}

// find returns the number of a string.
func (d *stringLookup) find(s string) (int32, error) {
	s = validText(s)
	switch n, ok := d.table[s]; {
	case d.MaskToken != nil && s == *d.MaskToken:
		return d.masked(), nil
	case ok:
		return n, nil
	case d.OOVIndices == 0:
		return 0, fmt.Errorf("%.60q is not in the vocabulary of %s, and OOVIndices is 0", s, text.Count(len(d.Vocabulary), "string"))
	}
	first := int32(len(d.special()) - d.OOVIndices)
	if d.OOVIndices == 1 {
		return first, nil
	}
	return first + int32(fingerprint64(s)%uint64(d.OOVIndices)), nil
}

func (d *stringLookup) adapt(ctx context.Context, l *layer, data *adaptData) error {
	var tokens []string
	return adaptStrings(ctx, l, data, d, func(sample []string) []string {
		tokens = tokens[:0]
		for _, s := range sample {
			tokens = append(tokens, validText(s))
		}
		return tokens
	})
}

// adaptStrings learns a vocabulary of the tokens of samples.
func adaptStrings(ctx context.Context, l *layer, data *adaptData, d *stringLookup, tokens func(sample []string) []string) error {
	if err := data.want(true); err != nil {
		return err
	}
	c := newCounts[string]()
	if err := data.eachText(ctx, func(sample []string) { c.add(tokens(sample)) }); err != nil {
		return err
	}
	delete(c.of, unknownToken)
	if d.MaskToken != nil {
		delete(c.of, *d.MaskToken)
	}
	words, idf := c.vocabulary(d.MaxTokens, len(d.special()))
	if err := d.replaces(l, len(d.Vocabulary), len(words)); err != nil {
		return err
	}
	d.Vocabulary, d.table, d.IDFWeights = words, tableOf(words, len(d.special())), nil
	if d.OutputMode == TFIDFOutput {
		d.IDFWeights = idf
	}
	return nil
}

// IntegerLookup makes category numbers of integers by a vocabulary, as StringLookup does of strings.
// The integers are whole numbers of an input of numbers.
//
//	input   (batch, ...)
//	output  (batch, ...), or vectors with an element for each number
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	OutputMode         IntOutput
//	MaxTokens          0
//	OOVIndices         1
//	PadToMaxTokens     off
//	MaskInteger        none
//	IntegerVocabulary  none
//	IDFWeights         none
//	Name               "integer_lookup", "integer_lookup_1" and so on
//	Trainable          true
//
// See https://keras.io/api/layers/preprocessing_layers/categorical/integer_lookup/.
func IntegerLookup(opts ...PreprocessingOption) Layer {
	return newLayer(&integerLookup{lookup: newLookup()}, opts)
}

type integerLookup struct {
	beforeGraph
	numbersOnly
	lookup
	MaskInteger       *int  `json:"mask_token,omitempty" option:"MaskInteger"`
	IntegerVocabulary []int `json:"vocabulary,omitempty" option:"IntegerVocabulary"`
	table             map[int]int32
}

var _ = register[integerLookup]("IntegerLookup")

func (d *integerLookup) Kind() string { return "IntegerLookup" }

// unknownInteger stands for all unknown integers in VocabularyOf.
const unknownInteger = -1

func (d *integerLookup) special() []int {
	list := slices.Repeat([]int{unknownInteger}, d.OOVIndices)
	if d.MaskInteger != nil && d.OutputMode == IntOutput {
		list = append([]int{*d.MaskInteger}, list...)
	}
	return list
}

func (d *integerLookup) check() error {
	if err := d.lookup.check(); err != nil {
		return err
	}
	return checkVocabulary(&d.lookup, &d.IntegerVocabulary, d.special(), d.MaskInteger)
}

func (d *integerLookup) Build(_ *Builder, in []Shape) (Shape, error) {
	if d.table == nil {
		d.table = tableOf(d.IntegerVocabulary, len(d.special()))
	}
	return d.build(in, len(d.IntegerVocabulary), len(d.special()))
}

func (d *integerLookup) prepare(p *preparation, in []*value, out *value) error {
	numbers := p.numbers(len(in[0].numbers))
	for i, v := range in[0].numbers {
		n, err := integer(v)
		if err != nil {
			return err
		}
		if numbers[i], err = d.find(n); err != nil {
			return err
		}
	}
	d.encode(numbers, in[0].shape, len(d.IntegerVocabulary), len(d.special()), out)
	return nil
}

// find returns the number of an integer.
func (d *integerLookup) find(v int) (int32, error) {
	switch n, ok := d.table[v]; {
	case d.MaskInteger != nil && v == *d.MaskInteger:
		return d.masked(), nil
	case ok:
		return n, nil
	case d.OOVIndices == 0:
		return 0, fmt.Errorf("%d is not in the vocabulary of %s, and OOVIndices is 0", v, text.Count(len(d.IntegerVocabulary), "integer"))
	}
	bin := v % d.OOVIndices
	if bin < 0 {
		bin += d.OOVIndices
	}
	return int32(len(d.special()) - d.OOVIndices + bin), nil
}

func (d *integerLookup) adapt(ctx context.Context, l *layer, data *adaptData) error {
	if err := data.want(false); err != nil {
		return err
	}
	c := newCounts[int]()
	var sample []int
	err := data.eachNumbers(ctx, func(values []float32) error {
		sample = sample[:0]
		for _, v := range values {
			n, err := integer(v)
			if err != nil {
				return err
			}
			sample = append(sample, n)
		}
		c.add(sample)
		return nil
	})
	if err != nil {
		return err
	}
	delete(c.of, unknownInteger)
	if d.MaskInteger != nil {
		delete(c.of, *d.MaskInteger)
	}
	integers, idf := c.vocabulary(d.MaxTokens, len(d.special()))
	if err := d.replaces(l, len(d.IntegerVocabulary), len(integers)); err != nil {
		return err
	}
	d.IntegerVocabulary, d.table, d.IDFWeights = integers, tableOf(integers, len(d.special())), nil
	if d.OutputMode == TFIDFOutput {
		d.IDFWeights = idf
	}
	return nil
}

// VocabularyOf returns the vocabulary of a layer made by StringLookup, IntegerLookup or
// TextVectorization in the order of the numbers, including those for masked and unknown tokens: "" and
// "[UNK]", or -1. Its length is what an Embedding behind the layer needs.
func VocabularyOf(l Layer) ([]string, error) {
	if isNil(l) {
		return nil, errors.New("vocabulary: the layer is nil")
	}
	if d, ok := l.core().def.(interface{ vocabulary() []string }); ok {
		return d.vocabulary(), nil
	}
	return nil, fmt.Errorf("vocabulary: got a %s layer, want one made by StringLookup, IntegerLookup or TextVectorization", l.core().def.Kind())
}

func (d *stringLookup) vocabulary() []string { return append(d.special(), d.Vocabulary...) }

func (d *integerLookup) vocabulary() (list []string) {
	for _, n := range append(d.special(), d.IntegerVocabulary...) {
		list = append(list, strconv.Itoa(n))
	}
	return list
}

// lookup has the settings that all lookups share.
type lookup struct {
	OutputMode     OutputMode `json:"output_mode" option:"OutputMode"`
	MaxTokens      int        `json:"max_tokens,omitempty" option:"MaxTokens"`
	OOVIndices     int        `json:"num_oov_indices" option:"OOVIndices"`
	PadToMaxTokens bool       `json:"pad_to_max_tokens,omitempty" option:"PadToMaxTokens"`
	IDFWeights     []float64  `json:"idf_weights,omitempty" option:"IDFWeights"` // of the vocabulary
}

func newLookup() lookup { return lookup{OutputMode: IntOutput, OOVIndices: 1} }

func (d *lookup) check() error {
	switch {
	case d.MaxTokens < 0 || d.MaxTokens > maxCategories:
		return fmt.Errorf("MaxTokens is %d, want 0 for all or 1 to %d", d.MaxTokens, maxCategories)
	case d.OOVIndices < 0 || d.OOVIndices > maxCategories:
		return fmt.Errorf("OOVIndices is %d, want 0 to %d", d.OOVIndices, maxCategories)
	case d.MaxTokens > 0 && d.MaxTokens <= d.OOVIndices:
		return fmt.Errorf("MaxTokens is %d, OOVIndices is %d, want more tokens than indices for unknown ones", d.MaxTokens, d.OOVIndices)
	case d.PadToMaxTokens && d.MaxTokens == 0:
		return errors.New("got PadToMaxTokens without MaxTokens")
	case d.IDFWeights != nil && d.OutputMode != TFIDFOutput:
		return errors.New("got IDFWeights without TFIDFOutput")
	}
	for i, w := range d.IDFWeights {
		if !(math.Abs(w) <= math.MaxFloat32) {
			return fmt.Errorf("IDFWeights has %g at %d, want finite numbers", w, i)
		}
	}
	return d.OutputMode.check(IntOutput, OneHotOutput, MultiHotOutput, CountOutput, TFIDFOutput)
}

// checkVocabulary checks a vocabulary that was given or read from a file, and removes the special
// tokens that it begins with.
func checkVocabulary[T cmp.Ordered](d *lookup, tokens *[]T, special []T, mask *T) error {
	if n := len(special); len(*tokens) > n && n > 0 && slices.Equal((*tokens)[:n], special) {
		*tokens = (*tokens)[n:]
		if len(d.IDFWeights) == len(*tokens)+n {
			d.IDFWeights = d.IDFWeights[n:]
		}
	}
	if len(*tokens) > maxCategories-len(special) {
		return fmt.Errorf("a vocabulary of %d tokens, the most is %d", len(*tokens), maxCategories-len(special))
	}
	seen := make(map[T]bool, len(*tokens))
	for _, t := range *tokens {
		if seen[t] {
			return fmt.Errorf("the vocabulary has %.60q twice", fmt.Sprint(t))
		}
		if mask != nil && t == *mask {
			return fmt.Errorf("the vocabulary has %.60q, which stands for no value", fmt.Sprint(t))
		}
		seen[t] = true
	}
	if n := len(special) + len(*tokens); d.MaxTokens > 0 && n > d.MaxTokens {
		return fmt.Errorf("a vocabulary of %d tokens, those for unknown ones included, MaxTokens is %d", n, d.MaxTokens)
	}
	if d.OutputMode == TFIDFOutput && len(d.IDFWeights) != len(*tokens) {
		return fmt.Errorf("got %d IDFWeights for a vocabulary of %d tokens", len(d.IDFWeights), len(*tokens))
	}
	return nil
}

// depth is the number of elements of a vector.
func (d *lookup) depth(tokens, special int) int {
	if d.PadToMaxTokens {
		return d.MaxTokens
	}
	return tokens + special
}

func (d *lookup) build(in []Shape, tokens, special int) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if tokens == 0 {
		return nil, errors.New("has no vocabulary: call Adapt before the layer is applied, or give one")
	}
	return d.OutputMode.shape(in[0], d.depth(tokens, special)), nil
}

// replaces checks that a vocabulary of another size fits a layer that has been applied.
func (d *lookup) replaces(l *layer, was, is int) error {
	if is == 0 {
		return errors.New("the data has no tokens")
	}
	if l.built && d.OutputMode != IntOutput && !d.PadToMaxTokens && was != is {
		return fmt.Errorf("the layer was built for a vocabulary of %d tokens, the data has %d", was, is)
	}
	return nil
}

// masked is the number of the mask token.
func (d *lookup) masked() int32 {
	if d.OutputMode == IntOutput {
		return 0
	}
	return noCategory
}

// encode writes numbers, or vectors of them.
func (d *lookup) encode(numbers []int32, shape Shape, tokens, special int, out *value) {
	weight := one
	if d.OutputMode == TFIDFOutput {
		mean := 0.0 // for unknown tokens, whose frequency is unknown
		for _, w := range d.IDFWeights {
			mean += w / float64(len(d.IDFWeights))
		}
		weight = func(_ int, c int32) float32 {
			if int(c) < special {
				return float32(mean)
			}
			return float32(d.IDFWeights[int(c)-special])
		}
	}
	d.OutputMode.encode(numbers, shape, d.depth(tokens, special), out, weight)
}

func tableOf[T comparable](tokens []T, first int) map[T]int32 {
	table := make(map[T]int32, len(tokens))
	for i, t := range tokens {
		table[t] = int32(first + i)
	}
	return table
}

// counts counts tokens, and the samples that they occur in.
type counts[T cmp.Ordered] struct {
	of      map[T]*tokenCount
	samples int
}

type tokenCount struct{ all, samples, last int }

func newCounts[T cmp.Ordered]() *counts[T] { return &counts[T]{of: map[T]*tokenCount{}} }

func (c *counts[T]) add(sample []T) {
	c.samples++
	for _, t := range sample {
		n := c.of[t]
		if n == nil {
			n = &tokenCount{}
			c.of[t] = n
		}
		n.all++
		if n.last != c.samples {
			n.last = c.samples
			n.samples++
		}
	}
}

// vocabulary returns the tokens by frequency, as many as most leaves beside the special ones, with
// their weights of TF-IDF.
func (c *counts[T]) vocabulary(most, special int) (tokens []T, idf []float64) {
	for t := range c.of {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, func(a, b T) int {
		return cmp.Or(cmp.Compare(c.of[b].all, c.of[a].all), cmp.Compare(b, a))
	})
	if n := most - special; most > 0 && len(tokens) > n {
		tokens = slices.Clip(tokens[:max(n, 0)])
	}
	for _, t := range tokens {
		w := math.Log(1 + float64(c.samples)/float64(1+c.of[t].samples))
		idf = append(idf, float64(float32(w)))
	}
	return tokens, idf
}
