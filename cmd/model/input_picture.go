// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	k "github.com/reef-dl/reef/keraslike"
)

// pixelOptions are the flags that say how a picture becomes numbers.
type pixelOptions struct {
	height, width int // 0: those of the model
	pixels        datasets.Pixels
	scale, offset float32 // of bytes, if scaled
	scaled        bool
}

var pixelKinds = map[string]datasets.Pixels{"unit": datasets.Unit, "bytes": datasets.Bytes, "vgg16": datasets.VGG16, "squeezenet": datasets.SqueezeNet}

var pixelNames = sortedKeys(pixelKinds)

// pixelFlags declares the flags; read returns their value, nil if none is set.
func pixelFlags(f *flag.FlagSet) (read func() (*pixelOptions, error)) {
	size := f.String("size", "", "`size` to which pictures are resized: a side, or HEIGHTxWIDTH (default: that of the model's input)")
	pixels := f.String("pixels", "", "`how` bytes of a picture become numbers: unit (0 to 1), bytes (0 to 255), vgg16 or squeezenet")
	scale := f.String("scale", "", "`factor` of the bytes of a picture, as in 1/255, instead of -pixels")
	offset := f.Float64("offset", 0, "`number` that is added behind -scale, as in -scale 1/127.5 -offset -1")
	return func() (*pixelOptions, error) {
		set := map[string]bool{}
		f.Visit(func(fl *flag.Flag) { set[fl.Name] = true })
		if !set["size"] && !set["pixels"] && !set["scale"] && !set["offset"] {
			return nil, nil
		}
		o := &pixelOptions{scale: 1, offset: float32(*offset), scaled: set["scale"]}
		var err error
		if set["size"] {
			if o.height, o.width, err = parseSize(*size); err != nil {
				return nil, err
			}
		}
		switch {
		case set["pixels"] && set["scale"]:
			return nil, cli.Misuse("-pixels and -scale contradict each other: want one of them")
		case set["offset"] && !set["scale"]:
			return nil, cli.Misuse("-offset without -scale: want both")
		case set["pixels"]:
			if err := oneOf("pixels", *pixels, pixelNames...); err != nil {
				return nil, err
			}
			o.pixels = pixelKinds[*pixels]
		case set["scale"]:
			o.pixels = datasets.Bytes
			if o.scale, err = parseFraction(*scale); err != nil {
				return nil, err
			}
		}
		if !set["pixels"] && !set["scale"] {
			o.pixels = -1 // as the model says
		}
		return o, nil
	}
}

// parseSize reads "224" or "180x320", height first.
func parseSize(s string) (height, width int, err error) {
	h, w, ok := strings.Cut(strings.ToLower(s), "x")
	if !ok {
		w = h
	}
	height, e1 := strconv.Atoi(h)
	width, e2 := strconv.Atoi(w)
	if e1 != nil || e2 != nil || height < 1 || width < 1 || height > 1<<14 || width > 1<<14 {
		return 0, 0, cli.Misuse("-size %q: want a side as in 224, or HEIGHTxWIDTH as in 180x320", s)
	}
	return height, width, nil
}

// parseFraction reads "0.5" or "1/255".
func parseFraction(s string) (float32, error) {
	over, under, ok := strings.Cut(s, "/")
	if !ok {
		under = "1"
	}
	a, e1 := strconv.ParseFloat(over, 64)
	b, e2 := strconv.ParseFloat(under, 64)
	if v := a / b; e1 == nil && e2 == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return float32(v), nil
	}
	return 0, cli.Misuse("-scale %q: want a number, as in 0.5 or 1/255", s)
}

// options returns how pictures are read, by the flags or by what is saved with the model, with the
// model's own height and width where they leave them open.
func (r *reader) options() (o datasets.ImageOptions, err error) {
	saved, ok := r.raw[0].(datasets.ImageOptions)
	if ok {
		o = saved
	}
	flags := r.pixels
	if !ok && (flags == nil || flags.pixels < 0) {
		return o, r.noPixels()
	}
	if flags != nil {
		if flags.pixels >= 0 {
			o.Pixels = flags.pixels
		}
		if flags.height > 0 {
			o.Height, o.Width = flags.height, flags.width
		}
		if !ok {
			o.Filter = datasets.Bilinear
		}
	}
	if o.Height == 0 && o.Width == 0 {
		switch shape := r.shapes[0]; {
		case len(shape) == 3 && shape[0] != k.Any && shape[1] != k.Any:
			o.Height, o.Width = shape[0], shape[1]
		case len(shape) == 1 && shape[0] != k.Any: // pixels in a row
			if side := int(math.Sqrt(float64(shape[0]))); side*side == shape[0] {
				o.Height, o.Width = side, side
			}
		}
	}
	return o, nil
}

// noPixels explains what to do about a model that was saved without saying what pixels mean.
func (r *reader) noPixels() error {
	size := ""
	if shape := r.shapes[0]; len(shape) != 3 || slices.Contains(shape[:2], k.Any) {
		size = ", and the size by -size HEIGHTxWIDTH"
	}
	saved := r.file + " was saved without a preprocessor for pictures"
	if kind, _ := r.m.Preprocessor(0); kind == "image" {
		saved = "-raw ignores the preprocessor of " + r.file
	}
	return fmt.Errorf("%s, so it is unknown how pixels become the numbers of input %q %s: say it by "+
		"-pixels unit (0 to 1, the same as -scale 1/255), -pixels bytes (0 to 255, for a model that begins with Rescaling), -scale 1/127.5 -offset -1 (-1 to 1), "+
		"-pixels vgg16 or -pixels squeezenet%s; or save it with the model, by m.SetPreprocessor(0, datasets.ImageOptions{...}) before Save",
		saved, r.names[0], r.shapes[0], size)
}

// picture decodes a picture into the numbers of the model's input.
func (r *reader) picture(in io.Reader, name string) (values []float32, shape []int, err error) {
	want := r.shapes[0]
	switch {
	case len(want) == 3 && (want[2] == 3 || want[2] == 1 || want[2] == k.Any):
	case len(want) == 1 || len(want) == 2: // pixels in a row, or gray without an axis for it
	default:
		return nil, nil, fmt.Errorf("%s: a picture, but input %q of %s wants %s, want (height, width, 3) or (height, width, 1)", name, r.names[0], r.file, want)
	}
	o, err := r.options()
	if err != nil {
		return nil, nil, err
	}
	if n := 3 * o.Height * o.Width; r.raw[0] == nil && (len(want) == 3 && want[2] == 1 || len(want) < 3 && want.Size() != n) {
		o.Gray = true
	}
	a, err := datasets.DecodeImage(in, name, o)
	if err != nil {
		return nil, nil, err
	}
	values, shape = a.Data, a.Shape
	if f := r.pixels; f != nil && f.scaled {
		for i := range values {
			values[i] = values[i]*f.scale + f.offset
		}
	}
	return values, shape, nil
}
