// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// AttentionSpec describes Attention.
type AttentionSpec struct {
	Heads  int
	Scale  float64 // of the scores, usually 1/√dim
	Causal bool    // step i attends only to steps 0 to i
	// The fraction of weights that is dropped, as by Dropout, with the source of random numbers and
	// a stream of its own; 0 for none.
	Rate   float64
	Random *Random
	Stream uint64
}

// AttentionInputs are the operands of Attention. Masks may be nil and have no gradient; where one of
// them is 0, MaskedScore is added to the score.
type AttentionInputs struct {
	Query     *Node // (batch, t, heads·dim)
	Key       *Node // (batch, s, heads·dim)
	Value     *Node // (batch, s, heads·valueDim)
	Mask      *Node // (batch, t, s)
	QueryMask *Node // (batch, t)
	KeyMask   *Node // (batch, s)
}

// Attention lets every step of a query attend to all steps of a value, with the features of several
// heads side by side in a step (Vaswani et al. 2017):
//
//	y = drop(softmax(scale·Q·Kᵀ + MaskedScore·(1 - mask)))·V for each head
//
//	y (batch, t, heads·valueDim)
//
// The scores are computed block by block, forward and once more backward, so that memory grows
// linearly with the sequences (Dao et al. 2022).
func Attention(spec AttentionSpec, in AttentionInputs) (*Node, error) {
	a := &attention{spec: spec}
	o := &op{
		name: "attention" + attrs("heads", spec.Heads, "scale", spec.Scale, "causal", spec.Causal, "rate", spec.Rate, "stream", spec.Stream),
		out:  3, shape: a.shape, grad: a.grad,
		run:   forDtypes(runAttention[float32](a, true), runAttention[float64](a, true)),
		keeps: a,
		lean: func() runner {
			own := &attention{spec: a.spec, masks: a.masks, ranks: a.ranks}
			return forDtypes(runAttention[float32](own, false), runAttention[float64](own, false))
		},
	}
	switch {
	case !(spec.Rate >= 0 && spec.Rate < 1):
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("rate is %g, want 0 <= rate < 1", spec.Rate)}
	case spec.Rate > 0 && spec.Random == nil:
		return nil, &OpError{Op: o.name, Err: errors.New("has no source of random numbers")}
	case spec.Heads < 1:
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("has %d heads, want at least 1", spec.Heads)}
	}
	o.rng = a.rng()
	inputs := Nodes{in.Query, in.Key, in.Value}
	o.in, o.diff, o.zeroDiff = []int{3, 3, 3}, []bool{true, true, true}, make([]bool, 3)
	for i, m := range []struct {
		name string
		node *Node
		rank int
	}{{"mask", in.Mask, 3}, {"query_mask", in.QueryMask, 2}, {"key_mask", in.KeyMask, 2}} {
		a.masks[i] = -1
		if m.node == nil {
			continue
		}
		a.masks[i] = len(inputs)
		inputs, o.in, o.diff, o.zeroDiff = append(inputs, m.node), append(o.in, m.rank), append(o.diff, false), append(o.zeroDiff, true)
		o.name += "," + m.name
	}
	a.ranks, o.formula = o.in, a.formula
	return apply(o, inputs...)
}

// attention is shared by the forward op, the backward op and the ops that copy the gradients of keys
// and values: where the masks are among the inputs (-1 if absent), and memory. The forward op's
// output is an input of the backward op, and the backward op's output, the gradient of the query, an
// input of the others; this determines their order.
type attention struct {
	spec   AttentionSpec
	masks  [3]int
	ranks  []int
	single attentionMemory[float32]
	double attentionMemory[float64]
}

type attentionMemory[T kernel.Float] struct {
	t kernel.AttentionTensors[T]
	d kernel.AttentionGradients[T]
}

func attentionMemoryOf[T kernel.Float](a *attention) *attentionMemory[T] {
	if m, ok := any(&a.single).(*attentionMemory[T]); ok {
		return m
	}
	return any(&a.double).(*attentionMemory[T])
}

