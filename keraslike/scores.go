// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
)

// scores adds up what is measured over batches: the loss, that of each output
// where there are several, and the metrics.
type scores struct {
	list    []score
	samples int
	loss    float64
	losses  []float64
	names   []string // of losses, in logs
	steps   []float32
}

// score is one metric of one output.
type score struct {
	Measurement
	name      string
	output    int
	weighted  bool
	direction Mode // which way it is better: Min, Max or, where nobody knows, Auto
}

// measure begins all measurements of a model that is or will be compiled so.
func (m *Model) measure(c *compiled) (*scores, error) {
	s := &scores{}
	names := m.outputNames()
	if len(names) > 1 {
		s.losses = make([]float64, len(names))
		for _, name := range names {
			s.names = append(s.names, name+"_loss")
		}
	}
	for _, metric := range c.metrics {
		if metric.output != "" && !slices.Contains(names, metric.output) {
			return nil, fmt.Errorf("metric %s: there is no output %q, outputs are %q", metric.Name(), metric.output, names)
		}
		for k, name := range names {
			if metric.output != "" && metric.output != name {
				continue
			}
			measurement, err := metric.Begin(m.outputs[k].shape, c.targets[k])
			if err != nil {
				return nil, err
			}
			one := score{Measurement: measurement, name: metric.Name(), output: k, weighted: metric.weighted, direction: wayOf(metric.Metric)}
			if _, ok := measurement.(WeightedMeasurement); metric.weighted && !ok {
				return nil, fmt.Errorf("metric %s: has no weighted form", metric.Name())
			}
			if len(names) > 1 {
				one.name = name + "_" + one.name
			}
			s.list = append(s.list, one)
		}
	}
	return s, nil
}

// distinct reports two series of one name in the logs, those of validation included: with
// outputs "x" and "val_x" there would be two named "val_x_loss".
func (s *scores) distinct() error {
	taken := map[string]bool{}
	for _, prefix := range []string{"", "val_"} {
		for _, l := range s.logs(nil) {
			if taken[prefix+l.Name] {
				return fmt.Errorf("two series would be named %q", prefix+l.Name)
			}
			taken[prefix+l.Name] = true
		}
	}
	return nil
}

func (s *scores) reset() {
	s.samples, s.loss = 0, 0
	clear(s.losses)
	for _, one := range s.list {
		one.Reset()
	}
}

// add takes the batch of n samples that p has just computed.
func (s *scores) add(p *plan, n int, targets [][]float32, weights []float32) {
	s.samples += n
	s.loss += p.loss() * float64(n)
	for k := range s.losses {
		s.losses[k] += p.lossOf(k) * float64(n)
	}
	for i := range s.list {
		one := &s.list[i]
		if s.addMasked(one, p, targets[one.output], weights) {
			continue
		}
		if w, ok := one.Measurement.(WeightedMeasurement); ok && one.weighted && weights != nil {
			w.AddWeighted(n, p.outputs()[one.output], targets[one.output], weights)
			continue
		}
		one.Add(n, p.outputs()[one.output], targets[one.output])
	}
}

// addMasked counts the steps of an output that has a mask as samples, those that
// are masked with a weight of 0; false where there is no mask or the metric cannot.
func (s *scores) addMasked(one *score, p *plan, target, weights []float32) bool {
	mask := p.mask(one.output)
	w, ok := one.Measurement.(WeightedMeasurement)
	if _, whole := w.(*r2); mask == nil || !ok || whole {
		return false
	}
	if one.weighted && weights != nil {
		s.steps = s.steps[:0]
		each := len(mask) / len(weights)
		for i, m := range mask {
			s.steps = append(s.steps, m*weights[i/each])
		}
		mask = s.steps
	}
	w.AddWeighted(len(mask), p.outputs()[one.output], target, mask)
	return true
}

// logs appends everything measured so far, means over samples.
func (s *scores) logs(to Logs) Logs {
	n := float64(s.samples)
	to = append(to, Log{"loss", s.loss / n})
	for k, loss := range s.losses {
		to = append(to, Log{s.names[k], loss / n})
	}
	for i := range s.list {
		to = append(to, Log{s.list[i].name, s.list[i].Value()})
	}
	return to
}
