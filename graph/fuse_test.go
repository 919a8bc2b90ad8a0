// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// textModel is a convolution of an embedding, with the gradients of all weights.
type textModel struct {
	ids, y  *Node
	program *Program
	roots   Nodes // y, then the gradients
}

const fuseWords, fuseTexts, fuseSteps, fuseDim = 20, 6, 15, 33

func newTextModel(t *testing.T, dt tensor.Dtype, spec ConvSpec, bias bool) *textModel {
	t.Helper()
	g, rng := New(), rand.New(rand.NewPCG(7, 7))
	input := func(name string, value func() float64, shape ...int) *Node {
		n, err := Input(g, dt, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		v := newValue(dt, shape)
		for i := range size(shape) {
			x := value()
			if dt == Float32 {
				v.Data().([]float32)[i] = float32(x)
			} else {
				v.Data().([]float64)[i] = float64(float32(x))
			}
		}
		if err := Let(n, v); err != nil {
			t.Fatal(err)
		}
		return n
	}
	m := &textModel{ids: input("ids", func() float64 { return float64(rng.IntN(fuseWords)) }, fuseTexts, fuseSteps)}
	learned := Nodes{input("table", rng.NormFloat64, fuseWords, fuseDim), input("w", rng.NormFloat64, 4, fuseDim, 5)}
	var b *Node
	if bias {
		b = input("b", rng.NormFloat64, 5)
		learned = append(learned, b)
	}
	x, err := Embedding(m.ids, learned[0])
	if err != nil {
		t.Fatal(err)
	}
	if m.y, err = Conv(x, learned[1], b, spec, Act(ReLU)); err != nil {
		t.Fatal(err)
	}
	square, err := Mul(m.y, m.y)
	if err != nil {
		t.Fatal(err)
	}
	cost, err := Sum(square)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, learned...)
	if err != nil {
		t.Fatal(err)
	}
	m.roots = append(Nodes{m.y}, grads...)
	if m.program, err = Compile(m.roots...); err != nil {
		t.Fatal(err)
	}
	return m
}

// embeds reports whether the program computes the embedded sequences.
func (m *textModel) embeds() bool {
	for _, s := range m.program.instructions {
		if op := m.program.slots[s.out].node.Op().String(); op == "embedding" {
			return true
		}
	}
	return false
}

// TestFusedConvolutionOfEmbedding compares with float64, where nothing is fused.
func TestFusedConvolutionOfEmbedding(t *testing.T) {
	for _, spec := range []ConvSpec{{}, {Padding: Same}, {Padding: Causal, Dilation: [3]int{2, 2}}, {Stride: [3]int{3, 3}}} {
		for _, bias := range []bool{true, false} {
			name := fmt.Sprintf("%+v, bias %v", spec, bias)
			fused, plain := newTextModel(t, Float32, spec, bias), newTextModel(t, Float64, spec, bias)
			if fused.embeds() || !plain.embeds() {
				t.Fatalf("%s: embedded sequences in float32 %v, in float64 %v; want only the latter", name, fused.embeds(), plain.embeds())
			}
			for _, m := range []*textModel{fused, plain} {
				if err := m.program.RunAll(); err != nil {
					t.Fatal(err)
				}
			}
			for k, r := range fused.roots {
				want := plain.roots[k].Value().Data().([]float64)
				got := widened(r.Value())
				for i := range want {
					if d := math.Abs(got[i] - want[i]); d > 1e-4*(1+math.Abs(want[i])) {
						t.Fatalf("%s: root %d [%d] = %v, want %v", name, k, i, got[i], want[i])
					}
				}
			}
			if n := testing.AllocsPerRun(20, func() {
				if err := fused.program.RunAll(); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s: a run allocates %v times", name, n)
			}
		}
	}
}

// TestFusedBadID: an id out of range is reported as an error of the embedding, even if a
// fused op finds it.
func TestFusedBadID(t *testing.T) {
	m := newTextModel(t, Float32, ConvSpec{}, true)
	Floats(m.ids.Value())[17] = fuseWords
	err := m.program.RunAll()
	var op *OpError
	if !errors.As(err, &op) || op.Node == nil || op.Node.Op().String() != "embedding" || !strings.Contains(err.Error(), "row 17: id is 20, want an integer from 0 to 19") {
		t.Errorf("got %v", err)
	}
}

// TestFusedIsDrawnWhole: drawings show the graph as it was written, without fusion.
func TestFusedIsDrawnWhole(t *testing.T) {
	m := newTextModel(t, Float32, ConvSpec{}, true)
	var text bytes.Buffer
	if err := WriteDOT(&text, "text", nil, m.roots...); err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{`label="embedding\n`, `label="conv{`, `label="conv_transpose{`, `label="conv_weights{`} {
		if !strings.Contains(text.String(), op) {
			t.Errorf("the drawing lacks %s", op)
		}
	}
}

// TestFusedBesideReader: another reader of the embedded sequences still gets them.
func TestFusedBesideReader(t *testing.T) {
	m := newTextModel(t, Float32, ConvSpec{}, true)
	x := m.y.Graph().AllNodes()
	for _, n := range x {
		if n.Op() != nil && n.Op().String() == "embedding" {
			p, err := Compile(append(m.roots, n)...)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.RunAll(); err != nil {
				t.Fatal(err)
			}
			if got := len(Floats(n.Value())); got != fuseTexts*fuseSteps*fuseDim {
				t.Errorf("embedded sequences have %d elements", got)
			}
			return
		}
	}
	t.Fatal("no embedding")
}
