// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a file system with one PNG under each name that is an image's, and as well the
// same tree on disk and as an archive.
func tree(t *testing.T, names ...string) map[string]fs.FS {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	memory, dir := fstest.MapFS{}, t.TempDir()
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, name := range names {
		raw := b.Bytes()
		if base := filepath.Base(name); strings.HasPrefix(base, "._") || !isImage(base) {
			raw = []byte("\x00\x05\x16\x07no image")
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
			memory[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
			raw = nil
		} else {
			put(t, filepath.Join(dir, name), raw)
			memory[name] = &fstest.MapFile{Data: raw}
		}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]fs.FS{"memory": memory, "disk": os.DirFS(dir), "zip": r}
}

// TestFolderClasses: which folders are classes and which files their images. Names and
// order, where something is read, are those of keras.utils.image_dataset_from_directory
// 3.15 with shuffle=False, but for ._ files, __MACOSX and @eaDir, which Keras takes.
func TestFolderClasses(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string // classes and files, or a part of the error
	}{
		{[]string{"cats/c.png", "dogs/d.png", "__MACOSX/cats/._c.png"}, "[cats dogs] cats/c.png=0 dogs/d.png=1"},
		{[]string{"cats/c.png", "cats/._c.png", "dogs/d.png", "dogs/.DS_Store", "dogs/Thumbs.db", ".git/x.png", "._cats", "@eaDir/cats/c.png"}, "[cats dogs] cats/c.png=0 dogs/d.png=1"},
		{[]string{"cats/@eaDir/c.png/thumb.jpg", "cats/c.png", "dogs/.trash/x.png", "dogs/d.png"}, "[cats dogs] cats/c.png=0 dogs/d.png=1"},
		{[]string{"b/z.png", "b/a/2.png", "b/a/1.png", "b/a.png", "b/B.PNG", "b/a b/3.png", "a/deep/er/x.png"}, "[a b] a/deep/er/x.png=0 b/B.PNG=1 b/a.png=1 b/z.png=1 b/a/1.png=1 b/a/2.png=1 b/a b/3.png=1"},
		{[]string{"root.png", "cats/c.jpeg.png", "dogs/d.png", "dogs/e.txt", "dogs/jpg", "dogs/f.png.bak"}, "[cats dogs] cats/c.jpeg.png=0 dogs/d.png=1"},
		{[]string{"10/x.png", "9/x.png", "Z/x.png", "a/x.png"}, "[10 9 Z a] 10/x.png=0 9/x.png=1 Z/x.png=2 a/x.png=3"},
		{[]string{"a/x.png", "b/", "c/x.png"}, "class folder b contains no images (.jpg .jpeg .png .gif .bmp): remove it or add some"},
		{[]string{"a/x.png", "b/notes.txt", "c/x.png"}, "class folder b contains no images"},
		{[]string{"a/x.png", "b/._x.png", "c/x.png"}, "class folder b contains no images"},
		{[]string{"a/x.png"}, "has 1 class folder with 1 image, want one folder for each of at least two classes"},
		{[]string{"a.png", "b.png"}, "has 0 class folders with 0 images"},
	} {
		for kind, fsys := range tree(t, c.files...) {
			s, err := NewImageFolder(fsys, ".", ImageOptions{Height: 2, Width: 2})
			if err != nil {
				if !strings.HasPrefix(err.Error(), "image folder: ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s %v: got error %v, want %s", kind, c.files, err, c.want)
				}
				continue
			}
			got := fmt.Sprint(s.Names())
			for i := range s.Len() {
				name, class := s.File(i)
				got += fmt.Sprintf(" %s=%d", name, class)
			}
			if got != c.want {
				t.Errorf("%s %v:\ngot  %s\nwant %s", kind, c.files, got, c.want)
			}
			readAll(t, s)
		}
	}
}

