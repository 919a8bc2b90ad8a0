// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"image"
	"strings"
	"testing"

	"golang.org/x/image/tiff"
)

// TestOtherFormats: a format that some other package of a program taught package image
// stays unknown here, since nobody has estimated what it costs.
func TestOtherFormats(t *testing.T) {
	var b bytes.Buffer
	if err := tiff.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2)), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := image.Decode(bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	_, err := decode(bytes.NewReader(b.Bytes()), int64(b.Len()), Size{}, free)
	if err == nil || !strings.HasPrefix(err.Error(), "a TIFF image, want JPEG, PNG, GIF or BMP") {
		t.Errorf("got error %v", err)
	}
}
