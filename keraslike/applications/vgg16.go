// SPDX-License-Identifier: Apache-2.0

package applications

import (
	"fmt"

	"github.com/reef-dl/reef/keraslike"
)

const (
	vgg16Size     = 224
	vgg16Smallest = 32 // five poolings leave one cell of it
)

// vgg16Blocks are the convolutions of each block: how many, and of how many filters.
var vgg16Blocks = [5][2]int{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}

// VGG16 is configuration D of Simonyan & Zisserman 2014, "Very deep convolutional
// networks for large-scale image recognition", https://arxiv.org/abs/1409.1556: thirteen
// 3x3 convolutions in five blocks, each with a 2x2 maximum behind, and three dense
// layers. 14,714,688 parameters without the top, 138,357,544 with it.
//
//	input                (batch, 224, 224, 3), blue, green, red: PreprocessVGG16
//	output               (batch, 1000), probabilities: DecodePredictions
//	without top          (batch, 7, 7, 512)
//	without top, pooled  (batch, 512)
//
// Without the top any size from 32x32 will do, with it and with weights 224x224 alone.
// Layers have Keras's names: block1_conv1, block1_conv2, block1_pool ... block5_pool,
// flatten, fc1, fc2, predictions.
//
// The weights are those of Keras, which need 59 or 553 MB: datasets.VGG16Weights finds or
// downloads the file for Weights. One of Weights and Untrained is needed.
//
// Options: WithoutTop, InputShape, AveragePooling, MaxPooling, Weights, Untrained, Name
// (default "vgg16"). See https://keras.io/api/applications/vgg/.
func VGG16(options ...Option) (*keraslike.Model, error) {
	s, err := newSettings("vgg16", vgg16Size, vgg16Smallest, options)
	if err != nil {
		return nil, err
	}
	switch {
	case s.weights == "" && !s.untrained:
		return nil, fmt.Errorf("%s: no weights: pass Weights with the path of Keras's file, or Untrained", s.name)
	case s.weights != "" && !s.bare && (s.height != vgg16Size || s.width != vgg16Size):
		return nil, fmt.Errorf("%s: input shape is %dx%d, want %dx%d, which the weights of the top were made for", s.name, s.height, s.width, vgg16Size, vgg16Size)
	}
	in := s.input()
	x := in
	for i, block := range vgg16Blocks {
		for k := range block[0] {
			name := keraslike.Name(fmt.Sprintf("block%d_conv%d", i+1, k+1))
			x = keraslike.Conv2D(block[1], 3, keraslike.SamePadding, keraslike.ReLU, name).Apply(x)
		}
		x = keraslike.MaxPooling2D(2, keraslike.Name(fmt.Sprintf("block%d_pool", i+1))).Apply(x)
	}
	if s.bare {
		x = s.pool(x)
	} else {
		x = keraslike.Flatten(keraslike.Name("flatten")).Apply(x)
		x = keraslike.Dense(4096, keraslike.ReLU, keraslike.Name("fc1")).Apply(x)
		x = keraslike.Dense(4096, keraslike.ReLU, keraslike.Name("fc2")).Apply(x)
		x = keraslike.Dense(1000, keraslike.Softmax, keraslike.Name("predictions")).Apply(x)
	}
	return s.finish(in, x, nil)
}

// PreprocessVGG16 turns pictures of red, green, blue from 0 to 255 in place into what
// VGG16 wants: blue, green, red, less 103.939, 116.779 and 123.68.
func PreprocessVGG16(rgb []float32) error { return caffe(rgb, 103.939, 116.779, 123.68) }
