// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Pixels says how the bytes of a picture become numbers.
type Pixels int

// The ways in which bytes become numbers.
const (
	Unit  Pixels = iota // red, green, blue, each 0..1 (value/255)
	Bytes               // red, green, blue, each 0..255
	VGG16               // blue, green, red, each less its mean over ImageNet: 103.939, 116.779, 123.68
)

// convert turns red, green, blue 0..255 into what Pixels says, in place.
func (p Pixels) convert(rgb []float32) {
	switch p {
	case Bytes:
	case Unit:
		for i := range rgb {
			rgb[i] /= 255
		}
	case VGG16:
		for i := 0; i < len(rgb); i += 3 {
			rgb[i], rgb[i+1], rgb[i+2] = rgb[i+2]-103.939, rgb[i+1]-116.779, rgb[i]-123.68
		}
	}
}

// ImageOptions says how pictures are read.
type ImageOptions struct {
	Height, Width int      // every picture is resized to this, whatever its shape
	Filter        Filter   // how it is resized
	Pixels        Pixels   // how bytes become numbers
	Augment       *Augment // random changes; nil means none
	// Cache keeps every picture in memory, resized but not augmented, once it has
	// been decoded: 3·Height·Width bytes each.
	Cache bool
}

func (o ImageOptions) check() error {
	if o.Height < 1 || o.Width < 1 || o.Width > maxPicturePixels/o.Height {
		return fmt.Errorf("images: size %dx%d, want at least 1x1 and at most %d pixels", o.Height, o.Width, maxPicturePixels)
	}
	if o.Filter < Nearest || o.Filter > CatmullRom {
		return fmt.Errorf("images: filter %d is unknown", o.Filter)
	}
	if o.Pixels < Unit || o.Pixels > VGG16 {
		return fmt.Errorf("images: pixel values %d are unknown", o.Pixels)
	}
	if o.Augment != nil {
		return o.Augment.check()
	}
	return nil
}

// ImageFolder is a source of picture files, decoded when they are read. Read
// spreads its pictures over the processors; a training loop should in addition
// read batches ahead, as Prefetch tells it.
//
// Input shape:  (height, width, 3)
// Target shape: (1) for two classes, () the class index for more
type ImageFolder struct {
	layout
	files   []imageFile
	fsys    fs.FS // nil for drawings
	load    func(name string) (*picture, error)
	names   []string
	options ImageOptions
	origin  Origin
	reads   []atomic.Uint32 // how often a picture has been read, for Augment
	cache   []atomic.Pointer[picture]
}

// imageFile is a picture and its class.
type imageFile struct {
	name  string
	class int
}

// imageTypes are the endings of the files that are taken.
var imageTypes = []string{".jpg", ".jpeg", ".png", ".gif", ".bmp"}

// Folder makes a source of a folder that has one folder of pictures for each
// class. Classes and, inside of them, files are in the order of their names; files
// that are no pictures by their ending are left out. An fs.FS may be a folder
// (os.DirFS) or an archive (zip.Reader), which is not unpacked.
func Folder(fsys fs.FS, dir string, o ImageOptions) (*ImageFolder, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	var names []string
	var files []imageFile
	for _, class := range entries {
		if !class.IsDir() || strings.HasPrefix(class.Name(), ".") {
			continue
		}
		pictures, err := fs.ReadDir(fsys, path.Join(dir, class.Name()))
		if err != nil {
			return nil, fmt.Errorf("image folder: %w", err)
		}
		for _, p := range pictures {
			if !p.IsDir() && slices.Contains(imageTypes, strings.ToLower(path.Ext(p.Name()))) {
				files = append(files, imageFile{path.Join(dir, class.Name(), p.Name()), len(names)})
			}
		}
		names = append(names, class.Name())
	}
	if len(names) < 2 || len(files) == 0 {
		return nil, fmt.Errorf("image folder: %s has %d folders with %d pictures, want one folder for each of at least two classes", dir, len(names), len(files))
	}
	s, err := newImageFolder(files, names, fromFS(fsys), o)
	if err != nil {
		return nil, err
	}
	s.fsys = fsys
	return s, nil
}

