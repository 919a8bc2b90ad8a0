// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// addCost adds the losses with their targets and weights, and all penalties.
func (v *expression) addCost(n *network, c *compiled, weighted bool) {
	for k, out := range v.out {
		name := "target"
		if k > 0 {
			name = fmt.Sprint("target ", k)
		}
		t := v.input(name, c.targets[k].withBatch(v.batch)...)
		v.targets, v.domains = append(v.targets, t), append(v.domains, v.domain(c, k))
		loss := v.mean(v.rows(c.losses[k], out, v.counted(t, k, weighted)), c.losses[k], weighted, k)
		if len(v.out) > 1 {
			v.losses = append(v.losses, loss)
		}
		if c.lossWeights != nil && loss != nil {
			loss = v.Do(graph.Scale(loss, c.lossWeights[k]))
		}
		if v.cost == nil {
			v.cost = loss
		} else {
			v.cost = v.Do(graph.Add(v.cost, loss))
		}
	}
	for _, w := range n.weights {
		if variable, used := v.Scope.weights[w]; used {
			v.AddLoss(v.Do(w.regularizer.penalty(variable)))
		}
	}
	for _, penalty := range v.penalties {
		v.cost = v.Do(graph.Add(v.cost, penalty))
	}
}

// rows adds a loss, which may be a user's own.
func (v *expression) rows(loss Loss, out, target *graph.Node) (rows *graph.Node) {
	err := guard("loss", loss, "Rows", func() (err error) {
		rows, err = loss.Rows(out, v.logitsFor(loss, out), target)
		return err
	})
	return v.Do(rows, err)
}

// mean is the mean of an output's losses, each times its sample's weight; over the
// steps that count where the output has a mask.
func (v *expression) mean(rows *graph.Node, loss Loss, weighted bool, k int) *graph.Node {
	if rows == nil {
		return nil
	}
	if weighted {
		shape := rows.Shape()
		if n := Shape(shape).Size(); len(shape) == 0 || n%v.batch != 0 {
			return v.Do(nil, fmt.Errorf("%s gives %v, which has no value for each sample, so that samples cannot have weights", loss.Name(), shape))
		}
		w := v.sampleWeights(k, shape...)
		if v.steps(rows, k) == nil {
			return v.Do(graph.WeightedMean(rows, w))
		}
		rows = v.Do(graph.Mul(rows, w))
	}
	if steps := v.steps(rows, k); steps != nil {
		return v.Do(graph.MaskedMean(steps, v.outMasks[k]))
	}
	return v.Do(graph.Mean(rows))
}

// sampleWeights is the variable of the weights of output k, in the shape of its losses.
func (v *expression) sampleWeights(k int, shape ...int) *graph.Node {
	if len(v.weights) == k {
		v.weights = append(v.weights, v.input(fmt.Sprint("sample weights ", k), shape...))
	}
	return v.weights[k]
}

// steps are the losses of an output in the shape of its first axes, as its mask wants
// them; nil where it has no mask or the loss no value for each step.
func (v *expression) steps(rows *graph.Node, k int) *graph.Node {
	mask, shape := v.outMasks[k], v.out[k].Shape()
	if mask == nil || rows == nil {
		return nil
	}
	for last := len(shape) - 1; last >= len(mask.Shape()); last-- { // losses are over the last axis or more
		if Shape(shape[:last]).Size() == Shape(rows.Shape()).Size() {
			return v.Do(graph.Reshape(rows, shape[:last]...))
		}
	}
	return nil
}

// logitsFor is what the loss can be computed from instead of the prediction, nil for nothing.
func (s *Scope) logitsFor(l Loss, prediction *graph.Node) *graph.Node {
	z := s.logits[prediction]
	if own, ok := l.(logitsLoss); ok && own.activation() != z.by {
		return nil
	}
	return z.of
}

// Targets outside the set that a loss is made for are rejected before they are trained on:
// for them cross-entropies and Poisson have no lower bound, other losses no meaning.
// Distances such as squared errors take every finite number, but after a sigmoid or softmax
// none as far from what that can predict as 255. A target whose sample has weight 0, or
// whose step is masked, may be any finite number, such as -1 for padding: as in Keras it
// adds 0 times its loss.

// domain is the set of the targets of output k.
func (v *expression) domain(c *compiled, k int) *numbers {
	if d, ok := c.losses[k].(distanceLoss); ok && d.isDistance() && v.logits[v.out[k]].of != nil {
		return nearProbabilities
	}
	return c.domains[k]
}

// checkTargets rejects targets of the batch that has just been computed, whose masks are
// known by now. Class numbers are checked by the loss's op.
func (p *modelGraph) checkTargets() error {
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

// counts reports whether number i of the n targets of output k belongs to a step and a
// sample that count.
func (p *modelGraph) counts(k, i, n int) bool {
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
func (v *expression) counted(t *graph.Node, k int, weighted bool) *graph.Node {
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
