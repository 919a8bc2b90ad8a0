// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/reef-dl/reef/graph"
)

// Loss is what training makes smaller: a function of prediction and target that
// gives one value for each row of the last axis. The model's loss is their mean
// plus the penalties of its regularizers.
type Loss interface {
	// Name is the loss's name in saved models.
	Name() string
	// Target is the sample shape of the targets that go with predictions of
	// the given shape, or an error where there is none.
	Target(prediction Shape) (Shape, error)
	// Rows adds the expression. logits is what prediction is the softmax or
	// the sigmoid of, nil where it is neither, and for the cross-entropies of
	// this package where it is not the one that belongs to them.
	Rows(prediction, logits, target *graph.Node) (*graph.Node, error)
}

// logitsLoss is a Loss that can be computed from the argument of an activation function
// instead of its value; "" is none.
type logitsLoss interface{ activation() ActivationFunc }

// targetedLoss is a Loss whose targets lie in a set of numbers; nil is that of all.
type targetedLoss interface {
	targets(prediction Shape) *numbers
}

// distanceLoss is a Loss that may be one of p - t, or of their logarithms or ratio.
type distanceLoss interface{ isDistance() bool }

// targetsOf is the set of the targets of a loss; losses of the user's take all numbers.
func targetsOf(l Loss, p Shape) *numbers {
	if own, ok := l.(targetedLoss); ok {
		return own.targets(p)
	}
	return nil
}

// LossFunc is a loss of this package, by its Keras name. It is a Metric, too: its mean over
// all samples, without penalties. Formulas: https://keras.io/api/losses/.
//
// In the formulas of the constants p is the prediction, t the target, n the length of the
// last axis and ε 1e-7. Huber, LossFunc.With, BinaryFocalCrossentropy and
// CategoricalFocalCrossentropy make losses that have settings, CustomLoss one of your own.
type LossFunc string

// lossKind is all that distinguishes one LossFunc from the others.
type lossKind struct {
	// rows adds the expression of prediction and target.
	rows func(p, t *graph.Node) (*graph.Node, error)
	// activation is the function whose argument fromLogits computes the loss from.
	activation ActivationFunc
	fromLogits func(logits, t *graph.Node) (*graph.Node, error)

	classes  bool // the last axis is of classes
	sparse   bool // targets are class numbers
	domain   *numbers
	distance bool // between p and t

	// row is the loss of one row, for the metric; where it is nil, noMetric says why.
	row         func(p, t []float32) float64
	noMetric    string
	predictions *numbers // that row is defined for
	signed      bool     // where all targets of a batch are 0 or 1, 0 stands for -1
	scalars     bool     // the metric takes predictions without an axis, too
}

// lossFuncs are the kinds of all LossFuncs, each of which registers itself.
var lossFuncs = map[LossFunc]*lossKind{}

func registerLossFunc(l LossFunc, kind lossKind) struct{} {
	lossFuncs[l] = &kind
	if kind.row != nil {
		registerMetric(string(l), func() Metric { return l })
	}
	return struct{}{}
}

// lossKinds makes an empty loss for each name of one that has settings, into which those of
// a saved model are read. Every such loss registers itself.
var lossKinds = map[string]func() Loss{}

func registerLoss(name string, make func() Loss) struct{} {
	lossKinds[name] = make
	return struct{}{}
}

// Name is the Keras name.
func (l LossFunc) Name() string { return string(l) }

// kind is what is known of the loss: nothing, if there is no such loss.
func (l LossFunc) kind() *lossKind {
	if kind, ok := lossFuncs[l]; ok {
		return kind
	}
	return &lossKind{}
}

// Target is the shape of the targets: the prediction's, without the classes
// for sparse labels.
func (l LossFunc) Target(p Shape) (Shape, error) {
	kind, ok := lossFuncs[l]
	switch {
	case !ok:
		return nil, fmt.Errorf("loss %q: unknown, want one of %q", string(l), slices.Sorted(maps.Keys(lossFuncs)))
	case kind.classes && (len(p) == 0 || p[len(p)-1] < 2):
		return nil, fmt.Errorf("%s: the model's output has shape %v, want at least two classes along the last axis", l, p)
	case len(p) == 0:
		return nil, fmt.Errorf("%s: the model gives one number without an axis for each sample, want (batch, ..., n)", l)
	case kind.sparse:
		return append(Shape{}, p[:len(p)-1]...), nil
	}
	return p, nil
}

// Rows adds the loss. Where the model ends in softmax or sigmoid, the
// cross-entropies are computed from the logits, in which nothing overflows and no
// logarithm of 0 is taken; elsewhere from probabilities clipped to ε and 1-ε,
// those of classes divided by their sum.
func (l LossFunc) Rows(p, logits, t *graph.Node) (*graph.Node, error) {
	kind := l.kind()
	if kind.fromLogits != nil && logits != nil {
		return kind.fromLogits(logits, t)
	}
	return kind.rows(p, t)
}

func (l LossFunc) activation() ActivationFunc { return l.kind().activation }
func (l LossFunc) isDistance() bool           { return l.kind().distance }

func (l LossFunc) targets(p Shape) *numbers {
	if kind := l.kind(); !kind.sparse {
		return kind.domain
	}
	return classNumbers(p[len(p)-1])
}

