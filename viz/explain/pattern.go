// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/reef-dl/reef/viz"
)

// A Pattern has the settings of FilterPattern. A zero field means its default, but
// height and width are required.
type Pattern struct {
	Height, Width int
	Channels      int     // of the input, 3
	Steps         int     // of gradient ascent, 40
	Low, High     float64 // the range of the network's input, 0 and 1 if both are 0
	Seed          uint64  // of the initial noise
	// Smooth is the standard deviation in pixels of the Gaussian that smooths the
	// initial noise and every gradient. Without it, the high-frequency noise of a network
	// with strides hides the pattern.
	Smooth float64
}

// ErrDead is returned, wrapped, by FilterPattern for a filter that does not respond to
// anything close to gray: its gradient is zero.
var ErrDead = errors.New("the gradient is zero, the filter is dead")

// FilterPattern computes an input that maximizes the response of a filter by gradient
// ascent on the filter's mean, from gray with a little noise (Chollet, Deep Learning with
// Python, 5.4.2). Each step goes 1/255 of the input's range along the gradient divided by
// its root mean square. The result is an image for [viz.Volume.Image]: its values are
// shifted and scaled to mean 0.5 and standard deviation 0.1 and clipped to 0 ... 1. It
// also returns the filter's mean before the first step and after the last one.
func FilterPattern(ctx context.Context, m Model, of Target, p Pattern) (picture viz.Volume, before, after float64, err error) {
	if p.Channels == 0 {
		p.Channels = 3
	}
	if p.Steps == 0 {
		p.Steps = 40
	}
	if p.Low == 0 && p.High == 0 {
		p.High = 1
	}
	if p.Height < 1 || p.Width < 1 || p.Channels < 1 || p.Steps < 1 || p.Low >= p.High || p.Smooth < 0 {
		return viz.Volume{}, 0, 0, fmt.Errorf("filter pattern: %d × %d × %d, %d steps, input from %v to %v, smoothed by %v",
			p.Height, p.Width, p.Channels, p.Steps, p.Low, p.High, p.Smooth)
	}
	span := p.High - p.Low
	r := rand.New(rand.NewPCG(p.Seed, 0x7061_7474)) // "patt"
	x := viz.Volume{Height: p.Height, Width: p.Width, Channels: p.Channels}
	x.Values = make([]float32, p.Height*p.Width*p.Channels)
	for i := range x.Values {
		x.Values[i] = float32(p.Low + span*(128+20*r.Float64())/255)
	}
	x.Values = smooth(x, p.Smooth)
	for step := 0; ; step++ {
		if err := ctx.Err(); err != nil {
			return viz.Volume{}, 0, 0, fmt.Errorf("filter pattern: step %d of %d: %w", step, p.Steps, err)
		}
		g, err := gradient(ctx, m, x, of, "")
		if err != nil {
			return viz.Volume{}, 0, 0, fmt.Errorf("filter pattern: %w", err)
		}
		if len(g.Gradient.Values) != len(x.Values) {
			return viz.Volume{}, 0, 0, fmt.Errorf("filter pattern: gradient has %d values, the input %d", len(g.Gradient.Values), len(x.Values))
		}
		if step == 0 {
			before = g.Value
		}
		if step == p.Steps {
			return developed(x), before, g.Value, nil
		}
		direction := smooth(g.Gradient, p.Smooth)
		squares := 0.0
		for _, v := range direction {
			squares += float64(v) * float64(v)
		}
		rms := math.Sqrt(squares / float64(len(x.Values)))
		if rms == 0 {
			return viz.Volume{}, 0, 0, fmt.Errorf("filter pattern: channel %d of %q after %d steps: %w", of.Channel, of.Layer, step, ErrDead)
		}
		rate := span / 255 / rms
		for i, v := range direction {
			x.Values[i] += float32(rate * float64(v))
		}
	}
}

// smooth convolves each channel with a Gaussian of the given standard deviation, first
// along the rows, then along the columns; the edge values are repeated beyond the edge.
func smooth(v viz.Volume, deviation float64) []float32 {
	reach := int(3 * deviation)
	if reach == 0 {
		return v.Values
	}
	weights, sum := make([]float64, 2*reach+1), 0.0
	for i := range weights {
		d := float64(i-reach) / deviation
		weights[i] = math.Exp(-d * d / 2)
		sum += weights[i]
	}
	along := func(from []float32, length, stride int) []float32 {
		to := make([]float32, len(from))
		for i := range from {
			at := i / stride % length
			first, total := i-at*stride, 0.0
			for k, w := range weights {
				total += w * float64(from[first+min(max(at+k-reach, 0), length-1)*stride])
			}
			to[i] = float32(total / sum)
		}
		return to
	}
	return along(along(v.Values, v.Width, v.Channels), v.Height, v.Width*v.Channels)
}

// developed moves the values to mean 0.5 and standard deviation 0.1.
func developed(x viz.Volume) viz.Volume {
	mean, squares, n := 0.0, 0.0, float64(len(x.Values))
	for _, v := range x.Values {
		mean += float64(v) / n
	}
	for _, v := range x.Values {
		squares += (float64(v) - mean) * (float64(v) - mean) / n
	}
	out := x
	out.Values = make([]float32, len(x.Values))
	for i, v := range x.Values {
		z := (float64(v) - mean) / math.Max(math.Sqrt(squares), 1e-12)
		out.Values[i] = float32(math.Min(math.Max(0.5+0.1*z, 0), 1))
	}
	return out
}
