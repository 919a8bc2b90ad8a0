// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// watched passes its input on and keeps that of the last step of training.
type watched struct{ batch int }

func (*watched) Kind() string { return "Watched" }

func (d *watched) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	b.State("seen", keraslike.Zeros(), append([]int{d.batch}, in[0]...)...)
	return in[0], nil
}

func (d *watched) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	if s.Training() && s.Batch() == d.batch { // Compile tries a batch of 1
		s.Update("seen", in[0])
	}
	return in[0]
}

// trainingOutput is what a layer gives in one step of training.
func trainingOutput(t *testing.T, layer keraslike.Layer, batch, steps int, weights map[string][]float32) []float32 {
	t.Helper()
	m := keraslike.Sequential("m", keraslike.Input(steps, 1), layer, keraslike.Custom(&watched{batch}, keraslike.Name("watched")),
		keraslike.Dense(1, keraslike.Name("behind")))
	if err := m.Compile(keraslike.SGD(0), keraslike.MeanSquaredError, keraslike.Seed(4)); err != nil {
		t.Fatal(err)
	}
	for name, v := range weights {
		setWeight(t, m, "it/"+name, v)
	}
	x := make([]float32, batch*steps)
	for i := range x {
		x[i] = 1
	}
	if _, err := m.TrainOnBatch(tensorOf([]int{batch, steps, 1}, x), tensorOf([]int{batch, 1}, make([]float32, batch))); err != nil {
		t.Fatal(err)
	}
	seen, err := m.Weight("watched/seen")
	if err != nil {
		t.Fatal(err)
	}
	return seen.Values()
}

// shares are how often each value was seen.
func shares(values []float32) map[float32]float64 {
	share := map[float32]float64{}
	for _, v := range values {
		share[float32(math.Round(float64(v)*1e4)/1e4)] += 1 / float64(len(values))
	}
	return share
}

