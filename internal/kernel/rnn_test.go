// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

var rnnCells = map[string]RNNCell{"simple": CellSimple, "gru": CellGRU, "gru reset after": CellGRUResetAfter, "lstm": CellLSTM}

// rnnCase is a layer with random operands and memory for all results.
type rnnCase[T Float] struct {
	s *RNN
	t *RNNTensors[T]
	d *RNNGradients[T]
}

func newRNNCase(rng *rand.Rand, s *RNN, mask, state bool) *rnnCase[float32] {
	g := s.Cell.Gates() * s.Units
	bias := g
	if s.Cell == CellGRUResetAfter {
		bias *= 2
	}
	scaled := func(n int, by float64) []float32 {
		x := randomFloats(rng, n)
		Scale(x, x, float32(by))
		return x
	}
	states := s.Batch * s.Units
	c := &rnnCase[float32]{s, &RNNTensors[float32]{
		X: randomFloats(rng, s.Batch*s.Time*s.In), W: scaled(s.In*g, 1/math.Sqrt(float64(s.In))),
		U: scaled(s.Units*g, 1/math.Sqrt(float64(s.Units))), Bias: scaled(bias, 0.1),
		Y: make([]float32, states*s.Time), HN: make([]float32, states), Saved: make([]float32, RNNSavedLen(s)),
	}, &RNNGradients[float32]{
		DY: randomFloats(rng, states*s.Time), DHN: randomFloats(rng, states),
		DX: make([]float32, s.Batch*s.Time*s.In), DW: make([]float32, s.In*g), DU: make([]float32, s.Units*g), DBias: make([]float32, bias),
	}}
	if s.General != nil { // unbounded gates make states grow
		Scale(c.t.W, c.t.W, 0.3)
		Scale(c.t.U, c.t.U, 0.3)
	}
	if mask {
		c.t.Mask = make([]float32, s.Batch*s.Time)
		for i := range c.t.Mask {
			c.t.Mask[i] = float32(min(rng.IntN(4), 1))
		}
	}
	if state {
		c.t.H0, c.d.DH0 = randomFloats(rng, states), make([]float32, states)
		if s.Cell == CellLSTM {
			c.t.C0, c.d.DC0 = randomFloats(rng, states), make([]float32, states)
			c.t.CN, c.d.DCN = make([]float32, states), randomFloats(rng, states)
		}
	}
	return c
}

// wide is the same case in float64.
func (c *rnnCase[T]) wide() *rnnCase[float64] {
	w := func(x []T) []float64 {
		if x == nil {
			return nil
		}
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = float64(v)
		}
		return y
	}
	t, d := c.t, c.d
	return &rnnCase[float64]{
		c.s,
		&RNNTensors[float64]{
			X: w(t.X), W: w(t.W), U: w(t.U), Bias: w(t.Bias), Mask: w(t.Mask), H0: w(t.H0), C0: w(t.C0),
			DropX: w(t.DropX), DropH: w(t.DropH), Y: w(t.Y), HN: w(t.HN), CN: w(t.CN),
		},
		&RNNGradients[float64]{
			DY: w(d.DY), DHN: w(d.DHN), DCN: w(d.DCN), DX: w(d.DX), DW: w(d.DW), DU: w(d.DU), DBias: w(d.DBias),
			DH0: w(d.DH0), DC0: w(d.DC0),
		},
	}
}

func (c *rnnCase[T]) results() map[string][]T {
	return map[string][]T{
		"y": c.t.Y, "last h": c.t.HN, "last c": c.t.CN, "dx": c.d.DX, "dw": c.d.DW, "du": c.d.DU, "dbias": c.d.DBias,
		"dh0": c.d.DH0, "dc0": c.d.DC0,
	}
}

func (c *rnnCase[T]) run() {
	RNNForward(c.s, c.t)
	RNNBackward(c.s, c.t, c.d)
}

// drop gives a case dropout masks of x, h or both with a rate of one half.
func (c *rnnCase[T]) drop(rng *rand.Rand, x, h bool) {
	mask := func(n int) []T {
		m := make([]T, c.s.Cell.Gates()*c.s.Batch*n)
		for i := range m {
			m[i] = T(2 * rng.IntN(2))
		}
		return m
	}
	if x {
		c.t.DropX = mask(c.s.In)
	}
	if h {
		c.t.DropH = mask(c.s.Units)
	}
}

// generals are activations for which there is no fast cell: with derivatives that follow from the
// output and others, and with a parameter.
var generals = []*RNNGeneral{
	nil, {Gate: Sigmoid, State: Tanh}, {Gate: HardSigmoid, State: Softsign}, {Gate: SiLU, State: GELU}, {Gate: Tanh, State: ELU, StateAlpha: 1},
}

func TestRecurrentMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, name := range slices.Sorted(maps.Keys(rnnCells)) {
			cell := rnnCells[name]
			for i := range 24 {
				s := &RNN{
					Cell: cell, Batch: 1 + rng.IntN(70), Time: 1 + rng.IntN(9), In: 1 + rng.IntN(20), Units: 1 + rng.IntN(40),
					Reverse: i&1 != 0, Act: ELU, Alpha: 0.7,
				}
				if i >= 12 {
					s.General = generals[i%len(generals)]
				}
				s.Dropout = i%3 == 1
				c := newRNNCase(rng, s, i&2 != 0, i&4 != 0)
				if s.Dropout {
					c.drop(rng, i%4 != 1, i%4 != 2)
				}
				if i == 3 {
					c.t.Bias = nil
				}
				if i == 5 {
					c.d.DY = nil
				}
				want := c.wide()
				c.run()
				want.run()
				wide := want.results()
				for what, got := range c.results() {
					if got != nil && (what != "dbias" || c.t.Bias != nil) {
						near(t, fmt.Sprintf("%s %+v: %s", name, *s, what), got, wide[what], 2e-5*math.Sqrt(float64(s.Batch)))
					}
				}
				if t.Failed() {
					return
				}
			}
		}
	})
}

// The reference against central differences of sum(y dy) + sum(hn dhn) + sum(cn dcn).
func TestRecurrentReferenceGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, name := range slices.Sorted(maps.Keys(rnnCells)) {
		cell := rnnCells[name]
		for i, general := range generals {
			c := newRNNCase(rng, &RNN{Cell: cell, Batch: 3, Time: 4, In: 2, Units: 3, Reverse: true, Act: Sigmoid, General: general}, true, true).wide()
			if i > 1 {
				c.drop(rng, true, true)
			}
			c.run()
			loss := func() (sum float64) {
				RNNForward(c.s, c.t)
				sum = Dot(c.t.Y, c.d.DY) + Dot(c.t.HN, c.d.DHN)
				if c.t.CN != nil {
					sum += Dot(c.t.CN, c.d.DCN)
				}
				return sum
			}
			for what, v := range map[string][2][]float64{
				"x": {c.t.X, c.d.DX}, "w": {c.t.W, c.d.DW}, "u": {c.t.U, c.d.DU}, "bias": {c.t.Bias, c.d.DBias},
				"h0": {c.t.H0, c.d.DH0}, "c0": {c.t.C0, c.d.DC0},
			} {
				for i := range v[0] {
					const h = 1e-5
					x := v[0][i]
					v[0][i] = x + h
					up := loss()
					v[0][i] = x - h
					down := loss()
					v[0][i] = x
					if got, want := v[1][i], (up-down)/(2*h); math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
						t.Fatalf("%s %+v: gradient of %s[%d] is %v, differences say %v", name, general, what, i, got, want)
					}
				}
			}
		}
	}
}

func TestRecurrentEmpty(t *testing.T) {
	for name, cell := range rnnCells {
		for _, s := range []*RNN{
			{Cell: cell, Time: 3, In: 2, Units: 2},
			{Cell: cell, Batch: 2, In: 2, Units: 2},
			{Cell: cell, Time: 3, In: 2, Units: 2, General: generals[2]},
			{Cell: cell, Batch: 2, In: 2, Units: 2, General: generals[2]},
		} {
			c := newRNNCase(rand.New(rand.NewPCG(3, 3)), s, false, false)
			Fill(c.d.DW, 7)
			Fill(c.d.DBias, 7)
			c.run()
			if SumAbs(c.d.DW)+SumAbs(c.d.DBias) != 0 {
				t.Errorf("%s of %d steps, batch %d: gradient of the weights is not 0", name, s.Time, s.Batch)
			}
		}
	}
}

// In long sequences without input, gradients decay below float32's normal range.
func TestRecurrentGradientsFadeToZero(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for name, cell := range rnnCells {
			s := &RNN{Cell: cell, Batch: 1, Time: 400, In: 1, Units: 4, Act: Tanh}
			c := newRNNCase(rand.New(rand.NewPCG(4, 4)), s, false, true)
			Scale(c.t.U, c.t.U, 0.1)
			c.d.DY = nil
			c.run()
			for what, x := range c.results() {
				for i, v := range x {
					if v != 0 && math.Abs(float64(v)) < 0x1p-126 {
						t.Fatalf("%s: %s[%d] = %v is denormal", name, what, i, v)
					}
				}
			}
		}
	})
}

func BenchmarkRecurrent(b *testing.B) {
	for _, s := range []struct {
		name string
		RNN
	}{
		{"GRU128x240x14x32", RNN{Cell: CellGRUResetAfter, Batch: 128, Time: 240, In: 14, Units: 32}},
		{"GRUbefore128x240x14x32", RNN{Cell: CellGRU, Batch: 128, Time: 240, In: 14, Units: 32}},
		{"LSTM128x500x32x32", RNN{Cell: CellLSTM, Batch: 128, Time: 500, In: 32, Units: 32}},
		{"LSTM128x60x128x128", RNN{Cell: CellLSTM, Batch: 128, Time: 60, In: 128, Units: 128}},
		{"GRU128x240x14x32general", RNN{Cell: CellGRUResetAfter, Batch: 128, Time: 240, In: 14, Units: 32, General: generals[1]}},
	} {
		c := newRNNCase(rand.New(rand.NewPCG(1, 1)), &s.RNN, false, false)
		c.d.DY = nil
		if s.In == 14 {
			c.d.DX = nil
		}
		for _, pass := range []string{"forward", "both"} {
			b.Run(s.name+"/"+pass, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if RNNForward(c.s, c.t); pass == "both" {
						RNNBackward(c.s, c.t, c.d)
					}
				}
			})
		}
	}
}
