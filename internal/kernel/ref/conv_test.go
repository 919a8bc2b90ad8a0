// SPDX-License-Identifier: Apache-2.0

package ref

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestConvMatchesPyTorch compares with numbers written by testdata/conv.py.
func TestConvMatchesPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/conv.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Depthwise     bool
		Conv          Conv
		X, W, Bias, Y []float64
		DY, DX, DW    []float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 6 {
		t.Fatalf("testdata/conv.json has %d cases, want 6", len(cases))
	}
	for _, c := range cases {
		y, dx, dw := make([]float64, len(c.Y)), make([]float64, len(c.DX)), make([]float64, len(c.DW))
		if c.Depthwise {
			Depthwise2D(y, c.X, c.W, c.Bias, &c.Conv)
			Depthwise2DBackData(dx, c.DY, c.W, &c.Conv)
			Depthwise2DBackWeights(dw, c.X, c.DY, &c.Conv)
		} else {
			Conv2D(y, c.X, c.W, c.Bias, &c.Conv)
			Conv2DBackData(dx, c.DY, c.W, &c.Conv)
			Conv2DBackWeights(dw, c.X, c.DY, &c.Conv)
		}
		for _, r := range []struct {
			what      string
			got, want []float64
		}{{"y", y, c.Y}, {"dx", dx, c.DX}, {"dw", dw, c.DW}} {
			if !slices.Equal(r.got, r.want) {
				t.Errorf("%+v, depthwise %v: %s = %v, want %v", c.Conv, c.Depthwise, r.what, r.got, r.want)
			}
		}
	}
}
