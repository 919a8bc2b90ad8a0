// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// loggedValue is a scalar that layers compute for each batch and that the logs name.
type loggedValue struct {
	name string
	loss bool // added by AddLoss
	goal goal
	node *graph.Node
}

// AddLoss adds a scalar, such as graph.Mean returns, to the model's loss in training and in evaluation.
// The logs have it under its name beside the loss: its mean over the samples, as a metric has. What
// several layers, or several uses of one, add under the same name is added up. Without a name it is
// part of the loss alone.
//
//	s.AddLoss("kl", s.Do(graph.Mean(divergence)))
//
// A layer must add the same names in training and in evaluation.
// See https://keras.io/api/layers/base_layer/, where losses of layers are not in the logs.
func (s *Scope) AddLoss(name string, n *graph.Node) {
	if n == nil { // the mistake that it carries is the one to report
		return
	}
	if s.addPenalty(n); name != "" {
		s.record("loss", loggedValue{name, true, minimize, n})
	}
}

// Log records a scalar, such as graph.Mean returns, under a name that no other value of the logs has,
// in training and in evaluation: the logs have its mean over the samples.
func (s *Scope) Log(name string, n *graph.Node) {
	switch {
	case n == nil:
	case name == "":
		s.Do(nil, fmt.Errorf("%s %q: log: the name is empty", s.layer.def.Kind(), s.path))
	default:
		s.record("log", loggedValue{name, false, goalOfName(name), n})
	}
}

// record adds a value to the logs, or to a loss of the same name.
func (s *Scope) record(what string, v loggedValue) {
	i := slices.IndexFunc(s.logged, func(other loggedValue) bool { return other.name == v.name })
	switch {
	case len(v.node.Shape()) > 0 || v.node.Dtype() != graph.Float32:
		s.Do(nil, fmt.Errorf("%s %q: %s %q: the node has shape %v of %v, want a scalar of float32, such as graph.Mean returns", s.layer.def.Kind(), s.path, what, v.name, v.node.Shape(), v.node.Dtype()))
	case i < 0:
		s.logged = append(s.logged, v)
	case v.loss && s.logged[i].loss:
		s.logged[i].node = s.Do(graph.Add(s.logged[i].node, v.node))
	default:
		s.Do(nil, fmt.Errorf("%s %q: %s %q: another value has this name", s.layer.def.Kind(), s.path, what, v.name))
	}
}

// addPenalty adds a scalar to the model's loss.
func (s *Scope) addPenalty(n *graph.Node) {
	if n != nil {
		s.penalties = append(s.penalties, n)
	}
}

// namesOf returns the names of values, without their nodes.
func namesOf(values []loggedValue) (names []string) {
	for _, v := range values {
		names = append(names, v.name)
	}
	return names
}

// checkLogged returns an error if a graph names other values than that for training.
func (v *expression) checkLogged(c *compiled) error {
	if got, want := namesOf(v.logged), namesOf(c.logged); !slices.Equal(got, want) {
		return fmt.Errorf("its layers log %q in evaluation, %q in training: want the same, since validation has them too", got, want)
	}
	return nil
}
