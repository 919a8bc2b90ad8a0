// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Step is the graph of a Phase or an Objective under construction, for one batch size, in training or
// in evaluation. Its methods return nodes, of which functions of package graph make others; Do takes
// their errors, so that no line needs a check. After a mistake nodes are nil, and Fit, Compile or
// Evaluate returns the first one.
type Step struct {
	v        *expression
	net      *network // of the compiled model
	self     *layer   // the model as one
	phase    string   // its name
	trained  map[*Weight]bool
	mode     mode
	key      graphKey
	data     *phaseData
	declares bool   // the shapes of the data are found out by the calls of Input and Target
	sizes    *sizes // of the compiled model at the lengths of the batch
	sizesErr error

	calls    int // of models, random nodes
	outputs  graph.Nodes
	input    map[int]*graph.Node
	target   map[int]*graph.Node
	weights  *graph.Node
	masks    map[*graph.Node]*graph.Node
	logged   graph.Nodes
	logs     []string
	measured graph.Nodes // predictions and targets by turns
	measures []measured
	foreign  []*Weight // of models that are not part of the compiled one
}

// checkedBatch is the batch size at which Compile builds phases to find mistakes.
const checkedBatch = 2

// Batch returns the number of samples of the batch.
func (s *Step) Batch() int { return s.v.samples }

// Training reports whether the step is for training, or for evaluation.
func (s *Step) Training() bool { return s.mode == modeTrain }

// Graph returns the graph, which functions such as graph.Constant need.
func (s *Step) Graph() *graph.Graph { return s.v.g }

// Do returns the node, nil after an error, of which the first is kept:
//
//	distance := s.Do(graph.Mean(s.Do(graph.Abs(s.Do(graph.Sub(a, b))))))
func (s *Step) Do(n *graph.Node, err error) *graph.Node {
	if s.v.err != nil {
		return nil // the first mistake is the one to report
	}
	return s.v.Do(n, err)
}

func (s *Step) fail(format string, args ...any) *graph.Node {
	return s.Do(nil, fmt.Errorf(format, args...))
}

// Input returns input k of the data, with the batch as its first axis: (batch, shape...). Without a
// shape it is input k of the compiled model, and the data has the inputs of the model. With a shape, which
// is that of one sample, the data is of inputs of its own; all inputs are then declared in this way.
func (s *Step) Input(k int, shape ...int) *graph.Node {
	if s.v.err != nil {
		return nil
	}
	if s.declares {
		if err := s.declareInput(k, shape); err != nil {
			return s.Do(nil, fmt.Errorf("input %d: %w", k, err))
		}
	}
	if n := s.input[k]; n != nil {
		return n
	}
	name := fmt.Sprint("input ", k)
	if s.data.own {
		if s.sizesErr != nil {
			return s.Do(nil, s.sizesErr)
		}
		edge := s.net.edges[k]
		shape, name = s.sizes.shape(edge), edge.layer.name
	} else {
		shape = s.data.inputs[k]
	}
	n := s.v.input(name, Shape(shape).withBatch(s.v.samples)...)
	s.input[k] = n
	return n
}

func (s *Step) declareInput(k int, shape []int) error {
	d := s.data
	switch own := shape == nil; {
	case own && (k < 0 || k >= len(s.net.edges)):
		return fmt.Errorf("model %q has %s; for data of other inputs give the shape of a sample", s.net.name, text.Count(len(s.net.edges), "input"))
	case own && d.inputs != nil, !own && d.own:
		return errors.New("inputs are declared with a shape and without one, want all with or all without")
	case own:
		d.own = true
		return nil
	}
	if s.net.front != nil {
		return fmt.Errorf("model %q has layers that run before the network, so that the data has its inputs: give no shape", s.net.name)
	}
	if Shape(shape).isFree() {
		return fmt.Errorf("its shape is %v, want fixed lengths; an input of the model, which has no shape here, may have free axes", Shape(shape))
	}
	return declare(&d.inputs, k, shape)
}

