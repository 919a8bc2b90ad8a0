// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/datasets/internal/picture"
	"github.com/reef-dl/reef/internal/inflate"
)

// Pixels selects how the bytes of an image become numbers.
type Pixels int

// The ways in which bytes become numbers.
const (
	Unit       Pixels = iota // red, green, blue, each 0..1 (value/255)
	Bytes                    // red, green, blue, each 0..255
	VGG16                    // for applications.VGG16: blue, green, red, less 103.939, 116.779, 123.68
	SqueezeNet               // for applications.SqueezeNet: blue, green, red, less 104, 117, 123
)

// convert converts red, green, blue 0..255 to the selected Pixels, in place.
func (p Pixels) convert(rgb []float32) {
	switch p {
	case Bytes:
	case Unit:
		for i := range rgb {
			rgb[i] /= 255
		}
	case VGG16:
		centerBGR(rgb, 103.939, 116.779, 123.68)
	case SqueezeNet:
		centerBGR(rgb, 104, 117, 123)
	}
}

// write writes the numbers of an image to out, changed at random if change is not nil.
func (o ImageOptions) write(image *picture.RGB, change *change, out []float32) {
	if !o.Gray {
		o.colors(image, change, out)
		return
	}
	colors := make([]float32, len(image.Pix))
	o.colors(image, change, colors)
	for k := range out {
		out[k] = colors[3*k] // all three channels are equal
	}
}

func (o ImageOptions) colors(image *picture.RGB, change *change, out []float32) {
	if change != nil {
		o.Augment.apply(image, *change, out)
	} else {
		for k, v := range image.Pix {
			out[k] = float32(v)
		}
	}
	o.Pixels.convert(out)
}

// draw returns the change to image i when it is read for the given time, nil without Augment.
func (o ImageOptions) draw(i, visit int, p *picture.RGB) *change {
	if o.Augment == nil {
		return nil
	}
	c := o.Augment.draw(i, visit, p.Height, p.Width)
	return &c
}

// shape is that of an image of the given size.
func (o ImageOptions) shape(height, width int) []int {
	channels := 3
	if o.Gray {
		channels = 1
	}
	if o.Flat {
		return []int{height * width * channels}
	}
	return []int{height, width, channels}
}

// centerBGR turns red, green, blue into blue, green, red, each less its mean over ImageNet.
func centerBGR(rgb []float32, blue, green, red float32) {
	for i := 0; i < len(rgb); i += 3 {
		rgb[i], rgb[i+1], rgb[i+2] = rgb[i+2]-blue, rgb[i+1]-green, rgb[i]-red
	}
}

// Filter is how images are resized. The results are, byte for byte, those of PIL's
// Image.resize, which Keras uses. Bilinear and CatmullRom weight all pixels under the new
// one when they shrink an image; Nearest takes one.
type Filter int

// The filters.
const (
	Nearest    Filter = Filter(picture.Nearest)    // Keras's default
	Bilinear   Filter = Filter(picture.Bilinear)   // PIL's BILINEAR
	CatmullRom Filter = Filter(picture.CatmullRom) // PIL's BICUBIC: the cubic with a = -1/2
)

// ImageOptions are the options for reading images.
type ImageOptions struct {
	Height int    `json:"height"` // every image is resized to this height and width, whatever its aspect ratio
	Width  int    `json:"width"`
	Filter Filter `json:"filter"` // how it is resized
	// Crop cuts the largest middle part with the aspect ratio of Height to Width before
	// resizing, as Keras's crop_to_aspect_ratio, so that nothing is distorted.
	Crop bool `json:"crop,omitempty"`
	// Gray converts colors to one channel before resizing: their luma, as PIL's convert("L") does.
	Gray bool `json:"gray,omitempty"`
	// Flat makes each image a vector, for dense networks.
	Flat    bool     `json:"flat,omitempty"`
	Pixels  Pixels   `json:"pixels"` // how bytes become numbers
	Augment *Augment `json:"-"`      // random changes; nil means none
	// Cache keeps every image in memory, resized but not augmented, once it has
	// been decoded: 3·Height·Width bytes each.
	Cache bool `json:"-"`
}

