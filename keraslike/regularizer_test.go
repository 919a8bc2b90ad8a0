// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
)

// TestRegularizerValues adds each penalty of testdata/golden/regularizers.json to a
// loss whose own gradient is 0 and takes its gradient from one step of SGD.
func TestRegularizerValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "regularizers") {
		if c.Args.String("regularizer") == "" {
			continue
		}
		seen++
		w := c.Inputs["w"]
		in := w.Shape[0]
		r := L1L2(c.Args.Float("l1"), c.Args.Float("l2"))
		if c.Args.String("regularizer") == "OrthogonalRegularizer" {
			r = OrthogonalRegularizer(c.Args.Float("factor"), OrthogonalVectors(c.Args.String("mode") == "columns"))
		}
		m := Sequential("m", Input(in), Dense(len(w.Data)/in, NoBias, KernelRegularizer(r)))
		if err := m.Compile(SGD(1), MeanSquaredError); err != nil {
			t.Fatal(err)
		}
		if err := m.weights[0].Set(w.Float32()); err != nil {
			t.Fatal(err)
		}
		loss, err := m.TrainOnBatch(tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(2, in)), tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(2, len(w.Data)/in)))
		if err != nil {
			t.Fatal(err)
		}
		golden.Close(t, c.Name+": loss", []float64{loss.Loss()}, c.Want["loss"], 1e-6, 1e-7)
		dw := w.Float32()
		for i, v := range m.weights[0].Values() {
			dw[i] -= v
		}
		golden.Close(t, c.Name+": dw", dw, c.Want["dw"], 1e-6, 2e-7)
	}
	if seen != 15 {
		t.Errorf("%d known values, want 15", seen)
	}
}

func TestConstraintValues(t *testing.T) {
	seen := map[string]int{}
	for _, c := range golden.Load(t, "regularizers") {
		axes := c.Args.Ints("axis")
		if len(axes) == 0 {
			axes = []int{c.Args.Int("axis")}
		}
		var k Constraint
		switch c.Args.String("constraint") {
		case "":
			continue
		case "MaxNorm":
			k = MaxNorm(c.Args.Float("max_value"), axes...)
		case "UnitNorm":
			k = UnitNorm(axes...)
		case "MinMaxNorm":
			k = MinMaxNorm(c.Args.Float("min_value"), c.Args.Float("max_value"), c.Args.Float("rate"), axes...)
		case "NonNeg":
			k = NonNeg()
		}
		if err := k.check(); err != nil {
			t.Fatal(err)
		}
		seen[k.Kind]++
		w := c.Inputs["w"].Float32()
		b := k.bind(c.Inputs["w"].Shape)
		b.apply(w)
		golden.Close(t, c.Name, w, c.Want["w"], 1e-6, 1e-7)
	}
	if len(seen) != 4 || seen["max_norm"] != 7 {
		t.Errorf("known values of %v, want 4 kinds, 7 of max_norm", seen)
	}
}

// Constraints hold after updates that would break them, also of sparse gradients'
// neighbors; an activity's penalty is summed over the batch.
func TestRegularizersInTraining(t *testing.T) {
	m := Sequential("m", Input(4), Dense(3, KernelConstraint(MaxNorm(0.5)), BiasConstraint(NonNeg()), ActivityRegularizer(L1(1)), Name("a")), conv1DOver3())
	if err := m.Compile(SGD(0.5), MeanSquaredError, Seed(3)); err != nil {
		t.Fatal(err)
	}
	x := tensor.New(tensor.WithShape(2, 4), tensor.WithBacking([]float32{1, -2, 3, 4, 2, 2, -1, 0}))
	y := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{9, -9, 9, 5, 5, -5}))
	for range 5 {
		if _, err := m.TrainOnBatch(x, y); err != nil {
			t.Fatal(err)
		}
	}
	kernel, bias := m.weights[0].Values(), m.weights[1].Values()
	for j := range 3 {
		var squares float32
		for i := range 4 {
			squares += kernel[i*3+j] * kernel[i*3+j]
		}
		if squares > 0.25001 || bias[j] < 0 {
			t.Errorf("unit %d has a squared norm of %g and a bias of %g", j, squares, bias[j])
		}
	}

	one := Sequential("one", Input(2), Dense(2, NoBias, KernelInitializer(Ones()), ActivityRegularizer(L1L2(0.5, 0.25))))
	if err := one.Compile(SGD(0), MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	loss, err := one.TrainOnBatch(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 0, 0, -2})),
		tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 1, -2, -2})))
	if err != nil {
		t.Fatal(err)
	}
	// Outputs 1, 1, -2, -2 hit the targets: (0.5·6 + 0.25·10)/2 for two samples.
	if loss.Loss() != 2.75 {
		t.Errorf("loss %v, want 2.75", loss)
	}
}