// fromFS decodes files of a file system.
func fromFS(fsys fs.FS) func(name string) (*picture, error) {
	return func(name string) (*picture, error) {
		f, err := fsys.Open(name)
		if err != nil {
			return nil, err // names the file
		}
		defer func() { _ = f.Close() }() // only read
		p, err := decodePicture(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return p, nil
	}
}

func newImageFolder(files []imageFile, names []string, load func(string) (*picture, error), o ImageOptions) (*ImageFolder, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	target := []int{}
	if len(names) == 2 {
		target = []int{1}
	}
	s := &ImageFolder{
		layout: newLayout([][]int{{o.Height, o.Width, 3}}, [][]int{target}),
		files:  files, load: load, names: names, options: o,
	}
	if o.Augment != nil {
		s.reads = make([]atomic.Uint32, len(files))
	}
	if o.Cache {
		s.cache = make([]atomic.Pointer[picture], len(files))
	}
	return s, nil
}

// Len is the number of pictures.
func (s *ImageFolder) Len() int { return len(s.files) }

// Names gives the class names.
func (s *ImageFolder) Names() []string { return s.names }

// Origin says where the pictures came from.
func (s *ImageFolder) Origin() Origin { return s.origin }

// File gives the name of picture i and its class.
func (s *ImageFolder) File(i int) (name string, class int) { return s.files[i].name, s.files[i].class }

// Prefetch says that two batches are worth reading ahead.
func (s *ImageFolder) Prefetch() int { return 2 }

// With gives the same pictures read with other options.
func (s *ImageFolder) With(o ImageOptions) (*ImageFolder, error) {
	c, err := newImageFolder(s.files, s.names, s.load, o)
	if err != nil {
		return nil, err
	}
	c.origin, c.fsys = s.origin, s.fsys
	return c, nil
}

// Read decodes the pictures at the indices. Each reading of an augmented picture
// changes it in another way.
func (s *ImageFolder) Read(indices []int, inputs, targets [][]float32) error {
	if err := s.check(s.Len(), indices, inputs, targets); err != nil {
		return fmt.Errorf("images: %w", err)
	}
	if wanted(targets) {
		for j, i := range indices {
			targets[0][j] = float32(s.files[i].class)
		}
	}
	if !wanted(inputs) {
		return nil
	}
	// The counts are taken in the order of the indices, before the work is spread.
	visits := make([]int, len(indices))
	if s.reads != nil {
		for j, i := range indices {
			visits[j] = int(s.reads[i].Add(1))
		}
	}
	size := s.inputSizes[0]
	errs := make([]error, len(indices))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(indices)) {
		wg.Go(func() {
			for {
				j := int(next.Add(1)) - 1
				if j >= len(indices) {
					return
				}
				errs[j] = s.fill(indices[j], visits[j], inputs[0][j*size:(j+1)*size])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// fill puts picture i into out.
func (s *ImageFolder) fill(i, visit int, out []float32) error {
	p, err := s.picture(i)
	if err != nil {
		return err
	}
	if a := s.options.Augment; a != nil {
		a.apply(p, a.draw(i, visit, p.height, p.width), out)
	} else {
		for k, v := range p.rgb {
			out[k] = float32(v)
		}
	}
	s.options.Pixels.convert(out)
	return nil
}

// picture gives picture i in the size that is wanted.
func (s *ImageFolder) picture(i int) (*picture, error) {
	if s.cache != nil {
		if p := s.cache[i].Load(); p != nil {
			return p, nil
		}
	}
	p, err := s.load(s.files[i].name)
	if err != nil {
		return nil, err
	}
	p = p.resize(s.options.Height, s.options.Width, s.options.Filter)
	if s.cache != nil {
		s.cache[i].Store(p)
	}
	return p, nil
}

// LoadImage reads one picture file.
//
// Shape: (height, width, 3). A Height and Width of 0 keep the size of the file.
func LoadImage(fsys fs.FS, name string, o ImageOptions) (Array, error) {
	p, err := fromFS(fsys)(name)
	if err != nil {
		return Array{}, err
	}
	if o.Height == 0 && o.Width == 0 {
		o.Height, o.Width = p.height, p.width
	}
	if err := o.check(); err != nil {
		return Array{}, err
	}
	p = p.resize(o.Height, o.Width, o.Filter)
	out := make([]float32, len(p.rgb))
	if o.Augment != nil {
		o.Augment.apply(p, o.Augment.draw(0, 1, p.height, p.width), out)
	} else {
		for k, v := range p.rgb {
			out[k] = float32(v)
		}
	}
	o.Pixels.convert(out)
	return Array{[]int{p.height, p.width, 3}, out}, nil
}
