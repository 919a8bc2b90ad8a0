// SPDX-License-Identifier: Apache-2.0

// Package inspect adapts a keraslike model to package viz: the outputs of its layers for an
// image, and the scores and gradients that package explain needs to show why the network
// decided as it did.
package inspect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
)

// Model is a keraslike model that takes one image (height, width, channels) and returns
// one row of scores. Layers of nested models are named by their paths,
// "squeezenet/fire9/concat".
//
// Scores are those before softmax or sigmoid if the model ends with one. A model with a
// single output distinguishes two classes: for the score z, class 1 has z and class 0 has
// −z. It is safe for concurrent use, but runs one call at a time.
type Model struct {
	m       *keraslike.Model
	layers  []keraslike.LayerInfo
	input   keraslike.Shape
	classes int

	mu        sync.Mutex // guards the fields below
	gradients map[[2]string]*keraslike.Gradient
}

var (
	_ explain.Model           = (*Model)(nil)
	_ explain.LastConvolution = (*Model)(nil)
)

// New checks that the model takes an image. The model must be built.
func New(m *keraslike.Model) (*Model, error) {
	g, err := m.Gradient("", "")
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	v := &Model{m: m, layers: m.Layers(), input: g.At(), classes: max(2, g.Source().Size()), gradients: map[[2]string]*keraslike.Gradient{{}: g}}
	if len(v.input) != 3 || len(g.Source()) != 1 {
		return nil, fmt.Errorf("inspect: model %q takes %v and gives %v, want (height, width, channels) and one row of scores", m.Name(), v.input, g.Source())
	}
	return v, nil
}

// Size is the height, width and number of channels of the images that the model takes.
func (v *Model) Size() (height, width, channels int) { return v.input[0], v.input[1], v.input[2] }

// Classes is the number of scores.
func (v *Model) Classes() int { return v.classes }

// Maps lists the layers of the given kinds whose output is a feature map (height, width,
// channels), in order of computation: Maps("Conv2D", "MaxPooling2D").
func (v *Model) Maps(kinds ...string) (list []keraslike.LayerInfo) {
	for _, l := range v.layers {
		if len(l.Output) == 3 && slices.Contains(kinds, l.Kind) {
			list = append(list, l)
		}
	}
	return list
}

// LastConvolution is the layer that Grad-CAM uses: the last one whose output has the
// height and width of the last convolution's. Activation, normalization and the
// concatenation of several convolutions may follow it; pooling may not.
func (v *Model) LastConvolution() (string, error) {
	var conv, last keraslike.LayerInfo
	for _, l := range v.layers {
		switch {
		case len(l.Output) != 3:
		case strings.Contains(l.Kind, "Conv"):
			conv, last = l, l
		case conv.Output != nil && slices.Equal(l.Output[:2], conv.Output[:2]) && !strings.Contains(l.Kind, "Pooling"):
			last = l
		}
	}
	if conv.Output == nil {
		return "", fmt.Errorf("inspect: model %q has no convolution", v.m.Name())
	}
	return last.Path, nil
}

