// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Output returns output k of the compiled model for the inputs of the data, as Call does.
func (s *Step) Output(k int) *graph.Node {
	if s.v.err != nil {
		return nil
	}
	if k < 0 || k >= len(s.net.outputs) {
		return s.fail("output %d: model %q has %s", k, s.net.name, text.Count(len(s.net.outputs), "output"))
	}
	if s.outputs == nil {
		in := make([]*graph.Node, len(s.net.edges))
		for i := range in {
			if in[i] = s.Input(i); in[i] == nil {
				return nil
			}
		}
		s.outputs = s.run(s.net, s.self, "", s.net.edges, s.net.rest, s.Training(), in)
	}
	return s.outputs[k]
}

// Call applies a model with one output to nodes, as in training: dropout is active, and batch
// normalization takes the statistics of the batch. In evaluation it is as in prediction. All uses of a
// model share its weights; each has random numbers of its own. The nodes may be of another batch size
// than the data.
//
// The model may be part of the compiled one or not; one that isn't keeps its weights and states.
func (s *Step) Call(m *Model, in ...*graph.Node) *graph.Node {
	return s.one("Call", m, s.CallAll(m, in...))
}

// CallAll is Call for a model with several outputs.
func (s *Step) CallAll(m *Model, in ...*graph.Node) []*graph.Node {
	return s.apply(m, s.Training(), in)
}

// Predict applies a model with one output to nodes as in prediction, without dropout and with the
// moving statistics of batch normalization: the teacher of a distillation, the network of a perceptual
// loss.
func (s *Step) Predict(m *Model, in ...*graph.Node) *graph.Node {
	return s.one("Predict", m, s.PredictAll(m, in...))
}

// PredictAll is Predict for a model with several outputs.
func (s *Step) PredictAll(m *Model, in ...*graph.Node) []*graph.Node { return s.apply(m, false, in) }

func (s *Step) one(method string, m *Model, out []*graph.Node) *graph.Node {
	if len(out) != 1 {
		return s.fail("%s: model %q has %d outputs, want 1: %sAll returns all", method, m.name, len(out), method)
	}
	return out[0]
}

// apply applies a model to nodes. After a mistake it returns nils.
func (s *Step) apply(m *Model, training bool, in []*graph.Node) []*graph.Node {
	if m == nil {
		s.fail("calls a model that is nil")
		return make([]*graph.Node, 1)
	}
	none := make([]*graph.Node, max(1, len(m.outputs)))
	if err := s.checkCall(m, in); err != nil {
		s.fail("call of model %q: %w", m.name, err)
	}
	if s.v.err != nil {
		return none
	}
	if err := s.size(m, in); err != nil {
		s.fail("call of model %q: %w", m.name, err)
		return none
	}
	prefix := ""
	if m.core() != s.self {
		prefix = m.name + "/"
	}
	s.adopt(m)
	if out := s.run(&m.network, m.core(), prefix, m.inputs, m.order, training, in); out != nil {
		return out
	}
	return none
}

// checkCall compares the nodes with the inputs of the model.
func (s *Step) checkCall(m *Model, in []*graph.Node) error {
	switch err := m.Err(); {
	case err != nil:
		return err
	case s.v.err != nil:
		return nil
	case !m.built:
		return errors.New("it has no weights yet: build or load it, or make it part of the compiled model")
	case len(in) != len(m.inputs):
		return fmt.Errorf("got %s, want %d", text.Count(len(in), "input"), len(m.inputs))
	}
	for k, n := range in {
		if n == nil {
			return fmt.Errorf("input %d is nil", k)
		}
		shape, want := n.Shape(), m.inputs[k].shape
		if len(shape) == 0 || !want.takes(Shape(shape[1:])) || n.Dtype() != graph.Float32 {
			return fmt.Errorf("input %d has shape %v of %v, want %v of float32", k, shape, n.Dtype(), want)
		}
		if shape[0] != in[0].Shape()[0] {
			return fmt.Errorf("input %d has a batch of %d, input 0 one of %d", k, shape[0], in[0].Shape()[0])
		}
		if n.Graph() != s.v.g {
			return fmt.Errorf("input %d is a node of another graph", k)
		}
	}
	return nil
}

// size computes the sizes of a model at these shapes. Layers may build graphs for it.
func (s *Step) size(m *Model, in []*graph.Node) error {
	building.Unlock()
	defer building.Lock()
	evaluating.Lock()
	defer evaluating.Unlock()
	_, err := (&nestedModel{m}).sizes(s.v.sizing, sampleShapes(in))
	return err
}

// adopt gives the weights of a model that is not part of the compiled one names in the graph.
func (s *Step) adopt(m *Model) {
	for _, w := range m.weights {
		if _, known := s.v.paths[w]; known {
			continue
		}
		if len(s.foreign) == 0 {
			paths := map[*Weight]string{}
			for w, path := range s.v.paths {
				paths[w] = path
			}
			s.v.paths = paths
		}
		s.foreign, s.v.paths[w] = append(s.foreign, w), m.name+"/"+m.paths[w]
	}
}

// run adds the expressions of a model.
func (s *Step) run(net *network, self *layer, prefix string, start, calls []*Tensor, training bool, in []*graph.Node) []*graph.Node {
	v := s.v
	s.calls++
	trains := slices.ContainsFunc(net.weights, func(w *Weight) bool { return s.trained[w] })
	batch, samples, before, penalties := v.batch, v.samples, v.training, len(v.penalties)
	logged := slices.Clone(v.logged)
	v.batch, v.training = in[0].Shape()[0], training
	v.samples, v.streams = v.batch, fmt.Sprintf("%s#%d/", s.phase, s.calls)
	v.updatesState = func(l *layer) bool { return training && s.updatesState(l, trains) }
	v.application = application{layer: self, path: net.name, frozen: v.isFrozen(self)}
	out, masks := v.run(net, prefix, start, calls, in, nil)
	v.application = application{}
	v.batch, v.samples, v.training = batch, samples, before
	if !trains {
		v.penalties, v.logged = v.penalties[:penalties], logged
	}
	for k, mask := range masks {
		if mask != nil {
			s.masks[out[k]] = mask
		}
	}
	return out
}

// updatesState reports whether the states of a layer change: if the phase trains weights of the layer, or
// of the model that is called where the layer has none.
func (s *Step) updatesState(l *layer, trains bool) bool {
	own := false
	for _, w := range l.weights {
		if !w.state {
			own = true
			if s.trained[w] {
				return true
			}
		}
	}
	return !own && trains
}
