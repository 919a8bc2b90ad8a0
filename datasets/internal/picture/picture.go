// SPDX-License-Identifier: Apache-2.0

// Package image decodes and resizes the image files of data sets, byte for byte as PIL
// does where the format allows, and within limits on memory and time.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders for what folders of images hold
	_ "image/jpeg"
	_ "image/png"
	"io"
	"io/fs"

	_ "golang.org/x/image/bmp"

	"github.com/reef-dl/reef/internal/sniff"
)

// RGB is a decoded image: Height x Width x 3 bytes, red, green, blue.
type RGB struct {
	Height, Width int
	Pix           []uint8
}

// Size is the size to resize an image to; the zero value keeps its own.
type Size struct {
	Height, Width int
	Filter        Filter
	Crop          bool // cut the middle that has the new aspect ratio, see RGB.Crop
	Gray          bool // colors become gray first
}

// keeps reports whether an image keeps its own size.
func (s Size) keeps() bool { return s.Height == 0 && s.Width == 0 }

// Apply resizes the image.
func (s Size) Apply(p *RGB) *RGB {
	if s.Gray {
		p = p.gray()
	}
	if s.keeps() {
		return p
	}
	if s.Crop {
		p = p.crop(s.Height, s.Width)
	}
	return p.Resize(s.Height, s.Width, s.Filter)
}

// crop is the largest part with the aspect ratio of height to width, from the middle, as
// Keras's smart_resize and crop_to_aspect_ratio cut it: sides and offsets are rounded down.
func (p *RGB) crop(height, width int) *RGB {
	h := min(p.Height, int(int64(p.Width)*int64(height)/int64(width)))
	w := min(p.Width, int(int64(p.Height)*int64(width)/int64(height)))
	h, w = max(h, 1), max(w, 1)
	if h == p.Height && w == p.Width {
		return p
	}
	top, left := (p.Height-h)/2, (p.Width-w)/2
	out := &RGB{h, w, make([]uint8, 0, 3*h*w)}
	for y := top; y < top+h; y++ {
		row := 3 * (y*p.Width + left)
		out.Pix = append(out.Pix, p.Pix[row:row+3*w]...)
	}
	return out
}

// gray has the luma of ITU-R 601 in each of the three channels, as PIL's convert("L") rounds it.
func (p *RGB) gray() *RGB {
	out := &RGB{p.Height, p.Width, make([]uint8, len(p.Pix))}
	for i := 0; i < len(p.Pix); i += 3 {
		l := uint8((19595*uint32(p.Pix[i]) + 38470*uint32(p.Pix[i+1]) + 7471*uint32(p.Pix[i+2]) + 1<<15) >> 16)
		out.Pix[i], out.Pix[i+1], out.Pix[i+2] = l, l, l
	}
	return out
}

// Header is what the beginning of an image file says.
type Header struct {
	Format        string // "jpeg", "png", "gif" or "bmp"
	Height, Width int
	Ends          bool // the file ends as its format wants, as far as that can be seen cheaply
}

// ReadHeader reads the beginning of a file and rejects what Open would reject by it. The work
// of decoding it is charged to the budget.
func ReadHeader(fsys fs.FS, name string, to Size, b *Budget) (h Header, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return h, err // names the file
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return h, err
	}
	s, err := begin(f, StoredSize(info), to, b.spender(name))
	if err == nil && info.Size() > MaxBytes {
		err = fmt.Errorf("more than %d bytes", MaxBytes)
	}
	if err != nil {
		return h, fmt.Errorf("%s: %w", name, err)
	}
	h = Header{s.format, s.config.Height, s.config.Width, true}
	if at, ok := f.(io.ReaderAt); ok { // not in an archive, which has a checksum
		tail := make([]byte, min(64, info.Size()))
		if _, err := at.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
			return h, fmt.Errorf("%s: %w", name, err)
		}
		end := map[string]string{"jpeg": "\xff\xd9", "png": "IEND", "gif": ";"}[s.format]
		h.Ends = bytes.Contains(tail, []byte(end))
	}
	return h, nil
}

