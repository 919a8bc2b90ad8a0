// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// folder is a file system with three classes of PNG images of one color each.
func folder(t testing.TB) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{"top/readme.txt": {}, "top/b/notes.txt": {}, "top/.hidden/0.png": {}}
	for class, name := range []string{"a", "b", "c"} {
		for i := range 4 {
			m := image.NewNRGBA(image.Rect(0, 0, 3, 2))
			for p := range 6 {
				m.Set(p%3, p/3, color.NRGBA{uint8(class), uint8(i), uint8(p), 255})
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			fsys[fmt.Sprintf("top/%s/%d.png", name, i)] = &fstest.MapFile{Data: b.Bytes()}
		}
	}
	return fsys
}

func TestFolder(t *testing.T) {
	s, err := NewImageFolder(folder(t), "top", ImageOptions{Height: 2, Width: 3, Pixels: Bytes, Cache: true})
	if err != nil {
		t.Fatal(err)
	}
	if in, out := s.Shapes(); s.Len() != 12 || fmt.Sprint(s.Names(), in, out) != "[a b c] [[2 3 3]] [[]]" {
		t.Errorf("%d images of %v, shapes %v %v", s.Len(), s.Names(), in, out)
	}
	for range 2 { // the second time from memory
		x, y := readAll(t, s)
		for i := range 12 {
			if y[i] != float32(i/4) || x[18*i] != float32(i/4) || x[18*i+1] != float32(i%4) || x[18*i+17] != 5 {
				t.Fatalf("image %d: class %v, pixels %v", i, y[i], x[18*i:18*i+18])
			}
		}
	}
	if name, class := s.File(5); name != "top/b/1.png" || class != 1 {
		t.Errorf("image 5 is %s of class %d", name, class)
	}
	vgg, err := s.With(ImageOptions{Height: 2, Width: 3, Pixels: VGG16})
	if err != nil {
		t.Fatal(err)
	}
	x, _ := readAll(t, vgg)
	if got, want := x[18*6+3:18*6+6], []float32{1 - 103.939, 2 - 116.779, 1 - 123.68}; !slices.Equal(got, want) {
		t.Errorf("VGG16: %v, want %v", got, want)
	}
	squeeze, err := s.With(ImageOptions{Height: 2, Width: 3, Pixels: SqueezeNet})
	if err != nil {
		t.Fatal(err)
	}
	x, _ = readAll(t, squeeze)
	if got, want := x[18*6+3:18*6+6], []float32{1 - 104, 2 - 117, 1 - 123}; !slices.Equal(got, want) {
		t.Errorf("SqueezeNet: %v, want %v", got, want)
	}
}

