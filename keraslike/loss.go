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

// Loss is the function that training minimizes: it computes one value for each row of the
// last axis from predictions and targets. The model's loss is the mean of these values plus
// the penalties of its regularizers.
type Loss interface {
	// Name returns the loss's name in saved models.
	Name() string
	// Target returns the shape of one sample's target for predictions of the given
	// shape, or an error if the loss does not support them.
	Target(prediction Shape) (Shape, error)
	// Rows adds the loss to the graph. logits is the input of the softmax or sigmoid
	// that computed prediction, nil if there is none. The cross-entropies of this
	// package get logits only from their own activation function.
	Rows(prediction, logits, target *graph.Node) (*graph.Node, error)
}

// logitsLoss is a Loss that can be computed from the input of an activation function
// instead of its output; "" means that there is no such function.
type logitsLoss interface{ activation() ActivationFunc }

// targetedLoss is a Loss that restricts its targets to a set; nil is the set of all numbers.
type targetedLoss interface {
	targets(prediction Shape) *valueRange
}

// distanceLoss is a Loss that can be a function of p - t, or of their logarithms or ratio.
type distanceLoss interface{ isDistance() bool }

// selectiveLoss is a Loss that leaves out some rows.
type selectiveLoss interface {
	// counted returns a mask shaped like rows that is 0 where a row is left out, nil if none is.
	counted(rows, target *graph.Node) (*graph.Node, error)
}

// sampleLoss is a Loss of class numbers that has one value for each sample, instead of one for each.
type sampleLoss interface{ perSample() }

// axisLoss is a Loss that may be along another axis than the last.
type axisLoss interface{ alongLast() bool }

// targetsOf returns the set of valid targets of a loss; custom losses take all numbers.
func targetsOf(l Loss, p Shape) *valueRange {
	if own, ok := l.(targetedLoss); ok {
		return own.targets(p)
	}
	return nil
}

// LossFunc is a loss of this package, named as in Keras. It is also a Metric: the mean over
// all samples, without penalties. Formulas: https://keras.io/api/losses/.
//
// In the formulas of the constants p is the prediction, t the target, n the length of the
// last axis and ε 1e-7. Losses with settings are made by Huber, LossFunc.With,
// BinaryFocalCrossentropy and the other functions that return a Loss, your own by CustomLoss.
type LossFunc string

// lossKind defines one LossFunc.
type lossKind struct {
	// rows adds the loss as a function of prediction and target.
	rows func(p, t *graph.Node) (*graph.Node, error)
	// activation is the function whose input fromLogits computes the loss from.
	activation ActivationFunc
	fromLogits func(logits, t *graph.Node) (*graph.Node, error)

	classes  bool // the last axis is one of classes
	sparse   bool // targets are class numbers
	domain   *valueRange
	distance bool // between p and t
	shows    bool // the loss is NaN or infinite if a target is

	// row computes the loss of one row, for the metric. If it is nil, noMetric says why.
	row         func(p, t []float32) float64
	noMetric    string
	predictions *valueRange // for which row is defined
	signed      bool        // if all targets of a batch are 0 or 1, 0 means -1
	scalars     bool        // the metric also takes predictions without an axis
}

// lossFuncs has the definitions of all LossFuncs, each of which registers itself.
var lossFuncs = map[LossFunc]*lossKind{}

// lossKinds maps the name of each loss with settings to a function that makes an empty one,
// into which the settings of a saved model are read. Every such loss registers itself.
var lossKinds = map[string]func() Loss{}

func registerLoss(name string, make func() Loss) struct{} {
	lossKinds[name] = make
	return struct{}{}
}

// Name returns the Keras name.
func (l LossFunc) Name() string { return string(l) }

// kind returns the definition of the loss, an empty one if there is no such loss.
func (l LossFunc) kind() *lossKind {
	if kind, ok := lossFuncs[l]; ok {
		return kind
	}
	return &lossKind{}
}

// Target returns the shape of the targets, which is that of the prediction, without the
// axis of classes for sparse labels.
func (l LossFunc) Target(p Shape) (Shape, error) {
	kind, ok := lossFuncs[l]
	switch {
	case !ok:
		return nil, fmt.Errorf("loss %q: unknown, want one of %q", string(l), slices.Sorted(maps.Keys(lossFuncs)))
	case kind.classes && (len(p) == 0 || p[len(p)-1] < 2):
		return nil, fmt.Errorf("%s: the model's output has shape %v, want at least two classes along the last axis", l, p)
	case len(p) == 0:
		return nil, fmt.Errorf("%s: the model's output has one number without an axis for each sample, want (batch, ..., n)", l)
	case kind.sparse:
		return append(Shape{}, p[:len(p)-1]...), nil
	}
	return p, nil
}

// Rows adds the loss to the graph. If the model ends in softmax or sigmoid, the
// cross-entropies are computed from the logits, which avoids overflow and log 0. Otherwise
// they are computed from probabilities clipped to [ε, 1-ε]; probabilities of classes are
// divided by their sum first.
func (l LossFunc) Rows(p, logits, t *graph.Node) (*graph.Node, error) {
	kind := l.kind()
	if kind.fromLogits != nil && logits != nil {
		return kind.fromLogits(logits, t)
	}
	return kind.rows(p, t)
}