// checkShares compares with probabilities; 4096 samples are 0.03 off by chance in four
// standard deviations.
func checkShares(t *testing.T, got, want map[float32]float64) {
	t.Helper()
	for v, p := range got {
		if math.Abs(p-want[v]) > 0.03 {
			t.Errorf("%v came with share %.3f, want %.3f (all: %v)", v, p, want[v], got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("values %v, want those of %v", got, want)
	}
}

// TestRecurrentDropout enumerates what one linear unit can give with masks m of the input
// and r of the state, both 0 or 2 with probability one half and the same at every step:
// of ones, h1 = m, h2 = m + r·h1, h3 = m + r·h2.
func TestRecurrentDropout(t *testing.T) {
	const batch = 4096
	name := keraslike.Name("it")
	one := map[string][]float32{"kernel": {1}, "recurrent_kernel": {1}}
	simple := func(opts ...keraslike.RecurrentOption) []float32 {
		return trainingOutput(t, keraslike.SimpleRNN(1, append(opts, keraslike.Linear, name)...), batch, 3, one)
	}
	checkShares(t, shares(simple(keraslike.InputDropout(0.5))), map[float32]float64{0: 0.5, 6: 0.5})
	checkShares(t, shares(simple(keraslike.RecurrentDropout(0.5))), map[float32]float64{1: 0.5, 7: 0.5})
	checkShares(t, shares(simple(keraslike.InputDropout(0.5), keraslike.RecurrentDropout(0.5))), map[float32]float64{0: 0.5, 2: 0.25, 14: 0.25})

	// The gates of GRU and LSTM have their own masks with RecurrentDropout and one
	// of x without: with i = m_i, f = m_f, g = m_g, o = m_o and no recurrence, one step of
	// an LSTM is h = m_o·m_i·m_g.
	apart := map[string][]float32{"kernel": {1, 1, 1, 1}, "recurrent_kernel": {0, 0, 0, 0}, "bias": {0, 0, 0, 0}}
	linear := []keraslike.RecurrentOption{keraslike.Linear, keraslike.RecurrentActivation(keraslike.Linear), keraslike.InputDropout(0.5), name}
	lstm := func(opts ...keraslike.RecurrentOption) []float32 {
		return trainingOutput(t, keraslike.LSTM(1, append(opts, linear...)...), batch, 1, apart)
	}
	checkShares(t, shares(lstm()), map[float32]float64{0: 0.5, 8: 0.5})
	checkShares(t, shares(lstm(keraslike.RecurrentDropout(0.5))), map[float32]float64{0: 1 - 0.125, 8: 0.125})

	// h = z·0 + (1-z)·n with z = m_z and n = m_n: 0, 2 or -2.
	gru := trainingOutput(t, keraslike.GRU(1, append(linear, keraslike.RecurrentDropout(0.5))...), batch, 1,
		map[string][]float32{"kernel": {1, 1, 1}, "recurrent_kernel": {0, 0, 0}, "bias": make([]float32, 6)})
	checkShares(t, shares(gru), map[float32]float64{0: 0.5, 2: 0.25, -2: 0.25})
}

// Dropout acts in training only.
func TestRecurrentDropoutInPrediction(t *testing.T) {
	x := tensorOf([]int{2, 3, 1}, []float32{1, 2, 3, -1, 0, 1})
	for _, make := range []func(int, ...keraslike.RecurrentOption) keraslike.Layer{keraslike.SimpleRNN, keraslike.GRU, keraslike.LSTM} {
		var got [2][]float32
		for i, rate := range []float64{0, 0.5} {
			m := keraslike.Sequential("m", keraslike.Input(3, 1), make(2, keraslike.InputDropout(rate), keraslike.RecurrentDropout(rate)))
			if err := m.Build(1); err != nil {
				t.Fatal(err)
			}
			got[i] = predict(t, m, x)
		}
		for i, v := range got[1] {
			if math.Abs(float64(v-got[0][i])) > 1e-6 {
				t.Errorf("a layer with dropout predicts %v, one without %v", got[1], got[0])
			}
		}
	}
}

// TestConvLSTMDropout: a mask for each gate, the same at all steps. With linear activations and a window of
// one cell all is as with numbers.
func TestConvLSTMDropout(t *testing.T) {
	const batch = 4096
	for _, c := range []struct {
		name                    string
		option                  keraslike.RecurrentOption
		steps                   int
		kernel, recurrent, bias []float32 // of i, f, g and o
		want                    map[float32]float64
	}{
		{"input", keraslike.InputDropout(0.25), 2, []float32{0, 0, 1, 0}, make([]float32, 4), []float32{1, 1, 0, 1}, map[float32]float64{0: 0.25, 2.6667: 0.75}},
		{"each gate", keraslike.InputDropout(0.25), 1, []float32{1, 0, 1, 0}, make([]float32, 4), []float32{0, 0, 0, 1}, map[float32]float64{0: 0.4375, 1.7778: 0.5625}},
		{"state", keraslike.RecurrentDropout(0.25), 3, []float32{0, 0, 1, 0}, []float32{0, 0, 1, 0}, []float32{1, 0, 0, 1}, map[float32]float64{1: 0.25, 4.1111: 0.75}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := keraslike.Sequential("m", keraslike.Input(c.steps, 1, 1),
				keraslike.ConvLSTM1D(1, 1, keraslike.Linear, keraslike.RecurrentActivation(keraslike.Linear), c.option, keraslike.Name("it")),
				keraslike.Custom(&watched{batch}, keraslike.Name("watched")))
			if err := m.Compile(keraslike.SGD(0), keraslike.MeanSquaredError, keraslike.Seed(4)); err != nil {
				t.Fatal(err)
			}
			for name, v := range map[string][]float32{"kernel": c.kernel, "recurrent_kernel": c.recurrent, "bias": c.bias} {
				setWeight(t, m, "it/"+name, v)
			}
			x := slices.Repeat([]float32{1}, batch*c.steps)
			if _, err := m.TrainOnBatch(tensorOf([]int{batch, c.steps, 1, 1}, x), tensorOf([]int{batch, 1, 1}, make([]float32, batch))); err != nil {
				t.Fatal(err)
			}
			seen, err := m.Weight("watched/seen")
			if err != nil {
				t.Fatal(err)
			}
			checkShares(t, shares(seen.Values()), c.want)
		})
	}
}
