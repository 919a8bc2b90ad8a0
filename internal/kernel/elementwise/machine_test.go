// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// cheap are the ops of which a wide machine has all.
var cheap = []Op{Affine, Clip, Neg, Abs, Square, Reciprocal, Sqrt, Add, Sub, Mul, Div, Max, Min}

// randomExpr returns an expression of floats and conditions, most of which has a program, or of cheap ops only.
func randomExpr(rng *rand.Rand, onlyCheap bool) *Expr {
	var in []Type
	for range 1 + rng.IntN(4) {
		t := []Type{Float, Float, Float, Bool}[rng.IntN(4)]
		if onlyCheap {
			t = Float
		}
		in = append(in, t)
	}
	in[0] = Float
	types, steps := append([]Type{}, in...), []Step{}
	for range 2 + rng.IntN(12) {
		s := Step{X: []float64{1.25, -1, 1, 2, 0.5}[rng.IntN(5)], Y: []float64{0, 1.5}[rng.IntN(2)], Act: ref.Activation(1 + rng.IntN(int(ref.Activations)-1))}
		pick := func(t Type) int {
			for range 50 {
				v := rng.IntN(len(types))
				if rng.IntN(2) == 0 {
					v = max(len(types)-1-rng.IntN(3), 0) // chains
				}
				if types[v] == t {
					return v
				}
			}
			return -1
		}
		s.Op = Op(rng.IntN(int(ops)))
		if onlyCheap {
			s.Op = cheap[rng.IntN(len(cheap))]
		}
		if handlers[s.Op] == "" && rng.IntN(20) > 0 && s.Op != Activate && s.Op != ActivateGrad && s.Op != PowX {
			continue
		}
		if s.Op == Clip {
			s.X, s.Y = -1, 1.5
		}
		ok := s.Op.Result() != Int
		for i, t := range s.Op.In() {
			v := pick(t)
			ok = ok && v >= 0
			switch i {
			case 0:
				s.A = v
			case 1:
				s.B = v
			case 2:
				s.C = v
			}
		}
		if ok {
			steps, types = append(steps, s), append(types, s.Op.Result())
		}
	}
	if len(steps) == 0 {
		return randomExpr(rng, onlyCheap)
	}
	return New(in, steps...)
}

// TestProgramsComputeTheSameBits compares programs with computing step after step, for operands of any
// kind and length, large angles and results in place.
func TestProgramsComputeTheSameBits(t *testing.T) {
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		m := simd.Active.Machine
		rng := rand.New(rand.NewPCG(21, 22))
		programs, wide := 0, 0
		for round := range kerneltest.Rounds(1500) {
			e := randomExpr(rng, round%4 == 0)
			if len(e.codeFor(m).list) > 0 {
				programs++
			}
			shape := []int{1 + rng.IntN(40), 1 + rng.IntN(90)}
			if rng.IntN(20) == 0 {
				shape[0] = 300
			}
			n := shape[0] * shape[1]
			if w := e.codeFor(m).wide; w != nil && len(w.list) > 0 && n >= wideFrom*w.machine.Group {
				wide++
			}
			in := operandsOf[float32](rng, e, n)
			for i := range in {
				o := &in[i]
				o.Shape = shape
				switch rng.IntN(6) {
				case 0:
					*o = o.slice(0, 1)
					o.Shape = nil
				case 1:
					*o = o.slice(0, shape[1])
				case 2:
					*o = o.slice(0, shape[0])
					o.Shape = []int{shape[0], 1}
				}
				if rng.IntN(10) == 0 && o.Floats != nil {
					o.Floats[rng.IntN(len(o.Floats))] = []float32{1e9, float32(math.Inf(1)), float32(math.NaN())}[rng.IntN(3)]
				}
			}
			got, want := outputOf[float32](e, shape...), outputOf[float32](e, shape...)
			program := e.codeFor(m)
			e.code.Store(&code{machine: m})
			Run(e, &want, in)
			e.code.Store(program)
			Run(e, &got, in)
			same := func(what string, got Operand[float32]) {
				for i := range n {
					g, w := got.text(i), want.text(i)
					if got.Floats != nil && got.Floats[i] != got.Floats[i] && want.Floats[i] != want.Floats[i] {
						continue // which NaN it is may differ
					}
					if g != w {
						t.Fatalf("%v, %s: element %d of %v is %v, step by step %v", e, what, i, shape, g, w)
					}
				}
			}
			same("program", got)
			if allocs := kerneltest.Allocs(func() { Run(e, &got, in) }); allocs > 0 {
				t.Fatalf("%v allocates %v times", e, allocs)
			}
			if e.Result() == Float && len(in[0].Floats) == n {
				y := in[0]
				y.Shape = shape
				Run(e, &y, in)
				same("in place", y)
			}
		}
		if programs < kerneltest.Rounds(1500)/2 {
			t.Errorf("only %d expressions have a program", programs)
		}
		if m.Wide != nil && wide < kerneltest.Rounds(1500)/8 {
			t.Errorf("only %d expressions ran on the wide machine", wide)
		}
	})
}