func (l LossFunc) applyCompile(c *compileSettings) { c.addMetric(l) }
func (LossFunc) goal() goal                        { return minimize }

// Begin makes a metric of the loss: its mean over all rows, without penalties and
// weights. The cross-entropies and KLDivergence take the outputs for probabilities and
// reject others, such as logits, which Keras clips.
func (l LossFunc) Begin(p, t Shape) (Measurement, error) {
	kind := l.kind()
	if kind.row == nil && kind.noMetric != "" {
		return nil, fmt.Errorf("metric %s: %s", l, kind.noMetric)
	} else if kind.row == nil {
		return nil, fmt.Errorf("metric %q: unknown", string(l))
	}
	want, cols := p, 1
	if len(p) > 0 || !kind.scalars {
		var err error
		if want, err = l.Target(p); err != nil {
			return nil, fmt.Errorf("metric %w", err)
		}
		cols = p[len(p)-1]
	}
	if !t.Equal(want) {
		return nil, fmt.Errorf("metric %s: targets have shape %v, want %v for predictions %v", l, t, want, p)
	}
	r := &rowMean{name: string(l), row: kind.row, cols: cols, targetCols: cols, predictions: kind.predictions, signed: kind.signed}
	if len(p) > 0 {
		r.targets = l.targets(p)
	}
	if kind.signed {
		r.signs = make([]float32, cols)
	}
	if kind.sparse {
		r.targetCols = 1
	}
	return r, nil
}

// LossOption is an option of a loss. An option that a loss does not have is reported by
// Compile, as are values out of range.
type LossOption interface{ applyLoss(*settable) }

// LabelSmoothing moves targets toward even chances: t·(1-s) + s/2 for binary
// ones, t·(1-s) + s/classes for categorical ones (Szegedy et al. 2016). It is an option of
// the cross-entropies but for the sparse one, from 0, the default, to 1.
func LabelSmoothing(share float64) LossOption {
	return optionValue[float64]{"LabelSmoothing", share}
}

// FocalGamma is the exponent of the focal cross-entropies; the default is 2.
func FocalGamma(gamma float64) LossOption { return optionValue[float64]{"FocalGamma", gamma} }

// FocalAlpha is the weight of the classes in the focal cross-entropies; the default is 0.25.
func FocalAlpha(alpha float64) LossOption { return optionValue[float64]{"FocalAlpha", alpha} }

// LossFlag is a LossOption that turns something on; by default it is off. FromLogits is a
// MetricOption, too.
type LossFlag string

func (f LossFlag) applyLoss(s *settable)   { assignOption(s, string(f), true) }
func (f LossFlag) applyMetric(s *settable) { assignOption(s, string(f), true) }

// The flags.
const (
	// FromLogits says that predictions are logits, not probabilities. It is an option of
	// the cross-entropies and of AUC. A loss does not need it after softmax or sigmoid, whose
	// argument is found anyway.
	FromLogits LossFlag = "FromLogits"
	// ClassBalancing makes BinaryFocalCrossentropy weight ones by FocalAlpha and zeros by
	// 1 - FocalAlpha.
	ClassBalancing LossFlag = "ClassBalancing"
)

// Losses is a loss for each output of a model with several, in their order. The
// model's loss is their sum, or the sum weighted by LossWeights; one loss alone
// is used for every output.
func Losses(each ...Loss) Loss { return outputLosses(each) }

type outputLosses []Loss

func (l outputLosses) Name() string {
	names := make([]string, len(l))
	for i, one := range l {
		names[i] = one.Name()
	}
	return strings.Join(names, ", ")
}

func (l outputLosses) Target(Shape) (Shape, error) {
	return nil, errors.New("losses of several outputs cannot be nested")
}

func (l outputLosses) Rows(_, _, _ *graph.Node) (*graph.Node, error) {
	return nil, errors.New("losses of several outputs cannot be nested")
}

// eachOutput is the list of losses of n outputs.
func eachOutput(l Loss, n int) []Loss {
	if each, ok := l.(outputLosses); ok {
		return each
	}
	return slices.Repeat([]Loss{l}, n)
}

// CustomLoss is a loss of your own: a function that adds an expression of prediction
// and target, which have one shape with the batch first. It may give one value
// for each row, for each element or one for all; the loss is their mean.
//
//	k.CustomLoss("quartic", func(p, t *graph.Node) (*graph.Node, error) {
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
// Load has to be told of it by WithCustomLoss.
func CustomLoss(name string, rows func(prediction, target *graph.Node) (*graph.Node, error)) Loss {
	return &customLoss{name, rows}
}

type customLoss struct {
	name string
	rows func(prediction, target *graph.Node) (*graph.Node, error)
}

func (l *customLoss) Name() string { return l.name }

func (l *customLoss) Target(p Shape) (Shape, error) {
	if l.name == "" || l.rows == nil {
		return nil, fmt.Errorf("loss %q: want a name and a function", l.name)
	}
	return p, nil
}

func (l *customLoss) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	rows, err := l.rows(p, t)
	if err == nil && rows == nil {
		err = fmt.Errorf("the function gave no node")
	}
	if err != nil {
		return nil, fmt.Errorf("loss %q: %w", l.name, err)
	}
	return rows, nil
}