func (l LossFunc) activation() ActivationFunc { return l.kind().activation }
func (l LossFunc) isDistance() bool           { return l.kind().distance }

func (l LossFunc) targets(p Shape) *valueRange {
	if kind := l.kind(); !kind.sparse {
		return kind.domain
	}
	return classRange(p[len(p)-1])
}

func (l LossFunc) applyCompile(c *compileSettings) { c.addMetric(l) }
func (LossFunc) goal() goal                        { return minimize }

// Begin starts measuring the loss as a metric: its mean over all rows, without penalties
// and weights. The cross-entropies and KLDivergence require outputs that are probabilities
// and reject others, such as logits, which Keras clips.
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

// LossOption is an option of a loss. Compile returns an error for options that do not fit
// the loss and for values out of range.
type LossOption interface{ applyLoss(*settable) }

// LabelSmoothing moves targets toward equal probabilities: t·(1-s) + s/2 for binary
// targets, t·(1-s) + s/classes for categorical ones (Szegedy et al. 2016). It is an option
// of all cross-entropies except the sparse one. s is between 0 and 1; the default is 0.
func LabelSmoothing(s float64) LossOption {
	return optionValue[float64]{"LabelSmoothing", s}
}

// FocalGamma is the focusing exponent γ of the focal cross-entropies; the default is 2.
func FocalGamma(gamma float64) LossOption { return optionValue[float64]{"FocalGamma", gamma} }

// FocalAlpha is the weight α of the classes in the focal cross-entropies; the default is
// 0.25.
func FocalAlpha(alpha float64) LossOption { return optionValue[float64]{"FocalAlpha", alpha} }

// ScoreOption is an option of losses and of metrics.
type ScoreOption interface {
	LossOption
	MetricOption
}

// LossFlag is a LossOption that turns something on. All flags are off by default. FromLogits
// is also a MetricOption.
type LossFlag string

func (f LossFlag) applyLoss(s *settable)   { assignOption(s, string(f), true) }
func (f LossFlag) applyMetric(s *settable) { assignOption(s, string(f), true) }

// The flags of losses.
const (
	// FromLogits declares that predictions are logits, not probabilities. It is an option of
	// the cross-entropies and of AUC. A loss does not need it after softmax or sigmoid,
	// whose input it finds by itself.
	FromLogits LossFlag = "FromLogits"
	// ClassBalancing makes BinaryFocalCrossentropy weight targets of 1 by FocalAlpha and
	// targets of 0 by 1 - FocalAlpha.
	ClassBalancing LossFlag = "ClassBalancing"
	// KeepDiagonal makes Circle compare each sample with itself, too.
	KeepDiagonal LossFlag = "KeepDiagonal"
)

// Losses assigns a loss to each output of a model with several outputs, in their order. The
// model's loss is their sum, or the sum weighted by LossWeights. If Compile is given a
// single loss instead, it is used for every output.
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

// lossPerOutput returns the losses of n outputs.
func lossPerOutput(l Loss, n int) []Loss {
	if each, ok := l.(outputLosses); ok {
		return each
	}
	return slices.Repeat([]Loss{l}, n)
}

// CustomLoss makes a loss from a function that builds it from the nodes of prediction and
// target, which have the same shape, with the batch as the first axis. The function may
// return one value for each row, one for each element or a single value; the loss is their
// mean.
//
//	k.CustomLoss("quartic", func(p, t *graph.Node) (*graph.Node, error) {
//		var try graph.Try
//		e := try.Do(graph.Sub(p, t))
//		e2 := try.Do(graph.Mul(e, e))
//		return try.Do(graph.Mul(e2, e2)), try.Err()
//	})
//
// To load a model that was saved with it, pass it to Load by WithCustomLoss.
//
// Options: SumReduction (off), WeightedMeanReduction (off).
func CustomLoss(name string, rows func(prediction, target *graph.Node) (*graph.Node, error), opts ...LossOption) Loss {
	l := &customLoss{name: name, rows: rows}
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{}))
	return l
}

type customLoss struct {
	name string
	rows func(prediction, target *graph.Node) (*graph.Node, error)
	reduction

	mistake error // in the options
}

func (l *customLoss) Name() string { return l.name }

func (l *customLoss) Target(p Shape) (Shape, error) {
	if l.name == "" || l.rows == nil {
		return nil, fmt.Errorf("loss %q: want a name and a function", l.name)
	}
	if err := errors.Join(l.mistake, l.check()); err != nil {
		return nil, fmt.Errorf("loss %q: %w", l.name, err)
	}
	return p, nil
}

func (l *customLoss) Rows(p, _, t *graph.Node) (*graph.Node, error) {
	rows, err := l.rows(p, t)
	if err == nil && rows == nil {
		err = fmt.Errorf("the function returned no node")
	}
	if err != nil {
		return nil, fmt.Errorf("loss %q: %w", l.name, err)
	}
	return rows, nil
}
