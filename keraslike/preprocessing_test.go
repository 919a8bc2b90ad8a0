// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// preprocessingRow is a kind of layer that runs before the network, with arguments that are not the
// defaults.
type preprocessingRow struct {
	kind  string
	layer func() Layer
	in    []*Array
	out   Shape
}

func preprocessingRows(t testing.TB) []preprocessingRow {
	words := mustStrings(t, []string{"red", "green", "", "violet"}, 2, 2)
	texts := mustStrings(t, []string{"The cat, the hat", "A dog"})
	numbers := mustArray2(t, []float32{3, 5, 0, -2}, 2, 2)
	ids := mustArray2(t, []float32{3, 4, 0, 2}, 2, 2)
	picture := make([]float32, 2*6*5*3)
	for i := range picture {
		picture[i] = float32(i * 37 % 256)
	}
	pictures := mustArray2(t, picture, 2, 6, 5, 3)
	return []preprocessingRow{
		{"StringLookup", func() Layer {
			return StringLookup(Vocabulary("red", "green", "blue"), MaskToken(""), OOVIndices(2), TFIDFOutput, IDFWeights(1, 2, 0.5), MaxTokens(9), PadToMaxTokens)
		}, []*Array{words}, Shape{9}},
		{"IntegerLookup", func() Layer {
			return IntegerLookup(IntegerVocabulary(5, 3), MaskInteger(0), OOVIndices(3), CountOutput)
		}, []*Array{numbers}, Shape{5}},
		{"CategoryEncoding", func() Layer { return CategoryEncoding(5, OneHotOutput) }, []*Array{ids}, Shape{2, 5}},
		{"Hashing", func() Layer { return Hashing(7, MaskToken(""), Salt(1, math.MaxUint64), MultiHotOutput) }, []*Array{words}, Shape{7}},
		{"HashedCrossing", func() Layer { return HashedCrossing(11, OneHotOutput) }, []*Array{texts, mustArray2(t, []float32{1, 2}, 2, 1)}, Shape{11}},
		{"TextVectorization", func() Layer {
			return TextVectorization(Vocabulary("the", "cat", "the cat"), NGrams(2), LowerCase, SplitWhitespace, OutputSequenceLength(5))
		}, []*Array{texts}, Shape{5}},
		{"Discretization", func() Layer { return Discretization(BinBoundaries(-1, 0, 4), OneHotOutput, Epsilon(0.1)) }, []*Array{numbers}, Shape{2, 4}},
		{"Resizing", func() Layer { return Resizing(4, 7, NearestInterpolation, PadToAspectRatio, FillValue(3)) }, []*Array{pictures}, Shape{4, 7, 3}},
		{"CenterCrop", func() Layer { return CenterCrop(3, 4) }, []*Array{pictures}, Shape{3, 4, 3}},
		{"RandomCrop", func() Layer { return RandomCrop(3, 4) }, []*Array{pictures}, Shape{3, 4, 3}},
		{"RandomFlip", func() Layer { return RandomFlip(FlipVertically) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomRotation", func() Layer {
			return RandomRotation(0.2, FillConstant, FillValue(7), NearestInterpolation)
		}, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomZoom", func() Layer { return RandomZoom(0.3, FillWrap, WidthRange(-0.2, 0.1)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomTranslation", func() Layer { return RandomTranslation(0.3, 0.2, FillNearest, HeightRange(0, 0.5)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomContrast", func() Layer { return RandomContrast(0.4, ValueRange(0, 200)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomGrayscale", func() Layer { return RandomGrayscale(0.5) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomInvert", func() Layer { return RandomInvert(0.8, ValueRange(0, 200)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomPosterization", func() Layer { return RandomPosterization(4) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomColorDegeneration", func() Layer { return RandomColorDegeneration(0.5) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomSharpness", func() Layer { return RandomSharpness(0.4, FactorRange(0, 1)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomBrightness", func() Layer { return RandomBrightness(0.4, FactorRange(-0.3, 0)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomHue", func() Layer { return RandomHue(0.5, ValueRange(0, 300)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomSaturation", func() Layer { return RandomSaturation(0, FactorRange(0.2, 0.8)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomColorJitter", func() Layer {
			return RandomColorJitter(BrightnessRange(-0.1, 0.2), ContrastRange(-0.2, 0.3), SaturationRange(0.4, 0.7), HueRange(0, 0.1))
		}, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomErasing", func() Layer { return RandomErasing(0.9, ScaleRange(0.1, 0.2), FillValue(3)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomGaussianBlur", func() Layer { return RandomGaussianBlur(0.9, BlurSize(5), SigmaRange(0.5, 2)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomShear", func() Layer { return RandomShear(0.3, 0.2, FillWrap, HeightRange(0, 0.5)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomPerspective", func() Layer { return RandomPerspective(0.9, 0.5, FillValue(3)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandomElasticTransform", func() Layer { return RandomElasticTransform(0.9, 1, FillWrap, ScaleRange(0.5, 0.9)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"RandAugment", func() Layer { return RandAugment(0.4, NumOperations(3), ValueRange(0, 300)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"AugMix", func() Layer {
			return AugMix(0.3, NumChains(2), ChainDepth(4), MixingAlpha(0.5), NoColorOperations)
		}, []*Array{pictures}, Shape{6, 5, 3}},
		{"Solarization", func() Layer {
			return Solarization(AdditionRange(0.1, 0.2), ThresholdRange(0.3, 0.4), ValueRange(0, 300))
		}, []*Array{pictures}, Shape{6, 5, 3}},
		{"AutoContrast", func() Layer { return AutoContrast(ValueRange(0, 300)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"Equalization", func() Layer { return Equalization(NumBins(9), ValueRange(0, 300)) }, []*Array{pictures}, Shape{6, 5, 3}},
		{"ContrastLimitedAdaptiveHistogramEqualization", func() Layer {
			return ContrastLimitedAdaptiveHistogramEqualization(ClipLimit(3), TileGrid(2, 3), ValueRange(0, 300))
		}, []*Array{pictures}, Shape{6, 5, 3}},
	}
}

func mustStrings(t testing.TB, values []string, shape ...int) *Array {
	t.Helper()
	a, err := Strings(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustArray2(t testing.TB, values []float32, shape ...int) *Array {
	t.Helper()
	a, err := NewArray(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustData(t testing.TB, targets []*Array, x ...*Array) Source {
	t.Helper()
	s, err := MultiData(x, targets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryPreprocessingLayer: shapes, arguments and results survive saving, whether the layer's results
// are the output of the model or enter a network.
func TestEveryPreprocessingLayer(t *testing.T) {
	for _, r := range preprocessingRows(t) {
		t.Run(r.kind, func(t *testing.T) {
			l := r.layer()
			if got := kindOf(l); got != r.kind {
				t.Fatalf("kind is %s", got)
			}
			alone := preprocessingModel(t, l, r.in...)
			if got := alone.Outputs()[0].Shape(); !got.Equal(r.out) {
				t.Fatalf("output has shape %v, want %v", got, r.out)
			}
			same := Activation(Linear).Apply(alone.Outputs()[0])
			whole := NewModel("whole", alone.Inputs(), []*Tensor{same})
			if err := whole.Build(1); err != nil {
				t.Fatal(err)
			}
			var before []float32
			for _, m := range []*Model{alone, whole, reloaded(t, alone), reloaded(t, whole)} {
				out, err := m.PredictAll(r.in...)
				if err != nil {
					t.Fatal(err)
				}
				if before == nil {
					before = out[0].values
				}
				if !slices.Equal(out[0].values, before) {
					t.Errorf("got %v, want %v", out[0].values, before)
				}
				into := mustArray2(t, make([]float32, len(before)), out[0].shape...)
				if err := m.PredictInto([]*Array{into}, r.in...); err != nil || !slices.Equal(into.values, before) {
					t.Errorf("into memory: %v, %v", into.values, err)
				}
				var text strings.Builder
				if err := m.Summary(&text); err != nil || !strings.Contains(text.String(), r.kind) {
					t.Errorf("summary: %v\n%s", err, text.String())
				}
			}
			was, err := Settings(l)
			if err != nil {
				t.Fatal(err)
			}
			is, err := Settings(reloaded(t, alone).Outputs()[0].layer)
			if err != nil || is != was {
				t.Errorf("settings are %s, %v, want %s", is, err, was)
			}
			// A sample has the same bytes alone.
			for i := range r.in[0].Len() {
				var one []*Array
				for _, x := range r.in {
					each := x.sampleSize()
					if x.strings != nil {
						one = append(one, mustStrings(t, x.strings[i*each:(i+1)*each], append([]int{1}, x.shape[1:]...)...))
					} else {
						one = append(one, mustArray2(t, x.values[i*each:(i+1)*each], append([]int{1}, x.shape[1:]...)...))
					}
				}
				y, err := whole.Predict(one...)
				if n := len(before) / r.in[0].Len(); err != nil || !slices.Equal(y.values, before[i*n:(i+1)*n]) {
					t.Errorf("sample %d alone: %v, %v", i, y, err)
				}
			}
		})
	}
}

func reloaded(t testing.TB, m *Model) *Model {
	t.Helper()
	var b bytes.Buffer
	if err := m.SaveTo(&b); err != nil {
		t.Fatal(err)
	}
	again, err := LoadBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var c bytes.Buffer
	if err := again.SaveTo(&c); err != nil || !bytes.Equal(b.Bytes(), c.Bytes()) {
		t.Errorf("saved again, the file has other bytes: %v", err)
	}
	return again
}

// mixedModel takes a color and a size, whose layers were fitted to data.
func mixedModel(t testing.TB) *Model {
	t.Helper()
	color, size := NamedStringInput("color", 1), NamedInput("size", 1)
	lookup, norm := StringLookup(OneHotOutput), Normalization()
	if err := errors.Join(AdaptStrings(lookup, []string{"red", "green", "red"}), AdaptNumbers(norm, []float64{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	x := Concatenate().Apply(lookup.Apply(color), norm.Apply(size), HashedCrossing(4, OneHotOutput).Apply(color, size))
	m := NewModel("mixed", []*Tensor{color, size}, []*Tensor{Dense(1, Sigmoid).Apply(Dense(8, ReLU).Apply(x))})
	if err := m.Compile(Adam(0.05), BinaryCrossentropy, Accuracy, Seed(1)); err != nil {
		t.Fatal(err)
	}
	return m
}

func mixedSamples(t testing.TB) (x []*Array, y *Array) {
	var colors []string
	var sizes, targets []float32
	for i := range 60 {
		c := []string{"red", "green", "blue"}[i%3]
		colors, sizes = append(colors, c), append(sizes, float32(i%7))
		targets = append(targets, map[bool]float32{true: 1}[c == "red" && i%7 > 2])
	}
	return []*Array{mustStrings(t, colors), mustArray2(t, sizes, 60, 1)}, mustArray2(t, targets, 60, 1)
}

// TestStringsAndNumbers trains on strings and numbers, by every way of reading and predicting.
func TestStringsAndNumbers(t *testing.T) {
	m := mixedModel(t)
	x, y := mixedSamples(t)
	data := mustData(t, []*Array{y}, x...)
	h, err := m.Fit(t.Context(), data, Epochs(60), BatchSize(8), ValidationSplit(0.2))
	if err != nil {
		t.Fatal(err)
	}
	if got := h.Last("accuracy"); got < 0.95 {
		t.Errorf("accuracy is %.2f", got)
	}
	if got := h.Last("val_accuracy"); got < 0.9 {
		t.Errorf("validation accuracy is %.2f", got)
	}
	want, err := m.Predict(x...)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.front) != 2 || len(m.edges) != 3 {
		t.Errorf("the front has %d calls, the graph begins with %d tensors, want the lookup and the crossing, and these and the size", len(m.front), len(m.edges))
	}
	other := reloaded(t, m)
	out, err := other.PredictSource(t.Context(), data)
	if err != nil || !slices.Equal(out[0].values, want.values) {
		t.Errorf("the loaded model predicts %v, %v, want %v", out, err, want)
	}
	logs, err := m.Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := other.Evaluate(t.Context(), weightedByOne(t, data), BatchSize(7))
	if err != nil || math.Abs(again.Get("loss")-logs.Get("loss")) > 1e-6 {
		t.Errorf("loss is %v, %v, want %v", again, err, logs)
	}
	in, targets, err := ReadAll(t.Context(), data)
	if err != nil || !slices.Equal(in[0].Strings(), x[0].strings) || !slices.Equal(in[1].values, x[1].values) || !slices.Equal(targets[0].values, y.values) {
		t.Errorf("read all: %v, %v, %v", in, targets, err)
	}
	if got := x[0].String(); !strings.HasPrefix(got, `(60, 1) ["red"] ["green"] ["blue"]`) {
		t.Errorf("strings are %s", got)
	}
	sub, err := m.SubModel("dense")
	if err != nil {
		t.Fatal(err)
	}
	if hidden, err := sub.Predict(x...); err != nil || hidden.shape[1] != 8 {
		t.Errorf("hidden layer: %v, %v", hidden, err)
	}
}

// TestStringsBesideRaggedInputs: strings can be read and adapted to if another input differs in length.
// Bytes that are not UTF-8, of which a file has nothing but U+FFFD, count as that: a loaded model answers as before.
func TestStringsThatAreNotUTF8(t *testing.T) {
	l := StringLookup()
	if err := AdaptStrings(l, []string{"caf\xe9", "caf\xe8", "tea", "tea", "tea"}); err != nil {
		t.Fatal(err)
	}
	m := Sequential("m", StringInput(1), l)
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := m.SaveTo(&file); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	x := mustStrings(t, []string{"caf\xe9", "caf\uFFFD", "tea", "milk\xe9"}, 4, 1)
	for _, m := range []*Model{m, loaded} {
		y, err := m.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		if want := []float32{2, 2, 1, 0}; !slices.Equal(y.Values(), want) {
			t.Errorf("the numbers are %v, want %v", y.Values(), want)
		}
	}
}

func TestStringsBesideRaggedInputs(t *testing.T) {
	pictures, err := Ragged([]*Array{mustArray2(t, []float32{1, 2}, 1, 2), mustArray2(t, []float32{3, 4, 5, 6}, 2, 2)})
	if err != nil {
		t.Fatal(err)
	}
	words, err := Strings([]string{"red", "blue", "red", "green"}, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	data, err := MultiData([]*Array{pictures, words}, []*Array{mustArray2(t, []float32{0, 1}, 2)})
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := ReadAll(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(in[0].Row(1), []float32{3, 4, 5, 6}) || !slices.Equal(in[0].RowShape(1), []int{2, 2}) || !slices.Equal(in[1].Strings(), words.Strings()) || !slices.Equal(in[1].Shape(), []int{2, 2}) || !slices.Equal(out[0].Values(), []float32{0, 1}) {
		t.Errorf("got %v and %v", in, out)
	}
	lookup := StringLookup()
	if err := Adapt(t.Context(), lookup, data, AdaptInput(1)); err != nil {
		t.Fatal(err)
	}
	if got, err := VocabularyOf(lookup); err != nil || !slices.Equal(got, []string{"[UNK]", "red", "green", "blue"}) {
		t.Errorf("vocabulary %v, %v", got, err)
	}
	if err := Adapt(t.Context(), Normalization(), data); err == nil || !strings.Contains(err.Error(), "want samples of one length") {
		t.Errorf("got %v", err)
	}
}

// weightedByOne gives each sample of a source the weight 1.
func weightedByOne(t testing.TB, s Source) Source {
	w, err := Weighted(s, slices.Repeat([]float32{1}, s.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// pictureModel flips, rotates and crops in a nested model, and trains few weights.
func pictureModel(t testing.TB) *Model {
	t.Helper()
	augment := Sequential("augment", Input(8, 8, 1), Rescaling(1.0/255, 0), RandomFlip(), RandomRotation(0.1), RandomTranslation(0.1, 0.2), RandomCrop(6, 6))
	m := Sequential("pictures", Input(8, 8, 1), augment, Rescaling(2, -1), RandomContrast(0.2, ValueRange(-1, 1)), Flatten(), Dense(3, Softmax))
	if err := m.Compile(SGD(0.1), SparseCategoricalCrossentropy, Seed(4)); err != nil {
		t.Fatal(err)
	}
	return m
}

func pictureSamples(t testing.TB, n int) Source {
	x, y := make([]float32, n*64), make([]float32, n)
	for i := range x {
		x[i] = float32(i * i % 255)
	}
	for i := range y {
		y[i] = float32(i % 3)
	}
	return mustData(t, []*Array{mustArray2(t, y, n, 1)}, mustArray2(t, x, n, 8, 8, 1))
}

func weightsOf(m *Model) (all []float32) {
	for _, w := range m.Weights() {
		all = append(all, w.Values()...)
	}
	return all
}

// TestAugmentationIsDeterministic: the same seed gives the same bytes on any number of goroutines, read
// ahead or not, and after an interruption.
func TestAugmentationIsDeterministic(t *testing.T) {
	train := func(procs int, data Samples) []float32 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		m := pictureModel(t)
		if _, err := m.Fit(t.Context(), data, Epochs(3), BatchSize(16)); err != nil {
			t.Fatal(err)
		}
		return weightsOf(m)
	}
	data := pictureSamples(t, 40)
	want := train(1, data)
	for procs := 2; procs <= 4; procs++ {
		if got := train(procs, data); !slices.Equal(got, want) {
			t.Errorf("%d processors give other weights", procs)
		}
	}
	if got := train(2, &streamOf{source: data}); slices.Equal(got, want) {
		t.Error("a stream, which is not shuffled, gives the same weights")
	}
	if a, b := train(1, &streamOf{source: data}), train(3, &streamOf{source: data}); !slices.Equal(a, b) {
		t.Error("a stream gives other weights on other processors")
	}

	ctx, cancel := context.WithCancel(t.Context())
	m := pictureModel(t)
	_, err := m.Fit(ctx, data, Epochs(3), BatchSize(16), Callbacks(callbackFunc(func(e Event, tr *Training) error {
		if e == BatchEnd && tr.Epoch == 2 && tr.Step == 1 {
			cancel()
		}
		return nil
	})))
	if !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.SaveTo(&b, WithOptimizer); err != nil {
		t.Fatal(err)
	}
	resumed, err := LoadBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resumed.Fit(t.Context(), data, Until(3), BatchSize(16)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(resumed), want) {
		t.Error("resumed, the training ends with other weights")
	}
}

type callbackFunc func(Event, *Training) error

func (f callbackFunc) On(e Event, t *Training) error { return f(e, t) }

// TestAugmentationOnRanks: any number of ranks gives the same bytes.
func TestAugmentationOnRanks(t *testing.T) {
	data := pictureSamples(t, 40)
	var want []float32
	for ranks := 1; ranks <= 3; ranks++ {
		models := make([]*Model, ranks)
		for i := range models {
			models[i] = pictureModel(t)
		}
		err := distributed.Local(t.Context(), ranks, func(ctx context.Context, c distributed.Comm) error {
			_, err := models[c.Rank()].Fit(ctx, data, Epochs(2), BatchSize(16), Distributed(c, Leaves(4)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range models {
			if got := weightsOf(m); want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("rank %d of %d has other weights", i, ranks)
			}
		}
	}
}

// TestAugmentationActsInTrainingOnly: pictures differ from epoch to epoch in training, and not at all in
// Predict and Evaluate.
func TestAugmentationActsInTrainingOnly(t *testing.T) {
	m := pictureModel(t)
	data := pictureSamples(t, 20)
	plain := Sequential("plain", Input(8, 8, 1), Rescaling(1.0/255, 0), RandomCrop(6, 6), Rescaling(2, -1), Flatten(), Dense(3, Softmax))
	if err := plain.Compile(SGD(0.1), SparseCategoricalCrossentropy, Seed(4)); err != nil {
		t.Fatal(err)
	}
	for i, w := range plain.Weights() {
		if err := w.Set(m.Weights()[i].Values()); err != nil {
			t.Fatal(err)
		}
	}
	a, err := m.PredictSource(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plain.PredictSource(t.Context(), data)
	if err != nil || !slices.Equal(a[0].values, b[0].values) {
		t.Errorf("predictions differ: %v", err)
	}
	la, errA := m.Evaluate(t.Context(), data)
	lb, errB := plain.Evaluate(t.Context(), data)
	if errA != nil || errB != nil || la.Get("loss") != lb.Get("loss") {
		t.Errorf("losses are %v and %v: %v %v", la, lb, errA, errB)
	}
	read := func(epoch int) []float32 {
		m.epochs = epoch
		s, err := m.prepare(data, true)
		if err != nil {
			t.Fatal(err)
		}
		in, _, err := ReadAll(t.Context(), s.(Source))
		if err != nil {
			t.Fatal(err)
		}
		return in[0].values
	}
	if slices.Equal(read(0), read(1)) {
		t.Error("two epochs have the same pictures")
	}
	if !slices.Equal(read(1), read(1)) {
		t.Error("an epoch has other pictures when it is read again")
	}
}

// TestRandomFlip: half of the pictures are mirrored, the others are as they were.
func TestRandomFlip(t *testing.T) {
	const n = 400
	values := make([]float32, n*4)
	for i := range values {
		values[i] = float32(i%4 + 1)
	}
	x := mustArray2(t, values, n, 2, 2, 1)
	for mode, mirrored := range map[FlipMode][]float32{FlipHorizontally: {2, 1, 4, 3}, FlipVertically: {3, 4, 1, 2}, FlipBoth: {4, 3, 2, 1}} {
		y := preprocessed(t, RandomFlip(mode), true, x)
		count := 0
		for i := range n {
			switch row := y.Row(i); {
			case slices.Equal(row, mirrored):
				count++
			case !slices.Equal(row, []float32{1, 2, 3, 4}):
				t.Fatalf("%s: picture %d is %v", mode, i, row)
			}
		}
		if count < n*4/10 || count > n*6/10 {
			t.Errorf("%s: %d of %d pictures are mirrored", mode, count, n)
		}
	}
}

// TestHistogramsOfAnyPixels: values that are no numbers, or far outside of the range, are no bins.
func TestHistogramsOfAnyPixels(t *testing.T) {
	if nan := float32(math.NaN()); whole(nan, 255) != 0 {
		t.Errorf("NaN is in bin %d", whole(nan, 255))
	}
	x := mustArray2(t, []float32{-3, 260, 255, 3, 1e30, -1e30, 7, 250}, 1, 2, 4, 1)
	for _, l := range []Layer{AutoContrast(), Equalization(), ContrastLimitedAdaptiveHistogramEqualization(TileGrid(1, 2)), Solarization()} {
		y := preprocessed(t, l, true, x)
		if last := y.values[7]; !(last >= 0 && last <= 255) {
			t.Errorf("%s: 250 becomes %v", kindOf(l), last)
		}
	}
}

// TestRandomErasing: a rectangle of about the share is filled, at any place.
func TestRandomErasing(t *testing.T) {
	const n, side = 200, 20
	x := mustArray2(t, make([]float32, n*side*side), n, side, side, 1)
	for _, l := range []Layer{RandomErasing(1, FactorRange(1, 1), FillValue(9), ScaleRange(0.25, 0.25)), RandomErasing(1, FactorRange(1, 1), ScaleRange(0.25, 0.25), ValueRange(1, 5))} {
		y := preprocessed(t, l, true, x)
		corners := map[int]bool{}
		for i := range n {
			row, first, count := y.Row(i), -1, 0
			for at, v := range row {
				if v == 0 {
					continue
				}
				if count++; first < 0 {
					first = at
				}
				if dy, dx := at/side-first/side, at%side-first%side; dy > 9 || dx < 0 || dx > 9 {
					t.Fatalf("picture %d: %v at %d, the rectangle begins at %d", i, v, at, first)
				}
			}
			if count != 100 {
				t.Fatalf("picture %d: %d pixels of %d are erased, want 100", i, count, len(row))
			}
			corners[first] = true
		}
		if len(corners) < 60 {
			t.Errorf("rectangles begin at %d places", len(corners))
		}
	}
	if y := preprocessed(t, RandomErasing(0), true, x); !slices.Equal(y.values, x.values) {
		t.Error("a probability of 0 changes pictures")
	}
}

// TestRandomCrop: parts begin at every place, and in prediction the middle is resized.
func TestRandomCrop(t *testing.T) {
	const n = 300
	values := make([]float32, n*12)
	for i := range values {
		values[i] = float32(i % 12)
	}
	x := mustArray2(t, values, n, 3, 4, 1)
	y := preprocessed(t, RandomCrop(2, 2), true, x)
	places := map[float32]int{}
	for i := range n {
		row := y.Row(i)
		first := row[0]
		places[first]++
		if want := []float32{first, first + 1, first + 4, first + 5}; !slices.Equal(row, want) {
			t.Fatalf("part %d is %v, want %v", i, row, want)
		}
	}
	if len(places) != 6 {
		t.Errorf("parts begin at %v, want 6 places", places)
	}
	if y = preprocessed(t, RandomCrop(2, 2), false, x); !slices.Equal(y.Row(0), preprocessed(t, Resizing(2, 2, CropToAspectRatio), false, x).Row(0)) {
		t.Errorf("in prediction the part is %v", y.Row(0))
	}
}

// TestPicturesOfAnySize: samples of a batch may differ in size where Resizing makes them equal.
func TestPicturesOfAnySize(t *testing.T) {
	m := Sequential("sizes", Input(Any, Any, 3), Resizing(4, 4), Rescaling(1.0/255, 0), RandomFlip(FlipHorizontally), Flatten(), Dense(2, Softmax))
	if err := m.Compile(Adam(0.01), SparseCategoricalCrossentropy, Seed(1)); err != nil {
		t.Fatal(err)
	}
	var list []*Array
	var y []float32
	for i := range 12 {
		h, w := 3+i%5, 8-i%4
		values := make([]float32, h*w*3)
		for j := range values {
			values[j] = float32((i%2)*100 + j%50)
		}
		list, y = append(list, mustArray2(t, values, h, w, 3)), append(y, float32(i%2))
	}
	x, err := Ragged(list)
	if err != nil {
		t.Fatal(err)
	}
	data := mustData(t, []*Array{mustArray2(t, y, 12, 1)}, x)
	h, err := m.Fit(t.Context(), data, Epochs(30), BatchSize(5))
	if err != nil {
		t.Fatal(err)
	}
	if h.Last("loss") > 0.3 {
		t.Errorf("loss is %.3f", h.Last("loss"))
	}
	all, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range list {
		y, err := m.Predict(mustArray2(t, one.values, append([]int{1}, one.shape...)...))
		if err != nil || !slices.Equal(y.values, all.Row(i)) {
			t.Errorf("picture %d alone: %v, %v, want %v", i, y, err, all.Row(i))
		}
	}
	if got := len(m.graphs.entries); got > 8 {
		t.Errorf("%d graphs were compiled, one for each batch size would do", got)
	}
	// Without Resizing the sizes stay free: batches are of pictures of one size.
	free := Sequential("free", Input(Any, Any, 3), RandomFlip(), Conv2D(2, 1), GlobalAveragePooling2D(), Dense(2, Softmax))
	if err := free.Compile(SGD(0.01), SparseCategoricalCrossentropy, Seed(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := free.Fit(t.Context(), data, Epochs(1), BatchSize(5)); err != nil {
		t.Fatal(err)
	}
	if _, err := free.Predict(x); err != nil {
		t.Fatal(err)
	}
}

// TestTrainOnBatchPreprocesses: TrainOnBatch and PredictOnBatch take raw tensors.
func TestTrainOnBatchPreprocesses(t *testing.T) {
	m := pictureModel(t)
	data := pictureSamples(t, 6)
	in, out, err := ReadAll(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	target := mustArray2(t, out[0].values, 6).Tensor()
	want, err := m.Predict(in[0])
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.PredictOnBatch(in[0].Tensor())
	if err != nil || !slices.Equal(got, want.values) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	a, err := m.TrainOnBatch(in[0].Tensor(), target)
	if err != nil {
		t.Fatal(err)
	}
	again := pictureModel(t)
	if b, err := again.TrainOnBatch(in[0].Tensor(), target); err != nil || a.Loss() != b.Loss() || !slices.Equal(weightsOf(m), weightsOf(again)) {
		t.Errorf("losses are %v and %v: %v", a, b, err)
	}
}

// streamOf is a stream of the samples of a source.
type streamOf struct {
	source Source
	next   int
}

func (s *streamOf) Shapes() (inputs, targets [][]int) { return s.source.Shapes() }
func (s *streamOf) Reset() error                      { s.next = 0; return nil }
func (s *streamOf) Next(inputs, targets [][]float32) (n int, err error) {
	in, _ := s.Shapes()
	n = min(len(inputs[0])/Shape(in[0]).Size(), s.source.Len()-s.next)
	if n == 0 {
		return 0, io.EOF
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = s.next + i
	}
	s.next += n
	share := func(of [][]float32, shapes [][]int) (list [][]float32) {
		for k, x := range of {
			list = append(list, x[:n*Shape(shapes[k]).Size()])
		}
		return list
	}
	in, out := s.Shapes()
	return n, s.source.Read(indices, share(inputs, in), share(targets, out))
}

// TestNormalizationBeforeAugmentation: Normalization runs before the network where a random layer needs
// its result, and computes the same there.
func TestNormalizationBeforeAugmentation(t *testing.T) {
	data := pictureSamples(t, 9)
	norm := Normalization()
	if err := Adapt(t.Context(), norm, data); err != nil {
		t.Fatal(err)
	}
	in := Input(8, 8, 1)
	y := norm.Apply(in)
	graph := NewModel("graph", []*Tensor{in}, []*Tensor{y})
	front := NewModel("front", []*Tensor{in}, []*Tensor{RandomFlip().Apply(y)})
	if err := errors.Join(graph.Build(1), front.Build(1)); err != nil {
		t.Fatal(err)
	}
	a, errA := graph.PredictSource(t.Context(), data)
	b, errB := front.PredictSource(t.Context(), data)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for i, v := range a[0].values {
		if math.Abs(float64(v-b[0].values[i])) > 1e-5 {
			t.Fatalf("value %d is %v in the graph and %v before it", i, v, b[0].values[i])
		}
	}
	path := filepath.Join(t.TempDir(), "front.safetensors")
	if err := front.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := loaded.PredictSource(t.Context(), data)
	if err != nil || !slices.Equal(b[0].values, c[0].values) {
		t.Errorf("loaded: %v", err)
	}
}

// A number that equals a boundary in float32 is not below it. The numbers are those of testdata/boundaries.py.
func TestNumbersAtBoundaries(t *testing.T) {
	bounds := []float64{-0.1, 0.3, 0.6, 0.7}
	m := Sequential("m", Input(4), Discretization(BinBoundaries(bounds...)))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	rows := make([]float32, 8)
	for i, b := range bounds {
		rows[i], rows[4+i] = float32(b), math.Nextafter32(float32(b), -9)
	}
	x, err := NewArray(rows, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{1, 2, 3, 4, 0, 1, 2, 3}; !slices.Equal(got.Values(), want) {
		t.Errorf("categories are %v, want %v", got.Values(), want)
	}
}
