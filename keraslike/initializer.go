// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Initializer sets the initial values of a weight. fan_in and fan_out are the numbers of
// inputs and outputs of one unit; for convolution kernels (height, width, in, out) they are
// multiplied by the size of the receptive field. The values depend only on the model's seed
// and the weight's path. Formulas: https://keras.io/api/layers/initializers/.
type Initializer struct {
	Kind  string  `json:"kind"`
	Value float64 `json:"value,omitempty"` // the constant, the standard deviation, the limit or the gain
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
func RandomUniform(limit float64) Initializer { return Initializer{"random_uniform", limit} }

// RandomNormal draws from N(0, stddev²).
func RandomNormal(stddev float64) Initializer { return Initializer{"random_normal", stddev} }

// Zeros sets all elements to 0.
func Zeros() Initializer { return Initializer{Kind: "zeros"} }

// Ones sets all elements to 1.
func Ones() Initializer { return Initializer{Kind: "ones"} }

// Constant sets all elements to value.
func Constant(value float64) Initializer { return Initializer{"constant", value} }

// Orthogonal draws a matrix with orthonormal rows or columns, whichever are fewer, times gain
// (Saxe et al. 2014). All axes but the last are rows.
func Orthogonal(gain float64) Initializer { return Initializer{"orthogonal", gain} }

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
	case "random_uniform", "random_normal":
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
	if !(math.Abs(i.Value) <= math.MaxFloat32) {
		return fmt.Errorf("initializer %s(%g): want a finite number (float32)", i.Kind, i.Value)
	}
	return nil
}

// fill sets the initial values of a weight of the given shape.
func (i Initializer) fill(w []float32, shape []int, rng *rand.Rand) {
	in, out := fans(shape)
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
		for j := range w {
			w[j] = float32(i.Value * rng.NormFloat64())
		}
	case "orthogonal":
		orthogonal(w, shape, i.Value, rng)
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
