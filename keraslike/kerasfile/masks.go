// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"strings"
)

// masks tracks the mask tensors of Keras 3, which writes into the model how it computes them: x != 0 for an
// Embedding, any(x != value) for Masking, a or b for layers that merge, and passes the result to each layer that
// takes a mask. In Reef masks are passed on implicitly, so such an argument can be ignored if
// it is the mask that the layer's input has anyway, that is, if it is computed in the same way.
type masks struct {
	of   map[callRef]maskID     // the result of each mask layer
	made map[callRef]*layerCall // the call of each node
	here map[tensorRef]maskID   // the mask of each tensor in Reef
	ids  map[maskExpression]maskID
	all  []maskExpression // by their numbers
}

// maskID is the number of an expression: two tensors with the same number are the same mask. 0 is no mask or an
// unknown one.
type maskID int

// maskExpression says how a mask is computed.
type maskExpression struct {
	op    string    // of Keras; jointMask is that of Concatenate
	of    tensorRef // for NotEqual
	value float64   // for NotEqual
	a, b  maskID    // operands
	axis  int       // of Concatenate
}

// jointMask is the mask that Concatenate makes of those of its inputs: any(concatenate(masks, axis)). Each has the
// shape of its input, by or with zeros of that shape, or is ones for an input without a mask.
const jointMask = "joint"

func newMasks() *masks {
	return &masks{of: map[callRef]maskID{}, made: map[callRef]*layerCall{}, here: map[tensorRef]maskID{}, ids: map[maskExpression]maskID{}, all: make([]maskExpression, 1)}
}

// id returns the number of an expression.
func (m *masks) id(e maskExpression) maskID {
	if m.ids[e] == 0 {
		m.ids[e] = maskID(len(m.all))
		m.all = append(m.all, e)
	}
	return m.ids[e]
}

// either returns the mask of the steps that count in a or in b.
func (m *masks) either(a, b maskID) maskID {
	if a == b || a == 0 || b == 0 {
		return min(a, b)
	}
	return m.id(maskExpression{op: "LogicalOr", a: a, b: b})
}

// concatenated returns the joint mask of inputs, in which ones stand for those without; 0 if all of them are.
func (m *masks) concatenated(list []maskID, axis int) maskID {
	ones := m.id(maskExpression{op: "OnesLike"})
	joint := maskID(0)
	masked := false
	for _, one := range list {
		if one == 0 {
			one = ones
		}
		masked = masked || one != ones
		joint = m.id(maskExpression{op: jointMask, a: joint, b: one, axis: axis})
	}
	if !masked {
		return 0
	}
	return joint
}

// isMask reports whether a layer computes a mask.
func isMask(l *layerConfig) bool {
	switch l.Class {
	case "NotEqual", "Any", "LogicalOr":
		return true
	case "ExpandDims", "ZerosLike", "OnesLike", "Concatenate", "ConvertToTensor":
		if !strings.Contains(l.Module, ".ops.") {
			return false
		}
	default:
		return false
	}
	var c struct {
		Type json.RawMessage `json:"dtype"`
	}
	var nodes []struct {
		Args []json.RawMessage `json:"args"`
	}
	if json.Unmarshal(l.Config, &c) == nil && string(c.Type) == `"bool"` {
		return true
	}
	if json.Unmarshal(l.Inbound, &nodes) != nil || len(nodes) == 0 || len(nodes[0].Args) == 0 {
		return false
	}
	first := nodes[0].Args[0]
	var list []json.RawMessage
	if json.Unmarshal(first, &list) == nil && len(list) > 0 {
		first = list[0]
	}
	var tensor struct {
		Config struct {
			Type json.RawMessage `json:"dtype"`
		} `json:"config"`
	}
	return json.Unmarshal(first, &tensor) == nil && string(tensor.Config.Type) == `"bool"`
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
		want := 1
		if l.Class == "NotEqual" || l.Class == "LogicalOr" {
			want = 2
		}
		tensors := node.Args[:min(want, len(node.Args))]
		if l.Class == "NotEqual" && len(tensors) > 1 {
			tensors = tensors[:1]
		}
		var in []tensorRef
		for _, arg := range tensors {
			if err := tensorsOf(arg, &in, maxNesting); err != nil && l.Class != "Concatenate" {
				return fmt.Errorf("is a mask of %.60s, want a tensor", arg)
			}
		}
		if l.Class == "Concatenate" && len(node.Args) == 1 {
			in = nil
			if err := tensorsOf(node.Args[0], &in, maxNesting-1); err != nil {
				return err
			}
		}
		if len(node.Args) != want || len(node.Kwargs) > 0 || len(in) < len(tensors) || len(in) != len(tensors) && l.Class != "Concatenate" {
			return fmt.Errorf("is a mask of %.60s, want %d tensors", node.Args, want)
		}
		axis := 0 // unknown
		if c.Axis != nil {
			axis = *c.Axis
		}
		var value float64
		if l.Class == "NotEqual" {
			if err := json.Unmarshal(node.Args[1], &value); err != nil {
				return fmt.Errorf("argument is %.60s, want a number", node.Args[1])
			}
		}
		m.of[callRef{l.Name, i}] = m.compute(l.Class, in, value, axis, c.Keep)
	}
	return nil
}

