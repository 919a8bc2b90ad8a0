// SPDX-License-Identifier: Apache-2.0

package kerash5

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/reef-dl/reef/keraslike/kerash5/internal/hdf5"
)

// readLegacy reads what model.save (Keras 1, 2, and 3 with suffix .h5) and
// save_weights (Keras 1 and 2) write: a group for each layer, whose attribute
// weight_names lists the datasets in order. The first puts the groups below
// model_weights and the architecture into an attribute of the root.
func (f *File) readLegacy(root *hdf5.Node, file string) error {
	var err error
	if f.Config, err = modelConfig(root); err != nil {
		return err
	}
	weights := root.Child("model_weights")
	if weights == nil {
		weights = root
	}
	for _, n := range []*hdf5.Node{root, weights} {
		for name, to := range map[string]*string{"keras_version": &f.KerasVersion, "backend": &f.Backend} {
			text, ok, err := n.Strings(name)
			if err != nil {
				return err
			}
			if ok && len(text) > 0 {
				*to = text[0]
			}
		}
	}
	layers, ok, err := longList(weights, "layer_names")
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("it has no attribute layer_names (not a Keras model?)")
	}
	f.Legacy, f.Ordered = true, true
	inner, err := f.innerNames()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, name := range layers {
		if seen[name] {
			return fmt.Errorf("layer %q is twice in layer_names", name)
		}
		seen[name] = true
		group := descend(weights, name)
		if group == nil || group.Dataset != nil {
			return fmt.Errorf("layer %q of layer_names has no group", name)
		}
		if err := f.addLegacyLayer(group, name, file); err != nil {
			return fmt.Errorf("layer %q: %w", name, err)
		}
	}
	for i := range f.Layers {
		f.Layers[i].Inner = inner[f.Layers[i].Name]
	}
	return nil
}

// innerNames are the layers of each nested model.
func (f *File) innerNames() (map[string][]string, error) {
	if f.Config == nil {
		return nil, nil
	}
	config, err := parseConfig(f.Config)
	if err != nil {
		return nil, fmt.Errorf("model_config: %w", err)
	}
	inner := map[string][]string{}
	for _, l := range config.layers {
		inner[l.name] = l.inside(nil, "")
	}
	return inner, nil
}

// inside adds the paths of the layers in a model, or in one that the layer is around. Paths
// of many long names, which would have more text than the file, are left out.
func (c layerConfig) inside(paths []string, prefix string) []string {
	const longest = 1 << 10
	if len(prefix) > longest {
		return paths
	}
	for len(c.layers) == 0 && c.wrapped != nil {
		c = *c.wrapped
	}
	for _, l := range c.layers {
		path := prefix + strings.ReplaceAll(l.name, "/", "_")
		if below := l.inside(paths, path+"/"); len(below) > len(paths) {
			paths = below
		} else {
			paths = append(paths, path)
		}
	}
	return paths
}

func modelConfig(root *hdf5.Node) (json.RawMessage, error) {
	text, ok, err := root.Strings("model_config")
	if err != nil || !ok || len(text) == 0 {
		return nil, err
	}
	raw := strictJSON([]byte(text[0]))
	if err := checkJSON(raw); err != nil {
		return nil, fmt.Errorf("model_config: %w", err)
	}
	return raw, nil
}

// addLegacyLayer adds the weights of a group, which for a nested model are those of
// all its layers, named "inner_layer/kernel:0".
func (f *File) addLegacyLayer(group *hdf5.Node, layer, file string) error {
	names, _, err := longList(group, "weight_names")
	if err != nil || len(names) == 0 {
		return err
	}
	l := Layer{Name: layer, Named: true}
	seen := map[*hdf5.Node]bool{}
	for _, name := range names {
		node := descend(group, name)
		if node == nil || node.Dataset == nil {
			return fmt.Errorf("weight %q of weight_names has no dataset", name)
		}
		if seen[node] {
			return fmt.Errorf("weight %q is twice in weight_names", name)
		}
		seen[node] = true
		l.Weights = append(l.Weights, Weight{
			Name: strings.TrimSuffix(name, ":0"), Shape: node.Dataset.Shape, Path: layer + "/" + name, file: file, data: node.Dataset,
		})
	}
	f.Layers = append(f.Layers, l)
	return nil
}

// descend follows a path of names; those of weights and of layers may have slashes.
func descend(n *hdf5.Node, path string) *hdf5.Node {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || n == nil {
			continue
		}
		n = n.Child(part)
	}
	return n
}

// longList returns a list of texts. Where it was too long for an attribute,
// Keras cut it into name0, name1, ...
func longList(n *hdf5.Node, name string) ([]string, bool, error) {
	list, ok, err := n.Strings(name)
	if err != nil || ok {
		return list, ok, err
	}
	for i := 0; ; i++ {
		part, more, err := n.Strings(fmt.Sprintf("%s%d", name, i))
		if err != nil || !more {
			return list, i > 0, err
		}
		list = append(list, part...)
	}
}
