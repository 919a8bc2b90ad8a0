// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// TestPreprocessingLayers: what get_config of Keras 3.15 returns makes the same layer as its constructor.
// The configurations of the lookups, which need TensorFlow, are those that their code writes.
func TestPreprocessingLayers(t *testing.T) {
	for _, c := range []struct {
		class, config string
		want          k.Layer
	}{
		{"Resizing", `{"data_format":"channels_last","height":3,"width":4,"interpolation":"nearest","crop_to_aspect_ratio":false,"pad_to_aspect_ratio":true,"fill_mode":"constant","fill_value":2.5,"antialias":false}`,
			k.Resizing(3, 4, k.NearestInterpolation, k.PadToAspectRatio, k.FillValue(2.5))},
		{"Resizing", `{"data_format":"channels_last","height":3,"width":4,"interpolation":"bilinear","crop_to_aspect_ratio":true,"pad_to_aspect_ratio":false,"fill_mode":"constant","fill_value":0.0,"antialias":false}`,
			k.Resizing(3, 4, k.CropToAspectRatio)},
		{"CenterCrop", `{"data_format":"channels_last","height":2,"width":3}`, k.CenterCrop(2, 3)},
		{"RandomCrop", `{"data_format":"channels_last","height":2,"width":3,"seed":822279421}`, k.RandomCrop(2, 3)},
		{"AutoContrast", `{"data_format":"channels_last","bounding_box_format":null,"value_range":[0,1]}`, k.AutoContrast(k.ValueRange(0, 1))},
		{"Equalization", `{"bins":64,"value_range":[0,255]}`, k.Equalization(k.NumBins(64))},
		{"ContrastLimitedAdaptiveHistogramEqualization", `{"value_range":[0,255],"clip_limit":2.0,"tile_grid_size":[4,3],"data_format":"channels_last"}`,
			k.ContrastLimitedAdaptiveHistogramEqualization(k.ClipLimit(2), k.TileGrid(4, 3))},
		{"Solarization", `{"value_range":[0,255],"addition_factor":[0,0.25],"threshold_factor":0.5,"seed":3}`,
			k.Solarization(k.AdditionRange(0, 0.25), k.ThresholdRange(0, 0.5))},
		{"RandomBrightness", `{"factor":[-0.2,0.1],"value_range":[0,1],"seed":1}`, k.RandomBrightness(0, k.FactorRange(-0.2, 0.1), k.ValueRange(0, 1))},
		{"RandomColorDegeneration", `{"factor":[-0.3,0.3],"value_range":[0,255]}`, k.RandomColorDegeneration(0.3)},
		{"RandomColorJitter", `{"value_range":[0,255],"brightness_factor":0.1,"contrast_factor":[0.2,0.3],"saturation_factor":null,"hue_factor":0.4}`,
			k.RandomColorJitter(k.BrightnessRange(-0.1, 0.1), k.ContrastRange(-0.2, 0.3), k.HueRange(0, 0.4))},
		{"RandomContrast", `{"factor":0.2,"seed":1}`, k.RandomContrast(0.2)},
		{"RandomErasing", `{"factor":[0,1.0],"scale":[0.1,0.2],"fill_value":3,"value_range":[0,255]}`, k.RandomErasing(1, k.ScaleRange(0.1, 0.2), k.FillValue(3))},
		{"RandomFlip", `{"mode":"horizontal","data_format":"channels_last","seed":1}`, k.RandomFlip(k.FlipHorizontally)},
		{"RandomGaussianBlur", `{"factor":0.5,"kernel_size":[5,5],"sigma":[0.1,0.9],"value_range":[0,255]}`, k.RandomGaussianBlur(0.5, k.BlurSize(5), k.SigmaRange(0.1, 0.9))},
		{"RandomGrayscale", `{"factor":0.3,"data_format":"channels_last"}`, k.RandomGrayscale(0.3)},
		{"RandomHue", `{"factor":[0,0.5],"value_range":[0,255]}`, k.RandomHue(0.5)},
		{"RandomInvert", `{"factor":[0,0.5],"value_range":[0,255]}`, k.RandomInvert(0.5)},
		{"RandomPosterization", `{"factor":[1,4],"value_range":[0,255]}`, k.RandomPosterization(4)},
		{"RandomRotation", `{"factor":[-0.1,0.1],"fill_mode":"constant","fill_value":2.0,"interpolation":"nearest"}`, k.RandomRotation(0.1, k.FillConstant, k.FillValue(2), k.NearestInterpolation)},
		{"RandomSaturation", `{"factor":[-0.4,0.4],"value_range":[0,255]}`, k.RandomSaturation(0.4)},
		{"RandomSharpness", `{"factor":0.4,"value_range":[0,255]}`, k.RandomSharpness(0.4)},
		{"RandomShear", `{"x_factor":[-0.1,0.1],"y_factor":[0.0,0.2],"fill_mode":"wrap","fill_value":0.0,"interpolation":"bilinear"}`, k.RandomShear(0.1, 0, k.HeightRange(0, 0.2), k.FillWrap)},
		{"RandomTranslation", `{"height_factor":0.1,"width_factor":[0.1,0.2],"fill_mode":"reflect"}`, k.RandomTranslation(0.1, 0, k.WidthRange(0.1, 0.2))},
		{"RandomZoom", `{"height_factor":[-0.2,0.1],"width_factor":null,"fill_mode":"nearest","fill_value":0.0}`, k.RandomZoom(0, k.HeightRange(-0.2, 0.1), k.FillNearest)},
		{"RandomHue", `{"factor":[0,0.5],"data_format":"channels_first"}`, k.RandomHue(0.5)},
		{"RandomPerspective", `{"factor":[0,0.5],"scale":0.3,"interpolation":"nearest","fill_value":2.0,"seed":1}`, k.RandomPerspective(0.5, 0.3, k.NearestInterpolation, k.FillValue(2))},
		{"RandAugment", `{"value_range":[0,1],"num_ops":3,"factor":[0,0.4],"interpolation":"nearest","seed":1}`, k.RandAugment(0.4, k.ValueRange(0, 1), k.NumOperations(3), k.NearestInterpolation)},
		{"RandomElasticTransform", `{"factor":[0,0.5],"scale":[0.2,0.3],"interpolation":"nearest","fill_mode":"constant","fill_value":2.0,"value_range":[0,1],"seed":1}`, k.RandomElasticTransform(0.5, 0, k.ScaleRange(0.2, 0.3), k.NearestInterpolation, k.FillConstant, k.FillValue(2), k.ValueRange(0, 1))},
		{"AugMix", `{"value_range":[0,255],"num_chains":2,"chain_depth":4,"factor":[0,0.3],"alpha":0.5,"all_ops":false,"interpolation":"bilinear"}`, k.AugMix(0.3, k.NumChains(2), k.ChainDepth(4), k.MixingAlpha(0.5), k.NoColorOperations)},
		{"MixUp", `{"alpha":0.2,"seed":1}`, k.Activation(k.Linear)},
		{"CategoryEncoding", `{"num_tokens":4,"output_mode":"multi_hot"}`, k.CategoryEncoding(4)},
		{"Discretization", `{"bin_boundaries":[0.0,1.0],"num_bins":null,"epsilon":0.01,"output_mode":"int","sparse":false,"name":"d","dtype":"float32"}`, k.Discretization(k.BinBoundaries(0, 1))},
		{"Discretization", `{"bin_boundaries":[0.0,1.0],"num_bins":3,"epsilon":0.05,"output_mode":"one_hot","sparse":false}`, k.Discretization(k.BinBoundaries(0, 1), k.NumBins(3), k.Epsilon(0.05), k.OneHotOutput)},
		{"Hashing", `{"num_bins":7,"salt":[1,2],"mask_value":"","output_mode":"int","sparse":false}`, k.Hashing(7, k.Salt(1, 2), k.MaskToken(""))},
		{"Hashing", `{"num_bins":7,"salt":null,"mask_value":0,"output_mode":"count","sparse":false}`, k.Hashing(7, k.MaskToken("0"), k.CountOutput)},
		{"HashedCrossing", `{"num_bins":5,"output_mode":"one_hot","sparse":false}`, k.HashedCrossing(5, k.OneHotOutput)},
		{"StringLookup", `{"invert":false,"max_tokens":9,"num_oov_indices":2,"oov_token":"[UNK]","mask_token":"","output_mode":"int","sparse":false,"pad_to_max_tokens":false,"vocabulary_dtype":"string","idf_weights":null,"vocabulary":["a","b"],"vocabulary_size":5,"oov_method":"floormod","salt":null,"encoding":"utf-8"}`,
			k.StringLookup(k.MaxTokens(9), k.OOVIndices(2), k.MaskToken(""), k.Vocabulary("a", "b"))},
		{"StringLookup", `{"invert":false,"max_tokens":4,"num_oov_indices":1,"mask_token":null,"output_mode":"tf_idf","pad_to_max_tokens":true,"idf_weights":[1.0,0.5],"vocabulary":["a","b"]}`,
			k.StringLookup(k.MaxTokens(4), k.PadToMaxTokens, k.TFIDFOutput, k.IDFWeights(1, 0.5), k.Vocabulary("a", "b"))},
		{"IntegerLookup", `{"invert":false,"max_tokens":null,"num_oov_indices":1,"oov_token":-1,"mask_token":0,"output_mode":"multi_hot","sparse":false,"pad_to_max_tokens":false,"vocabulary_dtype":"int64","idf_weights":null,"vocabulary":[5,3],"vocabulary_size":3,"oov_method":"floormod","salt":null}`,
			k.IntegerLookup(k.MaskInteger(0), k.MultiHotOutput, k.IntegerVocabulary(5, 3))},
		{"TextVectorization", `{"max_tokens":20,"standardize":"lower","split":null,"ngrams":[1,2],"output_mode":"int","output_sequence_length":6,"pad_to_max_tokens":false,"sparse":false,"ragged":false,"vocabulary":["a","b"],"idf_weights":null,"encoding":"utf-8","vocabulary_size":4}`,
			k.TextVectorization(k.MaxTokens(20), k.LowerCase, k.NoSplitting, k.NGrams(1, 2), k.OutputSequenceLength(6), k.Vocabulary("a", "b"))},
	} {
		a := newArgs(json.RawMessage(c.config), 3, nil, nil)
		made := classes[c.class].read(a)
		if err := a.finish(); err != nil {
			t.Errorf("%s %s: %v", c.class, c.config, err)
			continue
		}
		got, err := k.Inspect(made).Arguments()
		if err != nil {
			t.Fatal(err)
		}
		if want, err := k.Inspect(c.want).Arguments(); err != nil || string(got) != string(want) {
			t.Errorf("%s %s: got %s, want %s, %v", c.class, c.config, got, want, err)
		}
	}
	for _, c := range []struct{ class, config, want string }{
		{"StringLookup", `{"invert":true,"vocabulary":["a"]}`, "argument invert is true, which is not supported"},
		{"StringLookup", `{"vocabulary":null}`, "argument vocabulary is None: the file has it beside the configuration"},
		{"IntegerLookup", `{"oov_method":"farmhash","vocabulary":[1]}`, `argument oov_method is "farmhash", want "floormod"`},
		{"StringLookup", `{"salt":[1,2],"vocabulary":["a"]}`, "argument salt is [1,2], which is not supported"},
		{"TextVectorization", `{"standardize":"mine","vocabulary":["a"]}`, `argument standardize is "mine", want one of`},
		{"AutoContrast", `{"value_range":[1,2,3]}`, "argument value_range is [1,2,3], want a number or two"},
		{"Resizing", `{"height":3,"width":4,"antialias":true}`, "argument antialias is true, which is not supported"},
		{"Pipeline", `{"layers":[]}`, "argument layers is empty, want one layer or more"},
		{"Discretization", `{"num_bins":3}`, "argument bin_boundaries is None, want those that adapt has computed"},
		{"Hashing", `{"num_bins":3,"salt":[1]}`, "argument salt is [1], want two numbers"},
	} {
		a := newArgs(json.RawMessage(c.config), 3, nil, nil)
		classes[c.class].read(a)
		if err := a.finish(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, want %s", c.class, c.config, err, c.want)
		}
	}
	in := layerConfig{Class: "InputLayer", Config: json.RawMessage(`{"name":"color","dtype":"string","batch_shape":[null,1]}`)}
	if x, err := newBuilder(3, 1000).input(in, nil, nil); err != nil || !x.IsString() || !x.Shape().Equal(k.Shape{1}) {
		t.Errorf("input of strings: %v, %v", x, err)
	}
}

