// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Initializer sets the initial values of a weight. fan_in and fan_out are the numbers of
// inputs and outputs of one unit; for convolution kernels (height, width, in, out) they are
// multiplied by the size of the receptive field; for EinsumDense and attention, whose inputs and outputs may
// have several axes, they are the products of their lengths. The values depend only on the model's seed
// and the weight's path. Formulas: https://keras.io/api/layers/initializers/.
type Initializer struct {
	Kind  string  `json:"kind"`
	Value float64 `json:"value,omitempty"` // the constant, the standard deviation, the limit, the gain or the scale
	// Of VarianceScaling:
	Mode         FanMode      `json:"mode,omitempty"`
	Distribution Distribution `json:"distribution,omitempty"`
	// Of STFT:
	Window   WindowFunction `json:"window,omitempty"`
	Scaling  WindowScaling  `json:"scaling,omitempty"`
	Periodic bool           `json:"periodic,omitempty"`
	// Added is added to every value, see Plus.
	Added float64 `json:"added,omitempty"`
}

// Plus returns an initializer that adds v to every value. RandomNormal(0.05).Plus(1) has mean 1, and
// RandomUniform(0.5).Plus(0.5) draws from U(0, 1).
func (i Initializer) Plus(v float64) Initializer {
	i.Added += v
	return i
}

// GlorotUniform draws from U(-l, l), l = √(6/(fan_in + fan_out)) (Glorot & Bengio 2010).
func GlorotUniform() Initializer { return Initializer{Kind: "glorot_uniform"} }

// GlorotNormal draws from a truncated normal distribution, cut off at two standard
// deviations, with standard deviation √(2/(fan_in + fan_out)) (Glorot & Bengio 2010).
func GlorotNormal() Initializer { return Initializer{Kind: "glorot_normal"} }

// HeUniform draws from U(-l, l), l = √(6/fan_in) (He et al. 2015).
func HeUniform() Initializer { return Initializer{Kind: "he_uniform"} }

// HeNormal draws from a truncated normal distribution with standard deviation √(2/fan_in)
// (He et al. 2015).
func HeNormal() Initializer { return Initializer{Kind: "he_normal"} }

// LecunUniform draws from U(-l, l), l = √(3/fan_in) (LeCun et al. 1998).
func LecunUniform() Initializer { return Initializer{Kind: "lecun_uniform"} }

// LecunNormal draws from a truncated normal distribution with standard deviation
// √(1/fan_in) (LeCun et al. 1998).
func LecunNormal() Initializer { return Initializer{Kind: "lecun_normal"} }

// RandomUniform draws from U(-limit, limit).
func RandomUniform(limit float64) Initializer {
	return Initializer{Kind: "random_uniform", Value: limit}
}

// RandomNormal draws from N(0, stddev²).
func RandomNormal(stddev float64) Initializer {
	return Initializer{Kind: "random_normal", Value: stddev}
}

// TruncatedNormal draws from N(0, stddev²), cut off at two standard deviations, after which the standard
// deviation is 0.88·stddev.
func TruncatedNormal(stddev float64) Initializer {
	return Initializer{Kind: "truncated_normal", Value: stddev}
}

// VarianceScaling draws with variance scale/n, where n is fan_in, fan_out or their mean. Glorot's
// initializers are those of scale 1 and FanAverage, He's of 2 and FanIn, LeCun's of 1 and FanIn. Keras's
// defaults are 1, FanIn and TruncatedDistribution.
func VarianceScaling(scale float64, mode FanMode, distribution Distribution) Initializer {
	return Initializer{Kind: "variance_scaling", Value: scale, Mode: mode, Distribution: distribution}
}

// FanMode is the number by which VarianceScaling divides.
type FanMode string

// The numbers by which VarianceScaling divides.
const (
	FanIn      FanMode = "fan_in"
	FanOut     FanMode = "fan_out"
	FanAverage FanMode = "fan_avg"
)

// Distribution is that from which VarianceScaling draws.
type Distribution string

// The distributions of VarianceScaling.
const (
	TruncatedDistribution Distribution = "truncated_normal" // normal, cut off at two standard deviations
	NormalDistribution    Distribution = "untruncated_normal"
	UniformDistribution   Distribution = "uniform"
)

