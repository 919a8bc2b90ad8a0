// SPDX-License-Identifier: Apache-2.0

package kerasfile

import k "github.com/reef-dl/reef/keraslike"

// LoadUnnamed is Load for a model whose layers have the names that keraslike gives.
func LoadUnnamed(path string, options ...LoadOption) (*k.Model, error) {
	m, _, err := Load(path, append(options, unnamed)...)
	return m, err
}

var unnamed = loadOption(func(s *loadSettings) { s.unnamed = true })