// TestRandomLayersOfPictures: random layers are kept where they can run, which is at the input of a model;
// otherwise they are omitted with a note. Predictions are the same.
func TestRandomLayersOfPictures(t *testing.T) {
	const (
		start = `{"class_name":"Sequential","config":{"name":"m","layers":[{"class_name":"InputLayer","config":{"batch_shape":[null,4,4,3],"name":"in"}},`
		pool  = `{"class_name":"MaxPooling2D","config":{"name":"pool","pool_size":[2,2],"strides":[2,2],"padding":"valid"}}`
		flip  = `{"class_name":"RandomFlip","config":{"name":"flip","mode":"horizontal"}}`
		wide  = `{"class_name":"RandomRotation","config":{"name":"turn","factor":[-3,3]}}`
	)
	x, err := k.NewArray(make([]float32, 2*4*4*3), 2, 4, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Values() {
		x.Values()[i] = float32(i * 7 % 50)
	}
	var want []float32
	for _, c := range []struct {
		layers string
		kinds  []string
		notes  int
	}{
		{pool, []string{"MaxPooling2D"}, 0},
		{flip + "," + pool, []string{"RandomFlip", "MaxPooling2D"}, 0},
		{pool + "," + flip, []string{"MaxPooling2D", "Activation"}, 1},
		{wide + "," + pool, []string{"Activation", "MaxPooling2D"}, 1},
	} {
		m, report, err := modelOf(&kerash5.File{Config: []byte(start + c.layers + "]}}"), KerasVersion: "3.15.0"}, 0, "file", loadSettings{})
		if err != nil {
			t.Errorf("%s: %v", c.layers, err)
			continue
		}
		var kinds []string
		for _, l := range m.Layers() {
			if kind := l.Kind; kind != "Input" {
				kinds = append(kinds, kind)
			}
		}
		if !slices.Equal(kinds, c.kinds) || len(report.Notes) != c.notes {
			t.Errorf("%s: layers are %v, notes %q, want %v and %d notes", c.layers, kinds, report.Notes, c.kinds, c.notes)
		}
		y, err := m.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = y.Values()
		}
		if !slices.Equal(y.Values(), want) {
			t.Errorf("%s: predictions differ", c.layers)
		}
	}
}

