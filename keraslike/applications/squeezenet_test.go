// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

type squeezeNetNumbers struct {
	Chelsea, Elephant [][2]float64 // class and probability
	Blocks            map[string]numbers
	Sizes             []struct {
		Height, Width int
		Shapes        map[string][]int
		Fire9, Prob   numbers
	}
}

func squeezeNet(t testing.TB, options ...applications.Option) *keraslike.Model {
	t.Helper()
	m, err := applications.SqueezeNet(options...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// photograph reads a picture at 227x227, prepared for SqueezeNet.
func photograph(t testing.TB, fsys fs.FS, name string) *keraslike.Array {
	t.Helper()
	a, err := datasets.LoadImage(fsys, name, datasets.ImageOptions{Height: 227, Width: 227, Filter: datasets.Bilinear, Pixels: datasets.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	if err := applications.PreprocessSqueezeNet(a.Data); err != nil {
		t.Fatal(err)
	}
	return arrayOf(t, a.Data, append([]int{1}, a.Shape...)...)
}

func checkTop(t *testing.T, p *keraslike.Array, want [][2]float64, allowed float64) {
	t.Helper()
	best, err := applications.DecodePredictions(p, len(want))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		got := best[0][i]
		if got.Class != int(w[0]) || math.Abs(float64(got.Score)-w[1]) > allowed {
			t.Errorf("place %d is %+v, PyTorch has class %v with %v", i+1, got, w[0], w[1])
		}
	}
}

func TestSqueezeNetBlocks(t *testing.T) {
	var want squeezeNetNumbers
	readJSON(t, "squeezenet.json", &want)
	m := squeezeNet(t)
	x := photograph(t, os.DirFS("testdata"), "chelsea227.png")
	if len(want.Blocks) != 15 {
		t.Fatalf("%d blocks, want 15", len(want.Blocks))
	}
	var names []string
	for name := range want.Blocks {
		names = append(names, name)
	}
	sub, err := m.SubModel(names...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sub.PredictAll(x)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		want.Blocks[name].compare(t, name, out[i])
	}
	checkTop(t, predict(t, m, x), want.Chelsea, 1e-4)
}

// Odd and even sizes at each pooling.
func TestSqueezeNetSizes(t *testing.T) {
	var want squeezeNetNumbers
	readJSON(t, "squeezenet.json", &want)
	for _, size := range want.Sizes {
		t.Run(fmt.Sprintf("%dx%d", size.Height, size.Width), func(t *testing.T) {
			pixels := noise(size.Height, size.Width)
			if err := applications.PreprocessSqueezeNet(pixels); err != nil {
				t.Fatal(err)
			}
			x := arrayOf(t, pixels, 1, size.Height, size.Width, 3)
			shape := applications.InputShape(size.Height, size.Width)
			m := squeezeNet(t, shape)
			size.Prob.compare(t, "prob", predict(t, m, x))
			for name, want := range size.Shapes {
				sub, err := m.SubModel(name)
				if err != nil {
					t.Fatal(err)
				}
				if got := predict(t, sub, x).Shape()[1:]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s has shape %v, PyTorch %v", name, got, want)
				}
			}
			bare := predict(t, squeezeNet(t, shape, applications.WithoutTop), x)
			size.Fire9.compare(t, "fire9", bare)
			checkPooled(t, bare, predict(t, squeezeNet(t, shape, applications.WithoutTop, applications.AveragePooling), x),
				predict(t, squeezeNet(t, shape, applications.WithoutTop, applications.MaxPooling), x))
		})
	}
}

// checkPooled computes the poolings of (1, height, width, channels) plainly.
func checkPooled(t *testing.T, x, mean, maximum *keraslike.Array) {
	t.Helper()
	channels := x.Shape()[3]
	cells := x.Shape()[1] * x.Shape()[2]
	for c := range channels {
		sum, most := 0.0, math.Inf(-1)
		for i := range cells {
			v := float64(x.Values()[i*channels+c])
			sum, most = sum+v, max(most, v)
		}
		if got := float64(mean.Values()[c]); math.Abs(got-sum/float64(cells)) > 1e-4*(1+got) {
			t.Fatalf("channel %d has mean %g, want %g", c, got, sum/float64(cells))
		}
		if got := float64(maximum.Values()[c]); got != most {
			t.Fatalf("channel %d has maximum %g, want %g", c, got, most)
		}
	}
}

func TestSqueezeNetElephant(t *testing.T) {
	dir := filepath.Join(os.Getenv("REEF_DATA"), "photos")
	if _, err := os.Stat(filepath.Join(dir, "creative_commons_elephant.jpg")); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the photograph is not in $REEF_DATA")
	}
	var want squeezeNetNumbers
	readJSON(t, "squeezenet.json", &want)
	m := squeezeNet(t)
	p := predict(t, m, photograph(t, os.DirFS(dir), "creative_commons_elephant.jpg"))
	// Two decoders of JPEG round differently.
	checkTop(t, p, want.Elephant[:2], 2e-3)
	best, _ := applications.DecodePredictions(p, 1)
	if best[0][0].Name != "African_elephant" || best[0][0].ID != "n02504458" {
		t.Errorf("the photograph shows %+v", best[0][0])
	}
	p = predict(t, m, photograph(t, os.DirFS(dir), "chelsea.png"))
	checkTop(t, p, want.Chelsea, 1e-3)
}

func TestSqueezeNetNamesItsClasses(t *testing.T) {
	for want, option := range map[string]applications.Option{"tench": nil, "": applications.WithoutTop} {
		var options []applications.Option
		if option != nil {
			options = append(options, option)
		}
		m, err := applications.SqueezeNet(options...)
		if err != nil {
			t.Fatal(err)
		}
		names := m.Classes(0)
		if want == "" && names != nil || want != "" && (len(names) != 1000 || names[0] != want) {
			t.Errorf("%d classes, first of %q, want %q", len(names), names, want)
		}
	}
}

func TestSqueezeNetParameters(t *testing.T) {
	for _, test := range []struct {
		options []applications.Option
		want    int
	}{{nil, 1235496}, {[]applications.Option{applications.WithoutTop}, 722496}} {
		m := squeezeNet(t, test.options...)
		if all, free := m.Parameters(); all != test.want || free != test.want {
			t.Errorf("%d parameters, %d free, want %d", all, free, test.want)
		}
	}
}

// As a layer of another model: weights by path, frozen as a whole and in part.
func TestSqueezeNetAsLayer(t *testing.T) {
	base := squeezeNet(t, applications.InputShape(32, 32), applications.WithoutTop, applications.AveragePooling)
	m := keraslike.Sequential("pets", keraslike.Input(32, 32, 3), base, keraslike.Dense(1, keraslike.Sigmoid))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	w, err := m.Weight("squeezenet/fire2/expand3x3/kernel")
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(w.Shape()) != "[3 3 16 64]" {
		t.Errorf("shape %v", w.Shape())
	}
	free := func() int { _, n := m.Parameters(); return n }
	head := 512 + 1
	for _, step := range []struct {
		change func() error
		want   int
	}{
		{func() error { return nil }, 722496 + head},
		{func() error { return m.SetTrainable(false, "squeezenet") }, head},
		{func() error { return m.SetTrainable(true, "squeezenet/fire9") }, 512*64 + 64 + 64*256 + 256 + 9*64*256 + 256 + head},
		{func() error { return m.SetTrainable(false, "squeezenet/fire9/squeeze1x1") }, 64*256 + 256 + 9*64*256 + 256 + head},
		{func() error { return m.SetTrainable(true, "squeezenet/fire8", "squeezenet/fire9") }, 2*(64*256+256+9*64*256+256) + 384*64 + 64 + 512*64 + 64 + head},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		if n := free(); n != step.want {
			t.Errorf("%d free parameters, want %d", n, step.want)
		}
	}
	sub, err := m.SubModel("squeezenet/fire3/squeeze1x1")
	if err != nil {
		t.Fatal(err)
	}
	out := predict(t, sub, arrayOf(t, make([]float32, 32*32*3), 1, 32, 32, 3))
	if fmt.Sprint(out.Shape()) != "[1 7 7 16]" {
		t.Errorf("shape %v", out.Shape())
	}
}

// Features of cats and dogs: PyTorch takes 37 s for 4,000 pictures on two cores.
func BenchmarkSqueezeNetFeatures(b *testing.B) {
	m := squeezeNet(b, applications.WithoutTop, applications.AveragePooling)
	const n = 20
	x := arrayOf(b, make([]float32, n*227*227*3), n, 227, 227, 3)
	for i, v := range noise(n*227, 227) {
		x.Values()[i] = v - 110
	}
	predict(b, m, x)
	b.ReportAllocs()
	for b.Loop() {
		predict(b, m, x)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/n, "ms/picture")
}

// TestSqueezeNetsShareWeights: a second network needs no memory for its weights, and none changes
// another.
func TestSqueezeNetsShareWeights(t *testing.T) {
	first := squeezeNet(t)
	before := first.Weights()[0].Values()
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			squeezeNet(b)
		}
	}).AllocedBytesPerOp()
	if most := int64(1 << 20); allocated > most { // the weights take 4.9 MB
		t.Errorf("a second network takes %d bytes, want at most %d", allocated, most)
	}
	second := squeezeNet(t)
	if err := second.Weights()[0].Set(make([]float32, len(before))); err != nil {
		t.Fatal(err)
	}
	if after := squeezeNet(t).Weights()[0].Values(); !slices.Equal(first.Weights()[0].Values(), before) || !slices.Equal(after, before) {
		t.Error("one network changed the weights of another")
	}
}