// Activity penalties by Keras 3.15, of ones through kernels of ones, batch 4 (Keras on
// torch: sum of model.losses). The case of TimeDistributed is that of a model in it.
func TestActivityRegularizer(t *testing.T) {
	ones, none := KernelInitializer(Ones()), RecurrentInitializer(Zeros())
	dense := func() Layer { return Dense(2, ones, ActivityRegularizer(L1(1))) }
	rnn := []RecurrentOption{ones, none, ActivityRegularizer(L2(1))}
	sequences := append(slices.Clone(rnn), ReturnSequences, ReturnState)
	shape := []int{5, 3}
	for name, c := range map[string]struct {
		shape []int
		of    func(x *Tensor) *Tensor
		want  float64
	}{
		"dense":       {[]int{3}, func(x *Tensor) *Tensor { return dense().Apply(x) }, 6},
		"of a series": {shape, func(x *Tensor) *Tensor { return TimeDistributed(dense()).Apply(x) }, 30},
		"shared": {[]int{3}, func(x *Tensor) *Tensor {
			d := dense()
			return Add().Apply(d.Apply(x), d.Apply(Rescaling(2, 0).Apply(x)))
		}, 18},
		"nested":           {[]int{3}, func(x *Tensor) *Tensor { m := nestedDense(dense()); return Add().Apply(m.Apply(x), m.Apply(x)) }, 12},
		"model of a step":  {shape, func(x *Tensor) *Tensor { return TimeDistributed(nestedDense(dense())).Apply(x) }, 30},
		"gru":              {shape, func(x *Tensor) *Tensor { return GRU(2, rnn...).Apply(x) }, 0.09211687743663788},
		"gru's state":      {shape, func(x *Tensor) *Tensor { return GRU(2, sequences...).Apply(x) }, 0.21176432073116302 + 0.09211687743663788},
		"lstm's states":    {shape, func(x *Tensor) *Tensor { return LSTM(2, sequences...).Apply(x) }, 8.05562973022461 + 1.8140192031860352 + 41.804012298583984},
		"both directions":  {shape, func(x *Tensor) *Tensor { return Bidirectional(LSTM(2, rnn...)).Apply(x) }, 2 * 1.8140192031860352},
		"attention":        {shape, func(x *Tensor) *Tensor { return MultiHeadAttention(2, 3, ones, ActivityRegularizer(L1(1))).Apply(x, x) }, 270 + 3*90},
		"convolution":      {shape, func(x *Tensor) *Tensor { return Conv1D(2, 3, ones, ActivityRegularizer(L1(1))).Apply(x) }, 54},
		"separable":        {[]int{5, 5, 3}, func(x *Tensor) *Tensor { return SeparableConv2D(2, 3, ones, ActivityRegularizer(L1(1))).Apply(x) }, 486},
		"of several steps": {[]int{2, 5, 3}, func(x *Tensor) *Tensor { return TimeDistributed(TimeDistributed(dense())).Apply(x) }, 60},
	} {
		t.Run(name, func(t *testing.T) {
			x := Input(c.shape...)
			m := NewModel("m", []*Tensor{x}, []*Tensor{c.of(x)})
			zero := CustomLoss("zero", func(p, _ *graph.Node) (*graph.Node, error) { return graph.Scale(p, 0) })
			if err := m.Compile(SGD(0), zero); err != nil {
				t.Fatal(err)
			}
			ones := func(s Shape) *tensor.Dense {
				return tensor.New(tensor.WithShape(s.withBatch(4)...), tensor.WithBacking(slices.Repeat([]float32{1}, 4*s.Size())))
			}
			data, err := Data(ArrayOf(ones(c.shape)), ArrayOf(ones(m.outputs[0].shape)))
			if err != nil {
				t.Fatal(err)
			}
			logs, err := m.Evaluate(t.Context(), data, BatchSize(4))
			if err != nil {
				t.Fatal(err)
			}
			if got := logs.Get("loss"); math.Abs(got-c.want) > 1e-5*c.want {
				t.Errorf("penalty is %.9g, want %.9g", got, c.want)
			}
			// Of batches of 3 and 1 each has the mean over its own samples, as all are alike.
			if logs, err = m.Evaluate(t.Context(), data, BatchSize(3)); err != nil {
				t.Fatal(err)
			}
			if got := logs.Get("loss"); math.Abs(got-c.want) > 1e-5*c.want {
				t.Errorf("penalty of batches of 3 and 1 is %.9g, want %.9g", got, c.want)
			}
		})
	}
}

