// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
)

// Images is a set of images of one size with one class each, stored as bytes and scaled
// to value/255 when they are read.
//
// Input shape:  (height, width, channels), or (height·width·channels) after Flat
//
// Target shape: () the class index, or (classes) after OneHot
type Images struct {
	layout
	pixels                  []uint8
	labels                  []uint8
	height, width, channels int
	names                   []string
	oneHot                  bool
	origin                  Origin
}

// NewImages returns a source of n = len(labels) images from n·height·width·channels
// bytes. It keeps the slices. Labels must be smaller than len(names).
func NewImages(pixels, labels []uint8, height, width, channels int, names []string) (*Images, error) {
	if height < 1 || width < 1 || channels < 1 {
		return nil, fmt.Errorf("images: size %dx%dx%d, want at least 1x1x1", height, width, channels)
	}
	if size := sizeOf([]int{height, width, channels}); len(pixels)%size != 0 || len(pixels)/size != len(labels) {
		return nil, fmt.Errorf("images: %d bytes of pixels, want %d labels of %dx%dx%d", len(pixels), len(labels), height, width, channels)
	}
	for i, l := range labels {
		if int(l) >= len(names) {
			return nil, fmt.Errorf("images: label %d of image %d, want 0 to %d", l, i, len(names)-1)
		}
	}
	return &Images{
		layout: newLayout([][]int{{height, width, channels}}, [][]int{{}}),
		pixels: pixels, labels: labels,
		height: height, width: width, channels: channels,
		names: names,
	}, nil
}

// scaled[p] is p/255 in single precision, as Keras users compute it.
var scaled = func() (t [256]float32) {
	for p := range t {
		t[p] = float32(p) / 255
	}
	return t
}()

// Len is the number of images.
func (s *Images) Len() int { return len(s.labels) }

// Names returns the class names.
func (s *Images) Names() []string { return s.names }

// Origin returns where the images came from.
func (s *Images) Origin() Origin { return s.origin }

// Image returns the bytes of image i, row-major, channels last. They belong to the
// source.
func (s *Images) Image(i int) []uint8 {
	n := s.inputSizes[0]
	return s.pixels[i*n : (i+1)*n : (i+1)*n]
}

// Label returns the class of image i.
func (s *Images) Label(i int) int { return int(s.labels[i]) }

// ClassCounts counts the images of every class.
func (s *Images) ClassCounts() []int {
	counts := make([]int, len(s.names))
	for _, l := range s.labels {
		counts[l]++
	}
	return counts
}

// Flat returns the same images as vectors, for dense networks.
func (s *Images) Flat() *Images {
	c := *s
	c.layout = newLayout([][]int{{s.inputSizes[0]}}, s.targets)
	return &c
}

// OneHot returns the same images with the class as a vector that is one at the class
// index, for categorical cross-entropy.
func (s *Images) OneHot() *Images {
	c := *s
	c.layout = newLayout(s.inputs, [][]int{{len(s.names)}})
	c.oneHot = true
	return &c
}

// Crop returns copies of rows top to top+height and columns left to left+width of every
// image.
func (s *Images) Crop(top, left, height, width int) (*Images, error) {
	if top < 0 || left < 0 || height < 1 || width < 1 || height > s.height-top || width > s.width-left {
		return nil, fmt.Errorf("crop: rows %d to %d and columns %d to %d of images of %dx%d", top, top+height-1, left, left+width-1, s.height, s.width)
	}
	pixels := make([]uint8, 0, s.Len()*height*width*s.channels)
	for i := range s.labels {
		image := s.Image(i)
		for y := top; y < top+height; y++ {
			row := (y*s.width + left) * s.channels
			pixels = append(pixels, image[row:row+width*s.channels]...)
		}
	}
	c, err := NewImages(pixels, slices.Clone(s.labels), height, width, s.channels, s.names)
	if err != nil {
		return nil, err
	}
	c.origin = s.origin
	return c, nil
}

// Read fills the images at the indices, scaled to 0..1, and their classes.
func (s *Images) Read(indices []int, inputs, targets [][]float32) error {
	if err := s.check(s.Len(), indices, inputs, targets); err != nil {
		return fmt.Errorf("images: %w", err)
	}
	if wanted(inputs) {
		n := s.inputSizes[0]
		for j, i := range indices {
			out := inputs[0][j*n : (j+1)*n]
			for p, v := range s.Image(i) {
				out[p] = scaled[v]
			}
		}
	}
	if !wanted(targets) {
		return nil
	}
	if !s.oneHot {
		for j, i := range indices {
			targets[0][j] = float32(s.labels[i])
		}
		return nil
	}
	classes := len(s.names)
	clear(targets[0][:len(indices)*classes])
	for j, i := range indices {
		targets[0][j*classes+int(s.labels[i])] = 1
	}
	return nil
}