// Scores returns the scores of each image.
func (v *Model) Scores(ctx context.Context, images []viz.Volume) ([][]float64, error) {
	at, err := v.LastConvolution() // a gradient that is cheap to compute with the scores
	if err != nil {
		at = ""
	}
	rows := make([][]float64, len(images))
	for i, image := range images {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("inspect: image %d of %d: %w", i, len(images), err)
		}
		err := v.run("", at, image, func(of keraslike.Shape) ([]float32, error) {
			return make([]float32, of.Size()), nil
		}, func(z, _, _ []float32, _ keraslike.Shape) { rows[i] = scores(z) })
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// scores are the outputs of a model; a single output becomes two classes.
func scores(z []float32) (row []float64) {
	if len(z) == 1 {
		return []float64{-float64(z[0]), float64(z[0])}
	}
	for _, s := range z {
		row = append(row, float64(s))
	}
	return row
}

// Gradient returns the gradient of a class's score, or of the mean of one channel of a
// layer, with respect to the image or to the output of layer at.
func (v *Model) Gradient(ctx context.Context, image viz.Volume, of explain.Target, at string) (g explain.Gradient, err error) {
	if err := ctx.Err(); err != nil {
		return g, fmt.Errorf("inspect: %w", err)
	}
	var direction []float32
	err = v.run(of.Layer, at, image, func(shape keraslike.Shape) ([]float32, error) {
		direction, err = toward(of, shape)
		return direction, err
	}, func(value, activation, gradient []float32, shape keraslike.Shape) {
		for i, d := range direction {
			g.Value += float64(d) * float64(value[i])
		}
		g.Activation, g.Gradient = volume(shape, activation), volume(shape, gradient)
	})
	return g, err
}

// toward is the direction in which the target is a layer's output of this shape.
func toward(of explain.Target, shape keraslike.Shape) ([]float32, error) {
	d := make([]float32, shape.Size())
	channels, last := len(d), len(shape)-1
	if last >= 0 {
		channels = shape[last]
	}
	if of.Layer == "" && channels == 1 { // two classes
		if of.Channel != 0 && of.Channel != 1 {
			return nil, fmt.Errorf("inspect: class %d of 2", of.Channel)
		}
		d[0] = float32(2*of.Channel - 1)
		return d, nil
	}
	if of.Channel < 0 || of.Channel >= channels {
		return nil, fmt.Errorf("inspect: channel %d of %d of layer %q", of.Channel, channels, of.Layer)
	}
	for i := of.Channel; i < len(d); i += channels {
		d[i] = float32(channels) / float32(len(d))
	}
	return d, nil
}

// Activations returns the outputs of the named layers for an image; an output without
// height and width is a map of one pixel.
func (v *Model) Activations(image viz.Volume, layers ...string) ([]viz.Volume, error) {
	if err := v.check(image); err != nil {
		return nil, err
	}
	part, err := v.m.SubModel(layers...)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	x, err := keraslike.NewArray(image.Values, 1, image.Height, image.Width, image.Channels)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	out, err := part.PredictAll(x)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	var list []viz.Volume
	for _, y := range out {
		list = append(list, volume(keraslike.Shape(y.Shape()[1:]), y.Values()))
	}
	return list, nil
}

// volume copies a layer's output for one sample.
func volume(shape keraslike.Shape, values []float32) viz.Volume {
	out := viz.Volume{Height: 1, Width: 1, Channels: len(values), Values: slices.Clone(values)}
	switch len(shape) {
	case 2:
		out.Height, out.Channels = shape[0], shape[1]
	case 3:
		out.Height, out.Width, out.Channels = shape[0], shape[1], shape[2]
	}
	return out
}

func (v *Model) check(image viz.Volume) error {
	if err := image.Check(); err != nil {
		return fmt.Errorf("inspect: image: %w", err)
	}
	if got := []int{image.Height, image.Width, image.Channels}; !slices.Equal(got, v.input) {
		return fmt.Errorf("inspect: image is %v, model %q takes %v", keraslike.Shape(got), v.m.Name(), v.input)
	}
	return nil
}

// run computes the gradient of one layer with respect to another, building the graph on
// first use. The results are valid until done returns.
func (v *Model) run(of, at string, image viz.Volume, direction func(of keraslike.Shape) ([]float32, error),
	done func(of, at, gradient []float32, shape keraslike.Shape),
) error {
	if err := v.check(image); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	g := v.gradients[[2]string{of, at}]
	if g == nil {
		var err error
		if g, err = v.m.Gradient(of, at); err != nil {
			return fmt.Errorf("inspect: %w", err)
		}
		v.gradients[[2]string{of, at}] = g
	}
	d, err := direction(g.Source())
	if err != nil {
		return err
	}
	value, activation, gradient, err := g.Run(image.Values, d)
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	done(value, activation, gradient, g.At())
	return nil
}
