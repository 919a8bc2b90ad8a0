// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
)

var _ = register(map[string]class{
	"AutoContrast": {read: func(a *args) k.Layer { return k.AutoContrast(a.pixels()...) }},
	"Equalization": {read: func(a *args) k.Layer {
		return k.Equalization(append(a.pixels(), k.NumBins(a.whole("bins", 256)))...)
	}},
	"ContrastLimitedAdaptiveHistogramEqualization": {read: func(a *args) k.Layer {
		options := append(a.pixels(), k.ClipLimit(max(0, a.number("clip_limit", 4)))) // a negative one limits nothing
		if grid := a.window("tile_grid_size", 2, 8); len(grid) == 2 {
			options = append(options, k.TileGrid(grid[0], grid[1]))
		}
		return k.ContrastLimitedAdaptiveHistogramEqualization(options...)
	}},
	"Solarization": {read: func(a *args) k.Layer {
		options := a.pixels()
		if lo, hi, ok := a.interval("addition_factor", 0); ok {
			options = append(options, k.AdditionRange(lo, hi))
		}
		if lo, hi, ok := a.interval("threshold_factor", 0); ok {
			options = append(options, k.ThresholdRange(lo, hi))
		}
		return k.Solarization(options...)
	}},
})

// pixels reads the arguments that layers of pictures share: the order of the axes and the range of values.
func (a *args) pixels() []k.PreprocessingOption {
	a.channelsLast()
	delete(a.raw, "bounding_box_format")
	lo, hi, ok := a.interval("value_range", 0)
	if !ok {
		return nil
	}
	return []k.PreprocessingOption{k.ValueRange(lo, hi)}
}

// interval returns a list of two numbers in ascending order, or from times the number to the number.
func (a *args) interval(name string, from float64) (lowest, highest float64, ok bool) {
	var raw json.RawMessage
	if !a.take(name, &raw) {
		return 0, 0, false
	}
	var one float64
	if json.Unmarshal(raw, &one) == nil {
		return from * one, one, true
	}
	var list []float64
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 2 {
		a.fail(name, fmt.Errorf("is %.60s, want a number or two", raw))
		return 0, 0, false
	}
	return min(list[0], list[1]), max(list[0], list[1]), true
}