// TestEveryPairOfCheapFunctions compares programs of two functions, most of which are one instruction, with
// computing step after step, for fewer elements than the wide machine takes and for more.
func TestEveryPairOfCheapFunctions(t *testing.T) {
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		m := simd.Active.Machine
		rng := rand.New(rand.NewPCG(23, 24))
		steps := []Step{{Op: Affine, X: 1.25}, {Op: Affine, X: 1, Y: 0.5}, {Op: Affine, X: -0.75, Y: 0.5}, {Op: Clip, X: -1, Y: 1.5}}
		for _, o := range cheap {
			if o != Affine && o != Clip {
				steps = append(steps, Step{Op: o})
			}
		}
		for _, first := range steps {
			for _, second := range steps {
				for _, reversed := range []bool{false, true} {
					first.A, first.B, second.A, second.B = 0, 1, 3, 2
					if reversed && second.Op.Arity() == 2 {
						second.A, second.B = 2, 3
					}
					e := New([]Type{Float, Float, Float}, first, second)
					program := e.codeFor(m)
					if len(program.list) == 0 || m.Wide != nil && len(program.wide.list) == 0 {
						t.Fatalf("%v has no program", e)
					}
					for _, n := range []int{2*m.Group + 5, wideFrom*2*m.Group + 5} {
						in := operandsOf[float32](rng, e, n)
						got, want := outputOf[float32](e, n), outputOf[float32](e, n)
						e.code.Store(&code{machine: m})
						Run(e, &want, in)
						e.code.Store(program)
						Run(e, &got, in)
						for i, g := range got.Floats {
							if w := want.Floats[i]; math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
								t.Fatalf("%v: element %d of %d is %v, step by step %v", e, i, n, g, w)
							}
						}
					}
				}
			}
		}
	})
}

// TestPolynomials compares programs of Horner's method, whose terms are one instruction, with computing step after
// step: polynomials of an array, of an operand of one number and of a value that is computed, of two operands in
// turn, and two polynomials in one program.
func TestPolynomials(t *testing.T) {
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		m := simd.Active.Machine
		rng := rand.New(rand.NewPCG(27, 28))
		for terms := range 12 {
			for kind := range 5 {
				steps := []Step{{Op: Square, A: 0}, {Op: Affine, A: 0, X: 0.5, Y: -0.25}}
				for k := range terms {
					by, last := []int{0, 1, 2, k % 2, 0}[kind], len(steps)+1
					if kind == 4 && k == terms/2 {
						steps = append(steps, Step{Op: Abs, A: last})
						last++
					}
					steps = append(steps, Step{Op: Mul, A: last, B: by}, Step{Op: Affine, A: last + 1, X: 1, Y: rng.NormFloat64()})
				}
				e := New([]Type{Float, Float}, steps...)
				program := e.codeFor(m)
				instructions := len(program.list)
				if kind == 0 && terms > 1 && instructions > 6 {
					t.Errorf("%v has %d instructions, want all terms in one", e, instructions)
				}
				for _, n := range []int{2*m.Group + 5, wideFrom*2*m.Group + 5} {
					in := operandsOf[float32](rng, e, n)
					if kind == 1 {
						in[1] = in[1].slice(0, 1)
						in[1].Shape = nil
					}
					got, want := outputOf[float32](e, n), outputOf[float32](e, n)
					e.code.Store(&code{machine: m})
					Run(e, &want, in)
					e.code.Store(program)
					Run(e, &got, in)
					if !slices.Equal(got.Floats, want.Floats) {
						t.Errorf("%v of %d elements differs from its steps", e, n)
					}
					x := in[0]
					if Run(e, &x, in); !slices.Equal(x.Floats, want.Floats) {
						t.Errorf("%v of %d elements differs from its steps where it replaces its operand", e, n)
					}
				}
			}
		}
	})
}