// Keras 3.15 adds the penalties of trainable weights only: model.losses of this model sums to 0.5 with
// the first layer frozen, to 3.5 without, to 0 with both frozen.
func TestFrozenWeightsHaveNoPenalty(t *testing.T) {
	ones := KernelInitializer(Ones())
	first := nestedDense(Dense(1, ones, KernelRegularizer(L1(1))))
	m := Sequential("m", Input(3), first, Dense(1, ones, KernelRegularizer(L1(0.5))))
	x := tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float32{0, 0, 0}))
	y := tensor.New(tensor.WithShape(1, 1), tensor.WithBacking([]float32{0}))
	data, err := Data(ArrayOf(x), ArrayOf(y))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		frozen []string
		want   float64
	}{{[]string{"inner"}, 0.5}, {nil, 3.5}, {[]string{"inner", "dense"}, 0}} {
		if err := m.SetTrainable(true); err != nil {
			t.Fatal(err)
		}
		if len(c.frozen) > 0 {
			if err := m.SetTrainable(false, c.frozen...); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Compile(SGD(0), MeanSquaredError); err != nil {
			t.Fatal(err)
		}
		logs, err := m.Evaluate(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		if got := logs.Get("loss"); got != c.want {
			t.Errorf("loss with %v frozen is %g, want %g", c.frozen, got, c.want)
		}
		if len(c.frozen) == 2 {
			continue // nothing is left to train
		}
		if r, err := m.TrainOnBatch(x, y); err != nil || r.Loss() != c.want {
			t.Errorf("training with %v frozen: loss %g and error %v, want %g", c.frozen, r.Loss(), err, c.want)
		}
	}
}

func nestedDense(l Layer) *Model {
	x := Input(3)
	return NewModel("inner", []*Tensor{x}, []*Tensor{l.Apply(x)})
}

// conv1DOver3 keeps the shape (3) through a convolution, so that both kinds of layers
// are restrained in one model.
func conv1DOver3() Part {
	in := Input(3)
	x := Reshape([]int{3, 1}).Apply(in)
	x = Conv1D(1, 1, KernelConstraint(UnitNorm(0, 1))).Apply(x)
	return NewModel("conv", []*Tensor{in}, []*Tensor{Flatten().Apply(x)})
}

func TestRegularizerMistakes(t *testing.T) {
	for _, c := range []struct {
		option KernelOption
		want   string
	}{
		{KernelRegularizer(L1(-1)), "regularizer has factor -1"},
		{KernelRegularizer(OrthogonalRegularizer(-1, OrthogonalRows)), "regularizer has factor -1"},
		{BiasRegularizer(OrthogonalRegularizer(1, OrthogonalRows)), `weight "bias": orthogonal regularizer: the shape is [2], want two axes`},
		{KernelConstraint(MaxNorm(-1)), "bounds 0 and -1"},
		{KernelConstraint(MinMaxNorm(2, 1, 1)), "bounds 2 and 1"},
		{BiasConstraint(MaxNorm(1, 1)), `weight "bias": constraint max_norm has axis 1, the shape is [2]`},
		{KernelConstraint(Constraint{Kind: "round"}), `constraint "round": unknown`},
	} {
		err := Sequential("m", Input(3), Dense(2, c.option)).Build(1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v lacks %q", err, c.want)
		}
	}
}
