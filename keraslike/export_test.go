// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"maps"
	"slices"
)

// Kinds are the kinds of layers that Load knows.
func Kinds() []string { return slices.Sorted(maps.Keys(definitions)) }

// ForgetNames gives all layers the names that this package would have given.
func (m *Model) ForgetNames() {
	var forget func(m *Model)
	forget = func(m *Model) {
		for _, l := range m.layers() {
			l.name, l.auto = "", false
			if l.sub != nil {
				forget(l.sub)
			}
		}
		var none []error
		m.nameLayers(&none)
	}
	forget(m)
	m.paths = map[*Weight]string{}
	m.collect("", m.paths, map[*Model]bool{})
}
