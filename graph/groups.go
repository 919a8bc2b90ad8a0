// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
)

// Groups records which nodes belong together, usually by layer, for error messages and
// drawings. The zero value is ready to use; a nil *Groups has no group for any node.
type Groups struct {
	of map[*Node]string
}

// Record runs build and assigns to the group all nodes that build adds to g, except those
// already assigned by a nested Record. If build returns an OpError, it gets the group's name.
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

// Of returns the group of a node, or "" if it has none. A gradient belongs to the group of
// the value or weight it is the gradient of.
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
