// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	"math"
	"os"
	"testing"
)

func photo(t *testing.T) image.Image {
	t.Helper()
	f, err := os.Open("testdata/chelsea.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// filtered is what a first convolution sees: the photo through 24 Gabor
// filters of 9 × 9 in eight directions and three wave lengths, stride 2, then ReLU; one
// more channel is dead.
func filtered(t *testing.T) Volume {
	in := FromImage(photo(t))
	out := Volume{Height: (in.Height - 8) / 2, Width: (in.Width - 8) / 2, Channels: 25}
	out.Values = make([]float32, out.Height*out.Width*out.Channels)
	for c := range out.Channels - 1 {
		angle, wave := float64(c%8)*math.Pi/8, 3+2*float64(c/8)
		var kernel [81]float32
		for i := range kernel {
			u, v := float64(i%9-4), float64(i/9-4)
			kernel[i] = float32(math.Exp(-(u*u+v*v)/10) * math.Sin(2*math.Pi*(u*math.Cos(angle)+v*math.Sin(angle))/wave))
		}
		for y := range out.Height {
			for x := range out.Width {
				var sum float32
				for i, k := range kernel {
					sum += k * in.At(2*y+i/9, 2*x+i%9, 1)
				}
				out.Values[(y*out.Width+x)*out.Channels+c] = max(sum, 0)
			}
		}
	}
	return out
}

func TestActivationGridFigure(t *testing.T) {
	v := filtered(t)
	f, err := ActivationGrid("conv2d", v, 8, Standardized)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "activations", f)
	one, err := Channel("conv2d", v, 10)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "channel", one)
	if _, err := Channel("conv2d", v, 25); err == nil || err.Error() != "conv2d: channel 25 of 25" {
		t.Errorf("channel 25: %v", err)
	}
}

// TestScaling: by hand, values 0 and 4 have mean 2 and standard deviation 2,
// so they become 128 ± 64 of 255.
func TestScaling(t *testing.T) {
	standard := Standardized.fit([]float64{0, 4})
	if lo, hi := standard(0), standard(4); math.Abs(lo-64.0/255) > 1e-12 || math.Abs(hi-192.0/255) > 1e-12 {
		t.Errorf("standardized 0 and 4 = %v, %v", lo, hi)
	}
	minMax := MinMax.fit([]float64{-1, 3, 1})
	if a, b, c := minMax(-1), minMax(1), minMax(3); a != 0 || b != 0.5 || c != 1 {
		t.Errorf("min-max of -1, 1, 3 = %v, %v, %v", a, b, c)
	}
	if dead := Standardized.fit([]float64{7, 7}); dead(7) != 0 {
		t.Errorf("a dead channel is drawn at %v", dead(7))
	}
}

func TestVolumeErrors(t *testing.T) {
	tests := []struct {
		v    Volume
		want string
	}{
		{Volume{0, 2, 1, nil}, "volume is 0 × 2 × 1, want at least one of each"},
		{Volume{1, 2, 3, make([]float32, 5)}, "volume of 1 × 2 × 3 has 5 values, want 6"},
		{Volume{2, 2, 1, []float32{0, 0, float32(math.NaN()), 0}}, "volume at row 1, column 0, channel 0 is NaN"},
		{Volume{1, 1, 2, []float32{0, 0}}, "volume has 2 channels, an image has 1 or 3"},
	}
	for _, test := range tests {
		if _, err := test.v.Image(); err == nil || err.Error() != test.want {
			t.Errorf("error = %v, want %s", err, test.want)
		}
	}
}

func TestVolumeImageRoundTrip(t *testing.T) {
	img := photo(t)
	back, err := FromImage(img).Image()
	if err != nil {
		t.Fatal(err)
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			got, want := back.NRGBAAt(x, y), color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if apart(got, want) > 1 { // the color model cuts where we round
				t.Fatalf("pixel %d, %d = %v, want %v", x, y, got, want)
			}
		}
	}
}

func apart(a, b color.NRGBA) int {
	d := 0
	for _, pair := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}} {
		d = max(d, int(pair[0])-int(pair[1]), int(pair[1])-int(pair[0]))
	}
	return d
}

func TestSpark(t *testing.T) {
	tests := []struct {
		values []float64
		width  int
		want   string
	}{
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8}, 0, "▁▂▃▄▅▆▇█"},
		{[]float64{3, 3}, 0, "▄▄"},
		{[]float64{0, math.NaN(), 1}, 0, "▁ █"},
		{[]float64{0, 2, 4, 6}, 2, "▁█"},
		{[]float64{math.NaN(), math.NaN(), 1, 1}, 2, " ▄"},
		{nil, 5, ""},
	}
	for _, test := range tests {
		if got := Spark(test.values, test.width); got != test.want {
			t.Errorf("Spark(%v, %d) = %q, want %q", test.values, test.width, got, test.want)
		}
	}
}

func ExampleSpark() {
	loss := []float64{1.52, 0.86, 0.61, 0.52, 0.47, 0.44, 0.45, 0.48}
	fmt.Println(Spark(loss, 0))
	// Output: █▄▂▂▁▁▁▁
}
