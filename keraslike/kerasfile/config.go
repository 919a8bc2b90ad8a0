// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object is {"class_name": ..., "config": ...}, as Keras stores objects.
type object struct {
	Module string          `json:"module"`
	Class  string          `json:"class_name"`
	Config json.RawMessage `json:"config"`
}

// layerConfig is a layer in a configuration. Only functional models have Name and Inbound.
type layerConfig struct {
	Module     string          `json:"module"` // Python module; Keras 3
	Registered string          `json:"registered_name"`
	Class      string          `json:"class_name"`
	Name       string          `json:"name"`
	Config     json.RawMessage `json:"config"`
	Inbound    json.RawMessage `json:"inbound_nodes"`
	Build      json.RawMessage `json:"build_config"`
	Shared     *int64          `json:"shared_object_id"` // identifies a layer that several models share
}

// custom reports whether the class is a user's own. It may have the name of one of Keras's
// classes and compute something else. Keras writes no module for it, or a package that it
// is registered in.
func (l *layerConfig) custom() bool {
	root, _, _ := strings.Cut(l.Module, ".")
	switch root {
	case "keras", "keras_core", "tf_keras":
		return false
	}
	return root != "" || l.Registered != "" || strings.Contains(l.Class, ">")
}

// isModel reports whether the class is that of a model.
func (l *layerConfig) isModel() bool {
	return slices.Contains([]string{"Sequential", "Functional", "Model"}, l.Class)
}

// modelConfig is the configuration of a model.
type modelConfig struct {
	Name       string          `json:"name"`
	Trainable  *bool           `json:"trainable"`
	Layers     []layerConfig   `json:"layers"`
	Inputs     json.RawMessage `json:"input_layers"`
	Outputs    json.RawMessage `json:"output_layers"`
	InputShape json.RawMessage `json:"build_input_shape"`
}

// maxNesting limits how deep models may be nested, far beyond real models.
const maxNesting = 50

// callRef identifies a call of a layer, tensorRef one of the outputs of a call.
type callRef struct {
	layer string
	call  int
}

type tensorRef struct {
	node   callRef
	output int
}

func (t tensorRef) String() string {
	return fmt.Sprintf("output %d of call %d of %q", t.output, t.node.call, t.node.layer)
}

// tensorsOf appends the tensors of an argument of Keras 3, which may be in nested lists.
func tensorsOf(raw json.RawMessage, in *[]tensorRef, depth int) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && depth < maxNesting {
		for _, v := range list {
			if err := tensorsOf(v, in, depth+1); err != nil {
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
	refs, err := tensorRefs(o.Config.History)
	*in = append(*in, refs...)
	return err
}

// tensorRefs reads ["conv", 0, 0] or a list of such references.
func tensorRefs(raw json.RawMessage) ([]tensorRef, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	var name string
	if len(parts) > 0 && json.Unmarshal(parts[0], &name) == nil {
		ref, err := tensorRefOf(name, parts)
		return []tensorRef{ref}, err
	}
	var refs []tensorRef
	for _, p := range parts {
		var one []json.RawMessage
		if err := json.Unmarshal(p, &one); err != nil {
			return nil, err
		}
		if len(one) == 0 || json.Unmarshal(one[0], &name) != nil {
			return nil, fmt.Errorf("%.60s is not the name of a layer and two numbers", p)
		}
		ref, err := tensorRefOf(name, one)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// endpoints reads the inputs or outputs of a model. Those of a dictionary are in the order
// of their keys, as in Keras.
func endpoints(raw json.RawMessage) ([]tensorRef, error) {
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &named) != nil {
		return tensorRefs(raw)
	}
	var refs []tensorRef
	for _, key := range slices.Sorted(maps.Keys(named)) {
		one, err := tensorRefs(named[key])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		refs = append(refs, one...)
	}
	return refs, nil
}

func tensorRefOf(name string, parts []json.RawMessage) (tensorRef, error) {
	ref := tensorRef{node: callRef{layer: name}}
	if len(parts) < 3 || json.Unmarshal(parts[1], &ref.node.call) != nil || json.Unmarshal(parts[2], &ref.output) != nil {
		return ref, fmt.Errorf("%.60s is not the name of a layer and two numbers", parts)
	}
	return ref, nil
}

// slashless replaces slashes, which separate nested models in Reef, in a name of Keras:
// DenseNet's "conv1/conv" becomes conv1_conv.
func slashless(name string) string { return strings.ReplaceAll(name, "/", "_") }
