// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// setWeights gives the model the recorded weights, in Keras's order.
func (r *recordedCall) setWeights(model *k.Model) error {
	if len(r.Weights) == 0 || string(r.Weights) == "null" {
		return nil
	}
	var list []*numbers
	if err := json.Unmarshal(r.Weights, &list); err != nil {
		return impossible("weights were not recorded")
	}
	var tensors []fileTensor
	for _, a := range list {
		if a.Large != nil {
			return impossible("too large to be recorded")
		}
		tensors = append(tensors, fileTensor{name: path.Base(a.Path), path: a.Path, shape: a.Shape, read: func() ([]float32, error) { return a.floats(), nil }})
	}
	layers := leaves(model)
	if len(layers) == 1 {
		tensors = (&weightsFile{version: "3.0.0"}).convert(layers[0], tensors)
	}
	var weights []*k.Weight
	for _, l := range layers {
		weights = append(weights, l.layer.Weights...)
	}
	if len(weights) != len(tensors) {
		return fmt.Errorf("%d weights, want %d", len(weights), len(tensors))
	}
	if len(layers) > 1 || !fits(weights, tensors) {
		weights = byNames(weights, tensors)
		if weights == nil {
			return fmt.Errorf("weights of other shapes")
		}
	}
	r.ordered = weights
	for i, t := range tensors {
		values, err := t.read()
		if err != nil {
			return err
		}
		if err := weights[i].Set(values); err != nil {
			return err
		}
	}
	return nil
}

func fits(weights []*k.Weight, tensors []fileTensor) bool {
	for i, w := range weights {
		if !slices.Equal(w.Shape(), tensors[i].shape) {
			return false
		}
	}
	return true
}

// byNames orders weights by the ends of their paths, and shapes.
func byNames(weights []*k.Weight, tensors []fileTensor) []*k.Weight {
	if fits(weights, tensors) && len(weights) > 0 {
		return weights
	}
	rest := slices.Clone(weights)
	var out []*k.Weight
	for _, t := range tensors {
		i := slices.IndexFunc(rest, func(w *k.Weight) bool {
			return path.Base(w.Name()) == t.name && slices.Equal(w.Shape(), t.shape)
		})
		if i < 0 {
			i = slices.IndexFunc(rest, func(w *k.Weight) bool { return slices.Equal(w.Shape(), t.shape) })
		}
		if i < 0 {
			return nil
		}
		out, rest = append(out, rest[i]), slices.Delete(rest, i, i+1)
	}
	return out
}

// leaves returns the layers with weights.
func leaves(m *k.Model) (list []layerPath) {
	for _, l := range layerPathsOf(m, layerPath{}, ownKinds, nothingVisited()) {
		if len(l.layer.Weights) > 0 {
			list = append(list, l)
		}
	}
	return list
}
