// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
)

// kerasNames are the settings of an optimizer that Keras calls otherwise.
var kerasNames = map[string]string{"clipvalue": "clip_value", "clipnorm": "clip_norm", "global_clipnorm": "global_clip_norm"}

// optimizerOf is the optimizer of a case made by Keras.
func optimizerOf(t *testing.T, a golden.Args) Optimizer {
	own := golden.Args{}
	for name, v := range a {
		switch name {
		case "use_ema", "constraint", "boundaries", "values":
		default:
			own[cmp.Or(kerasNames[name], name)] = v
		}
	}
	o := fromArgs(t, own)
	if b := a.Ints("boundaries"); len(b) > 0 {
		s := PiecewiseConstantDecay{Boundaries: b}
		for _, v := range a["values"].([]any) {
			s.Factors = append(s.Factors, v.(float64))
		}
		commonOf(o).Schedule.Schedule = s
	}
	return o
}

// plainRows is an optimizer as a user may write one: no more than what Optimizer asks for.
type plainRows struct{ Optimizer }

func (o plainRows) InitialValue(slot string) float64 {
	if s, ok := o.Optimizer.(SlotInitializer); ok {
		return s.InitialValue(slot)
	}
	return 0
}

func (o plainRows) Begin(w []float32, slots [][]float32) {
	if s, ok := o.Optimizer.(SlotBeginner); ok {
		s.Begin(w, slots)
	}
}

// updates trains on the data of testdata/golden/embedding_updates.json, as Keras did, and
// calls after with the number of steps done.
func updates(t *testing.T, o Optimizer, constrained bool, data golden.Case, after func(m *Model, steps int) *Model) *Model {
	t.Helper()
	ids, y, rows := data.Inputs["ids"], data.Inputs["y"], data.Inputs["rows"]
	var options []DenseOption
	if constrained {
		options = append(options, KernelConstraint(MinMaxNorm(0.25, 0.5, 0.5)))
	}
	m := Sequential("m", Input(ids.Shape[2]), Embedding(rows.Shape[0], rows.Shape[1]), Flatten(), Dense(1, options...))
	if err := m.Compile(o, MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Weights()[0].Set(rows.Float32()), m.Weights()[1].Set(data.Inputs["kernel"].Float32())); err != nil {
		t.Fatal(err)
	}
	n := ids.Shape[1]
	each := n * ids.Shape[2]
	first, err := m.PredictOnBatch(filledTensor(ids.Float32()[:each], n, ids.Shape[2]))
	if err != nil {
		t.Fatal(err)
	}
	golden.Close(t, "first output", first, data.Want["first"], 1e-6, 1e-6)
	for step := range ids.Shape[0] {
		x, target := ids.Float32()[step*each:(step+1)*each], y.Float32()[step*n:(step+1)*n]
		if _, err := m.TrainOnBatch(filledTensor(x, n, ids.Shape[2]), filledTensor(target, n, 1)); err != nil {
			t.Fatal(err)
		}
		if after != nil {
			m = after(m, step+1)
		}
	}
	return m
}

