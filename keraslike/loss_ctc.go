// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

const ctcName = "ctc"

var _ = registerLoss(ctcName, func() Loss { return &ctc{} })

// CTC is the loss of connectionist temporal classification, for reading a sequence of labels from a
// longer sequence of steps without knowing where they are, as in handwriting and speech: -log of the
// probability that the classes of the steps read as the labels when repeated classes are joined and then
// blanks, of class 0, removed (Graves et al. 2006). See https://keras.io/api/losses/ctc_loss/.
//
//	predictions  (batch, steps, classes), logits; after softmax its input is used
//	targets      (batch, length): class numbers from 1, padded with 0
//
// length is the largest number of labels. Labels that need more steps than there are, one for each label
// and one between equal ones, are an error. CTCDecode reads predictions.
//
// Options: SumReduction (off), WeightedMeanReduction (off).
func CTC(length int, opts ...LossOption) Loss {
	l := &ctc{Length: length}
	l.mistake = configure(opts, LossOption.applyLoss, l.with(fields{}))
	return l
}

type ctc struct {
	Length int `json:"length"`
	reduction

	mistake error // in the options
}

func (l *ctc) Name() string               { return ctcName }
func (l *ctc) activation() ActivationFunc { return Softmax }
func (l *ctc) alongLast() bool            { return false } // as a mask of steps would be ignored

func (l *ctc) perSample() {}

func (l *ctc) targets(p Shape) *valueRange { return classRange(p[len(p)-1]) }

func (l *ctc) Target(p Shape) (Shape, error) {
	switch err := errors.Join(l.mistake, l.check()); {
	case err != nil:
		return nil, fmt.Errorf("ctc: %w", err)
	case l.Length < 1:
		return nil, fmt.Errorf("ctc: length is %d, want the largest number of labels of a sample", l.Length)
	case len(p) != 2 || p[1] < 2:
		return nil, fmt.Errorf("ctc: the model's output has shape %v, want (batch, steps, classes) with a blank and other classes", p)
	}
	return Shape{l.Length}, nil
}

func (l *ctc) Rows(p, logits, t *graph.Node) (*graph.Node, error) {
	if logits != nil {
		p = logits
	}
	return graph.CTC(p, t)
}
