// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/text"
)

// BatchResult is what TrainOnBatch computed before its update. It is valid until the next call.
type BatchResult struct {
	// Logs are the loss, the losses of several outputs and the metrics of this batch, as Evaluate
	// returns them.
	Logs Logs
	// Outputs are the outputs of the model in training, row-major; of an Objective only if it asks for
	// them by Step.Output, and nil for several phases.
	Outputs [][]float32
}

// Loss returns the loss of the batch, NaN for a model with Phases, which have a loss each.
func (r BatchResult) Loss() float64 { return r.Logs.Get("loss") }

// TrainOnBatch makes one update on x and y, which have the batch as their first axis, and returns the
// loss, the metrics and the outputs before it. y is nil if the model has no targets, see NoLoss. The
// values are not copied: x may be a *tensor.Dense or, for rows of features, a *graph.CSR. It is meant
// for custom training loops, which can change the learning rate by SetLearningRate; use Fit otherwise.
func (m *Model) TrainOnBatch(x, y graph.Value) (BatchResult, error) {
	if m.compiled == nil {
		return BatchResult{}, fmt.Errorf("train on batch: %w", ErrNotCompiled)
	}
	if m.compiled.phases != nil {
		if isNil(y) {
			return m.TrainOnBatchOf([]graph.Value{x}, nil, nil)
		}
		return m.TrainOnBatchOf([]graph.Value{x}, []graph.Value{y}, nil)
	}
	if len(m.inputs) != 1 || len(m.outputs) != 1 {
		return BatchResult{}, fmt.Errorf("train on batch: model %q has %s and %s, want one of each; TrainOnBatchOf takes several", m.name, text.Count(len(m.inputs), "input"), text.Count(len(m.outputs), "output"))
	}
	if len(m.compiled.targeted) == 0 {
		if !isNil(y) {
			return BatchResult{}, fmt.Errorf("train on batch: got targets, model %q has NoLoss and wants nil", m.name)
		}
		return m.trainOn([]graph.Value{x}, nil, nil)
	}
	return m.trainOn([]graph.Value{x}, []graph.Value{y}, nil)
}

// TrainOnBatchOf is TrainOnBatch for models with several inputs and outputs, and
// with weights of the samples, or of their steps, which may be nil. There is no target for an output with NoLoss
// that is not measured.
func (m *Model) TrainOnBatchOf(inputs, targets []graph.Value, weights []float32) (BatchResult, error) {
	switch {
	case m.compiled == nil:
		return BatchResult{}, fmt.Errorf("train on batch: %w", ErrNotCompiled)
	case m.compiled.phases != nil:
		if in, out := m.rawInputs(), len(m.compiled.data.targets); len(inputs) != in || len(targets) != out {
			return BatchResult{}, fmt.Errorf("train on batch: got %s and %s, the phases of model %q want %d and %d", text.Count(len(inputs), "input"), text.Count(len(targets), "target"), m.name, in, out)
		}
	case len(inputs) != len(m.inputs) || len(targets) != len(m.compiled.targeted):
		return BatchResult{}, fmt.Errorf("train on batch: got %s and %s, model %q wants %d and %d", text.Count(len(inputs), "input"), text.Count(len(targets), "target"), m.name, len(m.inputs), len(m.compiled.targeted))
	}
	return m.trainOn(inputs, targets, weights)
}

// SetLearningRate sets the learning rate of the next updates, which Progress returns. It is for loops
// of TrainOnBatch; while Fit runs, callbacks set Training.Rate. It is an error if the optimizer has a
// schedule, which would set the rate again. For a model with Phases it is the rate of the first phase, and
// those of the others without a schedule change by the same factor.
func (m *Model) SetLearningRate(rate float64) error {
	switch {
	case m.compiled == nil:
		return fmt.Errorf("set learning rate: %w", ErrNotCompiled)
	case m.running != nil:
		return fmt.Errorf("set learning rate: %w; callbacks set Training.Rate", errRunning)
	case m.trainer.settings.Schedule.Schedule != nil:
		return fmt.Errorf("set learning rate: the optimizer has the schedule %s, which sets it", m.trainer.settings.Schedule.Name())
	}
	if err := checkRate(rate); err != nil {
		return fmt.Errorf("set learning rate: %w", err)
	}
	if err := m.scaleRates(m.trainer.rate, rate); err != nil {
		return fmt.Errorf("set learning rate: %w", err)
	}
	m.trainer.rate = rate
	return nil
}

func (m *Model) trainOn(inputs, targets []graph.Value, weights []float32) (result BatchResult, err error) {
	defer caught(&err, "train on batch", nil, "")
	for _, v := range append(append([]graph.Value{}, inputs...), targets...) {
		if isNil(v) || len(v.Shape()) == 0 {
			return result, fmt.Errorf("train on batch: got %v, want tensors with the batch as their first axis", v)
		}
	}
	t, n := m.trainer, inputs[0].Shape()[0]
	if weights != nil {
		if err := m.fitsWeights(len(weights), n); err != nil {
			return result, fmt.Errorf("train on batch: %w", err)
		}
	}
	if i := badWeight(weights); i >= 0 {
		return result, fmt.Errorf("train on batch: weight %d is %v, want a finite number of at least 0", i, weights[i])
	}
	if inputs, err = m.prepareValues(inputs, true); err != nil {
		return result, fmt.Errorf("train on batch: %w", err)
	}
	if m.compiled.phases != nil {
		if result.Logs, result.Outputs, err = m.trainPhasesOn(inputs, targets, weights); err != nil {
			return result, fmt.Errorf("train on batch: %w", err)
		}
		return result, nil
	}
	g, err := m.trainingGraph(graphKey{batch: n, weighted: weights != nil, lengths: m.lengthsOfValues(inputs)})
	if err != nil {
		return result, err
	}
	for k, v := range inputs {
		if err := g.inputs[k].bind(v); err != nil {
			return result, fmt.Errorf("train on batch: input %d: %w", k, err)
		}
	}
	rate, bound := t.rate, 0
	if err := m.trainBound(g, targets, weights, n, &bound); err != nil {
		for k, v := range targets[:bound] {
			if bad := checkTarget(k, v, n); bad != nil {
				t.rate, err = rate, bad
				break
			}
		}
		return result, fmt.Errorf("train on batch: %w", err)
	}
	if result, err = m.batchResult(g, targets, weights, n); err != nil {
		return result, fmt.Errorf("train on batch: %w", err)
	}
	return result, nil
}

