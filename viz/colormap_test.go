// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"math"
	"testing"
)

// TestColorMapKnown compares with the published tables at places between our
// stops (every eighth): matplotlib 3.6.3, _cm_listed.py, entries 100 and 203.
func TestColorMapKnown(t *testing.T) {
	tests := []struct {
		m    ColorMap
		at   int
		want uint32
	}{
		{Viridis, 0, 0x440154},
		{Viridis, 100, 0x2a768e},
		{Viridis, 203, 0x77d153},
		{Viridis, 255, 0xfde725},
		{Magma, 0, 0x000004},
		{Magma, 100, 0x892881},
		{Magma, 203, 0xfe9d6c},
		{Magma, 255, 0xfcfdbf},
	}
	for _, test := range tests {
		got, want := test.m.At(float64(test.at)/255), hex(test.want)
		for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
			if d < -2 || d > 2 {
				t.Errorf("%s at %d/255 = %v, want %v within 2", test.m.Name(), test.at, got, want)
			}
		}
	}
}

// TestColorMapEven: the difference that is seen between neighbors, in OKLab,
// stays within a factor of the mean one, and lightness never turns back.
func TestColorMapEven(t *testing.T) {
	const steps = 32
	tests := []struct {
		m      ColorMap
		factor float64
		arms   int // 2: lightness rises to the middle, then falls
	}{{Viridis, 1.8, 1}, {Magma, 2, 1}, {Cividis, 1.15, 1}, {Diverging, 1.1, 2}}
	for _, test := range tests {
		var d [steps]float64
		mean := 0.0
		for i := range d {
			a := toOKLab(test.m.At(float64(i) / steps))
			b := toOKLab(test.m.At(float64(i+1) / steps))
			d[i] = a.distance(b)
			mean += d[i] / steps
			rising := test.arms == 1 || i < steps/2
			if rising != (b.l > a.l) {
				t.Errorf("%s: lightness goes from %.3f to %.3f at step %d", test.m.Name(), a.l, b.l, i)
			}
		}
		for i, v := range d {
			if v > mean*test.factor || v < mean/test.factor {
				t.Errorf("%s: step %d is %.4f, mean %.4f", test.m.Name(), i, v, mean)
			}
		}
	}
}

// TestFormulasOnScreen: the formula maps ask for no color that a screen lacks.
func TestFormulasOnScreen(t *testing.T) {
	for _, m := range []ColorMap{Cividis, Diverging} {
		for _, stop := range m.stops {
			r, g, b := stop.linear()
			if lo, hi := min(r, g, b), max(r, g, b); lo < -0.004 || hi > 1.004 {
				t.Errorf("%s: %+v is outside sRGB: %.3f %.3f %.3f", m.Name(), stop, r, g, b)
			}
		}
	}
}

func TestColorMapEnds(t *testing.T) {
	if got := (ColorMap{}).At(0.3); got != Viridis.At(0.3) {
		t.Errorf("zero map at 0.3 = %v", got)
	}
	for _, m := range []ColorMap{Viridis, Magma, Cividis, Diverging} {
		if m.At(-1) != m.At(0) || m.At(2) != m.At(1) || m.At(math.NaN()) != m.At(0) || m.At(math.Inf(1)) != m.At(1) {
			t.Errorf("%s: numbers outside [0, 1] are not taken as the ends", m.Name())
		}
	}
}
