// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// pictureOf encodes an image of the given size whose pixels depend on seed.
func pictureOf(t testing.TB, format string, height, width, seed int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.RGBA{uint8(x*7 + seed), uint8(y * 5), uint8(seed * 31), 255})
		}
	}
	var b bytes.Buffer
	var err error
	if format == "png" {
		err = png.Encode(&b, m)
	} else {
		err = jpeg.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImageCheck(t *testing.T) {
	whole := pictureOf(t, "jpeg", 40, 40, 3)
	corrupt := slices.Clone(pictureOf(t, "png", 40, 40, 4))
	corrupt[len(corrupt)/2] ^= 0xff
	fsys := fstest.MapFS{}
	for name, raw := range map[string][]byte{
		"a/0.jpg": whole, "a/1.png": pictureOf(t, "png", 30, 50, 1), "a/2.jpg": whole[:len(whole)-20], "a/3.png": corrupt,
		"a/4.jpg": []byte("<html>no image"), "a/5.png": pictureOf(t, "png", 10, 40, 1), "a/6.png": pictureOf(t, "png", 20, 80, 1), "a/7.png": {},
		"b/0.jpg": whole, "b/1.jpg": pictureOf(t, "jpeg", 40, 40, 2),
	} {
		fsys[name] = &fstest.MapFile{Data: raw}
	}
	s, err := NewImageFolder(fsys, "", ImageOptions{Height: 32, Width: 32})
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Check(t.Context(), false)
	if err == nil || err.Error() != "a/4.jpg: an HTML page, want JPEG, PNG, GIF or BMP\na/7.png: an empty file, want JPEG, PNG, GIF or BMP" {
		t.Errorf("error %v", err)
	}
	const headers = `10 images of 2 classes, 0.0 MB, headers read
class  images  share
a      8       80.0 %
b      2       20.0 %
unbalanced: 4.0 times as many of a as of b; class weights or more images of the rare class help
heights 10 to 40, half below 40; widths 40 to 80, half below 40; resized to 32x32
images that cannot be read and end training: 2
  a/4.jpg: an HTML page, want JPEG, PNG, GIF or BMP
  a/7.png: an empty file, want JPEG, PNG, GIF or BMP
images to look at: 3
  a/2.jpg: has no end mark of its format (jpeg): perhaps truncated
  a/5.png: 10x40 pixels, enlarged to 32x32
  a/6.png: 20x80 pixels, distorted to 32x32
images that are there more than once: 1
  a/0.jpg = b/0.jpg, in 2 classes`
	if got := report.String(); got != headers {
		t.Errorf("got\n%s\nwant\n%s", got, headers)
	}
	if !reflect.DeepEqual(report.Duplicates, [][]int{{0, 8}}) || !slices.Equal(report.Counts, []int{8, 2}) || report.Faults[0].Index != 4 || report.Decoded {
		t.Errorf("duplicates %v, counts %v", report.Duplicates, report.Counts)
	}
	report, err = s.Check(t.Context(), true)
	if err == nil || !report.Decoded || len(report.Faults) != 4 || report.Faults[0].File != "a/2.jpg" || report.Faults[1].File != "a/3.png" || report.Faults[3].Index != 7 {
		t.Fatalf("faults %v, error %v", report.Faults, err)
	}
	if !strings.Contains(err.Error(), "a/2.jpg: a JPEG image: invalid JPEG format: short Huffman data\na/3.png: a PNG image: ") {
		t.Errorf("error %v", err)
	}
	// What the check finds is what training meets.
	var met []int
	for i := range s.Len() {
		if s.Read([]int{i}, [][]float32{make([]float32, 32*32*3)}, nil) != nil {
			met = append(met, i)
		}
	}
	if !slices.Equal(met, []int{2, 3, 4, 7}) {
		t.Errorf("training ends at %v", met)
	}
	good, err := NewImageFolder(folder(t), "./top/", ImageOptions{Height: 2, Width: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, decode := range []bool{false, true} {
		report, err := good.Check(t.Context(), decode)
		if err != nil || report.Err() != nil || len(report.Faults) != 0 || !strings.HasSuffix(report.String(), "\nnothing to complain about") {
			t.Errorf("%v: %v", report, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := good.Check(cancelled, true); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// fragile is a file system that fails at one file in its own way.
type fragile struct {
	fstest.MapFS
	at   string
	fail func() error
}

func (f fragile) Open(name string) (fs.File, error) {
	if name == f.at {
		if err := f.fail(); err != nil {
			return nil, err
		}
	}
	return f.MapFS.Open(name)
}

// TestImageCheckOfFragileFiles: whatever a file system does is a fault of the file.
func TestImageCheckOfFragileFiles(t *testing.T) {
	for _, c := range []struct {
		fail func() error
		want string
	}{
		{func() error { return &fs.PathError{Op: "open", Path: "top/b/1.png", Err: fs.ErrPermission} }, "open top/b/1.png: permission denied"},
		{func() error { panic("broken") }, "top/b/1.png: reading it panicked"},
		{func() error { runtime.Goexit(); return nil }, "top/b/1.png: reading it ended its goroutine"},
	} {
		s, err := NewImageFolder(fragile{folder(t), "top/b/1.png", c.fail}, "top", ImageOptions{Height: 2, Width: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, decode := range []bool{false, true} {
			report, err := s.Check(t.Context(), decode)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || len(report.Faults) != 1 || report.Faults[0].Index != 5 {
				t.Errorf("got error %v, want %s", err, c.want)
			}
		}
	}
}

func TestEmptyClasses(t *testing.T) {
	fsys := folder(t)
	for _, name := range []string{"top/d/x.txt", "top/e/x.txt"} {
		fsys[name] = &fstest.MapFile{}
	}
	const want = "image folder: 2 class folders contain no images (.jpg .jpeg .png .gif .bmp): remove them or add some: top/d, top/e"
	if _, err := NewImageFolder(fsys, "top", ImageOptions{Height: 2, Width: 3}); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

// TestFolderOptions: a service gets the numbers of training, after saving.
func TestFolderOptions(t *testing.T) {
	raw := pictureOf(t, "jpeg", 20, 31, 1)
	fsys := fstest.MapFS{"cat/0.jpg": {Data: raw}, "dog/0.jpg": {Data: raw}}
	s, err := NewImageFolder(fsys, ".", ImageOptions{Height: 8, Width: 6, Filter: Bilinear, Crop: true, Pixels: VGG16, Cache: true})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := readAll(t, s)
	got, err := DecodeImage(bytes.NewReader(raw), "body", savedPreprocessor(t, s.Options()).(ImageOptions))
	if err != nil || !slices.Equal(got.Data, want[:len(got.Data)]) {
		t.Errorf("encoded otherwise than in training: %v", err)
	}
}

// TestCrop: of 3 rows and 8 columns, the middle 3x3 is columns 2 to 4 (offset (8-3)/2 rounded
// down); for a ratio of 1 to 4, 2 rows from row 0.
func TestCrop(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 8, 3))
	for i := range m.Pix {
		m.Pix[i] = uint8(i)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		height, width int
		want          []float32 // red
	}{
		{3, 3, []float32{2, 3, 4, 10, 11, 12, 18, 19, 20}},
		{2, 8, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
		{3, 8, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
		{3, 1, []float32{3, 11, 19}},
	} {
		a, err := DecodeImage(bytes.NewReader(b.Bytes()), "m.png", ImageOptions{Height: c.height, Width: c.width, Pixels: Bytes, Crop: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for i := 0; i < len(a.Data); i += 3 {
			got = append(got, a.Data[i])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%dx%d: %v, want %v", c.height, c.width, got, c.want)
		}
	}
	fsys := fstest.MapFS{"m.png": {Data: b.Bytes()}}
	a, err := LoadImage(fsys, "m.png", ImageOptions{Filter: Bilinear, Crop: true, Pixels: Bytes})
	if err != nil || !slices.Equal(a.Shape, []int{3, 8, 3}) || a.Data[3*23] != 23 {
		t.Errorf("in its own size: %v %v", a.Shape, err)
	}
}
