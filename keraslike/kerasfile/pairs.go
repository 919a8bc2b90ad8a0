// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"path"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// pair is a weight and the tensor that is loaded into it, or one of the two alone.
type pair struct {
	tensor *fileTensor
	weight *k.Weight
	reason string // why the pair cannot be used
	layer  bool   // both the file and the model have the layer
}

const (
	noWeight = "the model has no such weight"
	noTensor = "the file has no such tensor"

	// A layer is loaded completely or not at all.
	sameLayer = "another weight of its layer does not fit"
)

// pairLayer matches the tensors of one layer, which file and model list in the order of Keras's
// get_weights.
func (f *weightsFile) pairLayer(l layerPath, tensors []fileTensor) (pairs []pair, good bool) {
	tensors = f.convert(l, tensors)
	weights := l.layer.Weights
	good = true
	for i := range max(len(tensors), len(weights)) {
		p := pair{layer: true}
		switch {
		case i >= len(tensors):
			p.weight, p.reason = weights[i], noTensor
		case i >= len(weights):
			p.tensor, p.reason = &tensors[i], noWeight
		default:
			p.tensor, p.weight = &tensors[i], weights[i]
			p.reason = misfit(p.tensor, p.weight)
		}
		good = good && p.reason == ""
		pairs = append(pairs, p)
	}
	for i := range pairs {
		if !good && pairs[i].reason == "" {
			pairs[i].reason = sameLayer
		}
	}
	return pairs, good
}

// weightNames are names that Keras and Reef share. If tensor and weight have different names
// of this list, they do not match, even if their shapes are equal.
var weightNames = []string{"kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "mean", "variance", "embeddings", "alpha"}

// misfit returns why a tensor cannot be loaded into a weight, or "".
func misfit(t *fileTensor, w *k.Weight) string {
	name := path.Base(t.name)
	if name != path.Base(w.Name()) && slices.Contains(weightNames, name) && slices.Contains(weightNames, path.Base(w.Name())) {
		return "their names differ"
	}
	if !slices.Equal(t.shape, w.Shape()) {
		return "the shapes differ"
	}
	return ""
}

func absent(layerPaths []layerPath) (pairs []pair) {
	for _, l := range layerPaths {
		for _, w := range l.layer.Weights {
			pairs = append(pairs, pair{weight: w, reason: noTensor})
		}
	}
	return pairs
}

func alone(tensors []fileTensor) (pairs []pair) {
	for i := range tensors {
		pairs = append(pairs, pair{tensor: &tensors[i], reason: noWeight})
	}
	return pairs
}
