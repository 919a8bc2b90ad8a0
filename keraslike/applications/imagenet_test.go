// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

func TestDecodePredictions(t *testing.T) {
	p := arrayOf(t, make([]float32, 2000), 2, 1000)
	values := p.Values()
	values[0], values[386], values[999] = 0.25, 0.5, 0.25
	values[1000+1] = 1
	got, err := applications.DecodePredictions(p, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []applications.Prediction{
		{386, "n02504458", "African_elephant", 0.5}, {0, "n01440764", "tench", 0.25}, {999, "n15075141", "toilet_tissue", 0.25},
	}
	for i, w := range want {
		if got[0][i] != w {
			t.Errorf("place %d: %+v, want %+v", i, got[0][i], w)
		}
	}
	if len(got) != 2 || len(got[1]) != 3 || got[1][0].Name != "goldfish" {
		t.Errorf("second picture: %+v", got[1])
	}
	for _, test := range []struct {
		p    *keraslike.Array
		top  int
		want string
	}{
		{p, 0, "top is 0"},
		{p, 1001, "top is 1001"},
		{nil, 1, "got shape []"},
		{arrayOf(t, make([]float32, 20), 2, 10), 1, "got shape [2 10], want [n 1000]"},
		{arrayOf(t, make([]float32, 1000), 1000), 1, "got shape [1000]"},
	} {
		if _, err := applications.DecodePredictions(test.p, test.top); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// TestPixelsOfDatasets: images that package datasets reads for a network are those that its
// Preprocess function makes.
func TestPixelsOfDatasets(t *testing.T) {
	for _, test := range []struct {
		pixels     datasets.Pixels
		preprocess func(rgb []float32) error
	}{{datasets.SqueezeNet, applications.PreprocessSqueezeNet}, {datasets.VGG16, applications.PreprocessVGG16}} {
		var images [2]datasets.Array
		for i, pixels := range []datasets.Pixels{datasets.Bytes, test.pixels} {
			var err error
			options := datasets.ImageOptions{Height: 20, Width: 30, Filter: datasets.Bilinear, Pixels: pixels}
			if images[i], err = datasets.LoadImage(os.DirFS("testdata"), "chelsea227.png", options); err != nil {
				t.Fatal(err)
			}
		}
		if err := test.preprocess(images[0].Data); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(images[0].Data, images[1].Data) {
			t.Errorf("pixels %d are not what Preprocess makes", test.pixels)
		}
	}
}

func TestPreprocess(t *testing.T) {
	rgb := []float32{1, 2, 3, 255, 0, 100}
	if err := applications.PreprocessSqueezeNet(rgb); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{3 - 104, 2 - 117, 1 - 123, 100 - 104, 0 - 117, 255 - 123} {
		if rgb[i] != want {
			t.Errorf("value %d is %g, want %g", i, rgb[i], want)
		}
	}
	if err := applications.PreprocessSqueezeNet(rgb[:4]); err == nil {
		t.Error("four values are no pixels, want an error")
	}
}
