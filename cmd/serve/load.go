// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/reef-dl/reef/internal/sniff"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

// load reads a model of Reef or of Keras, which its first bytes tell.
func load(path string) (*k.Model, error) {
	begin, err := sniff.File(path)
	if err != nil {
		return nil, err
	}
	switch sniff.Name(begin) {
	case "an HDF5 file", "a zip archive":
		m, _, err := kerasfile.Load(path)
		return m, err
	}
	return k.Load(path, k.WithoutCompile)
}