// fitsWeights returns an error unless n samples have one weight each, or one for each step or pixel.
func (m *Model) fitsWeights(weights, n int) error {
	if m.compiled.phases != nil && weights != n {
		return fmt.Errorf("got %d weights for %d samples", weights, n)
	}
	for k, out := range m.outputs {
		fits := weights == n
		for size, axis := n, 0; axis < len(out.shape) && !fits; axis++ {
			if length := out.shape[axis]; length != Any {
				size *= length
			} else if weights%size == 0 { // the length is that of the batch
				size = weights
			}
			fits = size == weights
		}
		if !fits && m.compiled.phases == nil && !isNoLoss(m.compiled.losses[k]) {
			return fmt.Errorf("got %d weights for %d samples with outputs %v", weights, n, out.shape)
		}
	}
	return nil
}

// batchResult measures a batch that g has computed.
func (m *Model) batchResult(g *modelGraph, targets []graph.Value, weights []float32, n int) (result BatchResult, err error) {
	b, err := m.measureOnBatch(weights, n)
	if err != nil {
		return result, err
	}
	b.batch.targets = b.batch.targets[:0]
	for _, v := range targets {
		b.batch.targets = append(b.batch.targets, graph.Floats(v))
	}
	if err := b.scores.add(g.result(), &b.batch); err != nil {
		return result, nameSample(err, b.batch.indices)
	}
	if b.logs, err = b.scores.logs(b.logs[:0]); err != nil {
		return result, err
	}
	return BatchResult{b.logs, g.outputs.values}, nil
}

// trainBound makes one update with the inputs that are bound to g, and counts the targets that it
// binds. It checks those whose NaN and Inf the loss does not show.
func (m *Model) trainBound(g *modelGraph, targets []graph.Value, weights []float32, n int, bound *int) (err error) {
	for k, v := range targets {
		if err := g.targets[k].bind(v); err != nil {
			return fmt.Errorf("target %d: %w", k, err)
		}
		*bound = k + 1
		if g.showsTarget(k) {
			continue
		}
		if err := checkTarget(k, v, n); err != nil {
			return err
		}
	}
	if weights != nil {
		if err := g.setWeights(weights); err != nil {
			return err
		}
	}
	t := m.trainer
	if t.rate, err = t.scheduled(t.rate); err != nil {
		return err
	}
	if err := m.update(g, t.rate); err != nil {
		return nameSample(err, upTo(n))
	}
	return nil
}

// checkTarget returns an error for the first value of target k that is NaN or infinite.
func checkTarget(k int, v graph.Value, n int) error {
	i := kernel.Finite(graph.Floats(v))
	if i < 0 {
		return nil
	}
	each := Shape(v.Shape()).Size() / n
	return fmt.Errorf("target %d of sample %d: value %d is %v", k, i/each, i%each, graph.Floats(v)[i])
}

// PredictOnBatch is Predict for a model with one input and one output and for x that is a tensor or,
// for rows of features, a sparse *graph.CSR. All samples are computed as one batch. The values of x are
// neither copied nor checked for NaN and Inf.
func (m *Model) PredictOnBatch(x graph.Value) (out []float32, err error) {
	defer caught(&err, "predict on batch", nil, "")
	if m.err != nil {
		return nil, m.err
	}
	if !m.built || len(m.inputs) != 1 || len(m.edges) != 1 || isNil(x) || len(x.Shape()) == 0 {
		return nil, fmt.Errorf("predict on batch: want a built model with one input and a tensor with the batch as its first axis")
	}
	if n := len(m.outputs); n > 1 {
		return nil, fmt.Errorf("predict on batch: model %q has %d outputs, want 1", m.name, n)
	}
	n := x.Shape()[0]
	values, err := m.prepareValues([]graph.Value{x}, false)
	if err != nil {
		return nil, fmt.Errorf("predict on batch: %w", err)
	}
	x = values[0]
	key := graphKey{batch: n, lengths: m.lengthsOfValues([]graph.Value{x})}
	g, err := m.acquireGraph(modePredict, key, m.memoryLimit(modePredict, n))
	if err != nil {
		return nil, err
	}
	defer m.graphs.release(g)
	var y [1]*Array
	if err = g.inputs[0].bind(x); err == nil {
		err = m.predictInto(g, y[:], 0, n)
	}
	if err != nil {
		return nil, fmt.Errorf("predict on batch: %w", err)
	}
	return y[0].values, nil
}

// lengthsOfValues returns the lengths of the free axes of a batch.
func (n *network) lengthsOfValues(inputs []graph.Value) lengths {
	return n.lengthsOf(func(k, axis int) int { return axisLength(inputs[k].Shape(), axis+1) })
}
