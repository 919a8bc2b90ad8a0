// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// BinaryFocalCrossentropy is the binary cross-entropy with each element times
// (1 - q)^γ, where q is the probability of the truth, so that what is right
// already counts little (Lin et al. 2018). ClassBalancing weighs ones by α and
// zeros by 1-α as well.
//
// Options: FocalGamma (2), FocalAlpha (0.25), ClassBalancing, FromLogits,
// LabelSmoothing. See https://keras.io/api/losses/probabilistic_losses/.
func BinaryFocalCrossentropy(opts ...FocalOption) Loss {
	return newFocal(&focal{Of: BinaryCrossentropy}, opts)
}

// CategoricalFocalCrossentropy is -α·Σ t·(1 - q)^γ·log q, q the probabilities
// divided by their sum (Lin et al. 2018). Options are those of
// BinaryFocalCrossentropy without ClassBalancing.
func CategoricalFocalCrossentropy(opts ...FocalOption) Loss {
	return newFocal(&focal{Of: CategoricalCrossentropy}, opts)
}

// FocalOption is an option of the focal cross-entropies.
type FocalOption interface{ applyFocal(*focal) }

// FocalGamma is the exponent; the default is 2.
type FocalGamma float64

// FocalAlpha is the weight of the classes; the default is 0.25.
type FocalAlpha float64

// ClassBalancing applies FocalAlpha in BinaryFocalCrossentropy.
type ClassBalancing struct{}

func (g FocalGamma) applyFocal(l *focal)     { l.Gamma = float64(g) }
func (a FocalAlpha) applyFocal(l *focal)     { l.Alpha = float64(a) }
func (ClassBalancing) applyFocal(l *focal)   { l.Balanced = true }
func (FromLogits) applyFocal(l *focal)       { l.FromLogits = true }
func (s LabelSmoothing) applyFocal(l *focal) { l.LabelSmoothing = float64(s) }

type focal struct {
	Of             LossFunc `json:"of"`
	Alpha          float64  `json:"alpha"`
	Gamma          float64  `json:"gamma"`
	Balanced       bool     `json:"apply_class_balancing,omitempty"`
	FromLogits     bool     `json:"from_logits,omitempty"`
	LabelSmoothing float64  `json:"label_smoothing,omitempty"`

	mistake error // in the options
}

func newFocal(l *focal, opts []FocalOption) Loss {
	l.Alpha, l.Gamma = 0.25, 2
	for _, o := range given(opts, &l.mistake) {
		o.applyFocal(l)
	}
	return l
}

func (l *focal) Name() string {
	if l.Of == CategoricalCrossentropy {
		return "categorical_focal_crossentropy"
	}
	return "binary_focal_crossentropy"
}

func (l *focal) Target(p Shape) (Shape, error) {
	switch {
	case l.mistake != nil:
		return nil, fmt.Errorf("%s: %w", l.Name(), l.mistake)
	case atLeastZero("", l.Gamma) != nil || atLeastZero("", l.Alpha) != nil:
		return nil, fmt.Errorf("%s: alpha is %g and gamma %g, want finite numbers of at least 0", l.Name(), l.Alpha, l.Gamma)
	case l.Balanced && l.Of == CategoricalCrossentropy:
		return nil, fmt.Errorf("%s: only the binary form has class balancing", l.Name())
	}
	if err := checkSmoothing(LossFunc(l.Name()), l.LabelSmoothing); err != nil {
		return nil, err
	}
	return l.Of.Target(p)
}

func (l *focal) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	f := l.Of.activation()
	t, err := smooth(t, f, l.LabelSmoothing)
	if err != nil {
		return nil, err
	}
	if l.FromLogits {
		if p, err = f.apply(p); err != nil {
			return nil, err
		}
	}
	if f == Softmax {
		return graph.CategoricalFocal(p, t, l.Alpha, l.Gamma)
	}
	return graph.BinaryFocal(p, t, l.Alpha, l.Gamma, l.Balanced)
}
