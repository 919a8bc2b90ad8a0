// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// The known values of layers are held to 1e-5 of the value and 2e-6 about zero,
// which is what some hundred roundings of single precision come to.
const layerRelative, layerAbsolute = 1e-5, 2e-6

// held is a layer whose output is its weight: a whole batch, whose gradient is
// then a weight's gradient. Its input only gives the size of the batch.
type held struct {
	name  string
	batch int
	shape []int // of a sample
	fixed bool  // has no gradient
}

func (h *held) Kind() string { return "Held" }

func (h *held) Build(b *keraslike.Builder, _ []keraslike.Shape) (keraslike.Shape, error) {
	shape := append([]int{h.batch}, h.shape...)
	if h.fixed {
		b.State("x", keraslike.Zeros(), shape...)
	} else {
		b.Weight("x", keraslike.Zeros(), keraslike.Regularizer{}, shape...)
	}
	return h.shape, nil
}

func (h *held) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	if s.Batch() != h.batch { // Compile tries the layers on a batch of one
		return s.Do(graph.Input(in[0].Graph(), graph.Float32, "unused "+h.name, append([]int{s.Batch()}, h.shape...)...))
	}
	return s.Weight("x")
}

// trial is a layer applied to held inputs, with the weights of a case.
type trial struct {
	model     *keraslike.Model
	recorder  *recorder
	gradients []string // what the recorded gradients belong to, in order
	batch     int
	loss      float64
}

// newTrial applies a layer to the case's inputs of the given names. goldenName
// turns the name of a weight into the table's; nil leaves it.
func newTrial(t *testing.T, c golden.Case, layer keraslike.Layer, inputs []string, goldenName func(string) string) *trial {
	t.Helper()
	tr := &trial{recorder: &recorder{}, batch: c.Inputs[inputs[0]].Shape[0]}
	dummy := keraslike.Input(1)
	var in []*keraslike.Tensor
	for _, name := range inputs {
		_, free := c.Want["d"+name]
		h := &held{name, tr.batch, c.Inputs[name].Shape[1:], !free}
		in = append(in, keraslike.Custom(h, keraslike.Name("held "+name)).Apply(dummy))
	}
	out := []*keraslike.Tensor{layer.Apply(in...)}
	for k := range moreOutputs(c) {
		out = append(out, out[0].Output(1+k))
	}
	tr.model = keraslike.NewModel("trial", []*keraslike.Tensor{dummy}, out)
	if err := tr.model.Compile(tr.recorder, weighted{}); err != nil {
		t.Fatal(err)
	}
	for _, w := range tr.model.Weights() {
		name, isInput := strings.CutPrefix(w.Path(), "held ")
		if isInput {
			name = strings.TrimSuffix(name, "/x")
		} else if name = w.Name(); goldenName != nil {
			name = goldenName(name)
		}
		values, ok := c.Inputs[name]
		if adapted := c.Args.String("layer") == "Normalization"; !ok && adapted {
			if want, ok := c.Want[name]; ok {
				golden.Close(t, name, w.Values(), want, layerRelative, layerAbsolute)
			}
			continue
		} else if !ok {
			t.Fatalf("weight %q: the case has no input %q", w.Path(), name)
		}
		if err := w.Set(values.Float32()); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Want["d"+name]; ok {
			tr.gradients = append(tr.gradients, name)
		}
	}
	return tr
}

