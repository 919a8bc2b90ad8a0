// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// Single precision has 2⁻²⁴ = 6e-8; functions that are sums or quotients of a
// few such results are held to 2e-6 of the value and 1e-6 about zero.
const relative, absolute = 2e-6, 1e-6

// activationCases are the known values of functions that ActivationFunc names.
func activationCases(t *testing.T) []golden.Case {
	var cases []golden.Case
	seen := map[string]bool{}
	for _, c := range golden.Load(t, "activations") {
		name := c.Args.String("activation")
		if name == "leaky_relu" || c.Args.Bool("approximate") || c.Args["alpha"] != nil && c.Args.Float("alpha") != 1 {
			continue // parameters that no ActivationFunc has
		}
		seen[name] = true
		cases = append(cases, c)
	}
	for _, f := range []keraslike.ActivationFunc{
		keraslike.Linear, keraslike.ReLU, keraslike.ReLU6, keraslike.ELU, keraslike.SELU, keraslike.GELU, keraslike.SiLU, keraslike.Mish, keraslike.Softplus,
		keraslike.Softsign, keraslike.Sigmoid, keraslike.LogSigmoid, keraslike.HardSigmoid, keraslike.HardSiLU, keraslike.Tanh, keraslike.Exponential,
		keraslike.Softmax, keraslike.LogSoftmax,
	} {
		if !seen[string(f)] {
			t.Errorf("%s has no known values", f)
		}
	}
	return cases
}

// TestActivationValues compares every activation and its derivative with
// testdata/golden/activations.json, as a layer and inside Dense, which fuses
// most of them with its product; Dense's kernel is the identity.
func TestActivationValues(t *testing.T) {
	for _, c := range activationCases(t) {
		f := keraslike.ActivationFunc(c.Args.String("activation"))
		x := c.Inputs["x"]
		units := x.Shape[len(x.Shape)-1]
		identity := make([]float32, units*units)
		for i := range units {
			identity[i*units+i] = 1
		}
		for name, layer := range map[string]keraslike.Layer{"Activation": keraslike.Activation(f), "Dense": keraslike.Dense(units, f)} {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				m, r := probed(t, weighted{}, x.Shape, layer)
				if name == "Dense" {
					setWeight(t, m, "dense/kernel", identity)
				}
				_, dx, y := differentiate(t, m, r, x, c.Inputs["r"])
				golden.Close(t, "y", y, c.Want["y"], relative, absolute)
				golden.Close(t, "dx", dx, c.Want["dx"], relative, absolute)
			})
		}
	}
}

// TestDenseValues compares Dense over inputs of any rank, which it sees as one
// sample, with testdata/golden/layers_core.json.
func TestDenseValues(t *testing.T) {
	n := 0
	for _, c := range golden.Load(t, "layers_core") {
		if c.Args.String("layer") != "Dense" {
			continue
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			options := []keraslike.DenseOption{keraslike.ActivationFunc(c.Args.String("activation"))}
			names := []string{"kernel", "bias"}
			if !c.Args.Bool("use_bias") {
				options, names = append(options, keraslike.NoBias), names[:1]
			}
			x := c.Inputs["x"]
			m, r := probed(t, weighted{}, x.Shape, keraslike.Dense(c.Args.Int("units"), options...))
			for _, name := range names {
				setWeight(t, m, "dense/"+name, c.Inputs[name].Float32())
			}
			_, dx, y := differentiate(t, m, r, x, c.Inputs["r"])
			golden.Close(t, "y", y, c.Want["y"], relative, absolute)
			golden.Close(t, "dx", dx, c.Want["dx"], relative, 2*absolute)
			for i, name := range names {
				golden.Close(t, "d"+name, r.gradients[1+i], c.Want["d"+name], relative, 2*absolute)
			}
		})
	}
	if n < 9 {
		t.Errorf("%d cases, want 9 or more", n)
	}
}

// lossCases are the known values that a loss of this package can be compared
// with: no weights, no smoothing, and logits where the model makes the
// probabilities.
func lossCases(t *testing.T) map[keraslike.LossFunc][]golden.Case {
	cases := map[keraslike.LossFunc][]golden.Case{}
	for _, c := range golden.Load(t, "losses") {
		_, weights := c.Inputs["sample_weight"]
		if weights || c.Args.Float("label_smoothing") != 0 || strings.Contains(c.Name, "_prob") {
			continue
		}
		l := keraslike.LossFunc(c.Args.String("loss"))
		cases[l] = append(cases[l], c)
	}
	return cases
}

// TestLossValues compares each loss and its gradient, taken through a whole
// model from the logits, with testdata/golden/losses.json.
func TestLossValues(t *testing.T) {
	cases := lossCases(t)
	for loss, last := range map[keraslike.LossFunc]keraslike.ActivationFunc{
		keraslike.MeanSquaredError: keraslike.Linear, keraslike.MeanAbsoluteError: keraslike.Linear, keraslike.BinaryCrossentropy: keraslike.Sigmoid,
		keraslike.CategoricalCrossentropy: keraslike.Softmax, keraslike.SparseCategoricalCrossentropy: keraslike.Softmax,
	} {
		if len(cases[loss]) < 3 {
			t.Errorf("%s has %d known values, want at least 3", loss, len(cases[loss]))
		}
		for _, c := range cases[loss] {
			t.Run(c.Name, func(t *testing.T) {
				pred := c.Inputs["pred"]
				m, r := probed(t, loss, pred.Shape, keraslike.Activation(last))
				value, dpred, _ := differentiate(t, m, r, pred, c.Inputs["true"])
				// log Σ exp(z) - z_label keeps single precision of the logits, not of the difference.
				rounding := float64(slices.Max(pred.Float32())) / (1 << 24)
				if want := c.Want["loss"].Data[0]; !(math.Abs(value-want) <= relative*math.Abs(want)+absolute+rounding) {
					t.Errorf("loss is %.9g, want %.9g", value, want)
				}
				golden.Close(t, "dpred", dpred, c.Want["dpred"], relative, absolute)
			})
		}
	}
}

