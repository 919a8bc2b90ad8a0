// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// TestSamples compares moments of a million numbers with those of the distributions, within 5 standard
// errors, and checks that step and stream change them and the number of workers does not.
func TestSamples(t *testing.T) {
	const n = 1_000_000
	rng := &Random{Key: 5}
	g := New()
	var try Try
	do := try.Do
	p := do(Constant(g, tensor.New(tensor.WithShape(n), tensor.WithBacking(slices.Repeat([]float32{0.3}, n)))))
	roots := Nodes{
		do(RandomUniform(g, Float32, rng, 1, n)),
		do(RandomUniform(g, Float32, rng, 2, n)),
		do(RandomNormal(g, Float32, rng, 3, n)),
		do(Cast(do(Bernoulli(p, rng, 4)), Float32)),
	}
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	program, err := Compile(roots...)
	if err != nil {
		t.Fatal(err)
	}
	run := func() (all [][]float32) {
		if err := program.RunAll(); err != nil {
			t.Fatal(err)
		}
		for k := range roots {
			all = append(all, slices.Clone(program.Floats(k)))
		}
		return all
	}
	first := run()
	for k, want := range [][2]float64{{0.5, 1.0 / 12}, {0.5, 1.0 / 12}, {0, 1}, {0.3, 0.21}} {
		var sum, squares float64
		for _, v := range first[k] {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		mean := sum / n
		variance := squares/n - mean*mean
		if math.Abs(mean-want[0]) > 5*math.Sqrt(want[1]/n) || math.Abs(variance-want[1]) > 5*math.Sqrt(2/float64(n)) {
			t.Errorf("root %d: mean %v and variance %v, want %v", k, mean, variance, want)
		}
	}
	for _, v := range first[0] {
		if v < 0 || v >= 1 {
			t.Fatal("a uniform number is ", v)
		}
	}
	if slices.Equal(first[0], first[1]) {
		t.Error("two streams have the same numbers")
	}
	restore := Workers(1)
	again := run()
	restore()
	rng.Step++
	next := run()
	for k := range roots {
		if !slices.Equal(first[k], again[k]) {
			t.Errorf("root %d differs with one worker", k)
		}
		if slices.Equal(first[k], next[k]) {
			t.Errorf("root %d is the same at the next step", k)
		}
	}
	if allocs := testing.AllocsPerRun(3, func() { err = program.RunAll() }); allocs > 0 || err != nil {
		t.Errorf("a run allocates %v times: %v", allocs, err)
	}
}

func TestSampleErrors(t *testing.T) {
	rng := &Random{}
	for want, build := range map[string]func() (*Node, error){
		"no source":            func() (*Node, error) { return RandomNormal(New(), Float32, nil, 0, 2) },
		"element type is bool": func() (*Node, error) { return RandomUniform(New(), Bool, rng, 0, 2) },
		"negative axis":        func() (*Node, error) { return RandomUniform(New(), Float32, rng, 0, -2) },
		"the graph is nil":     func() (*Node, error) { return RandomUniform(nil, Float32, rng, 0, 2) },
		"input 0 is nil":       func() (*Node, error) { return Bernoulli(nil, rng, 0) },
	} {
		if _, err := build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
