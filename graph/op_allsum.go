// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// AllSum returns the sum of x over all Programs that run in step with each other, as those of the parts of a
// batch. Such a Program runs in parts (Program.RunPart), and between two of them the caller replaces x by the
// sum. In a Program that runs by itself y = x. The label names the sum for Program.AllSums.
//
// The gradient is that of the cost of all parts if each Program differentiates its own part of a cost that is
// their sum: the sum of all gradients, with a label of its own.
//
//	x, y  any shape but that of a scalar
func AllSum(label string, x *Node) (*Node, error) {
	if rankOf(x) == 0 {
		return nil, &OpError{Op: "all_sum", Err: fmt.Errorf("input is a scalar")}
	}
	return apply(&op{
		name: "all_sum" + attrs("of", label),
		in:   []int{rankOf(x)}, out: rankOf(x),
		shape:     sameShape,
		run:       moves(runCopy),
		inPlaceOf: 1,
		kind:      allSum{label},
		diff:      []bool{true},
		// Each Program differentiates its own part of a cost that is the sum of all parts.
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := AllSum(label+"/gradient", dy)
			return Nodes{dx}, err
		},
	}, x)
}

// allSum identifies AllSum, at which a Program may be split.
type allSum struct{ label string }

// AllSums returns the labels of the sums over several Programs in the order in which the Program computes them.
func (p *Program) AllSums() (labels []string) {
	for _, i := range p.sums {
		labels = append(labels, p.instructions[i].own.kind.(allSum).label)
	}
	return labels
}

// Parts returns the number of parts that RunPart has, which is 1 without an AllSum.
func (p *Program) Parts() int { return len(p.sums) + 1 }

// RunPart runs part k of the Program: up to AllSum k, or to the end if that was the last one. The parts of a
// run follow each other, from 0 on, in one arena that nobody else uses between them. Before part k+1 the
// caller replaces the values of AllSum k, see Summand.
func (p *Program) RunPart(a *Arena, k int) error {
	if p.code == nil {
		return errClosed
	}
	from, to := 0, len(p.instructions)
	if k > 0 {
		from = p.sums[k-1] + 1
	}
	if k < len(p.sums) {
		to = p.sums[k] + 1
	}
	return p.run(a, from, to)
}

// Summand returns the float32 values of AllSum k after RunPart k, nil if they are of another type: what this Program
// adds to the sum, and where the sum is expected.
func (p *Program) Summand(k int) []float32 { return p.floatsOf(p.instructions[p.sums[k]].out) }

// SummandSize returns the number of values of AllSum k.
func (p *Program) SummandSize(k int) int { return size(p.slots[p.instructions[p.sums[k]].out].shape) }

// EmptyMaskWeight is the weight of a part of a sum whose mask has no nonzero element: so small that other parts
// decide, but not 0, since there may be none.
const EmptyMaskWeight = 0x1p-64

// WeightByMask returns x·n, where n is the number of nonzero elements of the mask, which has no gradient, or
// EmptyMaskWeight if there is none.
//
//	x any shape   mask any shape
func WeightByMask(x, mask *Node) (*Node, error) {
	return apply(&op{
		name: "weight_by_mask",
		in:   []int{rankOf(x), rankOf(mask)}, out: rankOf(x),
		shape:    sameShape,
		run:      forDtypes(runWeightByMask[float32], runWeightByMask[float64]),
		diff:     []bool{true, false},
		zeroDiff: []bool{false, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dx, err := WeightByMask(dy, in[1])
			return Nodes{dx, nil}, err
		},
	}, x, mask)
}

func runWeightByMask[T kernel.Float](c *call[T]) error {
	n := T(countNonzero(c.in[1]))
	if n == 0 {
		n = EmptyMaskWeight
	}
	kernel.Scale(c.out, c.in[0], n)
	return nil
}
