// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/internal/kernel/buffer"

// predictions collects the outputs of a model for the samples of a source, in their order.
type predictions struct {
	spec    *dataSpec
	ragged  *raggedSamples // nil if all samples have the same shapes
	whole   []*Array       // outputs of which all samples have one shape; nil for others
	samples [][]*Array     // of the others
}

// newPredictions returns room for the outputs of n samples; shapes are those of the samples, nil if
// they differ.
func newPredictions(spec *dataSpec, ragged *raggedSamples, shapes *batchShapes, n int) *predictions {
	p := &predictions{spec: spec, ragged: ragged, samples: make([][]*Array, len(spec.outputs))}
	for k, shape := range spec.outputs {
		if shapes != nil {
			shape = shapes.outputs[k]
		}
		if shape.isFree() {
			p.whole, p.samples[k] = append(p.whole, nil), make([]*Array, n)
			continue
		}
		a := &Array{shape: shape.withBatch(n)}
		a.values = buffer.Unset(Shape(a.shape).Size())
		p.whole = append(p.whole, a)
	}
	return p
}

// add copies the outputs of a batch. Those of a padded sample are as long as without padding.
func (p *predictions) add(b *batch, outputs []*Array) error {
	for i, sample := range b.indices {
		for k, a := range p.whole {
			values := outputs[k].Row(i)
			if a != nil {
				copy(a.values[sample*len(values):], values)
				continue
			}
			own, err := p.spec.at(p.ragged.own(sample).lengths)
			if err != nil {
				return err
			}
			shape := own.outputs[k]
			p.samples[k][sample] = &Array{shape: shape, values: trimmed(values, b.shapes.outputs[k], shape)}
		}
	}
	return nil
}

// arrays returns the outputs.
func (p *predictions) arrays() (out []*Array, err error) {
	for k, a := range p.whole {
		if a == nil {
			if a, err = newRagged(p.samples[k]); err != nil {
				return nil, err
			}
		}
		out = append(out, a)
	}
	return out, nil
}
