// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// kerasNode is one call of a layer, kerasTensor one of its outputs.
type kerasNode struct {
	layer string
	call  int
}

type kerasTensor struct {
	node   kerasNode
	output int
}

func (t kerasTensor) String() string {
	return fmt.Sprintf("output %d of call %d of %q", t.output, t.node.call, t.node.layer)
}

// kerasCall is one call of a layer: the tensors that it takes, the first states of a
// recurrent layer behind the others, and whether it was told to act as in training.
type kerasCall struct {
	layer    *kerasLayer
	node     int
	in       []kerasTensor
	training *bool
	mask     *kerasTensor
	blind    bool                     // to the mask of its input
	order    func() ([]string, error) // of the inputs of a model, for a call with a dictionary
}

// inputNames are what a model calls its inputs, in its order: the keys of its own
// dictionary, else the names of the layers.
func (b *kerasBuilder) inputNames(l *kerasLayer) (names []string, err error) {
	if err := b.look(l.Config); err != nil {
		return nil, err
	}
	var c kerasModel
	var keys map[string]json.RawMessage
	if !l.isModel() || json.Unmarshal(l.Config, &c) != nil {
		return nil, errors.New("argument is a dictionary, want a tensor")
	}
	if json.Unmarshal(c.Inputs, &keys) == nil {
		return slices.Sorted(maps.Keys(keys)), nil
	}
	refs, err := kerasTensors(c.Inputs)
	for _, ref := range refs {
		names = append(names, ref.node.layer)
	}
	return names, err
}

// take adds the tensors of an argument.
func (c *kerasCall) take(arg json.RawMessage) error {
	var named map[string]json.RawMessage
	if json.Unmarshal(arg, &named) != nil || named["class_name"] != nil {
		return kerasArg(arg, &c.in, 0)
	}
	names, err := c.order()
	if err != nil {
		return err
	}
	for _, name := range names {
		if named[name] == nil {
			return fmt.Errorf("argument is a dictionary of %q, want %q", slices.Sorted(maps.Keys(named)), names)
		}
		if err := kerasArg(named[name], &c.in, 0); err != nil {
			return err
		}
	}
	return nil
}

// nodes are the calls of a layer: in Keras 2
//
//	[[["conv", 0, 0, {}], ...], ...]
//
// and in Keras 3
//
//	[{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0]}}, ...], "kwargs": {}}, ...]
func (b *kerasBuilder) nodes(l *kerasLayer) ([]kerasCall, error) {
	var nodes []json.RawMessage
	if err := json.Unmarshal(l.Inbound, &nodes); err != nil {
		return nil, err
	}
	var calls []kerasCall
	order := sync.OnceValues(func() ([]string, error) { return b.inputNames(l) })
	for i, node := range nodes {
		c := kerasCall{layer: l, node: i, order: order}
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
func (c *kerasCall) positional(args []json.RawMessage) error {
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
func (c *kerasCall) legacy(node json.RawMessage) error {
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
		in, err := kerasTensors(ref)
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
func (c *kerasCall) keywords(kwargs map[string]json.RawMessage) error {
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
		var mask []kerasTensor
		switch {
		case isNothing(v, 0):
		case name == "training":
			if string(v) == "0" || string(v) == "1" {
				v = map[string]json.RawMessage{"0": []byte("false"), "1": []byte("true")}[string(v)]
			}
			if err := json.Unmarshal(v, &c.training); err != nil {
				return fmt.Errorf("keyword argument training is %.60s: %w", v, err)
			}
		case name == "initial_state" && isRecurrent(c.layer):
			before := len(c.in)
			if err := kerasArg(v, &c.in, 0); err != nil {
				if c.in = c.in[:before]; !legacyState(v, &c.in) {
					return fmt.Errorf("keyword argument initial_state: %w", err)
				}
			}
		case name == "mask" && kerasArg(v, &mask, kerasNesting) == nil && len(mask) == 1:
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

func legacyState(raw json.RawMessage, in *[]kerasTensor) bool {
	refs, err := kerasTensors(raw)
	*in = append(*in, refs...)
	return err == nil
}

func isRecurrent(l *kerasLayer) bool {
	return slices.Contains([]string{"SimpleRNN", "GRU", "LSTM", "CuDNNGRU", "CuDNNLSTM", "Bidirectional"}, l.Class)
}

// kerasArg finds the tensors of an argument of Keras 3, alone or in lists.
func kerasArg(raw json.RawMessage, in *[]kerasTensor, depth int) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && depth < kerasNesting {
		for _, v := range list {
			if err := kerasArg(v, in, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	var o struct {
		Config struct {
			History json.RawMessage `json:"keras_history"`
		} `json:"config"`
	}
	if err := json.Unmarshal(raw, &o); err != nil || o.Config.History == nil {
		return fmt.Errorf("argument is %.60s, want a tensor", raw)
	}
	refs, err := kerasTensors(o.Config.History)
	*in = append(*in, refs...)
	return err
}

// kerasTensors reads one ["conv", 0, 0] or a list of them.
func kerasTensors(raw json.RawMessage) ([]kerasTensor, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	var name string
	if len(parts) > 0 && json.Unmarshal(parts[0], &name) == nil {
		ref, err := oneTensor(name, parts)
		return []kerasTensor{ref}, err
	}
	var refs []kerasTensor
	for _, p := range parts {
		var one []json.RawMessage
		if err := json.Unmarshal(p, &one); err != nil {
			return nil, err
		}
		if len(one) == 0 || json.Unmarshal(one[0], &name) != nil {
			return nil, fmt.Errorf("%.60s is not a layer's name with two numbers", p)
		}
		ref, err := oneTensor(name, one)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// kerasEnds reads the inputs or outputs of a model. Those of a dictionary are in the
// order of their keys, as Keras has them.
func kerasEnds(raw json.RawMessage) ([]kerasTensor, error) {
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &named) != nil {
		return kerasTensors(raw)
	}
	var refs []kerasTensor
	for _, key := range slices.Sorted(maps.Keys(named)) {
		one, err := kerasTensors(named[key])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		refs = append(refs, one...)
	}
	return refs, nil
}

func oneTensor(name string, parts []json.RawMessage) (kerasTensor, error) {
	ref := kerasTensor{node: kerasNode{layer: name}}
	if len(parts) < 3 || json.Unmarshal(parts[1], &ref.node.call) != nil || json.Unmarshal(parts[2], &ref.output) != nil {
		return ref, fmt.Errorf("%.60s is not a layer's name with two numbers", parts)
	}
	return ref, nil
}
