// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/text"
)

// snakeCase converts a kind to the default name that Keras gives its layers: "MaxPooling2D" to
// "max_pooling2d", "Conv2DTranspose" to "conv2d_transpose". A capital letter starts a new
// word if the letter before or after it is lower case.
func snakeCase(kind string) string {
	small := func(i int) bool { return i < len(kind) && 'a' <= kind[i] && kind[i] <= 'z' }
	var b strings.Builder
	for i, r := range kind {
		if i > 0 && 'A' <= r && r <= 'Z' && (small(i-1) || small(i+1)) {
			b.WriteByte('_')
		}
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// unfitName says why a name cannot be part of the path of a weight, which files have in UTF-8; it is "" if it can.
func unfitName(name string) string {
	switch {
	case strings.Contains(name, "/"):
		return "contains a slash"
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	}
	return ""
}

// noLayerError is the error of a layer's name that is not among names.
func noLayerError(name string, names []string) error {
	return text.Brief(fmt.Errorf("there is no layer %q%s, layers are %q", name, text.Meant(name, names...), names))
}

// noWeightError is the error of a weight's path that is not among paths.
func noWeightError(path string, paths []string) error {
	return text.Brief(fmt.Errorf("there is no weight %q%s, weights are %q", path, text.Meant(path, paths...), paths))
}
