// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// divide finds what updates each weight, and how each decays.
func (t *trainer) divide(path func(*Weight) string) error {
	paths := make([]string, len(t.weights))
	excluded := t.settings.Undecayed
	decays := false
	for i, w := range t.weights {
		paths[i] = path(w)
		own, decay := t.optimizer, t.settings.WeightDecay
		if o, ok := own.(PerWeightOptimizer); ok {
			if own = o.ForWeight(paths[i], slices.Clone(w.shape)); isNil(own) {
				return fmt.Errorf("ForWeight gave no optimizer for weight %q", paths[i])
			}
		}
		if o, ok := t.optimizer.(interface {
			DecayOf(path string, shape []int) float64
		}); ok {
			decay = o.DecayOf(paths[i], w.shape)
		}
		if decays = decays || decay > 0; matches(paths[i], excluded) {
			decay = 0
		}
		t.each, t.decays = append(t.each, own), append(t.decays, decay)
	}
	if len(paths) == 0 {
		return nil
	}
	if len(excluded) > 0 && !decays {
		return errors.New("ExcludeFromWeightDecay: there is no WeightDecay")
	}
	if o, ok := t.optimizer.(interface{ CheckPaths(paths []string) error }); ok {
		if err := o.CheckPaths(paths); err != nil {
			return err
		}
	}
	return checkPatterns("ExcludeFromWeightDecay", excluded, paths)
}

// slotShape returns the shape of a slot of weight i.
func (t *trainer) slotShape(i int, slot string) []int {
	if o, ok := t.each[i].(SlotShaper); ok {
		return o.SlotShape(slot)
	}
	return t.weights[i].shape
}

// matches reports whether a path contains one of the texts.
func matches(path string, texts []string) bool {
	return slices.ContainsFunc(texts, func(part string) bool { return strings.Contains(path, part) })
}

// checkPatterns returns an error for a text that is part of no path.
func checkPatterns(option string, texts, paths []string) error {
	for _, part := range texts {
		if part == "" {
			return fmt.Errorf("%s: a text is empty, want a part of a weight's path", option)
		}
		if !slices.ContainsFunc(paths, func(path string) bool { return strings.Contains(path, part) }) {
			return fmt.Errorf("%s: no weight that is trained has %q in its path, paths are %s", option, part, text.FirstOf(paths))
		}
	}
	return nil
}
