// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

const (
	binaryFocal      = "binary_focal_crossentropy"
	categoricalFocal = "categorical_focal_crossentropy"
)

// BinaryFocalCrossentropy is the binary cross-entropy with each element multiplied by
// (1 - q)^γ, where q is the predicted probability of the true class, so that well-classified
// examples count little (Lin et al. 2018). ClassBalancing also weights targets of 1 by α and
// targets of 0 by 1-α. See https://keras.io/api/losses/probabilistic_losses/.
//
// Options: FocalGamma (2), FocalAlpha (0.25), ClassBalancing (off), FromLogits (off),
// LabelSmoothing (0), AlongAxis (-1), SumReduction (off),
// WeightedMeanReduction (off).
func BinaryFocalCrossentropy(opts ...LossOption) Loss {
	l := &focal{Of: BinaryCrossentropy, Alpha: 0.25, Gamma: 2}
	l.configure(opts, fields{"ClassBalancing": &l.Balanced})
	return l
}

// CategoricalFocalCrossentropy is -α·Σ t·(1 - q)^γ·log q, where q are the predicted
// probabilities, divided by their sum (Lin et al. 2018).
// See https://keras.io/api/losses/probabilistic_losses/.
//
// Options: FocalGamma (2), FocalAlpha (0.25), FromLogits (off), LabelSmoothing (0),
// AlongAxis (-1), SumReduction (off),
// WeightedMeanReduction (off).
func CategoricalFocalCrossentropy(opts ...LossOption) Loss {
	l := &focal{Of: CategoricalCrossentropy, Alpha: 0.25, Gamma: 2}
	l.configure(opts, fields{})
	return l
}

type focal struct {
	Of             LossFunc `json:"of"`
	Alpha          float64  `json:"alpha"`
	Gamma          float64  `json:"gamma"`
	Balanced       bool     `json:"apply_class_balancing,omitempty"`
	FromLogits     bool     `json:"from_logits,omitempty"`
	LabelSmoothing float64  `json:"label_smoothing,omitempty"`
	oneAxis
	reduction

	mistake error // in the options
}

func (l *focal) configure(opts []LossOption, f fields) {
	f["FocalGamma"], f["FocalAlpha"], f["FromLogits"], f["LabelSmoothing"] = &l.Gamma, &l.Alpha, &l.FromLogits, &l.LabelSmoothing
	f["AlongAxis"] = l.setAxis
	l.mistake = configure(opts, LossOption.applyLoss, l.with(f))
}

func (l *focal) Name() string {
	if l.Of == CategoricalCrossentropy {
		return categoricalFocal
	}
	return binaryFocal
}

func (l *focal) targets(p Shape) *valueRange { return l.Of.targets(l.moved(p)) }

func (l *focal) Target(p Shape) (Shape, error) {
	switch {
	case l.mistake != nil || l.check() != nil:
		return nil, fmt.Errorf("%s: %w", l.Name(), errors.Join(l.mistake, l.check()))
	case checkNonNegative("", l.Gamma) != nil || checkNonNegative("", l.Alpha) != nil:
		return nil, fmt.Errorf("%s: alpha is %g and gamma %g, want finite numbers of at least 0", l.Name(), l.Alpha, l.Gamma)
	case l.Balanced && l.Of == CategoricalCrossentropy:
		return nil, fmt.Errorf("%s: only the binary focal cross-entropy has class balancing", l.Name())
	}
	if err := checkSmoothing(LossFunc(l.Name()), l.LabelSmoothing); err != nil {
		return nil, err
	}
	return l.target(l.Of, p)
}

func (l *focal) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	f := l.Of.activation()
	var try graph.Try
	p, t = try.Do(l.last(p)), try.Do(l.last(t))
	if l.LabelSmoothing != 0 {
		t = try.Do(smooth(t, f, l.LabelSmoothing))
	}
	if l.FromLogits {
		p = try.Do(f.apply(p))
	}
	if try.Err() != nil {
		return nil, try.Err()
	}
	if f == Softmax {
		return graph.CategoricalFocal(p, t, l.Alpha, l.Gamma)
	}
	return graph.BinaryFocal(p, t, l.Alpha, l.Gamma, l.Balanced)
}
