// SPDX-License-Identifier: Apache-2.0

// Package applications holds networks that were trained on ImageNet (1.3 million
// photographs of 1,000 classes), after keras.applications.
//
//	SqueezeNet  1,235,496 parameters; the weights are part of the program
//	VGG16       138,357,544 parameters; the weights are read from Keras's file
//
// A network is an ordinary model: with its top it names what a photograph shows,
// without it is the first layer of another model, the feature extractor, frozen as a
// whole or in part with Model.SetTrainable.
//
//	base, err := applications.SqueezeNet(applications.WithoutTop{}, applications.AveragePooling)
//	...
//	m := keraslike.Sequential("cats_and_dogs",
//		keraslike.Input(227, 227, 3), base, keraslike.Dense(1, keraslike.Sigmoid))
//	err = m.SetTrainable(false, "squeezenet")
//
// Each call makes a network of its own: two share no weights.
//
// Pictures are red, green, blue from 0 to 255, as datasets.LoadImage reads them with
// the option datasets.Bytes; each network's Preprocess function turns them into what it
// was trained with. See https://keras.io/api/applications/.
package applications

import (
	"errors"
	"fmt"
	"io"
	"os"

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
}

// WithoutTop leaves the classifier away (Keras: include_top=False). The output is
// what the last block makes of the picture, (batch, height', width', channels).
type WithoutTop struct{}

func (WithoutTop) apply(s *settings) { s.bare = true }

// InputShape is the size of the pictures, which always have three channels.
func InputShape(height, width int) Option { return inputShape{height, width} }

type inputShape struct{ height, width int }

func (o inputShape) apply(s *settings) { s.height, s.width = o.height, o.width }

// Pooling is what becomes of the output of a network without its top.
type Pooling string

// The poolings.
const (
	NoPooling      Pooling = ""    // it stays as it is; the default
	AveragePooling Pooling = "avg" // the mean of each channel over the picture: (batch, channels)
	MaxPooling     Pooling = "max" // the maximum
)

func (p Pooling) apply(s *settings) { s.pooling = p }

// Untrained leaves the weights to the initializers (Keras: weights=None), which draw
// them when the model is built or compiled.
type Untrained struct{}

func (Untrained) apply(s *settings) { s.untrained = true }

// Weights is the path of a file to read the weights from, in one of the formats of
// kerasfile.LoadWeights. It may hold more than the network has, the top for
// instance, but must have all of the network's weights, under its layers' names.
type Weights string

func (w Weights) apply(s *settings) { s.weights = string(w) }

// Name is the name of the model, for two of a kind inside of one.
type Name string

func (n Name) apply(s *settings) { s.name = string(n) }

// newSettings applies the options and checks them; smallest is the least height and width.
func newSettings(name string, size, smallest int, options []Option) (*settings, error) {
	s := &settings{name: name, height: size, width: size}
	for _, o := range options {
		if o == nil {
			return nil, fmt.Errorf("%s: an option is nil", name)
		}
		o.apply(s)
	}
	var mistakes []error
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

// finish makes the model and gives it the weights of the settings; without any, those of
// the embedded file, if there is one.
func (s *settings) finish(in, out *keraslike.Tensor, embedded io.ReaderAt, size int64, name string) (*keraslike.Model, error) {
	m := keraslike.NewModel(s.name, []*keraslike.Tensor{in}, []*keraslike.Tensor{out})
	if s.untrained {
		return m, nil
	}
	if s.weights != "" {
		f, err := os.Open(s.weights)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		defer func() { _ = f.Close() }() // only read
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		embedded, size, name = f, info.Size(), s.weights
	}
	r, err := kerasfile.ReadWeights(m, embedded, size, name, kerasfile.ByName)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	for _, e := range r.Entries {
		if e.Weight != "" && !e.Used {
			return nil, fmt.Errorf("%s: %s has nothing for weight %q of shape %v", s.name, name, e.Weight, e.WeightShape)
		}
	}
	return m, nil
}
