// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

// load reads a model of Reef or of Keras, which its first bytes tell.
func load(path string) (*k.Model, error) {
	keras, err := isKeras(path)
	if err != nil {
		return nil, err
	}
	if keras {
		m, _, err := kerasfile.Load(path)
		return m, err
	}
	return k.Load(path, k.WithoutCompile)
}

// isKeras reports whether a file is HDF5 (.h5) or a zip archive (.keras).
func isKeras(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var head [8]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return false, err
	}
	start := string(head[:n])
	return start == "\x89HDF\r\n\x1a\n" || strings.HasPrefix(start, "PK\x03\x04"), nil
}
