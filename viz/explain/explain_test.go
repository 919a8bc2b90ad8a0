// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/viz"
)

// analytic is a network small enough to explain by hand. Its layer "conv" has
// two channels, relu of the image's first channel and of its second one times
// two. Class 0 scores 3·mean(conv₀) − mean(conv₁), class 1 the sum of the
// squares of the image.
type analytic struct{}

const classes = 2

func (analytic) conv(x viz.Volume) viz.Volume {
	a := viz.Volume{Height: x.Height, Width: x.Width, Channels: 2}
	for p := range x.Height * x.Width {
		a.Values = append(a.Values, max(x.Values[p*x.Channels], 0), max(2*x.Values[p*x.Channels+1], 0))
	}
	return a
}

func (m analytic) score(x viz.Volume, class int) float64 {
	sum := 0.0
	if class == 1 {
		for _, v := range x.Values {
			sum += float64(v) * float64(v)
		}
		return sum
	}
	for i, v := range m.conv(x).Values {
		sum += []float64{3, -1}[i%2] * float64(v) / float64(x.Height*x.Width)
	}
	return sum
}

func (m analytic) Scores(_ context.Context, images []viz.Volume) ([][]float64, error) {
	var rows [][]float64
	for _, x := range images {
		if len(images) > squaresAtOnce {
			return nil, fmt.Errorf("%d images at once", len(images))
		}
		rows = append(rows, []float64{m.score(x, 0), m.score(x, 1)})
	}
	return rows, nil
}

func (m analytic) Gradient(_ context.Context, x viz.Volume, of Target, at string) (Gradient, error) {
	places := float32(x.Height * x.Width)
	g := Gradient{Activation: x}
	if at == "conv" {
		g.Activation = m.conv(x)
	}
	g.Gradient = g.Activation
	g.Gradient.Values = make([]float32, len(g.Activation.Values))
	conv := m.conv(x)
	inner := func(p, k int) float32 { return []float32{1, 2}[k] } // ∂conv/∂x where relu lets through
	switch {
	case of == Target{"", 0} && at == "conv":
		for i := range g.Gradient.Values {
			g.Gradient.Values[i] = []float32{3, -1}[i%2] / places
		}
	case of == Target{"", 0} && at == "":
		for p := range x.Height * x.Width {
			for k := range 2 {
				if conv.Values[2*p+k] > 0 {
					g.Gradient.Values[p*x.Channels+k] = []float32{3, -1}[k] * inner(p, k) / places
				}
			}
		}
	case of == Target{"", 1} && at == "":
		for i, v := range x.Values {
			g.Gradient.Values[i] = 2 * v
		}
	case of.Layer == "conv" && at == "":
		for p := range x.Height * x.Width {
			g.Value += float64(conv.Values[2*p+of.Channel] / places)
			if conv.Values[2*p+of.Channel] > 0 {
				g.Gradient.Values[p*x.Channels+of.Channel] = inner(p, of.Channel) / places
			}
		}
		return g, nil
	default:
		return g, fmt.Errorf("no target %v at %q", of, at)
	}
	g.Value = m.score(x, of.Channel)
	return g, nil
}

func (analytic) LastConvolution() (string, error) { return "conv", nil }

// image is 2 × 3 with three channels; the third is never looked at by class 0.
func image() viz.Volume {
	return viz.Volume{Height: 2, Width: 3, Channels: 3, Values: []float32{
		1, 0, 9, 2, 1, 9, -1, 2, 9,
		4, 0, 9, 1, 1, 9, 0, -3, 9,
	}}
}

func near(a []float32, b []float64, tolerance float64) bool {
	return slices.EqualFunc(a, b, func(x float32, y float64) bool { return math.Abs(float64(x)-y) <= tolerance })
}