// The usual mistake is a misspelled path in os.DirFS, so errors have it.
func TestFolderNames(t *testing.T) {
	root := filepath.ToSlash(t.TempDir())
	for path, want := range map[string]string{
		root + "/photso": "image folder: open " + root + "/photso: ",
		root:             "image folder: " + root + " has 0 class folders with 0 images",
	} {
		_, err := NewImageFolder(os.DirFS(path), "", ImageOptions{Height: 1, Width: 1})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if _, err := NewImageFolder(os.DirFS(root), "train", ImageOptions{Height: 1, Width: 1}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), root+"/train") {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

// TestFolderLinks: links to files and a class that is a link are followed, other links to
// folders are not, as by os.walk in Keras; a link to nothing is an error.
func TestFolderLinks(t *testing.T) {
	dir := t.TempDir()
	tree := []string{"elsewhere/e.png", "set/cats/c.png", "set/cats/down/d.png"}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	for _, name := range tree {
		put(t, filepath.Join(dir, name), b.Bytes())
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	link("../elsewhere", "set/dogs")
	link("../../elsewhere/e.png", "set/cats/z.png")
	link("..", "set/cats/loop")
	link("nothing", "set/broken")
	s, err := NewImageFolder(os.DirFS(filepath.Join(dir, "set")), ".", ImageOptions{Height: 2, Width: 2})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(s.Names())
	for i := range s.Len() {
		name, class := s.File(i)
		got += fmt.Sprintf(" %s=%d", name, class)
	}
	if want := "[cats dogs] cats/c.png=0 cats/z.png=0 cats/down/d.png=0 dogs/e.png=1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	link("nothing", "set/cats/gone.png")
	if _, err := NewImageFolder(os.DirFS(filepath.Join(dir, "set")), ".", ImageOptions{Height: 2, Width: 2}); err == nil || !strings.Contains(err.Error(), "cats/gone.png") {
		t.Errorf("got error %v, want one that names cats/gone.png", err)
	}
}

// TestFolderLinksInArchives: what a link in an archive leads to is not there, and its
// image or class would vanish.
func TestFolderLinksInArchives(t *testing.T) {
	for _, link := range []string{"a/1.png", "c"} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		h := &zip.FileHeader{Name: link}
		h.SetMode(fs.ModeSymlink | 0o777)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("../b")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a/0.png", "b/0.png"} {
			if _, err := z.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewImageFolder(r, ".", ImageOptions{Height: 2, Width: 2}); err == nil || err.Error() != "image folder: "+link+": the file system does not follow links" {
			t.Errorf("got error %v", err)
		}
	}
}

// TestCatsDogsStrays: what systems leave behind, endings in capitals, folders below, and
// two layouts beside each other.
func TestCatsDogsStrays(t *testing.T) {
	sorted := []string{
		"s/train/cats/a.JPG", "s/train/cats/more/b.png", "s/train/dogs/a.jpeg", "s/validation/cats/a.jpg", "s/validation/dogs/a.jpg", "s/test/cats/a.jpg", "s/test/dogs/a.jpg",
		"s/train/cats/._a.JPG", "__MACOSX/s/train/cats/._a.jpg", "__MACOSX/s/train/cats/x.jpg", "s/train/cats/.ipynb_checkpoints/a.jpg", "s/train/cats/notes.txt",
	}
	numbered := []string{"train/cat.0.jpg", "train/dog.0.JPG", "train/cat.1000.jpg", "train/dog.1000.jpg", "train/cat.1500.jpg", "train/dog.1500.jpg", "__MACOSX/train/._cat.1.jpg", "__MACOSX/train/cat.1.jpg"}
	for _, c := range []struct {
		files []string
		want  string
	}{
		{sorted, "s/train/cats/a.JPG s/train/cats/more/b.png s/train/dogs/a.jpeg"},
		{numbered, "train/cat.0.jpg train/dog.0.JPG"},
		{append(append([]string{}, sorted...), numbered...), "s/train/cats/a.JPG s/train/cats/more/b.png s/train/dogs/a.jpeg"},
		{append([]string{"old/train/cats/a.jpg"}, sorted...), `error f: images are sorted into train, validation and test in both "old" and "s", want one of them`},
		{append([]string{"again/cat.0.jpg"}, numbered...), "error f: again/cat.0.jpg and train/cat.0.jpg have the same number"},
	} {
		for kind, fsys := range tree(t, c.files...) {
			parts, err := sortImages(fsys, "f")
			got := fmt.Sprintf("error %v", err)
			if err == nil {
				var names []string
				for _, f := range parts["train"] {
					names = append(names, f.name)
				}
				got = strings.Join(names, " ")
			}
			if got != c.want {
				t.Errorf("%s: got  %s\nwant %s", kind, got, c.want)
			}
		}
	}
}

// TestStrangePictures: the error says what a file really is.
func TestStrangePictures(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, raw := range map[string]string{"lfs.jpg": "version https://git-lfs.github.com/spec/v1\n", "noise.jpg": "\x01\x02\x03\x04\x05", "heic.jpg": "\x00\x00\x00\x18ftypheic", "short.png": "\x89PNG\r\n\x1a\n\x00\x00"} {
		fsys[name] = &fstest.MapFile{Data: []byte(raw)}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 99, 99)), nil); err != nil {
		t.Fatal(err)
	}
	fsys["cut.jpg"] = &fstest.MapFile{Data: b.Bytes()[:b.Len()-9]}
	for _, e := range []string{"webp_as.jpg", "tiff_as.jpg", "html.jpg", "zero.jpg"} {
		raw, err := os.ReadFile(filepath.Join("testdata/strange", e))
		if err != nil {
			t.Fatal(err)
		}
		fsys[e] = &fstest.MapFile{Data: raw}
	}
	for name, want := range map[string]string{
		"webp_as.jpg": "a WebP image, want JPEG, PNG, GIF or BMP",
		"tiff_as.jpg": "a TIFF image, want JPEG, PNG, GIF or BMP",
		"html.jpg":    "an HTML page, want JPEG, PNG, GIF or BMP",
		"zero.jpg":    "an empty file, want JPEG, PNG, GIF or BMP",
		"heic.jpg":    "a HEIC image, want JPEG, PNG, GIF or BMP",
		"lfs.jpg":     "a Git LFS pointer, not the file itself, want JPEG, PNG, GIF or BMP",
		"noise.jpg":   "unknown image format, want JPEG, PNG, GIF or BMP",
		"cut.jpg":     "a JPEG image: invalid JPEG format: short Huffman data",
		"short.png":   "a PNG image, truncated: unexpected EOF",
	} {
		if _, err := LoadImage(fsys, name, ImageOptions{}); err == nil || err.Error() != name+": "+want {
			t.Errorf("got  %v\nwant %s: %s", err, name, want)
		}
	}
}

