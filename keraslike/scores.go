// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// scores accumulates measurements over batches: the loss, the loss of each of several outputs,
// and the metrics.
type scores struct {
	list    []score
	samples int
	losses  []float64 // sums of the loss, and of each of several outputs; of phases their losses and what they log
	names   []string  // of losses, in logs
	goals   []goal    // of losses
	offsets []int     // of the phases in losses
	steps   []float32
	current int // the measurement that is asked
}

// score is one metric of one output.
type score struct {
	Measurement
	name     string
	output   int
	target   int // among those of a batch
	phase    int // that measures it
	weighted bool
	goal     goal
}

// onBatch is the memory of what is measured on single batches.
type onBatch struct {
	of     *compiled // whose measurements these are
	scores *scores
	batch  batch
	logs   Logs
}

// newScores begins all measurements of a network with these compile settings.
func newScores(n *network, c *compiled) (*scores, error) {
	if c.phases != nil {
		return newPhaseScores(n, c)
	}
	s := &scores{}
	s.addLoss("loss", minimize)
	names := n.outputNames()
	if c.severalLosses() {
		for k, name := range names {
			if !isNoLoss(c.losses[k]) {
				s.addLoss(name+"_loss", minimize)
			}
		}
	}
	for _, one := range c.logged {
		s.addLoss(one.name, one.goal)
	}
	if count := len(c.metrics) * len(names); count > n.layersLimit() {
		return nil, fmt.Errorf("%d metrics of %d outputs, the most is %d together (Limits.Layers)", len(c.metrics), len(names), n.layersLimit())
	}
	held := 0.0
	for _, metric := range c.metrics {
		if metric.output != "" && !slices.Contains(names, metric.output) {
			return nil, fmt.Errorf("metric %s: there is no output %q, outputs are %q", metric.Name(), metric.output, names)
		}
		for k, name := range names {
			if !c.measures(metric, n, k) {
				continue
			}
			target := slices.Index(c.targeted, k)
			if target < 0 {
				return nil, fmt.Errorf("metric %s: output %q has NoLoss, and Compile was given no metric of it, so that there is no target", metric.Name(), name)
			}
			if held += memoryOf(metric.Metric, n.outputs[k].shape); held > float64(n.memoryLimit(modeEvaluate, 1)) {
				return nil, fmt.Errorf("metric %s: %w (Limits.Memory)", metric.Name(), &graph.MemoryError{Need: held, Limit: n.memoryLimit(modeEvaluate, 1)})
			}
			one, err := newScore(metric, n.outputs[k].shape, c.targets[k])
			if err != nil {
				return nil, err
			}
			one.target = target
			if one.output = k; len(names) > 1 {
				one.name = name + "_" + one.name
			}
			s.list = append(s.list, one)
		}
	}
	return s, nil
}

// addLoss adds a series that is a mean over the samples.
func (s *scores) addLoss(name string, g goal) {
	s.losses, s.names, s.goals = append(s.losses, 0), append(s.names, name), append(s.goals, g)
}

// newPhaseScores begins the measurements of phases: the loss of each, what it logs and its metrics.
func newPhaseScores(n *network, c *compiled) (*scores, error) {
	s := &scores{}
	for i, p := range c.phases {
		s.offsets = append(s.offsets, len(s.losses))
		s.addLoss(p.series(), minimize)
		for _, name := range p.logs {
			s.addLoss(name, goalOfName(name))
		}
		for k, m := range p.measures {
			one, err := newScore(outputMetric{Metric: m.Metric}, m.prediction, m.target)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.label(), err)
			}
			one.phase, one.output = i, k
			s.list = append(s.list, one)
		}
	}
	if len(s.list)+len(s.losses) > n.layersLimit() {
		return nil, fmt.Errorf("%d series and metrics, the most is %d (Limits.Layers)", len(s.list)+len(s.losses), n.layersLimit())
	}
	return s, nil
}

// newScore begins the measurement of a metric on an output of this shape.
func newScore(metric outputMetric, output, target Shape) (score, error) {
	if n := len(output); n > 0 && output[n-1] == Any {
		return score{}, fmt.Errorf("metric %s: the output has shape %v, want a fixed length of the last axis", metric.Name(), output)
	}
	measurement, err := metric.begin(output, target)
	if err != nil {
		return score{}, err
	}
	if _, ok := measurement.(WeightedMeasurement); metric.weighted && !ok {
		return score{}, fmt.Errorf("metric %s: has no weighted form", metric.Name())
	}
	return score{Measurement: measurement, name: metric.Name(), weighted: metric.weighted, goal: goalOf(metric.Metric)}, nil
}

// series returns the names of all measurements, in the order of the logs.
func (s *scores) series() []string {
	names := slices.Clone(s.names)
	for _, one := range s.list {
		names = append(names, one.name)
	}
	return names
}

