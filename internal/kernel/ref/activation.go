// SPDX-License-Identifier: Apache-2.0

package ref

import (
	"fmt"
	"math"
)

// Activation identifies an element-wise activation function. Formulas and names are those of
// https://keras.io/api/layers/activations/.
type Activation uint8

// The activations. alpha, the negative slope of LeakyReLU and the scale of ELU, is passed
// separately.
const (
	Linear      Activation = iota // x
	ReLU                          // max(x, 0)
	ReLU6                         // min(max(x, 0), 6)
	LeakyReLU                     // x for x > 0, else alpha x
	ELU                           // x for x > 0, else alpha (exp(x) - 1)
	SELU                          // 1.0507 (x for x > 0, else 1.6733 (exp(x) - 1))
	GELU                          // x Phi(x), Phi the normal distribution function
	GELUTanh                      // x Phi(x), Phi by its tanh approximation
	SiLU                          // x sigmoid(x)
	Mish                          // x tanh(softplus(x))
	Softplus                      // log(1 + exp(x))
	Softsign                      // x / (1 + |x|)
	Sigmoid                       // 1 / (1 + exp(-x))
	LogSigmoid                    // -log(1 + exp(-x))
	HardSigmoid                   // relu6(x + 3) / 6
	HardSiLU                      // x hard_sigmoid(x)
	Tanh                          // tanh(x)
	Exponential                   // exp(x)
	Activations                   // number of activations
)

var activationNames = [Activations]string{
	Linear: "linear", ReLU: "relu", ReLU6: "relu6", LeakyReLU: "leaky_relu", ELU: "elu", SELU: "selu",
	GELU: "gelu", GELUTanh: "gelu_tanh", SiLU: "silu", Mish: "mish", Softplus: "softplus", Softsign: "softsign",
	Sigmoid: "sigmoid", LogSigmoid: "log_sigmoid", HardSigmoid: "hard_sigmoid", HardSiLU: "hard_silu",
	Tanh: "tanh", Exponential: "exponential",
}

// String returns the Keras name, such as "hard_sigmoid".
func (a Activation) String() string {
	if a < Activations {
		return activationNames[a]
	}
	return fmt.Sprintf("Activation(%d)", uint8(a))
}

// ParseActivation is the inverse of String; it also accepts Keras's older names "swish" and
// "hard_swish".
func ParseActivation(name string) (Activation, error) {
	switch name {
	case "swish":
		return SiLU, nil
	case "hard_swish":
		return HardSiLU, nil
	}
	for a, s := range activationNames {
		if s == name {
			return Activation(a), nil
		}
	}
	return 0, fmt.Errorf("activation %q: unknown, want one of %q", name, activationNames)
}

// FromOutput reports whether the derivative can be computed from the output y alone, so that
// the input need not be kept for the backward pass.
func (a Activation) FromOutput() bool {
	switch a {
	case GELU, GELUTanh, SiLU, Mish, HardSiLU:
		return false
	}
	return true
}

// The two constants of SELU (Klambauer et al. 2017).
const (
	SELUScale = 1.0507009873554804934193349852946
	SELUAlpha = 1.6732632423543772848170429916717
)

// The two constants of GELU's tanh approximation (Hendrycks & Gimpel 2016).
const (
	GELURoot  = 0.79788456080286535587989211986876 // sqrt(2/pi)
	GELUCubic = 0.044715
)

func sigmoid[T Float](x T) T { return T(1 / (1 + math.Exp(-float64(x)))) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// Activate writes dst = a(x). dst may be x.
func Activate[T Float](dst, x []T, a Activation, alpha T) {
	switch a {
	case Linear:
		copy(dst, x)
	case ReLU:
		for i, v := range x {
			dst[i] = max(v, 0)
		}
	default:
		for i, v := range x {
			dst[i] = T(a.at(float64(v), float64(alpha)))
		}
	}
}

func (a Activation) at(x, alpha float64) float64 {
	switch a {
	case ReLU6:
		return min(max(x, 0), 6)
	case LeakyReLU:
		return max(x, 0) + alpha*min(x, 0)
	case ELU:
		return max(x, 0) + alpha*math.Expm1(min(x, 0))
	case SELU:
		return SELUScale * (max(x, 0) + SELUAlpha*math.Expm1(min(x, 0)))
	case GELU:
		return x / 2 * math.Erfc(-x/math.Sqrt2)
	case GELUTanh:
		return x / 2 * (1 + math.Tanh(GELURoot*(x+GELUCubic*x*x*x)))
	case SiLU:
		return x * sigmoid(x)
	case Mish:
		return x * math.Tanh(softplus(x))
	case Softplus:
		return softplus(x)
	case Softsign:
		return x / (1 + math.Abs(x))
	case Sigmoid:
		return sigmoid(x)
	case LogSigmoid:
		return -softplus(-x)
	case HardSigmoid:
		return min(max(x+3, 0), 6) / 6
	case HardSiLU:
		return x * min(max(x+3, 0), 6) / 6
	case Tanh:
		return math.Tanh(x)
	case Exponential:
		return math.Exp(x)
	}
	return x
}

// ActivateGrad writes dx = a'(s) dy, where s is the output if a.FromOutput() and the input
// otherwise. dx may be dy or s. At a kink, the derivative of the flat or left side is used:
// that of ReLU at 0 is 0.
func ActivateGrad[T Float](dx, s, dy []T, a Activation, alpha T) {
	switch a {
	case Linear:
		copy(dx, dy)
	case ReLU:
		for i, v := range s {
			g := dy[i]
			if v <= 0 {
				g = 0
			}
			dx[i] = g
		}
	default:
		for i, v := range s {
			dx[i] = T(a.derivative(float64(v), float64(alpha))) * dy[i]
		}
	}
}

func (a Activation) derivative(s, alpha float64) float64 {
	switch a {
	case ReLU6:
		return step(s > 0 && s < 6, 1, 0)
	case LeakyReLU:
		return step(s > 0, 1, alpha)
	case ELU:
		return step(s > 0, 1, s+alpha)
	case SELU:
		return step(s > 0, SELUScale, s+SELUScale*SELUAlpha)
	case GELU:
		return math.Erfc(-s/math.Sqrt2)/2 + s*math.Exp(-s*s/2)/math.Sqrt(2*math.Pi)
	case GELUTanh:
		t := math.Tanh(GELURoot * (s + GELUCubic*s*s*s))
		return (1+t)/2 + s/2*(1-t*t)*GELURoot*(1+3*GELUCubic*s*s)
	case SiLU:
		p := sigmoid(s)
		return p * (1 + s*(1-p))
	case Mish:
		t := math.Tanh(softplus(s))
		return t + s*(1-t*t)*sigmoid(s)
	case Softplus, LogSigmoid:
		return -math.Expm1(-math.Abs(s)) // softplus > 0: 1 - exp(-y); log_sigmoid < 0: 1 - exp(y)
	case Softsign:
		d := 1 - math.Abs(s)
		return d * d
	case Sigmoid:
		return s * (1 - s)
	case HardSigmoid:
		return step(s > 0 && s < 1, 1./6, 0)
	case HardSiLU:
		switch {
		case s <= -3:
			return 0
		case s >= 3:
			return 1
		}
		return s/3 + 0.5
	case Tanh:
		return 1 - s*s
	case Exponential:
		return s
	}
	return 1
}

func step(cond bool, yes, no float64) float64 {
	if cond {
		return yes
	}
	return no
}
