// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/picture"
	"github.com/reef-dl/reef/internal/wholefile"
)

// SaveOptions are the options for writing images.
type SaveOptions struct {
	Pixels Pixels // what the numbers are: Unit, from 0 to 1, unless it is set
	PerRow int    // how many images stand side by side; without it ⌈√n⌉ of n
}

// SaveImageFile writes images, such as LoadImageFile and a model return, to one file: PNG if the path ends with
// .png, JPEG of quality 95 if it ends with .jpg or .jpeg. Several images are laid out row by row, from the top left,
// without space between them; what is left over of the last row is black. The file is written whole or not at all.
//
//	photo, err := datasets.LoadImageFile("cat.jpg", datasets.ImageOptions{})
//	...
//	err = datasets.SaveImageFile("cat.png", photo, datasets.SaveOptions{})
//
// The shape of an image is (height, width, 3), or (height, width, 1) or (height, width) for gray. With the
// Pixels of a pretrained network it has 3 channels, blue, green, red, to which the means are added. Numbers are
// rounded to bytes, those out of range to the nearest; NaN is an error, as is any other shape. It follows
// Keras's save_img, https://keras.io/api/data_loading/image/.
func SaveImageFile(path string, images Array, o SaveOptions) error {
	var encode func(io.Writer, image.Image) error
	switch extension := strings.ToLower(filepath.Ext(path)); extension {
	case ".png":
		encode = png.Encode
	case ".jpg", ".jpeg":
		encode = func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 95}) }
	default:
		return fmt.Errorf("save image: %s: the extension is %q, want .png, .jpg or .jpeg", path, extension)
	}
	sheet, err := o.sheet(images)
	if err != nil {
		return fmt.Errorf("save image: %s: %w", path, err)
	}
	if err := wholefile.Write(path, func(w io.Writer) error { return encode(w, sheet) }); err != nil {
		return fmt.Errorf("save image: %w", err)
	}
	return nil
}

// sheet lays images out.
func (o SaveOptions) sheet(images Array) (image.Image, error) {
	s := images.Shape
	if len(s) < 2 || len(s) > 3 || len(s) == 3 && s[2] != 1 && s[2] != 3 {
		return nil, fmt.Errorf("images have shape %v, want (height, width), (height, width, 1) or (height, width, 3)", s)
	}
	height, width, channels := s[0], s[1], 1
	if len(s) == 3 {
		channels = s[2]
	}
	n := images.Len()
	switch {
	case height < 1 || width < 1 || width > picture.MaxPixels/height:
		return nil, fmt.Errorf("images are %dx%d, want at least 1x1 and at most %d pixels", height, width, picture.MaxPixels)
	case n == 0:
		return nil, errors.New("there are no images")
	case len(images.Data) != n*height*width*channels:
		return nil, fmt.Errorf("%d numbers are not a whole number of images of shape %v", len(images.Data), s)
	case o.PerRow < 0:
		return nil, fmt.Errorf("%d images per row", o.PerRow)
	case o.Pixels < Unit || o.Pixels > SqueezeNet:
		return nil, fmt.Errorf("pixel values %d are unknown", o.Pixels)
	case o.Pixels > Bytes && channels != 3:
		return nil, fmt.Errorf("images of shape %v with the colors of a pretrained network, want 3 channels", s)
	}
	perRow := o.PerRow
	if perRow == 0 {
		perRow = int(math.Ceil(math.Sqrt(float64(n))))
	}
	perRow = min(perRow, n)
	rows := (n + perRow - 1) / perRow
	if rows > picture.MaxPixels/(height*width)/perRow {
		return nil, fmt.Errorf("%d images of %dx%d are more than %d pixels", n, height, width, picture.MaxPixels)
	}

	area := image.Rect(0, 0, perRow*width, rows*height)
	gray, colors := image.NewGray(area), (*image.NRGBA)(nil)
	if channels == 3 {
		gray, colors = nil, image.NewNRGBA(area)
		for i := 3; i < len(colors.Pix); i += 4 {
			colors.Pix[i] = 255
		}
	}
	var pixel [3]float32
	for i := 0; i < len(images.Data); i += channels {
		at, within := i/channels/(height*width), i/channels%(height*width)
		x, y := at%perRow*width+within%width, at/perRow*height+within/width
		copy(pixel[:], images.Data[i:i+channels])
		o.Pixels.revert(pixel[:channels])
		for c, v := range pixel[:channels] {
			if math.IsNaN(float64(v)) {
				return nil, fmt.Errorf("image %d has NaN at row %d, column %d", at, within/width, within%width)
			}
			b := uint8(math.Round(float64(min(max(v, 0), 255))))
			if colors == nil {
				gray.Pix[gray.PixOffset(x, y)] = b
			} else {
				colors.Pix[colors.PixOffset(x, y)+c] = b
			}
		}
	}
	if colors == nil {
		return gray, nil
	}
	return colors, nil
}

// revert is the inverse of convert for one pixel: red, green, blue 0..255.
func (p Pixels) revert(pixel []float32) {
	switch p {
	case Bytes:
	case Unit:
		for c := range pixel {
			pixel[c] *= 255
		}
	case VGG16:
		addBGR(pixel, 103.939, 116.779, 123.68)
	case SqueezeNet:
		addBGR(pixel, 104, 117, 123)
	}
}

// addBGR is the inverse of centerBGR for one pixel.
func addBGR(pixel []float32, blue, green, red float32) {
	pixel[0], pixel[1], pixel[2] = pixel[2]+red, pixel[1]+green, pixel[0]+blue
}
