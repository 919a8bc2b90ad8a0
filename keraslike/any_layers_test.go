// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
)

// gain multiplies by a trained number: a layer of a user that bears any shape, so that models of
// layers without weights have something to train.
type gain struct{ passesMask }

func (*gain) Kind() string { return "Gain" }

func (*gain) Build(b *Builder, in []Shape) (Shape, error) {
	if in[0].isFree() {
		return nil, fmt.Errorf("a definition sees the shape %v", in[0])
	}
	b.Weight("factor", Constant(1.5), Regularizer{}, 1)
	return in[0], nil
}

func (*gain) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape().Clone()
	column := s.Do(graph.Reshape(in[0], Shape(shape).Size(), 1))
	return s.Do(graph.Reshape(s.Do(graph.MulRow(column, s.Weight("factor"))), shape...))
}

// refusedAxes has the axes of layerRows that a layer cannot have free: "input.axis" of one that is
// free alone, "all" for the first axis of every input, and "images" for the first two.
var refusedAxes = map[string]string{
	"Dense":                 "0.2",
	"SimpleRNN":             "0.2",
	"GRU":                   "0.2",
	"LSTM":                  "0.2",
	"RNN":                   "0.2",
	"Bidirectional":         "0.2",
	"Conv1D":                "0.2",
	"Conv2D":                "0.3",
	"DepthwiseConv2D":       "0.3",
	"SeparableConv2D":       "0.3",
	"Conv2DTranspose":       "0.3",
	"Conv3D":                "0.4",
	"ConvLSTM1D":            "0.3",
	"ConvLSTM2D":            "0.4",
	"ConvLSTM3D":            "0.5",
	"DepthwiseConv1D":       "0.2",
	"SeparableConv1D":       "0.2",
	"Conv1DTranspose":       "0.2",
	"Conv3DTranspose":       "0.4",
	"Add":                   "0.1 0.2 1.1 1.2 2.1 2.2", // one axis of 1 is broadcast to 4
	"Subtract":              "0.1 0.2 1.1 1.2",
	"Multiply":              "0.1 0.2 1.1 1.2",
	"Average":               "0.1 0.2 1.1 1.2",
	"Maximum":               "0.1 0.2 1.1 1.2",
	"Minimum":               "0.1 0.2 1.1 1.2",
	"Concatenate":           "0.2 1.2",
	"Dot":                   "0.1 1.2 all",
	"BatchNormalization":    "0.1 images",
	"LayerNormalization":    "0.1 0.3 images",
	"GroupNormalization":    "0.2 images",
	"Normalization":         "0.1 images",
	"PReLU":                 "0.2 0.3 images",
	"TimeDistributed":       "0.3",
	"SpectralNormalization": "0.2",
	"ChannelsFirst":         "0.1 images",
	"RMSNormalization":      "0.1 0.3 images",
	"EinsumDense":           "0.2 0.3 images",
	"Attention":             "0.2 1.1 2.1 2.2",
	"AdditiveAttention":     "0.2 1.2",
	"GroupQueryAttention":   "0.2 1.2",
	"RotaryEmbedding":       "",
	"PositionEmbedding":     "0.2",
	"MultiHeadAttention":    "0.1 0.2 1.1 1.2 2.1 2.2 all",
}

// freed is a layerRow with free axes.
type freed struct {
	layerRow
	name string
	free [][2]int // inputs and their axes, from 0
}

// freedRows are the rows with each axis free by itself, and with those of all inputs.
func (r layerRow) freed() (list []freed) {
	var first, image [][2]int
	for i, s := range r.in {
		for axis := range s {
			list = append(list, freed{r, fmt.Sprintf("%d.%d", i, axis+1), [][2]int{{i, axis}}})
		}
		if s[0] > 1 { // else it is broadcast
			first = append(first, [2]int{i, 0})
		}
		if len(s) == 3 {
			image = append(image, [2]int{i, 0}, [2]int{i, 1})
		}
	}
	if len(first) > 1 {
		list = append(list, freed{r, "all", first})
	}
	if len(image) > 0 {
		list = append(list, freed{r, "images", image})
	}
	return list
}

// inputs returns the shapes of the inputs with this length for the free axes; 0 is their own.
func (f *freed) inputs(times int) []Shape {
	shapes := make([]Shape, len(f.in))
	for i, s := range f.in {
		shapes[i] = slices.Clone(s)
	}
	for _, at := range f.free {
		if times == Any {
			shapes[at[0]][at[1]] = Any
		} else {
			shapes[at[0]][at[1]] *= times
		}
	}
	return shapes
}

