// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"maps"

	k "github.com/reef-dl/reef/keraslike"
)

// class describes a class of Keras's layers.
type class struct {
	// read makes the layer from its arguments. It reports errors with args.fail, after which
	// its result is not used.
	read func(a *args) k.Layer
	// mask is how the layer handles masks, in Reef as in Keras.
	mask maskRule
	// states is set if the layer takes initial states as further inputs.
	states bool
	// inputs are the tensors that a call names, in the order of the inputs in Reef; by default inputs
	// or sequences.
	inputs []string
	// settings are arguments of a call that are arguments of the layer in Reef.
	settings []string
}

type maskRule int

const (
	dropsMask         maskRule = iota
	passesMask                 // the output has the mask of the input
	joinsMasks                 // a step of the output counts if it counts in any input, and all do if an input has no mask
	concatenatesMasks          // the output has the masks of the inputs, one after another or joined
	makesMask                  // the mask follows from the input's values: Embedding and Masking
)

// classes holds all classes by their names in Keras.
var classes = map[string]class{}

// register adds the classes of one file:
//
//	var _ = register(map[string]class{"Dense": {read: dense, mask: passesMask}})
func register(rows map[string]class) bool {
	maps.Copy(classes, rows)
	return true
}

// when returns a list with the option if it is wanted, otherwise an empty list.
func when[O any](wanted bool, option O) []O {
	if !wanted {
		return nil
	}
	return []O{option}
}
