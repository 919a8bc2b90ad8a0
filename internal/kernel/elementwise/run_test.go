// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// operandsOf returns random operands of n elements for an expression.
func operandsOf[T ref.Float](rng *rand.Rand, e *Expr, n int) []Operand[T] {
	in := make([]Operand[T], len(e.In))
	for i, t := range e.In {
		o := &in[i]
		o.Shape = []int{n}
		switch t {
		case Float:
			o.Floats = make([]T, n)
			for k := range o.Floats {
				o.Floats[k] = T(float32(3 * rng.NormFloat64()))
				if rng.IntN(8) == 0 {
					o.Floats[k] = T(float32(math.Trunc(float64(o.Floats[k])))) // ties and zeros
				}
			}
		case Int:
			o.Ints = make([]int64, n)
			for k := range o.Ints {
				o.Ints[k] = int64(rng.IntN(9) - 4)
			}
		case Bool:
			o.Bools = make([]bool, n)
			for k := range o.Bools {
				o.Bools[k] = rng.IntN(2) == 0
			}
		}
	}
	return in
}

func outputOf[T ref.Float](e *Expr, shape ...int) Operand[T] {
	n := 1
	for _, d := range shape {
		n *= d
	}
	o := Operand[T]{Shape: shape}
	switch e.Result() {
	case Float:
		o.Floats = make([]T, n)
	case Int:
		o.Ints = make([]int64, n)
	case Bool:
		o.Bools = make([]bool, n)
	}
	return o
}

// text returns element i with its bits.
func (o *Operand[T]) text(i int) string {
	switch {
	case o.Floats != nil:
		return fmt.Sprintf("%x", math.Float64bits(float64(o.Floats[i])))
	case o.Ints != nil:
		return fmt.Sprint(o.Ints[i])
	}
	return fmt.Sprint(o.Bools[i])
}

func (o *Operand[T]) slice(lo, hi int) Operand[T] {
	p := Operand[T]{Shape: []int{hi - lo}}
	switch {
	case o.Floats != nil:
		p.Floats = o.Floats[lo:hi]
	case o.Ints != nil:
		p.Ints = o.Ints[lo:hi]
	default:
		p.Bools = o.Bools[lo:hi]
	}
	return p
}

// expressions returns one of each op, and chains.
func expressions() []*Expr {
	var list []*Expr
	for o := range ops {
		s := Step{Op: o, A: 0, B: 1, C: 2, X: 1.25, Y: -0.5}
		switch o {
		case Clip:
			s.X, s.Y = -1, 2
		case Activate, ActivateGrad:
			s.Act = ref.GELU
		}
		list = append(list, New(o.In(), s))
	}
	for _, p := range []float64{-1, 1, 2, 3, 0.5} {
		list = append(list, New([]Type{Float}, Step{Op: PowX, X: p}))
	}
	// a chain of several types whose values are used again: c = a < b; d = c ? exp(a) : b·b; d·a + float(int(d)) - (not c)
	list = append(list, New([]Type{Float, Float},
		Step{Op: Less, A: 0, B: 1}, Step{Op: Exp, A: 0}, Step{Op: Mul, A: 1, B: 1}, Step{Op: Where, A: 2, B: 3, C: 4},
		Step{Op: IntOfFloat, A: 5}, Step{Op: FloatOfInt, A: 6}, Step{Op: Mul, A: 5, B: 0}, Step{Op: Add, A: 8, B: 7},
		Step{Op: Not, A: 2}, Step{Op: FloatOfBool, A: 10}, Step{Op: Sub, A: 9, B: 11}))
	return list
}

// TestFloatsOfEitherType compares float32 with float64, which is computed in plain Go.
func TestFloatsOfEitherType(t *testing.T) {
	const n = 5000
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, e := range expressions() {
			in := operandsOf[float32](rng, e, n)
			wide := make([]Operand[float64], len(in))
			for i := range in {
				wide[i] = Operand[float64]{Ints: in[i].Ints, Bools: in[i].Bools, Shape: in[i].Shape}
				if in[i].Floats != nil {
					wide[i].Floats = kerneltest.Widen(in[i].Floats)
				}
			}
			got, want := outputOf[float32](e, n), outputOf[float64](e, n)
			Run(e, &got, in)
			Run(e, &want, wide)
			for i := range n {
				if got.Floats == nil {
					if got.text(i) != want.text(i) {
						t.Fatalf("%v: element %d is %v, want %v", e, i, got.text(i), want.text(i))
					}
					continue
				}
				g, w := float64(got.Floats[i]), want.Floats[i]
				if w != w && g != g || math.IsInf(w, 0) && g == w || math.Abs(w) > math.MaxFloat32 {
					continue
				}
				if d := math.Abs(g - w); !(d <= 2e-6*(1+math.Abs(w))) {
					t.Fatalf("%v: element %d is %v, want %v", e, i, g, w)
				}
			}
		}
	})
}

