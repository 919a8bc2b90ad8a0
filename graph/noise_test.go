// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"slices"
	"testing"

	"gorgonia.org/tensor"
)

// noisy compiles f applied to a tensor of twos and returns a function that runs it.
func noisy(t *testing.T, shape []int, f func(x *Node) (*Node, error)) func() []float32 {
	t.Helper()
	g := New()
	x, err := Input(g, Float32, "x", shape...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, size(shape))
	for i := range values {
		values[i] = 2
	}
	if err := Let(x, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))); err != nil {
		t.Fatal(err)
	}
	y, err := f(x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	return func() []float32 {
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(Floats(y.Value()))
	}
}

// TestGaussianStatistics checks mean and standard deviation of the noise to five standard
// errors, and that it depends only on what Random documents.
func TestGaussianStatistics(t *testing.T) {
	const n = 100_000
	rng := &Random{Key: 5}
	for name, c := range map[string]struct {
		f      func(x *Node) (*Node, error)
		stddev float64
	}{
		"noise":   {func(x *Node) (*Node, error) { return GaussianNoise(x, 0.7, rng, 1) }, 0.7},
		"dropout": {func(x *Node) (*Node, error) { return GaussianDropout(x, 0.2, rng, 2) }, 2 * math.Sqrt(0.25)}, // of twos: 2·√(0.2/0.8)
	} {
		run := noisy(t, []int{n / 50, 50}, c.f)
		rng.Step = 0
		first := run()
		var sum, squares float64
		for _, v := range first {
			sum += float64(v) - 2
			squares += (float64(v) - 2) * (float64(v) - 2)
		}
		if mean := sum / n; math.Abs(mean) > 5*c.stddev/math.Sqrt(n) {
			t.Errorf("%s: mean is %v off", name, mean)
		}
		if stddev := math.Sqrt(squares / n); math.Abs(stddev-c.stddev) > 5*c.stddev/math.Sqrt(2*n) {
			t.Errorf("%s: standard deviation is %v, want %v", name, stddev, c.stddev)
		}
		rng.Step = 1
		if slices.Equal(run(), first) {
			t.Errorf("%s: two steps have the same noise", name)
		}
		rng.Step = 0
		if !slices.Equal(run(), first) {
			t.Errorf("%s: one step has two noises", name)
		}
	}
}

// TestSpatialDropout checks that each channel of a sample is kept or dropped as a whole, and
// that the dropped fraction matches the rate.
func TestSpatialDropout(t *testing.T) {
	const n, cells, channels, rate = 100, 6, 40, 0.25
	y := noisy(t, []int{n, 2, 3, channels}, func(x *Node) (*Node, error) { return SpatialDropout(x, rate, &Random{Key: 1}, 3) })()
	gone := 0
	for i := range n {
		for c := range channels {
			first := y[i*cells*channels+c]
			if first == 0 {
				gone++
			} else if want := float32(2 / (1 - rate)); first != want {
				t.Fatalf("sample %d, channel %d is %v, want 0 or %v", i, c, first, want)
			}
			for k := range cells {
				if v := y[(i*cells+k)*channels+c]; v != first {
					t.Fatalf("sample %d, channel %d: cell %d is %v, cell 0 %v", i, c, k, v, first)
				}
			}
		}
	}
	if share := float64(gone) / (n * channels); math.Abs(share-rate) > 5*math.Sqrt(rate*(1-rate)/(n*channels)) {
		t.Errorf("%v of the channels are dropped, want %v", share, rate)
	}
}
