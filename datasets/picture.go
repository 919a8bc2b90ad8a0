// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders for what folders of pictures hold
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/bmp"

	"github.com/reef-dl/reef/datasets/internal/sniff"
)

// picture is a decoded image: height x width x 3 bytes, red, green, blue.
type picture struct {
	height, width int
	rgb           []uint8
}

// sizing is the size that a picture is wanted in; the zero value is its own.
type sizing struct {
	height, width int
	filter        Filter
}

func (s sizing) of(p *picture) *picture {
	if s == (sizing{}) {
		return p
	}
	return p.resize(s.height, s.width, s.filter)
}

// decodePicture decodes a JPEG, PNG, GIF or BMP file of the given size in bytes and resizes
// it. As PIL's convert("RGB") it interpolates the color of JPEGs, repeats gray three times
// and drops transparency. What it will cost is known from the header, before anything is
// allocated, and all pictures that are decoded at the same time share one room.
func decodePicture(r io.Reader, size int64, to sizing) (*picture, error) {
	return decodePaid(r, size, to, free)
}

// decodePaid is decodePicture where the work is paid for before it is done.
func decodePaid(r io.Reader, size int64, to sizing, pay func(work int64) error) (*picture, error) {
	limited := &io.LimitedReader{R: r, N: maxPictureBytes + 1}
	var head bytes.Buffer
	if _, err := io.CopyN(&head, limited, sniff.Len); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !isDecoded(head.Bytes()) {
		return nil, misread(head.Bytes(), image.ErrFormat)
	}
	config, format, err := image.DecodeConfig(io.MultiReader(bytes.NewReader(head.Bytes()), io.TeeReader(limited, &head)))
	if err != nil {
		return nil, misread(head.Bytes(), err)
	}
	c, err := priceOf(config, format, head.Bytes(), to)
	if err != nil {
		return nil, err
	}
	if err := c.check(size); err != nil {
		return nil, fmt.Errorf("%s of %dx%d pixels: %w", format, config.Width, config.Height, err)
	}
	if err := pay(c.work); err != nil {
		return nil, err
	}
	defer decoding.enter(c.bytes)()
	begin := bytes.Clone(head.Bytes()[:min(head.Len(), sniff.Len)])
	in := &scans{r: io.MultiReader(&head, limited), cost: c, size: size, pay: pay}
	var header prefix
	if format == "gif" {
		in.r = io.TeeReader(in.r, &header)
	}
	m, _, err := image.Decode(in)
	if in.over != nil {
		return nil, fmt.Errorf("%s of %dx%d pixels, its scans added up: %w", format, config.Width, config.Height, in.over)
	}
	if err != nil {
		return nil, misread(begin, err)
	}
	// What lies behind the picture matters only to the archive that holds it, which has a
	// checksum.
	if _, err := io.Copy(io.Discard, limited); err != nil {
		return nil, err
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("more than %d bytes", maxPictureBytes)
	}
	if m, ok := m.(*image.Paletted); ok && format == "gif" {
		p, err := fromGIF(m, header, config.Width, config.Height)
		if err != nil {
			return nil, err
		}
		return to.of(p), nil
	}
	return to.of(toRGB(m)), nil
}

// isDecoded tells the formats that are read here, whatever else package image decodes in
// a program: what pictures of other formats cost is not known.
func isDecoded(begin []byte) bool {
	for _, magic := range []string{"\xff\xd8", "\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a", "BM"} {
		if bytes.HasPrefix(begin, []byte(magic)) {
			return true
		}
	}
	return false
}

// prefix keeps the beginning of what is written to it.
type prefix []byte

func (p *prefix) Write(b []byte) (int, error) {
	*p = append(*p, b[:min(len(b), maxGIFHeader-len(*p))]...)
	return len(b), nil
}

// misread is the error for a file that begins like this and did not decode.
func misread(begin []byte, err error) error {
	is := sniff.Name(begin[:min(len(begin), sniff.Len)])
	switch {
	case errors.Is(err, image.ErrFormat) && is == "":
		return errors.New("no picture that is known here, want JPEG, PNG, GIF or BMP")
	case errors.Is(err, image.ErrFormat) || len(begin) == 0 && errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s, want JPEG, PNG, GIF or BMP", is)
	case is == "":
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%s that is cut off: %w", is, err)
	}
	return fmt.Errorf("%s: %w", is, err)
}

func toRGB(m image.Image) *picture {
	if m, ok := m.(*image.YCbCr); ok && interpolated(m) {
		return fromJPEG(m)
	}
	b := m.Bounds()
	p := &picture{b.Dy(), b.Dx(), make([]uint8, 0, 3*b.Dy()*b.Dx())}
	switch m := m.(type) {
	case *image.Gray:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
				p.rgb = append(p.rgb, v, v, v)
			}
		}
	case *image.NRGBA:
		p.every(m.Pix, m.PixOffset(b.Min.X, b.Min.Y), m.Stride, 4, 1)
	case *image.NRGBA64: // the upper byte of each; Convert would lose the color of what is transparent
		p.every(m.Pix, m.PixOffset(b.Min.X, b.Min.Y), m.Stride, 8, 2)
	case *image.Paletted:
		var table [256][3]uint8
		for i, c := range m.Palette {
			c := color.NRGBAModel.Convert(c).(color.NRGBA)
			table[i&255] = [3]uint8{c.R, c.G, c.B}
		}
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
				p.rgb = append(p.rgb, table[v][:]...)
			}
		}
	case *image.RGBA:
		if m.Opaque() {
			p.every(m.Pix, m.PixOffset(b.Min.X, b.Min.Y), m.Stride, 4, 1)
			break
		}
		p.each(m)
	default:
		p.each(m)
	}
	return p
}

// every takes three bytes, by apart, of each pixel of size bytes.
func (p *picture) every(pix []uint8, first, stride, size, by int) {
	for y := range p.height {
		row := pix[first+y*stride:][:p.width*size]
		for ; len(row) > 0; row = row[size:] {
			p.rgb = append(p.rgb, row[0], row[by], row[2*by])
		}
	}
}

// each converts one pixel after another.
func (p *picture) each(m image.Image) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			p.rgb = append(p.rgb, c.R, c.G, c.B)
		}
	}
}
