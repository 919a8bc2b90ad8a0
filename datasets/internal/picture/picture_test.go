// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"testing"
)

// pattern is the image of testdata/make_images.py.
func pattern(h, w int) *RGB {
	p := &RGB{Height: h, Width: w}
	for y := range h {
		for x := range w {
			for k := range 3 {
				p.Pix = append(p.Pix, uint8(x*7+y*13+k*29+x*y*(k+1)))
			}
		}
	}
	return p
}

type references struct {
	Resized []struct {
		From, To [2]int
		Filter   string
		RGB      []byte
	}
}

func readReferences(t *testing.T) (r references) {
	t.Helper()
	raw, err := os.ReadFile("testdata/images.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestResize: every byte as PIL has it (testdata/make_images.py).
func TestResize(t *testing.T) {
	filters := map[string]Filter{"nearest": Nearest, "bilinear": Bilinear, "catmullrom": CatmullRom}
	for _, c := range readReferences(t).Resized {
		got := pattern(c.From[0], c.From[1]).Resize(c.To[0], c.To[1], filters[c.Filter])
		if got.Height != c.To[0] || got.Width != c.To[1] || len(got.Pix) != len(c.RGB) {
			t.Fatalf("%s %v to %v: %dx%d, %d bytes", c.Filter, c.From, c.To, got.Height, got.Width, len(got.Pix))
		}
		for i := range c.RGB {
			if got.Pix[i] != c.RGB[i] {
				t.Errorf("%s %v to %v: byte %d is %d, PIL gives %d", c.Filter, c.From, c.To, i, got.Pix[i], c.RGB[i])
				break
			}
		}
	}
}

// TestDecompressionBomb: a few bytes that declare gigapixels are refused before
// anything is allocated for them.
func TestDecompressionBomb(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	for _, c := range []struct{ width, height uint32 }{{1 << 13, 1 << 13}, {1, 1 << 25}} { // the second grows when it gets 150 columns
		binary.BigEndian.PutUint32(raw[16:], c.width)
		binary.BigEndian.PutUint32(raw[20:], c.height)
		// The checksum of the header chunk follows its 13 bytes.
		binary.BigEndian.PutUint32(raw[29:], pngCRC(raw[12:29]))
		want := fmt.Sprintf("png of %dx%d pixels, want sides of 1 to 65536 and at most 33554432 in all", c.width, c.height)
		if _, err := decode(bytes.NewReader(raw), int64(len(raw)), Size{}, free); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// pngCRC is the CRC-32 of the PNG specification, bit by bit.
func pngCRC(b []byte) uint32 {
	c := ^uint32(0)
	for _, v := range b {
		c ^= uint32(v)
		for range 8 {
			c = c>>1 ^ 0xedb88320*(c&1)
		}
	}
	return ^c
}

func FuzzDecode(f *testing.F) {
	m := image.NewNRGBA(image.Rect(0, 0, 5, 4))
	var a, b bytes.Buffer
	if err := png.Encode(&a, m); err != nil {
		f.Fatal(err)
	}
	if err := jpeg.Encode(&b, m, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(a.Bytes())
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			t.Skip("larger inputs find nothing new")
		}
		if c, _, err := image.DecodeConfig(bytes.NewReader(raw)); err == nil && c.Width*c.Height > 1<<20 {
			t.Skip("allowed, but slow to fuzz")
		}
		p, err := decode(bytes.NewReader(raw), int64(len(raw)), Size{}, free)
		if err != nil {
			return
		}
		if len(p.Pix) != 3*p.Height*p.Width {
			t.Fatalf("%dx%d with %d bytes", p.Height, p.Width, len(p.Pix))
		}
		p.Resize(7, 9, CatmullRom)
	})
}