// Open decodes a file and resizes it; the work is charged to the budget.
func Open(fsys fs.FS, name string, to Size, b *Budget) (*RGB, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err // names the file
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	p, err := decode(f, StoredSize(info), to, b.spender(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Read is Open for a file that is read from its start. It keeps the file in memory, since its size
// limits what it may decode to.
func Read(r io.Reader, name string, to Size) (*RGB, error) {
	var file bytes.Buffer
	n, err := io.Copy(&file, io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, err := decode(&file, n, to, (*Budget)(nil).spender(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// started is a file whose header has been read.
type started struct {
	limited *io.LimitedReader // the rest
	head    bytes.Buffer      // what has been read
	config  image.Config
	format  string
	cost    cost
}

// begin reads the header of a file of size bytes, estimates what it takes to decode and
// resize it, and spends the work.
func begin(r io.Reader, size int64, to Size, spend func(work int64) error) (*started, error) {
	s := &started{limited: &io.LimitedReader{R: r, N: MaxBytes + 1}}
	limited, head := s.limited, &s.head
	if _, err := io.CopyN(head, limited, sniff.Len); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !isDecoded(head.Bytes()) {
		return nil, misread(head.Bytes(), image.ErrFormat)
	}
	config, format, err := image.DecodeConfig(io.MultiReader(bytes.NewReader(head.Bytes()), io.TeeReader(limited, head)))
	if err != nil {
		return nil, misread(head.Bytes(), err)
	}
	c, err := estimate(config, format, head.Bytes(), to)
	if err != nil {
		return nil, err
	}
	if err := c.check(size); err != nil {
		return nil, fmt.Errorf("%s of %dx%d pixels: %w", format, config.Width, config.Height, err)
	}
	s.config, s.format, s.cost = config, format, c
	return s, spend(c.work)
}

// decode decodes a JPEG, PNG, GIF or BMP file of size bytes and resizes it. As PIL's
// convert("RGB") it interpolates the chroma of JPEGs, repeats gray three times and drops
// transparency. The cost is estimated from the header before anything is allocated, and
// all images that are decoded at the same time share one limit on memory.
func decode(r io.Reader, size int64, to Size, spend func(work int64) error) (*RGB, error) {
	s, err := begin(r, size, to, spend)
	if err != nil {
		return nil, err
	}
	limited, head, config, format, c := s.limited, &s.head, s.config, s.format, s.cost
	defer decodingMemory.acquire(c.memory)()
	begin := bytes.Clone(head.Bytes()[:min(head.Len(), sniff.Len)])
	in := &scanCounter{r: io.MultiReader(head, limited), cost: c, size: size, spend: spend}
	var header prefix
	if format == "gif" {
		in.r = io.TeeReader(in.r, &header)
	}
	m, _, err := image.Decode(in)
	if in.exceeded != nil {
		return nil, fmt.Errorf("%s of %dx%d pixels, all its scans: %w", format, config.Width, config.Height, in.exceeded)
	}
	if err != nil {
		return nil, misread(begin, err)
	}
	// What follows the image matters only to the archive that holds it, which has a
	// checksum.
	if _, err := io.Copy(io.Discard, limited); err != nil {
		return nil, err
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("more than %d bytes", MaxBytes)
	}
	if m, ok := m.(*image.Paletted); ok && format == "gif" {
		p, err := fromGIF(m, header, config.Width, config.Height)
		if err != nil {
			return nil, err
		}
		return to.Apply(p), nil
	}
	return to.Apply(convert(m)), nil
}

// isDecoded reports whether the file has one of the formats above. A program may register
// more with package image, but the cost of decoding those is unknown.
func isDecoded(begin []byte) bool {
	for _, magic := range []string{"\xff\xd8", "\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a", "BM"} {
		if bytes.HasPrefix(begin, []byte(magic)) {
			return true
		}
	}
	return false
}

// prefix keeps the first bytes that are written to it.
type prefix []byte

func (p *prefix) Write(b []byte) (int, error) {
	*p = append(*p, b[:min(len(b), maxGIFHeader-len(*p))]...)
	return len(b), nil
}

// misread explains why a file that begins like this could not be decoded.
func misread(begin []byte, err error) error {
	is := sniff.Name(begin[:min(len(begin), sniff.Len)])
	switch {
	case errors.Is(err, image.ErrFormat) && is == "":
		return errors.New("unknown image format, want JPEG, PNG, GIF or BMP")
	case errors.Is(err, image.ErrFormat) || len(begin) == 0 && errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s, want JPEG, PNG, GIF or BMP", is)
	case is == "":
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%s, truncated: %w", is, err)
	}
	return fmt.Errorf("%s: %w", is, err)
}

func convert(m image.Image) *RGB {
	if m, ok := m.(*image.YCbCr); ok && hasChroma(m) {
		return fromYCbCr(m)
	}
	b := m.Bounds()
	p := &RGB{b.Dy(), b.Dx(), make([]uint8, 0, 3*b.Dy()*b.Dx())}
	switch m := m.(type) {
	case *image.Gray:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
				p.Pix = append(p.Pix, v, v, v)
			}
		}
	case *image.NRGBA:
		p.appendBytes(m.Pix, m.PixOffset(b.Min.X, b.Min.Y), m.Stride, 4, 1)
	case *image.NRGBA64: // the upper bytes; Convert would lose the color of transparent pixels
		p.appendBytes(m.Pix, m.PixOffset(b.Min.X, b.Min.Y), m.Stride, 8, 2)
	case *image.Paletted:
		var table [256][3]uint8
		for i, c := range m.Palette {
			c := color.NRGBAModel.Convert(c).(color.NRGBA)
			table[i&255] = [3]uint8{c.R, c.G, c.B}
		}
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
				p.Pix = append(p.Pix, table[v][:]...)
			}
		}
	case *image.RGBA:
		if m.Opaque() {
			p.appendBytes(m.Pix, m.PixOffset(b.Min.X, b.Min.Y), m.Stride, 4, 1)
			break
		}
		p.appendColors(m)
	default:
		p.appendColors(m)
	}
	return p
}

// appendBytes appends three bytes, step apart, of each pixel of size bytes.
func (p *RGB) appendBytes(pix []uint8, first, stride, size, step int) {
	for y := range p.Height {
		row := pix[first+y*stride:][:p.Width*size]
		for ; len(row) > 0; row = row[size:] {
			p.Pix = append(p.Pix, row[0], row[step], row[2*step])
		}
	}
}

// appendColors converts pixel by pixel.
func (p *RGB) appendColors(m image.Image) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			p.Pix = append(p.Pix, c.R, c.G, c.B)
		}
	}
}
