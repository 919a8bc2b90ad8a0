// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math"
	"testing"

	"github.com/reef-dl/reef/graph"
)

// ramp is the f of testdata/phases.py.
func ramp(n, k int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(float64(i*k%11)/11 - 0.45)
	}
	return v
}

// tinyGAN is the GAN of testdata/phases.py: the phase of the discriminator and that of the generator.
func tinyGAN(t *testing.T, d, g []PhaseOption, options ...CompileOption) (gan, generator, discriminator *Model) {
	t.Helper()
	generator = Sequential("generator", Input(2), Dense(2))
	discriminator = Sequential("discriminator", Input(2), Dense(3, Tanh), Dense(1))
	gan = Models("gan", generator, discriminator)
	critic := func(s *Step) *graph.Node {
		do := s.Do
		z, real := s.Input(0, 2), s.Input(1, 2)
		fake := s.Call(generator, z)
		mixed := do(graph.Scale(do(graph.Add(real, fake)), 0.5))
		slope := s.Gradient(s.Call(discriminator, mixed), mixed)
		norm := do(graph.Sqrt(do(graph.Sum(do(graph.Square(slope)), graph.Axes(1)))))
		penalty := do(graph.Mean(do(graph.Square(do(graph.Affine(norm, 1, -1))))))
		s.Log("penalty", penalty)
		s.Measure(MeanAbsoluteError, fake, real)
		loss := do(graph.Add(softplusMean(s, do(graph.Neg(s.Call(discriminator, real)))), softplusMean(s, s.Call(discriminator, fake))))
		return do(graph.Add(loss, do(graph.Scale(penalty, 0.5))))
	}
	maker := func(s *Step) *graph.Node {
		return softplusMean(s, s.Do(graph.Neg(s.Call(discriminator, s.Call(generator, s.Input(0, 2))))))
	}
	err := gan.Compile(SGD(0.1), Phases(
		Phase("d", critic, append([]PhaseOption{Trains(discriminator), Times(2)}, d...)...),
		Phase("g", maker, append([]PhaseOption{Trains(generator), PhaseOptimizer(SGD(0.05, Momentum(0.9)))}, g...)...)), options...)
	if err != nil {
		t.Fatal(err)
	}
	for path, k := range map[string]int{
		"generator/dense/kernel": 3, "generator/dense/bias": 4, "discriminator/dense/kernel": 6, "discriminator/dense/bias": 2,
		"discriminator/dense_1/kernel": 8, "discriminator/dense_1/bias": 9,
	} {
		w, err := gan.Weight(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Set(ramp(w.size(), k)); err != nil {
			t.Fatal(err)
		}
	}
	return gan, generator, discriminator
}

func softplusMean(s *Step, x *graph.Node) *graph.Node {
	return s.Do(graph.Mean(s.Do(graph.Activate(x, graph.Act(graph.Softplus)))))
}

// ganData are the 12 samples of testdata/phases.py.
func ganData(t testing.TB) Source {
	t.Helper()
	data, err := MultiData([]*Array{mustArray2(t, ramp(24, 7), 12, 2), mustArray2(t, ramp(24, 5), 12, 2)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPhasesTrainAsPyTorch compares the weights, losses and logs after an epoch of two phases with
// different optimizers, one of which is updated twice with each batch, with those of testdata/phases.py.
func TestPhasesTrainAsPyTorch(t *testing.T) {
	gan, _, _ := tinyGAN(t, nil, nil)
	h, err := gan.Fit(t.Context(), ganData(t), BatchSize(4), KeepOrder)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{
		{-0.4508107, -0.1767048, 0.0966333, 0.3673627},
		{-0.3797454, -0.1296844},
		{-0.6389881, 0.1992974, -0.3862877, 0.2546393, -0.3160141, 0.2867814},
		{-0.4280050, -0.2249620, -0.0952838},
		{-0.6911957, 0.3452316, -0.1851335},
		{-0.3511659},
	} {
		for j, got := range gan.Weights()[i].Values() {
			if math.Abs(float64(got)-want[j]) > 2e-6 {
				t.Errorf("%s[%d] = %v, want %v", gan.Weights()[i].Path(), j, got, want[j])
			}
		}
	}
	for name, want := range map[string]float64{"d_loss": 1.5481718, "penalty": 0.3485426, "g_loss": 0.8884662} {
		if got := h.Get(name); len(got) != 1 || math.Abs(got[0]-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if names := h.Names(); len(names) != 4 {
		t.Errorf("the series are %q, want d_loss, penalty, g_loss and mean_absolute_error", names)
	}
}
