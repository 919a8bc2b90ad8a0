// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"maps"

	k "github.com/reef-dl/reef/keraslike"
)

// class is what the reader knows of one class of Keras's layers.
type class struct {
	// read makes the layer from its arguments. Mistakes go to args.fail, after which what
	// it returns is not used.
	read func(a *args) k.Layer
	// mask says what becomes of the mask of the layer's input, here as in Keras.
	mask maskRule
	// states tells a layer that takes its first states as further inputs.
	states bool
}

type maskRule int

const (
	dropsMask  maskRule = iota
	passesMask          // the output has the mask of the input
	joinsMasks          // the output has the mask of all inputs where they have the same one
	makesMask           // of its input's values: Embedding and Masking
)

// classes are all that there are, by their names in Keras.
var classes = map[string]class{}

// register adds the classes of one file:
//
//	var _ = register(map[string]class{"Dense": {read: dense, mask: passesMask}})
func register(rows map[string]class) bool {
	maps.Copy(classes, rows)
	return true
}

// when is a list of the option where it is wanted, else of none.
func when[O any](wanted bool, option O) []O {
	if !wanted {
		return nil
	}
	return []O{option}
}
