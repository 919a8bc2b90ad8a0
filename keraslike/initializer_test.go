// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
)

// holder is a layer that only holds one weight.
type holder struct {
	shape []int
	init  keraslike.Initializer
}

func (holder) Kind() string { return "Holder" }

func (d holder) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	b.Weight("w", d.init, keraslike.Regularizer{}, d.shape...)
	return in[0], nil
}

func (holder) Forward(_ *keraslike.Scope, in []*graph.Node) *graph.Node { return in[0] }

// initial are the first values of a weight of the layer with that name.
func initial(t *testing.T, init keraslike.Initializer, layer string, seed uint64, shape ...int) []float32 {
	t.Helper()
	m := keraslike.Sequential("m", keraslike.Input(1), keraslike.Custom(holder{shape, init}, keraslike.Name(layer)))
	if err := m.Build(seed); err != nil {
		t.Fatal(err)
	}
	return m.Weights()[0].Values()
}

func initializerOf(a golden.Args) (i keraslike.Initializer, ok bool) {
	switch name := a.String("initializer"); name {
	case "glorot_uniform":
		return keraslike.GlorotUniform(), true
	case "glorot_normal":
		return keraslike.GlorotNormal(), true
	case "he_uniform":
		return keraslike.HeUniform(), true
	case "he_normal":
		return keraslike.HeNormal(), true
	case "lecun_uniform":
		return keraslike.LecunUniform(), true
	case "lecun_normal":
		return keraslike.LecunNormal(), true
	case "random_normal":
		return keraslike.RandomNormal(a.Float("stddev")).Plus(a.Float("mean")), true
	case "random_uniform":
		low, high := a.Float("minval"), a.Float("maxval")
		return keraslike.RandomUniform((high - low) / 2).Plus((high + low) / 2), true
	case "truncated_normal":
		return keraslike.TruncatedNormal(a.Float("stddev")).Plus(a.Float("mean")), true
	case "variance_scaling":
		return keraslike.VarianceScaling(a.Float("scale"), keraslike.FanMode(a.String("mode")), keraslike.Distribution(a.String("distribution"))), true
	case "identity":
		return keraslike.Identity(a.Float("gain")), true
	case "orthogonal":
		return keraslike.Orthogonal(a.Float("gain")), true
	case "zeros":
		return keraslike.Zeros(), true
	case "ones":
		return keraslike.Ones(), true
	case "constant":
		return keraslike.Constant(a.Float("value")), true
	}
	return keraslike.Initializer{}, false
}

// TestInitializers compares limits, moments and properties with
// testdata/golden/initializers.json. The random ones are drawn with 20 seeds,
// so that mean, deviation and quartile are estimated from n ≥ 60,000 numbers.
func TestInitializers(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range golden.Load(t, "initializers") {
		init, ok := initializerOf(c.Args)
		if !ok {
			continue
		}
		seen[init.Kind] = true
		shape := c.Args.Ints("shape")
		t.Run(c.Name, func(t *testing.T) {
			if want, ok := c.Want["w"]; ok {
				golden.Close(t, "w", initial(t, init, "a", 1, shape...), want, 0, 0)
				return
			}
			if want, ok := c.Want["gram_of_shorter_side"]; ok {
				golden.Close(t, "gram", gram(initial(t, init, "a", 1, shape...), shape[len(shape)-1]), want, 1e-6, 1e-6)
				return
			}
			var all []float32
			for seed := range uint64(20) {
				all = append(all, initial(t, init, "a", seed, shape...)...)
			}
			checkMoments(t, all, c.Want)
		})
	}
	for _, kind := range []string{"glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "random_uniform", "random_normal", "orthogonal", "zeros", "ones", "constant", "truncated_normal", "variance_scaling", "identity"} {
		if !seen[kind] {
			t.Errorf("%s has no known values", kind)
		}
	}
}

