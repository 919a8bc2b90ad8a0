// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// AlongAxis is the axis of the rows of a loss or metric: of the classes of a cross-entropy and of the
// IoU metrics, of the vectors of CosineSimilarity, Cosine, PearsonCorrelation and
// ConcordanceCorrelation. Axes count from 1, since 0 is the batch; negative numbers count from the end.
// The default is -1, the last axis. Dice and Tversky take several axes; by default they are over
// everything, the batch too. Others take one.
func AlongAxis(axes ...int) ScoreOption { return axisChoice(slices.Clone(axes)) }

type axisChoice []int

func (o axisChoice) applyLoss(s *settable)   { o.apply(s) }
func (o axisChoice) applyMetric(s *settable) { o.apply(s) }

func (o axisChoice) apply(s *settable) {
	if all, ok := s.fields["AlongAxis"].(*[]int); ok && len(o) > 0 {
		*all = o
	} else if len(o) == 1 {
		assignOption(s, "AlongAxis", o[0])
	} else {
		s.mistakes = append(s.mistakes, fmt.Errorf("AlongAxis: got %d axes, want one", len(o)))
	}
}

// oneAxis is the axis that a loss is along, nil for the last.
type oneAxis struct {
	Axis *int `json:"axis,omitempty"`
}

func (a *oneAxis) setAxis(axis int) {
	if a.Axis = nil; axis != -1 {
		a.Axis = &axis
	}
}

// alongLast reports whether the axis is known to be the last.
func (a *oneAxis) alongLast() bool { return a.Axis == nil }

// target returns the shape of the targets of a LossFunc along the axis.
func (a *oneAxis) target(of LossFunc, p Shape) (Shape, error) {
	if a.alongLast() {
		return of.Target(p)
	}
	if _, err := axisOf(*a.Axis, p); err != nil {
		return nil, fmt.Errorf("%s: AlongAxis: %w", of, err)
	}
	moved, err := of.Target(a.moved(p))
	if err == nil && len(moved) == len(p) {
		return p, nil
	}
	return moved, err
}

// moved returns a shape of predictions with the axis at the end.
func (a *oneAxis) moved(p Shape) Shape {
	if a.alongLast() {
		return p
	}
	i, err := axisOf(*a.Axis, p)
	if err != nil {
		return p
	}
	return append(slices.Delete(slices.Clone(p), i, i+1), p[i])
}

// isLast reports whether the axis is the last of x.
func (a *oneAxis) isLast(x *graph.Node) bool {
	return a.alongLast() || *a.Axis == x.Dims()-1
}

// last returns x with the axis at the end.
func (a *oneAxis) last(x *graph.Node) (*graph.Node, error) {
	if a.isLast(x) {
		return x, nil
	}
	i, err := axisOf(*a.Axis, Shape(x.Shape()[1:]))
	if err != nil {
		return nil, err
	}
	var order []int
	for k := range x.Dims() {
		if k != i+1 {
			order = append(order, k)
		}
	}
	return graph.Transpose(x, append(order, i+1)...)
}
