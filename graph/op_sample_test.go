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
	if allocs := testing.AllocsPerRun(20, func() { err = program.RunAll() }); allocs > 0 || err != nil {
		t.Errorf("a run allocates %v times: %v", allocs, err)
	}
}

// TestCategorical compares how often classes are drawn with their probabilities, within 5 standard errors.
func TestCategorical(t *testing.T) {
	const rows, classes = 200_000, 4
	for _, dt := range []Dtype{Float32, Float64} {
		rng := &Random{Key: 6}
		g := New()
		var try Try
		do := try.Do
		values := []float64{-1, 0.5, math.Inf(-1), 1, math.Inf(-1), math.Inf(-1), -200, math.Inf(-1)}
		list := tensor.New(tensor.Of(dt), tensor.WithShape(2, 1, classes))
		for i, v := range values {
			if dt == Float32 {
				list.Float32s()[i] = float32(v)
			} else {
				list.Float64s()[i] = v
			}
		}
		logits := do(Constant(g, list))
		class := do(Categorical(do(BroadcastTo(logits, 2, rows, classes)), rng, 1))
		other := do(Categorical(do(BroadcastTo(logits, 2, rows, classes)), rng, 2))
		if try.Err() != nil {
			t.Fatal(try.Err())
		}
		if class.Dtype() != Int64 || !class.Shape().Eq(Shape{2, rows}) {
			t.Fatalf("%v of shape %v, want int64 of shape (2, %d)", class.Dtype(), class.Shape(), rows)
		}
		program, err := Compile(class, other)
		if err != nil {
			t.Fatal(err)
		}
		run := func(k int) (list []int64) {
			if err := program.RunAll(); err != nil {
				t.Fatal(err)
			}
			for _, v := range valuesOf(Nodes{class, other}[k].Value()) {
				list = append(list, int64(v))
			}
			return list
		}
		first := run(0)
		count := [classes]float64{}
		for _, c := range first[:rows] {
			count[c]++
		}
		total := math.Exp(-1) + math.Exp(0.5) + math.Exp(1)
		for c, p := range []float64{math.Exp(-1) / total, math.Exp(0.5) / total, 0, math.Exp(1) / total} {
			if math.Abs(count[c]/rows-p) > 5*math.Sqrt(p*(1-p)/rows) {
				t.Errorf("%v: class %d has frequency %v, want %v", dt, c, count[c]/rows, p)
			}
		}
		if i := slices.IndexFunc(first[rows:], func(c int64) bool { return c != 2 }); i >= 0 {
			t.Errorf("%v: class %d was drawn, the only possible one is 2", dt, first[rows+i])
		}
		restore := Workers(1)
		again, otherStream := run(0), run(1)
		restore()
		rng.Step++
		if next := run(0); !slices.Equal(first, again) || slices.Equal(first, next) || slices.Equal(first, otherStream) {
			t.Errorf("%v: the numbers must depend on step and stream and not on the number of workers", dt)
		}
	}
}

func TestSampleErrors(t *testing.T) {
	rng := &Random{}
	var try Try
	logits := func(shape ...int) *Node { return try.Do(Input(New(), Float32, "logits", shape...)) }
	for want, build := range map[string]func() (*Node, error){
		"no source":            func() (*Node, error) { return RandomNormal(New(), Float32, nil, 0, 2) },
		"element type is bool": func() (*Node, error) { return RandomUniform(New(), Bool, rng, 0, 2) },
		"negative axis":        func() (*Node, error) { return RandomUniform(New(), Float32, rng, 0, -2) },
		"the graph is nil":     func() (*Node, error) { return RandomUniform(nil, Float32, rng, 0, 2) },
		"input 0 is nil":       func() (*Node, error) { return Bernoulli(nil, rng, 0) },
		"earlier expression":   func() (*Node, error) { return Categorical(nil, rng, 0) },
		"want an axis":         func() (*Node, error) { return Categorical(logits(), rng, 0) },
		"there is no class":    func() (*Node, error) { return Categorical(logits(2, 0), rng, 0) },
		"source of random":     func() (*Node, error) { return Categorical(logits(2, 3), nil, 0) },
	} {
		if _, err := build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