// checkMoments allows five standard errors: of the mean σ/√n, of the deviation
// at most σ/√(2n)·√2, of the quartile √(3/16n)/f where the density f there is at
// least 0.3/σ.
func checkMoments(t *testing.T, w []float32, want map[string]golden.Array) {
	t.Helper()
	n := float64(len(w))
	var sum, squares, largest float64
	for _, v := range w {
		sum += float64(v)
		squares += float64(v) * float64(v)
		largest = max(largest, math.Abs(float64(v)))
	}
	mean, std := want["mean"].Data[0], want["std"].Data[0]
	if got := sum / n; math.Abs(got-mean) > 5*std/math.Sqrt(n) {
		t.Errorf("mean is %g, want %g", got, mean)
	}
	if got := math.Sqrt(squares/n - sum/n*sum/n); math.Abs(got-std) > 5*std/math.Sqrt(n) {
		t.Errorf("standard deviation is %g, want %g", got, std)
	}
	if limit, ok := want["limit"]; ok {
		if l := limit.Data[0]; largest > l*(1+1e-7) || largest < 0.99*l {
			t.Errorf("largest value is %g, want it just below %g", largest, l)
		}
	}
	if q, ok := want["quantile_25"]; ok {
		slices.Sort(w)
		if got := float64(w[len(w)/4]); math.Abs(got-q.Data[0]) > 5*math.Sqrt(3/(16*n))*std/0.3 {
			t.Errorf("first quartile is %g, want %g", got, q.Data[0])
		}
	}
}

// gram is the matrix of the scalar products of the shorter side's vectors.
func gram(w []float32, cols int) []float64 {
	rows := len(w) / cols
	n, m, at := rows, cols, func(i, k int) float64 { return float64(w[i*cols+k]) }
	if rows > cols {
		n, m, at = cols, rows, func(i, k int) float64 { return float64(w[k*cols+i]) }
	}
	out := make([]float64, 0, n*n)
	for i := range n {
		for j := range n {
			var s float64
			for k := range m {
				s += at(i, k) * at(j, k)
			}
			out = append(out, s)
		}
	}
	return out
}

// TestInitialValuesDependOnSeedAndPath is what lets a layer be added without
// changing the others.
func TestInitialValuesDependOnSeedAndPath(t *testing.T) {
	base := initial(t, keraslike.GlorotUniform(), "a", 1, 8, 8)
	for _, c := range []struct {
		layer string
		seed  uint64
		same  bool
	}{{"a", 1, true}, {"b", 1, false}, {"a", 2, false}} {
		got := initial(t, keraslike.GlorotUniform(), c.layer, c.seed, 8, 8)
		if slices.Equal(got, base) != c.same {
			t.Errorf("layer %q with seed %d: equal to layer \"a\" with seed 1 is %v, want %v", c.layer, c.seed, !c.same, c.same)
		}
	}
	// A layer in front changes no other layer's values.
	dense := func(parts ...keraslike.Part) []float32 {
		m := keraslike.Sequential("m", append([]keraslike.Part{keraslike.Input(8)}, parts...)...)
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		w, err := m.Weight("out/kernel")
		if err != nil {
			t.Fatal(err)
		}
		return w.Values()
	}
	if !slices.Equal(dense(keraslike.Dense(8, keraslike.Name("out"))), dense(keraslike.Dense(8), keraslike.Dense(8, keraslike.Name("out")))) {
		t.Error("a layer in front changed the first values of the layer behind it")
	}
}

func TestInitializerMistakes(t *testing.T) {
	for _, init := range []keraslike.Initializer{
		{Kind: "unheard_of"}, keraslike.Constant(math.NaN()), keraslike.RandomNormal(-1), keraslike.RandomUniform(math.Inf(1)), keraslike.Orthogonal(math.NaN()),
		keraslike.VarianceScaling(0, keraslike.FanIn, keraslike.UniformDistribution), keraslike.VarianceScaling(1, "fan", keraslike.UniformDistribution),
		keraslike.VarianceScaling(1, keraslike.FanIn, "cauchy"), keraslike.TruncatedNormal(-1), keraslike.Zeros().Plus(math.Inf(1)),
	} {
		t.Run(fmt.Sprint(init.Kind, init.Value), func(t *testing.T) {
			m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(3, keraslike.KernelInitializer(init)))
			wantError(t, m.Build(0), `Dense "dense"`, `weight "kernel"`, "initializer")
		})
	}
}
