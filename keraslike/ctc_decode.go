// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// Reading is a sequence of labels that predictions of a model trained with CTC are read as.
type Reading struct {
	Labels         []int
	LogProbability float64 // natural logarithm
}

// CTCGreedy reads predictions (batch, steps, classes) of a model trained with CTC by the most probable
// class of each step: repeated classes are joined and then blanks, of class 0, removed. The probability
// is that of this one path. Predictions are probabilities, with FromLogits logits.
// See https://keras.io/api/ops/nn/#ctcdecode-function.
func CTCGreedy(predictions *Array, flags ...LossFlag) ([]Reading, error) {
	samples, err := ctcSamples(predictions, flags)
	if err != nil {
		return nil, err
	}
	list := make([]Reading, len(samples))
	for i, steps := range samples {
		r, last := &list[i], 0
		r.Labels = []int{}
		for _, p := range steps {
			best := 0
			for k, v := range p {
				if v > p[best] {
					best = k
				}
			}
			r.LogProbability += p[best]
			if best != 0 && best != last {
				r.Labels = append(r.Labels, best)
			}
			last = best
		}
	}
	return list, nil
}

// CTCBeams reads predictions as CTCGreedy does, but by the probability of labels, the sum over all paths
// that read as them. It searches by beams, the width most probable beginnings after each step (Graves 2012,
// https://doi.org/10.1007/978-3-642-24797-2), and returns the paths most probable readings of each sample,
// the best first. Keras's default width is 100. The probability is exact if no beginning has left the beam.
func CTCBeams(predictions *Array, width, paths int, flags ...LossFlag) ([][]Reading, error) {
	if width < 1 || paths < 1 || paths > width {
		return nil, fmt.Errorf("ctc beams: width is %d and %d paths, want 1 <= paths <= width", width, paths)
	}
	samples, err := ctcSamples(predictions, flags)
	if err != nil {
		return nil, err
	}
	list := make([][]Reading, len(samples))
	for i, steps := range samples {
		beams := []*beam{{blank: 0, label: math.Inf(-1)}}
		for _, p := range steps {
			beams = extendBeams(beams, p, width)
		}
		for _, b := range beams[:min(paths, len(beams))] {
			list[i] = append(list[i], Reading{append([]int{}, b.labels...), b.total()})
		}
	}
	return list, nil
}

// beam is a beginning of labels with the logarithms of the probabilities of the paths that read as it and
// end in a blank or in its last label.
type beam struct {
	labels       []int
	blank, label float64
}

func (b *beam) total() float64 { return kernel.LogAdd(b.blank, b.label) }

func (b *beam) last() int {
	if len(b.labels) == 0 {
		return 0
	}
	return b.labels[len(b.labels)-1]
}

// extendBeams returns the beginnings after another step, the most probable first.
func extendBeams(beams []*beam, p []float64, width int) []*beam {
	var next []*beam
	at := map[string]*beam{}
	get := func(labels []int) *beam {
		key := fmt.Sprint(labels)
		if b, ok := at[key]; ok {
			return b
		}
		b := &beam{slices.Clone(labels), math.Inf(-1), math.Inf(-1)}
		at[key], next = b, append(next, b)
		return b
	}
	for _, b := range beams {
		same := get(b.labels)
		same.blank = kernel.LogAdd(same.blank, b.total()+p[0])
		for k := 1; k < len(p); k++ {
			from := b.total()
			if k == b.last() { // repeated, unless a blank is between
				same.label = kernel.LogAdd(same.label, b.label+p[k])
				from = b.blank
			}
			if longer := from + p[k]; !math.IsInf(longer, -1) {
				b := get(append(slices.Clone(b.labels), k))
				b.label = kernel.LogAdd(b.label, longer)
			}
		}
	}
	slices.SortStableFunc(next, func(a, b *beam) int {
		switch x, y := a.total(), b.total(); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return slices.Compare(a.labels, b.labels)
	})
	return next[:min(width, len(next))]
}

// ctcSamples returns the logarithms of the probabilities of each sample, step and class.
func ctcSamples(predictions *Array, flags []LossFlag) ([][][]float64, error) {
	if predictions == nil {
		return nil, errors.New("ctc: there are no predictions")
	}
	shape, logits := predictions.Shape(), false
	for _, f := range flags {
		if f != FromLogits {
			return nil, fmt.Errorf("ctc: %s does not fit, want FromLogits", f)
		}
		logits = true
	}
	if len(shape) != 3 || shape[2] < 2 {
		return nil, fmt.Errorf("ctc: predictions have shape %v, want (batch, steps, classes)", shape)
	}
	values, samples := predictions.Values(), make([][][]float64, shape[0])
	for i := range samples {
		for range shape[1] {
			p := make([]float64, shape[2])
			for k, v := range values[:shape[2]] {
				if p[k] = float64(v); !logits {
					p[k] = math.Log(p[k])
				}
				if math.IsNaN(p[k]) || math.IsInf(p[k], 1) {
					return nil, fmt.Errorf("ctc: class %d of step %d of sample %d is %v", k, len(samples[i]), i, v)
				}
			}
			values = values[shape[2]:]
			total := math.Inf(-1)
			for _, v := range p {
				total = kernel.LogAdd(total, v)
			}
			if math.IsInf(total, -1) {
				return nil, fmt.Errorf("ctc: step %d of sample %d has probabilities of 0 only", len(samples[i]), i)
			}
			for k := range p {
				p[k] -= total
			}
			samples[i] = append(samples[i], p)
		}
	}
	return samples, nil
}
