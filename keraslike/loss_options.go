// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// With returns a loss with options:
//
//	k.CategoricalCrossentropy.With(k.LabelSmoothing(0.1))
//	k.MSE.With(k.SumReduction)
//
// SumReduction and WeightedMeanReduction fit every loss. FromLogits and LabelSmoothing fit the
// cross-entropies, the latter not SparseCategoricalCrossentropy, and IgnoreClass only that. AlongAxis
// fits the cross-entropies and CosineSimilarity. Compile returns an error for others.
//
// Options: FromLogits (off), LabelSmoothing (0), AlongAxis (-1), IgnoreClass (none), SumReduction
// (off), WeightedMeanReduction (off).
func (l LossFunc) With(opts ...LossOption) Loss {
	c := &optionedLoss{Of: l}
	c.mistake = configure(opts, LossOption.applyLoss, c.with(fields{
		"FromLogits": &c.FromLogits, "LabelSmoothing": &c.LabelSmoothing, "AlongAxis": c.setAxis, "IgnoreClass": func(v int) { c.Ignore = &v },
	}))
	return c
}

// registerLossFunc registers a LossFunc, alone and with options, and as a metric.
func registerLossFunc(l LossFunc, kind lossKind) struct{} {
	lossFuncs[l] = &kind
	registerLoss(string(l), func() Loss { return &optionedLoss{} })
	if kind.row != nil {
		registerMetric(string(l), func() Metric { return l })
	}
	return struct{}{}
}

// optionedLoss is a LossFunc with options.
type optionedLoss struct {
	Of             LossFunc `json:"of"`
	FromLogits     bool     `json:"from_logits,omitempty"`
	LabelSmoothing float64  `json:"label_smoothing,omitempty"`
	Ignore         *int     `json:"ignore_class,omitempty"`
	oneAxis
	reduction

	mistake error // in the options
}

func (l *optionedLoss) Name() string               { return string(l.Of) }
func (l *optionedLoss) activation() ActivationFunc { return l.Of.activation() }

func (l *optionedLoss) Target(p Shape) (Shape, error) {
	crossEntropy, sparse := l.Of.activation() != "", l.Of == SparseCategoricalCrossentropy
	switch {
	case l.mistake != nil:
		return nil, fmt.Errorf("%s: %w", l.Of, l.mistake)
	case l.check() != nil:
		return nil, fmt.Errorf("%s: %w", l.Of, l.check())
	case !crossEntropy && l.Of != CosineSimilarity && (l.FromLogits || l.LabelSmoothing != 0 || l.Ignore != nil || !l.alongLast()):
		return nil, fmt.Errorf("%s: not a cross-entropy or %s, so only %s and %s fit", l.Of, CosineSimilarity, SumReduction, WeightedMeanReduction)
	case !crossEntropy && (l.FromLogits || l.LabelSmoothing != 0):
		return nil, fmt.Errorf("%s: not a cross-entropy, so FromLogits and LabelSmoothing do not fit, want AlongAxis", l.Of)
	case sparse && l.LabelSmoothing != 0:
		return nil, fmt.Errorf("%s: class numbers cannot be smoothed; use one-hot targets and %s", l.Of, CategoricalCrossentropy)
	case !sparse && l.Ignore != nil:
		return nil, fmt.Errorf("%s: IgnoreClass does not fit, only %s has class numbers as targets", l.Of, SparseCategoricalCrossentropy)
	case l.Ignore != nil && (*l.Ignore > maxIgnored || *l.Ignore < -maxIgnored):
		return nil, fmt.Errorf("%s: IgnoreClass is %d, want -%d to %d", l.Of, *l.Ignore, maxIgnored, maxIgnored)
	}
	if err := checkSmoothing(l.Of, l.LabelSmoothing); err != nil {
		return nil, err
	}
	return l.target(l.Of, p)
}

// maxIgnored is the largest number up to which float32 has all integers.
const maxIgnored = 1 << 24

func checkSmoothing(of LossFunc, s float64) error {
	if !(s >= 0 && s <= 1) {
		return fmt.Errorf("%s: label smoothing is %g, want 0 to 1", of, s)
	}
	return nil
}

func (l *optionedLoss) targets(p Shape) *valueRange {
	set := l.Of.targets(l.moved(p))
	if set != nil && l.Ignore != nil {
		set.also = l.Ignore
		set.want = fmt.Sprintf("%s, or %d, which does not count", set.want, *l.Ignore)
	}
	return set
}

func (l *optionedLoss) Rows(p, logits, t *graph.Node) (*graph.Node, error) {
	var try graph.Try
	if l.FromLogits {
		logits = p
	} else if l.activation() == Softmax && !l.isLast(p) {
		logits = nil // they were normalized along the last axis
	}
	p = try.Do(l.last(p))
	if logits != nil {
		logits = try.Do(l.last(logits))
	}
	if l.Ignore != nil {
		t = try.Do(graph.MaskSteps(t, try.Do(graph.MaskOf(t, float64(*l.Ignore)))))
	} else if l.Of != SparseCategoricalCrossentropy {
		t = try.Do(l.last(t))
	}
	if l.LabelSmoothing != 0 {
		t = try.Do(smooth(t, l.activation(), l.LabelSmoothing))
	}
	if try.Err() != nil {
		return nil, try.Err()
	}
	return l.Of.Rows(p, logits, t)
}

// counted is 0 for the targets of the class that is ignored.
func (l *optionedLoss) counted(rows, t *graph.Node) (*graph.Node, error) {
	if l.Ignore == nil {
		return nil, nil
	}
	var try graph.Try
	return try.Do(graph.Reshape(try.Do(graph.MaskOf(t, float64(*l.Ignore))), rows.Shape()...)), try.Err()
}

// smooth applies label smoothing by s to targets.
func smooth(t *graph.Node, of ActivationFunc, s float64) (*graph.Node, error) {
	even := 0.5
	if of == Softmax {
		shape := t.Shape()
		even = 1 / float64(shape[len(shape)-1])
	}
	return graph.Affine(t, 1-s, s*even)
}