func TestFolderErrors(t *testing.T) {
	good := ImageOptions{Height: 2, Width: 3}
	fsys := folder(t)
	for _, c := range []struct {
		dir  string
		o    ImageOptions
		want string
	}{
		{"none", good, "image folder: open none: file does not exist"},
		{"top/a", good, "image folder: top/a has 0 class folders with 0 images"},
		{"top", ImageOptions{}, "images: size 0x0, want at least 1x1"},
		{"top", ImageOptions{Height: 1 << 20, Width: 1 << 20}, "images: size 1048576x1048576, want at least 1x1"},
		{"top", ImageOptions{Height: 1, Width: 1, Filter: 7}, "images: filter 7 is unknown"},
		{"top", ImageOptions{Height: 1, Width: 1, Pixels: 7}, "images: pixel values 7 are unknown"},
		{"top", ImageOptions{Height: 1, Width: 1, Augment: &Augment{Zoom: 1}}, "augment: zoom 1, want 0 to less than 1"},
		{"top", ImageOptions{Height: 1, Width: 1, Augment: &Augment{Rotation: math.NaN()}}, "augment: rotation NaN, want 0 to 1e6"},
		{"top", ImageOptions{Height: 1, Width: 1, Augment: &Augment{Brightness: [2]float64{2, 1}}}, "augment: brightness 2 to 1, want 0 or more"},
	} {
		if _, err := NewImageFolder(fsys, c.dir, c.o); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
	fsys["top/a/0.png"].Data = fsys["top/a/0.png"].Data[:40]
	s, err := NewImageFolder(fsys, "top", good)
	if err != nil {
		t.Fatal(err)
	}
	in, out := s.buffers(2)
	if err := s.Read([]int{1, 0}, in, out); err == nil || !strings.HasPrefix(err.Error(), "top/a/0.png: ") {
		t.Errorf("got error %v, want one that names top/a/0.png", err)
	}
}

// FuzzFolderArchive opens any bytes as an archive of images.
func FuzzFolderArchive(f *testing.F) {
	for _, evil := range []string{"train/cats/0.png", "../../etc/cats/0.png", "/train/cats/0.png", "train/cats"} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range []string{evil, "train/dogs/1.png"} {
			w, err := z.Create(name)
			if err != nil {
				f.Fatal(err)
			}
			if _, err := w.Write([]byte("no image")); err != nil {
				f.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		if _, err := sortImages(z, "f"); err != nil && !strings.HasPrefix(err.Error(), "f: ") {
			t.Fatalf("error does not name the file: %v", err)
		}
		s, err := NewImageFolder(z, "train", ImageOptions{Height: 2, Width: 2})
		if err != nil {
			return
		}
		in, out := s.buffers(1)
		for i := range min(s.Len(), 5) {
			_ = s.Read([]int{i}, in, out) // an error or not, but no panic
		}
	})
}

// TestAugmentDoesNotDependOnOrder reads one epoch in order, and another source in
// pieces, shuffled, on many goroutines: the n-th reading of an image is the same.
func TestAugmentDoesNotDependOnOrder(t *testing.T) {
	o := ImageOptions{Height: 20, Width: 30, Augment: &Augment{Rotation: 40, Zoom: 0.2, HorizontalFlip: true, Seed: 5}}
	newSource := func() *ImageFolder {
		train, _, _, err := CatsDogs(t.Context(), From{Source: Sample}, o)
		if err != nil {
			t.Fatal(err)
		}
		return train
	}
	a, b := newSource(), newSource()
	const n = 15
	indices := upTo(n)
	size := a.inputSizes[0]
	var epochs [2][]float32
	for e := range epochs {
		epochs[e] = make([]float32, n*size)
		if err := a.Read(indices, [][]float32{epochs[e]}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have the same images")
	}
	for e := range epochs {
		got := make([]float32, n*size)
		var wg sync.WaitGroup
		order := Permutation(n, uint32(e))
		for at := 0; at < n; at += 5 {
			wg.Go(func() {
				part := order[at : at+5]
				x := make([]float32, 5*size)
				if err := b.Read(part, [][]float32{x}, nil); err != nil {
					t.Error(err)
				}
				for j, i := range part {
					copy(got[i*size:(i+1)*size], x[j*size:])
				}
			})
		}
		wg.Wait()
		if !slices.Equal(got, epochs[e]) {
			t.Errorf("epoch %d depends on the order", e)
		}
	}
}

// TestLoadImage compares a photograph with what PIL reads: the decoders differ a
// little in JPEG, not in PNG (testdata/make_photo.py).
func TestLoadImage(t *testing.T) {
	path := realData(t, "photos", "chelsea.png")
	a, err := LoadImage(os.DirFS(filepath.Dir(path)), "chelsea.png", ImageOptions{Height: 150, Width: 150, Pixels: Bytes})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, v := range a.Data {
		sum += float64(v)
	}
	if fmt.Sprint(a.Shape) != "[150 150 3]" || sum != 7789278 {
		t.Errorf("shape %v, sum of all bytes %.0f, PIL gives 7789278", a.Shape, sum)
	}
}

// TestDigest changes one thing at a time; the same things give the same digest.
func TestDigest(t *testing.T) {
	o := ImageOptions{Height: 2, Width: 3}
	digest := func(change func(fsys fstest.MapFS)) [32]byte {
		t.Helper()
		fsys := folder(t)
		if change != nil {
			change(fsys)
		}
		s, err := NewImageFolder(fsys, "top", o)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := s.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	seen := map[[32]byte]string{}
	for name, sum := range map[string][32]byte{
		"nothing": digest(nil),
		"byte":    digest(func(f fstest.MapFS) { f["top/b/1.png"].Data = append([]byte{}, f["top/b/2.png"].Data...) }),
		"name":    digest(func(f fstest.MapFS) { f["top/b/5.png"] = f["top/b/3.png"]; delete(f, "top/b/3.png") }),
		"class":   digest(func(f fstest.MapFS) { f["top/a/4.png"] = f["top/b/0.png"]; delete(f, "top/b/0.png") }),
	} {
		if seen[sum] != "" {
			t.Errorf("%s and %s have the same digest", name, seen[sum])
		}
		seen[sum] = name
	}
	if again := digest(nil); seen[again] != "nothing" {
		t.Error("the same images have another digest")
	}
	o.Height = 3
	if sum := digest(nil); seen[sum] != "" {
		t.Error("another size has the same digest")
	}
	a, b, _, err := CatsDogs(t.Context(), From{Source: Sample}, o)
	if err != nil {
		t.Fatal(err)
	}
	x, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if y, err := b.Digest(); err != nil || x == y {
		t.Errorf("drawings to train and to validate have the same digest (%v)", err)
	}
	gone := folder(t)
	s, err := NewImageFolder(gone, "top", o)
	if err != nil {
		t.Fatal(err)
	}
	delete(gone, "top/b/1.png")
	if _, err := s.Digest(); err == nil || !strings.Contains(err.Error(), "top/b/1.png") {
		t.Errorf("got error %v, want one that names top/b/1.png", err)
	}
}
