// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Targets outside the set that a loss is made for are rejected before they are trained on:
// for them cross-entropies and Poisson have no lower bound, other losses no meaning.
// Distances such as squared errors take every finite number, but after a sigmoid or softmax
// none as far from what that can predict as 255. A target whose sample has weight 0, or
// whose step is masked, may be any finite number, such as -1 for padding: as in Keras it
// adds 0 times its loss.

// domain is the set of the targets of output k.
func (v *view) domain(c *compiled, k int) *valueRange {
	if d, ok := c.losses[k].(distanceLoss); ok && d.isDistance() && v.logits[v.out[k]].of != nil {
		return nearProbabilities
	}
	return c.domains[k]
}

// checkTargets rejects targets of the batch that has just been computed, whose masks are
// known by now. Class numbers are checked by the loss's op.
func (p *plan) checkTargets() error {
	for k, set := range p.domains {
		if set == nil || set.whole {
			continue
		}
		t := graph.Floats(p.targets[k].bound)
		for i := set.indexOutside(t, 0, 0); i >= 0; i = set.indexOutside(t, i+1, 0) {
			if p.counts(k, i, len(t)) {
				return &graph.RowError{Row: i / (len(t) / p.batch), Rows: p.batch, Err: fmt.Errorf("%s: %w", p.losses[k].Name(), set.violation("target", t[i]))}
			}
		}
	}
	return nil
}

// counts reports whether number i of the n targets of output k belongs to a step and a
// sample that count.
func (p *plan) counts(k, i, n int) bool {
	if m := p.mask(k); m != nil && m[i/(n/len(m))] == 0 {
		return false
	}
	if len(p.sampleWeights) == 0 {
		return true
	}
	w := p.sampleWeights[k].own.Float32s()
	return w[i/(n/len(w))] != 0
}

// counted is the targets t of output k, with 0 in place of class numbers that do not
// count, which the loss's op would reject.
func (v *view) counted(t *graph.Node, k int, weighted bool) *graph.Node {
	if set := v.domains[k]; set == nil || !set.whole || t == nil {
		return t
	}
	if mask := v.outMasks[k]; mask != nil {
		t = v.Do(graph.MaskSteps(t, mask))
	}
	if weighted && t != nil {
		w := v.sampleWeights(k, Shape(t.Shape()).Size())
		t = v.Do(graph.MaskSteps(t, v.Do(graph.Reshape(w, t.Shape()...))))
	}
	return t
}