// geometry derives the sizes from the inputs' shapes, which shape has checked.
func (a *attention) geometry(in []tensor.Shape) kernel.Attention {
	q, k, v, heads := in[0], in[1], in[2], a.spec.Heads
	g := kernel.Attention{
		Batch: q[0], Heads: heads, T: q[1], S: k[1], Dim: q[2] / heads, ValueDim: v[2] / heads,
		Scale: a.spec.Scale, Causal: a.spec.Causal, Rate: a.spec.Rate, Stream: a.spec.Stream,
	}
	if a.spec.Rate > 0 {
		g.Key, g.Step = a.spec.Random.Key, a.spec.Random.Step
	}
	return g
}

func (a *attention) shape(in []tensor.Shape) (tensor.Shape, error) {
	q, k, v, heads := in[0], in[1], in[2], a.spec.Heads
	switch {
	case q[2]%heads != 0 || v[2]%heads != 0:
		return nil, fmt.Errorf("queries have %d features and values %d, want multiples of %d heads", q[2], v[2], heads)
	case k[0] != q[0] || v[0] != q[0]:
		return nil, fmt.Errorf("batches of queries, keys and values are %d, %d and %d", q[0], k[0], v[0])
	case k[2] != q[2]:
		return nil, fmt.Errorf("keys have %d features, queries %d", k[2], q[2])
	case v[1] != k[1]:
		return nil, fmt.Errorf("there are %d keys and %d values", k[1], v[1])
	}
	for i, want := range []tensor.Shape{{q[0], q[1], k[1]}, {q[0], q[1]}, {q[0], k[1]}} {
		if m := a.masks[i]; m >= 0 && !equal(in[m], want) {
			return nil, fmt.Errorf("%s has shape %v, want %v", [3]string{"mask", "mask of the query", "mask of the key"}[i], in[m], want)
		}
	}
	return tensor.Shape{q[0], q[1], v[2]}, nil
}

// runAttention keeps the operands for the gradient if kept is set.
func runAttention[T kernel.Float](a *attention, kept bool) func(*call[T]) error {
	return func(c *call[T]) error {
		g := a.geometry(c.inShape)
		t := &attentionMemoryOf[T](a).t
		t.Q, t.K, t.V, t.Y = c.in[0], c.in[1], c.in[2], c.out
		t.Mask, t.QueryMask, t.KeyMask = operand(c, a.masks[0]), operand(c, a.masks[1]), operand(c, a.masks[2])
		t.Stats = resized(t.Stats, 2*g.Batch*g.Heads*g.T)
		kernel.AttentionForward(&g, t)
		if !kept {
			*t = kernel.AttentionTensors[T]{Stats: t.Stats}
		}
		return nil
	}
}

