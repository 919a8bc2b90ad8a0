// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"testing"
)

// pattern is the picture of testdata/make_images.py.
func pattern(h, w int) *picture {
	p := &picture{h, w, nil}
	for y := range h {
		for x := range w {
			for k := range 3 {
				p.rgb = append(p.rgb, uint8(x*7+y*13+k*29+x*y*(k+1)))
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
		got := pattern(c.From[0], c.From[1]).resize(c.To[0], c.To[1], filters[c.Filter])
		if got.height != c.To[0] || got.width != c.To[1] || len(got.rgb) != len(c.RGB) {
			t.Fatalf("%s %v to %v: %dx%d, %d bytes", c.Filter, c.From, c.To, got.height, got.width, len(got.rgb))
		}
		for i := range c.RGB {
			if got.rgb[i] != c.RGB[i] {
				t.Errorf("%s %v to %v: byte %d is %d, PIL gives %d", c.Filter, c.From, c.To, i, got.rgb[i], c.RGB[i])
				break
			}
		}
	}
}

// TestAugmentApply: values as scipy has them (testdata/make_warp.py).
func TestAugmentApply(t *testing.T) {
	raw, err := os.ReadFile("testdata/warped.json")
	if err != nil {
		t.Fatal(err)
	}
	var warped []struct {
		Size   [2]int
		Change [6]float64
		Flips  [2]bool
		Fill   string
		Values []float32
	}
	if err := json.Unmarshal(raw, &warped); err != nil {
		t.Fatal(err)
	}
	fills := map[string]Fill{"nearest": FillNearest, "reflect": FillReflect, "wrap": FillWrap, "constant": FillConstant}
	for _, c := range warped {
		p := pattern(c.Size[0], c.Size[1])
		a := &Augment{Fill: fills[c.Fill], FillValue: 77}
		out := make([]float32, len(p.rgb))
		v := c.Change
		a.apply(p, change{v[0], v[1], v[2], v[3], v[4], v[5], c.Flips[0], c.Flips[1], 1}, out)
		for i, want := range c.Values {
			if math.Abs(float64(out[i]-want)) > 0.01 {
				t.Errorf("%v %v flips %v %s: value %d (row %d, column %d) is %v, scipy gives %v",
					c.Size, c.Change, c.Flips, c.Fill, i, i/3/c.Size[1], i/3%c.Size[1], out[i], want)
				break
			}
		}
	}
}

// TestAugmentShiftInPixels: from 1 on a shift is in pixels, as in Keras.
func TestAugmentShiftInPixels(t *testing.T) {
	a := &Augment{WidthShift: 20, HeightShift: 1}
	var high [2]float64
	for i := range 500 {
		c := a.draw(i, 1, 50, 100)
		high[0], high[1] = max(high[0], c.tx), max(high[1], c.ty)
	}
	if high[0] < 19 || high[0] > 20 || high[1] < 0.95 || high[1] > 1 {
		t.Errorf("shifts up to %v, want nearly 20 and 1", high)
	}
	for _, bad := range []float64{-1, 256, math.NaN()} {
		if err := (&Augment{FillValue: bad}).check(); err == nil {
			t.Errorf("fill value %v passed", bad)
		}
	}
}

// TestAugmentDraw: the numbers stay in their ranges and reach both ends.
func TestAugmentDraw(t *testing.T) {
	a := &Augment{Rotation: 40, WidthShift: 0.2, HeightShift: 0.1, Shear: 0.2, Zoom: 0.3, HorizontalFlip: true, Brightness: [2]float64{0.5, 2}, Seed: 3}
	var low, high [7]float64
	flips := 0
	for i := range 2000 {
		c := a.draw(i, 1, 50, 100)
		for k, v := range [7]float64{c.rotation * 180 / math.Pi, c.ty, c.tx, c.shear * 180 / math.Pi, c.zy - 1, c.zx - 1, c.brightness} {
			low[k], high[k] = min(low[k], v), max(high[k], v)
			if i == 0 {
				low[k], high[k] = v, v
			}
		}
		if c.flipX {
			flips++
		}
		if c.flipY {
			t.Fatal("flipped upside down unasked")
		}
	}
	for k, want := range [7][2]float64{{-40, 40}, {-5, 5}, {-20, 20}, {-0.2, 0.2}, {-0.3, 0.3}, {-0.3, 0.3}, {0.5, 2}} {
		width := want[1] - want[0]
		if low[k] < want[0] || high[k] > want[1] || low[k] > want[0]+0.01*width || high[k] < want[1]-0.01*width {
			t.Errorf("number %d: from %v to %v, want nearly %v", k, low[k], high[k], want)
		}
	}
	if flips < 900 || flips > 1100 { // 4.5 standard deviations
		t.Errorf("%d of 2000 flipped", flips)
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
		if _, err := decodePicture(bytes.NewReader(raw), int64(len(raw)), sizing{}); err == nil || err.Error() != want {
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

func FuzzDecodePicture(f *testing.F) {
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
		p, err := decodePicture(bytes.NewReader(raw), int64(len(raw)), sizing{})
		if err != nil {
			return
		}
		if len(p.rgb) != 3*p.height*p.width {
			t.Fatalf("%dx%d with %d bytes", p.height, p.width, len(p.rgb))
		}
		p.resize(7, 9, CatmullRom)
	})
}
