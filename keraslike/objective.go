// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// addCost adds the losses, with their targets and weights, and the penalties. As in Keras, weights that
// were frozen when the model was compiled have none.
func (v *expression) addCost(n *network, c *compiled, weighted bool) {
	v.lossMasks = make(graph.Nodes, len(v.out))
	for i, k := range c.targeted {
		name, out := "target", v.out[k]
		if i > 0 {
			name = fmt.Sprint("target ", i)
		}
		prediction := Shape(out.Shape()[1:])
		target, err := c.targetOf(k, prediction)
		if err != nil {
			v.Do(nil, err)
			return
		}
		t := v.input(name, target.withBatch(v.batch)...)
		v.targets, v.domains = append(v.targets, t), append(v.domains, v.domain(c, k, prediction))
		if isNoLoss(c.losses[k]) {
			continue
		}
		rows := v.rows(c.losses[k], out, v.maskTargets(t, c.losses[k], k, weighted))
		loss := v.reduced(rows, t, c.losses[k], weighted, k)
		if c.severalLosses() {
			v.outputLosses = append(v.outputLosses, loss)
		}
		if c.lossWeights != nil && loss != nil {
			loss = v.Do(graph.Scale(loss, c.lossWeights[k]))
		}
		v.addToCost(loss)
	}
	for _, w := range n.selectWeights(func(l *layer, _ *Weight) bool { return !c.frozen[l] }) {
		if variable, used := v.Scope.weights[w]; used {
			v.addPenalty(v.Do(w.regularizer.penalty(variable)))
		}
	}
	for _, penalty := range v.penalties {
		v.addToCost(penalty)
	}
	if v.cost == nil {
		v.Do(nil, errNoLoss)
	}
	for _, one := range v.logged {
		v.outputLosses = append(v.outputLosses, one.node)
	}
}

func (v *expression) addToCost(n *graph.Node) {
	if v.cost != nil {
		n = v.Do(graph.Add(v.cost, n))
	}
	v.cost = n
}

// rows adds the values of a loss for each sample.
func (v *expression) rows(loss Loss, out, target *graph.Node) (rows *graph.Node) {
	err := guard("loss", loss, "Rows", func() (err error) {
		rows, err = loss.Rows(out, v.logitsFor(loss, out), target)
		return err
	})
	return v.Do(rows, err)
}

// reduced adds the loss of an output: the mean of its rows, or another reduction, each multiplied by
// its sample weight. If the output has a mask, only the unmasked steps count, and if the loss leaves
// out rows, the others.
func (v *expression) reduced(rows, target *graph.Node, loss Loss, weighted bool, k int) *graph.Node {
	if rows == nil {
		return nil
	}
	var weights, counted *graph.Node // of the rows of the loss, nil for all
	if own, ok := loss.(selectiveLoss); ok {
		counted = v.Do(own.counted(rows, target))
	}
	if weighted {
		shape := rows.Shape()
		if n := Shape(shape).Size(); len(shape) == 0 || n%v.batch != 0 {
			return v.Do(nil, fmt.Errorf("%s gives %v, which has no value for each sample, so that samples cannot have weights", loss.Name(), shape))
		}
		weights = v.sampleWeights(k, shape...)
	}
	if steps := v.lossPerStep(loss, rows, k); steps != nil {
		mask := v.outputMasks[k]
		if counted != nil {
			mask = v.Do(graph.MaskSteps(v.Do(graph.Reshape(counted, steps.Shape()...)), mask))
		}
		if rows, counted = steps, mask; weights != nil {
			weights = v.Do(graph.Reshape(weights, steps.Shape()...))
		}
	}
	v.lossMasks[k] = counted
	return v.reduce(rows, weights, counted, reductionOf(loss))
}

// sampleWeights returns the variable of the sample weights of output k, in the shape of its
// losses.
func (v *expression) sampleWeights(k int, shape ...int) *graph.Node {
	if w, ok := v.weightsOf[k]; ok {
		return w
	}
	if v.weightsOf == nil {
		v.weightsOf = map[int]*graph.Node{}
	}
	w := v.input(fmt.Sprint("sample weights ", k), shape...)
	v.weights, v.weightsOf[k] = append(v.weights, w), w
	return w
}

