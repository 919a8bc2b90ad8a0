// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSaveImageFile: what is saved as PNG and loaded again is the same, in all kinds of pixels.
func TestSaveImageFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.PNG")
	for _, pixels := range []Pixels{Unit, Bytes, VGG16, SqueezeNet} {
		o := ImageOptions{Height: 10, Width: 14, Pixels: pixels}
		photo, err := LoadImageFile("../examples/transfer/testdata/photo.jpg", o)
		if err != nil {
			t.Fatal(err)
		}
		if err := SaveImageFile(path, photo, SaveOptions{Pixels: pixels}); err != nil {
			t.Fatal(err)
		}
		again, err := LoadImageFile(path, ImageOptions{Pixels: pixels})
		if err != nil || !slices.Equal(again.Shape, photo.Shape) || !slices.Equal(again.Data, photo.Data) {
			t.Errorf("pixels %d: %v of shape %v, %v, want the photo", pixels, again.Data[:6], again.Shape, err)
		}
		gray, err := LoadImageFile(path, ImageOptions{Gray: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := SaveImageFile(path, Array{gray.Shape[:2], gray.Data}, SaveOptions{}); err != nil {
			t.Fatal(err)
		}
		if again, err := LoadImageFile(path, ImageOptions{Gray: true}); err != nil || !slices.Equal(again.Data, gray.Data) {
			t.Errorf("gray: %v, %v, want the photo", again.Shape, err)
		}
	}
}

// TestSaveImages lays out images of 1 x 2 pixels, as PNG and, within what JPEG loses, as JPEG.
func TestSaveImages(t *testing.T) {
	images := Array{[]int{1, 2, 1}, []float32{0, 51, 102, 153, 204, 255, -9, 254.6, 300, float32(math.Inf(-1))}}
	for _, test := range []struct {
		perRow int
		shape  []int
		want   []float32
	}{
		{0, []int{2, 6, 1}, []float32{0, 51, 102, 153, 204, 255, 0, 255, 255, 0, 0, 0}},
		{2, []int{3, 4, 1}, []float32{0, 51, 102, 153, 204, 255, 0, 255, 255, 0, 0, 0}},
		{1, []int{5, 2, 1}, []float32{0, 51, 102, 153, 204, 255, 0, 255, 255, 0}},
		{9, []int{1, 10, 1}, []float32{0, 51, 102, 153, 204, 255, 0, 255, 255, 0}},
	} {
		for name, tol := range map[string]float64{"a.png": 0, "a.jpg": 40, "b.jpeg": 40} {
			path := filepath.Join(t.TempDir(), name)
			if err := SaveImageFile(path, images, SaveOptions{Pixels: Bytes, PerRow: test.perRow}); err != nil {
				t.Fatal(err)
			}
			got, err := LoadImageFile(path, ImageOptions{Gray: true, Pixels: Bytes})
			if err != nil || !slices.Equal(got.Shape, test.shape) {
				t.Errorf("%s with %d per row: shape %v, %v, want %v", name, test.perRow, got.Shape, err, test.shape)
				continue
			}
			for i, v := range got.Data {
				if !(math.Abs(float64(v-test.want[i])) <= tol) {
					t.Errorf("%s with %d per row: %v, want %v", name, test.perRow, got.Data, test.want)
					break
				}
			}
		}
	}
}

func TestSaveImageErrors(t *testing.T) {
	dir := t.TempDir()
	one := Array{[]int{1, 2}, []float32{0, 1}}
	for _, test := range []struct {
		name   string
		images Array
		o      SaveOptions
		want   string
	}{
		{"a.bmp", one, SaveOptions{}, `a.bmp: the extension is ".bmp", want .png, .jpg or .jpeg`},
		{"a", one, SaveOptions{}, `a: the extension is "", want`},
		{"a.png", Array{[]int{2}, []float32{0, 1}}, SaveOptions{}, "images have shape [2], want (height, width)"},
		{"a.png", Array{[]int{1, 1, 2}, []float32{0, 1}}, SaveOptions{}, "images have shape [1 1 2], want"},
		{"a.png", Array{[]int{1, 2}, nil}, SaveOptions{}, "there are no images"},
		{"a.png", Array{[]int{1, 2}, []float32{0, 1, 2}}, SaveOptions{}, "3 numbers are not a whole number of images of shape [1 2]"},
		{"a.png", Array{[]int{-1, 2}, []float32{0, 1}}, SaveOptions{}, "images are -1x2, want at least 1x1"},
		{"a.png", Array{[]int{math.MaxInt, math.MaxInt}, []float32{0, 1}}, SaveOptions{}, "at most 33554432 pixels"},
		{"a.png", one, SaveOptions{PerRow: -1}, "-1 images per row"},
		{"a.png", one, SaveOptions{Pixels: 7}, "pixel values 7 are unknown"},
		{"a.png", one, SaveOptions{Pixels: VGG16}, "images of shape [1 2] with the colors of a pretrained network, want 3 channels"},
		{"a.png", Array{[]int{1, 2}, []float32{0, 1, 0, float32(math.NaN())}}, SaveOptions{}, "image 1 has NaN at row 0, column 1"},
		{"missing/a.png", one, SaveOptions{}, "no such file"},
	} {
		err := SaveImageFile(filepath.Join(dir, test.name), test.images, test.o)
		if err == nil || !strings.HasPrefix(err.Error(), "save image: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("errors left %v, %v", left, err)
	}
}
