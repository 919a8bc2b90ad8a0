// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
	"slices"
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

// kerasNodes are the tensors that each call of a layer takes: in Keras 2
//
//	[[["conv", 0, 0, {}], ...], ...]
//
// and in Keras 3
//
//	[{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0]}}, ...], "kwargs": {}}, ...]
//
// Keyword arguments must have no tensors in them.
func kerasNodes(raw json.RawMessage) ([][]kerasTensor, error) {
	var nodes []json.RawMessage
	if err := json.Unmarshal(raw, &nodes); err != nil {
		return nil, err
	}
	var calls [][]kerasTensor
	for _, node := range nodes {
		var in []kerasTensor
		var call struct {
			Args   []json.RawMessage          `json:"args"`
			Kwargs map[string]json.RawMessage `json:"kwargs"`
		}
		var err error
		if json.Unmarshal(node, &call) == nil {
			err = noTensors(call.Kwargs)
			for _, arg := range call.Args {
				if err == nil {
					err = kerasArg(arg, &in, 0)
				}
			}
		} else {
			in, err = kerasTensors(node)
		}
		if err != nil {
			return nil, err
		}
		calls = append(calls, in)
	}
	return calls, nil
}

// noTensors accepts keyword arguments that say nothing, as mask=None.
func noTensors(kwargs map[string]json.RawMessage) error {
	for name, v := range kwargs {
		if !slices.Contains([]string{"null", "false"}, string(v)) {
			return fmt.Errorf("keyword argument %s is %.60s, which there is no counterpart for", name, v)
		}
	}
	return nil
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

func oneTensor(name string, parts []json.RawMessage) (kerasTensor, error) {
	ref := kerasTensor{node: kerasNode{layer: name}}
	if len(parts) < 3 || json.Unmarshal(parts[1], &ref.node.call) != nil || json.Unmarshal(parts[2], &ref.output) != nil {
		return ref, fmt.Errorf("%.60s is not a layer's name with two numbers", parts)
	}
	if len(parts) > 3 {
		var kwargs map[string]json.RawMessage
		if err := json.Unmarshal(parts[3], &kwargs); err != nil {
			return ref, err
		}
		return ref, noTensors(kwargs)
	}
	return ref, nil
}
