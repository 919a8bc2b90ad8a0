// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"
	"unsafe"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// packets carries what metrics measure, the outputs, targets, masks and weights of parts of the data,
// from the ranks that computed them to all others. The ranks have consecutive parts, as equal in number
// as possible.
type packets struct {
	parts   int
	outputs int // of the model
	targets int
	logged  int // values of layers
	headers []int32
	values  []float32 // of all parts, after gather
	bounds  []int
	at      []int // in values, of the parts

	own      []float32 // values of the parts of this rank
	result   result
	batch    batch
	indices  []int
	losses   []float32
	gathered bool
}

// The layout of a header: the number of samples, and the lengths of the outputs and masks of all
// outputs of the model, of the targets and of the weights. The values of a part have the loss and the losses of
// the outputs in front.
func (p *packets) headerSize() int { return 2 + 2*p.outputs + p.targets }
func (p *packets) lossesSize() int { return 1 + p.outputs + p.logged }

// begin discards all parts.
func (p *packets) begin(parts int, m *Model) {
	p.parts, p.outputs, p.targets, p.logged = parts, len(m.outputs), len(m.compiled.targeted), len(m.compiled.logged)
	p.headers = slices.Grow(p.headers[:0], parts*p.headerSize())[:parts*p.headerSize()]
	clear(p.headers)
	p.own, p.gathered = p.own[:0], false
}

// add adds a part of this rank; parts are added in ascending order.
func (p *packets) add(part int, r result, b *batch) {
	h := p.headers[part*p.headerSize() : (part+1)*p.headerSize()]
	h[0] = int32(len(b.indices))
	p.own = append(p.own, float32(r.loss))
	for k := range p.lossesSize() - 1 {
		loss := float32(0)
		if k < len(r.outputLosses) {
			loss = r.outputLosses[k][0]
		}
		p.own = append(p.own, loss)
	}
	at := 1
	for _, list := range [3][][]float32{r.outputs, r.masks, b.targets} {
		for k, values := range list {
			h[at+k] = int32(len(values))
			p.own = append(p.own, values...)
		}
		at += len(list)
	}
	h[at] = int32(len(b.weights))
	p.own = append(p.own, b.weights...)
}

// gather exchanges the parts of all ranks.
func (p *packets) gather(g *distributed.Group) error {
	size := p.headerSize()
	p.bounds = slices.Grow(p.bounds[:0], g.Size()+1)[:g.Size()+1]
	p.bounds[0] = 0
	for r := range g.Size() {
		_, end := distributed.Part(p.parts, r, g.Size())
		p.bounds[r+1] = 4 * end * size
	}
	headers := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.headers))), 4*len(p.headers))
	if err := g.Gather(headers, p.bounds); err != nil {
		return err
	}
	p.at = append(p.at[:0], 0)
	for i := range p.parts {
		n := 0
		if h := p.headers[i*size : (i+1)*size]; h[0] > 0 {
			n = p.lossesSize()
			for _, length := range h[1:] {
				n += int(length)
			}
		}
		p.at = append(p.at, p.at[i]+n)
	}
	for r := range g.Size() {
		_, end := distributed.Part(p.parts, r, g.Size())
		p.bounds[r+1] = 4 * p.at[end]
	}
	p.values = slices.Grow(p.values[:0], p.at[p.parts])[:p.at[p.parts]]
	copy(p.values[p.bounds[g.Rank()]/4:], p.own)
	p.gathered = true
	return g.Gather(bytesOfFloats(p.values), p.bounds)
}

// part returns a part as the result of a graph for a batch. Before gather it has only losses, which the
// caller sets, and n samples. It is valid until the next call.
func (p *packets) part(i, n int) (result, *batch) {
	r, b := &p.result, &p.batch
	r.outputs, r.masks, r.outputLosses = r.outputs[:0], r.masks[:0], r.outputLosses[:0]
	b.targets, b.weights = b.targets[:0], nil
	p.losses = slices.Grow(p.losses[:0], p.lossesSize())[:p.lossesSize()]
	if p.gathered {
		size := p.headerSize()
		h, values := p.headers[i*size:(i+1)*size], p.values[p.at[i]:p.at[i+1]]
		n = int(h[0])
		if n > 0 {
			copy(p.losses, values)
			values = values[p.lossesSize():]
			next := func(length int32) []float32 {
				if length == 0 {
					return nil
				}
				part := values[:length]
				values = values[length:]
				return part
			}
			for k := range p.outputs {
				r.outputs = append(r.outputs, next(h[1+k]))
			}
			for k := range p.outputs {
				r.masks = append(r.masks, next(h[1+p.outputs+k]))
			}
			for k := range p.targets {
				b.targets = append(b.targets, next(h[1+2*p.outputs+k]))
			}
			b.weights = next(h[1+2*p.outputs+p.targets])
		}
	}
	r.loss = float64(p.losses[0])
	for k := range p.lossesSize() - 1 {
		r.outputLosses = append(r.outputLosses, p.losses[1+k:2+k])
	}
	for len(p.indices) < n {
		p.indices = append(p.indices, len(p.indices))
	}
	b.indices = p.indices[:n]
	return *r, b
}
