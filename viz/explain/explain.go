// SPDX-License-Identifier: Apache-2.0

// Package explain shows why a network decided as it did and what its filters respond to.
// All that it needs from a network is [Model]: scores and gradients.
//
// The methods are [GradCAM], [GradCAMPlusPlus], [IntegratedGradients] and
// [Occlusion], all of them a [Method] that returns a heat map for
// [viz.Overlay]; [FilterPattern] makes the image that a filter responds to.
package explain

import (
	"context"
	"errors"
	"fmt"

	"github.com/reef-dl/reef/viz"
)

// A Model is what an explanation needs from a network. Images are in the form that the
// network takes (scaled, normalized). Both methods run in evaluation mode.
type Model interface {
	// Scores returns, for each image, the score of each class.
	Scores(ctx context.Context, images []viz.Volume) ([][]float64, error)

	// Gradient runs one image and returns the value of a target, what layer at
	// gave for this image, and the target's gradient with respect to that. The
	// empty at is the input itself: the activation is the image.
	Gradient(ctx context.Context, image viz.Volume, of Target, at string) (Gradient, error)
}

// A Target is a number that a network computes: the mean over all positions of one
// channel of a layer's output. The empty layer is the network's output, whose channels
// are the classes; use the score before softmax if there is a choice, since after softmax
// a class also rises when others fall.
type Target struct {
	Layer   string
	Channel int
}

// A Gradient is the value of a target, the activation of a layer, and the derivative of
// the target with respect to it, which has the same shape.
type Gradient struct {
	Value      float64
	Activation viz.Volume
	Gradient   viz.Volume
}

// A Method explains the score of a class for one image as a heat map of one channel:
// positive values speak for the class, negative ones against it.
type Method interface {
	// Explain makes the map for one class; its size is the method's own.
	Explain(ctx context.Context, m Model, image viz.Volume, class int) (viz.Volume, error)
}

// LastConvolution is implemented by models that can say which layer Grad-CAM should use
// if none is named.
type LastConvolution interface {
	// LastConvolution is that layer's path in the model.
	LastConvolution() (layer string, err error)
}

func layerOf(m Model, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	l, ok := m.(LastConvolution)
	if !ok {
		return "", errors.New("no layer is given, and the model does not say which convolution is its last")
	}
	return l.LastConvolution()
}

// gradient computes a gradient and checks that the result is usable.
func gradient(ctx context.Context, m Model, image viz.Volume, of Target, at string) (Gradient, error) {
	g, err := m.Gradient(ctx, image, of, at)
	if err != nil {
		return g, err
	}
	a, s := g.Activation, g.Gradient
	if err := a.Check(); err != nil {
		return g, fmt.Errorf("activation of %q: %w", at, err)
	}
	if err := s.Check(); err != nil {
		return g, fmt.Errorf("gradient with respect to %q: %w", at, err)
	}
	if a.Height != s.Height || a.Width != s.Width || a.Channels != s.Channels {
		return g, fmt.Errorf("activation of %q is %d × %d × %d, its gradient %d × %d × %d", at,
			a.Height, a.Width, a.Channels, s.Height, s.Width, s.Channels)
	}
	return g, nil
}

func heat(height, width int) viz.Volume {
	return viz.Volume{Height: height, Width: width, Channels: 1, Values: make([]float32, height*width)}
}
