// SPDX-License-Identifier: Apache-2.0

package ref

import (
	"math"
	"slices"
)

// Connectionist temporal classification (Graves et al. 2006). The labels of a sample are class numbers
// above 0, the blank, padded with 0. A path, one class for each step, reads as the labels if they remain
// when repeated classes are joined and blanks removed. Paths walk through states: a blank, label 1, a
// blank, label 2, ..., a blank; from one to itself, to the next, and from a label to the next label if
// they differ.

// CTCLabels returns the number of labels before the padding and the number of steps that they need: one
// each, and a blank between equal ones. ok is false if a label is not a class or follows the padding.
func CTCLabels[T Float](labels []T, classes int) (n, steps int, ok bool) {
	for i, v := range labels {
		if !(v >= 0 && v < T(classes)) || v != T(int(v)) || v != 0 && n < i {
			return n, steps, false
		}
		if v != 0 {
			n, steps = n+1, steps+1
			if i > 0 && labels[i-1] == v {
				steps++
			}
		}
	}
	return n, steps, true
}

// CTCScratch returns how many numbers CTC and CTCGrad need, for at most that many labels.
func CTCScratch(steps, classes, labels int) int {
	states := 2*labels + 1
	return steps + steps*states + states + classes
}

// ctc is the computation for one sample, all in logarithms.
type ctc[T Float] struct {
	z                      []T       // (steps, classes)
	labels                 []T       // without padding
	total                  []float64 // log Σ exp(z) of each step
	alpha                  []float64 // (steps, states): log of the sum over paths up to a step and a state
	beta                   []float64 // (states): log of the sum over paths from a step and a state on, without that step
	posterior              []float64 // (classes)
	steps, classes, states int
}

func newCTC[T Float](z, labels []T, steps, classes int, scratch []float64) ctc[T] {
	n, _, _ := CTCLabels(labels, classes)
	c := ctc[T]{z: z, labels: labels[:n], steps: steps, classes: classes, states: 2*n + 1}
	take := func(n int) []float64 {
		part := scratch[:n]
		scratch = scratch[n:]
		return part
	}
	c.total, c.alpha, c.beta, c.posterior = take(steps), take(steps*c.states), take(c.states), take(classes)
	for t := range steps {
		row := z[t*classes : (t+1)*classes]
		largest, sum := float64(slices.Max(row)), 0.0
		for _, v := range row {
			sum += math.Exp(float64(v) - largest)
		}
		c.total[t] = largest + math.Log(sum)
	}
	return c
}

// class returns the class of a state.
func (c *ctc[T]) class(s int) int {
	if s%2 == 0 {
		return 0
	}
	return int(c.labels[s/2])
}

// log returns the logarithm of the probability of a state's class at a step.
func (c *ctc[T]) log(t, s int) float64 { return float64(c.z[t*c.classes+c.class(s)]) - c.total[t] }

// skips reports whether a path may go from state s-2 to s.
func (c *ctc[T]) skips(s int) bool {
	return s%2 == 1 && s >= 3 && c.labels[s/2] != c.labels[s/2-1]
}

// LogAdd returns log(eᵃ + eᵇ).
func LogAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// forward computes alpha and returns the logarithm of the probability of the labels.
func (c *ctc[T]) forward() float64 {
	none := math.Inf(-1)
	for t := range c.steps {
		now := c.alpha[t*c.states : (t+1)*c.states]
		if t == 0 {
			for s := range now {
				if now[s] = none; s < 2 {
					now[s] = c.log(0, s)
				}
			}
			continue
		}
		before := c.alpha[(t-1)*c.states : t*c.states]
		for s := range now {
			sum := before[s]
			if s > 0 {
				sum = LogAdd(sum, before[s-1])
			}
			if c.skips(s) {
				sum = LogAdd(sum, before[s-2])
			}
			now[s] = sum + c.log(t, s)
		}
	}
	last := c.alpha[(c.steps-1)*c.states:]
	p := last[c.states-1]
	if c.states > 1 {
		p = LogAdd(p, last[c.states-2])
	}
	return p
}

// CTC returns -log of the probability of the labels of one sample, given logits z (steps, classes);
// +Inf if there are too few steps.
func CTC[T Float](z, labels []T, steps, classes int, scratch []float64) float64 {
	c := newCTC(z, labels, steps, classes, scratch)
	return -c.forward()
}

// CTCGrad writes the gradient of z, dloss·(softmax(z) - the share of paths in each class at each step);
// 0 if the labels are impossible.
func CTCGrad[T Float](dz, z, labels []T, dloss float64, steps, classes int, scratch []float64) {
	c := newCTC(z, labels, steps, classes, scratch)
	p, none := c.forward(), math.Inf(-1)
	if math.IsInf(p, -1) {
		clear(dz)
		return
	}
	for s := range c.beta {
		if c.beta[s] = none; s >= c.states-2 {
			c.beta[s] = 0
		}
	}
	for t := steps - 1; t >= 0; t-- {
		clear(c.posterior)
		alpha := c.alpha[t*c.states : (t+1)*c.states]
		for s, a := range alpha {
			c.posterior[c.class(s)] += math.Exp(a + c.beta[s] - p)
		}
		for k := range classes {
			i := t*classes + k
			dz[i] = T(dloss * (math.Exp(float64(z[i])-c.total[t]) - c.posterior[k]))
		}
		// beta of the step before, from the lower states up: what they need is still that of this step.
		for s := range c.beta {
			sum := c.beta[s] + c.log(t, s)
			if s+1 < c.states {
				sum = LogAdd(sum, c.beta[s+1]+c.log(t, s+1))
			}
			if s+2 < c.states && c.skips(s+2) {
				sum = LogAdd(sum, c.beta[s+2]+c.log(t, s+2))
			}
			c.beta[s] = sum
		}
	}
}
