// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// pretrained is a network trained on ImageNet that recipes build upon.
type pretrained struct {
	name, title string
	size        int // of the pictures it is given here
	make        func(options ...applications.Option) (*keraslike.Model, error)
	preprocess  func(rgb []float32) error
	last        []string // the layers that fine-tuning sets free
}

var pretrainedNetworks = []pretrained{
	{
		name: "squeezenet", title: "SqueezeNet 1.1", size: 227,
		make: applications.SqueezeNet, preprocess: applications.PreprocessSqueezeNet,
		last: []string{"fire8", "fire9"},
	},
}

// pretrained finds the network that -base names; the first is the default.
func (o Options) pretrained() (pretrained, error) {
	i := slices.IndexFunc(pretrainedNetworks, func(p pretrained) bool { return o.Base == "" || p.name == o.Base })
	if i < 0 {
		var names []string
		for _, p := range pretrainedNetworks {
			names = append(names, p.name)
		}
		return pretrained{}, fmt.Errorf("unknown base %q, want one of: %s", o.Base, strings.Join(names, ", "))
	}
	return pretrainedNetworks[i], nil
}

// of is the network behind a layer that turns red, green, blue from 0 to 1 into what
// it was trained with. With this layer inside, a saved model needs nobody to remember
// how its pictures were prepared.
func (p pretrained) of(in *keraslike.Tensor, options ...applications.Option) (out *keraslike.Tensor, err error) {
	height, width := in.Shape()[0], in.Shape()[1]
	network, err := p.make(append(options, applications.InputShape(height, width), applications.Name(p.name))...)
	if err != nil {
		return nil, err
	}
	kernel, bias, err := channelMap(p.preprocess)
	if err != nil {
		return nil, err
	}
	colours := keraslike.Conv2D(3, 1, keraslike.Name("preprocess"), keraslike.Trainable(false))
	x := colours.Of(in)
	m := keraslike.NewModel(p.name, []*keraslike.Tensor{in}, []*keraslike.Tensor{x})
	if err := m.Build(0); err != nil {
		return nil, err
	}
	for path, values := range map[string][]float32{"preprocess/kernel": kernel, "preprocess/bias": bias} {
		w, err := m.Weight(path)
		if err != nil {
			return nil, err
		}
		if err := w.Set(values); err != nil {
			return nil, err
		}
	}
	return network.Of(x), nil
}

// channelMap finds what a preprocessing does to the channels of a pixel, which is
// linear with an offset: in is 0 to 1 where preprocess takes 0 to 255. The kernel has
// the shape of a convolution of 1 × 1 cells, (1, 1, in, out).
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