// Target returns target k of the data, whose samples have this shape: (batch, shape...). Axes of Any have
// the lengths of the last free axes of the model's inputs, for models and data of different lengths. Data
// without targets, and data whose targets no phase asks for, is read without them.
func (s *Step) Target(k int, shape ...int) *graph.Node {
	if s.v.err != nil {
		return nil
	}
	if s.declares {
		if err := declare(&s.data.targets, k, append(Shape{}, shape...)); err != nil {
			return s.Do(nil, fmt.Errorf("target %d: %w", k, err))
		}
	}
	if n := s.target[k]; n != nil {
		return n
	}
	at, err := s.data.targetAt(k, s.key.lengths, s.net.freeAxes())
	if err != nil {
		return s.Do(nil, err)
	}
	n := s.v.input(fmt.Sprint("target ", k), at.withBatch(s.v.samples)...)
	s.target[k] = n
	return n
}

// declare records the shape of input or target k.
func declare(list *[]Shape, k int, shape Shape) error {
	if k < 0 || k > mostDeclared {
		return fmt.Errorf("want a number from 0 to %d", mostDeclared)
	}
	for _, n := range shape {
		if n <= 0 && n != Any {
			return fmt.Errorf("its shape is %v, want positive axes", shape)
		}
	}
	for len(*list) <= k {
		*list = append(*list, nil)
	}
	if known := (*list)[k]; known != nil && !slices.Equal(known, shape) {
		return fmt.Errorf("has shape %v, and %v elsewhere", shape, known)
	}
	(*list)[k] = slices.Clone(shape)
	return nil
}

// mostDeclared is the largest number of an input or a target.
const mostDeclared = 63

// Weights returns the weights of the samples, (batch): ones where the data has none. Data with weights
// is an error unless a phase asks for them.
func (s *Step) Weights() *graph.Node {
	if s.v.err != nil {
		return nil
	}
	if s.declares {
		s.data.weighted = true
	}
	if !s.key.weighted {
		return s.v.ones(s.v.samples)
	}
	if s.weights == nil {
		s.weights = s.v.input("sample weights 0", s.v.samples)
	}
	return s.weights
}

// Weight returns the variable of a weight, such as m.Weight returns: for penalties on weights, or a
// picture that is trained.
func (s *Step) Weight(w *Weight) *graph.Node {
	if s.v.err != nil {
		return nil
	}
	switch {
	case w == nil:
		return s.fail("weight is nil")
	case s.v.paths[w] == "":
		return s.fail("weight %q is not of model %q nor of one that is called", w.path, s.net.name)
	}
	return s.v.variable(w)
}

// Random returns the source of random numbers and a stream of its own, for ops such as graph.Bernoulli.
// Each update draws other numbers; those of evaluation are the same for the same batches.
func (s *Step) Random() (rng *graph.Random, stream uint64) {
	s.calls++
	return s.v.random, hashName(fmt.Sprintf("%s#%d random", s.phase, s.calls))
}

// RandomNormal returns normally distributed numbers of mean 0 and standard deviation 1.
func (s *Step) RandomNormal(shape ...int) *graph.Node {
	rng, stream := s.Random()
	return s.Do(graph.RandomNormal(s.v.g, graph.Float32, rng, stream, shape...))
}

// RandomUniform returns uniformly distributed numbers in [0, 1).
func (s *Step) RandomUniform(shape ...int) *graph.Node {
	rng, stream := s.Random()
	return s.Do(graph.RandomUniform(s.v.g, graph.Float32, rng, stream, shape...))
}

// Constant returns a node whose values are all v, such as the labels of what a generator made.
func (s *Step) Constant(v float64, shape ...int) *graph.Node {
	if s.v.err != nil {
		return nil
	}
	return s.Do(graph.Affine(s.v.ones(shape...), v, 0))
}

// Loss returns the mean of a loss over its rows, or what its reduction makes of them, a scalar; over the
// steps that count if the prediction,
// which a model computed, has a mask. A cross-entropy gets the logits of a softmax or sigmoid at the end
// of a model, as in Compile.
func (s *Step) Loss(l Loss, prediction, target *graph.Node) *graph.Node {
	rows := s.LossRows(l, prediction, target)
	if rows == nil {
		return nil
	}
	var counted *graph.Node
	if own, ok := l.(selectiveLoss); ok {
		counted = s.Do(own.counted(rows, target))
	}
	if mask := s.masks[prediction]; mask != nil && Shape(mask.Shape()).Size() == Shape(rows.Shape()).Size() {
		rows = s.Do(graph.Reshape(rows, mask.Shape()...))
		if counted != nil {
			mask = s.Do(graph.MaskSteps(s.Do(graph.Reshape(counted, mask.Shape()...)), mask))
		}
		counted = mask
	}
	return s.v.reduce(rows, nil, counted, reductionOf(l))
}

