// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"

	"github.com/reef-dl/reef/internal/sniff"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

// load reads a model of Reef or of Keras, which its first bytes tell.
func load(path string) (*k.Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	head := make([]byte, sniff.Len)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	switch sniff.Name(head[:n]) {
	case "an HDF5 file", "a zip archive":
		m, _, err := kerasfile.Load(path)
		return m, err
	}
	return k.Load(path, k.WithoutCompile)
}
