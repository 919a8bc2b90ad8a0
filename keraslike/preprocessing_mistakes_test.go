// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/safetensors"
)

// TestPreprocessingMistakes: each error names the layer, the option and what was wanted.
func TestPreprocessingMistakes(t *testing.T) {
	name := Name("it")
	text, vector, image := StringInput(1), Input(4), Input(6, 5, 3)
	for _, c := range []struct {
		x    *Tensor
		want string
	}{
		{StringLookup(name).Apply(text), `StringLookup "it": has no vocabulary: call Adapt before the layer is applied, or give one`},
		{StringLookup(name, Vocabulary("a", "a")).Apply(text), `the vocabulary has "a" twice`},
		{StringLookup(name, Vocabulary("a", "b\xe9")).Apply(text), `Vocabulary: token 1, "b\xe9", is not valid UTF-8`},
		{StringLookup(name, Vocabulary("a"), MaskToken("\xe9")).Apply(text), `MaskToken "\xe9" is not valid UTF-8`},
		{StringLookup(name, Vocabulary("a"), MaskToken("a")).Apply(text), `the vocabulary has "a", which stands for no value`},
		{StringLookup(name, Vocabulary("a"), OOVIndices(-1)).Apply(text), `OOVIndices is -1, want 0 to 16777216`},
		{StringLookup(name, Vocabulary("a"), MaxTokens(1)).Apply(text), `MaxTokens is 1, OOVIndices is 1, want more tokens`},
		{StringLookup(name, Vocabulary("a", "b"), MaxTokens(2)).Apply(text), `a vocabulary of 3 tokens, those for unknown ones included, MaxTokens is 2`},
		{StringLookup(name, Vocabulary("a"), PadToMaxTokens).Apply(text), `got PadToMaxTokens without MaxTokens`},
		{StringLookup(name, Vocabulary("a"), TFIDFOutput).Apply(text), `got 0 IDFWeights for a vocabulary of 1 tokens`},
		{StringLookup(name, Vocabulary("a"), IDFWeights(1)).Apply(text), `got IDFWeights without TFIDFOutput`},
		{StringLookup(name, Vocabulary("a"), OutputMode("dense")).Apply(text), `OutputMode is "dense", want one of [IntOutput OneHotOutput MultiHotOutput CountOutput TFIDFOutput]`},
		{StringLookup(name, Vocabulary("a"), NGrams(2)).Apply(text), `NGrams does not fit, want IDFWeights, MaskToken, MaxTokens, Name, OOVIndices, OutputMode, PadToMaxTokens, Trainable, Vocabulary`},
		{StringLookup(name, Vocabulary("a")).Apply(vector), `its input is of numbers, want strings: apply it to a StringInput`},
		{IntegerLookup(name, IntegerVocabulary(1)).Apply(text), `its input is of strings, want numbers: StringLookup and Hashing make numbers of strings`},
		{Dense(2, name).Apply(text), `Dense "it": its input is of strings, want numbers: StringLookup, TextVectorization, Hashing and HashedCrossing make numbers of strings`},
		{CategoryEncoding(0, name).Apply(vector), `0 tokens, want 1 to 16777216`},
		{CategoryEncoding(3, name, IntOutput).Apply(vector), `OutputMode is "int", want one of [OneHotOutput MultiHotOutput CountOutput]`},
		{CategoryEncoding(3, name).Apply(vector, vector), `got 2 inputs, want 1`},
		{Hashing(0, name).Apply(text), `0 bins, want 1 to 16777216`},
		{HashedCrossing(5, name).Apply(text), `got 1 input, want at least two`},
		{HashedCrossing(5, name).Apply(text, vector), `inputs have shapes (batch, 1), (batch, 4), want (batch) or (batch, 1) for all`},
		{HashedCrossing(5, name, MultiHotOutput).Apply(text, text), `OutputMode is "multi_hot", want one of [IntOutput OneHotOutput]`},
		{TextVectorization(name, Vocabulary("a")).Apply(text), `wants OutputSequenceLength, the number of tokens of each text, or another OutputMode`},
		{TextVectorization(name, Vocabulary("a"), CountOutput, OutputSequenceLength(3)).Apply(text), `got OutputSequenceLength with the OutputMode "count", want IntOutput`},
		{TextVectorization(name, Vocabulary("a"), OutputSequenceLength(3), NGrams(99)).Apply(text), `NGrams: 99 words, want 1 to 16`},
		{TextVectorization(name, Vocabulary("a"), OutputSequenceLength(3), NGrams()).Apply(text), `NGrams: got no number`},
		{TextVectorization(name, Vocabulary("a"), OutputSequenceLength(3), Standardization("upper")).Apply(text), `Standardization is "upper", want LowerAndStripPunctuation`},
		{TextVectorization(name, Vocabulary("a"), OutputSequenceLength(3), Splitting("lines")).Apply(text), `Splitting is "lines", want SplitWhitespace`},
		{TextVectorization(name, Vocabulary("a"), OutputSequenceLength(3), OOVIndices(2)).Apply(text), `OOVIndices does not fit`},
		{TextVectorization(name, Vocabulary("a"), OutputSequenceLength(3)).Apply(StringInput(2)), `input has shape (batch, 2), want (batch) or (batch, 1) of whole texts`},
		{Discretization(name).Apply(vector), `has neither BinBoundaries nor NumBins, want one of them`},
		{Discretization(name, NumBins(3)).Apply(vector), `has no boundaries: call Adapt before the layer is applied, or give BinBoundaries`},
		{Discretization(name, BinBoundaries(2, 1)).Apply(vector), `BinBoundaries are [2 1], want them in ascending order`},
		{Resizing(0, 5, name).Apply(image), `size is 0 x 5, want 1 to 32768`},
		{Resizing(4, 5, name, Interpolation("cubic")).Apply(image), `Interpolation is "cubic", want BilinearInterpolation or NearestInterpolation`},
		{Resizing(4, 5, name, CropToAspectRatio, PadToAspectRatio).Apply(image), `got both CropToAspectRatio and PadToAspectRatio, want one of them`},
		{Resizing(4, 5, name, FillValue(3)).Apply(image), `got FillValue without PadToAspectRatio`},
		{Resizing(4, 5, name).Apply(vector), `input has shape (batch, 4), want (batch, height, width, channels)`},
		{RandomRotation(2, name).Apply(image), `factor is 2, want 0 to 1`},
		{RandomRotation(0, name, FactorRange(0.5, 0.2)).Apply(image), `FactorRange is 0.5 to 0.2, want an ascending range between -1 and 1`},
		{RandomRotation(0.1, name, FillValue(3)).Apply(image), `got FillValue with the FillMode "reflect", want FillConstant`},
		{RandomRotation(0.1, name, FillMode("mirror")).Apply(image), `FillMode is "mirror", want FillReflect, FillConstant, FillWrap or FillNearest`},
		{RandomZoom(0.1, name, WidthRange(-1, 0)).Apply(image), `WidthRange is -1 to 0, want an ascending range between -0.99 and 1`},
		{RandomFlip(name, FlipMode("both")).Apply(image), `FlipMode is "both", want FlipHorizontally, FlipVertically or FlipBoth`},
		{RandomGrayscale(2, name).Apply(image), `probability is 2, want 0 to 1`},
		{RandomPosterization(9, name).Apply(image), `factor is 9, want 1 to 8`},
		{RandomInvert(0, name, FactorRange(-1, 0)).Apply(image), `FactorRange is -1 to 0, want an ascending range between 0 and 1`},
		{RandomSharpness(0.1, name, ValueRange(1, 1)).Apply(image), `ValueRange is 1 to 1, want an ascending range`},
		{RandomColorDegeneration(0.1, name).Apply(Input(3, 3, 2)), `want 1 or 3 channels`},
		{RandomContrast(0.1, name, ValueRange(1, 1)).Apply(image), `ValueRange is 1 to 1, want an ascending range`},
		{RandomHue(2, name).Apply(image), `factor is 2, want 0 to 1`},
		{RandomSaturation(0.5, name).Apply(Input(3, 3, 2)), `want 1 or 3 channels`},
		{RandomColorJitter(name, HueRange(-0.1, 0.1)).Apply(image), `HueRange is -0.1 to 0.1, want an ascending range between 0 and 1`},
		{RandomErasing(1.5, name).Apply(image), `factor is 1.5, want 0 to 1`},
		{RandomErasing(1, name, ScaleRange(0.5, 0.1)).Apply(image), `ScaleRange is 0.5 to 0.1, want an ascending range between 0 and 1`},
		{RandomGaussianBlur(1, name, BlurSize(4)).Apply(image), `BlurSize is 4, want an odd number up to 63`},
		{RandomGaussianBlur(1, name, SigmaRange(-1, 1)).Apply(image), `SigmaRange is -1 to 1, want an ascending range between 0 and 100`},
		{RandomShear(2, 0, name).Apply(image), `factor is 2, want 0 to 1`},
		{RandomPerspective(2, 1, name).Apply(image), `factor is 2, want 0 to 1`},
		{RandomPerspective(1, 2, name).Apply(image), `scale is 2, want 0 to 1`},
		{RandomElasticTransform(2, 1, name).Apply(image), `factor is 2, want 0 to 1`},
		{RandomElasticTransform(1, 2, name).Apply(image), `scale is 2, want 0 to 1`},
		{RandomElasticTransform(1, 1, name, ScaleRange(0.5, 0.2)).Apply(image), `ScaleRange is 0.5 to 0.2, want an ascending range between 0 and 1`},
		{RandomElasticTransform(1, 1, name, FillValue(1)).Apply(image), `got FillValue with the FillMode "reflect", want FillConstant`},
		{RandAugment(0.5, name, NumOperations(0)).Apply(image), `NumOperations is 0, want 1 to 64`},
		{RandAugment(2, name).Apply(image), `factor is 2, want 0 to 1`},
		{AugMix(0.5, name, NumChains(17)).Apply(image), `NumChains is 17, want 1 to 16`},
		{AugMix(0.5, name, ChainDepth(0)).Apply(image), `ChainDepth is 0, want 1 to 16`},
		{AugMix(0.5, name, MixingAlpha(0)).Apply(image), `MixingAlpha is 0, want a positive number`},
		{AugMix(0.5, name).Apply(Input(3, 3, 2)), `want 1 or 3 channels`},
		{AutoContrast(name, ValueRange(2, 1)).Apply(image), `ValueRange is 2 to 1, want an ascending range`},
		{AutoContrast(name, NumBins(3)).Apply(image), `NumBins does not fit`},
		{Equalization(name, NumBins(1)).Apply(image), `NumBins is 1, want 2 to 65536`},
		{ContrastLimitedAdaptiveHistogramEqualization(name, TileGrid(0, 8)).Apply(image), `TileGrid is 0 x 8, want 1 to 64`},
		{ContrastLimitedAdaptiveHistogramEqualization(name, ClipLimit(-1)).Apply(image), `ClipLimit is -1, want 0 or more`},
		{Solarization(name, AdditionRange(0, 2)).Apply(image), `AdditionRange is 0 to 2, want an ascending range between 0 and 1`},
		{Solarization(name, ThresholdRange(0.5, -0.5)).Apply(image), `ThresholdRange is 0.5 to -0.5, want an ascending range between 0 and 1`},
		{RandomFlip(name).Apply(Conv2D(2, 3).Apply(image)), `RandomFlip "it": runs before the network, on raw inputs, but its input comes from Conv2D, which is part of the network`},
		{StringInput(Any), `axis of Any, want fixed lengths for strings`},
	} {
		err := c.x.mistake()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	// The two parts of a nested model cannot run at different times.
	inner := Sequential("inner", StringInput(1), StringLookup(Vocabulary("a"), OneHotOutput), Dense(2))
	if err := inner.Apply(text).mistake(); err == nil || !strings.Contains(err.Error(), "it cannot be part of another model, apply its layers one by one") {
		t.Error(err)
	}
	augment := Sequential("augment", Input(6, 5, 3), RandomFlip())
	if err := augment.Apply(Conv2D(3, 1).Apply(image)).mistake(); err == nil || !strings.Contains(err.Error(), "but its input comes from Conv2D") {
		t.Error(err)
	}
	wrapped := Sequential("wrapped", Input(2, 6, 5, 3), TimeDistributed(RandomFlip()), Flatten(), Dense(1))
	if err := wrapped.Compile(SGD(0.1), MSE); err == nil || !strings.Contains(err.Error(), "cannot be part of another layer") {
		t.Error(err)
	}
}

// TestDataMistakes: data that does not fit the inputs, and values that a layer does not take, are errors
// that name the sample.
func TestDataMistakes(t *testing.T) {
	m := mixedModel(t)
	x, y := mixedSamples(t)
	check := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	_, err := m.Predict(x[1], x[1])
	check("numbers", err, `input 0 of the data is of numbers, model "mixed" wants strings`)
	_, err = m.Predict(x[0], x[0])
	check("strings", err, `input 1 of the data is of strings, model "mixed" wants numbers`)
	_, err = m.Predict(x[0])
	check("one input", err, `the data has 1 input, model "mixed" wants 2`)
	_, err = m.Predict(mustStrings(t, x[0].strings, 30, 2), x[1])
	check("shape", err, "input 0 has 30 samples, input 1 has 60")
	_, err = m.Fit(t.Context(), mustData(t, []*Array{y}, x[1], x[1]))
	check("fit", err, `input 0 of the data is of numbers`)
	_, err = m.Fit(t.Context(), &streamOf{source: mustData(t, []*Array{y}, x...)})
	check("a stream of strings", err, `input 0 of the data is of numbers`)
	_, err = Data(x[1], x[0])
	check("targets", err, "data: y is of strings, want numbers")
	check("into strings", m.PredictInto([]*Array{mustStrings(t, slices.Repeat([]string{""}, 60))}, x...), "output 0 is an array of strings")
	_, err = Sequential("plain", Input(1), Dense(1)).Predict(x[0])
	check("no weights", err, "no weights")
	plain := Sequential("plain", Input(1), Dense(1))
	if err := plain.Build(1); err != nil {
		t.Fatal(err)
	}
	_, err = plain.Predict(x[0])
	check("strings for numbers", err, `input 0 of the data is of strings, model "plain" wants numbers`)

	strict := preprocessingModel(t, StringLookup(Vocabulary("a"), OOVIndices(0)), x[0])
	_, err = strict.Predict(mustStrings(t, []string{"a", "b"}))
	check("unknown", err, `sample 1: StringLookup "string_lookup": "b" is not in the vocabulary of 1 string, and OOVIndices is 0`)
	encoding := preprocessingModel(t, CategoryEncoding(3), x[1])
	_, err = encoding.Predict(mustArray2(t, []float32{2, 3}, 2, 1))
	check("category", err, `sample 1: CategoryEncoding "category_encoding": value 3, want 0 to 2`)
	_, err = encoding.Predict(mustArray2(t, []float32{0.5}, 1, 1))
	check("fraction", err, `value 0.5 is no integer`)
	_, err = encoding.Predict(mustArray2(t, []float32{1, float32(math.NaN())}, 2, 1))
	check("NaN", err, `input 0 of sample 1: value 0 is NaN`)
	_, err = m.Gradient("", "")
	check("gradient", err, "want one of each")
	_, err = pictureModel(t).Gradient("", "")
	check("gradient", err, `has layers that run before the network, such as "augment"`)
	if _, err := Strings([]string{"a"}, 2); err == nil {
		t.Error("1 string for shape (2)")
	}
	if _, err := Strings(nil); err == nil {
		t.Error("no strings")
	}

	lookup := StringLookup()
	check("adapt numbers", Adapt(t.Context(), lookup, mustData(t, nil, x[1])), "adapt: input 0 of the data is of numbers, want strings")
	check("adapt input", Adapt(t.Context(), lookup, mustData(t, nil, x...), AdaptInput(2)), "adapt: AdaptInput is 2, the data has 2 inputs")
	check("adapt a layer that does not learn", AdaptStrings(Dense(1), []string{"a"}), "adapt: got a Dense layer, want one made by")
	check("adapt to nothing", AdaptStrings(lookup, nil), "adapt: ")
	check("adapt boundaries that are given", AdaptNumbers(Discretization(BinBoundaries(1)), []int{1}), "the layer was given BinBoundaries, want NumBins")
	if err := Adapt(t.Context(), lookup, mustData(t, nil, x...)); err != nil {
		t.Fatal(err)
	}
	if words, err := VocabularyOf(lookup); err != nil || !slices.Equal(words, []string{"[UNK]", "red", "green", "blue"}) {
		t.Errorf("vocabulary is %q, %v", words, err)
	}
	hot := StringLookup(OneHotOutput)
	if err := AdaptStrings(hot, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	hot.Apply(StringInput(1))
	check("another size", AdaptStrings(hot, []string{"a"}), "the layer was built for a vocabulary of 2 tokens, the data has 1")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Adapt(canceled, hot, mustData(t, nil, x...)); !errors.Is(err, ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	_, err = VocabularyOf(Dense(1))
	check("vocabulary", err, "vocabulary: got a Dense layer")
}

// TestHostilePreprocessing: no file makes a layer that panics or takes unreasonable memory.
func TestHostilePreprocessing(t *testing.T) {
	for _, c := range []struct{ input, kind, config, want string }{
		{`{"shape":[1],"strings":true}`, "StringLookup", `{"output_mode":"int","num_oov_indices":16777216,"vocabulary":["a"]}`, "a vocabulary of 1 tokens, the most is 0"},
		{`{"shape":[1],"strings":true}`, "StringLookup", `{"output_mode":"one_hot","num_oov_indices":1,"vocabulary":["a"],"max_tokens":99999999,"pad_to_max_tokens":true}`, "MaxTokens is 99999999"},
		{`{"shape":[1],"strings":true}`, "TextVectorization", `{"output_mode":"int","num_oov_indices":1,"vocabulary":["a"],"standardize":"none","split":"none","output_sequence_length":4}`, "another mask"},
		{`{"shape":[1],"strings":true}`, "TextVectorization", `{"output_mode":"int","num_oov_indices":1,"mask_token":"","vocabulary":["a"],"standardize":"none","split":"none","output_sequence_length":4,"ngrams":[0]}`, "NGrams: 0 words"},
		{`{"shape":[6,5,3]}`, "Resizing", `{"height":30000,"width":30000,"interpolation":"bilinear"}`, ""},
		{`{"shape":[6,5,3]}`, "RandomZoom", `{"height_factor":[-1e300,0],"fill_mode":"wrap","interpolation":"nearest"}`, ""},
		{`{"shape":[6,5,3]}`, "RandomTranslation", `{"height_factor":[0,0],"width_factor":[-5,0],"fill_mode":"wrap","interpolation":"nearest"}`, "WidthRange is -5 to 0"},
		{`{"shape":[4]}`, "Discretization", `{"output_mode":"int","epsilon":0.1,"bin_boundaries":[3,1]}`, "in ascending order"},
		{`{"shape":[4]}`, "CategoryEncoding", `{"num_tokens":16777216,"output_mode":"one_hot"}`, ""},
		{`{"shape":[4],"strings":true}`, "Dense", `{"units":2}`, "of strings"},
		{`{"shape":[-1],"strings":true}`, "Hashing", `{"num_bins":2,"output_mode":"int"}`, ""},
	} {
		architecture := fmt.Sprintf(`{"name":"m","layers":[{"name":"i","kind":"Input","config":%s},{"name":"l","kind":%q,"config":%s}],"inputs":[0],"calls":[{"layer":1,"in":[0]}],"outputs":[1]}`, c.input, c.kind, c.config)
		m, err := modelOfText(architecture)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, %v, want an error with %q", c.kind, c.config, m, err, c.want)
		}
	}
}

// modelOfText loads a file with an architecture and without weights.
func modelOfText(architecture string) (*Model, error) {
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, map[string]string{metaFormat: formatVersion, metaModel: architecture}); err != nil {
		return nil, err
	}
	return LoadBytes(b.Bytes())
}
