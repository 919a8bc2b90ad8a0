// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders for what folders of pictures hold
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/bmp"
)

// Limits of one picture file: a few bytes must not inflate to gigabytes, neither when
// it is decoded nor when one axis of it has been resized and the other not yet.
const (
	maxPictureBytes  = 1 << 26
	maxPicturePixels = 1 << 25
	maxPictureSide   = 1 << 16
)

// picture is a decoded image: height x width x 3 bytes, red, green, blue.
type picture struct {
	height, width int
	rgb           []uint8
}

// decodePicture decodes a JPEG, PNG, GIF or BMP file. As PIL's convert("RGB") it
// interpolates the colour of JPEGs, repeats grey three times and drops transparency.
func decodePicture(r io.Reader) (*picture, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxPictureBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxPictureBytes {
		return nil, fmt.Errorf("more than %d bytes", maxPictureBytes)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if min(c.Width, c.Height) < 1 || max(c.Width, c.Height) > maxPictureSide || c.Width > maxPicturePixels/c.Height {
		return nil, fmt.Errorf("%s of %dx%d pixels, want sides of 1 to %d and at most %d in all", format, c.Width, c.Height, maxPictureSide, maxPicturePixels)
	}
	m, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return toRGB(m), nil
}

func toRGB(m image.Image) *picture {
	if m, ok := m.(*image.YCbCr); ok && interpolated(m) {
		return fromJPEG(m)
	}
	b := m.Bounds()
	p := &picture{b.Dy(), b.Dx(), make([]uint8, 0, 3*b.Dy()*b.Dx())}
	switch m := m.(type) {
	case *image.Gray:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
				p.rgb = append(p.rgb, v, v, v)
			}
		}
	default:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
				p.rgb = append(p.rgb, c.R, c.G, c.B)
			}
		}
	}
	return p
}
