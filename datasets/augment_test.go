// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/reef-dl/reef/datasets/internal/picture"
)

// pattern is the image of testdata/make_warp.py.
func pattern(h, w int) *picture.RGB {
	p := &picture.RGB{Height: h, Width: w}
	for y := range h {
		for x := range w {
			for k := range 3 {
				p.Pix = append(p.Pix, uint8(x*7+y*13+k*29+x*y*(k+1)))
			}
		}
	}
	return p
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
		out := make([]float32, len(p.Pix))
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
