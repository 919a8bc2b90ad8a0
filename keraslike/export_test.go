// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"
)

// Kinds are the kinds of layers that Load knows.
func Kinds() []string { return slices.Sorted(maps.Keys(definitions)) }

// Settings is what Save stores of a layer: all that its options have set.
func Settings(l Layer) (string, error) {
	c, err := l.core().config()
	return fmt.Sprintf("%s %s %v %s", c.Name, c.Kind, c.Frozen || frozenBy(l), c.Config), err
}

func frozenBy(l Layer) bool {
	d, ok := l.core().def.(interface{ isFrozen() bool })
	return ok && d.isFrozen()
}
