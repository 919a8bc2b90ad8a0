// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// TestGIF compares first frames with those of PIL (testdata/make_gif.py): transparent ones
// and those that are smaller than their screen.
func TestGIF(t *testing.T) {
	raw, err := os.ReadFile("testdata/gif.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name      string
		File, RGB []byte
		Size      [2]int
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		p, err := decode(bytes.NewReader(c.File), int64(len(c.File)), Size{}, free)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		} else if p.Height != c.Size[0] || p.Width != c.Size[1] || !bytes.Equal(p.Pix, c.RGB) {
			t.Errorf("%s: %dx%d %v, PIL gives %v %v", c.Name, p.Height, p.Width, p.Pix, c.Size, c.RGB)
		}
		for n := range len(c.File) - 1 { // cut off anywhere: an error or an image, no panic
			_, _ = decode(bytes.NewReader(c.File[:n]), int64(n), Size{}, free)
		}
	}
	if len(cases) < 8 {
		t.Errorf("%d cases", len(cases))
	}
}
