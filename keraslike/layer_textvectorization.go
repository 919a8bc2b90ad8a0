// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// TextVectorization makes numbers of texts: it cleans a text, splits it into words, joins neighbors if
// NGrams says so, and looks the tokens up in a vocabulary, as StringLookup does. 0 is the padding, 1
// stands for unknown tokens; with vectors there is no padding and 0 stands for unknown ones.
//
//	input   strings (batch) or (batch, 1)
//	output  (batch, OutputSequenceLength) with IntOutput, else vectors (batch, vocabulary)
//
//	vectorize := keraslike.TextVectorization(keraslike.MaxTokens(10_000), keraslike.OutputSequenceLength(200))
//	err := keraslike.AdaptStrings(vectorize, texts)
//	model := keraslike.Sequential("reviews",
//		keraslike.StringInput(1),
//		vectorize,
//		keraslike.Embedding(10_000, 16, keraslike.MaskZero),
//		...
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	OutputMode            IntOutput
//	Standardization       LowerAndStripPunctuation
//	Splitting             SplitWhitespace
//	MaxTokens             0
//	PadToMaxTokens        off
//	Vocabulary            none
//	IDFWeights            none
//	NGrams                none
//	OutputSequenceLength  0
//	Name                  "text_vectorization", "text_vectorization_1" and so on
//	Trainable             true
//
// See https://keras.io/api/layers/preprocessing_layers/text/text_vectorization/.
func TextVectorization(opts ...PreprocessingOption) Layer {
	none := ""
	return newLayer(&textVectorization{
		Standardization: LowerAndStripPunctuation, Splitting: SplitWhitespace,
		stringLookup: stringLookup{lookup: newLookup(), MaskToken: &none},
	}, opts)
}

type textVectorization struct {
	stringLookup
	Standardization      Standardization `json:"standardize" option:"Standardization"`
	Splitting            Splitting       `json:"split" option:"Splitting"`
	NGrams               []int           `json:"ngrams,omitempty" option:"NGrams"`
	OutputSequenceLength int             `json:"output_sequence_length,omitempty" option:"OutputSequenceLength"`
}

var _ = register[textVectorization]("TextVectorization")

func (d *textVectorization) Kind() string { return "TextVectorization" }

// refuses lists the options of StringLookup whose values are fixed here, as in Keras.
func (d *textVectorization) refuses() []string { return []string{"MaskToken", "OOVIndices"} }

const maxSequence = 1 << 20

func (d *textVectorization) check() error {
	switch {
	case d.MaskToken == nil || *d.MaskToken != "" || d.OOVIndices != 1:
		return errors.New("has another mask or other indices for unknown tokens than those of the layer")
	case d.OutputSequenceLength < 0 || d.OutputSequenceLength > maxSequence:
		return fmt.Errorf("OutputSequenceLength is %d, want 1 to %d", d.OutputSequenceLength, maxSequence)
	case d.OutputMode == IntOutput && d.OutputSequenceLength == 0:
		return errors.New("wants OutputSequenceLength, the number of tokens of each text, or another OutputMode")
	case d.OutputMode != IntOutput && d.OutputSequenceLength > 0:
		return fmt.Errorf("got OutputSequenceLength with the OutputMode %q, want IntOutput", string(d.OutputMode))
	case !slices.Contains([]Standardization{LowerAndStripPunctuation, LowerCase, StripPunctuation, NoStandardization}, d.Standardization):
		return fmt.Errorf("Standardization is %q, want LowerAndStripPunctuation, LowerCase, StripPunctuation or NoStandardization", string(d.Standardization))
	case !slices.Contains([]Splitting{SplitWhitespace, SplitCharacter, NoSplitting}, d.Splitting):
		return fmt.Errorf("Splitting is %q, want SplitWhitespace, SplitCharacter or NoSplitting", string(d.Splitting))
	case len(d.NGrams) > maxNGram:
		return fmt.Errorf("NGrams has %d numbers, the most is %d", len(d.NGrams), maxNGram)
	}
	for _, n := range d.NGrams {
		if n < 1 || n > maxNGram {
			return fmt.Errorf("NGrams: %d words, want 1 to %d", n, maxNGram)
		}
	}
	if err := d.OutputMode.check(IntOutput, MultiHotOutput, CountOutput, TFIDFOutput); err != nil {
		return err
	}
	return d.stringLookup.check()
}

func (d *textVectorization) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) > 1 || in[0].Size() != 1 && d.Splitting != NoSplitting {
		return nil, fmt.Errorf("input has shape %v, want (batch) or (batch, 1) of whole texts", in[0])
	}
	if _, err := d.stringLookup.Build(b, in); err != nil {
		return nil, err
	}
	if d.OutputMode == IntOutput {
		return Shape{d.OutputSequenceLength}, nil
	}
	return Shape{d.depth(len(d.Vocabulary), len(d.special()))}, nil
}

func (d *textVectorization) prepare(p *preparation, in []*value, out *value) error {
	tokens := d.tokens(in[0].strings)
	if d.OutputMode == IntOutput && len(tokens) > d.OutputSequenceLength {
		tokens = tokens[:d.OutputSequenceLength]
	}
	numbers := p.numbers(len(tokens))
	for i, t := range tokens {
		n, err := d.find(t)
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	if d.OutputMode == IntOutput {
		y := out.resize(d.OutputSequenceLength)
		clear(y)
		for i, n := range numbers {
			y[i] = float32(n)
		}
		return nil
	}
	if len(numbers) == 0 {
		clear(out.resize(d.depth(len(d.Vocabulary), len(d.special()))))
		return nil
	}
	d.encode(numbers, Shape{len(numbers)}, len(d.Vocabulary), len(d.special()), out)
	return nil
}

func (d *textVectorization) adapt(ctx context.Context, l *layer, data *adaptData) error {
	return adaptStrings(ctx, l, data, &d.stringLookup, d.tokens)
}

// punctuation is what StripPunctuation removes.
const punctuation = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"

// tokens returns the tokens of a sample.
func (d *textVectorization) tokens(texts []string) (list []string) {
	for _, s := range texts {
		s = validText(s)
		if d.Standardization == LowerCase || d.Standardization == LowerAndStripPunctuation {
			s = lowerCase(s)
		}
		if d.Standardization == StripPunctuation || d.Standardization == LowerAndStripPunctuation {
			s = strings.Map(func(r rune) rune {
				if r < 128 && strings.IndexByte(punctuation, byte(r)) >= 0 {
					return -1
				}
				return r
			}, s)
		}
		switch d.Splitting {
		case SplitWhitespace:
			list = append(list, strings.FieldsFunc(s, isSpace)...)
		case SplitCharacter:
			for _, r := range s {
				list = append(list, string(r))
			}
		default:
			list = append(list, s)
		}
	}
	if len(d.NGrams) == 0 {
		return list
	}
	var grams []string
	for _, n := range d.NGrams {
		for i := 0; i+n <= len(list); i++ {
			grams = append(grams, strings.Join(list[i:i+n], " "))
		}
	}
	return grams
}

// isSpace reports whether a rune separates words: white space of ASCII, as for TensorFlow.
func isSpace(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' }

// lowerCase converts the letters of ASCII, as TensorFlow does.
func lowerCase(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
