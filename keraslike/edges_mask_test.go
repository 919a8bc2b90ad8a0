// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// aloneLayer is the layer of a case of one masked input: its kernels are 0.25, its
// recurrent ones 0.5.
func aloneLayer(name string) k.Layer {
	init := k.KernelInitializer(k.Constant(0.25))
	words := strings.Fields(name)
	recurrent := func(words []string) k.Layer {
		opts := []k.RecurrentOption{init, k.RecurrentInitializer(k.Constant(0.5))}
		for word, o := range map[string]k.RecurrentOption{"backwards": k.GoBackwards, "sequences": k.ReturnSequences, "state": k.ReturnState, "zero": k.ZeroOutputForMask} {
			if slices.Contains(words, word) {
				opts = append(opts, o)
			}
		}
		switch {
		case slices.Contains(words, "SimpleRNN"):
			return k.SimpleRNN(2, opts...)
		case slices.Contains(words, "GRU"):
			return k.GRU(2, opts...)
		case slices.Contains(words, "LSTM"):
			return k.LSTM(2, opts...)
		}
		return nil
	}
	if words[0] == "Bidirectional" {
		return k.Bidirectional(recurrent(words[1:]), k.MergeMode(words[2]))
	}
	if l := recurrent(words); l != nil {
		return l
	}
	switch name {
	case "Dense":
		return k.Dense(2, init)
	case "TimeDistributed":
		return k.TimeDistributed(k.Dense(2, init))
	case "MultiHeadAttention":
		return k.MultiHeadAttention(2, 3, init)
	case "GlobalAveragePooling1D":
		return k.GlobalAveragePooling1D()
	case "GlobalMaxPooling1D":
		return k.GlobalMaxPooling1D()
	case "LayerNormalization":
		return k.LayerNormalization()
	case "BatchNormalization":
		return k.BatchNormalization()
	case "Masking":
		return k.Masking(1)
	case "Softmax":
		return k.Activation(k.Softmax)
	case "Dropout":
		return k.Dropout(0.5)
	case "SpatialDropout1D":
		return k.SpatialDropout1D(0.5)
	case "GaussianNoise":
		return k.GaussianNoise(0.5)
	case "GaussianDropout":
		return k.GaussianDropout(0.5)
	case "LeakyReLU":
		return k.LeakyReLU()
	case "PReLU":
		return k.PReLU()
	case "Rescaling":
		return k.Rescaling(2, 1)
	case "Flatten":
		return k.Flatten()
	case "Reshape":
		return k.Reshape([]int{4, 3})
	case "Permute":
		return k.Permute([]int{1, 2})
	case "Conv1D":
		return k.Conv1D(2, 1, init)
	case "MaxPooling1D":
		return k.MaxPooling1D(1)
	case "AveragePooling1D":
		return k.AveragePooling1D(1)
	case "ZeroPadding1D":
		return k.ZeroPadding1D(1, 1)
	case "Cropping1D":
		return k.Cropping1D(1, 1)
	case "UpSampling1D":
		return k.UpSampling1D(2)
	}
	return nil
}

// What every layer makes of a masked series: its output and the mask that it passes.
func TestMaskOfEveryLayer(t *testing.T) {
	for _, c := range edges(t, "alone") {
		name := c.Args.String("layer")
		t.Run(name, func(t *testing.T) {
			a, mask := c.Inputs["x0"], c.Inputs["m0"]
			x, m := k.NamedInput("x", a.Shape[1:]...), k.NamedInput("m", mask.Shape[1:]...)
			in := k.Custom(masked{}).Apply(x, m)
			y := aloneLayer(name).Apply(in)
			if name == "MultiHeadAttention" {
				y = aloneLayer(name).Apply(in, in)
			}
			wanted, passed := c.Want["mask"]
			out := []*k.Tensor{y}
			if len(y.Shape()) > 1 {
				out = append(out, k.Custom(maskOf{}).Apply(y))
			}
			model := k.NewModel("m", []*k.Tensor{x, m}, out)
			if err := model.Build(1); err != nil {
				t.Fatal(err)
			}
			got, err := model.PredictSource(t.Context(), sourceOf(t, []*tensor.Dense{tensorOf(a.Shape, a.Float32()), tensorOf(mask.Shape, mask.Float32())}, nil))
			if err != nil {
				t.Fatal(err)
			}
			closeTo(t, "y", got[0].Values(), c.Want["y"].Float32())
			switch {
			case passed:
				closeTo(t, "mask", got[1].Values(), wanted.Float32())
			case len(got) > 1 && slices.Contains(got[1].Values(), 0):
				t.Errorf("mask is %v, want none", got[1].Values())
			}
		})
	}
}

// Batch normalization in training takes the statistics of the steps that count, along
// the last axis and along that of the steps, and normalizes all steps by them.
func TestMaskedBatchNormalization(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "edges") {
		if !strings.HasPrefix(c.Name, "training BatchNormalization") {
			continue
		}
		seen++
		x, m := k.NamedInput("x", 4, 3), k.NamedInput("m", 4)
		y := k.BatchNormalization(k.Axis(c.Args.Int("axis"))).Apply(k.Custom(masked{}).Apply(k.Custom(shift{2}, k.Name("shift")).Apply(x), m))
		model, rec := k.NewModel("m", []*k.Tensor{x, m}, []*k.Tensor{k.Flatten().Apply(y)}), &recorder{}
		if err := model.Compile(rec, weighted{}); err != nil {
			t.Fatal(err)
		}
		norm := map[string]*k.Weight{}
		for _, w := range []string{"gamma", "beta", "moving_mean", "moving_variance"} {
			var err error
			if norm[w], err = model.Weight("batch_normalization/" + w); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range []string{"gamma", "beta"} {
			if err := norm[w].Set(c.Inputs[w].Float32()); err != nil {
				t.Fatal(err)
			}
		}
		dense := func(name string, shape ...int) *tensor.Dense { return tensorOf(shape, c.Inputs[name].Float32()) }
		data := sourceOf(t, []*tensor.Dense{dense("x0", 2, 4, 3), dense("m0", 2, 4)}, []*tensor.Dense{dense("r", 2, 12)})
		if _, err := model.Fit(t.Context(), data, k.KeepOrder); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"dx0", "dgamma", "dbeta"} {
			closeTo(t, name, rec.gradients[i], c.Want[name].Float32())
		}
		for _, name := range []string{"moving_mean", "moving_variance"} {
			closeTo(t, name, norm[name].Values(), c.Want[name].Float32())
		}
	}
	if seen != 2 {
		t.Errorf("%d cases, want 2", seen)
	}
}
