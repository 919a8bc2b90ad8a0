// SPDX-License-Identifier: Apache-2.0

package applications

import (
	_ "embed"
	"sync"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// squeezeNetWeights are the authors' weights in half precision; the README next to the file
// states their origin.
//
//go:embed squeezenet/squeezenet1.1.safetensors
var squeezeNetWeights []byte

// squeezeNetValues are the weights in single precision, by their paths, which all networks share.
var squeezeNetValues = sync.OnceValues(func() (map[string][]float32, error) {
	f, err := safetensors.NewBytes(squeezeNetWeights, "squeezenet1.1.safetensors")
	if err != nil {
		return nil, err
	}
	values := map[string][]float32{}
	for _, name := range f.Names() {
		if _, values[name], err = f.Tensor(name); err != nil {
			return nil, err
		}
	}
	return values, nil
})

// SqueezeNetLicense is the license of the embedded weights, BSD 2-clause. A program that is
// distributed with them must reproduce it.
//
//go:embed squeezenet/LICENSE
var SqueezeNetLicense string

// squeezeNetSmallest is the least size of which pool5 leaves a cell.
const squeezeNetSmallest = 17

// SqueezeNet is version 1.1 of the network of Iandola et al. 2016, "SqueezeNet:
// AlexNet-level accuracy with 50x fewer parameters", https://arxiv.org/abs/1602.07360:
// blocks, called fire, of a 1x1 convolution that squeezes the channels and of 1x1 and
// 3x3 ones side by side that expand them again. 722,496 parameters without the top,
// 1,235,496 with it, trained on ImageNet by the authors.
//
//	input                (batch, 227, 227, 3), blue, green, red: PreprocessSqueezeNet
//	output               (batch, 1000), probabilities: DecodePredictions
//	without top          (batch, 14, 14, 512)
//	without top, pooled  (batch, 512)
//
// Any size from 17x17 will do, with the top too. Layers have the authors' names:
// conv1, pool1, fire2, fire3, pool3, fire4, fire5, pool5, fire6 ... fire9, drop9, conv10,
// pool10, prob. A fire is a model of layers squeeze1x1, expand1x1, expand3x3 and concat, so
// that its weights are at paths such as "fire2/expand3x3/kernel", and
// SubModel("fire2", "fire9/squeeze1x1") gives activations in between.
//
// Options: WithoutTop, InputShape, AveragePooling, MaxPooling, Weights (default the
// authors'), Untrained, Name (default "squeezenet").
func SqueezeNet(options ...Option) (*keraslike.Model, error) {
	s, err := newSettings("squeezenet", 227, squeezeNetSmallest, options)
	if err != nil {
		return nil, err
	}
	in := s.input()
	x := keraslike.Conv2D(64, 3, keraslike.Strides(2), keraslike.ReLU, keraslike.Name("conv1")).Apply(in)
	x = poolUp("pool1", x)
	x = fire("fire2", 16, 64, x)
	x = fire("fire3", 16, 64, x)
	x = poolUp("pool3", x)
	x = fire("fire4", 32, 128, x)
	x = fire("fire5", 32, 128, x)
	x = poolUp("pool5", x)
	x = fire("fire6", 48, 192, x)
	x = fire("fire7", 48, 192, x)
	x = fire("fire8", 64, 256, x)
	x = fire("fire9", 64, 256, x)
	if s.bare {
		x = s.pool(x)
	} else {
		x = keraslike.Dropout(0.5, keraslike.Name("drop9")).Apply(x)
		x = keraslike.Conv2D(1000, 1, keraslike.ReLU, keraslike.Name("conv10")).Apply(x)
		x = keraslike.GlobalAveragePooling2D(keraslike.Name("pool10")).Apply(x)
		x = keraslike.Activation(keraslike.Softmax, keraslike.Name("prob")).Apply(x)
	}
	return s.finish(in, x, squeezeNetValues)
}

// fire squeezes the channels and expands them to twice the number expand.
func fire(name string, squeeze, expand int, x *keraslike.Tensor) *keraslike.Tensor {
	shape := x.Shape()
	if shape == nil {
		return x // the mistake that x carries is the one to report
	}
	in := keraslike.Input(shape...)
	s := keraslike.Conv2D(squeeze, 1, keraslike.ReLU, keraslike.Name("squeeze1x1")).Apply(in)
	out := keraslike.Concatenate(keraslike.Name("concat")).Apply(
		keraslike.Conv2D(expand, 1, keraslike.ReLU, keraslike.Name("expand1x1")).Apply(s),
		keraslike.Conv2D(expand, 3, keraslike.ReLU, keraslike.SamePadding, keraslike.Name("expand3x3")).Apply(s),
	)
	return keraslike.NewModel(name, []*keraslike.Tensor{in}, []*keraslike.Tensor{out}).Apply(x)
}

// poolUp is the 3x3 maximum with stride 2 of Caffe, which rounds sizes up: an axis of n
// cells becomes ⌈(n-3)/2⌉ + 1 long and its last window may reach beyond the edge.
//
// Where n is odd no window does, and valid padding is right; where n is even one cell
// is missing behind, which is what same padding adds. When one axis is odd and the
// other even, a row or column of zeros does it: no value is below zero after ReLU.
func poolUp(name string, x *keraslike.Tensor) *keraslike.Tensor {
	shape := x.Shape()
	if shape == nil {
		return x
	}
	options := []keraslike.PoolOption{keraslike.Strides(2), keraslike.Name(name)}
	down, right := 1-shape[0]%2, 1-shape[1]%2
	switch {
	case down+right == 2:
		options = append(options, keraslike.SamePadding)
	case down+right == 1:
		x = keraslike.ZeroPadding2D(0, down, 0, right, keraslike.Name(name+"_padding")).Apply(x)
	}
	return keraslike.MaxPooling2D(3, options...).Apply(x)
}

// PreprocessSqueezeNet turns pictures of red, green, blue from 0 to 255 in place into
// what SqueezeNet wants: blue, green, red, less 104, 117 and 123.
func PreprocessSqueezeNet(rgb []float32) error { return caffe(rgb, 104, 117, 123) }
