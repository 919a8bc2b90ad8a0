// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// Limits bounds what the graphs of a model may cost, so that a wrong number or a
// file from elsewhere is an error and not hours of work or all of the memory. A zero
// field stands for its default. Limits is an option of Load, and
// kerasfile.WithLimits one for files of Keras; Model.SetLimits sets those of any model.
//
// For a model that comes from a file of s bytes the defaults grow with the file,
// by f = max(1, 10·s/1e6 - 9), because what a model computes usually grows with its
// weights; one that is made by a program is trusted with more.
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

// mode says what a graph of the model is for. There is no mode to flip:
// each mode has graphs of its own, which share the weights.
type mode int

const (
	modePredict mode = iota // outputs
	modeEvaluate                // outputs and loss
	modeGradient                  // the node of every layer, for gradients between them
	modeTrain                   // outputs, loss and gradients, with dropout
	modeTrace                   // the outputs of all layers, with dropout
)

const (
	layersOfModel, layersOfFile = 1 << 14, 1 << 12
	memoryOfModel, memoryOfFile = 64 << 30, 160 << 20
	workOfFile                  = 2e10
	memoryOfGradients           = 16 // times that of a file
	bytesOfFile                 = 1e6

	nodesOfLayer = 4
	workOfValue  = 20
)

// limitFile sets the limits of a model from a file of size bytes where the caller set none.
func (n *network) limitFile(l Limits, size int64) {
	f := max(1, 10*float64(size)/bytesOfFile-9)
	if l.Memory == 0 {
		n.sampleMemory = int64(min(memoryOfModel, memoryOfFile*f))
	}
	if l.Layers == 0 {
		l.Layers = int(min(layersOfModel, layersOfFile*f))
	}
	if l.Work == 0 {
		l.Work = workOfFile * f
	}
	n.limits = l
}

// layersLimit, memoryLimit and workLimit are the limits that hold.
func (n *network) layersLimit() int {
	if n.limits.Layers > 0 {
		return n.limits.Layers
	}
	return layersOfModel
}

func (n *network) memoryLimit(p mode, batch int) int64 {
	limit := int64(memoryOfModel)
	if n.limits.Memory > 0 {
		limit = n.limits.Memory
	} else if n.sampleMemory > 0 {
		each := float64(n.sampleMemory)
		if p >= modeGradient {
			each *= memoryOfGradients
		}
		limit = int64(min(memoryOfModel, each*float64(batch)))
	}
	return min(limit, math.MaxInt)
}

// affordable checks the model's cost before a graph of it is made.
func (n *network) affordable(p mode, batch int) error {
	if most := n.layersLimit(); n.cost.uses > float64(most) {
		return n.tooManyLayers()
	}
	limit := n.memoryLimit(p, batch)
	if need := n.cost.memory(batch); need > float64(limit) {
		return fmt.Errorf("a batch of %d samples: %w (Limits.Memory)", batch, &graph.MemoryError{Need: need, Limit: limit})
	}
	if most := n.limits.Work; most > 0 && n.cost.work > most {
		return fmt.Errorf("needs about %.3g multiplications for one sample, the most is %.3g (Limits.Work)", n.cost.work, most)
	}
	return nil
}

func (n *network) tooManyLayers() error {
	return fmt.Errorf("has %.10g uses of layers, those of nested models counted at each use of theirs; the most is %d (Limits.Layers)", n.cost.uses, n.layersLimit())
}

// cost is what a graph of a model takes for one sample, in numbers that may be too
// large for integers.
type cost struct {
	uses    float64 // inputs of layers, those of nested models at each use
	saved   float64 // layers in a saved file, where a nested model stands once for each model around it
	largest float64 // values of the largest array
	held    float64 // values that layers keep to themselves, whatever the graph's plan
	work    float64 // multiplications, and workOfValue for each value
}

// memory is what is needed at the least for a batch, in bytes.
func (c *cost) memory(batch int) float64 { return 4 * (c.largest + c.held) * float64(batch) }

// count adds the cost of all layers up.
func (n *network) count() (c cost) {
	c.uses = float64(len(n.inputs) + len(n.outputs) - 2) // one of each counts with the model's own use
	for _, t := range n.inputs {
		c.largest = max(c.largest, floatSize(t.shape))
	}
	for _, t := range n.order {
		one := t.cost()
		c.uses += max(1, float64(len(t.in))) + one.uses
		c.largest = max(c.largest, one.largest)
		c.held += one.held
		c.work += one.work
	}
	for _, l := range n.layers() {
		c.saved++
		if inner := l.network(); inner != nil {
			c.saved += inner.cost.saved
		}
	}
	return c
}

// cost is that of one use of a layer, without its own inputs.
func (t *Tensor) cost() (c cost) {
	values := 0.0
	for _, x := range t.in {
		values += floatSize(x.shape)
	}
	for _, x := range t.outputs() {
		c.largest = max(c.largest, floatSize(x.shape))
		values += floatSize(x.shape)
	}
	c.work = workOfValue * values
	if sub := t.layer.network(); sub != nil {
		times := 1.0
		d, shape := t.layer.def, t.shape
		for w, ok := d.(wrapper); ok && len(shape) > 0; w, ok = d.(wrapper) {
			times *= float64(shape[0])
			d, shape = w.inner().def, shape[1:]
		}
		c.uses += sub.cost.uses
		c.largest = max(c.largest, times*sub.cost.largest)
		c.held = times * sub.cost.held
		c.work += times * sub.cost.work
		return c
	}
	c.work += t.multiplications()
	c.held = t.held()
	return c
}

// multiplications of a layer: of a weight, one for each position that it is applied to,
// unless the definition counts otherwise.
func (t *Tensor) multiplications() (n float64) {
	in := t.inputShapes()
	for _, w := range t.layer.weights {
		n += floatSize(w.shape)
	}
	most := positions(t.shape)
	for _, x := range in {
		most = max(most, positions(x))
	}
	if d, ok := t.layer.def.(multiplier); ok {
		return d.multiplications(in, t.shape, n*most)
	}
	return n * most
}

// held are the values that a layer keeps to itself.
func (t *Tensor) held() float64 {
	in := t.inputShapes()
	if d, ok := t.layer.def.(holder); ok && len(in) > 0 && len(in[0]) > 0 {
		return d.held(in)
	}
	return 0
}

func (t *Tensor) inputShapes() (in []Shape) {
	for _, x := range t.in {
		in = append(in, x.shape)
	}
	return in
}
