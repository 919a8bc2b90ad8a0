// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"
	"sync"

	"github.com/reef-dl/reef/internal/text"
)

// A Scaling maps the values of a channel to colors.
type Scaling int

const (
	// Standardized maps a channel to mean 128 and standard deviation 64 on a scale of
	// 0 to 255 and clips the rest, so that weak channels are visible too
	// (Chollet, Deep Learning with Python, 5.4.1).
	Standardized Scaling = iota
	// MinMax stretches a channel from its smallest to its largest value.
	MinMax
)

// ActivationGrid draws all channels of a layer's output, perRow in a row (0 for 16), each
// scaled separately; the numbers on the left count channels. A channel without any
// variation, a dead filter, is drawn in the darkest color.
func ActivationGrid(title string, v Volume, perRow int, s Scaling) (*Figure, error) {
	if err := v.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	if perRow <= 0 {
		perRow = 16
	}
	perRow = min(perRow, v.Channels, 4*mostPerRow)
	bold := style{size: titleSize, bold: true}
	title = shorten(bold, title, widestTitle)
	rows := (v.Channels + perRow - 1) / perRow
	const margin, gap, most = 10, 1.5, 96.0
	numbers := style{size: tickSize}.width(strconv.Itoa(v.Channels)) + 6
	cell := math.Min(most, 640/float64(perRow))
	tall := cell * math.Min(math.Max(float64(v.Height)/float64(v.Width), 0.1), 10)
	note := fmt.Sprintf("%s of %d × %d", text.Count(v.Channels, "channel"), v.Height, v.Width)
	top := margin + titleSize + 8.0
	return &Figure{
		Alt: fmt.Sprintf("%s: the output of all %s as small pictures.", title, note),
		width: math.Max(2*margin+numbers+float64(perRow)*cell,
			2*margin+12+bold.width(title)+style{}.width(note)),
		height: top + float64(rows)*tall + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, bold, title)
			p.text(margin+bold.width(title)+12, margin+titleSize, style{color: p.Muted}, note)
			if p.vector {
				sheet := contactSheet(v, perRow, s, gap/(cell-gap))
				p.image(margin+numbers, top, float64(perRow)*cell, float64(rows)*tall, sheet)
			}
			for c := range v.Channels {
				x := margin + numbers + float64(c%perRow)*cell
				y := top + float64(c/perRow)*tall
				if !p.vector {
					p.image(x, y, cell-gap, tall-gap, paint(v, c, s))
				}
				if c%perRow == 0 && tall >= tickSize {
					p.text(margin+numbers-5, y+(tall-gap)/2,
						style{size: tickSize, color: p.Muted, align: 1, middle: true}, strconv.Itoa(c))
				}
			}
		},
	}, nil
}

// Channel draws one channel large, with its own values at the color bar.
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

// paint draws one channel with a palette, which takes a third of the space in a file.
func paint(v Volume, channel int, s Scaling) image.Image {
	values := v.channel(channel)
	scale := s.fit(values)
	img := image.NewPaletted(image.Rect(0, 0, v.Width, v.Height), nil)
	colors := viridisLevels()
	var at [256]int // index of a level in the palette, plus one
	for i, x := range values {
		l := level(scale(x))
		if at[l] == 0 {
			img.Palette = append(img.Palette, colors[l])
			at[l] = len(img.Palette)
		}
		img.Pix[i] = uint8(at[l] - 1)
	}
	return img
}

// sheetPixels is about how many values a contact sheet shows.
const sheetPixels = 190_000.0

// reduced has fewer rows and columns by a factor below 1, each value the mean of
// those that it stands for.
func (v Volume) reduced(by float64) Volume {
	if by >= 1 {
		return v
	}
	out := Volume{Height: max(1, int(by*float64(v.Height))), Width: max(1, int(by*float64(v.Width))), Channels: v.Channels}
	out.Values = make([]float32, out.Height*out.Width*out.Channels)
	for y := range out.Height {
		top, bottom := y*v.Height/out.Height, (y+1)*v.Height/out.Height
		for x := range out.Width {
			left, right := x*v.Width/out.Width, (x+1)*v.Width/out.Width
			share := float32(1) / float32((bottom-top)*(right-left))
			sums := out.Values[(y*out.Width+x)*v.Channels:][:v.Channels]
			for r := top; r < bottom; r++ {
				for c := left; c < right; c++ {
					for ch, value := range v.Values[(r*v.Width+c)*v.Channels:][:v.Channels] {
						sums[ch] += share * value
					}
				}
			}
		}
	}
	return out
}

// contactSheet draws all channels as one image with transparent gaps, a fraction of a
// channel's width, to the right of and below each: one palette and one compression for
// all take far less space in a file than hundreds of small images. Small maps are
// enlarged by integer factors, so that a gap is at least one pixel; large ones are
// reduced to about what a screen can show.
func contactSheet(v Volume, perRow int, s Scaling, gap float64) image.Image {
	v = v.reduced(math.Sqrt(sheetPixels / float64(v.Height*v.Width*v.Channels)))
	k := max(1, int(math.Ceil(1/gap/float64(v.Width))))
	between := max(1, int(math.Round(gap*float64(k*v.Width))))
	wide, high := k*v.Width+between, k*v.Height+between
	rows := (v.Channels + perRow - 1) / perRow
	sheet := image.NewPaletted(image.Rect(0, 0, perRow*wide, rows*high), color.Palette{color.NRGBA{}})
	colors := viridisLevels()
	var at [256]uint8 // index of a level in the palette
	for c := range v.Channels {
		values := v.channel(c)
		scale := s.fit(values)
		for i, x := range values {
			l := int(level(scale(x))) / 4 * 4 // the eye distinguishes no more than 64 colors here
			if at[l] == 0 {
				sheet.Palette = append(sheet.Palette, colors[l])
				at[l] = uint8(len(sheet.Palette) - 1)
			}
			left, top := c%perRow*wide+i%v.Width*k, c/perRow*high+i/v.Width*k
			for y := top; y < top+k; y++ {
				for px := left; px < left+k; px++ {
					sheet.Pix[y*sheet.Stride+px] = at[l]
				}
			}
		}
	}
	return sheet
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
