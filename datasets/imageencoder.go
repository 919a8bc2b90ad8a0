// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/datasets/internal/picture"
)

// ImageEncoder turns image files into the numbers of a model, as an ImageFolder does, without
// augmentation. It marshals to JSON, to be saved with the model under EncoderKey;
// ParseEncoder reads it again. It may be used by several goroutines.
type ImageEncoder struct {
	options ImageOptions
	names   []string
}

// NewImageEncoder returns an encoder with the given options, of which Augment and Cache are
// ignored, and class names, which may be nil. ImageFolder.Encoder makes one of a folder.
func NewImageEncoder(o ImageOptions, names []string) (*ImageEncoder, error) {
	o.Augment, o.Cache = nil, false
	if err := o.check(); err != nil {
		return nil, err
	}
	return &ImageEncoder{o, slices.Clone(names)}, nil
}

// Options returns the size, the filter, the crop and the pixel values.
func (e *ImageEncoder) Options() ImageOptions { return e.options }

// Names returns the class names, by class index.
func (e *ImageEncoder) Names() []string { return slices.Clone(e.names) }

// Shapes returns the shape of an image, (height, width, 3), and that of the target, if there
// are class names.
func (e *ImageEncoder) Shapes() (inputs, targets [][]int) {
	if len(e.names) > 0 {
		targets = [][]int{classShape(len(e.names))}
	}
	return [][]int{{e.options.Height, e.options.Width, 3}}, targets
}

// classShape is the shape of a target: (1) for two classes, as binary cross-entropy expects,
// else a class index.
func classShape(classes int) []int {
	if classes == 2 {
		return []int{1}
	}
	return []int{}
}

// Encode decodes files, given by their bytes, such as the bodies of requests: JPEG, PNG, GIF
// or BMP. Errors count images from 0.
//
// Shape of a sample: (height, width, 3)
func (e *ImageEncoder) Encode(files ...[]byte) (Array, error) {
	size := e.options.Height * e.options.Width * 3
	if len(files) == 0 {
		return Array{}, errNoImages
	}
	if len(files) > maxNumbers/size {
		return Array{}, fmt.Errorf("encode: %d images of %d numbers, want at most %d numbers in all", len(files), size, maxNumbers)
	}
	a := Array{[]int{e.options.Height, e.options.Width, 3}, make([]float32, len(files)*size)}
	for i, raw := range files {
		p, err := picture.Decode(raw, e.options.size())
		if err != nil {
			return Array{}, fmt.Errorf("image %d: %w", i, err)
		}
		e.options.Pixels.of(p, a.Data[i*size:(i+1)*size])
	}
	return a, nil
}

// savedImages is the JSON of an ImageEncoder.
type savedImages struct {
	encoderHead
	Height int      `json:"height"`
	Width  int      `json:"width"`
	Filter Filter   `json:"filter"`
	Crop   bool     `json:"crop,omitempty"`
	Pixels Pixels   `json:"pixels"`
	Names  []string `json:"classes,omitempty"`
}

var (
	filterNames = []string{"nearest", "bilinear", "catmull-rom"}
	pixelNames  = []string{"unit", "bytes", "vgg16", "squeezenet"}
)

// String returns the name of the filter.
func (f Filter) String() string { return nameOf(f, filterNames) }

// MarshalText returns the name of the filter.
func (f Filter) MarshalText() ([]byte, error) { return marshalName("filter", f, filterNames) }

// UnmarshalText reads what MarshalText returned.
func (f *Filter) UnmarshalText(raw []byte) error { return unmarshalName("filter", f, raw, filterNames) }

// String returns the name of the pixel values.
func (p Pixels) String() string { return nameOf(p, pixelNames) }

// MarshalText returns the name of the pixel values.
func (p Pixels) MarshalText() ([]byte, error) { return marshalName("pixels", p, pixelNames) }

// UnmarshalText reads what MarshalText returned.
func (p *Pixels) UnmarshalText(raw []byte) error { return unmarshalName("pixels", p, raw, pixelNames) }

// MarshalJSON returns the options and the class names.
func (e *ImageEncoder) MarshalJSON() ([]byte, error) {
	o := e.options
	return json.Marshal(savedImages{encoderHead{"image", encoderVersion}, o.Height, o.Width, o.Filter, o.Crop, o.Pixels, e.names})
}

// UnmarshalJSON reads what MarshalJSON returned.
func (e *ImageEncoder) UnmarshalJSON(raw []byte) error {
	var s savedImages
	if err := decodeEncoder(raw, "image", &s.encoderHead, &s); err != nil {
		return err
	}
	if err := checkClasses(s.Names); err != nil {
		return fmt.Errorf("image encoder: %w", err)
	}
	read, err := NewImageEncoder(ImageOptions{Height: s.Height, Width: s.Width, Filter: s.Filter, Crop: s.Crop, Pixels: s.Pixels}, s.Names)
	if err != nil {
		return fmt.Errorf("image encoder: %w", err)
	}
	*e = *read
	return nil
}

// checkClasses rejects class names that are empty or equal.
func checkClasses(names []string) error {
	if err := distinct(names); err != nil || len(names) == 1 {
		return fmt.Errorf("classes: %d names, want none or at least two different ones", len(names))
	}
	return nil
}
