// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// The losses for classification.
const (
	BinaryCrossentropy            LossFunc = "binary_crossentropy"             // -Σ (t·log p + (1-t)·log(1-p))/n, of probabilities
	CategoricalCrossentropy       LossFunc = "categorical_crossentropy"        // -Σ t·log p, t one-hot or a distribution
	SparseCategoricalCrossentropy LossFunc = "sparse_categorical_crossentropy" // -log p_t, t the class's number
	KLDivergence                  LossFunc = "kl_divergence"                   // Σ t·log(t/p), of distributions
	Poisson                       LossFunc = "poisson"                         // Σ (p - t·log(p + ε))/n
	Hinge                         LossFunc = "hinge"                           // Σ max(1 - t·p, 0)/n, t of -1 and 1 or 0 and 1
	SquaredHinge                  LossFunc = "squared_hinge"                   // Σ max(1 - t·p, 0)²/n, t of -1 and 1 or 0 and 1
	CategoricalHinge              LossFunc = "categorical_hinge"               // max(1 + max (1-t)·p - Σ t·p, 0), t one-hot
)

var (
	_ = registerLossFunc(BinaryCrossentropy, lossKind{
		rows: graph.BinaryCrossEntropy, activation: Sigmoid, fromLogits: graph.SigmoidCrossEntropy, domain: probabilities,
		row: kernel.BinaryCrossentropy[float32]().Value, predictions: probabilities,
	})
	_ = registerLossFunc(CategoricalCrossentropy, lossKind{
		rows: graph.CategoricalCrossEntropy, activation: Softmax, fromLogits: graph.SoftmaxCrossEntropy, classes: true, domain: probabilities,
		row: kernel.CategoricalCrossentropy[float32]().Value, predictions: positives, // divided by their sum
	})
	_ = registerLossFunc(SparseCategoricalCrossentropy, lossKind{
		rows: graph.SparseCategoricalCrossEntropy, activation: Softmax, fromLogits: graph.SparseSoftmaxCrossEntropy, classes: true, sparse: true,
		row: sparseCrossentropyRow, predictions: positives,
	})
	_ = registerLossFunc(KLDivergence, lossKind{
		rows: graph.KLDivergence, domain: probabilities, row: kernel.KLDivergence[float32]().Value, predictions: probabilities,
	})
	_ = registerLossFunc(Poisson, lossKind{rows: graph.Poisson, domain: positives, row: kernel.Poisson[float32]().Value})
	_ = registerLossFunc(Hinge, lossKind{rows: graph.Hinge, domain: signs, row: kernel.Hinge[float32]().Value, signed: true})
	_ = registerLossFunc(SquaredHinge, lossKind{rows: graph.SquaredHinge, domain: signs, row: kernel.SquaredHinge[float32]().Value, signed: true})
	_ = registerLossFunc(CategoricalHinge, lossKind{
		rows: graph.CategoricalHinge, classes: true, domain: signs, row: kernel.CategoricalHinge[float32]().Value,
	})

	_ = registerLoss(string(BinaryCrossentropy), func() Loss { return &crossentropy{} })
	_ = registerLoss(string(CategoricalCrossentropy), func() Loss { return &crossentropy{} })
	_ = registerLoss(string(SparseCategoricalCrossentropy), func() Loss { return &crossentropy{} })
	_ = registerLoss(binaryFocal, func() Loss { return &focal{} })
	_ = registerLoss(categoricalFocal, func() Loss { return &focal{} })
)

func sparseCrossentropyRow(p, t []float32) float64 {
	var loss [1]float32
	kernel.SparseCrossentropy(loss[:], p, t, 1, len(p)) // labels have been checked
	return float64(loss[0])
}

// With returns a cross-entropy with options:
//
//	k.CategoricalCrossentropy.With(k.LabelSmoothing(0.1))
//
// LabelSmoothing does not fit SparseCategoricalCrossentropy. Losses other than the three
// cross-entropies have no options; Compile returns an error.
//
// Options: FromLogits (off), LabelSmoothing (0).
func (l LossFunc) With(opts ...LossOption) Loss {
	c := &crossentropy{Of: l}
	c.mistake = configure(opts, LossOption.applyLoss, fields{"FromLogits": &c.FromLogits, "LabelSmoothing": &c.LabelSmoothing})
	return c
}

type crossentropy struct {
	Of             LossFunc `json:"of"`
	FromLogits     bool     `json:"from_logits,omitempty"`
	LabelSmoothing float64  `json:"label_smoothing,omitempty"`

	mistake error // in the options
}

func (l *crossentropy) Name() string                { return string(l.Of) }
func (l *crossentropy) activation() ActivationFunc  { return l.Of.activation() }
func (l *crossentropy) targets(p Shape) *valueRange { return l.Of.targets(p) }

func (l *crossentropy) Target(p Shape) (Shape, error) {
	switch {
	case l.mistake != nil:
		return nil, fmt.Errorf("%s: %w", l.Of, l.mistake)
	case l.Of.activation() == "":
		return nil, fmt.Errorf("%s: not a cross-entropy, so FromLogits and LabelSmoothing do not fit", l.Of)
	case l.Of == SparseCategoricalCrossentropy && l.LabelSmoothing != 0:
		return nil, fmt.Errorf("%s: class numbers cannot be smoothed; use one-hot targets and %s", l.Of, CategoricalCrossentropy)
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

// smooth applies label smoothing by s to targets.
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
// LabelSmoothing (0).
func BinaryFocalCrossentropy(opts ...LossOption) Loss {
	l := &focal{Of: BinaryCrossentropy, Alpha: 0.25, Gamma: 2}
	l.configure(opts, fields{"ClassBalancing": &l.Balanced})
	return l
}

// CategoricalFocalCrossentropy is -α·Σ t·(1 - q)^γ·log q, where q are the predicted
// probabilities, divided by their sum (Lin et al. 2018).
// See https://keras.io/api/losses/probabilistic_losses/.
//
// Options: FocalGamma (2), FocalAlpha (0.25), FromLogits (off), LabelSmoothing (0).
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

	mistake error // in the options
}

func (l *focal) configure(opts []LossOption, f fields) {
	f["FocalGamma"], f["FocalAlpha"], f["FromLogits"], f["LabelSmoothing"] = &l.Gamma, &l.Alpha, &l.FromLogits, &l.LabelSmoothing
	l.mistake = configure(opts, LossOption.applyLoss, f)
}

func (l *focal) Name() string {
	if l.Of == CategoricalCrossentropy {
		return categoricalFocal
	}
	return binaryFocal
}

func (l *focal) targets(p Shape) *valueRange { return l.Of.targets(p) }

func (l *focal) Target(p Shape) (Shape, error) {
	switch {
	case l.mistake != nil:
		return nil, fmt.Errorf("%s: %w", l.Name(), l.mistake)
	case checkNonNegative("", l.Gamma) != nil || checkNonNegative("", l.Alpha) != nil:
		return nil, fmt.Errorf("%s: alpha is %g and gamma %g, want finite numbers of at least 0", l.Name(), l.Alpha, l.Gamma)
	case l.Balanced && l.Of == CategoricalCrossentropy:
		return nil, fmt.Errorf("%s: only the binary focal cross-entropy has class balancing", l.Name())
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
