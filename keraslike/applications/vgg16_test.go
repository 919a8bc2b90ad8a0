// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// formula fills the n-th array of a network, counted from 1, as testdata/vgg16.py does.
func formula(n int, shape []int, to []float32) {
	inputs := 1
	for _, d := range shape[:len(shape)-1] {
		inputs *= d
	}
	scale, offset := 2*math.Sqrt(6/float64(inputs)), math.Sqrt(6/float64(inputs))
	if len(shape) == 1 {
		scale, offset = 0.1, 0
	}
	for i := range to {
		h := uint32(i) ^ uint32(n)*0x9E3779B9
		h ^= h >> 16
		h *= 0x85EBCA6B
		h ^= h >> 13
		h *= 0xC2B2AE35
		h ^= h >> 16
		to[i] = float32(float64(h)/(1<<32)*scale - offset)
	}
}

func TestVGG16Blocks(t *testing.T) {
	var want []struct {
		Height, Width int
		Top           bool
		Blocks        map[string]numbers
	}
	readJSON(t, "vgg16.json", &want)
	for _, w := range want {
		options := []applications.Option{applications.Untrained, applications.InputShape(w.Height, w.Width)}
		if !w.Top {
			options = append(options, applications.WithoutTop)
		}
		m, err := applications.VGG16(options...)
		if err != nil {
			t.Fatal(err)
		}
		for i, weight := range m.Weights() {
			values := make([]float32, keraslike.Shape(weight.Shape()).Size())
			formula(i+1, weight.Shape(), values)
			if err := weight.Set(values); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Build(0); err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range w.Blocks {
			names = append(names, name)
		}
		sub, err := m.SubModel(names...)
		if err != nil {
			t.Fatal(err)
		}
		pixels := noise(w.Height, w.Width)
		if err := applications.PreprocessVGG16(pixels); err != nil {
			t.Fatal(err)
		}
		for i := range pixels {
			pixels[i] *= 0.01
		}
		x, err := keraslike.Data(arrayOf(t, pixels, 1, w.Height, w.Width, 3), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := sub.PredictSource(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			w.Blocks[name].compare(t, name, out[i])
		}
	}
}

// Keras's model.summary() says so too.
func TestVGG16Parameters(t *testing.T) {
	for _, test := range []struct {
		options []applications.Option
		size    int
		want    int
		shape   string
	}{
		{nil, 224, 138357544, "(batch, 1000)"},
		{[]applications.Option{applications.WithoutTop}, 224, 14714688, "(batch, 7, 7, 512)"},
		{[]applications.Option{applications.WithoutTop, applications.InputShape(150, 150)}, 150, 14714688, "(batch, 4, 4, 512)"},
		{[]applications.Option{applications.WithoutTop, applications.MaxPooling}, 224, 14714688, "(batch, 512)"},
	} {
		m, err := applications.VGG16(append(test.options, applications.Untrained)...)
		if err != nil {
			t.Fatal(err)
		}
		if all, _ := m.Parameters(); all != test.want {
			t.Errorf("%d parameters, want %d", all, test.want)
		}
		if got := fmt.Sprint(m.Apply(keraslike.Input(test.size, test.size, 3)).Shape()); got != test.shape {
			t.Errorf("output has shape %s, want %s", got, test.shape)
		}
	}
}

// A file laid out as Keras's vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5, whose
// n-th array is n throughout.
func TestVGG16Weights(t *testing.T) {
	path := applications.Weights("testdata/vgg16_notop_layout.h5")
	m, err := applications.VGG16(path, applications.WithoutTop, applications.InputShape(32, 32), applications.AveragePooling)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range m.Weights() {
		values := w.Values()
		if slices.Min(values) != float32(i+1) || slices.Max(values) != float32(i+1) {
			t.Errorf("%s is from %g to %g, want %d", w.Path(), slices.Min(values), slices.Max(values), i+1)
		}
	}
	for _, test := range []struct {
		options []applications.Option
		want    string
	}{
		{nil, "vgg16: no weights: pass Weights"},
		{[]applications.Option{path, applications.Untrained}, "vgg16: got both Weights and Untrained"},
		{[]applications.Option{path}, `vgg16: testdata/vgg16_notop_layout.h5 has nothing for weight "fc1/kernel" of shape [25088 4096]`},
		{[]applications.Option{path, applications.InputShape(150, 150)}, "vgg16: input shape is 150x150, want 224x224"},
		{[]applications.Option{path, applications.InputShape(31, 150)}, "vgg16: input shape is 31x150, want at least 32x32"},
		{[]applications.Option{applications.WithoutTop, applications.Weights("testdata/absent.h5")}, "no such file"},
		{[]applications.Option{applications.WithoutTop, applications.Weights("squeezenet/squeezenet1.1.safetensors")}, "no layer in common"},
	} {
		if _, err := applications.VGG16(test.options...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if _, err := applications.SqueezeNet(path); err == nil || !strings.Contains(err.Error(), "no layer in common") {
		t.Errorf("SqueezeNet: error %v", err)
	}
}
