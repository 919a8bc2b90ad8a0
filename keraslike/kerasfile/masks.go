// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"slices"
)

// masks tracks the mask tensors of Keras 3, which writes the comparisons of Embedding and
// Masking into the model, x != 0 and any(x != value), and passes the result to each layer that
// takes a mask. In Reef masks are passed on implicitly, so such an argument can be ignored if
// it is the mask that the layer's input has anyway.
type masks struct {
	of   map[callRef]tensorMask   // the result of each mask layer
	made map[callRef]*layerCall   // the call of each node
	here map[tensorRef]tensorMask // the mask of each tensor in Reef
}

// tensorMask marks the steps at which a tensor differs from value, for Masking anywhere along
// its last axis. The zero tensorMask is no mask or an unknown one.
type tensorMask struct {
	known bool
	of    tensorRef
	any   bool
	value float64
}

func newMasks() *masks {
	return &masks{map[callRef]tensorMask{}, map[callRef]*layerCall{}, map[tensorRef]tensorMask{}}
}

// isMask reports whether a layer computes a mask.
func isMask(l *layerConfig) bool {
	return slices.Contains([]string{"NotEqual", "Any", "LogicalOr"}, l.Class)
}

// add records a layer that computes a mask.
func (m *masks) add(l *layerConfig) error {
	var nodes []struct {
		Args   []json.RawMessage          `json:"args"`
		Kwargs map[string]json.RawMessage `json:"kwargs"`
	}
	var c struct {
		Axis *int `json:"axis"`
		Keep bool `json:"keepdims"`
	}
	if err := json.Unmarshal(l.Inbound, &nodes); err != nil {
		return err
	}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return err
	}
	for i, node := range nodes {
		at := callRef{l.Name, i}
		want := map[string]int{"NotEqual": 2, "Any": 1, "LogicalOr": 2}[l.Class]
		tensors := want
		if l.Class == "NotEqual" {
			tensors = 1
		}
		var in []tensorRef
		for _, arg := range node.Args[:min(tensors, len(node.Args))] {
			if err := tensorsOf(arg, &in, maxNesting); err != nil {
				return fmt.Errorf("is a mask of %.60s, want a tensor", arg)
			}
		}
		if len(node.Args) != want || len(node.Kwargs) > 0 || len(in) != tensors {
			return fmt.Errorf("is a mask of %.60s, want %d tensors", node.Args, tensors)
		}
		switch l.Class {
		case "NotEqual":
			var v float64
			if err := json.Unmarshal(node.Args[1], &v); err != nil {
				return fmt.Errorf("argument is %.60s, want a number", node.Args[1])
			}
			m.of[at] = tensorMask{true, in[0], false, v}
		case "Any":
			inner := m.of[in[0].node]
			if !inner.known || inner.any || c.Axis == nil || *c.Axis != -1 || c.Keep {
				return fmt.Errorf("any of %v is not the mask of a Masking layer", in[0])
			}
			inner.any = true
			m.of[at] = inner
		default: // for merging layers: the mask of both inputs if it is the same
			if a, b := m.of[in[0].node], m.of[in[1].node]; a == b {
				m.of[at] = a
			}
		}
	}
	return nil
}

// blind marks calls of recurrent layers with initial states, for which Keras 3 ignores the
// mask of the sequence. In Reef this applies to all calls of a layer.
func (m *masks) blind(calls []layerCall) (notes []string, err error) {
	plain := map[string]bool{}
	for i := range calls {
		c := &calls[i]
		c.blind = classes[c.layer.Class].states && len(c.in) > 1 && len(c.masks) == 0
		plain[c.layer.Name] = plain[c.layer.Name] || !c.blind
	}
	for i := range calls {
		c := &calls[i]
		masked := c.blind && m.mask(c.in[0]).known
		switch {
		case masked && plain[c.layer.Name]:
			return nil, fmt.Errorf("layer %q is called with initial states, for which Keras 3 ignores masks, and without", c.layer.Name)
		case masked:
			notes = append(notes, fmt.Sprintf("layer %q has initial states, for which Keras 3 ignores the mask of the sequence", c.layer.Name))
		}
		c.blind = c.blind && !plain[c.layer.Name]
	}
	return notes, nil
}

// check reports a mask other than that of the call's input.
func (m *masks) check(c *layerCall) error {
	for input, ref := range c.masks {
		given := m.of[ref.node]
		if len(c.in) <= input || !given.known || m.mask(c.in[input]) != given {
			return fmt.Errorf("keyword argument mask is %v, which is not known to be the mask of its input", ref)
		}
	}
	return nil
}

// mask returns the mask that a tensor has in Reef.
func (m *masks) mask(t tensorRef) tensorMask {
	if known, ok := m.here[t]; ok {
		return known
	}
	m.here[t] = tensorMask{} // ends the recursion in a corrupt file whose layer takes its own output
	call := m.made[t.node]
	if call == nil || len(call.in) == 0 || t.output != 0 || call.reversed() {
		return tensorMask{}
	}
	var a struct {
		Zero  bool    `json:"mask_zero"`
		Value float64 `json:"mask_value"`
	}
	var mask tensorMask
	switch classes[call.layer.Class].mask {
	case makesMask:
		masking := call.layer.Class == "Masking"
		if err := json.Unmarshal(call.layer.Config, &a); err == nil && (a.Zero || masking) {
			mask = tensorMask{true, call.in[0], masking, a.Value}
		}
	case passesMask:
		mask = m.mask(call.in[0])
	case joinsMasks:
		mask = m.mask(call.in[0])
		for _, in := range call.in[1:] {
			if m.mask(in) != mask {
				mask = tensorMask{}
			}
		}
	}
	m.here[t] = mask
	return mask
}
