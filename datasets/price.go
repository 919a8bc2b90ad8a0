// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
	"runtime"
	"sync"
)

// Limits of one picture file: a few bytes must not inflate to gigabytes or take minutes,
// neither when it is decoded nor when one axis of it has been resized and the other not yet.
const (
	maxPictureBytes  = 1 << 26
	maxPicturePixels = 1 << 25
	maxPictureSide   = 1 << 16

	smallFile       = 1 << 20   // a file below it may cost
	smallBytes      = 112 << 20 // this memory and
	smallWork       = 600e6     // this time, in nanoseconds;
	largeBytes      = 640 << 20 // larger ones this
	largeWork       = 4000e6
	decodingAtATime = 96 << 20 // memory of all pictures that are being decoded
)

// price is what it takes to decode a picture: memory in bytes and time in nanoseconds of
// an ordinary core, once and again for every scan of a JPEG.
type price struct {
	bytes, work, scan int64
	numbers           int64 // memory of the picture in single precision, in its own size
}

// priceOf estimates from the header, of which begin has all bytes.
func priceOf(c image.Config, format string, begin []byte, to sizing) (price, error) {
	if min(c.Width, c.Height) < 1 || max(c.Width, c.Height) > maxPictureSide || c.Width > maxPicturePixels/c.Height {
		return price{}, fmt.Errorf("%s of %dx%d pixels, want sides of 1 to %d and at most %d in all", format, c.Width, c.Height, maxPictureSide, maxPicturePixels)
	}
	n := int64(c.Width) * int64(c.Height)
	var p price
	switch _, paletted := c.ColorModel.(color.Palette); {
	case format == "jpeg":
		p = jpegPrice(c, begin)
	case paletted || c.ColorModel == color.GrayModel:
		p = price{bytes: n, work: 15 * n}
	case c.ColorModel == color.RGBA64Model || c.ColorModel == color.NRGBA64Model:
		p = price{bytes: 8 * n, work: 40 * n}
	default:
		p = price{bytes: 4 * n, work: 25 * n}
	}
	const interlace = 28 // its offset in a PNG
	if format == "png" && len(begin) > interlace && begin[interlace] != 0 {
		p.bytes, p.work = 2*p.bytes, 3*p.work
	}
	p.bytes += 3 * n // red, green and blue
	if to == (sizing{}) {
		p.numbers = 4 * 3 * n
	}
	if to != (sizing{}) && to.filter != Nearest {
		between := 3 * int64(c.Height) * int64(to.width) // resized in one axis
		p.bytes, p.work = p.bytes+between, p.work+5*n+between
	}
	return p, nil
}

// jpegPrice adds up the components, in whole blocks of 8x8 samples. A progressive file
// keeps 4 bytes for each coefficient and goes over all blocks in every scan.
func jpegPrice(c image.Config, begin []byte) price {
	n := int64(c.Width) * int64(c.Height)
	p := price{bytes: 16 * 5 * n, work: 30 * n, scan: 2 * n} // when the frame is not found
	for at := 2; at+10 < len(begin); {
		// What separates segments is skipped as Go's decoder does it.
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
		p = price{bytes: samples, work: 12 * samples, scan: 0}
		if marker == 0xc2 {
			p.bytes, p.scan = 5*samples, samples
		}
		if components > 3 || c.ColorModel != color.YCbCrModel { // converted once more
			p.bytes, p.work = p.bytes+4*n, p.work+10*n
		}
		break
	}
	return p
}

// check compares with what a file of so many bytes may cost.
func (p price) check(size int64) error {
	bytes, work := int64(smallBytes), int64(smallWork)
	if size >= smallFile {
		bytes, work = largeBytes, largeWork
	}
	if p.bytes > bytes || p.bytes+p.numbers > bytes+bytes/2 || p.work > work {
		return fmt.Errorf("%d MB and %d ms to decode and resize %d bytes, want at most %d MB and %d ms",
			(p.bytes+p.numbers)>>20, p.work/1e6, size, bytes>>20, work/1e6)
	}
	return nil
}

// scans is a file whose scans, if it is a JPEG, are counted while it is read: each may cost
// a few bytes and go over all of the picture.
type scans struct {
	r    io.Reader
	cost price
	size int64
	pay  func(work int64) error
	last byte
	over error // that the file costs too much
}

func (s *scans) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.cost.scan == 0 || n == 0 {
		return n, err
	}
	begin := bytes.Count(p[:n], []byte{0xff, 0xda})
	if s.last == 0xff && p[0] == 0xda {
		begin++
	}
	s.last = p[n-1]
	more := int64(begin) * s.cost.scan
	s.cost.work += more
	if s.over = s.cost.check(s.size); s.over == nil {
		s.over = s.pay(more)
	}
	if s.over != nil {
		return 0, s.over
	}
	return n, err
}

// room is memory that is given to those who ask, in their order.
type room struct {
	turn  sync.Mutex
	mu    sync.Mutex
	left  sync.Cond
	free  int64
	all   int64
	stale int64 // given to large pictures since the last collection
}

// decoding is for all pictures that are decoded at the same time, whoever reads them.
var decoding = newRoom(decodingAtATime)

func newRoom(n int64) *room {
	r := &room{free: n, all: n}
	r.left.L = &r.mu
	return r
}

// enter waits for n bytes, all there are if n is more, and returns the function that gives
// them back. What large pictures leave behind is collected before it doubles the memory.
func (r *room) enter(n int64) (leave func()) {
	const large = 16 << 20
	n = min(n, r.all)
	r.turn.Lock()
	r.mu.Lock()
	for r.free < n {
		r.left.Wait()
	}
	r.free -= n
	if n >= large {
		r.stale += n
	}
	collect := r.stale > r.all
	if collect {
		r.stale = n
	}
	r.mu.Unlock()
	r.turn.Unlock()
	if collect {
		runtime.GC()
	}
	return func() {
		r.mu.Lock()
		r.free += n
		r.mu.Unlock()
		r.left.Signal()
	}
}