// compute returns the mask that an operation of Keras computes, 0 for one that no layer computes so.
func (m *masks) compute(op string, in []tensorRef, value float64, axis int, keep bool) maskID {
	of := make([]maskID, len(in))
	for i, t := range in {
		of[i] = m.of[t.node]
	}
	a := m.all[of[0]]
	switch op {
	case "NotEqual":
		return m.id(maskExpression{op: op, of: in[0], value: value})
	case "ZerosLike", "OnesLike":
		return m.id(maskExpression{op: op})
	case "ConvertToTensor":
		return of[0]
	case "Any":
		if axis == -1 && !keep && (a.op == "NotEqual" || a.op == "Concatenate") {
			if a.op == "Concatenate" {
				return a.a
			}
			return m.id(maskExpression{op: op, a: of[0]})
		}
	case "ExpandDims":
		if axis == -1 && of[0] != 0 {
			return m.id(maskExpression{op: op, a: of[0]})
		}
	case "LogicalOr":
		if b := m.all[of[1]]; a.op == "ExpandDims" && b.op == "ZerosLike" { // the mask in the shape of the input
			return m.id(maskExpression{op: "Wide", a: a.a})
		}
		return m.either(of[0], of[1])
	case "Concatenate":
		list := make([]maskID, len(of))
		for i, id := range of {
			switch e := m.all[id]; e.op {
			case "Wide":
				list[i] = e.a
			case "OnesLike":
			default:
				return 0
			}
		}
		if joint := m.concatenated(list, axis); joint != 0 {
			return m.id(maskExpression{op: op, a: joint})
		}
	}
	return 0
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
		masked := c.blind && m.mask(c.in[0]) != 0
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
		if len(c.in) <= input || given == 0 || m.mask(c.in[input]) != given {
			return fmt.Errorf("keyword argument mask is %v, which is not known to be the mask of its input", ref)
		}
	}
	return nil
}

// mask returns the mask that a tensor has in Reef.
func (m *masks) mask(t tensorRef) maskID {
	if known, ok := m.here[t]; ok {
		return known
	}
	m.here[t] = 0 // ends the recursion in a corrupt file whose layer takes its own output
	call := m.made[t.node]
	if call == nil || len(call.in) == 0 || t.output != 0 || call.reversed() {
		return 0
	}
	var a struct {
		Zero  bool    `json:"mask_zero"`
		Value float64 `json:"mask_value"`
		Axis  *int    `json:"axis"`
	}
	read := func() bool { return json.Unmarshal(call.layer.Config, &a) == nil }
	var mask maskID
	switch classes[call.layer.Class].mask {
	case makesMask:
		masking := call.layer.Class == "Masking"
		if !read() || !a.Zero && !masking {
			break
		}
		mask = m.id(maskExpression{op: "NotEqual", of: call.in[0], value: a.Value})
		if masking {
			mask = m.id(maskExpression{op: "Any", a: mask})
		}
	case passesMask:
		mask = m.mask(call.in[0])
	case joinsMasks:
		mask = m.mask(call.in[0])
		for _, in := range call.in[1:] {
			mask = m.either(mask, m.mask(in))
		}
	case concatenatesMasks:
		var list []maskID
		for _, in := range call.in {
			list = append(list, m.mask(in))
		}
		axis := -1
		if read() && a.Axis != nil {
			axis = *a.Axis
		}
		mask = m.concatenated(list, axis)
	}
	m.here[t] = mask
	return mask
}
