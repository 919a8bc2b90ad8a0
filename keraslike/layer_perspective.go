// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// RandomPerspective shows pictures in training from another point of view, each with a probability that is
// drawn between 0 and factor or from FactorRange. The corner (x, y), counted in pixels from the top left,
// moves to (x + x·u, y + y·v), with u and v of each corner drawn between -scale/2 and scale/2, and the pixels
// between by the homography of the four corners. What lies outside of the picture is FillValue. Keras's
// default of both factor and scale is 1.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model; in Predict and Evaluate it does nothing.
//
// Options:
//
//	Interpolation  BilinearInterpolation
//	FillValue      0
//	FactorRange    0 to factor
//	Name           "random_perspective", "random_perspective_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_perspective/.
func RandomPerspective(factor, scale float64, opts ...PreprocessingOption) Layer {
	return newLayer(&randomPerspective{FactorRange: [2]float64{0, factor}, Scale: scale, Interpolation: BilinearInterpolation}, opts)
}

type randomPerspective struct {
	augmentation
	FactorRange   [2]float64    `json:"factor" option:"FactorRange"`
	Scale         float64       `json:"scale"`
	FillValue     float64       `json:"fill_value,omitempty" option:"FillValue"`
	Interpolation Interpolation `json:"interpolation" option:"Interpolation"`
}

var _ = register[randomPerspective]("RandomPerspective")

func (d *randomPerspective) Kind() string { return "RandomPerspective" }

func (d *randomPerspective) check() error {
	switch {
	case !(d.Scale >= 0 && d.Scale <= 1):
		return fmt.Errorf("scale is %g, want 0 to 1", d.Scale)
	case d.Interpolation != BilinearInterpolation && d.Interpolation != NearestInterpolation:
		return fmt.Errorf("Interpolation is %q, want BilinearInterpolation or NearestInterpolation", string(d.Interpolation))
	}
	return checkFactor(d.FactorRange)
}

func (d *randomPerspective) prepare(p *preparation, in []*value, out *value) error {
	if unchanged(in, out); !p.training {
		return nil
	}
	rng := p.random()
	if probability := factorRange(d.FactorRange).draw(rng); rng.Float64() >= probability {
		return nil
	}
	var shifts [8]float64
	for i := range shifts {
		shifts[i] = d.Scale * (rng.Float64() - 0.5)
	}
	d.apply(in[0], shifts, out)
	return nil
}

// apply moves the corners by shifts: across and down for each corner, row by row, as shares of where it is.
func (d *randomPerspective) apply(in *value, shifts [8]float64, out *value) {
	right, bottom := float64(in.shape[1]-1), float64(in.shape[0]-1)
	from := [4][2]float64{{0, 0}, {right, 0}, {0, bottom}, {right, bottom}}
	to := from
	for i := range to {
		to[i][0] += to[i][0] * shifts[2*i]
		to[i][1] += to[i][1] * shifts[2*i+1]
	}
	out.resize(in.shape...)
	if h, ok := homographyOf(to, from); ok {
		pictureOf(out).seen(pictureOf(in), h, filling{FillConstant, float32(d.FillValue), d.Interpolation})
		return
	}
	copy(out.numbers, in.numbers) // of a line
}

// homography is where the pixel (x, y) comes from: ((h0·x + h1·y + h2)/(h6·x + h7·y + 1), (h3·x + h4·y +
// h5)/(h6·x + h7·y + 1)).
type homography [8]float64

// homographyOf returns what maps four points to others, false if there is none.
func homographyOf(points, images [4][2]float64) (h homography, ok bool) {
	var m [8][9]float64 // the linear equations of h
	for i, p := range points {
		x, y := p[0], p[1]
		u, v := images[i][0], images[i][1]
		m[2*i] = [9]float64{x, y, 1, 0, 0, 0, -u * x, -u * y, u}
		m[2*i+1] = [9]float64{0, 0, 0, x, y, 1, -v * x, -v * y, v}
	}
	for c := range 8 {
		pivot := c
		for r := c + 1; r < 8; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[pivot][c]) {
				pivot = r
			}
		}
		if m[c], m[pivot] = m[pivot], m[c]; math.Abs(m[c][c]) < 1e-12 {
			return h, false
		}
		for r := range 8 {
			if factor := m[r][c] / m[c][c]; r != c && factor != 0 {
				for k := c; k < 9; k++ {
					m[r][k] -= factor * m[c][k]
				}
			}
		}
	}
	for i := range h {
		h[i] = m[i][8] / m[i][i]
	}
	return h, true
}

// seen fills p with another picture of the same shape, in another perspective.
func (p picture) seen(from picture, h homography, f filling) {
	clear(p.pixels)
	for y := range p.height {
		for x := range p.width {
			fx, fy := float64(x), float64(y)
			below := h[6]*fx + h[7]*fy + 1
			if below == 0 { // on the horizon
				below = 1 / farthest
			}
			f.sample(from, (h[3]*fx+h[4]*fy+h[5])/below, (h[0]*fx+h[1]*fy+h[2])/below, p.pixels[(y*p.width+x)*p.channels:(y*p.width+x+1)*p.channels])
		}
	}
}
