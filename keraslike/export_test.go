// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"slices"
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