// TestBitsDoNotDependOnPosition computes parts of arrays: each element must have the bits that it has in
// the whole, on any number of workers and in place, and nothing is allocated.
func TestBitsDoNotDependOnPosition(t *testing.T) {
	const n = 20_000
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, e := range expressions() {
			in := operandsOf[float32](rng, e, n)
			whole := outputOf[float32](e, n)
			Run(e, &whole, in)
			check := func(lo, hi int) {
				t.Helper()
				part := make([]Operand[float32], len(in))
				for i := range in {
					part[i] = in[i].slice(lo, hi)
				}
				y := outputOf[float32](e, hi-lo)
				Run(e, &y, part)
				for i := range hi - lo {
					if y.text(i) != whole.text(lo+i) {
						t.Fatalf("%v: element %d of %d to %d is %v, alone %v", e, lo+i, lo, hi, whole.text(lo+i), y.text(i))
					}
				}
			}
			for k := range 40 {
				lo := rng.IntN(n - 50)
				check(lo, lo+k)
			}
			check(3, n-1)
			restore := parallel.SetWorkers(3)
			check(0, n)
			if allocs := kerneltest.Allocs(func() { Run(e, &whole, in) }); allocs > 0 {
				t.Errorf("%v allocates %v times", e, allocs)
			}
			restore()
			if e.In[0] == e.Result() { // in place
				first := in[0]
				saved := outputOf[float32](e, n)
				copy(saved.Floats, first.Floats)
				copy(saved.Ints, first.Ints)
				copy(saved.Bools, first.Bools)
				Run(e, &first, in)
				for i := range n {
					if first.text(i) != whole.text(i) {
						t.Fatalf("%v in place: element %d is %v, want %v", e, i, first.text(i), whole.text(i))
					}
				}
			}
		}
	})
}

// TestBroadcasting compares with the index arithmetic of NumPy's rule.
func TestBroadcasting(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		e := New([]Type{Float, Float, Bool}, Step{Op: Sub, A: 0, B: 1}, Step{Op: Where, A: 2, B: 3, C: 1})
		for range kerneltest.Rounds(60) {
			shape := make([]int, 1+rng.IntN(4))
			for i := range shape {
				shape[i] = []int{1, 2, 3, 7, 40, 300}[rng.IntN(6)]
			}
			size := 1
			for _, d := range shape {
				size *= d
			}
			if size > 300_000 {
				continue
			}
			in := make([]Operand[float32], 3)
			index := make([]func(i int) int, 3)
			for k := range in {
				from := append([]int{}, shape[rng.IntN(len(shape)+1):]...)
				n := 1
				for i := range from {
					if rng.IntN(3) == 0 {
						from[i] = 1
					}
					n *= from[i]
				}
				in[k] = operandsOf[float32](rng, New(e.In[k:k+1], Step{Op: map[Type]Op{Float: Copy, Bool: CopyBool}[e.In[k]]}), n)[0]
				in[k].Shape = from
				index[k] = func(i int) int {
					at, step := 0, 1
					for a := range len(from) {
						want, have := shape[len(shape)-1-a], from[len(from)-1-a]
						if have > 1 {
							at += i % want * step
							step *= have
						}
						i /= want
					}
					return at
				}
			}
			got := outputOf[float32](e, shape...)
			Run(e, &got, in)
			for i := range got.Floats {
				b := in[1].Floats[index[1](i)]
				want := b
				if in[2].Bools[index[2](i)] {
					want = in[0].Floats[index[0](i)] - b
				}
				if got.Floats[i] != want {
					t.Fatalf("%v from %v, %v, %v: element %d is %v, want %v", shape, in[0].Shape, in[1].Shape, in[2].Shape, i, got.Floats[i], want)
				}
			}
		}
	})
}
