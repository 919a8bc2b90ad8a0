// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
)

// preprocessed returns what a layer makes of samples, in training or in prediction.
func preprocessed(t testing.TB, l Layer, training bool, x ...*Array) *Array {
	t.Helper()
	m := preprocessingModel(t, l, x...)
	source, err := MultiData(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.prepare(source, training)
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := ReadAll(t.Context(), data.(Source))
	if err != nil {
		t.Fatal(err)
	}
	return in[0]
}

// preprocessingModel is a model of one layer.
func preprocessingModel(t testing.TB, l Layer, x ...*Array) *Model {
	t.Helper()
	var in []*Tensor
	for _, a := range x {
		if a.strings != nil {
			in = append(in, StringInput(a.shape[1:]...))
		} else {
			in = append(in, Input(a.shape[1:]...))
		}
	}
	m := NewModel("m", in, []*Tensor{l.Apply(in...)})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	return m
}

func arrayOf(t testing.TB, a golden.Array) *Array {
	t.Helper()
	x, err := NewArray(a.Float32(), a.Shape...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestPictureValues compares the layers that change pictures, and those that make vectors of numbers, with
// values of Keras.
func TestPictureValues(t *testing.T) {
	ranged := func(a golden.Args, name string) (lo, hi float64, ok bool) {
		list, ok := a[name].([]any)
		if !ok {
			return 0, 0, false
		}
		return list[0].(float64), list[1].(float64), true
	}
	for _, c := range golden.Load(t, "layers_preprocessing_keras") {
		t.Run(c.Name, func(t *testing.T) {
			a := c.Args
			var motion []PreprocessingOption
			if mode := a.String("fill_mode"); mode != "" {
				motion = append(motion, FillMode(mode), Interpolation(a.String("interpolation")))
			}
			if v := a.Float("fill_value"); v != 0 {
				motion = append(motion, FillValue(v))
			}
			if lo, hi, ok := ranged(a, "height_factor"); ok {
				motion = append(motion, HeightRange(lo, hi))
			}
			if lo, hi, ok := ranged(a, "width_factor"); ok {
				motion = append(motion, WidthRange(lo, hi))
			}
			if lo, hi, ok := ranged(a, "factor"); ok {
				motion = append(motion, FactorRange(lo, hi))
			}
			if lo, hi, ok := ranged(a, "value_range"); ok {
				motion = append(motion, ValueRange(lo, hi))
			}
			if n := a.Int("bins"); n > 0 {
				motion = append(motion, NumBins(n))
			}
			if n := a.Ints("tile_grid_size"); len(n) == 2 {
				motion = append(motion, TileGrid(n[0], n[1]), ClipLimit(a.Float("clip_limit")))
			}
			var l Layer
			tolerance := 2e-3 // of 255: Keras computes coordinates in single precision
			switch kind := a.String("layer"); kind {
			case "Resizing":
				options := []PreprocessingOption{Interpolation(a.String("interpolation"))}
				if a.Bool("crop_to_aspect_ratio") {
					options = append(options, CropToAspectRatio)
				}
				if a.Bool("pad_to_aspect_ratio") {
					options = append(options, PadToAspectRatio, FillValue(a.Float("fill_value")))
				}
				l, tolerance = Resizing(a.Int("height"), a.Int("width"), options...), 1e-4
				x := arrayOf(t, c.Inputs["x"])
				golden.Close(t, "in the network", inNetwork(t, l, x).values, c.Want["y"], 1e-6, 1e-4)
			case "CenterCrop":
				l, tolerance = CenterCrop(a.Int("height"), a.Int("width")), 1e-4
				golden.Close(t, "in the network", inNetwork(t, l, arrayOf(t, c.Inputs["x"])).values, c.Want["y"], 1e-6, 1e-4)
			case "RandomRotation":
				l = RandomRotation(0, motion...)
			case "RandomZoom":
				l = RandomZoom(0, motion...)
			case "RandomTranslation":
				l = RandomTranslation(0, 0, motion...)
			case "RandomGrayscale":
				l = RandomGrayscale(a.Float("factor"))
			case "RandomInvert":
				l = RandomInvert(0, motion...)
			case "RandomPosterization":
				l = RandomPosterization(1, motion...)
			case "RandomColorDegeneration":
				l = RandomColorDegeneration(0, motion...)
			case "RandomSharpness":
				l = RandomSharpness(0, motion...)
			case "RandomHue":
				l = RandomHue(0, motion...)
			case "RandomSaturation":
				l = RandomSaturation(0, motion...)
			case "RandomColorJitter":
				for name, option := range map[string]func(lo, hi float64) PreprocessingOption{"brightness_factor": BrightnessRange, "saturation_factor": SaturationRange, "hue_factor": HueRange} {
					if lo, hi, ok := ranged(a, name); ok {
						motion = append(motion, option(lo, hi))
					}
				}
				l = RandomColorJitter(motion...)
			case "RandomErasing":
				l = RandomErasing(0, append(motion, ScaleRange(1, 1))...)
			case "RandomGaussianBlur":
				lo, hi, _ := ranged(a, "sigma")
				l = RandomGaussianBlur(0, append(motion, BlurSize(a.Int("kernel_size")), SigmaRange(lo, hi))...)
			case "turned hue", "RandomShear": // in the direction that a layer draws
				x, y := &value{numbers: c.Inputs["x"].Float32(), shape: c.Inputs["x"].Shape[1:]}, &value{}
				if kind == "turned hue" {
					y = x
					turnHue(y, float32(a.Float("turn")), [2]float64{0, 255})
				} else {
					d := RandomShear(0, 0, motion...).core().def.(*randomShear)
					d.move([]*value{x}, shear(a.Float("x"), a.Float("y")), y)
				}
				golden.Close(t, "y", y.numbers, c.Want["y"], 1e-6, tolerance)
				return
			case "RandomPerspective", "RandomElasticTransform", "RandAugment", "AugMix": // with what they draw given
				golden.Close(t, "y", drawnPicture(t, c), c.Want["y"], 1e-6, tolerance)
				return
			case "AutoContrast":
				l = AutoContrast(motion...)
			case "Equalization":
				l = Equalization(motion...)
			case "ContrastLimitedAdaptiveHistogramEqualization":
				l = ContrastLimitedAdaptiveHistogramEqualization(motion...)
			case "Solarization":
				addition, threshold := a.Float("additions")/255, a.Float("thresholds")/255
				l = Solarization(append(motion, AdditionRange(addition, addition), ThresholdRange(threshold, threshold))...)
			case "RandomBrightness":
				l = RandomBrightness(0, motion...)
			case "RandomContrast":
				f := a.Float("contrast_factor") - 1
				l = RandomContrast(0, FactorRange(f, f))
			case "CategoryEncoding":
				l = CategoryEncoding(a.Int("num_tokens"), OutputMode(a.String("output_mode")))
			case "Discretization":
				if c.Inputs["data"].Shape != nil {
					adapted := Discretization(NumBins(a.Int("num_bins")), Epsilon(a.Float("epsilon")))
					if err := AdaptNumbers(adapted, c.Inputs["data"].Data); err != nil {
						t.Fatal(err)
					}
					golden.Close(t, "boundaries", adapted.core().def.(*discretization).BinBoundaries, c.Want["boundaries"], 1e-6, 1e-6)
					return
				}
				var boundaries []float64
				for _, v := range a["bin_boundaries"].([]any) {
					boundaries = append(boundaries, v.(float64))
				}
				l = Discretization(BinBoundaries(boundaries...), OutputMode(a.String("output_mode")))
			default:
				t.Fatalf("no layer %q", kind)
			}
			inputs := []*Array{arrayOf(t, c.Inputs["x"])}
			if w, ok := c.Inputs["weights"]; ok {
				inputs = append(inputs, arrayOf(t, w))
			}
			y := preprocessed(t, l, a.Bool("training"), inputs...)
			golden.Close(t, "y", y.values, c.Want["y"], 1e-6, tolerance)
			if got, want := likeShape(y.shape, c.Want["y"].Shape), Shape(c.Want["y"].Shape); !got.Equal(want) {
				t.Errorf("shape is %v, want %v", got, want)
			}
		})
	}
}

// inNetwork returns what a layer makes of samples behind a layer of the network.
func inNetwork(t *testing.T, l Layer, x *Array) *Array {
	t.Helper()
	in := Input(x.shape[1:]...)
	m := NewModel("m", []*Tensor{in}, []*Tensor{l.Apply(Activation(Linear).Apply(in))})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	if len(m.front) > 0 {
		t.Fatal("the layer runs before the network")
	}
	y, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// TestLookupValues compares the layers that look up and hash with the formulas of Keras's documentation,
// in Python.
func TestLookupValues(t *testing.T) {
	for _, c := range golden.Load(t, "layers_preprocessing") {
		t.Run(c.Name, func(t *testing.T) {
			a := c.Args
			options := []PreprocessingOption{OutputMode(a.String("output_mode"))}
			if n := a.Int("max_tokens"); n > 0 {
				options = append(options, MaxTokens(n))
			}
			if a.Bool("pad_to_max_tokens") {
				options = append(options, PadToMaxTokens)
			}
			lookups := slices.Clone(options)
			if a["num_oov_indices"] != nil {
				lookups = append(lookups, OOVIndices(a.Int("num_oov_indices")))
			}
			if mask, ok := a["mask_token"].(string); ok {
				lookups = append(lookups, MaskToken(mask))
			} else if mask, ok := a["mask_token"].(float64); ok {
				lookups = append(lookups, MaskInteger(int(mask)))
			}
			var l Layer
			switch a.String("layer") {
			case "StringLookup":
				l = StringLookup(lookups...)
			case "IntegerLookup":
				l = IntegerLookup(lookups...)
			case "TextVectorization":
				how, split := a.String("standardize"), a.String("split")
				if how == "" {
					how = string(NoStandardization)
				}
				if split == "" {
					split = string(NoSplitting)
				}
				options = append(options, Standardization(how), Splitting(split))
				if n := a.Ints("ngrams"); len(n) > 1 {
					options = append(options, NGrams(n...))
				}
				if n := a.Int("output_sequence_length"); n > 0 {
					options = append(options, OutputSequenceLength(n))
				}
				l = TextVectorization(options...)
			case "Hashing":
				options = []PreprocessingOption{OutputMode(a.String("output_mode"))}
				if mask, ok := a["mask_value"].(string); ok {
					options = append(options, MaskToken(mask))
				}
				if salt := a.Ints("salt"); len(salt) == 2 {
					options = append(options, Salt(uint64(salt[0]), uint64(salt[1])))
				}
				l = Hashing(a.Int("num_bins"), options...)
			case "HashedCrossing":
				l = HashedCrossing(a.Int("num_bins"), OutputMode(a.String("output_mode")))
				var features []*Array
				for _, f := range a["features"].([]any) {
					var column []any
					for _, v := range f.([]any) {
						column = append(column, []any{v})
					}
					features = append(features, samplesOfArgs(t, column))
				}
				y := preprocessed(t, l, false, features...)
				golden.Close(t, "y", y.values, c.Want["y"], 0, 0)
				return
			}
			if a["data"] != nil {
				source, err := Data(samplesOfArgs(t, a["data"]), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := Adapt(t.Context(), l, source); err != nil {
					t.Fatal(err)
				}
				got, err := VocabularyOf(l)
				if want := strings.Split(strings.Trim(fmt.Sprint(a["vocabulary"]), "[]"), " "); err != nil || fmt.Sprint(got) != fmt.Sprint(a["vocabulary"]) {
					t.Fatalf("vocabulary is %q, %v, want %q", got, err, want)
				}
			}
			y := preprocessed(t, l, false, samplesOfArgs(t, a["samples"]))
			golden.Close(t, "y", y.values, c.Want["y"], 1e-6, 0)
		})
	}
}

// samplesOfArgs makes an array of lists of strings or integers.
func samplesOfArgs(t *testing.T, list any) *Array {
	t.Helper()
	var texts []string
	var numbers []float32
	rows := list.([]any)
	for _, row := range rows {
		for _, v := range row.([]any) {
			switch v := v.(type) {
			case string:
				texts = append(texts, v)
			case float64:
				numbers = append(numbers, float32(v))
			}
		}
	}
	var a *Array
	var err error
	if texts != nil {
		a, err = Strings(texts, len(rows), len(texts)/len(rows))
	} else {
		a, err = NewArray(numbers, len(rows), len(numbers)/len(rows))
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestHashes compares FarmHash with github.com/dgryski/go-farm, of texts of every branch of the code, and
// SipHash with the example of its paper.
func TestHashes(t *testing.T) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 10)
	for n, want := range map[int]uint64{
		0: 0x9ae16a3b2f90404f, 1: 0x12f77cd62637857a, 3: 0x85887769ddcc73fd, 4: 0xf4ed8b2e41e836a5, 7: 0xfb3b4353192e2b87,
		8: 0x46d0ffb3ee9d8c07, 12: 0xdeb1ca71b4dcc987, 16: 0x3bf6bd3bebd31655, 17: 0xc7a32da958c02dbd, 31: 0x839ab5037d8b6353,
		32: 0xb65964dee7761262, 33: 0xf25fea09db06b3d6, 50: 0x8a9e807b2ab6af91, 64: 0x8cc2288614b078a0, 65: 0x739d9bc2566b1cbc,
		100: 0xe45cd63b6bc3df32, 128: 0x5ae1aa6fecfd621a, 129: 0xfb199fbf9a28aad2, 200: 0x8e4fbc7bf85caf9, 300: 0xaec073facce491d0,
	} {
		if got := fingerprint64(text[:n]); got != want {
			t.Errorf("fingerprint of %d bytes is %#x, want %#x", n, got, want)
		}
	}
	var message []byte
	for i := range 15 {
		message = append(message, byte(i))
	}
	if got := sipHash(0x0706050403020100, 0x0f0e0d0c0b0a0908, string(message)); got != 0xa129ca6149be45e5 {
		t.Errorf("SipHash is %#x, want 0xa129ca6149be45e5", got)
	}
}

// drawnPicture returns what a layer makes of a picture with what it draws given.
func drawnPicture(t *testing.T, c golden.Case) []float32 {
	t.Helper()
	a, y := c.Args, &value{}
	x := &value{numbers: c.Inputs["x"].Float32(), shape: c.Inputs["x"].Shape[1:]}
	p := (&frontPlan{}).newPreparation()
	p.step, p.training = &frontStep{}, true
	factor := FactorRange(a.Float("factor"), a.Float("factor"))
	var err error
	switch a.String("layer") {
	case "RandomPerspective":
		d := RandomPerspective(1, 1, FillValue(a.Float("fill_value")), Interpolation(a.String("interpolation"))).core().def.(*randomPerspective)
		var shifts [8]float64
		for i, v := range c.Inputs["shifts"].Float32() {
			shifts[i] = float64(v)
		}
		d.apply(x, shifts, y)
	case "RandomElasticTransform":
		d := RandomElasticTransform(1, 1, FillMode(a.String("fill_mode")), Interpolation(a.String("interpolation"))).core().def.(*randomElasticTransform)
		e := newElastic(p, x.shape, a.Float("scale"))
		noise := c.Inputs["noise"].Float32() // with a standard deviation of 1
		for i := range e.dx.pixels {
			e.dx.pixels[i], e.dy.pixels[i] = noise[i]*e.sigma, noise[i+len(noise)/2]*e.sigma
		}
		d.distort(x, e, y)
	case "RandAugment":
		err = RandAugment(0, factor).core().def.(*randAugment).operate(a.Int("operation"), p, x, y)
	default:
		var weights []float64
		for _, v := range a["weights"].([]any) {
			weights = append(weights, v.(float64))
		}
		err = AugMix(0, factor, ChainDepth(2)).core().def.(*augMix).mix(p, x, weights, a.Float("stays"), a.Ints("chosen"), y)
	}
	if err != nil {
		t.Fatal(err)
	}
	return y.numbers
}
