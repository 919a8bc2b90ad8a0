// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Free axes
//
// The Build of a definition never sees Any. A call on free axes is tried at two lengths of all of
// them: an axis of the output is free where the results differ, and a layer whose weights differ
// cannot be applied to the free axis. What the shapes are for a batch is computed when its lengths
// are known (sizes.go).
//
// The lengths of the first pair have many divisors, because networks with poolings and
// concatenations bear only multiples of something; the second pair is for networks of a large
// receptive field or stride, the others for those that bear multiples plus something, such as
// convolutions without padding before poolings. The longer length is twice the shorter one, so
// that no stride that leaves anything of the shorter one makes the results equal.

const (
	trialLength = 1 << 6 * 3 * 5
	longTrial   = 1 << 10 * 3 * 5 * 7
	trialRests  = 32 // the remainders of trialLength that are tried, up to five poolings by 2
)

// trialPairs are the pairs of lengths in the order in which they are tried.
var trialPairs = func() [][2]int {
	pairs := [][2]int{{trialLength, 2 * trialLength}, {longTrial, 2 * longTrial}}
	for rest := 1; rest < trialRests; rest++ {
		pairs = append(pairs, [2]int{trialLength + rest, 2*trialLength + rest})
	}
	return pairs
}()

// trial is a call at one length of the free axes.
type trial struct {
	out  []Shape
	made *layer
	err  error
}

// errEarlier is the error of a trial in which an earlier layer failed.
var errEarlier = errors.New("an earlier layer fails")

// try evaluates the call with length n for all free axes of the inputs of the network.
func (t *Tensor) try(n int) trial {
	if got, again := t.tried[n]; again {
		return got
	}
	var got trial
	if len(t.in) == 0 {
		got.out = []Shape{t.shape.at(n)}
	} else if in, ok := t.inputsAt(n); !ok {
		got.err = errEarlier
	} else {
		got.out, got.made, got.err = t.layer.evaluate(in, newTrialSizing())
	}
	if t.tried == nil {
		t.tried = map[int]trial{}
	}
	t.tried[n] = got
	return got
}

// inputsAt returns the shapes of the inputs of the call with length n for all free axes.
func (t *Tensor) inputsAt(n int) (in []Shape, ok bool) {
	for _, x := range t.in {
		shape := x.shape
		if shape.isFree() {
			got := x.call().try(n)
			if got.err != nil {
				return nil, false
			}
			shape = got.out[slices.Index(x.outputs(), x)]
		}
		in = append(in, shape)
	}
	return in, true
}

// freeOutputs returns the shapes of the outputs of a call with free axes.
func (l *layer) freeOutputs(t *Tensor) ([]Shape, error) {
	failed := fmt.Errorf("there is no length at which all of its inputs %s are possible", formatShapes(t.inputShapes()))
	first := true
	for _, pair := range trialPairs {
		short, long := t.try(pair[0]), t.try(pair[1])
		switch err := errors.Join(short.err, long.err); {
		case errors.Is(err, errEarlier):
		case err == nil:
			return l.freeResult(t, pair, short, long)
		case first:
			failed, first = withoutLengths(short.err, long.err, pair), false
		}
	}
	return nil, failed
}

// freeResult compares the call at two lengths.
func (l *layer) freeResult(t *Tensor, pair [2]int, short, long trial) (out []Shape, err error) {
	in := t.inputShapes()
	if !slices.EqualFunc(short.out, long.out, func(a, b Shape) bool { return len(a) == len(b) }) {
		return nil, fmt.Errorf("the number of axes of its output depends on the length of a free axis of its input %s", formatShapes(in))
	}
	for i, w := range short.made.weights {
		if i >= len(long.made.weights) || w.name != long.made.weights[i].name || !slices.Equal(w.shape, long.made.weights[i].shape) {
			return nil, l.dependent(t, pair, short, long, i)
		}
		if err := w.checkSize(); err != nil {
			return nil, err
		}
	}
	if len(long.made.weights) > len(short.made.weights) {
		return nil, l.dependent(t, pair, long, short, len(short.made.weights))
	}
	for k, s := range short.out {
		out = append(out, s.freeWhereDifferent(long.out[k]))
	}
	if !l.built {
		l.adopt(in, out, short.made)
	}
	return out, l.checkSameWeights(in, short.made.weights)
}

// dependent returns the error of a layer whose weight i depends on a free axis.
func (l *layer) dependent(t *Tensor, pair [2]int, a, b trial, i int) error {
	w, shape := a.made.weights[i], "none or "+formatShape(a.made.weights[i].shape)
	if i < len(b.made.weights) && len(b.made.weights[i].shape) == len(w.shape) {
		shape = formatShape(Shape(w.shape).freeWhereDifferent(b.made.weights[i].shape))
	}
	return fmt.Errorf("its weight %q would have shape %s, which depends on %s, a free axis: want a fixed length, or a layer such as a global pooling before it that does away with the axis",
		w.name, shape, l.responsible(t, pair, a.made.weights))
}

// responsible names the free axis of the inputs on which the weights depend.
func (l *layer) responsible(t *Tensor, pair [2]int, weights []*Weight) string {
	in, ok := t.inputsAt(pair[0])
	long, also := t.inputsAt(pair[1])
	named := ""
	for k, x := range t.in {
		for axis, n := range x.shape {
			if n != Any || !ok || !also {
				continue
			}
			mixed := slices.Clone(in)
			mixed[k] = slices.Clone(in[k])
			mixed[k][axis] = long[k][axis]
			_, other, err := l.evaluate(mixed, newTrialSizing())
			same := func(a, b *Weight) bool { return slices.Equal(a.shape, b.shape) }
			if alone := err == nil && !slices.EqualFunc(weights, other.weights, same); alone || named == "" {
				named = fmt.Sprintf("axis %d of its input %v", axis+1, x.shape)
				if len(t.in) > 1 {
					named = fmt.Sprintf("axis %d of its input %d, %v", axis+1, k, x.shape)
				}
				if alone {
					return named
				}
			}
		}
	}
	return named
}

// lengthsError is an error of a layer at trial lengths, in terms of "?".
type lengthsError struct {
	text string
	err  error
}

func (e *lengthsError) Error() string { return e.text }
func (e *lengthsError) Unwrap() error { return e.err }

var numbers = regexp.MustCompile(`[0-9]+`)

// withoutLengths returns the error of a layer at the lengths of a pair, with "?" for each number
// of its text that depends on them. One of the errors may be nil.
func withoutLengths(short, long error, pair [2]int) error {
	if short == nil || long == nil {
		err, n := short, pair[0]
		if err == nil {
			err, n = long, pair[1]
		}
		text := numbers.ReplaceAllStringFunc(err.Error(), func(word string) string {
			if word == fmt.Sprint(n) {
				return "?"
			}
			return word
		})
		return &lengthsError{text, err}
	}
	a, b := short.Error(), long.Error()
	words, others := numbers.FindAllStringIndex(a, -1), numbers.FindAllString(b, -1)
	if len(words) != len(others) || numbers.ReplaceAllString(a, "0") != numbers.ReplaceAllString(b, "0") {
		return short
	}
	var text strings.Builder
	last := 0
	for i, at := range words {
		text.WriteString(a[last:at[0]])
		if word := a[at[0]:at[1]]; word == others[i] {
			text.WriteString(word)
		} else {
			text.WriteString("?")
		}
		last = at[1]
	}
	text.WriteString(a[last:])
	return &lengthsError{text.String(), short}
}