func (o ImageOptions) check() error {
	if o.Height < 1 || o.Width < 1 || o.Width > picture.MaxPixels/o.Height {
		return fmt.Errorf("images: size %dx%d, want at least 1x1 and at most %d pixels", o.Height, o.Width, picture.MaxPixels)
	}
	if o.Filter < Nearest || o.Filter > CatmullRom {
		return fmt.Errorf("images: filter %d is unknown", o.Filter)
	}
	if o.Pixels < Unit || o.Pixels > SqueezeNet {
		return fmt.Errorf("images: pixel values %d are unknown", o.Pixels)
	}
	if o.Gray && o.Pixels > Bytes {
		return errors.New("images: Gray with the colors of a pretrained network, want Unit or Bytes")
	}
	if o.Augment != nil {
		return o.Augment.check()
	}
	return nil
}

// size is what images are resized to, their own size without a Height and a Width.
func (o ImageOptions) size() picture.Size {
	if o.Height == 0 && o.Width == 0 {
		return picture.Size{Gray: o.Gray}
	}
	return picture.Size{Height: o.Height, Width: o.Width, Filter: picture.Filter(o.Filter), Crop: o.Crop, Gray: o.Gray}
}

// ImageFolder is a source of image files, which are decoded when they are read. Read uses
// all processors; a training loop should also read batches ahead, see Prefetch.
//
// Input shape:  (height, width, 3), one channel with Gray, one axis with Flat
//
// Target shape: (1) for two classes, () the class index for more
type ImageFolder struct {
	layout
	files   []imageFile
	fsys    fs.FS // nil for drawings
	load    loader
	names   []string
	options ImageOptions
	origin  Origin
	reads   []atomic.Uint32 // how often an image has been read, for Augment
	cache   []atomic.Pointer[picture.RGB]
}

// loader decodes an image and resizes it.
type loader func(name string, to picture.Size) (*picture.RGB, error)

// fileLoader decodes image files. The files of all parts share one budget, since they come
// from one folder or archive.
func fileLoader(fsys fs.FS, parts ...[]imageFile) loader {
	var names []string
	for _, files := range parts {
		for _, f := range files {
			names = append(names, f.name)
		}
	}
	budget := picture.NewBudget(fsys, names)
	return func(name string, to picture.Size) (*picture.RGB, error) {
		return picture.Open(fsys, name, to, budget)
	}
}

func newImageFolder(files []imageFile, names []string, load loader, o ImageOptions) (*ImageFolder, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &ImageFolder{
		layout: newLayout([][]int{o.shape(o.Height, o.Width)}, [][]int{classShape(len(names))}),
		files:  files, load: load, names: names, options: o,
	}
	if o.Augment != nil {
		s.reads = make([]atomic.Uint32, len(files))
	}
	if o.Cache {
		s.cache = make([]atomic.Pointer[picture.RGB], len(files))
	}
	return s, nil
}

// Len is the number of images.
func (s *ImageFolder) Len() int { return len(s.files) }

// Names returns the class names.
func (s *ImageFolder) Names() []string { return s.names }

// Origin returns where the images came from.
func (s *ImageFolder) Origin() Origin { return s.origin }

// File returns the name of image i and its class.
func (s *ImageFolder) File(i int) (name string, class int) { return s.files[i].name, s.files[i].class }

// Options returns how the images are read: to be saved with the model by SetPreprocessor, so
// that DecodeImage treats those of requests alike.
func (s *ImageFolder) Options() ImageOptions { return s.options }

