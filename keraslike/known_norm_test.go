// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"maps"
	"math"
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
		if a.String("layer") == "Normalization" {
			if a.Bool("invert") {
				opts = append(opts, keraslike.Invert)
			}
			return keraslike.Normalization(append(opts, keraslike.Statistics(numbersIn(a["mean"]), numbersIn(a["variance"])))...)
		}
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
	}, "GroupNormalization", "UnitNormalization", "LayerNormalization", "Normalization")
}

// numbersIn are a number or those of nested lists.
func numbersIn(v any) (list []float64) {
	switch v := v.(type) {
	case float64:
		return []float64{v}
	case []any:
		for _, e := range v {
			list = append(list, numbersIn(e)...)
		}
	}
	return list
}

// TestNormalizationOfSeveralAxes adapts to every place along two axes that are not beside each other, as numbers of
// a model and of its prepared inputs.
func TestNormalizationOfSeveralAxes(t *testing.T) {
	x := make([]float32, 5*2*3*4)
	for i := range x {
		x[i] = float32(i*i%23) - float32(i%7)
	}
	norm := keraslike.Normalization(keraslike.Axis(3, 1))
	m := keraslike.Sequential("m", keraslike.Input(2, 3, 4), norm)
	if err := keraslike.Adapt(t.Context(), norm, dataOf(t, tensorOf([]int{5, 2, 3, 4}, x), nil)); err != nil {
		t.Fatal(err)
	}
	if err := m.Build(0); err != nil {
		t.Fatal(err)
	}
	got := predict(t, m, tensorOf([]int{5, 2, 3, 4}, x))
	for a := range 2 {
		for c := range 4 {
			var mean, square float64
			for n := range 15 {
				v := float64(got[((n/3*2+a)*3+n%3)*4+c])
				mean, square = mean+v/15, square+v*v/15
			}
			if math.Abs(mean) > 1e-5 || math.Abs(square-1) > 1e-5 {
				t.Errorf("feature (%d, %d) has mean %g and mean square %g, want 0 and 1", a, c, mean, square)
			}
		}
	}
	w, err := m.Weight("normalization/mean")
	if err != nil || !slices.Equal(w.Shape(), []int{2, 4}) {
		t.Errorf("the mean has shape %v, %v, want [2 4]", w.Shape(), err)
	}
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
