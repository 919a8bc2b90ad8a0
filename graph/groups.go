// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
)

// Groups remembers which nodes belong together, usually by layer, for error
// messages and drawings. The zero value is empty and ready; a nil *Groups has
// no group for any node.
type Groups struct {
	of map[*Node]string
}

// Record runs build and puts all nodes that it adds to g, and that no inner
// Record has claimed, into the group. An error of an op is given the group's name.
func (s *Groups) Record(g *Graph, group string, build func() error) error {
	before := len(g.AllNodes())
	err := build()
	if s.of == nil {
		s.of = map[*Node]string{}
	}
	for _, n := range g.AllNodes()[before:] {
		if _, ok := s.of[n]; !ok {
			s.of[n] = group
		}
	}
	var e *OpError
	if errors.As(err, &e) && e.Group == "" {
		e.Group = group
	}
	return err
}

// Of is the group of a node, empty where none is known. A gradient belongs to
// the layer whose value or weight it is taken for.
func (s *Groups) Of(n *Node) string {
	if s == nil || n == nil {
		return ""
	}
	if name, ok := s.of[n]; ok {
		return name
	}
	for _, f := range n.DerivOf() {
		if name := s.of[f]; name != "" {
			return name
		}
	}
	return ""
}
