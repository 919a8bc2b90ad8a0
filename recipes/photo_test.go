// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
)

// painted is a picture of one color.
func painted(img interface {
	image.Image
	Set(x, y int, c color.Color)
}, c color.Color,
) []byte {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// TestPhotoKinds: whatever a file holds, a network gets red, green and blue from 0 to
// 1 in its size, and what is shown has the shape of the file.
func TestPhotoKinds(t *testing.T) {
	cmyk, err := os.ReadFile(filepath.Join("testdata", "cmyk.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file          []byte
		rgb           [3]float64
		height, width int // as shown
	}{
		"gray.png":        {painted(image.NewGray(image.Rect(0, 0, 9, 7)), color.Gray{Y: 102}), [3]float64{0.4, 0.4, 0.4}, 7, 9},
		"sixteen.png":     {painted(image.NewNRGBA64(image.Rect(0, 0, 9, 7)), color.NRGBA64{R: 65535, G: 32896, A: 65535}), [3]float64{1, 128. / 255, 0}, 7, 9},
		"grey16.png":      {painted(image.NewGray16(image.Rect(0, 0, 9, 7)), color.Gray16{Y: 13107}), [3]float64{0.2, 0.2, 0.2}, 7, 9},
		"transparent.png": {painted(image.NewNRGBA(image.Rect(0, 0, 9, 7)), color.NRGBA{R: 255, B: 51, A: 100}), [3]float64{1, 0, 0.2}, 7, 9},
		"palette.png":     {painted(image.NewPaletted(image.Rect(0, 0, 9, 7), color.Palette{color.Black, color.White}), color.White), [3]float64{1, 1, 1}, 7, 9},
		"tiny.png":        {painted(image.NewNRGBA(image.Rect(0, 0, 1, 1)), color.NRGBA{G: 255, A: 255}), [3]float64{0, 1, 0}, 1, 1},
		"wide.png":        {painted(image.NewGray(image.Rect(0, 0, 3000, 2)), color.White), [3]float64{1, 1, 1}, 1, photoSide},
		"huge.png":        {painted(image.NewGray(image.Rect(0, 0, 1600, 2000)), color.White), [3]float64{1, 1, 1}, photoSide, photoSide * 4 / 5},
		"cmyk.jpg":        {cmyk, [3]float64{1, 0, 0}, 8, 16}, // its left half
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := openPhoto(path)
			if err != nil {
				t.Fatal(err)
			}
			if b := p.image.Bounds(); b.Dy() != c.height || b.Dx() != c.width {
				t.Errorf("shown as %d × %d, want %d × %d", b.Dy(), b.Dx(), c.height, c.width)
			}
			x, err := p.at(20, 30)
			if err != nil || len(x.Values) != 20*30*3 {
				t.Fatalf("%d values (%v)", len(x.Values), err)
			}
			for k, want := range c.rgb {
				if got := float64(x.At(10, 3, k)); math.Abs(got-want) > 0.01 {
					t.Errorf("color %d is %v, want %v", k, got, want)
				}
			}
		})
	}
}

// TestPhotoMistakes: the error names the file, comes before anything is trained, and
// nothing is written.
func TestPhotoMistakes(t *testing.T) {
	cache := noCache(t)
	var photograph bytes.Buffer
	if err := jpeg.Encode(&photograph, image.NewGray(image.Rect(0, 0, 64, 64)), nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.jpg"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"broken.jpg": photograph.Bytes()[:photograph.Len()/2], "empty.jpg": {}, "text.png": []byte("no picture"), "bomb.png": bomb(), "folder.jpg": nil, "absent.jpg": nil,
	} {
		path := filepath.Join(dir, name)
		if content != nil {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		o := Options{Data: datasets.From{Source: datasets.Sample}, Explain: path}
		if r, err := CatsDogs(t.Context(), o); err == nil || r != nil || !strings.Contains(err.Error(), "photo "+path) {
			t.Errorf("catsdogs, %s: report %v, error %v", name, r, err)
		}
		if r, err := Visualize(t.Context(), o); err == nil || r != nil || !strings.Contains(err.Error(), "photo "+path) {
			t.Errorf("visualize, %s: report %v, error %v", name, r, err)
		}
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("the cache holds %v (%v)", left, err)
	}
}

// bomb is a PNG of a few bytes that declares 65,536 × 65,536 pixels.
func bomb() []byte {
	raw := painted(image.NewGray(image.Rect(0, 0, 1, 1)), color.White)
	copy(raw[16:], []byte{0, 1, 0, 0, 0, 1, 0, 0})
	sum := crc32.ChecksumIEEE(raw[12:29]) // of the header's name and its 13 bytes
	copy(raw[29:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return raw
}

// TestPhotographsMistakes: a class without a picture, and a file that is not a picture,
// which the error names.
func TestPhotographsMistakes(t *testing.T) {
	cache := noCache(t)
	fill := func(good map[string]bool) string {
		dir := t.TempDir()
		for _, part := range []string{"train", "validation", "test"} {
			for class, drawn := range good {
				folder := filepath.Join(dir, part, class)
				if err := os.MkdirAll(folder, 0o755); err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
					t.Fatal(err)
				}
				if !drawn {
					continue
				}
				if err := os.WriteFile(filepath.Join(folder, class[:3]+".1.jpg"), b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		return dir
	}
	empty := fill(map[string]bool{"cats": true, "dogs": false})
	spoiled := fill(map[string]bool{"cats": true, "dogs": true})
	if err := os.WriteFile(filepath.Join(spoiled, "test", "dogs", "dog.1.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		empty:   `1 images of cats and dogs for the part "train", want some of both`,
		spoiled: "test/dogs/dog.1.jpg: a text file, want JPEG, PNG, GIF or BMP",
	} {
		if _, err := CatsDogs(t.Context(), Options{Data: datasets.From{Source: dir}, Variant: "features"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if partial, err := filepath.Glob(filepath.Join(cache, "features", ".*")); err != nil || len(partial) > 0 {
		t.Errorf("left behind: %q (%v)", partial, err)
	}
}
