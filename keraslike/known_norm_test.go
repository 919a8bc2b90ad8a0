// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

func batchNormOf(a golden.Args, opts ...keraslike.NormalizationOption) keraslike.Layer {
	opts = append(opts, []keraslike.NormalizationOption{keraslike.Axis(a.Int("axis")), keraslike.Momentum(a.Float("momentum")), keraslike.Epsilon(a.Float("epsilon"))}...)
	if !a.Bool("center") {
		opts = append(opts, keraslike.NoCenter)
	}
	if !a.Bool("scale") {
		opts = append(opts, keraslike.NoScale)
	}
	return keraslike.BatchNormalization(opts...)
}

// TestBatchNormalizationValues compares training graph, gradients and moving
// statistics, prediction, and the gradient through a frozen layer with
// testdata/golden/layers_normalization.json.
func TestBatchNormalizationValues(t *testing.T) {
	seen := map[bool]int{}
	for _, c := range golden.Load(t, "layers_normalization") {
		if c.Args.String("layer") != "BatchNormalization" {
			continue
		}
		training := c.Args.Bool("training")
		seen[training]++
		t.Run(c.Name, func(t *testing.T) {
			if training {
				tr := newTrial(t, c, batchNormOf(c.Args), []string{"x"}, nil)
				tr.checkGradients(t, c)
				for _, name := range []string{"moving_mean", "moving_variance"} {
					w, err := tr.model.Weight("batch_normalization/" + name)
					if err != nil {
						t.Fatal(err)
					}
					golden.Close(t, name, w.Values(), c.Want["new_"+name], layerRelative, layerAbsolute)
				}
				return
			}
			c.Want = maps.Clone(c.Want)
			maps.DeleteFunc(c.Want, func(name string, _ golden.Array) bool { return name == "dgamma" || name == "dbeta" })
			tr := newTrial(t, c, batchNormOf(c.Args, keraslike.Trainable(false)), []string{"x"}, nil)
			before := weightsOf(tr.model)
			tr.checkOutput(t, c)
			tr.checkGradients(t, c)
			if !slices.Equal(weightsOf(tr.model), before) {
				t.Error("a step changed the statistics of a frozen layer")
			}
		})
	}
	if seen[true] < 10 || seen[false] < 10 {
		t.Errorf("%d cases of training and %d of inference, want at least 10 each", seen[true], seen[false])
	}
}

func TestLayerNormalizationValues(t *testing.T) {
	checkLayers(t, "layers_normalization", []string{"x"}, func(c golden.Case) keraslike.Layer {
		a := c.Args
		if a.String("layer") != "LayerNormalization" {
			return nil
		}
		opts := []keraslike.NormalizationOption{keraslike.Axis(a.Ints("axis")...), keraslike.Epsilon(a.Float("epsilon"))}
		if !a.Bool("center") {
			opts = append(opts, keraslike.NoCenter)
		}
		if !a.Bool("scale") {
			opts = append(opts, keraslike.NoScale)
		}
		return keraslike.LayerNormalization(opts...)
	}, "LayerNormalization")
}

func TestGroupAndUnitNormalizationValues(t *testing.T) {
	checkLayers(t, "layers_normalization_keras", []string{"x"}, func(c golden.Case) keraslike.Layer {
		a := c.Args
		opts := []keraslike.NormalizationOption{keraslike.Axis(a.Ints("axis")...)}
		if a.String("layer") == "UnitNormalization" {
			return keraslike.UnitNormalization(opts...)
		}
		if a.Bool("rms_scaling") {
			return keraslike.LayerNormalization(append(opts, keraslike.RMSScaling, keraslike.Epsilon(a.Float("epsilon")))...)
		}
		opts = append(opts, keraslike.Groups(a.Int("groups")), keraslike.Epsilon(a.Float("epsilon")))
		if !a.Bool("center") {
			opts = append(opts, keraslike.NoCenter)
		}
		if !a.Bool("scale") {
			opts = append(opts, keraslike.NoScale)
		}
		return keraslike.GroupNormalization(opts...)
	}, "GroupNormalization", "UnitNormalization", "LayerNormalization")
}

// TestBatchNormalizationTwice applies one layer twice: the second application
// moves the statistics on from where the first left them, as in Keras.
func TestBatchNormalizationTwice(t *testing.T) {
	in := keraslike.Input(1)
	norm := keraslike.BatchNormalization(keraslike.Momentum(0.5), keraslike.NoScale, keraslike.NoCenter)
	y := keraslike.Add().Apply(norm.Apply(in), norm.Apply(keraslike.Rescaling(2, 1).Apply(in)), keraslike.Dense(1).Apply(in))
	m := keraslike.NewModel("m", []*keraslike.Tensor{in}, []*keraslike.Tensor{y})
	if err := m.Compile(keraslike.SGD(0), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{2, 1}, []float32{1, 3}) // mean 2, variance 1; 2x + 1 has mean 5, variance 4
	if _, err := m.TrainOnBatch(x, x); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float32{
		"moving_mean":     0.5*(0.5*0+0.5*2) + 0.5*5,
		"moving_variance": 0.5*(0.5*1+0.5*1) + 0.5*4,
	} {
		w, err := m.Weight("batch_normalization/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if w.Values()[0] != want {
			t.Errorf("%s is %v, want %v", name, w.Values()[0], want)
		}
	}
}
