// SPDX-License-Identifier: Apache-2.0

// Package applications holds networks that were trained on ImageNet (1.3 million
// photographs of 1,000 classes), after keras.applications.
//
//	SqueezeNet  1,235,496 parameters; the weights are part of the program
//	VGG16       138,357,544 parameters; the weights are read from Keras's file
//
// A network is an ordinary model. With its top it classifies photographs; without it, it
// is a layer of another model, the feature extractor, which Model.SetTrainable freezes as
// a whole or in part:
//
//	base, err := applications.SqueezeNet(applications.WithoutTop, applications.AveragePooling)
//	...
//	m := keraslike.Sequential("cats_and_dogs",
//		keraslike.Input(227, 227, 3), base, keraslike.Dense(1, keraslike.Sigmoid))
//	err = m.SetTrainable(false, base.Name())
//
// A trained network with its top has the names of its classes, see keraslike.Model.Classes.
//
// Each call makes a network of its own, whose weights can be trained. Those of SqueezeNet lie in
// memory once for all networks of a program, until a network changes its own.
//
// Images must be preprocessed as in the network's training. Package datasets does it while
// it reads them, with the option Pixels: datasets.SqueezeNet or datasets.VGG16; images from
// elsewhere, red, green, blue from 0 to 255, are preprocessed by PreprocessSqueezeNet and
// PreprocessVGG16. The program in examples/transfer trains on a folder of images. See
// https://keras.io/api/applications/.
package applications

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

// Option is an option of the networks: WithoutTop, InputShape, a Pooling, Weights,
// Untrained, Name.
type Option interface{ apply(*settings) }

type settings struct {
	name          string
	height, width int
	bare          bool // without top
	pooling       Pooling
	weights       string // path of a file
	untrained     bool
	mistakes      []error // in the flags
}

// Flag is an option of the networks that is on or off; the default is off.
type Flag string

const (
	// WithoutTop omits the classifier (Keras: include_top=False). The output is the feature
	// maps of the last block, (batch, height', width', channels).
	WithoutTop Flag = "WithoutTop"
	// Untrained leaves the weights to the initializers (Keras: weights=None), which draw
	// them when the model is built or compiled.
	Untrained Flag = "Untrained"
)

func (f Flag) apply(s *settings) {
	switch f {
	case WithoutTop:
		s.bare = true
	case Untrained:
		s.untrained = true
	default:
		s.mistakes = append(s.mistakes, fmt.Errorf("%s: flag is %q, want WithoutTop or Untrained", s.name, f))
	}
}

// setting is an option with a value.
type setting func(*settings)

func (o setting) apply(s *settings) { o(s) }

// InputShape is the size of the images, which always have three channels. The default is
// the size that the network was trained on.
func InputShape(height, width int) Option {
	return setting(func(s *settings) { s.height, s.width = height, width })
}

// Pooling reduces the feature maps of a network without its top to one vector for each
// image.
type Pooling string

// The poolings.
const (
	NoPooling      Pooling = ""    // none, the default
	AveragePooling Pooling = "avg" // the mean of each channel over the image: (batch, channels)
	MaxPooling     Pooling = "max" // the maximum of each channel: (batch, channels)
)

func (p Pooling) apply(s *settings) { s.pooling = p }

// Weights is the path of a file to read the weights from, in one of the formats of
// kerasfile.LoadWeights. The file may hold more than the network has, the top for
// instance, but must have all of the network's weights, under its layers' names.
func Weights(path string) Option { return setting(func(s *settings) { s.weights = path }) }

// Name is the name of the model, for two networks of a kind in one model.
func Name(name string) Option { return setting(func(s *settings) { s.name = name }) }

// newSettings applies the options and checks them; smallest is the least height and width.
func newSettings(name string, size, smallest int, options []Option) (*settings, error) {
	s := &settings{name: name, height: size, width: size}
	for _, o := range options {
		if o == nil {
			return nil, fmt.Errorf("%s: an option is nil", name)
		}
		o.apply(s)
	}
	mistakes := s.mistakes
	if s.height < smallest || s.width < smallest {
		mistakes = append(mistakes, fmt.Errorf("%s: input shape is %dx%d, want at least %dx%d", name, s.height, s.width, smallest, smallest))
	}
	if s.weights != "" && s.untrained {
		mistakes = append(mistakes, fmt.Errorf("%s: got both Weights and Untrained", name))
	}
	switch s.pooling {
	case NoPooling:
	case AveragePooling, MaxPooling:
		if !s.bare {
			mistakes = append(mistakes, fmt.Errorf("%s: pooling %q is for a network without its top, pass WithoutTop", name, s.pooling))
		}
	default:
		mistakes = append(mistakes, fmt.Errorf("%s: pooling is %q, want %q, %q or %q", name, s.pooling, NoPooling, AveragePooling, MaxPooling))
	}
	return s, errors.Join(mistakes...)
}

func (s *settings) input() *keraslike.Tensor {
	return keraslike.Input(s.height, s.width, 3)
}

// pool ends a network that has no top.
func (s *settings) pool(x *keraslike.Tensor) *keraslike.Tensor {
	switch s.pooling {
	case AveragePooling:
		return keraslike.GlobalAveragePooling2D().Apply(x)
	case MaxPooling:
		return keraslike.GlobalMaxPooling2D().Apply(x)
	}
	return x
}

// finish makes the model and gives it the weights of the settings; without any, the embedded
// ones, if there are any.
func (s *settings) finish(in, out *keraslike.Tensor, embedded func() (map[string][]float32, error)) (*keraslike.Model, error) {
	m := keraslike.NewModel(s.name, []*keraslike.Tensor{in}, []*keraslike.Tensor{out})
	if s.untrained {
		return m, nil
	}
	load := loadFile
	if s.weights == "" {
		load = func(m *keraslike.Model, _ string) error { return share(m, embedded) }
	}
	if err := load(m, s.weights); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if s.bare {
		return m, nil
	}
	return m, m.SetClasses(0, ImageNetClasses()...)
}

// loadFile reads the weights of a file, which must have all.
func loadFile(m *keraslike.Model, path string) error {
	r, err := kerasfile.LoadWeights(m, path, kerasfile.ByName)
	if err != nil {
		return err
	}
	for _, e := range r.Entries {
		if e.Weight != "" && !e.Used {
			return fmt.Errorf("%s has nothing for weight %q of shape %v", path, e.Weight, e.WeightShape)
		}
	}
	return nil
}

// share lends the model the embedded weights.
func share(m *keraslike.Model, embedded func() (map[string][]float32, error)) error {
	if err := m.Err(); err != nil {
		return err
	}
	values, err := embedded()
	if err != nil {
		return err
	}
	for _, w := range m.Weights() {
		if err := w.Share(values[m.WeightPath(w)]); err != nil {
			return err
		}
	}
	return m.Build(0)
}