// TestSizesWithChannelsFirst: Resizing and CenterCrop of pictures whose channels are the first axis.
func TestSizesWithChannelsFirst(t *testing.T) {
	first, err := k.NewArray(make([]float32, 2*3*4*5), 2, 3, 4, 5)
	if err != nil {
		t.Fatal(err)
	}
	last, err := k.NewArray(make([]float32, 2*3*4*5), 2, 4, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first.Values() {
		first.Values()[i] = float32(i * 7 % 50)
		sample, channel, pixel := i/60, i/20%3, i%20
		last.Values()[sample*60+pixel*3+channel] = first.Values()[i]
	}
	for _, class := range []string{"CenterCrop", "Resizing"} {
		var results [2][]float32
		for i, format := range []string{"channels_first", "channels_last"} {
			x := []*k.Array{first, last}[i]
			config := fmt.Sprintf(`{"class_name":"Sequential","config":{"name":"m","layers":[{"class_name":"InputLayer","config":{"batch_shape":[null,%d,%d,%d]}},{"class_name":%q,"config":{"height":2,"width":3,"data_format":%q}}]}}`,
				x.Shape()[1], x.Shape()[2], x.Shape()[3], class, format)
			m, _, err := modelOf(&kerash5.File{Config: []byte(config), KerasVersion: "3.15.0"}, 0, "file", loadSettings{})
			if err != nil {
				t.Fatal(err)
			}
			y, err := m.Predict(x)
			if err != nil {
				t.Fatal(err)
			}
			results[i] = y.Values()
		}
		for i, v := range results[0] {
			if sample, channel, pixel := i/18, i/6%3, i%6; math.Abs(float64(v-results[1][sample*18+pixel*3+channel])) > 1e-4 {
				t.Fatalf("%s: value %d is %v, want %v", class, i, v, results[1][sample*18+pixel*3+channel])
			}
		}
	}
}
