// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// Layers that spread the values of a picture, in training and in prediction

// pixelRange has the range of the values of pixels.
type pixelRange struct {
	ValueRange [2]float64 `json:"value_range" option:"ValueRange"`
}

func newPixelRange() pixelRange { return pixelRange{[2]float64{0, 255}} }

func (r *pixelRange) check() error {
	if !(r.ValueRange[0] < r.ValueRange[1]) {
		return fmt.Errorf("ValueRange is %g to %g, want an ascending range", r.ValueRange[0], r.ValueRange[1])
	}
	return nil
}

// linear are values of one range in another one.
type linear struct{ from, extent, to, scale float32 }

func (l linear) of(v float32) float32 { return float32((v-l.from)/l.extent*l.scale) + l.to }

// bytes is the way from the range to 0 to 255, and the way back.
func (r *pixelRange) bytes() (there, back linear) {
	lowest, extent := float32(r.ValueRange[0]), float32(r.ValueRange[1]-r.ValueRange[0])
	if lowest == 0 && extent == 255 {
		return linear{0, 1, 0, 1}, linear{0, 1, 0, 1}
	}
	return linear{lowest, extent, 0, 255}, linear{0, 255, lowest, extent}
}

// whole is a number without its fraction, limited to 0 to last; a NaN is 0.
func whole(v, last float32) int {
	if !(v > 0) {
		return 0
	}
	return int(min(v, last))
}

// AutoContrast stretches the values of each channel of a picture to ValueRange: the lowest becomes the
// lowest of the range, the highest the highest. A channel of one value stays.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model, in training and in prediction.
//
// Options:
//
//	ValueRange  0 to 255
//	Name        "auto_contrast", "auto_contrast_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/auto_contrast/.
func AutoContrast(opts ...PreprocessingOption) Layer {
	return newLayer(&autoContrast{pixelRange: newPixelRange()}, opts)
}

type autoContrast struct {
	augmentation
	pixelRange
}

var _ = register[autoContrast]("AutoContrast")

func (d *autoContrast) Kind() string { return "AutoContrast" }

func (d *autoContrast) prepare(_ *preparation, in []*value, out *value) error {
	unchanged(in, out)
	there, back := d.bytes()
	channels := out.shape[2]
	for c := range channels {
		low, high := float32(math.Inf(1)), float32(math.Inf(-1))
		for i := c; i < len(out.numbers); i += channels {
			v := there.of(out.numbers[i])
			low, high = min(low, v), max(high, v)
		}
		if !(low < high) {
			continue
		}
		scale := 255 / (high - low)
		offset := float32(-low * scale)
		for i := c; i < len(out.numbers); i += channels {
			v := float32(there.of(out.numbers[i])*scale) + offset
			out.numbers[i] = back.of(min(max(v, 0), 255))
		}
	}
	return nil
}

// Equalization equalizes the histogram of each channel of a picture: a value in bin i becomes
//
//	255·(n(i) - n(first))/(n(last) - n(first)), rounded, in 0 to 255
//
// where n counts the pixels up to a bin and first is the first bin that has any. A channel whose values
// are all in one bin stays. There may be 2 to 65536 bins. Keras counts the pixels of a whole batch.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model, in training and, as Keras documents it, in
// prediction.
//
// Options:
//
//	NumBins     256
//	ValueRange  0 to 255
//	Name        "equalization", "equalization_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/equalization/.
func Equalization(opts ...PreprocessingOption) Layer {
	return newLayer(&equalization{NumBins: 256, pixelRange: newPixelRange()}, opts)
}

type equalization struct {
	augmentation
	pixelRange
	NumBins int `json:"bins" option:"NumBins"`
}

var _ = register[equalization]("Equalization")

func (d *equalization) Kind() string { return "Equalization" }

func (d *equalization) check() error {
	if d.NumBins < 2 || d.NumBins > 1<<16 {
		return fmt.Errorf("NumBins is %d, want 2 to %d", d.NumBins, 1<<16)
	}
	return d.pixelRange.check()
}

func (d *equalization) prepare(p *preparation, in []*value, out *value) error {
	unchanged(in, out)
	there, back := d.bytes()
	table := p.picture(1, d.NumBins, 1).pixels
	channels, last := out.shape[2], float32(d.NumBins-1)
	for c := range channels {
		clear(table)
		used, first := 0, d.NumBins
		for i := c; i < len(out.numbers); i += channels {
			bin := whole(there.of(out.numbers[i])*last/255, last)
			if table[bin] == 0 {
				used, first = used+1, min(first, bin)
			}
			table[bin]++
		}
		if used < 2 {
			continue
		}
		lowest, sum := table[first], float32(0)
		rest := float32(len(out.numbers)/channels) - lowest
		for bin, n := range table {
			sum += n
			table[bin] = min(max(float32(math.RoundToEven(float64(sum-lowest)*255/float64(rest))), 0), 255)
		}
		for i := c; i < len(out.numbers); i += channels {
			bin := whole(there.of(out.numbers[i])/255*last, last)
			out.numbers[i] = back.of(table[bin])
		}
	}
	return nil
}

