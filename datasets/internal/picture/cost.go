// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
)

// Limits of one image file: a few bytes must not inflate to gigabytes or take minutes,
// neither when decoded nor while only one axis has been resized.
const (
	MaxBytes  = 1 << 26 // of a file
	MaxPixels = 1 << 25
	maxSide   = 1 << 16

	smallFile   = 1 << 20   // a smaller file may cost
	smallMemory = 112 << 20 // this many bytes and
	smallWork   = 600e6     // this many nanoseconds;
	largeMemory = 640 << 20 // a larger one these
	largeWork   = 4000e6
)

// cost is the estimated cost of decoding an image: memory in bytes and time in nanoseconds
// of an ordinary core, once and again for every scan of a JPEG.
type cost struct {
	memory, work, scan int64
	output             int64 // bytes of the image in single precision, in its own size
}

// estimate computes the cost from the header; begin holds all its bytes.
func estimate(c image.Config, format string, begin []byte, to Size) (cost, error) {
	if min(c.Width, c.Height) < 1 || max(c.Width, c.Height) > maxSide || c.Width > MaxPixels/c.Height {
		return cost{}, fmt.Errorf("%s of %dx%d pixels, want sides of 1 to %d and at most %d in all", format, c.Width, c.Height, maxSide, MaxPixels)
	}
	n := int64(c.Width) * int64(c.Height)
	var p cost
	switch _, paletted := c.ColorModel.(color.Palette); {
	case format == "jpeg":
		p = jpegCost(c, begin)
	case paletted || c.ColorModel == color.GrayModel:
		p = cost{memory: n, work: 15 * n}
	case c.ColorModel == color.RGBA64Model || c.ColorModel == color.NRGBA64Model:
		p = cost{memory: 8 * n, work: 40 * n}
	default:
		p = cost{memory: 4 * n, work: 25 * n}
	}
	const interlace = 28 // its offset in a PNG
	if format == "png" && len(begin) > interlace && begin[interlace] != 0 {
		p.memory, p.work = 2*p.memory, 3*p.work
	}
	p.memory += 3 * n // red, green and blue
	if to.Gray {
		p.memory, p.work = p.memory+3*n, p.work+3*n
	}
	if to.keeps() {
		p.output = 4 * 3 * n
	}
	if !to.keeps() && to.Filter != Nearest {
		between := 3 * int64(c.Height) * int64(to.Width) // resized along one axis
		p.memory, p.work = p.memory+between, p.work+5*n+between
	}
	return p, nil
}

// jpegCost adds up the components, in whole blocks of 8x8 samples. A progressive file
// takes 4 bytes for each coefficient, and every scan visits all blocks.
func jpegCost(c image.Config, begin []byte) cost {
	n := int64(c.Width) * int64(c.Height)
	p := cost{memory: 16 * 5 * n, work: 30 * n, scan: 2 * n} // if no frame header is found
	for at := 2; at+10 < len(begin); {
		// Skip what separates segments as Go's decoder does.
		marker := begin[at+1]
		switch {
		case begin[at] != 0xff, marker == 0xff:
			at++
			continue
		case marker == 0, marker >= 0xd0 && marker <= 0xd7:
			at += 2
			continue
		case marker < 0xc0 || marker > 0xc2:
			at += 2 + int(begin[at+2])<<8 + int(begin[at+3])
			continue
		}
		components := int(begin[at+9])
		if at+10+3*components > len(begin) {
			break
		}
		var samples, across, down int64 = 0, 1, 1
		for k := range components {
			v := begin[at+11+3*k]
			across, down = max(across, int64(v>>4)), max(down, int64(v&15))
		}
		units := ((int64(c.Width)-1)/(8*across) + 1) * ((int64(c.Height)-1)/(8*down) + 1)
		for k := range components {
			v := begin[at+11+3*k]
			samples += units * int64(v>>4) * int64(v&15) * 64
		}
		p = cost{memory: samples, work: 12 * samples, scan: 0}
		if marker == 0xc2 {
			p.memory, p.scan = 5*samples, samples
		}
		if components > 3 || c.ColorModel != color.YCbCrModel { // needs another conversion
			p.memory, p.work = p.memory+4*n, p.work+10*n
		}
		break
	}
	return p
}

// check compares with the limits for a file of size bytes.
func (p cost) check(size int64) error {
	memory, work := int64(smallMemory), int64(smallWork)
	if size >= smallFile {
		memory, work = largeMemory, largeWork
	}
	if p.memory > memory || p.memory+p.output > memory+memory/2 || p.work > work {
		return fmt.Errorf("%d MB and %d ms to decode and resize %d bytes, want at most %d MB and %d ms",
			(p.memory+p.output)>>20, p.work/1e6, size, memory>>20, work/1e6)
	}
	return nil
}

// scanCounter counts the scans of a JPEG while the file is read: each may take only a few
// bytes of the file and yet visit the whole image.
type scanCounter struct {
	r        io.Reader
	cost     cost
	size     int64
	spend    func(work int64) error
	last     byte
	exceeded error // why the file costs too much
}

func (s *scanCounter) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.cost.scan == 0 || n == 0 {
		return n, err
	}
	scans := bytes.Count(p[:n], []byte{0xff, 0xda})
	if s.last == 0xff && p[0] == 0xda {
		scans++
	}
	s.last = p[n-1]
	work := int64(scans) * s.cost.scan
	s.cost.work += work
	if s.exceeded = s.cost.check(s.size); s.exceeded == nil {
		s.exceeded = s.spend(work)
	}
	if s.exceeded != nil {
		return 0, s.exceeded
	}
	return n, err
}
