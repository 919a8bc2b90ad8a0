// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// MelSpectrogram turns a signal into its power in bands of the mel scale, which are as wide as people hear them, in
// decibels:
//
//	input   (batch, samples), more than fftLength/2 of them; samples may be Any
//	output  (batch, bins, 1 + samples/SequenceStride), for an even fftLength
//
// The signal is continued by reflection on both ends and transformed in pieces of fftLength samples, one every
// SequenceStride, each multiplied by Hann's window of SequenceLength samples in its middle. The magnitude of each
// frequency to the power MagnitudeExponent is weighted by triangles between MinFrequency and MaxFrequency whose
// corners have equal distances in mel, m(f) = 1127·ln(1 + f/700), and with a power p of a band the output is
//
//	y = 10·log10(max(p, MinPower)) - 10·log10(max(ReferencePower, MinPower))
//
// but not less than the largest y of the sample minus TopDecibels; Keras takes the largest of the batch. With
// NoDecibels it is p.
//
// Options:
//
//	SequenceStride     512
//	SequenceLength     fftLength
//	SamplingRate       16000
//	MinFrequency       20
//	MaxFrequency       half the SamplingRate
//	NoDecibels         off
//	TopDecibels        80
//	MagnitudeExponent  2
//	MinPower           1e-10
//	ReferencePower     1
//	Name               "mel_spectrogram", "mel_spectrogram_1" and so on
//	Trainable          true
//
// Keras's defaults are an fftLength of 2048 and 128 bins.
//
// See https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/mel_spectrogram/.
func MelSpectrogram(fftLength, bins int, opts ...PreprocessingOption) Layer {
	return newLayer(&melSpectrogram{
		FFTLength: fftLength, Bins: bins, SequenceStride: 512, SequenceLength: fftLength, SamplingRate: 16000, MinFrequency: 20,
		TopDecibels: 80, MagnitudeExponent: 2, MinPower: 1e-10, ReferencePower: 1,
	}, opts)
}

// SequenceStride sets the samples from one piece to the next of MelSpectrogram; the default is 512.
func SequenceStride(samples int) PreprocessingOption {
	return preprocessing(set("SequenceStride", samples))
}

// SequenceLength sets the length of the window of MelSpectrogram, at most that of the transform, which is the default.
func SequenceLength(samples int) PreprocessingOption {
	return preprocessing(set("SequenceLength", samples))
}

// SamplingRate sets the samples per second of the signal of MelSpectrogram; the default is 16000.
func SamplingRate(hertz float64) PreprocessingOption {
	return preprocessing(set("SamplingRate", hertz))
}

// MinFrequency sets the lower end of the lowest band of MelSpectrogram, in hertz; the default is 20.
func MinFrequency(hertz float64) PreprocessingOption {
	return preprocessing(set("MinFrequency", hertz))
}

// MaxFrequency sets the upper end of the highest band of MelSpectrogram, in hertz; the default is half the
// SamplingRate.
func MaxFrequency(hertz float64) PreprocessingOption {
	return preprocessing(set("MaxFrequency", hertz))
}

// NoDecibels makes MelSpectrogram give the power itself.
const NoDecibels PreprocessingFlag = "NoDecibels"

// TopDecibels sets how far below the largest value of a sample those of MelSpectrogram may be; the default is 80.
func TopDecibels(v float64) PreprocessingOption { return preprocessing(set("TopDecibels", v)) }

// MagnitudeExponent sets the power of the magnitudes of MelSpectrogram; the default is 2.
func MagnitudeExponent(v float64) PreprocessingOption {
	return preprocessing(set("MagnitudeExponent", v))
}

// MinPower sets the least power of which MelSpectrogram takes a logarithm; the default is 1e-10.
func MinPower(v float64) PreprocessingOption { return preprocessing(set("MinPower", v)) }

// ReferencePower sets the power of 0 decibels of MelSpectrogram; the default is 1.
func ReferencePower(v float64) PreprocessingOption { return preprocessing(set("ReferencePower", v)) }

type melSpectrogram struct {
	FFTLength         int      `json:"fft_length"`
	Bins              int      `json:"bins"`
	SequenceStride    int      `json:"sequence_stride" option:"SequenceStride"`
	SequenceLength    int      `json:"sequence_length" option:"SequenceLength"`
	SamplingRate      float64  `json:"sampling_rate" option:"SamplingRate"`
	MinFrequency      float64  `json:"min_frequency" option:"MinFrequency"`
	MaxFrequency      *float64 `json:"max_frequency,omitempty" option:"MaxFrequency"` // nil for half the rate
	NoDecibels        bool     `json:"no_decibels,omitempty" option:"NoDecibels"`
	TopDecibels       float64  `json:"top_decibels" option:"TopDecibels"`
	MagnitudeExponent float64  `json:"magnitude_exponent" option:"MagnitudeExponent"`
	MinPower          float64  `json:"min_power" option:"MinPower"`
	ReferencePower    float64  `json:"reference_power" option:"ReferencePower"`
}

