// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// TestJPEGAsPIL: pixels as PIL has them (testdata/make_jpeg.py). Two decoders may round
// the cosine transform of a block differently, by one unit of light or color, which is up
// to three of red, green or blue; color that is repeated and not interpolated is off by
// tens.
func TestJPEGAsPIL(t *testing.T) {
	raw, err := os.ReadFile("testdata/jpeg.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Ratio         string
		Height, Width int
		File, RGB     []byte
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		p, err := decode(bytes.NewReader(c.File), smallFile, Size{}, free)
		if err != nil {
			t.Fatal(err)
		}
		if p.Height != c.Height || p.Width != c.Width || len(p.Pix) != len(c.RGB) {
			t.Fatalf("%s: %d x %d, %d bytes, want %d x %d, %d bytes", c.Ratio, p.Height, p.Width, len(p.Pix), c.Height, c.Width, len(c.RGB))
		}
		worst, sum := 0, 0
		for i, want := range c.RGB {
			d := int(p.Pix[i]) - int(want)
			worst, sum = max(worst, d, -d), sum+max(d, -d)
		}
		if mean := float64(sum) / float64(len(c.RGB)); worst > 3 || mean > 0.3 {
			t.Errorf("%s, %d x %d: off by up to %d, by %.2f on the mean", c.Ratio, c.Height, c.Width, worst, mean)
		}
	}
}
