// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"Resizing":          {read: resizing},
	"CenterCrop":        {read: func(a *args) k.Layer { a.channels(); return k.CenterCrop(a.count("height"), a.count("width")) }},
	"RandomCrop":        {read: func(a *args) k.Layer { a.channels(); return k.RandomCrop(a.count("height"), a.count("width")) }},
	"CategoryEncoding":  {read: categoryEncoding, inputs: []string{"inputs", "count_weights"}},
	"Discretization":    {read: discretization},
	"Hashing":           {read: hashing},
	"HashedCrossing":    {read: func(a *args) k.Layer { return k.HashedCrossing(a.count("num_bins"), a.outputMode("int")) }},
	"StringLookup":      {read: stringLookup},
	"IntegerLookup":     {read: integerLookup},
	"TextVectorization": {read: textVectorization},
})

func categoryEncoding(a *args) k.Layer {
	return k.CategoryEncoding(a.count("num_tokens"), a.outputMode("multi_hot"))
}

func (a *args) outputMode(absent string) k.PreprocessingOption {
	mode := a.text("output_mode", absent)
	switch mode { // names up to Keras 2
	case "binary":
		mode = "multi_hot"
	case "tf-idf":
		mode = "tf_idf"
	}
	return k.OutputMode(mode)
}

func resizing(a *args) k.Layer {
	a.channels()
	a.want("fill_mode", "constant")
	options := []k.PreprocessingOption{k.Interpolation(a.text("interpolation", "bilinear"))}
	value := a.number("fill_value", 0)
	options = append(options, when[k.PreprocessingOption](a.flag("crop_to_aspect_ratio", false), k.CropToAspectRatio)...)
	if a.flag("pad_to_aspect_ratio", false) {
		options = append(options, k.PadToAspectRatio, k.FillValue(value))
	}
	return k.Resizing(a.count("height"), a.count("width"), options...)
}

func discretization(a *args) k.Layer {
	options := []k.PreprocessingOption{a.outputMode("int"), k.Epsilon(a.number("epsilon", 0.01))}
	var boundaries []float64
	if bins := a.whole("num_bins", 0); bins > 0 {
		options = append(options, k.NumBins(bins))
	}
	if a.take("bin_boundaries", &boundaries) {
		options = append(options, k.BinBoundaries(boundaries...))
	} else {
		a.fail("bin_boundaries", errors.New("is None, want those that adapt has computed"))
	}
	return k.Discretization(options...)
}

func hashing(a *args) k.Layer {
	options := []k.PreprocessingOption{a.outputMode("int")}
	var mask json.RawMessage
	if a.take("mask_value", &mask) {
		var text string
		if json.Unmarshal(mask, &text) != nil {
			text = string(mask) // of an integer, which is hashed as its digits
		}
		options = append(options, k.MaskToken(text))
	}
	var salt []uint64
	if a.take("salt", &salt) {
		if len(salt) != 2 {
			a.fail("salt", fmt.Errorf("is %v, want two numbers", salt))
			return nil
		}
		options = append(options, k.Salt(salt[0], salt[1]))
	}
	return k.Hashing(a.count("num_bins"), options...)
}

// lookup returns the options that all lookups share.
func (a *args) lookup() []k.PreprocessingOption {
	options := []k.PreprocessingOption{a.outputMode("int")}
	if n := a.whole("max_tokens", 0); n > 0 {
		options = append(options, k.MaxTokens(n))
	}
	options = append(options, when[k.PreprocessingOption](a.flag("pad_to_max_tokens", false), k.PadToMaxTokens)...)
	var weights []float64
	if a.take("idf_weights", &weights) {
		options = append(options, k.IDFWeights(weights...))
	}
	for _, name := range []string{"vocabulary_size", "has_input_vocabulary", "encoding", "vocabulary_dtype"} {
		delete(a.raw, name) // which follow from the others
	}
	return options
}

// unnamed notes that a vocabulary is not among the arguments.
func (a *args) unnamed() k.Layer {
	a.fail("vocabulary", errors.New("is None: the file has it beside the configuration, from adapt; give it to the layer in Keras, by vocabulary=layer.get_vocabulary(), and save the model again"))
	return nil
}

func stringLookup(a *args) k.Layer {
	options := append(a.lookup(), k.OOVIndices(a.whole("num_oov_indices", 1)))
	delete(a.raw, "oov_token")  // which only an inverted lookup shows
	delete(a.raw, "oov_method") // of integers
	var mask string
	if a.take("mask_token", &mask) {
		options = append(options, k.MaskToken(mask))
	}
	var words []string
	if !a.take("vocabulary", &words) {
		return a.unnamed()
	}
	return k.StringLookup(append(options, k.Vocabulary(words...))...)
}

func integerLookup(a *args) k.Layer {
	options := append(a.lookup(), k.OOVIndices(a.whole("num_oov_indices", 1)))
	delete(a.raw, "oov_token")
	a.want("oov_method", "floormod")
	var mask int
	if a.take("mask_token", &mask) {
		options = append(options, k.MaskInteger(mask))
	}
	var integers []int
	if !a.take("vocabulary", &integers) {
		return a.unnamed()
	}
	return k.IntegerLookup(append(options, k.IntegerVocabulary(integers...))...)
}

func textVectorization(a *args) k.Layer {
	options := a.lookup()
	choice := func(name, absent string, known ...string) string {
		if string(a.raw[name]) == "null" {
			delete(a.raw, name)
			return "none"
		}
		v := a.text(name, absent)
		if !slices.Contains(known, v) {
			a.fail(name, fmt.Errorf("is %.60q, want one of %q", v, known))
		}
		return v
	}
	options = append(options,
		k.Standardization(choice("standardize", "lower_and_strip_punctuation", "lower_and_strip_punctuation", "lower", "strip_punctuation")),
		k.Splitting(choice("split", "whitespace", "whitespace", "character")))
	if n := a.list("ngrams"); n != nil {
		options = append(options, k.NGrams(n...))
	}
	if n := a.whole("output_sequence_length", 0); n > 0 {
		options = append(options, k.OutputSequenceLength(n))
	}
	var words []string
	if !a.take("vocabulary", &words) {
		return a.unnamed()
	}
	return k.TextVectorization(append(options, k.Vocabulary(words...))...)
}
