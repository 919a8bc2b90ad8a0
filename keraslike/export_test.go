// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"gorgonia.org/tensor"
)

// Kinds are the kinds of layers that Load knows, without models.
func Kinds() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(definitions)), func(kind string) bool { return kind == "Model" })
}

// Settings is what Save stores of a layer: all that its options have set.
func Settings(l Layer) (string, error) {
	c, err := l.core().config()
	return fmt.Sprintf("%s %s %v %s", c.Name, c.Kind, c.Frozen, c.Config), err
}

// Optimizers makes each optimizer of this package with its default settings, by name.
func Optimizers() map[string]func() Optimizer { return optimizerKinds }

// ArrayOf is FromTensor for tests, which may be given nil.
func ArrayOf(t *tensor.Dense) *Array {
	if t == nil {
		return nil
	}
	a, err := FromTensor(t)
	if err != nil {
		panic(err)
	}
	return a
}

// ArraysOf is ArrayOf for several.
func ArraysOf(list ...*tensor.Dense) (arrays []*Array) {
	for _, t := range list {
		arrays = append(arrays, ArrayOf(t))
	}
	return arrays
}

// Add appends an epoch that took no time.
func (h *History) Add(epoch int, logs Logs) { h.add(epoch, logs, 0) }

// Memory is the array of a weight itself.
func Memory(w *Weight) []float32 { return w.floats() }

// PreprocessingKinds returns the kinds of layers that run before the network.
func PreprocessingKinds(t testing.TB) (kinds []string) {
	for _, r := range preprocessingRows(t) {
		kinds = append(kinds, r.kind)
	}
	return kinds
}

// PreprocessingModels returns a model of each layer that runs before the network.
func PreprocessingModels(t testing.TB) (models []*Model) {
	for _, r := range preprocessingRows(t) {
		models = append(models, preprocessingModel(t, r.layer(), r.in...))
	}
	return models
}