// lossPerStep reshapes the losses of an output to the leading axes that its mask covers. It
// returns nil if there is no mask or the loss has no value for each step.
func (v *expression) lossPerStep(loss Loss, rows *graph.Node, k int) *graph.Node {
	mask, shape := v.outputMasks[k], v.out[k].Shape()
	if mask == nil || rows == nil {
		return nil
	}
	if own, ok := loss.(axisLoss); ok && !own.alongLast() {
		return v.Do(nil, fmt.Errorf("%s: the output has a mask of its steps, and the loss is not along the last axis", loss.Name()))
	}
	for last := len(shape) - 1; last >= len(mask.Shape()); last-- { // losses are over the last axis or more
		if Shape(shape[:last]).Size() == Shape(rows.Shape()).Size() {
			return v.Do(graph.Reshape(rows, shape[:last]...))
		}
	}
	return nil
}

// logitsFor returns the logits that the loss can use instead of the prediction, or nil.
func (s *Scope) logitsFor(l Loss, prediction *graph.Node) *graph.Node {
	z := s.logits[prediction]
	if own, ok := l.(logitsLoss); ok && own.activation() != z.activation {
		return nil
	}
	return z.node
}

// Targets outside the domain of a loss are rejected before training on them: cross-entropies
// and Poisson would have no lower bound, other losses no meaning. Distances such as squared
// errors accept every finite number, except after sigmoid or softmax, where targets such as
// 255 are far from any possible prediction. A target whose sample has weight 0 or whose step
// is masked may be any finite number, such as -1 for padding; as in Keras it adds 0 times its
// loss.

// domain returns the valid targets of output k, nil for all, for predictions of this shape.
func (v *expression) domain(c *compiled, k int, prediction Shape) *valueRange {
	if d, ok := c.losses[k].(distanceLoss); ok && d.isDistance() && v.logits[v.out[k]].node != nil {
		return nearProbabilities
	}
	return targetsOf(c.losses[k], prediction)
}

// checkTargets rejects invalid targets of the last batch. It runs after the batch because it
// needs the masks. The op of the loss checks class indices.
func (g *modelGraph) checkTargets() error {
	for j, set := range g.domains {
		if set == nil || set.whole {
			continue
		}
		k, t := g.targeted[j], graph.Floats(g.targets[j].bound)
		for i := set.indexOutside(t, 0, 0); i >= 0; i = set.indexOutside(t, i+1, 0) {
			if g.counts(k, i, len(t)) {
				return &graph.RowError{Row: i / (len(t) / g.batch), Rows: g.batch, Err: fmt.Errorf("%s: %w", g.losses[k].Name(), set.violation("target", t[i]))}
			}
		}
	}
	return nil
}

// counts reports whether target value i of n of output k is unmasked and has a nonzero sample
// weight.
func (g *modelGraph) counts(k, i, n int) bool {
	if m := g.mask(k); m != nil && m[i/(n/len(m))] == 0 {
		return false
	}
	if len(g.sampleWeights) == 0 {
		return true
	}
	w := g.sampleWeights[k].own.Float32s()
	return w[i/(n/len(w))] != 0
}

// showsTarget reports whether the cost is NaN or infinite if a value of the i-th target is.
func (g *modelGraph) showsTarget(i int) bool {
	k := g.targeted[i]
	l, ok := g.losses[k].(LossFunc)
	return ok && l.kind().shows && g.masks.nodes[k] == nil
}

// maskTargets replaces class indices, the last targets, of output k that are masked or have weight 0 with 0,
// because the op of the loss would reject padding.
func (v *expression) maskTargets(t *graph.Node, loss Loss, k int, weighted bool) *graph.Node {
	if set := v.domains[len(v.domains)-1]; set == nil || !set.whole || t == nil {
		return t
	}
	if mask := v.outputMasks[k]; mask != nil {
		t = v.Do(graph.MaskSteps(t, mask))
	}
	if weighted && t != nil {
		losses := t.Shape()
		if _, ok := loss.(sampleLoss); ok {
			losses = losses[:1]
		}
		w := v.sampleWeights(k, Shape(losses).Size())
		t = v.Do(graph.MaskSteps(t, v.Do(graph.Reshape(w, losses...))))
	}
	return t
}