// grad makes the backward op, whose output is the gradient of the query, and ops that copy those of
// key and value out of the shared memory.
func (a *attention) grad(in Nodes, y, dy *Node) (Nodes, error) {
	operands := len(in)
	f := formula(a.formula)
	zeroDiff := append(append(make([]bool, 3), a.isMask()...), true) // and the output
	dq, err := apply(&op{
		name: "attention_grad" + attrs("heads", a.spec.Heads, "scale", a.spec.Scale, "causal", a.spec.Causal, "rate", a.spec.Rate, "stream", a.spec.Stream, "masks", a.masks),
		in:   append(append([]int{}, a.ranks...), 3, 3), out: 3,
		shape: sameShape,
		run:   forDtypes(runAttentionGrad[float32](a), runAttentionGrad[float64](a)),
		rng:   a.rng(),

		readsKept: a,
		zeroDiff:  zeroDiff,
		formula:   f.backward(operands, 0),
	}, append(append(Nodes{}, in...), y, dy)...)
	if err != nil {
		return nil, err
	}
	grads := make(Nodes, len(in))
	grads[0] = dq
	for i, name := range []string{"key", "value"} {
		value := i == 1
		grads[1+i], err = apply(&op{
			name: "attention_grad_" + name,
			in:   append(append([]int{3}, a.ranks...), 3), out: 3,
			shape:     fixed(in[1+i].Shape()),
			run:       forDtypes(runAttentionPart[float32](a, value), runAttentionPart[float64](a, value)),
			orderOnly: true,
			zeroDiff:  append([]bool{true, false, false, false}, a.isMask()...),
			formula:   func(in Nodes) (*Node, error) { return f.backward(operands, 1+i)(in[1:]) },
		}, append(append(Nodes{dq}, in...), dy)...)
		if err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// isMask says of each input after the value that it is a mask.
func (a *attention) isMask() []bool {
	masks := make([]bool, len(a.ranks)-3)
	for i := range masks {
		masks[i] = true
	}
	return masks
}

// formula is attention step by step, with the heads as an axis of their own.
func (a *attention) formula(in Nodes) (*Node, error) {
	var try Try
	shapes := make([]tensor.Shape, len(in))
	for k, n := range in {
		shapes[k] = n.Shape()
	}
	g := a.geometry(shapes)
	split := func(x *Node, steps, dim int) *Node { // as (batch, heads, steps, dim)
		return try.Do(Transpose(try.Do(Reshape(x, g.Batch, steps, g.Heads, dim)), 0, 2, 1, 3))
	}
	scores := try.Do(Scale(try.Do(MatMul(split(in[0], g.T, g.Dim), split(in[1], g.S, g.Dim), Transposed(false, true))), g.Scale))
	if g.Causal {
		scores = try.Do(CausalMask(scores))
	}
	var mask *Node
	for i, shape := range [][]int{{g.Batch, 1, g.T, g.S}, {g.Batch, 1, g.T, 1}, {g.Batch, 1, 1, g.S}} {
		if k := a.masks[i]; k >= 0 {
			m := try.Do(Reshape(in[k], shape...))
			if mask != nil {
				m = try.Do(Mul(mask, m))
			}
			mask = m
		}
	}
	if mask != nil {
		scores = try.Do(Add(scores, try.Do(Affine(mask, -MaskedScore, MaskedScore))))
	}
	weights := try.Do(Softmax(scores))
	if g.Rate > 0 { // a row of random numbers has whole blocks
		blocks := (g.S + ref.PhiloxBlock - 1) / ref.PhiloxBlock * ref.PhiloxBlock
		if blocks > g.S {
			weights = try.Do(Concat(3, weights, try.filled(in[0], 0, tensor.Shape{g.Batch, g.Heads, g.T, blocks - g.S})))
		}
		weights = try.Do(Slice(try.Do(Dropout(weights, g.Rate, a.spec.Random, g.Stream)), At(3, 0, g.S)))
	}
	y := try.Do(MatMul(weights, split(in[2], g.S, g.ValueDim)))
	return try.Do(Reshape(try.Do(Transpose(y, 0, 2, 1, 3)), g.Batch, g.T, g.Heads*g.ValueDim)), try.Err()
}

func (a *attention) rng() *Random {
	if a.spec.Rate > 0 {
		return a.spec.Random
	}
	return nil
}

func runAttentionGrad[T kernel.Float](a *attention) func(*call[T]) error {
	return func(c *call[T]) error {
		operands := len(a.ranks)
		g := a.geometry(c.inShape[:operands])
		m := attentionMemoryOf[T](a)
		m.d.DY, m.d.DQ = c.in[operands+1], c.out
		m.d.DK, m.d.DV = resized(m.d.DK, len(c.in[1])), resized(m.d.DV, len(c.in[2]))
		kernel.AttentionBackward(&g, &m.t, &m.d)
		return nil
	}
}

func runAttentionPart[T kernel.Float](a *attention, value bool) func(*call[T]) error {
	return func(c *call[T]) error {
		d := &attentionMemoryOf[T](a).d
		from := d.DK
		if value {
			from = d.DV
		}
		kernel.Scale(c.out, from, 1) // a copy by all workers
		return nil
	}
}