// Identity sets a matrix to gain on the diagonal and 0 elsewhere. Keras's default gain is 1.
func Identity(gain float64) Initializer { return Initializer{Kind: "identity", Value: gain} }

// Zeros sets all elements to 0.
func Zeros() Initializer { return Initializer{Kind: "zeros"} }

// Ones sets all elements to 1.
func Ones() Initializer { return Initializer{Kind: "ones"} }

// Constant sets all elements to value.
func Constant(value float64) Initializer { return Initializer{Kind: "constant", Value: value} }

// Orthogonal draws a matrix with orthonormal rows or columns, whichever are fewer, times gain
// (Saxe et al. 2014). All axes but the last are rows.
func Orthogonal(gain float64) Initializer { return Initializer{Kind: "orthogonal", Value: gain} }

// truncation is the standard deviation of the standard normal distribution truncated at ±2.
// Dividing by it restores the wanted variance.
const truncation = 0.87962566103423978

func (i Initializer) check(shape []int) error {
	switch i.Kind {
	case "unit_forget":
		if len(shape) != 1 || shape[0]%4 != 0 {
			return fmt.Errorf("initializer unit_forget: shape %v is not that of an LSTM's bias", shape)
		}
	case "zeros", "ones", "constant", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal":
	case "variance_scaling":
		switch {
		case !(i.Value > 0):
			return fmt.Errorf("initializer variance_scaling: scale is %g, want a number above 0", i.Value)
		case i.Mode != FanIn && i.Mode != FanOut && i.Mode != FanAverage:
			return fmt.Errorf("initializer variance_scaling: mode %q is unknown, want fan_in, fan_out or fan_avg", i.Mode)
		case i.Distribution != TruncatedDistribution && i.Distribution != NormalDistribution && i.Distribution != UniformDistribution:
			return fmt.Errorf("initializer variance_scaling: distribution %q is unknown, want truncated_normal, untruncated_normal or uniform", i.Distribution)
		}
	case "stft", "stft_imaginary":
		if err := checkWindow(i.Window, i.Scaling); err != nil {
			return fmt.Errorf("initializer %s: %w", i.Kind, err)
		}
		if len(shape) != 3 || shape[1] != 1 {
			return fmt.Errorf("initializer %s: shape %v is not (samples, 1, frequencies)", i.Kind, shape)
		}
	case "identity":
		if len(shape) != 2 {
			return fmt.Errorf("initializer identity: shape %v has not two axes", shape)
		}
	case "random_uniform", "random_normal", "truncated_normal":
		if !(i.Value >= 0) {
			return fmt.Errorf("initializer %s(%g): want a number of at least 0", i.Kind, i.Value)
		}
	case "orthogonal":
		if len(shape) < 2 {
			return fmt.Errorf("initializer orthogonal: shape %v has fewer than two axes", shape)
		}
	default:
		return fmt.Errorf("initializer %q: unknown", i.Kind)
	}
	for _, v := range []float64{i.Value, i.Added} {
		if !(math.Abs(v) <= math.MaxFloat32) {
			return fmt.Errorf("initializer %s(%g): want a finite number (float32)", i.Kind, v)
		}
	}
	return nil
}

