// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/kernel"
)

// Muon moves a matrix along the orthogonalization of its momentum, so that all directions count
// equally (Jordan et al. 2024), and other weights as Adam:
//
//	m = μ·m + g;  x = (g + μ·m)/(|g + μ·m| + 1e-7)
//	MuonSteps times:  a = x·xᵀ;  x = c₁·x + (c₂·a + c₃·a²)·x
//	w -= rate·scale·√max(rows, columns)·x
//
// with μ = Momentum, the coefficients c of MuonCoefficients and scale = MuonScale (Liu et al. 2025). As
// in Keras, weights with other than two axes, those with "embedding" in their path and those of AdamFor
// are updated by Adam with rate·AdamRateRatio, Beta1, Beta2 and Epsilon, and decay by AdamWeightDecay
// instead of WeightDecay. The last layer should be one of them:
//
//	k.Muon(0.001, k.AdamFor("output/"))
//
// Keras's default rate is 0.001. See https://keras.io/api/optimizers/muon/.
//
// Options: Momentum (0.95), PlainMomentum (off), MuonSteps (5), MuonCoefficients (standard),
// MuonScale (0.2), AdamFor (none), MuonForEmbeddings (off), AdamRateRatio (1), Beta1 (0.9), Beta2
// (0.999), Epsilon (1e-7), AdamWeightDecay (0.004), ClipValue (none), ClipNorm (none),
// GlobalClipNorm (none), WeightDecay (0.004), ExcludeFromWeightDecay (none), AccumulateGradients
// (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Muon(rate float64, opts ...OptimizerOption) Optimizer {
	o := &muon{
		LearningRate: rate, Momentum: 0.95, Nesterov: true, Steps: 5, A: 3.4445, B: -4.7750, C: 2.0315, Scale: 0.2,
		AdamRatio: 1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, AdamDecay: 0.004, NoEmbeddings: true,
	}
	o.WeightDecay = 0.004
	o.apply(opts, fields{
		"Momentum": &o.Momentum, "PlainMomentum": func(bool) { o.Nesterov = false }, "MuonSteps": &o.Steps,
		"MuonCoefficients": func(c [3]float64) { o.A, o.B, o.C = c[0], c[1], c[2] }, "MuonScale": &o.Scale,
		"AdamFor": &o.AdamFor, "MuonForEmbeddings": func(bool) { o.NoEmbeddings = false }, "AdamRateRatio": &o.AdamRatio,
		"Beta1": &o.Beta1, "Beta2": &o.Beta2, "Epsilon": &o.Epsilon, "AdamWeightDecay": &o.AdamDecay,
	})
	return o
}

// MuonSteps is the number of iterations by which Muon orthogonalizes, from 1 to 100; the default is 5.
func MuonSteps(n int) OptimizerOption { return optionValue[int]{"MuonSteps", n} }

// MuonCoefficients are those of Muon's iteration; the default, which is recommended, is 3.4445,
// -4.7750 and 2.0315.
func MuonCoefficients(c1, c2, c3 float64) OptimizerOption {
	return optionValue[[3]float64]{"MuonCoefficients", [3]float64{c1, c2, c3}}
}

// MuonScale is the factor with which Muon's steps have about the size of Adam's, so that the same
// rates fit; the default is 0.2. With 0 steps are neither multiplied by it nor by
// √max(rows, columns), as with rms_rate=None in Keras.
func MuonScale(scale float64) OptimizerOption { return optionValue[float64]{"MuonScale", scale} }

// AdamFor makes Muon update the weights whose path contains one of the texts as Adam, such as those
// of the last layer. Each must be part of the path of a weight that is trained. By default there are none.
func AdamFor(paths ...string) OptimizerOption {
	return optionValue[[]string]{"AdamFor", slices.Clone(paths)}
}

// AdamRateRatio is the learning rate of the weights that Muon updates as Adam, as a fraction of its
// own; the default is 1.
func AdamRateRatio(ratio float64) OptimizerOption {
	return optionValue[float64]{"AdamRateRatio", ratio}
}