// StartEpoch makes the source continue with epoch n, counted from 1, as if every image had been
// read n-1 times, so that an interrupted training with Augment can be resumed in another
// process.
func (s *ImageFolder) StartEpoch(n int) { setReads(s.reads, n-1) }

// Prefetch returns 2: reading two batches ahead pays off.
func (s *ImageFolder) Prefetch() int { return 2 }

// With returns the same images read with other options.
func (s *ImageFolder) With(o ImageOptions) (*ImageFolder, error) {
	c, err := newImageFolder(s.files, s.names, s.load, o)
	if err != nil {
		return nil, err
	}
	c.origin, c.fsys = s.origin, s.fsys
	return c, nil
}

// Read decodes the images at the indices. An augmented image changes every time it is
// read.
func (s *ImageFolder) Read(indices []int, inputs, targets [][]float32) error {
	return s.readVisits(indices, nil, inputs, targets)
}

func (s *ImageFolder) revisits() bool { return true }

func (s *ImageFolder) readVisits(indices []int, times []uint32, inputs, targets [][]float32) error {
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
	// Reads are counted in the order of the indices, before the work is distributed.
	visits := make([]int, len(indices))
	if s.reads != nil {
		for j, i := range indices {
			visits[j] = int(visitOf(s.reads, times, j, i))
		}
	}
	size := s.inputSizes[0]
	errs := make([]error, len(indices))
	var at atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(indices)) {
		wg.Go(func() { s.work(indices, visits, inputs[0], size, errs, &at) })
	}
	wg.Wait()
	for int(at.Load()) < len(indices) { // every worker was ended by runtime.Goexit
		wg.Go(func() { s.work(indices, visits, inputs[0], size, errs, &at) })
		wg.Wait()
	}
	return several(errs)
}

// several joins the errors, or the first few of many.
func several(errs []error) error {
	const reported = 8
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if n := len(errs); n > reported {
		errs = append(errs[:reported], fmt.Errorf("and %d more images", n-reported))
	}
	return errors.Join(errs...)
}

// work reads images until none is left.
func (s *ImageFolder) work(indices, visits []int, out []float32, size int, errs []error, at *atomic.Int64) {
	for {
		j := int(at.Add(1)) - 1
		if j >= len(indices) {
			return
		}
		i := indices[j]
		own(s.files[i].name+": reading it",
			func() error { return s.fill(i, visits[j], out[j*size:(j+1)*size]) },
			func(err error) { errs[j] = err })
	}
}

// fill writes image i to out.
func (s *ImageFolder) fill(i, visit int, out []float32) error {
	p, err := s.image(i)
	if err != nil {
		return err
	}
	s.options.write(p, s.options.draw(i, visit, p), out)
	return nil
}

// image returns image i in the requested size.
func (s *ImageFolder) image(i int) (*picture.RGB, error) {
	if s.cache != nil {
		if p := s.cache[i].Load(); p != nil {
			return p, nil
		}
	}
	p, err := s.load(s.files[i].name, s.options.size())
	if err != nil {
		return nil, err
	}
	if s.cache != nil {
		s.cache[i].Store(p)
	}
	return p, nil
}

// LoadImage reads one image file of a file system. A Height and Width of 0 keep the size of
// the file. LoadImageFile reads the image at a path.
//
// Shape: (height, width, 3), one channel with Gray, one axis with Flat
func LoadImage(fsys fs.FS, name string, o ImageOptions) (_ Array, err error) {
	defer rescue(&err, name+": reading it")
	return o.image(func() (*picture.RGB, error) { return picture.Open(fsys, name, o.size(), nil) })
}

// DecodeImage is LoadImage for the file that r reads, such as the body of a request; errors call it
// name.
func DecodeImage(r io.Reader, name string, o ImageOptions) (_ Array, err error) {
	defer rescue(&err, name+": reading it")
	return o.image(func() (*picture.RGB, error) { return picture.Read(r, name, o.size()) })
}

