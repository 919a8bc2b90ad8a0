// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// NoLoss is the loss of an output that adds nothing to the model's loss, such as None in Keras's
// list of losses:
//
//	err := m.Compile(k.Adam(1e-3), k.Losses(k.MSE, k.NoLoss))
//
// Such an output is predicted and needs no target. Metrics measure it if ForOutput names it, or if no
// output has a loss: then it has a target, of the shape of its predictions or without their last
// axis, whichever the metrics take. The data has targets only for the outputs that have one, in their
// order. The logs have a loss for each output if several have one. Weights that affect only outputs with NoLoss are not trained. If no output has a loss, layers
// must add one by Scope.AddLoss.
const NoLoss noLoss = "no_loss"

type noLoss string

var errNoLoss = errors.New("no loss: it is NoLoss for every output, and no layer adds one by AddLoss")

func isNoLoss(l Loss) bool {
	_, ok := l.(noLoss)
	return ok
}

// severalLosses reports whether the losses of outputs are measured besides their sum.
func (c *compiled) severalLosses() bool {
	n := 0
	for _, l := range c.losses {
		if !isNoLoss(l) {
			n++
		}
	}
	return n > 1
}

func (l noLoss) Name() string { return string(l) }

// Target returns an error, as there are no targets.
func (l noLoss) Target(Shape) (Shape, error) {
	return nil, errors.New("NoLoss stands for a loss only in Compile")
}

// Rows returns an error, as there is nothing to compute.
func (l noLoss) Rows(_, _, _ *graph.Node) (*graph.Node, error) { return nil, errNoLoss }

// withLoss returns the weights without those that affect only outputs with NoLoss, which are not
// trained.
func (v *expression) withLoss(weights []*Weight, c *compiled) (trained []*Weight) {
	var without graph.Nodes
	for k, l := range c.losses {
		if isNoLoss(l) {
			without = append(without, v.out[k])
		}
	}
	if without == nil {
		return weights
	}
	below := func(roots ...*graph.Node) map[*graph.Node]bool {
		set := map[*graph.Node]bool{}
		for _, n := range v.g.ExactSubgraphRoots(roots...).AllNodes() {
			set[n] = true
		}
		return set
	}
	cost, idle := below(v.cost), below(without...)
	for _, w := range weights {
		if n := v.Scope.weights[w]; cost[n] || !idle[n] {
			trained = append(trained, w)
		}
	}
	return trained
}

// findTargets finds out which outputs have targets: those with a loss and those that a metric
// measures.
func (c *compiled) findTargets(n *network) {
	c.targeted, c.labels = nil, make([]bool, len(n.outputs))
	for k, out := range n.outputs {
		var measured []outputMetric
		for _, m := range c.metrics {
			if c.measures(m, n, k) {
				measured = append(measured, m)
			}
		}
		if !isNoLoss(c.losses[k]) {
			c.targeted = append(c.targeted, k)
		} else if len(measured) > 0 {
			c.targeted = append(c.targeted, k)
			c.labels[k] = !takes(measured, out.shape, out.shape) && len(out.shape) > 0 && takes(measured, out.shape, out.shape[:len(out.shape)-1])
		}
	}
}

// takes reports whether all metrics take targets of a shape.
func takes(metrics []outputMetric, out, target Shape) bool {
	return !slices.ContainsFunc(metrics, func(m outputMetric) bool {
		_, err := m.begin(out, target)
		return err != nil
	})
}

// measures reports whether a metric measures output k: the one that it names, else every output
// with a loss, or every one if none has.
func (c *compiled) measures(m outputMetric, n *network, k int) bool {
	if m.output != "" {
		return m.output == n.outputNames()[k]
	}
	return !isNoLoss(c.losses[k]) || !slices.ContainsFunc(c.losses, func(l Loss) bool { return !isNoLoss(l) })
}

// measuredTarget returns the shape of the targets of output k, which has no loss.
func (c *compiled) measuredTarget(k int, out Shape) Shape {
	if c.labels[k] {
		return out[:len(out)-1]
	}
	return out
}