// fill sets the initial values of a weight of the given shape, and fans of its own unless they are 0.
func (i Initializer) fill(w []float32, shape []int, own [2]float64, rng *rand.Rand) {
	in, out := fans(shape)
	if own != [2]float64{} {
		in, out = own[0], own[1]
	}
	switch i.Kind {
	case "zeros":
		constant(w, 0)
	case "ones":
		constant(w, 1)
	case "constant":
		constant(w, i.Value)
	case "unit_forget": // an LSTM's bias: ones for the second of four gates
		constant(w, 0)
		constant(w[len(w)/4:len(w)/2], 1)
	case "glorot_uniform":
		uniform(w, math.Sqrt(6/(in+out)), rng)
	case "he_uniform":
		uniform(w, math.Sqrt(6/in), rng)
	case "lecun_uniform":
		uniform(w, math.Sqrt(3/in), rng)
	case "random_uniform":
		uniform(w, i.Value, rng)
	case "glorot_normal":
		truncatedNormal(w, math.Sqrt(2/(in+out)), rng)
	case "he_normal":
		truncatedNormal(w, math.Sqrt(2/in), rng)
	case "lecun_normal":
		truncatedNormal(w, math.Sqrt(1/in), rng)
	case "random_normal":
		normal(w, i.Value, rng)
	case "truncated_normal":
		truncatedNormal(w, i.Value*truncation, rng)
	case "variance_scaling":
		i.scaled(w, in, out, rng)
	case "stft", "stft_imaginary":
		i.fourier(w, shape[0], shape[2])
	case "identity":
		constant(w, 0)
		for j := range min(shape[0], shape[1]) {
			w[j*shape[1]+j] = float32(i.Value)
		}
	case "orthogonal":
		orthogonal(w, shape, i.Value, rng)
	}
	if i.Added != 0 {
		for j := range w {
			w[j] += float32(i.Added)
		}
	}
}

// scaled draws the values of VarianceScaling.
func (i Initializer) scaled(w []float32, in, out float64, rng *rand.Rand) {
	n := in
	switch i.Mode {
	case FanOut:
		n = out
	case FanAverage:
		n = (in + out) / 2
	}
	switch variance := i.Value / n; i.Distribution {
	case UniformDistribution:
		uniform(w, math.Sqrt(3*variance), rng)
	case NormalDistribution:
		normal(w, math.Sqrt(variance), rng)
	default:
		truncatedNormal(w, math.Sqrt(variance), rng)
	}
}

func normal(w []float32, stddev float64, rng *rand.Rand) {
	for j := range w {
		w[j] = float32(stddev * rng.NormFloat64())
	}
}

// fans returns Keras's fan_in and fan_out, at least 1 each.
func fans(shape []int) (in, out float64) {
	switch n := len(shape); n {
	case 0:
		return 1, 1
	case 1:
		return float64(shape[0]), float64(shape[0])
	default:
		field := Shape(shape[:n-2]).Size()
		return float64(field * shape[n-2]), float64(field * shape[n-1])
	}
}

func constant(w []float32, v float64) {
	for j := range w {
		w[j] = float32(v)
	}
}

func uniform(w []float32, limit float64, rng *rand.Rand) {
	for j := range w {
		w[j] = float32(limit * (2*rng.Float64() - 1))
	}
}

func truncatedNormal(w []float32, stddev float64, rng *rand.Rand) {
	for j := range w {
		x := rng.NormFloat64()
		for math.Abs(x) > 2 {
			x = rng.NormFloat64()
		}
		w[j] = float32(x * stddev / truncation)
	}
}

// orthogonal draws a normal matrix and orthonormalizes its shorter side by the modified
// Gram-Schmidt method, applied twice for accuracy. The result is uniformly distributed,
// because the normal distribution is rotation invariant.
func orthogonal(w []float32, shape []int, gain float64, rng *rand.Rand) {
	cols := shape[len(shape)-1]
	rows := len(w) / cols
	n, m := min(rows, cols), max(rows, cols) // n vectors of m elements
	v := make([][]float64, n)
	for i := range v {
		v[i] = make([]float64, m)
		for j := range v[i] {
			v[i][j] = rng.NormFloat64()
		}
		for range 2 {
			for _, u := range v[:i] {
				subtractProjection(v[i], u)
			}
		}
		normalize(v[i])
	}
	for r := range rows {
		for c := range cols {
			x := 0.0
			if rows <= cols {
				x = v[r][c]
			} else {
				x = v[c][r]
			}
			w[r*cols+c] = float32(gain * x)
		}
	}
}

// subtractProjection makes v orthogonal to the unit vector u.
func subtractProjection(v, u []float64) {
	var d float64
	for j := range u {
		d += u[j] * v[j]
	}
	for j := range u {
		v[j] -= d * u[j]
	}
}

// normalize scales v to Euclidean length 1.
func normalize(v []float64) {
	var norm float64
	for _, x := range v {
		norm += x * x
	}
	norm = math.Sqrt(norm)
	for j := range v {
		v[j] /= norm
	}
}
