// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gorgonia.org/tensor"
)

// TestGradientOfRecurrent checks every cell with every operand and output, the general cells
// with dropout masks.
func TestGradientOfRecurrent(t *testing.T) {
	gates := map[Cell]int{SimpleCell: 1, GRUCell: 3, GRUResetAfterCell: 3, LSTMCell: 4}
	for cell, g := range gates {
		for _, output := range []RecurrentOutput{LastState, AllStates, StatesAndCell, StateAndCell} {
			if output >= StatesAndCell && cell != LSTMCell {
				continue
			}
			for _, s := range []struct {
				batch, steps                int
				bias, mask, states, reverse bool
				gated                       *CellActivations
			}{
				{2, 4, true, false, false, false, nil},
				{1, 1, true, false, false, false, nil},
				{3, 3, false, false, true, true, nil},
				{2, 4, true, true, true, false, nil},
				{2, 5, true, true, false, true, nil},
				{2, 3, true, true, true, false, &CellActivations{Act(Softsign), Act(Mish)}},
				{1, 1, false, false, false, false, &CellActivations{Act(SiLU), Act(ELU)}},
			} {
				t.Run(fmt.Sprintf("%v/%v/%+v", cell, output, s), func(t *testing.T) {
					const in, units = 3, 2
					rng := rand.New(rand.NewPCG(uint64(cell), uint64(output)))
					inputs := []*tensor.Dense{random(rng, s.batch, s.steps, in), random(rng, in, g*units), random(rng, units, g*units)}
					bias, mask, h0, c0, dropX, dropH := -1, -1, -1, -1, -1, -1
					add := func(x *tensor.Dense) int { inputs = append(inputs, x); return len(inputs) - 1 }
					if s.bias {
						shape := []int{g * units}
						if cell == GRUResetAfterCell {
							shape = []int{2, g * units}
						}
						bias = add(random(rng, shape...))
					}
					if s.states {
						h0 = add(random(rng, s.batch, units))
						if cell == LSTMCell {
							c0 = add(random(rng, s.batch, units))
						}
					}
					var options []CheckOption
					if s.mask {
						m := make([]float64, s.batch*s.steps)
						for i := range m {
							m[i] = float64(rng.IntN(2))
						}
						mask = add(tensor.New(tensor.WithShape(s.batch, s.steps), tensor.WithBacking(m)))
						options = append(options, Fixed(mask))
					}
					spec := RecurrentSpec{Cell: cell, Act: Act(Tanh), Reverse: s.reverse, Output: output}
					if s.gated != nil {
						dropX, dropH = add(random(rng, g, s.batch, in)), add(random(rng, g, s.batch, units))
						options = append(options, Fixed(dropX, dropH))
						if cell == SimpleCell {
							spec.Act = s.gated.State
						} else {
							spec.Gated = s.gated
						}
					}
					report, err := CheckGradient(func(n Nodes) (*Node, error) {
						opt := func(i int) *Node {
							if i < 0 {
								return nil
							}
							return n[i]
						}
						return Recurrent(spec, RecurrentInputs{
							X: n[0], W: n[1], U: n[2], Bias: opt(bias), Mask: opt(mask), H0: opt(h0), C0: opt(c0),
							DropX: opt(dropX), DropH: opt(dropH),
						})
					}, inputs, options...)
					if err != nil {
						t.Fatal(err)
					}
					if report.Error > 1e-6 {
						t.Error(report)
					}
				})
			}
		}
	}
}

// TestRecurrentKeepsNothingWithoutGradient runs two layers in a Program of the outputs, next to the
// gradients of the last layer, and next to all gradients: layers without a gradient keep nothing,
// and the outputs have the same bits.
func TestRecurrentKeepsNothingWithoutGradient(t *testing.T) {
	const batch, steps, in, units = 4, 50, 3, 8
	for cell, gates := range map[Cell]int{SimpleCell: 1, GRUCell: 3, GRUResetAfterCell: 3, LSTMCell: 4} {
		var want []float32
		for gradients := range 3 {
			rng := rand.New(rand.NewPCG(uint64(cell), 1))
			g := New()
			var layers, kernels Nodes
			x := input32(t, g, rng, "x", batch, steps, in)
			for i, size := range []int{in, units} {
				w := input32(t, g, rng, fmt.Sprint("w", i), size, gates*units)
				u := input32(t, g, rng, fmt.Sprint("u", i), units, gates*units)
				y, err := Recurrent(RecurrentSpec{Cell: cell, Act: Act(Tanh), Output: AllStates}, RecurrentInputs{X: x, W: w, U: u})
				if err != nil {
					t.Fatal(err)
				}
				layers, kernels, x = append(layers, y), append(kernels, w), y
			}
			roots := Nodes{x}
			if gradients > 0 {
				cost, err := Sum(x)
				if err != nil {
					t.Fatal(err)
				}
				grads, err := Grad(cost, kernels[2-gradients:]...)
				if err != nil {
					t.Fatal(err)
				}
				roots = append(roots, grads...)
			}
			program, err := Compile(roots...)
			if err != nil {
				t.Fatal(err)
			}
			if err := program.RunAll(); err != nil {
				t.Fatal(err)
			}
			for i, n := range layers {
				kept := len(n.Op().(*op).keeps.(*recurrence).single.saved)
				if (kept > 0) != (i >= 2-gradients) {
					t.Errorf("%v: layer %d keeps %d numbers next to the gradients of the last %d", cell, i, kept, gradients)
				}
			}
			if gradients == 0 {
				want = slices.Clone(Floats(x.Value()))
			} else if !slices.Equal(Floats(x.Value()), want) {
				t.Errorf("%v: outputs differ next to the gradients of %d layers", cell, gradients)
			}
		}
	}
}

// TestRecurrentEvaluationNeedsLittleMemory runs 128 sequences of 5,000 steps through 64 units of an
// LSTM, whose gates and states of all steps would take 800 MB.
func TestRecurrentEvaluationNeedsLittleMemory(t *testing.T) {
	const batch, steps, in, units = 128, 5000, 14, 64
	g, rng := New(), rand.New(rand.NewPCG(1, 1))
	y, err := Recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{
		X: input32(t, g, rng, "x", batch, steps, in), W: input32(t, g, rng, "w", in, 4*units), U: input32(t, g, rng, "u", units, 4*units),
	})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	program, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	if err := program.RunAll(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got, limit := program.Memory().Planned, 1<<20; got > limit {
		t.Errorf("%d bytes of values are planned, want at most %d", got, limit)
	}
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(32<<20); got > limit {
		t.Errorf("a first run allocates %d bytes, want at most %d", got, limit)
	}
}

// input32 is a float32 input that is bound to random numbers.
func input32(t *testing.T, g *Graph, rng *rand.Rand, name string, shape ...int) *Node {
	n, err := Input(g, Float32, name, shape...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, size(shape))
	for i := range values {
		values[i] = rng.Float32() - 0.5
	}
	bindTo(t, n, values)
	return n
}
