// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// pretrained is a network trained on ImageNet that recipes build upon.
type pretrained struct {
	name, title   string
	size, topSize int // of the pictures, without the network's top and with it
	small         int // of a sample's
	make          func(options ...applications.Option) (*k.Model, error)
	preprocess    func(rgb []float32) error
	// last are the layers that fine-tuning trains, at this learning rate.
	last []string
	rate float64
	// augment are the changes to the photographs, without a seed.
	augment datasets.Augment
	// weights finds the file of the weights; nil where they are part of the program.
	weights func(ctx context.Context, from datasets.From, top bool) (string, error)
	file    string // what it found
}

var pretrainedNetworks = []pretrained{
	{
		name: "squeezenet", title: "SqueezeNet 1.1", size: 227, topSize: 227, small: 64,
		make: applications.SqueezeNet, preprocess: applications.PreprocessSqueezeNet,
		last: []string{"fire6", "fire7", "fire8", "fire9"}, rate: 2e-4,
		augment: datasets.Augment{Rotation: 15, WidthShift: 0.1, HeightShift: 0.1, Zoom: 0.1, HorizontalFlip: true},
	},
	{
		name: "vgg16", title: "VGG16", size: 150, topSize: 224, small: 48,
		make: applications.VGG16, preprocess: applications.PreprocessVGG16,
		last: []string{"block5_conv1", "block5_conv2", "block5_conv3"}, rate: 1e-5,
		augment: datasets.Augment{Rotation: 40, WidthShift: 0.2, HeightShift: 0.2, Shear: 0.2, Zoom: 0.2, HorizontalFlip: true}, // the article's
		weights: datasets.VGG16Weights,
	},
}

// Bases returns the names of the pretrained networks that Options.Base takes.
func Bases() (names []string) {
	for _, p := range pretrainedNetworks {
		names = append(names, p.name)
	}
	return names
}

// pretrained finds the network that -base names, the first where none is named, and
// its weights: on this machine, or downloaded where the full data are asked for.
func (o Options) pretrained(ctx context.Context, top bool) (p pretrained, err error) {
	i := slices.IndexFunc(pretrainedNetworks, func(p pretrained) bool { return o.Base == "" || p.name == o.Base })
	if i < 0 {
		return p, fmt.Errorf("unknown base %q, want one of: %s%s", o.Base, strings.Join(Bases(), ", "), text.Meant(o.Base, Bases()...))
	}
	p = pretrainedNetworks[i]
	if p.weights == nil {
		return p, nil
	}
	from := datasets.From{Progress: o.Data.Progress, Client: o.Data.Client}
	if o.Data.Source == datasets.Full {
		from.Source = datasets.Full
	}
	if p.file, err = p.weights(ctx, from, top); err != nil {
		return p, fmt.Errorf("base %q: %w", p.name, err)
	}
	return p, nil
}

// preprocessLayer is the name of the layer that stands before a pretrained network.
const preprocessLayer = "preprocess"

// apply puts the network behind a layer that turns red, green, blue from 0 to 1 into
// what it was trained with. With this layer inside, nobody needs to remember how the
// pictures of a saved model are preprocessed.
func (p pretrained) apply(in *k.Tensor, options ...applications.Option) (out *k.Tensor, err error) {
	height, width := in.Shape()[0], in.Shape()[1]
	options = append(options, applications.InputShape(height, width), applications.Name(p.name))
	if p.file != "" {
		options = append(options, applications.Weights(p.file))
	}
	network, err := p.make(options...)
	if err != nil {
		return nil, err
	}
	kernel, bias, err := channelMap(p.preprocess)
	if err != nil {
		return nil, err
	}
	colors := k.Conv2D(3, 1, k.Name(preprocessLayer), k.Trainable(false))
	x := colors.Apply(in)
	m := k.NewModel(p.name, []*k.Tensor{in}, []*k.Tensor{x})
	if err := m.Build(0); err != nil {
		return nil, err
	}
	for name, values := range map[string][]float32{"kernel": kernel, "bias": bias} {
		w, err := m.Weight(preprocessLayer + "/" + name)
		if err != nil {
			return nil, err
		}
		if err := w.Set(values); err != nil {
			return nil, err
		}
	}
	return network.Apply(x), nil
}

// channelMap returns what a preprocessing does to the channels of a pixel, an affine
// map, for an input of 0 to 1 where preprocess takes 0 to 255. The kernel has the shape of
// a 1 × 1 convolution, (1, 1, in, out).
func channelMap(preprocess func(rgb []float32) error) (kernel, bias []float32, err error) {
	bias = []float32{0, 0, 0} // of black
	if err := preprocess(bias); err != nil {
		return nil, nil, err
	}
	for in := range 3 {
		pure := []float32{0, 0, 0}
		pure[in] = 255
		if err := preprocess(pure); err != nil {
			return nil, nil, err
		}
		for out, v := range pure {
			kernel = append(kernel, v-bias[out])
		}
	}
	return kernel, bias, nil
}