// image converts a decoded image.
func (o ImageOptions) image(decode func() (*picture.RGB, error)) (Array, error) {
	if o.Height != 0 || o.Width != 0 {
		if err := o.check(); err != nil {
			return Array{}, err
		}
	}
	p, err := decode()
	if err != nil {
		return Array{}, err
	}
	o.Height, o.Width = p.Height, p.Width
	if err := o.check(); err != nil {
		return Array{}, err
	}
	shape := o.shape(p.Height, p.Width)
	out := make([]float32, sizeOf(shape))
	o.write(p, o.draw(0, 1, p), out)
	return Array{shape, out}, nil
}

// decodingVersion is incremented when a file decodes to other pixels than before.
const decodingVersion = 3

// digested limits the uncompressed size of all files of an archive.
var digested = inflate.Limit{Base: picture.MaxBytes, Ratio: 16}

// Digest is the SHA-256 of the image files with their names, their classes and the
// options: what is computed from them may be cached under it. Of generated drawings it
// covers the names and the first drawing of each class.
func (s *ImageFolder) Digest() (sum [sha256.Size]byte, err error) {
	defer rescue(&err, "image folder: the file system")
	h := sha256.New()
	o := s.options
	fmt.Fprintf(h, "%d %d %d %d %d %+v\n", decodingVersion, o.Height, o.Width, o.Filter, o.Pixels, o.Augment)
	if o.Crop {
		fmt.Fprintln(h, "cropped")
	}
	if o.Gray {
		fmt.Fprintln(h, "gray")
	}
	var stored, read int64
	drawn := -1 // the last class that was drawn
	for _, f := range s.files {
		fmt.Fprintf(h, "%q %d\n", f.name, f.class)
		if s.fsys == nil {
			if f.class == drawn {
				continue
			}
			p, err := s.load(f.name, picture.Size{})
			if err != nil {
				return sum, err
			}
			h.Write(p.Pix)
			drawn = f.class
			continue
		}
		in, err := s.fsys.Open(f.name)
		if err != nil {
			return sum, err // names the file
		}
		info, err := in.Stat()
		if err == nil {
			stored += picture.StoredSize(info)
			var n int64
			n, err = io.Copy(h, io.LimitReader(in, digested.Base+digested.Ratio*stored-read+1))
			read += n
		}
		_ = in.Close() // only read
		if most := digested.Base + digested.Ratio*stored; err == nil && read > most {
			err = fmt.Errorf("with the files before it more than %d bytes, too many for files of %d bytes", most, stored)
		}
		if err != nil {
			return sum, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// NewImageFolder returns a source of a folder that has one folder of images for each
// class, as Keras's image_dataset_from_directory. Classes are sorted by name. The images
// of a class are those in its folder and in all folders below, sorted by folder and then
// by name. Links to files are followed, and so is a class that is a link to a folder;
// other links to folders are not.
//
// Ignored are files without the extension of an image (.jpg, .jpeg, .png, .gif, .bmp),
// files beside the class folders, and what operating systems leave behind: all names that
// begin with a dot, such as macOS's ._x.jpg, and the folders __MACOSX, @eaDir,
// $RECYCLE.BIN, "System Volume Information" and lost+found. A class folder without images
// is an error, since skipping it would shift the index of all later classes.
//
// fsys may be a folder (os.DirFS) or an archive (zip.Reader), which is not unpacked; dir is
// the folder in it that has the class folders, "" if it is the root. Files are not opened:
// ImageFolder.Check does that.
func NewImageFolder(fsys fs.FS, dir string, o ImageOptions) (_ *ImageFolder, err error) {
	defer rescue(&err, "image folder: the file system")
	w := walk{fsys: fsys, types: imageTypes}
	names, err := w.classes(dir, "images")
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	s, err := newImageFolder(w.files, names, fileLoader(fsys, w.files), o)
	if err != nil {
		return nil, err
	}
	s.fsys = fsys
	return s, nil
}
