// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// Every refusal of a setting states the range that is accepted, and its ends are.
func TestSettingsStateTheirRange(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	compile := func(o k.Optimizer, l k.Loss, options ...k.CompileOption) error {
		return k.Sequential("m", k.Input(2), k.Dense(3, k.Softmax)).Compile(o, l, options...)
	}
	optimizer := func(o k.Optimizer) error { return compile(o, k.MeanSquaredError) }
	schedule := func(s k.Schedule) error { return optimizer(k.SGD(0.1, k.WithSchedule(s))) }
	loss := func(l k.Loss) error { return compile(k.SGD(0.1), l) }
	metric := func(m k.Metric) error { return compile(k.SGD(0.1), k.MeanSquaredError, m) }
	layer := func(l k.Layer) error {
		return k.Sequential("m", k.Input(3, 2), l).Compile(k.SGD(0.1), k.MeanSquaredError)
	}
	finite := "want a finite number"
	for name, c := range map[string]struct {
		err  error
		want string // "" for none
	}{
		"rate":               {optimizer(k.SGD(1e10)), "learning rate is 1e+10, want 0 to 1e+06"},
		"rate, negative":     {optimizer(k.Adam(-1)), "learning rate is -1, want 0 to 1e+06"},
		"rate, NaN":          {optimizer(k.Adagrad(nan)), "learning rate is NaN, want 0 to 1e+06"},
		"rate, largest":      {optimizer(k.SGD(1e6)), ""},
		"rate, least":        {optimizer(k.RMSprop(0)), ""},
		"epsilon":            {optimizer(k.Adam(0.1, k.Epsilon(inf))), "epsilon is +Inf, " + finite},
		"accumulator":        {optimizer(k.Adagrad(0.1, k.InitialAccumulator(inf))), "initial accumulator is +Inf, " + finite},
		"clip value":         {optimizer(k.SGD(0.1, k.ClipValue(inf))), "clip value is +Inf, " + finite},
		"clip norm":          {optimizer(k.SGD(0.1, k.ClipNorm(-1))), "clip norm is -1, " + finite},
		"weight decay":       {optimizer(k.AdamW(0.1, k.WeightDecay(inf))), "weight decay is +Inf, " + finite},
		"accumulate":         {optimizer(k.SGD(0.1, k.AccumulateGradients(-1))), "want at least 1, or 0 for 1"},
		"momentum":           {optimizer(k.SGD(0.1, k.Momentum(1))), "momentum is 1, want 0 <= momentum < 1"},
		"average":            {optimizer(k.SGD(0.1, k.AverageWeights(1))), "is 1, want 0 <="},
		"decay":              {schedule(k.ExponentialDecay{Steps: 1, Rate: inf}), "rate is +Inf, want a finite number above 0"},
		"polynomial":         {schedule(k.PolynomialDecay{Steps: 1, End: inf}), "end is +Inf, " + finite},
		"polynomial's power": {schedule(k.PolynomialDecay{Steps: 1, Power: nan}), "power is NaN, " + finite},
		"piecewise":          {schedule(k.PiecewiseConstantDecay{Boundaries: []int{1}, Factors: []float64{1, nan}}), "factor 1 is NaN, " + finite},
		"cosine":             {schedule(k.CosineDecay{Steps: 1, Alpha: inf}), "alpha is +Inf, " + finite},
		"warm-up":            {schedule(k.CosineDecay{Steps: 1, Warmup: -1}), "warm-up is -1, " + finite},
		"restarts":           {schedule(k.CosineDecayRestarts{Steps: 1, Grow: 0.5}), "grow is 0.5, want 1, a finite number of at least 1.001, or 0 for 2"},
		"restarts, shrink":   {schedule(k.CosineDecayRestarts{Steps: 1, Shrink: inf}), "shrink is +Inf, " + finite},
		"huber":              {loss(k.Huber(inf)), "huber: delta is +Inf, want a finite number above 0"},
		"focal":              {loss(k.CategoricalFocalCrossentropy(k.FocalGamma(inf))), "gamma +Inf, want finite numbers of at least 0"},
		"loss weight":        {compile(k.SGD(0.1), k.MeanSquaredError, k.LossWeights(nan)), "weight 0 of the losses is NaN, " + finite},
		"thresholds":         {metric(k.AUC(k.Thresholds(1 << 21))), "want 2 to 1048576"},
		"threshold":          {metric(k.Precision(k.Threshold(nan))), "metric precision: threshold is NaN, " + finite},
		"accuracy's":         {metric(k.BinaryAccuracyAt(inf)), "threshold is +Inf, " + finite},
		"f1's":               {metric(k.F1Score(k.Threshold(nan))), "metric f1_score: threshold is NaN, " + finite},
		"regularizer":        {layer(k.Dense(1, k.KernelRegularizer(k.L2(inf)))), "kernel_regularizer l2 is +Inf, " + finite},
		"kernel L2":          {layer(k.Conv1D(1, 1, k.KernelRegularizer(k.L2(nan)))), "regularizer has factor NaN, " + finite},
		"batch norm":         {layer(k.BatchNormalization(k.Epsilon(inf))), "epsilon is +Inf, want a finite number above 0"},
		"layer norm":         {layer(k.LayerNormalization(k.Epsilon(0))), "epsilon is 0, want a finite number above 0"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want != "" {
				wantError(t, c.err, c.want)
			} else if c.err != nil {
				t.Error(c.err)
			}
		})
	}
}
