// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// How the values l of a loss become one number, which training minimizes, with weights w of the
// samples or steps, 1 by default, and n values:
//
//	                          Keras                     without a mask   with a mask m of the output
//	(default)                 sum_over_batch_size       Σ w·l/n          Σ m·w·l/Σ m
//	SumReduction              sum                       Σ w·l            Σ m·w·l
//	WeightedMeanReduction     mean_with_sample_weight   Σ w·l/Σ w        Σ m·w·l/Σ m·w
//
// A mean of nothing is 0. See https://keras.io/api/losses/.
const (
	// SumReduction adds up the values of the loss instead of taking their mean, an option of every
	// loss. The loss in the logs is the mean over batches, each counted by its samples.
	SumReduction LossFlag = "SumReduction"
	// WeightedMeanReduction divides by the sum of the weights instead of the number of values, an
	// option of every loss.
	WeightedMeanReduction LossFlag = "WeightedMeanReduction"
)

// reduction is how a loss is reduced, for embedding; empty is the default.
type reduction struct {
	Reduction string `json:"reduction,omitempty"`
}

const (
	sumReduction          = "sum"
	weightedMeanReduction = "mean_with_sample_weight"
)

// reducedLoss is a Loss that has a reduction.
type reducedLoss interface{ reducedBy() string }

func (r *reduction) reducedBy() string { return r.Reduction }

// reductionOf returns how a loss is reduced.
func reductionOf(l Loss) string {
	if own, ok := l.(reducedLoss); ok {
		return own.reducedBy()
	}
	return ""
}

// with adds the options to the others of a loss.
func (r *reduction) with(f fields) fields {
	choose := func(to string) func(bool) {
		return func(bool) {
			if r.Reduction != "" && r.Reduction != to {
				to = "both"
			}
			r.Reduction = to
		}
	}
	f[string(SumReduction)], f[string(WeightedMeanReduction)] = choose(sumReduction), choose(weightedMeanReduction)
	return f
}

// check returns an error for both options and for an unknown one in a file.
func (r *reduction) check() error {
	switch r.Reduction {
	case "", sumReduction, weightedMeanReduction:
		return nil
	case "both":
		return fmt.Errorf("got both %s and %s, want one of them", SumReduction, WeightedMeanReduction)
	}
	return fmt.Errorf("reduction is %q, want %q, %q or none", r.Reduction, sumReduction, weightedMeanReduction)
}

// checkTogether returns an error for losses that the parts of a batch cannot have.
func (c *compiled) checkTogether() error {
	for _, l := range c.losses {
		if by := reductionOf(l); by != "" {
			return fmt.Errorf("%s has the reduction %q; several processes compute means over their samples", l.Name(), by)
		}
	}
	return nil
}

// reduce adds what a loss is of its rows. counted is 0 for rows that are left out, nil if none is;
// weights are nil for 1.
func (v *expression) reduce(rows, weights, counted *graph.Node, by string) *graph.Node {
	weigh := func(x, w *graph.Node) *graph.Node {
		if w == nil || x == nil {
			return x
		}
		return v.Do(graph.Mul(x, w))
	}
	mask := func(x *graph.Node) *graph.Node {
		if counted == nil || x == nil {
			return x
		}
		return v.Do(graph.MaskSteps(x, counted))
	}
	switch {
	case by == sumReduction:
		return v.Do(graph.Sum(mask(weigh(rows, weights))))
	case by == weightedMeanReduction && weights != nil:
		sum, all := v.Do(graph.Sum(mask(weigh(rows, weights)))), v.Do(graph.Sum(mask(weights)))
		if all == nil {
			return nil
		}
		least := v.Do(graph.Scalar(all, math.SmallestNonzeroFloat32*(1<<30)))
		return v.Do(graph.Div(sum, v.Do(graph.Maximum(all, least))))
	case counted != nil:
		return v.Do(graph.MaskedMean(weigh(rows, weights), counted))
	case weights != nil:
		return v.Do(graph.WeightedMean(rows, weights))
	}
	return v.Do(graph.Mean(rows))
}

var errReducedMetric = errors.New("a metric is a mean, so SumReduction does not fit")