// LossRows returns the values of a loss, one for each row of the last axis, to be weighted by the step.
func (s *Step) LossRows(l Loss, prediction, target *graph.Node) *graph.Node {
	switch {
	case s.v.err != nil:
		return nil
	case isNil(l):
		return s.fail("loss is nil")
	case prediction == nil || target == nil:
		return s.fail("loss %s: the prediction or the target is nil", nameIn("loss", l))
	case len(prediction.Shape()) == 0 || len(target.Shape()) == 0:
		return s.fail("loss %s: the prediction has shape %v, the target %v, want the batch as their first axis", nameIn("loss", l), prediction.Shape(), target.Shape())
	}
	var want Shape
	err := guard("loss", l, "Target", func() (err error) { want, err = l.Target(Shape(prediction.Shape()[1:])); return err })
	if err != nil {
		return s.Do(nil, err)
	}
	if full := want.withBatch(prediction.Shape()[0]); !slices.Equal(full, []int(target.Shape())) {
		if target.Shape()[0] != prediction.Shape()[0] || Shape(full).Size() != Shape(target.Shape()).Size() {
			return s.fail("loss %s: the target has shape %v for predictions of shape %v, want %v", nameIn("loss", l), target.Shape(), prediction.Shape(), graph.Shape(full))
		}
		target = s.Do(graph.Reshape(target, full...))
	}
	return s.v.rows(l, prediction, target)
}

// Gradient returns the gradient of the sum of y with respect to a node that y is computed from, of its
// shape. It can be part of the loss, which is then differentiated twice: the penalty of WGAN-GP.
func (s *Step) Gradient(y, x *graph.Node) *graph.Node {
	if s.v.err != nil {
		return nil
	}
	if y == nil || x == nil {
		return s.fail("gradient: a node is nil")
	}
	sum := y
	if len(y.Shape()) > 0 {
		sum = s.Do(graph.Sum(y))
	}
	one := s.Do(graph.Scalar(sum, 1))
	if one == nil {
		return nil
	}
	slopes, err := graph.Backpropagate(graph.Nodes{sum}, graph.Nodes{one}, graph.Nodes{x})
	if err != nil {
		return s.Do(nil, err)
	}
	return slopes[0]
}

// Log records a scalar under a name: the logs have its mean over the samples of an epoch, and that of
// validation as "val_" and the name.
func (s *Step) Log(name string, n *graph.Node) {
	switch {
	case s.v.err != nil:
	case name == "":
		s.fail("log: the name is empty")
	case slices.Contains(s.logs, name):
		s.fail("log %q: is recorded twice", name)
	case n == nil:
		s.fail("log %q: the node is nil", name)
	case len(n.Shape()) > 0 || n.Dtype() != graph.Float32:
		s.fail("log %q: the node has shape %v of %v, want a scalar of float32, such as graph.Mean returns", name, n.Shape(), n.Dtype())
	default:
		s.logs, s.logged = append(s.logs, name), append(s.logged, n)
	}
}

// Measure measures a metric, which Compile would have as an option, on a prediction and a target. The
// logs have it under its name; NamedMetric gives another one.
func (s *Step) Measure(metric Metric, prediction, target *graph.Node) {
	switch {
	case s.v.err != nil:
		return
	case isNil(metric):
		s.fail("measure: the metric is nil")
		return
	}
	name := nameIn("metric", metric)
	for i, n := range []*graph.Node{prediction, target} {
		what := []string{"prediction", "target"}[i]
		if n == nil {
			s.fail("measure %s: the %s is nil", name, what)
			return
		}
		if len(n.Shape()) == 0 || n.Dtype() != graph.Float32 || n.Shape()[0] != prediction.Shape()[0] {
			s.fail("measure %s: the %s has shape %v of %v, want samples of float32, as many as predictions", name, what, n.Shape(), n.Dtype())
			return
		}
	}
	s.measured = append(s.measured, prediction, target)
	s.measures = append(s.measures, measured{metric, Shape(prediction.Shape()[1:]), Shape(target.Shape()[1:])})
}
