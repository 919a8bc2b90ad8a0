// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Targets outside the set that a loss is made for are refused before they are
// trained on: cross-entropies and Poisson have no lower bound for them, the others no
// // meaning. Distances such as squared errors take every finite number, but behind a sigmoid
// or softmax none as far from what that can predict as 255. A target whose sample has
// weight 0, or whose step is masked, may be any finite number, such as -1 for padding: as
// in Keras it adds 0 times its loss.

// targets is the set of numbers that targets are of; nil is that of all.
func (l LossFunc) targets(p Shape) *numbers {
	switch l {
	case BinaryCrossentropy, CategoricalCrossentropy, KLDivergence:
		return probabilities
	case SparseCategoricalCrossentropy:
		return classNumbers(p[len(p)-1])
	case Poisson:
		return positives
	case Hinge, SquaredHinge, CategoricalHinge:
		return signs
	}
	return nil
}

func (l *crossentropy) targets(p Shape) *numbers { return l.Of.targets(p) }
func (l *focal) targets(p Shape) *numbers        { return l.Of.targets(p) }

var signs = &numbers{lo: -1, hi: 1, want: "want -1 and 1 or 0 and 1"}

// targetsOf is the set of a loss; one's own losses take all numbers.
func targetsOf(l Loss, p Shape) *numbers {
	if own, ok := l.(interface{ targets(Shape) *numbers }); ok {
		return own.targets(p)
	}
	return nil
}

// nearProbabilities are at most as far from 0 to 1 as 0 is from 1.
var nearProbabilities = &numbers{lo: -1, hi: 2, want: "want about 0 to 1, as sigmoid and softmax predict"}

// isDistance tells whether a loss is one of p - t, or of their logarithms or ratio.
func isDistance(l Loss) bool {
	switch l := l.(type) {
	case LossFunc:
		return slices.Contains([]LossFunc{MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh}, l)
	case *huber:
		return true
	}
	return false
}

// domain is the set of the targets of output k.
func (v *view) domain(c *compiled, k int) *numbers {
	if v.logits[v.out[k]].of != nil && isDistance(c.losses[k]) {
		return nearProbabilities
	}
	return c.domains[k]
}

// checkTargets refuses targets of the batch that has just been computed, whose masks are
// known by now. Class numbers are checked by the loss's op.
func (p *plan) checkTargets() error {
	for k, set := range p.domains {
		if set == nil || set.whole {
			continue
		}
		t := graph.Floats(p.targets[k].bound)
		for i := set.outside(t, 0, 0); i >= 0; i = set.outside(t, i+1, 0) {
			if p.counts(k, i, len(t)) {
				return &graph.RowError{Row: i / (len(t) / p.batch), Rows: p.batch, Err: fmt.Errorf("%s: %w", p.losses[k].Name(), set.mistake("target", t[i]))}
			}
		}
	}
	return nil
}

// counts tells whether number i of the n targets of output k belongs to a step and a
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

// counted is the targets t of output k, with 0 in the place of class numbers that do not
// count: the loss's op would refuse them.
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
