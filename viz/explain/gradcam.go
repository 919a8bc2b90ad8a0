// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/viz"
)

// GradCAM weights the channels of a convolution by how much the class's score rises with
// them (Selvaraju et al., "Grad-CAM", ICCV 2017). The map has the size of the layer's
// output, ranges from 0 to 1, and is all 0 if nothing speaks for the class:
//
//	αk = mean over positions of ∂score/∂Ak
//	L  = max(0, Σk αk Ak), divided by its largest value
type GradCAM struct {
	Layer string // "": the model's last convolution
}

var (
	_ Method = GradCAM{}
	_ Method = GradCAMPlusPlus{}
)

// Explain returns the map.
func (e GradCAM) Explain(ctx context.Context, m Model, image viz.Volume, class int) (viz.Volume, error) {
	return classActivation(ctx, m, image, class, "grad-cam", e.Layer, func(a, g []float64) float64 {
		sum := 0.0
		for _, v := range g {
			sum += v
		}
		return sum / float64(len(g))
	})
}

// GradCAMPlusPlus also weights single positions, which covers several objects of one
// class better (Chattopadhay et al., "Grad-CAM++", WACV 2018). With the exponential of
// the score, all derivatives are powers of the first one, g:
//
//	αk(position) = g² / (2g² + g³ Σ Ak)
//	wk           = Σ αk max(0, g)
//	L            = max(0, Σk wk Ak), divided by its largest value
type GradCAMPlusPlus struct {
	Layer string // "": the model's last convolution
}

// Explain returns the map.
func (e GradCAMPlusPlus) Explain(ctx context.Context, m Model, image viz.Volume, class int) (viz.Volume, error) {
	return classActivation(ctx, m, image, class, "grad-cam++", e.Layer, func(a, g []float64) float64 {
		sum := 0.0
		for _, v := range a {
			sum += v
		}
		weight := 0.0
		for _, v := range g {
			if d := 2 + v*sum; v > 0 && d != 0 { // g² cancels
				weight += v / d
			}
		}
		return weight
	})
}

// classActivation adds up a layer's channels, weighted by a function of activation and
// gradient.
func classActivation(ctx context.Context, m Model, image viz.Volume, class int, name, layer string,
	weight func(activation, gradient []float64) float64,
) (viz.Volume, error) {
	if err := image.Check(); err != nil {
		return viz.Volume{}, fmt.Errorf("%s: image: %w", name, err)
	}
	layer, err := layerOf(m, layer)
	if err != nil {
		return viz.Volume{}, fmt.Errorf("%s: %w", name, err)
	}
	g, err := gradient(ctx, m, image, Target{Channel: class}, layer)
	if err != nil {
		return viz.Volume{}, fmt.Errorf("%s: %w", name, err)
	}
	act := g.Activation
	sums := make([]float64, act.Height*act.Width)
	a, s := make([]float64, len(sums)), make([]float64, len(sums))
	for k := range act.Channels {
		for p := range sums {
			a[p] = float64(act.Values[p*act.Channels+k])
			s[p] = float64(g.Gradient.Values[p*act.Channels+k])
		}
		w := weight(a, s)
		for p := range sums {
			sums[p] += w * a[p]
		}
	}
	largest := 0.0
	for _, v := range sums {
		largest = max(largest, v)
	}
	out := heat(act.Height, act.Width)
	if largest > 0 {
		for p, v := range sums {
			out.Values[p] = float32(max(v, 0) / largest)
		}
	}
	return out, nil
}
