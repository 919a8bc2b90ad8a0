// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Limits bounds the cost of the graphs of a model, so that a wrong number or an untrusted file
// causes an error instead of hours of work or exhausted memory. A zero field means its
// default. Limits is an option of Load; kerasfile.WithLimits sets them for files of Keras and
// Model.SetLimits for any model.
//
// For a model from a file of s bytes the defaults grow with the factor
// f = max(1, 10·s/1e6 - 9), because the work of a model usually grows with its weights.
// Models created by a program have higher defaults.
type Limits struct {
	// Layers counts the inputs of all layers, those of a nested model again at each
	// of its uses: a model that uses another one twice, which uses another one twice,
	// and so on for n times, has more than 2ⁿ. A graph may have four times as many
	// nodes. The default is 16,384, from a file 4096·f up to that.
	Layers int
	// Memory is what a graph may need for the values between its inputs and its
	// outputs, in bytes. The default is 64 GiB, from a file up to that 160 MiB·f for each
	// sample of a batch, 16 times as much for training and for gradients, which keep the
	// values of all layers. Predict takes fewer samples at once before it gives up.
	Memory int64
	// Work is the number of multiplications for one sample; other operations count
	// 20 for each value. There is no limit by default, from a file it is 2e10·f.
	Work float64
}

// mode is the purpose of a graph. Each mode has separate graphs, which share the weights.
type mode int

const (
	modePredict  mode = iota // outputs
	modeEvaluate             // outputs and loss
	modeGradient             // the node of every layer, for gradients between them
	modeTrain                // outputs, loss and gradients, with dropout
	modeTrace                // the outputs of all layers, with dropout
	modeSample               // outputs, with dropout
)

const (
	defaultLayers, fileLayers = 1 << 14, 1 << 12
	defaultMemory, fileMemory = 64 << 30, 160 << 20
	fileWork                  = 2e10
	gradientMemoryFactor      = 16 // times that of a file
	fileSizeUnit              = 1e6

	nodesPerLayer = 4
	workPerValue  = 20
)

// limitFile sets the limits of a model from a file of size bytes; zero fields get defaults.
func (n *network) limitFile(l Limits, size int64) {
	f := max(1, 10*float64(size)/fileSizeUnit-9)
	if l.Memory == 0 {
		n.sampleMemory = int64(min(defaultMemory, fileMemory*f))
	}
	if l.Layers == 0 {
		l.Layers = int(min(defaultLayers, fileLayers*f))
	}
	if l.Work == 0 {
		l.Work = fileWork * f
	}
	n.limits = l
}

// layersLimit returns the limit of layers in effect.
func (n *network) layersLimit() int {
	if n.limits.Layers > 0 {
		return n.limits.Layers
	}
	return defaultLayers
}

func (n *network) memoryLimit(mode mode, batch int) int64 {
	limit := int64(defaultMemory)
	if n.limits.Memory > 0 {
		limit = n.limits.Memory
	} else if n.sampleMemory > 0 {
		each := float64(n.sampleMemory)
		if mode >= modeGradient {
			each *= gradientMemoryFactor
		}
		limit = int64(min(defaultMemory, each*float64(batch)))
	}
	return min(limit, math.MaxInt)
}

// affordable checks the cost of a batch whose free axes have these lengths before its graph is
// built, and returns the shapes in the network.
func (n *network) affordable(mode mode, batch int, l lengths) (*sizes, error) {
	if n.uses > float64(n.layersLimit()) {
		return nil, n.tooManyLayers()
	}
	z, err := n.sizesAt(l)
	if err != nil {
		return nil, err
	}
	limit := n.memoryLimit(mode, batch)
	if need := z.cost.memory(mode, batch); need > float64(limit) {
		return nil, fmt.Errorf("a batch of %d samples: %w (Limits.Memory)", batch, &graph.MemoryError{Need: need, Limit: limit})
	}
	if limit := n.limits.Work; limit > 0 && z.cost.work > limit {
		return nil, fmt.Errorf("needs about %.3g multiplications for one sample, the most is %.3g (Limits.Work)", z.cost.work, limit)
	}
	return z, nil
}

func (n *network) tooManyLayers() error {
	return fmt.Errorf("has %.10g uses of layers, those of nested models counted at each use of theirs; the most is %d (Limits.Layers)", n.uses, n.layersLimit())
}

// countUses counts the inputs of all layers. The count is in floating point because it may exceed
// integers.
func (n *network) countUses() float64 {
	uses := float64(len(n.inputs) + len(n.outputs) - 2) // one of each counts with the model's own use
	for _, t := range n.order {
		uses += max(1, float64(len(t.in)))
		if sub := t.layer.network(); sub != nil {
			uses += sub.uses
		}
	}
	return uses
}

// memory returns the minimum memory for a batch in bytes.
func (c *cost) memory(mode mode, batch int) float64 {
	return 4*c.largest*float64(batch) + c.internalBytes(mode, batch)
}

// internalBytes returns the memory of what layers keep for their gradients: none without
// gradients. A graph that traces runs layers as in training, with dropout.
func (c *cost) internalBytes(mode mode, batch int) float64 {
	if mode < modeGradient {
		return 0
	}
	return 4 * c.internal * float64(batch)
}

// count adds up the cost of all layers.
func (n *network) count(z *sizes, start, calls []*Tensor) (c cost) {
	for _, t := range start {
		c.largest = max(c.largest, floatSize(z.shape(t)))
	}
	for _, t := range n.front {
		if !t.shape.isFree() {
			c.largest = max(c.largest, floatSize(t.shape))
		}
	}
	for _, t := range calls {
		one := t.cost(z)
		c.largest = max(c.largest, one.largest)
		c.internal += one.internal
		c.work += one.work
	}
	return c
}

// cost returns the cost of one use of a layer, without its own inputs.
func (t *Tensor) cost(z *sizes) (c cost) {
	values := 0.0
	in, out := z.shapes(t.in), z.shape(t)
	for _, s := range in {
		values += floatSize(s)
	}
	for _, x := range t.outputs() {
		n := floatSize(z.shape(x))
		c.largest = max(c.largest, n)
		values += n
	}
	c.work = workPerValue * values
	if sub := t.layer.network(); sub != nil {
		times := 1.0
		d := t.layer.def
		for w, ok := d.(wrapper); ok && len(in) == 1 && len(in[0]) > 0; w, ok = d.(wrapper) {
			times *= float64(in[0][0])
			d, in = w.inner().def, []Shape{in[0][1:]}
		}
		if inner := z.find(sub, in); inner != nil {
			c.largest = max(c.largest, times*inner.cost.largest)
			c.internal = times * inner.cost.internal
			c.work += times * inner.cost.work
		}
		return c
	}
	c.work += t.multiplications(in, out)
	c.internal = t.internalValues(in)
	return c
}

// multiplications returns the number of multiplications of a layer: one for each weight and
// position, unless the definition counts otherwise.
func (t *Tensor) multiplications(in []Shape, out Shape) (n float64) {
	for _, w := range t.layer.weights {
		n += floatSize(w.shape)
	}
	most := positionCount(out)
	for _, x := range in {
		most = max(most, positionCount(x))
	}
	if d, ok := t.layer.def.(multiplier); ok {
		return d.multiplications(in, out, n*most)
	}
	return n * most
}

// internalValues returns the number of values that a layer keeps for its gradient, outside the
// memory plan.
func (t *Tensor) internalValues(in []Shape) float64 {
	if d, ok := t.layer.def.(internalValues); ok && len(in) > 0 && len(in[0]) > 0 {
		return d.internalValues(in)
	}
	return 0
}
