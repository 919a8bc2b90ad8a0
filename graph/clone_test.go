// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"unsafe"
)

// Clones of a program for inference run concurrently, in arenas of their own, and give the values of
// one program that runs alone, for every op. With -race it shows that they share nothing that
// they write.
func TestClonesRunConcurrently(t *testing.T) {
	onlyTraining := []string{"gru general", "spatial dropout"} // they have dropout
	for _, o := range chainOps() {
		if slices.Contains(onlyTraining, o.name) {
			continue
		}
		for _, rank := range o.ranks {
			ops := []unary{o}
			if o.takesP {
				ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, o}
			}
			t.Run(fmt.Sprint(o.name, small[rank]), func(t *testing.T) {
				c, err := newChain(Float32, small[rank], ops...)
				if err != nil {
					t.Fatal(err)
				}
				outside := min(1, len(c.out.Shape()))
				p, err := CompileOptions{Inference: &Inference{Outside: outside}}.Compile(c.out)
				if err != nil {
					t.Fatal(err)
				}
				want := runClone(t, p, c, outside, 1, 1)
				var wg sync.WaitGroup
				for range 3 {
					clone := p.Clone()
					if clone == nil {
						t.Fatal("has no clone, although all its ops are of this package")
					}
					wg.Go(func() {
						if got := runClone(t, clone, c, outside, 1, 5); !slices.Equal(got, want) {
							t.Errorf("a clone gives %v, want %v", got, want)
						}
					})
				}
				runClone(t, p, c, outside, 0.5, 5)
				wg.Wait()
				p.Leave()
				if p.base != nil || slices.ContainsFunc(p.outside, func(at unsafe.Pointer) bool { return at != nil }) {
					t.Error("a program that has left an arena still refers to memory")
				}
			})
		}
	}
}

// runClone runs a program with a multiple of the chain's input and returns the root.
func runClone(t *testing.T, p *Program, c *chain, outside int, factor float32, times int) []float32 {
	x := slices.Clone(Floats(c.in[0].Value()))
	for i := range x {
		x[i] *= factor
	}
	y := make([]float32, size(c.out.Shape()))
	for range times {
		err := p.BindFloats(p.Input(c.in[0]), x)
		if err == nil && outside > 0 {
			err = p.SetOutput(0, y)
		}
		if err == nil {
			err = p.RunOn(NewArena(p.Memory().Planned))
		}
		if err != nil {
			t.Error(err)
			return nil
		}
	}
	return slices.Clone(p.Floats(0))
}