// AdamWeightDecay is the WeightDecay of the weights that Muon updates as Adam; the default is 0.004.
func AdamWeightDecay(decay float64) OptimizerOption {
	return optionValue[float64]{"AdamWeightDecay", decay}
}

// The flags of Muon.
const (
	// PlainMomentum makes Muon orthogonalize its momentum m instead of g + μ·m, Nesterov's form.
	PlainMomentum OptimizerFlag = "PlainMomentum"
	// MuonForEmbeddings makes Muon treat the tables of embeddings as other matrices.
	MuonForEmbeddings OptimizerFlag = "MuonForEmbeddings"
)

var _ = registerOptimizer("muon", func() Optimizer { return Muon(0.001) })

type muon struct {
	commonSettings
	LearningRate float64  `json:"learning_rate"`
	Momentum     float64  `json:"momentum"`
	Nesterov     bool     `json:"nesterov"`
	Steps        int      `json:"ns_steps"`
	A            float64  `json:"muon_a"`
	B            float64  `json:"muon_b"`
	C            float64  `json:"muon_c"`
	Scale        float64  `json:"rms_rate"`
	AdamFor      []string `json:"exclude_layers,omitempty"`
	NoEmbeddings bool     `json:"exclude_embeddings"`
	AdamRatio    float64  `json:"adam_lr_ratio"`
	Beta1        float64  `json:"adam_beta_1"`
	Beta2        float64  `json:"adam_beta_2"`
	Epsilon      float64  `json:"epsilon"`
	AdamDecay    float64  `json:"adam_weight_decay"`

	rows, cols int // of the weight of ForWeight
}

func (o *muon) Name() string    { return "muon" }
func (o *muon) Rate() float64   { return o.LearningRate }
func (o *muon) Slots() []string { return []string{"momentum"} }

func (o *muon) Check() error {
	mistakes := []error{o.check(), checkRate(o.LearningRate), checkFraction("momentum", o.Momentum), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2), checkEpsilon(o.Epsilon),
		checkNonNegative("scale of Muon", o.Scale), checkNonNegative("ratio of Adam's rate", o.AdamRatio), checkNonNegative("weight decay of Adam", o.AdamDecay)}
	if o.Steps < 1 || o.Steps > 100 {
		mistakes = append(mistakes, fmt.Errorf("%d steps of Muon, want 1 to 100", o.Steps))
	}
	return errors.Join(mistakes...)
}

// CheckPaths returns an error for a text of AdamFor that is part of no path.
func (o *muon) CheckPaths(paths []string) error { return checkPatterns("AdamFor", o.AdamFor, paths) }

// usesAdam reports whether a weight is updated as Adam.
func (o *muon) usesAdam(path string, shape []int) bool {
	return len(shape) != 2 || o.NoEmbeddings && strings.Contains(strings.ToLower(path), "embedding") || matches(path, o.AdamFor)
}

// DecayOf returns the weight decay of a weight.
func (o *muon) DecayOf(path string, shape []int) float64 {
	if o.usesAdam(path, shape) {
		return o.AdamDecay
	}
	return o.WeightDecay
}

// ForWeight returns Adam or the optimizer with the weight's shape.
func (o *muon) ForWeight(path string, shape []int) Optimizer {
	if o.usesAdam(path, shape) {
		return &muonAdam{adam{LearningRate: o.LearningRate, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon}, o.AdamRatio}
	}
	own := *o
	own.rows, own.cols = shape[0], shape[1]
	return &own
}

func (o *muon) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	if o.Scale != 0 {
		rate *= o.Scale * math.Sqrt(float64(max(o.rows, o.cols)))
	}
	kernel.Muon(w, g, slots[0], o.rows, o.cols, float32(rate), float32(o.Momentum), o.Nesterov, o.Steps, [3]float32{float32(o.A), float32(o.B), float32(o.C)})
}

// muonAdam is Adam with a part of the learning rate.
type muonAdam struct {
	adam
	ratio float64
}

func (o *muonAdam) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	o.adam.Update(w, g, slots, step, rate*o.ratio)
}
