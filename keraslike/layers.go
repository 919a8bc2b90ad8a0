// SPDX-License-Identifier: Apache-2.0

package keraslike

// LayerInfo says what stands where in a model.
type LayerInfo struct {
	Path   string // "block1/conv" in the nested model block1
	Kind   string // "Conv2D"
	Output Shape  // of one sample
}

// Layers are the model's layers in order of computation, those of nested models in
// place of these, each at its first use.
func (m *Model) Layers() []LayerInfo { return m.layerInfos("", map[*layer]bool{}) }

func (m *Model) layerInfos(prefix string, seen map[*layer]bool) (list []LayerInfo) {
	tensors := m.order
	if prefix == "" {
		tensors = m.tensors() // a nested model's input is what stands before it
	}
	for _, t := range tensors {
		if seen[t.layer] {
			continue
		}
		seen[t.layer] = true
		if t.layer.model() != nil && t.layer.def.Kind() == "Model" {
			list = append(list, t.layer.model().layerInfos(prefix+t.layer.name+"/", seen)...)
		} else {
			list = append(list, LayerInfo{prefix + t.layer.name, t.layer.def.Kind(), t.shape})
		}
	}
	return list
}
