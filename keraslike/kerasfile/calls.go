// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// layerCall is one call of a layer: the tensors that it takes, the first states of a
// recurrent layer behind the others, and whether it was told to act as in training.
type layerCall struct {
	layer    *layerConfig
	node     int
	in       []tensorRef
	training *bool
	mask     *tensorRef
	blind    bool                     // to the mask of its input
	order    func() ([]string, error) // of the inputs of a model, for a call with a dictionary
}

// inputNames are what a model calls its inputs, in its order: the keys of its own
// dictionary, else the names of the layers.
func inputNames(l *layerConfig, look func(json.RawMessage) error) (names []string, err error) {
	if err := look(l.Config); err != nil {
		return nil, err
	}
	var c modelConfig
	var keys map[string]json.RawMessage
	if !l.isModel() || json.Unmarshal(l.Config, &c) != nil {
		return nil, errors.New("argument is a dictionary, want a tensor")
	}
	if json.Unmarshal(c.Inputs, &keys) == nil {
		return slices.Sorted(maps.Keys(keys)), nil
	}
	refs, err := tensorRefs(c.Inputs)
	for _, ref := range refs {
		names = append(names, ref.node.layer)
	}
	return names, err
}

// take adds the tensors of an argument.
func (c *layerCall) take(arg json.RawMessage) error {
	var named map[string]json.RawMessage
	if json.Unmarshal(arg, &named) != nil || named["class_name"] != nil {
		return tensorsOf(arg, &c.in, 0)
	}
	names, err := c.order()
	if err != nil {
		return err
	}
	for _, name := range names {
		if named[name] == nil {
			return fmt.Errorf("argument is a dictionary of %q, want %q", slices.Sorted(maps.Keys(named)), names)
		}
		if err := tensorsOf(named[name], &c.in, 0); err != nil {
			return err
		}
	}
	return nil
}

// callsOf are the calls of a layer: in Keras 2
//
//	[[["conv", 0, 0, {}], ...], ...]
//
// and in Keras 3
//
//	[{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0]}}, ...], "kwargs": {}}, ...]
func callsOf(l *layerConfig, look func(json.RawMessage) error) ([]layerCall, error) {
	var nodes []json.RawMessage
	if err := json.Unmarshal(l.Inbound, &nodes); err != nil {
		return nil, err
	}
	var calls []layerCall
	order := sync.OnceValues(func() ([]string, error) { return inputNames(l, look) })
	for i, node := range nodes {
		c := layerCall{layer: l, node: i, order: order}
		var three struct {
			Args   []json.RawMessage          `json:"args"`
			Kwargs map[string]json.RawMessage `json:"kwargs"`
		}
		var err error
		if json.Unmarshal(node, &three) == nil {
			err = c.positional(three.Args)
			if err == nil {
				err = c.keywords(three.Kwargs)
			}
		} else {
			err = c.legacy(node)
		}
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	return calls, nil
}

// positional reads the arguments of a call, of which only the last may be None.
func (c *layerCall) positional(args []json.RawMessage) error {
	for i, arg := range args {
		if string(arg) == "null" && i > 0 {
			if slices.ContainsFunc(args[i:], func(a json.RawMessage) bool { return string(a) != "null" }) {
				return fmt.Errorf("argument %d is None before another one, which there is no counterpart for", i)
			}
			break
		}
		if err := c.take(arg); err != nil {
			return err
		}
	}
	return nil
}

// legacy reads a call of Keras 2, whose keyword arguments stand behind each tensor.
func (c *layerCall) legacy(node json.RawMessage) error {
	var refs []json.RawMessage
	if err := json.Unmarshal(node, &refs); err != nil {
		return err
	}
	var name string
	if len(refs) > 0 && json.Unmarshal(refs[0], &name) == nil { // a tensor without a list around it
		refs = []json.RawMessage{node}
	}
	var kwargs map[string]json.RawMessage
	for _, ref := range refs {
		in, err := tensorRefs(ref)
		if err != nil {
			return err
		}
		c.in = append(c.in, in...)
		var parts []json.RawMessage
		if err := json.Unmarshal(ref, &parts); err != nil {
			return err
		}
		if len(parts) > 3 && kwargs == nil {
			if err := json.Unmarshal(parts[3], &kwargs); err != nil {
				return err
			}
		}
	}
	return c.keywords(kwargs)
}

// keywords accepts the inputs by their name, keyword arguments that say nothing, as
// mask=None, whether the call is one of training, the mask, and the first states of a
// recurrent layer.
func (c *layerCall) keywords(kwargs map[string]json.RawMessage) error {
	for _, name := range []string{"inputs", "sequences"} { // before the states
		if v, ok := kwargs[name]; ok && len(c.in) == 0 {
			if err := c.take(v); err != nil {
				return err
			}
			delete(kwargs, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kwargs)) {
		v := kwargs[name]
		var mask []tensorRef
		switch {
		case isNothing(v, 0):
		case name == "training":
			if string(v) == "0" || string(v) == "1" {
				v = map[string]json.RawMessage{"0": []byte("false"), "1": []byte("true")}[string(v)]
			}
			if err := json.Unmarshal(v, &c.training); err != nil {
				return fmt.Errorf("keyword argument training is %.60s: %w", v, err)
			}
		case name == "initial_state" && classes[c.layer.Class].states:
			before := len(c.in)
			if err := tensorsOf(v, &c.in, 0); err != nil {
				if c.in = c.in[:before]; !legacyState(v, &c.in) {
					return fmt.Errorf("keyword argument initial_state: %w", err)
				}
			}
		case name == "mask" && tensorsOf(v, &mask, maxNesting) == nil && len(mask) == 1:
			c.mask = &mask[0]
		case string(v) != "false":
			return fmt.Errorf("keyword argument %s is %.60s, which there is no counterpart for", name, v)
		}
	}
	return nil
}

// isNothing is None, also for each of several inputs.
func isNothing(raw json.RawMessage, depth int) bool {
	const deep = 4 // lists and dictionaries of inputs
	var list []json.RawMessage
	var named map[string]json.RawMessage
	switch {
	case string(raw) == "null":
		return true
	case depth == deep:
		return false
	case json.Unmarshal(raw, &list) == nil:
	case json.Unmarshal(raw, &named) == nil:
		list = slices.Collect(maps.Values(named))
	default:
		return false
	}
	return !slices.ContainsFunc(list, func(v json.RawMessage) bool { return !isNothing(v, depth+1) })
}

func legacyState(raw json.RawMessage, in *[]tensorRef) bool {
	refs, err := tensorRefs(raw)
	*in = append(*in, refs...)
	return err == nil
}