var _ = register[melSpectrogram]("MelSpectrogram")

func (d *melSpectrogram) Kind() string { return "MelSpectrogram" }

func (d *melSpectrogram) highest() float64 {
	if d.MaxFrequency == nil {
		return d.SamplingRate / 2
	}
	return *d.MaxFrequency
}

func (d *melSpectrogram) check() error {
	var mistake error
	switch {
	case d.FFTLength < 2 || d.Bins < 1 || d.SequenceStride < 1:
		mistake = fmt.Errorf("got fftLength %d, %d bins and SequenceStride %d, want at least 2, 1 and 1", d.FFTLength, d.Bins, d.SequenceStride)
	case d.SequenceLength < 1 || d.SequenceLength > d.FFTLength:
		mistake = fmt.Errorf("SequenceLength is %d, want 1 to fftLength, %d", d.SequenceLength, d.FFTLength)
	case !(d.MinFrequency >= 0 && d.MinFrequency < d.highest() && d.highest() <= math.MaxFloat32):
		mistake = fmt.Errorf("MinFrequency is %g and MaxFrequency %g, want 0 <= MinFrequency < MaxFrequency", d.MinFrequency, d.highest())
	case !(d.TopDecibels >= 0):
		mistake = fmt.Errorf("TopDecibels is %g, want at least 0", d.TopDecibels)
	}
	return errors.Join(mistake, checkPositive("SamplingRate", d.SamplingRate), checkPositive("MagnitudeExponent", d.MagnitudeExponent),
		checkPositive("MinPower", d.MinPower), checkPositive("ReferencePower", d.ReferencePower))
}

func (d *melSpectrogram) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) != 1 || in[0][0] <= d.FFTLength/2 {
		return nil, fmt.Errorf("input has shape %v, want (batch, samples) with more than %d samples", in[0], d.FFTLength/2)
	}
	return Shape{d.Bins, d.pieces(in[0][0])}, nil
}

// pieces is the number of transforms of a signal.
func (d *melSpectrogram) pieces(samples int) int {
	return 1 + (samples+d.FFTLength/2*2-d.FFTLength)/d.SequenceStride
}

func (d *melSpectrogram) multiplications(_ []Shape, out Shape, _ float64) float64 {
	return floatSize(out) * float64(d.FFTLength/2+1)
}

// triangles are the weights of the frequencies (rows) in each band, without that of a constant.
func (d *melSpectrogram) triangles() []float32 {
	mel := func(hertz float64) float64 { return 1127 * math.Log1p(hertz/700) }
	low, high, n := mel(d.MinFrequency), mel(d.highest()), d.FFTLength/2+1
	corner := func(i int) float64 { return low + (high-low)*float64(i)/float64(d.Bins+1) }
	out := make([]float32, n*d.Bins)
	for f := 1; f < n; f++ {
		m := mel(d.SamplingRate / 2 * float64(f) / float64(n-1))
		for b := range d.Bins {
			left, middle, right := corner(b), corner(b+1), corner(b+2)
			out[f*d.Bins+b] = float32(max(0, min((m-left)/(middle-left), (right-m)/(right-middle))))
		}
	}
	return out
}

func (d *melSpectrogram) Forward(s *Scope, in []*graph.Node) *graph.Node {
	window := make([]float64, d.SequenceLength)
	for i := range window {
		window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(d.SequenceLength))
	}
	re, im, err := graph.STFT(in[0], graph.STFTSpec{Length: d.FFTLength, Hop: d.SequenceStride, Window: window, Center: true})
	if err != nil {
		return s.Do(nil, err)
	}
	batch, n, bins := re.Shape()[0], re.Shape()[1], re.Shape()[2]
	y := s.Do(graph.Add(s.Do(graph.Square(re)), s.Do(graph.Square(im))))
	if d.MagnitudeExponent != 2 {
		y = s.Do(graph.Power(y, d.MagnitudeExponent/2))
	}
	weights := s.constant(fmt.Sprintf("bands of %s", s.path), d.triangles(), bins, d.Bins)
	y = s.Do(graph.Reshape(s.Do(graph.MatMul(s.Do(graph.Reshape(y, batch*n, bins)), weights)), batch, n, d.Bins))
	if !d.NoDecibels && y != nil {
		decibels := 10 / math.Ln10
		y = s.Do(graph.Log(s.Do(graph.Maximum(y, s.Do(graph.Scalar(y, d.MinPower))))))
		y = s.Do(graph.Affine(y, decibels, -decibels*math.Log(max(d.ReferencePower, d.MinPower))))
		top := s.Do(graph.Max(y, graph.Axes(1, 2), graph.KeepDims()))
		y = s.Do(graph.Maximum(y, s.Do(graph.Affine(top, 1, -d.TopDecibels))))
	}
	return s.Do(graph.Transpose(y, 0, 2, 1))
}