// moreOutputs are the names of further outputs that a case of layers_keras.json has.
func moreOutputs(c golden.Case) (names []string) {
	for _, name := range []string{"scores", "h", "c"} {
		if _, ok := c.Inputs["r_"+name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// differentiateAll is differentiate for a case with further outputs, which it compares.
func (tr *trial) differentiateAll(t *testing.T, c golden.Case) {
	t.Helper()
	got, err := tr.model.PredictSource(t.Context(), dataOf(t, tr.input(), nil))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Inputs["r"]
	targets := []graph.Value{tensorOf(r.Shape, r.Float32())}
	for k, name := range moreOutputs(c) {
		golden.Close(t, name, got[1+k].Values(), c.Want[name], layerRelative, layerAbsolute)
		r := c.Inputs["r_"+name]
		targets = append(targets, tensorOf(r.Shape, r.Float32()))
	}
	golden.Close(t, "y", got[0].Values(), c.Want["y"], layerRelative, layerAbsolute)
	if _, err := tr.model.TrainOnBatchOf([]graph.Value{tr.input()}, targets, nil); err != nil {
		t.Fatal(err)
	}
	for i, name := range tr.gradients {
		golden.Close(t, "d"+name, tr.recorder.gradients[i], c.Want["d"+name], layerRelative, layerAbsolute)
	}
}

// differentiate makes one step of training on Σ r·y.
func (tr *trial) differentiate(t *testing.T, r golden.Array) {
	t.Helper()
	result, err := tr.model.TrainOnBatch(tr.input(), tensorOf(r.Shape, r.Float32()))
	tr.loss = result.Loss()
	if err != nil {
		t.Fatal(err)
	}
}

// input has the size of the batch and nothing else.
func (tr *trial) input() *tensor.Dense {
	return tensorOf([]int{tr.batch, 1}, make([]float32, tr.batch))
}

// checkGradients compares all gradients of a case, and Σ r·y of the trained graph.
func (tr *trial) checkGradients(t *testing.T, c golden.Case) {
	t.Helper()
	tr.differentiate(t, c.Inputs["r"])
	if len(tr.recorder.gradients) != len(tr.gradients) {
		t.Fatalf("%d gradients, want those of %v", len(tr.recorder.gradients), tr.gradients)
	}
	for i, name := range tr.gradients {
		golden.Close(t, "d"+name, tr.recorder.gradients[i], c.Want["d"+name], layerRelative, layerAbsolute)
	}
	var want, scale float64
	for i, r := range c.Inputs["r"].Data {
		want += r * c.Want["y"].Data[i]
		scale += math.Abs(r * c.Want["y"].Data[i])
	}
	if math.Abs(tr.loss-want) > layerRelative*scale+layerAbsolute {
		t.Errorf("Σ r·y is %v while training, want %v", tr.loss, want)
	}
}

// checkOutput compares the prediction of a case.
func (tr *trial) checkOutput(t *testing.T, c golden.Case) {
	t.Helper()
	golden.Close(t, "y", predict(t, tr.model, tr.input()), c.Want["y"], layerRelative, layerAbsolute)
}

// checkLayers runs the cases of a topic; layerOf returns nil for those that no
// layer of this package computes. Every kind in want must have been seen.
func checkLayers(t *testing.T, topic string, inputs []string, layerOf func(c golden.Case) keraslike.Layer, want ...string) {
	t.Helper()
	seen := map[string]int{}
	for _, c := range golden.Load(t, topic) {
		layer := layerOf(c)
		if layer == nil {
			continue
		}
		seen[c.Args.String("layer")]++
		t.Run(c.Name, func(t *testing.T) {
			tr := newTrial(t, c, layer, present(c, inputs), nil)
			if len(moreOutputs(c)) > 0 {
				tr.differentiateAll(t, c)
				return
			}
			tr.checkOutput(t, c)
			tr.checkGradients(t, c)
		})
	}
	for _, kind := range want {
		if seen[kind] == 0 {
			t.Errorf("%s has no known values", kind)
		}
	}
}

// TestEveryKindHasKnownValues fails when a kind is registered and no topic has cases of it.
func TestEveryKindHasKnownValues(t *testing.T) {
	seen := map[string]bool{
		"Input":                 true,
		"Masking":               true, // TestMaskingValues
		"ReverseEmbedding":      true, // TestReverseEmbedding
		"SpectralNormalization": true, // TestStepsOfKeras
		// What they give is drawn; graph compares its distribution, and TestEveryLayer sees
		// that it is absent from evaluation.
		"GaussianNoise": true, "GaussianDropout": true, "SpatialDropout3D": true, "AlphaDropout": true, // TestAlphaDropout
		"RandomFlip": true, "RandomCrop": true, // TestRandomFlip, TestRandomCrop
	}
	for _, topic := range []string{"core", "convolution", "pooling", "windows_keras", "recurrent", "convlstm_keras", "rnn_keras", "normalization", "normalization_keras", "reshaping", "merging", "attention", "preprocessing", "preprocessing_keras", "embedding_keras", "keras"} {
		for _, c := range golden.Load(t, "layers_"+topic) {
			seen[c.Args.String("layer")] = true
		}
	}
	for _, kind := range keraslike.Kinds() {
		if !seen[kind] {
			t.Errorf("%s has no known values", kind)
		}
	}
}

// present are the names that the case has inputs of.
func present(c golden.Case, names []string) (list []string) {
	for _, n := range names {
		if _, ok := c.Inputs[n]; ok {
			list = append(list, n)
		}
	}
	return list
}

// pairs are the numbers of a list of lists: [[1, 0], [2, 3]] is 1, 0, 2, 3.
func pairs(v any) (list []int) {
	switch v := v.(type) {
	case float64:
		return []int{int(v)}
	case []any:
		for _, e := range v {
			list = append(list, pairs(e)...)
		}
	}
	return list
}

func TestReshapingValues(t *testing.T) {
	checkLayers(t, "layers_reshaping", []string{"x"}, func(c golden.Case) keraslike.Layer {
		a := c.Args
		padding, cropping, size := pairs(a["padding"]), pairs(a["cropping"]), pairs(a["size"])
		switch a.String("layer") {
		case "Flatten":
			return keraslike.Flatten()
		case "Reshape":
			return keraslike.Reshape(a.Ints("target_shape"))
		case "Permute":
			return keraslike.Permute(a.Ints("dims"))
		case "RepeatVector":
			return keraslike.RepeatVector(a.Int("n"))
		case "ZeroPadding1D":
			return keraslike.ZeroPadding1D(padding[0], padding[1])
		case "ZeroPadding2D":
			return keraslike.ZeroPadding2D(padding[0], padding[1], padding[2], padding[3])
		case "Cropping1D":
			return keraslike.Cropping1D(cropping[0], cropping[1])
		case "Cropping2D":
			return keraslike.Cropping2D(cropping[0], cropping[1], cropping[2], cropping[3])
		case "UpSampling1D":
			return keraslike.UpSampling1D(size[0])
		case "UpSampling2D":
			if a.String("interpolation") == "nearest" {
				return keraslike.UpSampling2D(size[0], size[1])
			}
		}
		return nil
	}, "Flatten", "Reshape", "Permute", "RepeatVector", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D")
}

func TestMergingValues(t *testing.T) {
	checkLayers(t, "layers_merging", []string{"a", "b", "c"}, func(c golden.Case) keraslike.Layer {
		switch c.Args.String("layer") {
		case "Add":
			return keraslike.Add()
		case "Subtract":
			return keraslike.Subtract()
		case "Multiply":
			return keraslike.Multiply()
		case "Average":
			return keraslike.Average()
		case "Maximum":
			return keraslike.Maximum()
		case "Minimum":
			return keraslike.Minimum()
		case "Concatenate":
			return keraslike.Concatenate(keraslike.Axis(c.Args.Int("axis")))
		case "Dot":
			axes := pairs(c.Args["axes"])
			axes = append(axes, axes...) // one number counts for both
			if c.Args.Bool("normalize") {
				return keraslike.Dot(axes[0], axes[1], keraslike.Normalized)
			}
			return keraslike.Dot(axes[0], axes[1])
		}
		return nil
	}, "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot")
}

func TestCoreValues(t *testing.T) {
	normalization := func(c golden.Case) keraslike.Layer {
		var opts []keraslike.NormalizationOption
		if c.Args["axis"] == nil {
			opts = append(opts, keraslike.AllAxes)
		} else {
			opts = append(opts, keraslike.Axis(c.Args.Int("axis")))
		}
		n := keraslike.Normalization(opts...)
		a := c.Inputs["adapt"]
		if err := keraslike.Adapt(t.Context(), n, dataOf(t, tensorOf(a.Shape, a.Float32()), nil)); err != nil {
			t.Fatal(err)
		}
		return n
	}
	checkLayers(t, "layers_core", []string{"x"}, func(c golden.Case) keraslike.Layer {
		a := c.Args
		switch a.String("layer") {
		case "Embedding":
			if a.Bool("mask_zero") {
				return keraslike.Embedding(a.Int("input_dim"), a.Int("output_dim"), keraslike.MaskZero)
			}
			return keraslike.Embedding(a.Int("input_dim"), a.Int("output_dim"))
		case "Activation":
			return keraslike.Activation(keraslike.ActivationFunc(a.String("activation")))
		case "LeakyReLU":
			return keraslike.LeakyReLU(keraslike.NegativeSlope(a.Float("negative_slope")))
		case "PReLU":
			return keraslike.PReLU(keraslike.SharedAxes(a.Ints("shared_axes")...))
		case "Rescaling":
			return keraslike.Rescaling(a.Float("scale"), a.Float("offset"))
		case "Normalization":
			return normalization(c)
		case "TimeDistributed":
			if a.String("inner") == "Dense" {
				return keraslike.TimeDistributed(keraslike.Dense(a.Int("units"), keraslike.ActivationFunc(a.String("activation"))))
			}
			return keraslike.TimeDistributed(keraslike.Conv2D(a.Int("filters"), a.Ints("kernel_size")[0], keraslike.SamePadding))
		}
		return nil
	}, "Embedding", "Activation", "LeakyReLU", "PReLU", "Rescaling", "Normalization", "TimeDistributed")
}

// TestAttentionValues covers all cases but the one that returns the scores too.
func TestAttentionValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "layers_attention") {
		a := c.Args
		if a.Bool("return_attention_scores") {
			continue
		}
		opts := []keraslike.AttentionOption{keraslike.ValueDim(a.Int("value_dim")), keraslike.OutputDim(a.Int("output_shape"))}
		if !a.Bool("use_bias") {
			opts = append(opts, keraslike.NoBias)
		}
		if a.Bool("use_causal_mask") {
			opts = append(opts, keraslike.CausalMask)
		}
		if _, ok := c.Inputs["attention_mask"]; ok {
			opts = append(opts, keraslike.AttentionMask)
		}
		seen++
		t.Run(c.Name, func(t *testing.T) {
			layer := keraslike.MultiHeadAttention(a.Int("num_heads"), a.Int("key_dim"), opts...)
			tr := newTrial(t, c, layer, present(c, []string{"query", "value", "key", "attention_mask"}), func(weight string) string {
				return strings.ReplaceAll(strings.TrimPrefix(weight, "attention_"), "/", "_")
			})
			tr.checkOutput(t, c)
			tr.checkGradients(t, c)
		})
	}
	if seen < 8 {
		t.Errorf("%d cases, want at least 8", seen)
	}
}