// ContrastLimitedAdaptiveHistogramEqualization (CLAHE) equalizes the histograms of the tiles of a picture,
// each channel of its own, and interpolates between the tables of the four tiles whose centers are
// nearest to a pixel. Counts of a tile's 256 bins are cut at
//
//	ClipLimit · pixels of a tile / 256
//
// and what is cut is distributed among all bins, so that noise in even regions is not amplified; with a
// ClipLimit of 0 nothing is cut. TileGrid is 1 to 64 in each direction; a picture whose sides are no
// multiples of it is continued by its mirror, as Keras does on TensorFlow and JAX.
//
//	input, output  (batch, rows, columns, channels), the same shape
//
// It runs before the network, on the raw inputs of a model, in training and in prediction.
//
// Options:
//
//	ValueRange  0 to 255
//	ClipLimit   4
//	TileGrid    8
//	Name        "contrast_limited_adaptive_histogram_equalization", "contrast_limited_adaptive_histogram_equalization_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/.
func ContrastLimitedAdaptiveHistogramEqualization(opts ...PreprocessingOption) Layer {
	return newLayer(&clahe{ClipLimit: 4, TileGrid: [2]int{8, 8}, pixelRange: newPixelRange()}, opts)
}

type clahe struct {
	augmentation
	pixelRange
	ClipLimit float64 `json:"clip_limit" option:"ClipLimit"`
	TileGrid  [2]int  `json:"tile_grid_size" option:"TileGrid"`
}

var _ = register[clahe]("ContrastLimitedAdaptiveHistogramEqualization")

func (d *clahe) Kind() string { return "ContrastLimitedAdaptiveHistogramEqualization" }

func (d *clahe) check() error {
	if !(d.ClipLimit >= 0) {
		return fmt.Errorf("ClipLimit is %g, want 0 or more", d.ClipLimit)
	}
	for _, n := range d.TileGrid {
		if n < 1 || n > 64 {
			return fmt.Errorf("TileGrid is %d x %d, want 1 to 64", d.TileGrid[0], d.TileGrid[1])
		}
	}
	return d.pixelRange.check()
}

// byteBins are the bins of a histogram of bytes.
const byteBins = 256

func (d *clahe) prepare(p *preparation, in []*value, out *value) error {
	unchanged(in, out)
	there, back := d.bytes()
	for i, v := range out.numbers {
		out.numbers[i] = min(max(there.of(v), 0), 255)
	}
	all, grid := pictureOf(out), d.TileGrid
	rows, columns := (all.height+grid[0]-1)/grid[0], (all.width+grid[1]-1)/grid[1]
	tables := p.picture(grid[0]*grid[1], all.channels, byteBins).pixels
	table := func(row, column, channel int) []float32 {
		row, column = min(max(row, 0), grid[0]-1), min(max(column, 0), grid[1]-1)
		at := ((row*grid[1]+column)*all.channels + channel) * byteBins
		return tables[at : at+byteBins]
	}
	for row := range grid[0] {
		for column := range grid[1] {
			for c := range all.channels {
				t := table(row, column, c)
				all.count(row*rows, column*columns, rows, columns, c, t)
				d.equalize(t, float32(rows*columns))
			}
		}
	}
	for y := range all.height {
		row, down := tile(y, rows)
		for x := range all.width {
			column, right := tile(x, columns)
			for c := range all.channels {
				at := &all.pixels[(y*all.width+x)*all.channels+c]
				v := whole(*at, byteBins-1)
				top := table(row, column, c)[v]*(1-right) + table(row, column+1, c)[v]*right
				bottom := table(row+1, column, c)[v]*(1-right) + table(row+1, column+1, c)[v]*right
				*at = back.of(top*(1-down) + bottom*down)
			}
		}
	}
	return nil
}

// count makes the histogram of a tile of a picture that its mirror continues.
func (p picture) count(top, left, rows, columns, channel int, histogram []float32) {
	clear(histogram)
	mirror := filling{mode: FillReflect}
	for y := range rows {
		row, _ := mirror.index(top+y, p.height)
		for x := range columns {
			column, _ := mirror.index(left+x, p.width)
			histogram[whole(p.pixels[(row*p.width+column)*p.channels+channel], byteBins-1)]++
		}
	}
}

// equalize makes the table of new values of a histogram of n pixels.
func (d *clahe) equalize(t []float32, n float32) {
	if d.ClipLimit > 0 {
		limit, excess := float32(d.ClipLimit*float64(n)/byteBins), float32(0)
		for i, v := range t {
			t[i] = min(v, limit)
			excess += v - t[i]
		}
		for i := range t {
			t[i] += excess / byteBins
		}
	}
	lowest, sum := t[0], float32(0)
	rest := n - lowest
	if rest == 0 {
		rest = 1
	}
	for i, v := range t {
		sum += v
		t[i] = min(max((sum-lowest)*255/rest, 0), 255)
	}
}

// tile returns the tile whose center is the last before a pixel, of tiles of n pixels, and the share of
// the way to the center of the next.
func tile(pixel, n int) (before int, share float32) {
	at := (float64(pixel) - float64(n)/2) / float64(n)
	floor := math.Floor(at)
	return int(floor), float32(at - floor)
}
