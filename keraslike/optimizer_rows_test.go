// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// TestUpdateOfRows: an update of some rows equals, in every bit, the update of all rows with zeros for
// the others, for rows that come, stay away and come again, and whenever the state is
// looked at.
func TestUpdateOfRows(t *testing.T) {
	const height, width, steps = 40, 75, 300
	optimizers := map[string]Optimizer{
		"centered": RMSprop(0.1, Centered, Rho(0.99)), "rmsprop momentum": RMSprop(0.1, Momentum(0.5), Centered),
		"momentum": SGD(0.1, Momentum(0.9)), "nesterov": SGD(0.1, Momentum(0.9), Nesterov),
		"amsgrad": Adam(0.1, AMSGrad), "adadelta 1": Adadelta(1), "averages": Adadelta(1, AverageWeights(0.9), WeightDecay(0.1)),
		"of a user": plainRows{Adam(0.1)},
	}
	for name, make := range registered(t, 0.1, false) {
		optimizers[name] = make()
	}
	for name, o := range optimizers {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			sparse, dense := stepping(t, o, []int{height, width}), stepping(t, o, []int{height, width})
			copy(sparse.weights[0].floats(), dense.weights[0].Values())
			for step := range steps {
				all := make([]float32, height*width)
				var some []float32
				var rows []int32
				for r := range height {
					if rng.IntN(1+r) != 0 { // row 0 each time, the last ones rarely
						continue
					}
					rows = append(rows, int32(r))
					for c := range width {
						v := float32(rng.NormFloat64())
						all[r*width+c] = v
						some = append(some, v)
					}
				}
				for one, g := range map[*trainer]gradient{sparse: {values: some, rows: rows, sparse: true}, dense: {values: all}} {
					one.gradients[0] = g
					if err := one.step(o.Rate()); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Equal(sparse.weights[0].Values(), dense.weights[0].Values()) {
					t.Fatalf("step %d: rows and all give different weights", step+1)
				}
				if rng.IntN(50) != 0 && step < steps-1 {
					continue
				}
				want := dense.state((*Weight).Path)
				for k, s := range sparse.state((*Weight).Path) {
					if !slices.Equal(s.values, want[k].values) {
						t.Fatalf("step %d: rows and all give different %s", step+1, s.name)
					}
				}
			}
		})
	}
}

// TestPartsOfRows: rows that are summed and updated a part at a time give the bits of all
// of them at once, which is how gradients that somebody looks at are used.
func TestPartsOfRows(t *testing.T) {
	const words, steps, texts = 3000, 40, 32 // more rows than a part has
	optimizers := []func() Optimizer{
		func() Optimizer { return SGD(0.1) },
		func() Optimizer { return RMSprop(0.01) },
		func() Optimizer { return Adam(0.01) },
		func() Optimizer { return Adagrad(0.01) },
		func() Optimizer { return Adadelta(1) },
		func() Optimizer { return SGD(0.1, Momentum(0.9), LazyRows) },
		func() Optimizer { return RMSprop(0.01, Momentum(0.9), LazyRows) },
	}
	for _, o := range append(optimizers, slices.Collect(maps.Values(moving(t, 0.01, true)))...) {
		name := o().Name()
		train := func(guarded bool, dim int) []float32 {
			m := Sequential(name, Input(steps), Embedding(words, dim), Flatten(), Dense(1, Sigmoid))
			if err := m.Compile(o(), BinaryCrossentropy, Seed(1)); err != nil {
				t.Fatal(err)
			}
			m.trainer.checksGradients = guarded
			rng := rand.New(rand.NewPCG(5, 6))
			for range 5 {
				x, y := make([]float32, texts*steps), make([]float32, texts)
				for i := range x {
					x[i] = float32(int(rng.ExpFloat64()*words/4) % words)
				}
				for i := range y {
					y[i] = float32(rng.IntN(2))
				}
				if _, err := m.TrainOnBatch(filledTensor(x, texts, steps), filledTensor(y, texts, 1)); err != nil {
					t.Fatal(err)
				}
			}
			var all []float32
			for _, s := range m.trainer.state((*Weight).Path) {
				all = append(all, s.values...)
			}
			return append(all, m.Weights()[0].Values()...)
		}
		for _, dim := range []int{24, 64} { // longer rows are also gathered in their order
			want := train(true, dim)
			for _, workers := range []int{1, 2, 7} {
				restore := graph.Workers(workers)
				if !slices.Equal(train(false, dim), want) {
					t.Errorf("%s, %d dimensions, %d workers: parts of the rows and all rows give different bits", name, dim, workers)
				}
				restore()
			}
		}
	}
}

func filledTensor(values []float32, shape ...int) graph.Value {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
}

// TestBadIDAmongLongRows: an id that is out of range, not an integer or NaN is named with
// its layer and place, changes nothing, and the batch after it is as if it had not been.
func TestBadIDAmongLongRows(t *testing.T) {
	const words, texts, steps, at = 10, 4, 40, 87
	m := Sequential("text", Input(steps), Embedding(words, 64), Flatten(), Dense(1, Sigmoid))
	if err := m.Compile(RMSprop(0.01), BinaryCrossentropy, Seed(1)); err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, texts*steps), filledTensor(make([]float32, texts), texts, 1)
	for i := range x {
		x[i] = float32(i % words)
	}
	train := func() error {
		_, err := m.TrainOnBatch(filledTensor(x, texts, steps), y)
		return err
	}
	if err := train(); err != nil {
		t.Fatal(err)
	}
	before := m.Weights()[0].Values()
	for _, id := range []float32{words, -1, 2.5, float32(math.NaN()), float32(math.Inf(1))} {
		x[at] = id
		want := fmt.Sprintf("id is %v, want an integer from 0 to 9", id)
		if err := train(); err == nil || !strings.Contains(err.Error(), "embedding") || !strings.Contains(err.Error(), want) {
			t.Errorf("id %v: error %v, want one of the embedding with %q", id, err, want)
		}
		if !slices.Equal(before, m.Weights()[0].Values()) {
			t.Fatalf("id %v has changed the table", id)
		}
	}
	x[at] = at % words
	if err := train(); err != nil || slices.Equal(before, m.Weights()[0].Values()) {
		t.Errorf("after the bad ids: error %v, or nothing was learned", err)
	}
}
