// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"
	"sync"
)

// A Scaling says how the values of one channel become colours.
type Scaling int

const (
	// Standardised moves a channel to mean 128 and standard deviation 64 on a
	// scale of 0 to 255 and clips the rest, so that weak channels show too
	// (Chollet, Deep Learning with Python, 5.4.1).
	Standardised Scaling = iota
	// MinMax stretches a channel from its smallest to its largest value.
	MinMax
)

// ActivationGrid draws all channels of a layer's output, perRow in a row (0
// for 16), each scaled for itself; the numbers at the left count channels. A
// channel without any variation, a dead filter, is drawn in the darkest colour.
func ActivationGrid(title string, v Volume, perRow int, s Scaling) (*Figure, error) {
	if err := v.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	if perRow <= 0 {
		perRow = 16
	}
	perRow = min(perRow, v.Channels)
	rows := (v.Channels + perRow - 1) / perRow
	const margin, gap, most = 10, 1.5, 96.0
	numbers := style{size: tickSize}.width(strconv.Itoa(v.Channels)) + 6
	cell := math.Min(most, 640/float64(perRow))
	tall := cell * float64(v.Height) / float64(v.Width)
	note := fmt.Sprintf("%d channels of %d × %d", v.Channels, v.Height, v.Width)
	top := margin + titleSize + 8.0
	return &Figure{
		Alt: fmt.Sprintf("%s: the output of all %s as small pictures.", title, note),
		width: math.Max(2*margin+numbers+float64(perRow)*cell,
			2*margin+12+style{size: titleSize, bold: true}.width(title)+style{}.width(note)),
		height: top + float64(rows)*tall + margin,
		draw: func(p *pen) {
			bold := style{size: titleSize, bold: true}
			p.text(margin, margin+titleSize, bold, title)
			p.text(margin+bold.width(title)+12, margin+titleSize, style{colour: p.Muted}, note)
			for c := range v.Channels {
				x := margin + numbers + float64(c%perRow)*cell
				y := top + float64(c/perRow)*tall
				p.image(x, y, cell-gap, tall-gap, paint(v, c, s))
				if c%perRow == 0 && tall >= tickSize {
					p.text(margin+numbers-5, y+(tall-gap)/2,
						style{size: tickSize, colour: p.Muted, align: 1, middle: true}, strconv.Itoa(c))
				}
			}
		},
	}, nil
}

// Channel draws one channel large, with its own values at the colour bar.
func Channel(title string, v Volume, channel int) (*Figure, error) {
	if err := v.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	if channel < 0 || channel >= v.Channels {
		return nil, fmt.Errorf("%s: channel %d of %d", title, channel, v.Channels)
	}
	values, all := make([][]float64, v.Height), v.channel(channel)
	for y := range values {
		values[y] = all[y*v.Width : (y+1)*v.Width]
	}
	return HeatMap{
		Title: fmt.Sprintf("%s, channel %d", title, channel), Values: values, Bar: "activation",
		Alt: fmt.Sprintf("%s: the output of channel %d, %d × %d, as a heat map.", title, channel, v.Height, v.Width),
	}.Figure()
}

// viridisLevels are 256 steps along Viridis.
var viridisLevels = sync.OnceValue(func() (c [256]color.NRGBA) {
	for i := range c {
		c[i] = Viridis.At(float64(i) / 255)
	}
	return c
})

// paint makes a picture of one channel, with a palette, which takes a third of the
// room in a file.
func paint(v Volume, channel int, s Scaling) image.Image {
	values := v.channel(channel)
	scale := s.fit(values)
	img := image.NewPaletted(image.Rect(0, 0, v.Width, v.Height), nil)
	colours := viridisLevels()
	var at [256]int // place of a level in the palette, plus one
	for i, x := range values {
		l := level(scale(x))
		if at[l] == 0 {
			img.Palette = append(img.Palette, colours[l])
			at[l] = len(img.Palette)
		}
		img.Pix[i] = uint8(at[l] - 1)
	}
	return img
}

// fit returns the function from a channel's values to 0 ... 1.
func (s Scaling) fit(values []float64) func(float64) float64 {
	mean, lo, hi := 0.0, values[0], values[0]
	for _, x := range values {
		mean += x / float64(len(values))
		lo, hi = math.Min(lo, x), math.Max(hi, x)
	}
	if hi == lo {
		return func(float64) float64 { return 0 }
	}
	if s == MinMax {
		return func(x float64) float64 { return (x - lo) / (hi - lo) }
	}
	variance := 0.0
	for _, x := range values {
		variance += (x - mean) * (x - mean) / float64(len(values))
	}
	sd := math.Sqrt(variance)
	return func(x float64) float64 { return (128 + 64*(x-mean)/sd) / 255 }
}
