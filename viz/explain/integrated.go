// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/viz"
)

// IntegratedGradients attributes the score to the pixels by integrating the gradient
// along the path from a baseline to the image (Sundararajan, Taly and Yan, "Axiomatic
// attribution for deep networks", ICML 2017). The map has one value for each pixel, the
// sum over its channels, or for each square of pixels, the sum over these; they add up to
// the score minus the baseline's score.
//
//	(x − x₀) · 1/n Σ ∂score/∂x at x₀ + (k + ½)/n (x − x₀),  k = 0 ... n−1
type IntegratedGradients struct {
	Steps    int        // n, 0 for 50
	Baseline viz.Volume // x₀; the zero value is an image of zeros
	Square   int        // side in pixels, 0 for 1; attributions of single pixels are noisy
}

var _ Method = IntegratedGradients{}

// Explain returns the map.
func (e IntegratedGradients) Explain(ctx context.Context, m Model, image viz.Volume, class int) (viz.Volume, error) {
	steps := e.Steps
	if steps == 0 {
		steps = 50
	}
	if steps < 0 || e.Square < 0 {
		return viz.Volume{}, fmt.Errorf("integrated gradients: %d steps, squares of %d pixels", steps, e.Square)
	}
	if err := image.Check(); err != nil {
		return viz.Volume{}, fmt.Errorf("integrated gradients: image: %w", err)
	}
	base := e.Baseline.Values
	if base == nil {
		base = make([]float32, len(image.Values))
	}
	if len(base) != len(image.Values) {
		return viz.Volume{}, fmt.Errorf("integrated gradients: baseline has %d values, the image %d", len(base), len(image.Values))
	}
	between := image
	between.Values = make([]float32, len(image.Values))
	sums := make([]float64, len(image.Values))
	for k := range steps {
		if err := ctx.Err(); err != nil {
			return viz.Volume{}, fmt.Errorf("integrated gradients: step %d of %d: %w", k, steps, err)
		}
		t := (float32(k) + 0.5) / float32(steps)
		for i, b := range base {
			between.Values[i] = b + t*(image.Values[i]-b)
		}
		g, err := gradient(ctx, m, between, Target{Channel: class}, "")
		if err != nil {
			return viz.Volume{}, fmt.Errorf("integrated gradients: %w", err)
		}
		if len(g.Gradient.Values) != len(sums) {
			return viz.Volume{}, fmt.Errorf("integrated gradients: gradient has %d values, the image %d", len(g.Gradient.Values), len(sums))
		}
		for i, v := range g.Gradient.Values {
			sums[i] += float64(v)
		}
	}
	side := max(1, e.Square)
	out := heat((image.Height+side-1)/side, (image.Width+side-1)/side)
	for i, sum := range sums {
		p := i / image.Channels
		y, x := p/image.Width, p%image.Width
		out.Values[y/side*out.Width+x/side] += float32(float64(image.Values[i]-base[i]) * sum / float64(steps))
	}
	return out, nil
}