// TestEmbeddingUpdates trains a net with an embedding, whose rows come, stay away and come
// again, with every optimizer, alone and with each setting, and compares tables, other
// weights and averages with those of Keras (testdata/golden/embedding_updates.json) to
// 2e-5 of the value: float32 rounds β₂ so that the first steps differ by 1e-5. It does so
// with the optimizer as it is, with one that has no more than Optimizer's methods, and with
// a model that is saved and loaded after five steps, whose bytes are those of the first.
func TestEmbeddingUpdates(t *testing.T) {
	cases := golden.Load(t, "embedding_updates")
	seen := map[string]int{}
	for _, c := range cases[1:] {
		o := optimizerOf(t, c.Args)
		seen[o.Name()]++
		check := func(name string, m *Model, rows []float32) {
			t.Helper()
			golden.Close(t, c.Name+name+": rows", rows, c.Want["rows"], 2e-5, 4e-6)
			golden.Close(t, c.Name+name+": kernel", m.Weights()[1].Values(), c.Want["kernel"], 2e-5, 4e-6)
			golden.Close(t, c.Name+name+": bias", m.Weights()[2].Values(), c.Want["bias"], 2e-5, 4e-6)
			if want, ok := c.Want["average_rows"]; ok {
				golden.Close(t, c.Name+name+": average rows", m.trainer.averages[0], want, 2e-5, 4e-6)
				golden.Close(t, c.Name+name+": average kernel", m.trainer.averages[1], c.Want["average_kernel"], 2e-5, 4e-6)
			}
		}
		var rows []float32
		keep := func(m *Model, steps int) *Model {
			if steps == 4 || steps == 9 {
				rows = append(rows, m.Weights()[0].Values()...)
			}
			return m
		}
		whole := updates(t, o, c.Args.Bool("constraint"), cases[0], keep)
		check("", whole, rows)

		path, rest := filepath.Join(t.TempDir(), "m.safetensors"), []float32(nil)
		resumed := updates(t, optimizerOf(t, c.Args), c.Args.Bool("constraint"), cases[0], func(m *Model, steps int) *Model {
			if steps != 5 {
				return m
			}
			if err := m.Save(path, WithOptimizer); err != nil {
				t.Fatal(err)
			}
			m, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			return m
		})
		for _, m := range []*Model{whole, resumed} {
			for _, s := range m.trainer.state((*Weight).Path) {
				rest = append(rest, s.values...)
			}
			for _, w := range m.Weights() {
				rest = append(rest, w.Values()...)
			}
		}
		if n := len(rest) / 2; !slices.Equal(rest[:n], rest[n:]) {
			t.Errorf("%s: saved and loaded after 5 steps the bytes are others", c.Name)
		}

		_, perWeight := o.(PerWeightOptimizer)
		if strings.HasSuffix(c.Name, "_plain") && c.Args.String("optimizer") != "AdamW" && !perWeight { // AdamW's decay is a setting
			rows = nil
			check(" of a user", updates(t, plainRows{o}, false, cases[0], keep), rows)
		}
	}
	for name := range optimizerKinds {
		if seen[name] < 8 {
			t.Errorf("%s: %d known trajectories, want at least 8", name, seen[name])
		}
	}
}

