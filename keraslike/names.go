// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/reef-dl/reef/internal/text"
)

// snake turns "MaxPooling2D" into "max_pooling2d" and "Conv2DTranspose" into
// "conv2d_transpose", as Keras names layers: a capital letter begins a word behind a small
// letter and before one.
func snake(kind string) string {
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

// noLayerError is the error of a layer's name that is not among names.
func noLayerError(name string, names []string) error {
	return text.Brief(fmt.Errorf("there is no layer %q, layers are %q", name, names))
}
