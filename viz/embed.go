// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// An embedded image is part of an SVG.
type embedded struct {
	kind  string // "png" or "jpeg"
	data  []byte
	sharp bool // its pixels are meant to be seen
}

// embed encodes an image: as JPEG if that is much smaller, as it is for photographs, else
// as PNG.
func embed(img image.Image, sharp bool) embedded {
	const quality, least = 82, 64 * 64 // pixels
	var b bytes.Buffer
	best := png.Encoder{CompressionLevel: png.BestCompression}
	if err := best.Encode(&b, img); err != nil {
		panic(fmt.Sprintf("viz: a buffer takes no PNG: %v", err)) // sizes were checked
	}
	_, drawn := img.(*image.Paletted)
	if size := img.Bounds().Size(); sharp || drawn || size.X*size.Y < least || !opaque(img) {
		return embedded{"png", b.Bytes(), sharp}
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, img, &jpeg.Options{Quality: quality}); err == nil && 2*photo.Len() < b.Len() {
		return embedded{"jpeg", photo.Bytes(), sharp}
	}
	return embedded{"png", b.Bytes(), sharp}
}

func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// appendTo writes the picture into what follows "<image ", in place of another.
func (e embedded) appendTo(svg, tag []byte) []byte {
	svg = append(svg, "<image "...)
	if e.sharp {
		svg = append(svg, `style="image-rendering:pixelated" `...)
	}
	before, rest, _ := bytes.Cut(tag, []byte("data:image/jpg;base64,"))
	_, after, _ := bytes.Cut(rest, []byte(`"`))
	svg = append(svg, before...)
	svg = fmt.Appendf(svg, "data:image/%s;base64,", e.kind)
	svg = base64.StdEncoding.AppendEncode(svg, e.data)
	return append(append(svg, '"'), after...)
}