// network is the layer between two gains, for inputs of these shapes.
func (f *freed) network(shapes []Shape) *Model {
	var inputs, in []*Tensor
	for i, s := range shapes {
		x := NamedInput(fmt.Sprint("input ", i), s...)
		inputs, in = append(inputs, x), append(in, x)
	}
	if f.ids == 0 && !f.shaped {
		in[0] = Custom(&gain{}, Name("before")).Apply(in[0])
	}
	y := f.layer().Apply(in...)
	return NewModel("row", inputs, []*Tensor{Custom(&gain{}, Name("behind")).Apply(y)})
}

// samples makes data for inputs of these shapes and outputs like those of m.
func (f *freed) samples(shapes []Shape, m *Model) (*data, error) {
	rng := newRand(1, f.kind)
	d := &data{}
	for i, s := range shapes {
		values := make([]float32, rowSamples*s.Size())
		for k := range values {
			switch {
			case f.ids > 0:
				values[k] = float32(rng.IntN(f.ids))
			case f.masked && i == len(f.in)-1:
				values[k] = float32(max(rng.IntN(2), 1-k%s[len(s)-1]))
			default:
				values[k] = float32(rng.NormFloat64())
			}
		}
		d.inputs = append(d.inputs, &Array{values: values, shape: s.withBatch(rowSamples)})
	}
	out, err := m.PredictAll(d.inputs...)
	if err != nil {
		return nil, err
	}
	y := &Array{values: make([]float32, len(out[0].values)), shape: out[0].shape}
	for k := range y.values {
		y.values[k] = float32(rng.NormFloat64())
	}
	d.targets = []*Array{y}
	return d, nil
}

// TestEveryLayerAtAnyLength compares each layer with free axes to the one with fixed lengths: the
// same bytes of predictions, and of weights that are trained at two lengths in turn. Layers that
// cannot bear the axis must say so.
func TestEveryLayerAtAnyLength(t *testing.T) {
	for _, r := range layerRows() {
		var refused []string
		for _, f := range r.freed() {
			t.Run(r.kind+" "+f.name, func(t *testing.T) {
				m := f.network(f.inputs(Any))
				if m.Err() == nil {
					f.compare(t, m)
					return
				}
				refused = append(refused, f.name)
				text := m.Err().Error()
				if !strings.Contains(text, r.kind+` "`) || !strings.Contains(text, "?") {
					t.Errorf("%v does not name the layer and the axis", text)
				}
			})
		}
		if got := strings.Join(refused, " "); got != refusedAxes[r.kind] {
			t.Errorf("%s refuses free axes %q, want %q", r.kind, got, refusedAxes[r.kind])
		}
	}
}

// compare trains and predicts with free and fixed axes.
func (f *freed) compare(t *testing.T, free *Model) {
	options := []CompileOption{Seed(3)}
	if out := free.outputs[0].shape; len(out) > 0 && out[len(out)-1] != Any {
		options = append(options, RMSE)
	}
	compile := func(m *Model) {
		t.Helper()
		if err := m.Compile(SGD(0.01), MeanSquaredError, options...); err != nil {
			t.Fatal(err)
		}
	}
	compile(free)
	var before *Model
	for _, times := range []int{1, 2} {
		fixed := f.network(f.inputs(times))
		if err := fixed.Err(); err != nil {
			t.Fatal(err) // also the shapes that the free model bears
		}
		compile(fixed)
		if before != nil {
			for i, w := range fixed.weights {
				if err := w.Set(before.weights[i].Values()); err != nil {
					t.Fatal(err)
				}
			}
			fixed.trainer.steps = before.trainer.steps
			fixed.random.Step = before.random.Step
			fixed.epochs = before.epochs
		}
		d, err := f.samples(f.inputs(times), fixed)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*Model{fixed, free} {
			if _, err := m.Fit(context.Background(), d, Epochs(2), BatchSize(2)); err != nil {
				t.Fatal(err)
			}
		}
		for i, w := range fixed.weights {
			if !slices.Equal(w.Values(), free.weights[i].Values()) {
				t.Errorf("%s after training at %d times the length: %v, want %v", w.path, times, free.weights[i].Values(), w.Values())
			}
		}
		want, err := fixed.PredictAll(d.inputs...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := free.PredictAll(d.inputs...)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0].shape, want[0].shape) || !slices.Equal(got[0].values, want[0].values) {
			t.Errorf("prediction at %d times the length: %v, want %v", times, got[0], want[0])
		}
		if !free.outputs[0].shape.takes(got[0].shape[1:]) {
			t.Errorf("prediction has shape %v, the model promised %v", got[0].shape, free.outputs[0].shape)
		}
		logs, err := free.Evaluate(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		wanted, err := fixed.Evaluate(context.Background(), d)
		if err != nil || fmt.Sprint(logs) != fmt.Sprint(wanted) {
			t.Errorf("evaluation at %d times the length: %v, want %v, %v", times, logs, wanted, err)
		}
		before = fixed
	}
}