// TestTransparent: transparency is dropped and the color stays, in 8 and in 16 bits, as
// PIL's convert("RGB") does it.
func TestTransparent(t *testing.T) {
	for name, m := range map[string]image.Image{
		"8 bits":  &image.NRGBA{Pix: []uint8{200, 100, 50, 0, 1, 2, 3, 128}, Stride: 8, Rect: image.Rect(0, 0, 2, 1)},
		"16 bits": &image.NRGBA64{Pix: []uint8{200, 9, 100, 9, 50, 9, 0, 0, 1, 9, 2, 9, 3, 9, 0, 3}, Stride: 16, Rect: image.Rect(0, 0, 2, 1)},
		"palette": &image.Paletted{Pix: []uint8{1, 0}, Stride: 2, Rect: image.Rect(0, 0, 2, 1), Palette: color.Palette{color.NRGBA{1, 2, 3, 0}, color.NRGBA{200, 100, 50, 7}}},
	} {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		a, err := LoadImage(fstest.MapFS{"p": {Data: b.Bytes()}}, "p", ImageOptions{Pixels: Bytes})
		if err != nil || fmt.Sprint(a.Data) != "[200 100 50 1 2 3]" {
			t.Errorf("%s: %v %v, want 200 100 50 1 2 3", name, err, a.Data)
		}
	}
}
