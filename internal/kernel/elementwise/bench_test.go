// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// large is a number of elements that no cache holds.
const large = 10_000_000

type copying struct {
	parallel.Pieces
	dst, x []float32
}

func (c *copying) Unit(u int, _ *parallel.Worker) {
	lo, hi := c.Bounds(u)
	copy(c.dst[lo:hi], c.x[lo:hi])
}

// BenchmarkCopy is the speed that a chain of one operand cannot exceed by much.
func BenchmarkCopy(b *testing.B) {
	x, y := kerneltest.Normal(rand.New(rand.NewPCG(1, 2)), make([]float32, large)), make([]float32, large)
	for _, workers := range []int{1, 2} {
		b.Run("workers="+string(rune('0'+workers)), func(b *testing.B) {
			defer parallel.SetWorkers(workers)()
			b.SetBytes(8 * large)
			for b.Loop() {
				c := &copying{parallel.Cut(large, 1<<20), y, x}
				c.Pieces.Run(c)
			}
		})
	}
}

// chainOf returns the expression of functions, named as String does, each applied to the result of
// the one before and, if it has two operands, to input 1.
func chainOf(names string) *Expr {
	byName := map[string]Op{}
	for o := range ops {
		if o.Result() == Float && o.In()[0] == Float {
			byName[o.String()] = o
		}
	}
	list := strings.Fields(names)
	in := []Type{Float}
	for _, name := range list {
		if byName[name].Arity() == 2 {
			in = []Type{Float, Float}
		}
	}
	var steps []Step
	for i, name := range list {
		s := Step{Op: byName[name], A: len(in) + i - 1, B: 1, X: 0.5, Y: 0.75}
		if i == 0 {
			s.A = 0
		}
		steps = append(steps, s)
	}
	return New(in, steps...)
}

// BenchmarkChain is of chains of one array or two; the rate counts each array that is read or written
// once.
func BenchmarkChain(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y, z := kerneltest.Normal(rng, make([]float32, large)), kerneltest.Normal(rng, make([]float32, large)), make([]float32, large)
	for _, names := range []string{
		"affine square",
		"affine square affine abs sqrt",
		"affine square affine neg abs sqrt affine square clip affine",
		"mul add", "mul add mul sub maximum",
		"exp", "tanh", "log", "sin", "erf", "pow", "div", "affine exp affine", "affine tanh mul", "abs log1p affine",
	} {
		e := chainOf(names)
		for _, workers := range []int{1, 2} {
			b.Run(strings.ReplaceAll(names, " ", "+")+"/workers="+string(rune('0'+workers)), func(b *testing.B) {
				defer parallel.SetWorkers(workers)()
				b.SetBytes(int64(4 * large * (len(e.In) + 1)))
				in := []Operand[float32]{{Floats: x, Shape: []int{large}}, {Floats: y, Shape: []int{large}}}[:len(e.In)]
				for b.Loop() {
					Run(e, &Operand[float32]{Floats: z, Shape: []int{large}}, in)
				}
			})
		}
	}
}
