// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// STFTSpectrogram computes the short-time Fourier transform of each channel of a signal by two convolutions, whose
// kernels begin as cosines and sines times a window (STFT) and are trained:
//
//	input    (batch, samples, channels)
//	output   (batch, pieces, channels·n), or (batch, pieces, n, channels) with ExpandDims,
//	         for n = FFTLength/2 + 1 frequencies, twice as many with FullSpectrum
//	weights  real_kernel, imag_kernel (frameLength, 1, n), those that the SpectrogramMode wants
//
// A piece has frameLength samples, one begins every FrameStep: pieces are 1 + ⌊(samples - frameLength)/FrameStep⌋, or
// ⌈samples/FrameStep⌉ with SamePadding.
//
// Options:
//
//	ValidPadding, SamePadding  ValidPadding
//	SpectrogramMode            LogSpectrum
//	FrameStep                  half of frameLength
//	FFTLength                  frameLength, up to a power of two
//	WindowFunction             HannWindow
//	PeriodicWindow             off
//	WindowScaling              DensityScaling
//	ExpandDims                 off
//	Name                       "stft_spectrogram", "stft_spectrogram_1" and so on
//	Trainable                  true
//
// Keras's default of frameLength is 256.
//
// See https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/stft_spectrogram/.
func STFTSpectrogram(frameLength int, opts ...PreprocessingOption) Layer {
	return newLayer(&stftSpectrogram{FrameLength: frameLength, SpectrogramMode: LogSpectrum, WindowFunction: HannWindow, WindowScaling: DensityScaling}, opts)
}

// SpectrogramMode is an option that selects what STFTSpectrogram gives of the real part a and imaginary part b of a
// frequency.
type SpectrogramMode string

// The modes.
const (
	LogSpectrum       SpectrogramMode = "log"       // ln(max(√max(a² + b², 1e-7), 1e-7))
	MagnitudeSpectrum SpectrogramMode = "magnitude" // √max(a² + b², 1e-7)
	PowerSpectrum     SpectrogramMode = "psd"       // a² + b², twice that of all but the first and last frequency
	RealSpectrum      SpectrogramMode = "real"      // a
	ImaginarySpectrum SpectrogramMode = "imag"      // b
	AngleSpectrum     SpectrogramMode = "angle"     // atan2(b, a)
	FullSpectrum      SpectrogramMode = "stft"      // a of all frequencies, then b
)

func (m SpectrogramMode) sets() setting {
	return setting{option: "SpectrogramMode", field: "SpectrogramMode", value: m}
}
func (SpectrogramMode) forPreprocessing() {}

func (f WindowFunction) sets() setting {
	return setting{option: "WindowFunction", field: "WindowFunction", value: f}
}
func (WindowFunction) forPreprocessing() {}

func (v WindowScaling) sets() setting {
	return setting{option: "WindowScaling", field: "WindowScaling", value: v}
}
func (WindowScaling) forPreprocessing() {}

// The flags of STFTSpectrogram.
const (
	// PeriodicWindow makes the window of STFTSpectrogram end before its last sample, so that it goes on as it begins.
	PeriodicWindow PreprocessingFlag = "PeriodicWindow"
	// ExpandDims makes the frequencies of STFTSpectrogram an axis before the channels.
	ExpandDims PreprocessingFlag = "ExpandDims"
)

// FrameStep sets the samples from one piece to the next of STFTSpectrogram; the default is half of its length.
func FrameStep(samples int) PreprocessingOption { return preprocessing(set("FrameStep", samples)) }

// FFTLength sets the length of the transform of STFTSpectrogram, of which a piece is the beginning; the default is
// the power of two from the length of a piece on.
func FFTLength(samples int) PreprocessingOption { return preprocessing(set("FFTLength", samples)) }

func (Padding) forPreprocessing() {}

type stftSpectrogram struct {
	FrameLength     int             `json:"frame_length"`
	SpectrogramMode SpectrogramMode `json:"mode" option:"SpectrogramMode"`
	FrameStep       *int            `json:"frame_step,omitempty" option:"FrameStep"`
	FFTLength       *int            `json:"fft_length,omitempty" option:"FFTLength"`
	WindowFunction  WindowFunction  `json:"window" option:"WindowFunction"`
	PeriodicWindow  bool            `json:"periodic,omitempty" option:"PeriodicWindow"`
	WindowScaling   WindowScaling   `json:"scaling" option:"WindowScaling"`
	Padding         graph.Padding   `json:"padding" option:"Padding"`
	ExpandDims      bool            `json:"expand_dims,omitempty" option:"ExpandDims"`
}

var _ = register[stftSpectrogram]("STFTSpectrogram")

func (d *stftSpectrogram) refuses() []string { return []string{"CausalPadding"} }

func (d *stftSpectrogram) Kind() string { return "STFTSpectrogram" }

func (d *stftSpectrogram) step() int {
	if d.FrameStep != nil {
		return *d.FrameStep
	}
	return d.FrameLength / 2
}