// TestGradCAMKnown: αs are 3/6 and −1/6; conv₀ is 1 2 0 4 1 0, conv₁ 0 2 4 0 2 0;
// so 6·L = 3 4 −4 12 1 0, clipped at 0 and divided by 12.
func TestGradCAMKnown(t *testing.T) {
	got, err := GradCAM{}.Explain(t.Context(), analytic{}, image(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{3. / 12, 4. / 12, 0, 1, 1. / 12, 0}; !near(got.Values, want, 1e-6) || got.Height != 2 || got.Width != 3 {
		t.Errorf("grad-cam = %+v, want %v", got, want)
	}
}

// TestGradCAMPlusPlusKnown: only conv₀ has a positive gradient, so its weight
// cancels in the quotient and the map is conv₀ over 4.
func TestGradCAMPlusPlusKnown(t *testing.T) {
	got, err := GradCAMPlusPlus{Layer: "conv"}.Explain(t.Context(), analytic{}, image(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{1. / 4, 2. / 4, 0, 1, 1. / 4, 0}; !near(got.Values, want, 1e-6) {
		t.Errorf("grad-cam++ = %v, want %v", got.Values, want)
	}
}

// twoChannels has positive gradients that differ by place, to tell the weights
// of Grad-CAM++ apart.
type twoChannels struct{ analytic }

func (twoChannels) Gradient(context.Context, viz.Volume, Target, string) (Gradient, error) {
	return Gradient{
		Activation: viz.Volume{Height: 1, Width: 2, Channels: 2, Values: []float32{1, 0, 3, 1}},
		Gradient:   viz.Volume{Height: 1, Width: 2, Channels: 2, Values: []float32{0.5, 2, -1, 1}},
	}, nil
}

// TestGradCAMPlusPlusWeights, by hand: ΣA is 4 and 1. w₀ = 0.5/(2 + 0.5·4) =
// 0.125, the negative one counts nothing; w₁ = 2/(2 + 2·1) + 1/(2 + 1) = 5/6.
// L = w₀·(1, 3) + w₁·(0, 1) = 0.125, 0.375 + 5/6.
func TestGradCAMPlusPlusWeights(t *testing.T) {
	got, err := GradCAMPlusPlus{}.Explain(t.Context(), twoChannels{}, image(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{0.125 / (0.375 + 5./6), 1}; !near(got.Values, want, 1e-6) {
		t.Errorf("grad-cam++ = %v, want %v", got.Values, want)
	}
}

// TestIntegratedGradientsKnown: for a sum of squares the share of a pixel is
// x² − x₀², exactly, whatever the number of steps.
func TestIntegratedGradientsKnown(t *testing.T) {
	x := image()
	for _, base := range []viz.Volume{{}, {Height: 2, Width: 3, Channels: 3, Values: slices.Repeat([]float32{0.5}, 18)}} {
		got, err := IntegratedGradients{Steps: 7, Baseline: base}.Explain(t.Context(), analytic{}, x, 1)
		if err != nil {
			t.Fatal(err)
		}
		for p := range 6 {
			want := 0.0
			for c := range 3 {
				v, b := float64(x.Values[3*p+c]), 0.0
				if base.Values != nil {
					b = 0.5
				}
				want += v*v - b*b
			}
			if math.Abs(float64(got.Values[p])-want) > 1e-4 {
				t.Errorf("pixel %d = %v, want %v", p, got.Values[p], want)
			}
		}
	}
}

// TestIntegratedGradientsComplete: the shares add up to the score less the
// score of the empty image.
func TestIntegratedGradientsComplete(t *testing.T) {
	x, m := image(), analytic{}
	got, err := IntegratedGradients{}.Explain(t.Context(), m, x, 0)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, v := range got.Values {
		sum += float64(v)
	}
	empty := x
	empty.Values = make([]float32, len(x.Values))
	if want := m.score(x, 0) - m.score(empty, 0); math.Abs(sum-want) > 1e-6 {
		t.Errorf("sum = %v, want %v", sum, want)
	}
}

// TestIntegratedGradientsSquares: squares of two pixels hold the sums of theirs, and
// what is left at the edges makes smaller ones.
func TestIntegratedGradientsSquares(t *testing.T) {
	fine, err := IntegratedGradients{Steps: 3}.Explain(t.Context(), analytic{}, image(), 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := IntegratedGradients{Steps: 3, Square: 2}.Explain(t.Context(), analytic{}, image(), 1)
	if err != nil {
		t.Fatal(err)
	}
	f := fine.Values
	if want := []float64{float64(f[0] + f[1] + f[3] + f[4]), float64(f[2] + f[5])}; got.Height != 1 || got.Width != 2 || !near(got.Values, want, 1e-4) {
		t.Errorf("got %+v, want %v", got, want)
	}
}

// TestOcclusionKnown: squares of one pixel, filled with 0, take away exactly
// the pixel's share: (3·conv₀ − conv₁)/6 = 3/6 4/6 −4/6 12/6 1/6 0.
func TestOcclusionKnown(t *testing.T) {
	got, err := Occlusion{Size: 1, Fill: []float32{0, 0, 0}}.Explain(t.Context(), analytic{}, image(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{3. / 6, 4. / 6, -4. / 6, 12. / 6, 1. / 6, 0}; !near(got.Values, want, 1e-6) {
		t.Errorf("occlusion = %v, want %v", got.Values, want)
	}
	// squares of two: left and right one overlap in the middle column
	got, err = Occlusion{Size: 2, Stride: 1, Fill: []float32{0, 0, 0}}.Explain(t.Context(), analytic{}, image(), 0)
	left, right := (3.+4+12+1)/6, (4.-4+1+0)/6
	if want := []float64{left, (left + right) / 2, right, left, (left + right) / 2, right}; err != nil || !near(got.Values, want, 1e-6) {
		t.Errorf("occlusion = %v, %v, want %v", got.Values, err, want)
	}
}

// TestOcclusionCovers: whatever the size, every pixel is covered, and many
// squares are asked in several calls.
func TestOcclusionCovers(t *testing.T) {
	for side := 1; side <= 23; side++ {
		x := viz.Volume{Height: side, Width: 23, Channels: 2, Values: make([]float32, side*23*2)}
		for i := range x.Values {
			x.Values[i] = float32(i % 7)
		}
		got, err := Occlusion{}.Explain(t.Context(), analytic{}, x, 0)
		if err != nil {
			t.Fatal(err)
		}
		for p, v := range got.Values {
			if math.IsNaN(float64(v)) {
				t.Fatalf("side %d: pixel %d is not covered", side, p)
			}
		}
	}
}

// TestFilterPatternKnown: channel 1 of "conv" only looks at the image's second
// channel and its gradient is the same everywhere, so the pattern is flat, the
// second channel bright and the others dark; 40 steps of 1/255 in a direction
// of root mean square 1 raise each of its values by 40/255·√3, the mean by twice that.
func TestFilterPatternKnown(t *testing.T) {
	p := Pattern{Height: 4, Width: 5, Seed: 1}
	got, before, after, err := FilterPattern(t.Context(), analytic{}, Target{"conv", 1}, p)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * 40 * math.Sqrt(3) / 255; math.Abs(after-before-want) > 1e-4 {
		t.Errorf("mean rose by %v, want %v", after-before, want)
	}
	if got.Height != 4 || got.Width != 5 || got.Channels != 3 {
		t.Errorf("pattern is %d × %d × %d", got.Height, got.Width, got.Channels)
	}
	for i, v := range got.Values {
		if (i%3 == 1) != (v > 0.5) || v < 0 || v > 1 {
			t.Errorf("value %d = %v", i, v)
		}
	}
	again, _, _, err := FilterPattern(t.Context(), analytic{}, Target{"conv", 1}, p)
	if err != nil || !slices.Equal(got.Values, again.Values) {
		t.Errorf("the same seed gave another pattern (%v)", err)
	}
	p.Low, p.High = -3, -1 // where relu lets nothing through
	if _, _, _, err := FilterPattern(t.Context(), analytic{}, Target{"conv", 1}, p); !errors.Is(err, ErrDead) {
		t.Errorf("dead filter: %v", err)
	}
}

// TestFilterPatternSmooth: the pattern of "conv" is flat, and stays so when the
// gradient is smoothed; smoothing keeps the sum of a point away from the edge.
func TestFilterPatternSmooth(t *testing.T) {
	p := Pattern{Height: 9, Width: 8, Seed: 1, Smooth: 1.5}
	got, before, after, err := FilterPattern(t.Context(), analytic{}, Target{"conv", 1}, p)
	if err != nil || math.Abs(after-before-2*40*math.Sqrt(3)/255) > 1e-4 {
		t.Errorf("mean rose by %v (%v)", after-before, err)
	}
	for i, v := range got.Values {
		if (i%3 == 1) != (v > 0.5) {
			t.Errorf("value %d = %v", i, v)
		}
	}
	point := viz.Volume{Height: 9, Width: 9, Channels: 2, Values: make([]float32, 162)}
	point.Values[2*(4*9+4)] = 1
	out := viz.Volume{Height: 9, Width: 9, Channels: 2, Values: smooth(point, 1)}
	sum := float32(0)
	for i, v := range out.Values {
		if i%2 == 1 && v != 0 {
			t.Errorf("the other channel has %v", v)
		}
		sum += v
	}
	// of a bell curve cut at three deviations: e^-½ between neighbors along one axis
	if ratio := out.At(4, 5, 0) / out.At(4, 4, 0); math.Abs(float64(sum)-1) > 1e-5 || math.Abs(float64(ratio)-math.Exp(-0.5)) > 1e-5 || math.Abs(float64(out.At(3, 4, 0)-out.At(4, 5, 0))) > 1e-6 {
		t.Errorf("sum %v, ratio %v", sum, ratio)
	}
	p.Smooth = -1
	if _, _, _, err := FilterPattern(t.Context(), analytic{}, Target{"conv", 1}, p); err == nil || !strings.Contains(err.Error(), "smoothed by -1") {
		t.Errorf("got %v", err)
	}
}

// broken answers with what an adaptor may get wrong.
type broken struct {
	analytic
	g   Gradient
	err error
}

func (b broken) Gradient(context.Context, viz.Volume, Target, string) (Gradient, error) {
	return b.g, b.err
}

// mute cannot name its last convolution.
type mute struct{ Model }

func TestErrors(t *testing.T) {
	one := viz.Volume{Height: 1, Width: 1, Channels: 1, Values: []float32{1}}
	nan := viz.Volume{Height: 1, Width: 1, Channels: 1, Values: []float32{float32(math.NaN())}}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		ctx    context.Context
		method Method
		model  Model
		class  int
		want   string
	}{
		{t.Context(), GradCAM{}, mute{analytic{}}, 0, "grad-cam: no layer is given"},
		{t.Context(), GradCAM{}, broken{err: errors.New("no such layer")}, 0, "grad-cam: no such layer"},
		{t.Context(), GradCAMPlusPlus{}, broken{g: Gradient{Activation: one}}, 0, `grad-cam++: gradient with respect to "conv": volume is 0 × 0 × 0`},
		{t.Context(), GradCAM{}, broken{g: Gradient{Activation: one, Gradient: image()}}, 0, `grad-cam: activation of "conv" is 1 × 1 × 1, its gradient 2 × 3 × 3`},
		{t.Context(), GradCAM{}, broken{g: Gradient{Activation: one, Gradient: nan}}, 0, `grad-cam: gradient with respect to "conv": volume at row 0, column 0, channel 0 is NaN`},
		{t.Context(), IntegratedGradients{}, broken{g: Gradient{Activation: one, Gradient: one}}, 0, "integrated gradients: gradient has 1 values, the image 18"},
		{t.Context(), IntegratedGradients{Baseline: one}, analytic{}, 0, "integrated gradients: baseline has 1 values, the image 18"},
		{t.Context(), IntegratedGradients{Square: -1}, analytic{}, 0, "integrated gradients: 50 steps, squares of -1 pixels"},
		{canceled, IntegratedGradients{}, analytic{}, 0, "integrated gradients: step 0 of 50: context canceled"},
		{t.Context(), Occlusion{Size: 3}, analytic{}, 0, "occlusion: squares of 3 every 1 pixels on an image of 2 × 3"},
		{t.Context(), Occlusion{Fill: []float32{1}}, analytic{}, 0, "occlusion: fill has 1 values, the image 3 channels"},
		{t.Context(), Occlusion{}, analytic{}, classes, "occlusion: class 2 of 2"},
	}
	for _, test := range tests {
		if _, err := test.method.Explain(test.ctx, test.model, image(), test.class); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%T: error = %v, want %s", test.method, err, test.want)
		}
	}
	for _, m := range []Method{GradCAM{}, IntegratedGradients{}, Occlusion{}} {
		if _, err := m.Explain(t.Context(), analytic{}, viz.Volume{Height: 2, Width: 2, Channels: 3}, 0); err == nil || !strings.Contains(err.Error(), "image: volume of 2 × 2 × 3 has 0 values, want 12") {
			t.Errorf("%T of a broken image: %v", m, err)
		}
	}
	if _, _, _, err := FilterPattern(t.Context(), analytic{}, Target{"conv", 0}, Pattern{Height: 1}); err == nil {
		t.Error("a pattern without a width was accepted")
	}
}

// TestNothingFor: where nothing speaks for the class the map is 0, not NaN.
func TestNothingFor(t *testing.T) {
	x := image()
	for i := range x.Values {
		x.Values[i] = -1
	}
	got, err := GradCAM{}.Explain(t.Context(), analytic{}, x, 0)
	if err != nil || !near(got.Values, make([]float64, 6), 0) {
		t.Errorf("map = %v, %v", got.Values, err)
	}
}

func ExampleGradCAM() {
	heat, err := GradCAM{}.Explain(context.Background(), analytic{}, image(), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d × %d: %.2f\n", heat.Height, heat.Width, heat.Values)
	// Output: 2 × 3: [0.25 0.33 0.00 1.00 0.08 0.00]
}
