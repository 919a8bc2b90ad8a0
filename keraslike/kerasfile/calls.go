// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// layerCall is one call of a layer: its input tensors, with the initial states of a recurrent
// layer last, and its keyword arguments.
type layerCall struct {
	layer    *layerConfig
	node     int
	in       []tensorRef
	training *bool
	masks    map[int]tensorRef          // given for an input
	settings map[string]json.RawMessage // that the layer is made with
	blind    bool                       // ignores the mask of its input
	order    func() ([]string, error)   // of the inputs of a model, for a call with a dictionary
}

// inputNames returns the names of a model's inputs, in order: the keys of its dictionary of
// inputs, or else the names of the input layers.
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

// take appends the tensors of an argument to the inputs.
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

// callsOf returns the calls of a layer, which Keras 2 stores as
//
//	[[["conv", 0, 0, {}], ...], ...]
//
// and Keras 3 as
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

// positional reads the positional arguments of a call; only the last ones may be None.
func (c *layerCall) positional(args []json.RawMessage) error {
	args = c.operands(args)
	for i, arg := range args {
		if string(arg) == "null" && i > 0 {
			if slices.ContainsFunc(args[i:], func(a json.RawMessage) bool { return string(a) != "null" }) {
				return fmt.Errorf("argument %d is None and followed by another one, which is not supported", i)
			}
			break
		}
		if err := c.take(arg); err != nil {
			return err
		}
	}
	return nil
}

// operands returns the tensors of an operation, such as x·2 or x[:, 1], without its number or key, which become
// settings.
func (c *layerCall) operands(args []json.RawMessage) []json.RawMessage {
	if !strings.Contains(c.layer.Module, ".ops.") || len(args) != 2 {
		return args
	}
	if c.layer.Class == "GetItem" {
		c.settings = map[string]json.RawMessage{itemKey: args[1]}
		return args[:1]
	}
	for i, arg := range args {
		var number float64
		if string(arg) != "null" && json.Unmarshal(arg, &number) == nil {
			c.settings = map[string]json.RawMessage{constantOperand: arg}
			if i == 0 {
				c.settings[constantFirst] = json.RawMessage("true")
			}
			return args[1-i : 2-i]
		}
	}
	return args
}

// legacy reads a call of Keras 2, which stores the keyword arguments with each tensor.
func (c *layerCall) legacy(node json.RawMessage) error {
	var refs []json.RawMessage
	if err := json.Unmarshal(node, &refs); err != nil {
		return err
	}
	var name string
	if len(refs) > 0 && json.Unmarshal(refs[0], &name) == nil { // a single tensor, not in a list
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

// keywords reads the keyword arguments: the inputs by name, training, initial_state and mask.
// Others must be None or false.
func (c *layerCall) keywords(kwargs map[string]json.RawMessage) error {
	names := classes[c.layer.Class].inputs
	if names == nil {
		names = []string{"inputs", "sequences"}
	}
	positional := len(c.in)
	for i, name := range names { // before the states
		if v, ok := kwargs[name]; ok && i >= positional && !isNothing(v, 0) {
			if err := c.take(v); err != nil {
				return err
			}
			delete(kwargs, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kwargs)) {
		if v := kwargs[name]; !isNothing(v, 0) {
			if err := c.keyword(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *layerCall) keyword(name string, v json.RawMessage) error {
	known := classes[c.layer.Class]
	switch {
	case name == "training":
		if text, ok := numberedFlags[string(v)]; ok {
			v = json.RawMessage(text)
		}
		if err := json.Unmarshal(v, &c.training); err != nil {
			return fmt.Errorf("keyword argument training is %.60s: %w", v, err)
		}
	case name == "initial_state" && known.states:
		before := len(c.in)
		if err := tensorsOf(v, &c.in, 0); err != nil {
			if c.in = c.in[:before]; !legacyState(v, &c.in) {
				return fmt.Errorf("keyword argument initial_state: %w", err)
			}
		}
	case slices.Contains(known.settings, name):
		return c.set(name, v)
	case name == "mask" && c.takeMasks(v):
	case strings.HasSuffix(name, "_mask") && slices.Contains(known.inputs, strings.TrimSuffix(name, "_mask")) && c.takeMask(slices.Index(known.inputs, strings.TrimSuffix(name, "_mask")), v):
	case string(v) != "false":
		return fmt.Errorf("keyword argument %s is %.60s, which is not supported", name, v)
	}
	return nil
}

var numberedFlags = map[string]string{"0": "false", "1": "true"}

// set keeps an argument of the call for the layer; a tensor becomes the last input.
func (c *layerCall) set(name string, v json.RawMessage) error {
	if c.settings == nil {
		c.settings = map[string]json.RawMessage{}
	}
	var ref []tensorRef
	if tensorsOf(v, &ref, maxNesting) == nil {
		c.in, v = append(c.in, ref...), json.RawMessage("true")
	}
	if text, ok := numberedFlags[string(v)]; ok {
		v = json.RawMessage(text)
	}
	c.settings[name] = v
	return nil
}

// takeMasks keeps the mask of the input, or one for each of several.
func (c *layerCall) takeMasks(v json.RawMessage) bool {
	var list []json.RawMessage
	if json.Unmarshal(v, &list) != nil {
		return c.takeMask(0, v)
	}
	for i, one := range list {
		if !isNothing(one, 0) && !c.takeMask(i, one) {
			return false
		}
	}
	return true
}

func (c *layerCall) takeMask(input int, v json.RawMessage) bool {
	var mask []tensorRef
	if tensorsOf(v, &mask, maxNesting) != nil || len(mask) != 1 {
		return false
	}
	if c.masks == nil {
		c.masks = map[int]tensorRef{}
	}
	c.masks[input] = mask[0]
	return true
}

// made returns the configuration of the layer with the arguments of the call.
func (c *layerCall) made() (layerConfig, error) {
	l := *c.layer
	if len(c.settings) == 0 {
		return l, nil
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(l.Config, &config); err != nil {
		return l, err
	}
	for name, v := range c.settings {
		if _, both := config[name]; both {
			return l, fmt.Errorf("has argument %s, and its call too", name)
		}
		config[name] = v
	}
	var err error
	l.Config, err = json.Marshal(config)
	return l, err
}

// isNothing reports whether a value is None, or None for each of several inputs.
func isNothing(raw json.RawMessage, depth int) bool {
	const deep = 4 // the most levels of lists and dictionaries
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