// frequencies is the number of those of a transform.
func (d *stftSpectrogram) frequencies() int {
	n := 1
	for n < d.FrameLength {
		n *= 2
	}
	if d.FFTLength != nil {
		n = *d.FFTLength
	}
	return n/2 + 1
}

func (d *stftSpectrogram) check() error {
	const most = 1 << 24
	switch d.SpectrogramMode {
	case LogSpectrum, MagnitudeSpectrum, PowerSpectrum, RealSpectrum, ImaginarySpectrum, AngleSpectrum, FullSpectrum:
	default:
		return fmt.Errorf("SpectrogramMode %q is unknown", d.SpectrogramMode)
	}
	switch {
	case d.FrameLength < 2 || d.FrameLength > most:
		return fmt.Errorf("frameLength is %d, want 2 to %d", d.FrameLength, most)
	case d.step() < 1 || d.step() > d.FrameLength:
		return fmt.Errorf("FrameStep is %d, want 1 to frameLength, %d", d.step(), d.FrameLength)
	case d.FFTLength != nil && (*d.FFTLength < d.FrameLength || *d.FFTLength > most):
		return fmt.Errorf("FFTLength is %d, want frameLength, %d, to %d", *d.FFTLength, d.FrameLength, most)
	}
	return checkWindow(d.WindowFunction, d.WindowScaling)
}

func (d *stftSpectrogram) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, 1)
	if err != nil {
		return nil, err
	}
	pieces := (x[0] + d.step() - 1) / d.step()
	if d.Padding == graph.Valid {
		if x[0] < d.FrameLength {
			return nil, fmt.Errorf("input has shape %v, want at least %d samples", x, d.FrameLength)
		}
		pieces = 1 + (x[0]-d.FrameLength)/d.step()
	}
	n := d.frequencies()
	if d.SpectrogramMode != ImaginarySpectrum {
		b.Weight("real_kernel", STFT(false, d.WindowFunction, d.WindowScaling, d.PeriodicWindow), Regularizer{}, d.FrameLength, 1, n)
	}
	if d.SpectrogramMode != RealSpectrum {
		b.Weight("imag_kernel", STFT(true, d.WindowFunction, d.WindowScaling, d.PeriodicWindow), Regularizer{}, d.FrameLength, 1, n)
	}
	if d.SpectrogramMode == FullSpectrum {
		n *= 2
	}
	if d.ExpandDims {
		return Shape{pieces, n, x[1]}, nil
	}
	return Shape{pieces, n * x[1]}, nil
}

func (d *stftSpectrogram) multiplications(_ []Shape, out Shape, _ float64) float64 {
	return 2 * floatSize(out) * float64(d.FrameLength)
}

func (d *stftSpectrogram) Forward(s *Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	batch, samples, channels := shape[0], shape[1], shape[2]
	x := s.Do(graph.Reshape(s.Do(graph.Transpose(in[0], 0, 2, 1)), batch*channels, samples, 1))
	spec := graph.ConvSpec{Stride: [3]int{d.step()}, Dilation: [3]int{1}, Padding: d.Padding}
	part := func(kernel string) *graph.Node {
		return s.Do(graph.Conv(x, s.Weight(kernel), nil, spec, graph.Act(graph.Linear)))
	}
	y := d.spectrum(s, part)
	if y == nil {
		return nil
	}
	pieces, n := y.Shape()[1], y.Shape()[2]
	y = s.Do(graph.Reshape(y, batch, channels, pieces, n))
	if d.ExpandDims {
		return s.Do(graph.Transpose(y, 0, 2, 3, 1))
	}
	return s.Do(graph.Reshape(s.Do(graph.Transpose(y, 0, 2, 1, 3)), batch, pieces, channels*n))
}

// spectrum returns what the mode gives of the parts (batch·channels, pieces, frequencies).
func (d *stftSpectrogram) spectrum(s *Scope, part func(string) *graph.Node) *graph.Node {
	switch d.SpectrogramMode {
	case RealSpectrum:
		return part("real_kernel")
	case ImaginarySpectrum:
		return part("imag_kernel")
	}
	re, im := part("real_kernel"), part("imag_kernel")
	switch d.SpectrogramMode {
	case AngleSpectrum:
		return s.Do(graph.Atan2(im, re))
	case FullSpectrum:
		return s.Do(graph.Concat(-1, re, im))
	}
	power := s.Do(graph.Add(s.Do(graph.Square(re)), s.Do(graph.Square(im))))
	if power == nil {
		return nil
	}
	if d.SpectrogramMode == PowerSpectrum {
		twice := make([]float32, d.frequencies())
		for i := range twice {
			twice[i] = 2
		}
		twice[0], twice[len(twice)-1] = 1, 1
		return s.Do(graph.MulRow(power, s.constant(fmt.Sprintf("sides of %s", s.path), twice, len(twice))))
	}
	const least = 1e-7
	y := s.Do(graph.Sqrt(s.Do(graph.Maximum(power, s.Do(graph.Scalar(power, least))))))
	if d.SpectrogramMode == MagnitudeSpectrum {
		return y
	}
	return s.Do(graph.Log(s.Do(graph.Maximum(y, s.Do(graph.Scalar(y, least))))))
}