// goal returns the goal of a series of the scores.
func (s *scores) goal(name string) goal {
	if i := slices.Index(s.names, name); i >= 0 {
		return s.goals[i]
	}
	for _, one := range s.list {
		if one.name == name {
			return one.goal
		}
	}
	return unknownSeries
}

// checkNames rejects two series with the same name in the logs, including those of
// validation: outputs "x" and "val_x" would both have a series "val_x_loss".
func (s *scores) checkNames() error {
	taken := map[string]bool{}
	for _, prefix := range []string{"", "val_"} {
		for _, name := range s.series() {
			if taken[prefix+name] {
				return fmt.Errorf("two series would be named %q: give one a name of its own, a metric by NamedMetric, an output by its layer's Name", prefix+name)
			}
			taken[prefix+name] = true
		}
	}
	return nil
}

// begin calls the metric's Begin.
func (m outputMetric) begin(p, t Shape) (one Measurement, err error) {
	defer caught(&err, "metric", m.Metric, "Begin")
	if one, err = m.Begin(p, t); err == nil && isNil(one) {
		err = fmt.Errorf("metric %s: Begin gave no measurement", m.Name())
	}
	return one, err
}

// caught converts a panic in a measurement to an error that names it.
func (s *scores) caught(err *error) {
	if r := recover(); r != nil {
		in := "scores"
		if s.current < len(s.list) {
			in = fmt.Sprintf("metric %q: %T", s.list[s.current].name, s.list[s.current].Measurement)
		}
		*err = &PanicError{In: in, Value: r, Stack: debug.Stack()}
	}
}

func (s *scores) reset() (err error) {
	defer s.caught(&err)
	s.samples = 0
	clear(s.losses)
	for s.current = range s.list {
		s.list[s.current].Reset()
	}
	return nil
}

// result holds the results of a graph for one batch.
type result struct {
	loss         float64
	outputLosses [][]float32 // of each output where there are several
	outputs      [][]float32
	masks        [][]float32 // of the outputs, nil for none
}

// add adds the results of a batch. It returns the error of a metric that is undefined for
// them.
func (s *scores) add(r result, b *batch) (err error) {
	defer s.caught(&err)
	n := len(b.indices)
	s.samples += n
	s.losses[0] += r.loss * float64(n)
	for k := range s.losses[1:] {
		s.losses[1+k] += float64(r.outputLosses[k][0]) * float64(n)
	}
	for s.current = range s.list {
		one := &s.list[s.current]
		w, weighs := one.Measurement.(WeightedMeasurement)
		if mean, ok := one.Measurement.(interface{ heedLossWeights([]float32) }); ok {
			mean.heedLossWeights(b.weights)
		}
		switch {
		case s.addMasked(one, r, b):
		case weighs && one.weighted && b.weights != nil:
			w.AddWeighted(len(b.weights), r.outputs[one.output], b.targets[one.target], b.weights)
		default:
			one.Add(n, r.outputs[one.output], b.targets[one.target])
		}
		if d, ok := one.Measurement.(CheckedMeasurement); ok && d.Err() != nil {
			return explainZeroWeight(d.Err(), b.weights)
		}
	}
	return nil
}

// explainZeroWeight adds to the error of a metric for a sample of weight 0 how to exclude it.
func explainZeroWeight(err error, weights []float32) error {
	if row, ok := err.(*graph.RowError); ok && row.Rows >= len(weights) && len(weights) > 0 && weights[row.Row/(row.Rows/len(weights))] == 0 {
		return &graph.RowError{Row: row.Row, Rows: row.Rows, Err: fmt.Errorf("%w; its weight is 0, which only WeightedMetrics heed", row.Err)}
	}
	return err
}

// addMasked adds the steps of a masked output as samples, masked ones with weight 0. It
// returns false if there is no mask or the metric cannot be weighted.
func (s *scores) addMasked(one *score, r result, b *batch) bool {
	mask := r.masks[one.output]
	w, ok := one.Measurement.(WeightedMeasurement)
	if mask == nil || !ok {
		return false
	}
	if one.weighted && b.weights != nil {
		s.steps = s.steps[:0]
		n := max(len(mask), len(b.weights)) // each is of the leading axes
		for i := range n {
			s.steps = append(s.steps, mask[i/(n/len(mask))]*b.weights[i/(n/len(b.weights))])
		}
		mask = s.steps
	}
	w.AddWeighted(len(mask), r.outputs[one.output], b.targets[one.target], mask)
	return true
}

// logs appends all measurements so far, as means over samples.
func (s *scores) logs(to Logs) (logs Logs, err error) {
	defer s.caught(&err)
	n := float64(s.samples)
	for k, loss := range s.losses {
		to = append(to, Log{s.names[k], loss / n})
	}
	for s.current = range s.list {
		to = append(to, Log{s.list[s.current].name, s.list[s.current].Value()})
	}
	return to, nil
}
