// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// FromLogits says that predictions are logits, not probabilities. It is not
// needed behind softmax or sigmoid, whose argument is found anyway.
type FromLogits struct{}

// LabelSmoothing moves targets towards even chances: t·(1-s) + s/2 for binary
// ones, t·(1-s) + s/classes for categorical ones (Szegedy et al. 2016). From 0,
// the default, to 1.
type LabelSmoothing float64

// CrossentropyOption is an option of LossFunc.With: FromLogits or LabelSmoothing.
type CrossentropyOption interface{ applyCrossentropy(*crossentropy) }

func (FromLogits) applyCrossentropy(l *crossentropy)       { l.FromLogits = true }
func (s LabelSmoothing) applyCrossentropy(l *crossentropy) { l.LabelSmoothing = float64(s) }

// With is a cross-entropy with options:
//
//	keraslike.CategoricalCrossentropy.With(keraslike.LabelSmoothing(0.1))
//
// Sparse labels cannot be smoothed, other losses have no options; Compile says so.
func (l LossFunc) With(opts ...CrossentropyOption) Loss {
	c := &crossentropy{Of: l}
	for _, o := range given(opts, &c.mistake) {
		o.applyCrossentropy(c)
	}
	return c
}

type crossentropy struct {
	Of             LossFunc `json:"of"`
	FromLogits     bool     `json:"from_logits,omitempty"`
	LabelSmoothing float64  `json:"label_smoothing,omitempty"`

	mistake error // in the options
}

func (l *crossentropy) Name() string               { return string(l.Of) }
func (l *crossentropy) activation() ActivationFunc { return l.Of.activation() }

func (l *crossentropy) Target(p Shape) (Shape, error) {
	switch {
	case l.mistake != nil:
		return nil, fmt.Errorf("%s: %w", l.Of, l.mistake)
	case l.Of.activation() == "":
		return nil, fmt.Errorf("%s: is no cross-entropy, so that it has no logits and no smoothed labels", l.Of)
	case l.Of == SparseCategoricalCrossentropy && l.LabelSmoothing != 0:
		return nil, fmt.Errorf("%s: class numbers cannot be smoothed; make them one-hot for %s", l.Of, CategoricalCrossentropy)
	}
	if err := checkSmoothing(l.Of, l.LabelSmoothing); err != nil {
		return nil, err
	}
	return l.Of.Target(p)
}

func checkSmoothing(of LossFunc, s float64) error {
	if !(s >= 0 && s <= 1) {
		return fmt.Errorf("%s: label smoothing is %g, want 0 to 1", of, s)
	}
	return nil
}

func (l *crossentropy) Rows(p, logits, t *graph.Node) (*graph.Node, error) {
	if l.FromLogits {
		logits = p
	}
	t, err := smooth(t, l.Of.activation(), l.LabelSmoothing)
	if err != nil {
		return nil, err
	}
	return l.Of.Rows(p, logits, t)
}

// smooth moves targets by a share s towards even chances.
func smooth(t *graph.Node, of ActivationFunc, s float64) (*graph.Node, error) {
	if s == 0 {
		return t, nil
	}
	even := 0.5
	if of == Softmax {
		shape := t.Shape()
		even = 1 / float64(shape[len(shape)-1])
	}
	return graph.Affine(t, 1-s, s*even)
}

// Huber is e²/2 where |e| <= delta and delta·|e| - delta²/2 elsewhere, the mean
// over the last axis, e = p - t (Huber 1964). Keras's default delta is 1.
func Huber(delta float64) Loss { return &huber{delta} }

type huber struct {
	Delta float64 `json:"delta"`
}

func (l *huber) Name() string { return "huber" }

func (l *huber) Target(p Shape) (Shape, error) {
	if err := aboveZero("delta", l.Delta); err != nil {
		return nil, fmt.Errorf("huber: %w", err)
	}
	return MeanSquaredError.Target(p)
}

func (l *huber) Rows(p, _, t *graph.Node) (*graph.Node, error) { return graph.Huber(p, t, l.Delta) }

// LossOf is a loss of one's own: a function that adds an expression of prediction
// and target, which have one shape with the batch first. It may give one value
// for each row, for each element or one for all; the loss is their mean.
//
//	keraslike.LossOf("quartic", func(p, t *graph.Node) (*graph.Node, error) {
//		e, err := graph.Sub(p, t)
//		if err != nil {
//			return nil, err
//		}
//		e2, err := graph.Mul(e, e)
//		if err != nil {
//			return nil, err
//		}
//		return graph.Mul(e2, e2)
//	})
//
// Load has to be told of it by KnownLoss.
func LossOf(name string, rows func(prediction, target *graph.Node) (*graph.Node, error)) Loss {
	return &ownLoss{name, rows}
}

type ownLoss struct {
	name string
	rows func(prediction, target *graph.Node) (*graph.Node, error)
}

func (l *ownLoss) Name() string { return l.name }

func (l *ownLoss) Target(p Shape) (Shape, error) {
	if l.name == "" || l.rows == nil {
		return nil, fmt.Errorf("loss %q: want a name and a function", l.name)
	}
	return p, nil
}

func (l *ownLoss) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	rows, err := l.rows(p, t)
	if err == nil && rows == nil {
		err = fmt.Errorf("the function gave no node")
	}
	if err != nil {
		return nil, fmt.Errorf("loss %q: %w", l.name, err)
	}
	return rows, nil
}