// TestMetricValues streams over unequal batches and compares the metric after
// each with testdata/golden/metrics.json.
func TestMetricValues(t *testing.T) {
	names := map[string]keraslike.Metric{
		"binary_accuracy": keraslike.BinaryAccuracy, "categorical_accuracy": keraslike.CategoricalAccuracy,
		"sparse_categorical_accuracy": keraslike.SparseCategoricalAccuracy, "mean_absolute_error": keraslike.MAE,
		"mean_squared_error": keraslike.MSE, "root_mean_squared_error": keraslike.RMSE,
	}
	seen := map[keraslike.Metric]int{}
	for _, c := range golden.Load(t, "metrics") {
		m, ok := names[c.Args.String("metric")]
		_, weights := c.Inputs["sample_weight"]
		if !ok || weights || c.Args["threshold"] != nil {
			continue
		}
		seen[m]++
		metrics := []keraslike.Metric{m}
		if strings.HasSuffix(m.Name(), "accuracy") && c.Name != "binary_accuracy_three_outputs" {
			metrics = append(metrics, keraslike.Accuracy) // which has to choose this one
		}
		for _, m := range metrics {
			t.Run(fmt.Sprint(c.Name, " by ", m.Name()), func(t *testing.T) {
				pred, target := c.Inputs["pred"], c.Inputs["true"]
				measure, err := m.Begin(pred.Shape[1:], target.Shape[1:])
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second time after Reset
					stream(t, measure, pred, target, c.Args.Ints("batches"), c.Want["results"])
					measure.Reset()
				}
			})
		}
	}
	for _, m := range names {
		if seen[m] == 0 {
			t.Errorf("%s has no known values", m.Name())
		}
	}
}

func stream(t *testing.T, m keraslike.Measurement, pred, target golden.Array, batches []int, want golden.Array) {
	t.Helper()
	p, y := pred.Float32(), target.Float32()
	each, eachTarget := len(p)/pred.Shape[0], len(y)/target.Shape[0]
	var got []float64
	for _, n := range batches {
		m.Add(n, p[:n*each], y[:n*eachTarget])
		p, y = p[n*each:], y[n*eachTarget:]
		got = append(got, m.Value())
	}
	golden.Close(t, "results", got, want, 1e-12, 1e-12) // inputs are exact in float32, sums are float64
}

// betaRounding is how far 1 - β₂ is off when β₂ = 0.999 is rounded to single
// precision first. Weights do not show it: the correction of the start at 0
// divides by the same 1 - β₂ᵗ.
const betaRounding = 2e-5

// TestOptimizerValues makes five steps with each optimizer and compares every
// weight after every step, and the state at the end, with
// testdata/golden/optimizers.json.
func TestOptimizerValues(t *testing.T) {
	seen := map[string]int{}
	for _, c := range golden.Load(t, "optimizers") {
		o := optimizerOf(c.Args)
		if o == nil {
			continue
		}
		seen[o.Name()]++
		t.Run(c.Name, func(t *testing.T) {
			w, g := c.Inputs["w0"].Float32(), c.Inputs["gradients"].Float32()
			slots := make([][]float32, len(o.Slots()))
			for k := range slots {
				slots[k] = make([]float32, len(w))
			}
			var got []float32
			for step := 1; step <= 5; step++ {
				o.Update(w, g[:len(w)], slots, step, o.Rate())
				got, g = append(got, w...), g[len(w):]
			}
			golden.Close(t, "w", got, c.Want["w"], relative, absolute)
			for k, name := range o.Slots() {
				if name == "velocity_max" {
					name = "velocity_hat"
				}
				want, ok := c.Want[name]
				if !ok {
					t.Errorf("no known values of slot %q", name)
					continue
				}
				golden.Close(t, name, slots[k], want, betaRounding, absolute)
			}
		})
	}
	for name, n := range map[string]int{"sgd": 6, "rmsprop": 6, "adam": 5} {
		if seen[name] < n {
			t.Errorf("%s: %d known trajectories, want %d", name, seen[name], n)
		}
	}
}

// optimizerOf is the optimizer of a case, nil where this package has none or
// not its options.
func optimizerOf(a golden.Args) keraslike.Optimizer {
	rate := a.Float("learning_rate")
	switch a.String("optimizer") {
	case "SGD":
		opts := []keraslike.OptimizerOption{keraslike.Momentum(a.Float("momentum"))}
		if a.Bool("nesterov") {
			opts = append(opts, keraslike.Nesterov)
		}
		return keraslike.SGD(rate, opts...)
	case "RMSprop":
		opts := []keraslike.OptimizerOption{keraslike.Rho(a.Float("rho")), keraslike.Momentum(a.Float("momentum")), keraslike.Epsilon(a.Float("epsilon"))}
		if a.Bool("centered") {
			opts = append(opts, keraslike.Centered)
		}
		return keraslike.RMSprop(rate, opts...)
	case "Adam":
		if a.Float("weight_decay") != 0 {
			return nil
		}
		opts := []keraslike.OptimizerOption{keraslike.Beta1(a.Float("beta_1")), keraslike.Beta2(a.Float("beta_2")), keraslike.Epsilon(a.Float("epsilon"))}
		if a.Bool("amsgrad") {
			opts = append(opts, keraslike.AMSGrad)
		}
		return keraslike.Adam(rate, opts...)
	}
	return nil
}
