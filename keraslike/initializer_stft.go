// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// WindowFunction is an option of STFTSpectrogram, the factors of the samples of a piece.
type WindowFunction string

// The windows, for x from 0 to 1 along the piece.
const (
	HannWindow        WindowFunction = "hann"    // ½ - ½·cos(2πx)
	HammingWindow     WindowFunction = "hamming" // 0.54 - 0.46·cos(2πx)
	RectangularWindow WindowFunction = "boxcar"  // 1
)

// WindowScaling is an option of STFTSpectrogram, by which the window is divided.
type WindowScaling string

// The scalings.
const (
	DensityScaling  WindowScaling = "density"  // the root of the sum of the window's squares
	SpectrumScaling WindowScaling = "spectrum" // the sum of the window
	NoScaling       WindowScaling = "none"     // 1
)

// STFT sets the kernel (samples, 1, n) of a short-time Fourier transform of length 2(n-1) to window·cos(2πtf/length),
// or for the imaginary part -sin, divided by the scaling. It is the initializer of STFTSpectrogram.
func STFT(imaginary bool, window WindowFunction, scaling WindowScaling, periodic bool) Initializer {
	i := Initializer{Kind: "stft", Window: window, Scaling: scaling, Periodic: periodic}
	if imaginary {
		i.Kind = "stft_imaginary"
	}
	return i
}

// window returns the factors of a piece.
func (f WindowFunction) window(n int, periodic bool) []float64 {
	w, period := make([]float64, n), n-1
	if periodic {
		period = n
	}
	for i := range w {
		cos := math.Cos(2 * math.Pi * float64(i) / float64(max(period, 1)))
		switch {
		case f == RectangularWindow || n == 1:
			w[i] = 1
		case f == HannWindow:
			w[i] = 0.5 - 0.5*cos
		case f == HammingWindow:
			w[i] = 0.54 - 0.46*cos
		}
	}
	return w
}

func checkWindow(f WindowFunction, s WindowScaling) error {
	switch {
	case f != HannWindow && f != HammingWindow && f != RectangularWindow:
		return fmt.Errorf("WindowFunction %q is unknown, want %s, %s or %s", f, HannWindow, HammingWindow, RectangularWindow)
	case s != DensityScaling && s != SpectrumScaling && s != NoScaling:
		return fmt.Errorf("WindowScaling %q is unknown, want %s, %s or %s", s, DensityScaling, SpectrumScaling, NoScaling)
	}
	return nil
}

// fourier fills a kernel of STFT.
func (i Initializer) fourier(w []float32, samples, n int) {
	window := i.Window.window(samples, i.Periodic)
	var sum, squares float64
	for _, v := range window {
		sum, squares = sum+v, squares+v*v
	}
	scale := map[WindowScaling]float64{DensityScaling: math.Sqrt(squares), SpectrumScaling: sum, NoScaling: 1}[i.Scaling]
	for t := range samples {
		for f := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(t) * float64(f) / float64(max(2*(n-1), 1)))
			v := cos
			if i.Kind == "stft_imaginary" {
				v = -sin
			}
			w[t*n+f] = float32(window[t] * v / scale)
		}
	}
}