// TestMomentumMovesAbsentRows is by hand: ones, a gradient of 1 for the rows of ids 0, 1
// and 1; row 0 then has no gradient. Keras and TensorFlow.js give 0.78120 for Adam.
func TestMomentumMovesAbsentRows(t *testing.T) {
	for name, c := range map[string]struct {
		o    Optimizer
		want float64
	}{
		"adam":     {Adam(0.1), 0.78120},
		"momentum": {SGD(0.1, Momentum(0.9)), 1 - 0.1 - 0.09 - 0.081},
		"lazy":     {Adam(0.1, LazyRows), 0.9},
		"lazy sgd": {SGD(0.1, Momentum(0.9), LazyRows), 0.9},
		"sgd":      {SGD(0.1), 0.9},
	} {
		m := Sequential("m", Input(1), Embedding(3, 1), Flatten())
		if err := m.Compile(c.o, CustomLoss("sum", func(p, _ *graph.Node) (*graph.Node, error) { return p, nil })); err != nil {
			t.Fatal(err)
		}
		if err := m.Weights()[0].Set([]float32{1, 1, 1}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []float32{0, 1, 1} {
			if _, err := m.TrainOnBatch(filledTensor([]float32{id}, 1, 1), filledTensor([]float32{0}, 1, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if w := m.Weights()[0].Values(); math.Abs(float64(w[0])-c.want) > 5e-6 || w[2] != 1 {
			t.Errorf("%s: rows %v, want %v for the first and 1 for the last", name, w, c.want)
		}
	}
}

// TestLazyRowsAreUnchanged: with LazyRows a step changes neither the absent rows nor what is kept
// for them, and the rows that are there move as without.
func TestLazyRowsAreUnchanged(t *testing.T) {
	const height, width = 20, 5
	type pair struct{ lazy, all Optimizer }
	pairs := []pair{
		{SGD(0.1, LazyRows, Momentum(0.9), Nesterov), SGD(0.1, Momentum(0.9), Nesterov)},
		{RMSprop(0.1, LazyRows, Momentum(0.9), Centered), RMSprop(0.1, Momentum(0.9), Centered)},
		{Adam(0.1, LazyRows, AMSGrad), Adam(0.1, AMSGrad)},
	}
	all := moving(t, 0.1, false)
	for name, lazy := range moving(t, 0.1, true) {
		// With weight decay all rows change; Ftrl moves a row only when it is met for the first time.
		if o := lazy(); commonOf(o).WeightDecay == 0 && o.Name() != "ftrl" {
			pairs = append(pairs, pair{o, all[name]()})
		}
	}
	for _, o := range pairs {
		lazy, all := stepping(t, o.lazy, []int{height, width}), stepping(t, o.all, []int{height, width})
		rng := rand.New(rand.NewPCG(1, 2))
		step := func(one *trainer, rows ...int32) {
			g := gradient{rows: rows, sparse: true}
			for range len(rows) * width {
				g.values = append(g.values, float32(rng.NormFloat64()))
			}
			one.gradients[0] = g
			if err := one.step(0.1); err != nil {
				t.Fatal(err)
			}
		}
		every := []int32{}
		for r := range int32(height) {
			every = append(every, r)
		}
		step(lazy, every...)
		rng = rand.New(rand.NewPCG(1, 2))
		step(all, every...)
		before := lazy.state((*Weight).Path)
		for i := range before {
			before[i].values = slices.Clone(before[i].values)
		}
		weights := lazy.weights[0].Values()
		rng = rand.New(rand.NewPCG(3, 4))
		step(lazy, 3, 7)
		rng = rand.New(rand.NewPCG(3, 4))
		step(all, 3, 7)
		name := lazy.optimizer.Name()
		for r := range height {
			at := func(v []float32) []float32 { return v[r*width : (r+1)*width] }
			there := r == 3 || r == 7
			got := at(lazy.weights[0].Values())
			if there && !slices.Equal(got, at(all.weights[0].Values())) || !there && !slices.Equal(got, at(weights)) {
				t.Errorf("%s: row %d is %v, was %v, without LazyRows %v", name, r, got, at(weights), at(all.weights[0].Values()))
			}
			if !there && slices.Equal(at(all.weights[0].Values()), at(weights)) {
				t.Errorf("%s: row %d stands without LazyRows, too: this test proves nothing", name, r)
			}
			for k, s := range lazy.state((*Weight).Path) {
				if !there && !slices.Equal(at(s.values), at(before[k].values)) {
					t.Errorf("%s: %s of row %d has changed", name, s.name, r)
				}
			}
		}
	}
}

// Ftrl replaces rows at its first update, also those that do not occur, unless LazyRows is set.
func TestFtrlReplacesRows(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		o := Ftrl(0.1)
		if lazy {
			o = Ftrl(0.1, LazyRows)
		}
		one := stepping(t, o, []int{3, 2})
		if err := one.weights[0].Set([]float32{1, 2, 3, 4, 5, 6}); err != nil {
			t.Fatal(err)
		}
		one.gradients[0] = gradient{rows: []int32{1}, values: []float32{1, -1}, sparse: true}
		if err := one.step(0.1); err != nil {
			t.Fatal(err)
		}
		w := one.weights[0].Values()
		if got := []bool{w[0] == 1, w[2] == 3, w[5] == 6}; !slices.Equal(got, []bool{lazy, false, lazy}) {
			t.Errorf("lazy %v: the weights are %v", lazy, w)
		}
	}
}