// TestShortForms: what handlers compute if all arguments of a group are in a function's domain has the bits that the
// function has anywhere.
func TestShortForms(t *testing.T) {
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		m := simd.Active.Machine
		rng := rand.New(rand.NewPCG(25, 26))
		x := make([]float32, 300*m.Group)
		got, want, shape := make([]float32, len(x)), make([]float32, len(x)), []int{len(x)}
		for op, between := range map[Op][2]float32{Exp: {-87, 87}, Log: {0x1p-126, math.MaxFloat32}, Log1p: {0, 1}} {
			from, to := between[0], between[1]
			for i := range x {
				if x[i] = from + (to-from)*rng.Float32(); op != Exp && i%2 == 0 { // of any exponent
					lo := math.Float32bits(from)
					x[i] = math.Float32frombits(lo + uint32(rng.Int64N(int64(math.Float32bits(to)-lo))))
				}
			}
			x[3], x[4] = from, to
			e := New([]Type{Float}, Step{Op: Neg}, Step{Op: Neg, A: 1}, Step{Op: op, A: 2})
			Run(e, &Operand[float32]{Floats: got, Shape: shape}, []Operand[float32]{{Floats: x, Shape: shape}})
			function(&simd.Active.Functions, op, want, x, nil)
			for i := range got {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%v(%v) is %v in a program and %v alone", op, x[i], got[i], want[i])
				}
			}
		}
	})
}

// TestInstructionLayout: the assembly reads the fields at these offsets.
func TestInstructionLayout(t *testing.T) {
	var i simd.Instruction
	got := []uintptr{unsafe.Offsetof(i.Handler), unsafe.Offsetof(i.Operand), unsafe.Offsetof(i.Moving), unsafe.Offsetof(i.Operand2), unsafe.Offsetof(i.Moving2), unsafe.Offsetof(i.X), unsafe.Offsetof(i.Y), unsafe.Offsetof(i.X2), unsafe.Offsetof(i.Y2), unsafe.Sizeof(i)}
	for k, want := range []uintptr{0, 8, 16, 24, 32, 40, 44, 48, 52, 64} {
		if got[k] != want {
			t.Errorf("field %d lies at %d, want %d", k, got[k], want)
		}
	}
}

// TestResultsPastTheCaches: the programs that store past the caches, for a length that leaves a rest, give
// the bits of those that do not. One reads two arrays and one a single array.
func TestResultsPastTheCaches(t *testing.T) {
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		const n = streamed + 16*block + 7
		x, y := kerneltest.Normal(rand.New(rand.NewPCG(3, 4)), make([]float32, n)), []float32{-3}
		for _, e := range []*Expr{
			New([]Type{Float, Float}, Step{Op: Affine, A: 0, X: 1.5, Y: 0.25}, Step{Op: Mul, A: 2, B: 1}),
			New([]Type{Float}, Step{Op: Affine, A: 0, X: 1.5, Y: 0.25}, Step{Op: Mul, A: 1, B: 0}),
		} {
			got, want := make([]float32, n), make([]float32, n)
			run := func(out []float32, from, to int) {
				shape := []int{to - from}
				in := []Operand[float32]{{Floats: x[from:to], Shape: shape}, {Floats: y}}
				Run(e, &Operand[float32]{Floats: out[from:to], Shape: shape}, in[:len(e.In)])
			}
			run(got, 0, n)
			for from := 0; from < n; from += streamed / 2 {
				run(want, from, min(from+streamed/2, n))
			}
			if !slices.Equal(got, want) {
				t.Errorf("the results of %v differ", e)
			}
		}
	})
}
