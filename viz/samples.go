// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/reef-dl/reef/internal/text"
)

// A Sample is an image with a model's prediction.
type Sample struct {
	Image      image.Image
	Predicted  string
	Confidence float64 // probability of the prediction, 0 to 1; other values and 0 are not shown
	Truth      string  // "" if it is not known
}

// Samples draws images with the predicted class below, perRow in a row (0 for 8): in
// green if it is right, in red with the true class if not.
func Samples(title string, samples []Sample, perRow int) (*Figure, error) {
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s: no sample", title)
	}
	right, known := 0, 0
	for i, s := range samples {
		if err := checkPicture(s.Image); err != nil {
			return nil, fmt.Errorf("%s: sample %d %w", title, i, err)
		}
		if s.Truth != "" {
			known++
			if s.Truth == s.Predicted {
				right++
			}
		}
	}
	if perRow <= 0 {
		perRow = 8
	}
	perRow = min(perRow, len(samples), mostPerRow)
	heading := style{size: titleSize, bold: true}
	title = shorten(heading, title, widestTitle)
	rows := (len(samples) + perRow - 1) / perRow
	const margin, gap, caption = 10.0, 9.0, 25.0
	cell := math.Min(110, (640+gap)/float64(perRow)-gap)
	top := margin + titleSize + 9
	alt := fmt.Sprintf("%s: %s with predictions", title, text.Count(len(samples), "sample picture"))
	if known > 0 {
		alt += fmt.Sprintf(", %d of %d right", right, known)
	}
	return &Figure{
		Alt: alt + ".",
		width: math.Max(2*margin+float64(perRow)*(cell+gap)-gap,
			2*margin+heading.width(title)),
		height: top + float64(rows)*(cell+caption) + float64(rows-1)*gap + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, heading, title)
			for i, s := range samples {
				x := margin + float64(i%perRow)*(cell+gap)
				y := top + float64(i/perRow)*(cell+caption+gap)
				s.draw(p, x, y, cell)
			}
		},
	}, nil
}

func (s Sample) draw(p *pen, x, y, cell float64) {
	w, h := fit(s.Image.Bounds(), cell, cell)
	p.image(x+(cell-w)/2, y+(cell-h)/2, w, h, s.Image)
	text := style{size: tickSize, color: p.Ink, align: 0.5}
	predicted := shorten(text, s.Predicted, cell)
	if s.Confidence > 0 && s.Confidence <= 1 {
		percent := fmt.Sprintf(": %.0f%%", 100*s.Confidence)
		predicted = shorten(text, s.Predicted, cell-text.width(percent)) + percent
	}
	wrong := s.Truth != "" && s.Truth != s.Predicted
	switch {
	case wrong:
		text.color = p.Bad
	case s.Truth != "":
		text.color = p.Good
	}
	p.text(x+cell/2, y+cell+tickSize+3, text, predicted)
	if wrong {
		text.color = p.Muted
		p.text(x+cell/2, y+cell+2*tickSize+6, text, shorten(text, "true: "+s.Truth, cell))
	}
}

// mostPerRow is the number of images in a row that can still be distinguished.
const mostPerRow = 40

// checkPicture requires an image that can be drawn quickly.
func checkPicture(img image.Image) error {
	const most = 1 << 14 // pixels on a side
	if img == nil || img.Bounds().Empty() {
		return errors.New("has no image")
	}
	if b := img.Bounds(); b.Dx() > most || b.Dy() > most {
		return fmt.Errorf("is an image of %d × %d pixels, want at most %d on a side", b.Dx(), b.Dy(), most)
	}
	return nil
}

// fit returns the largest size within w × h that keeps the aspect ratio.
func fit(b image.Rectangle, w, h float64) (float64, float64) {
	scale := math.Min(w/float64(b.Dx()), h/float64(b.Dy()))
	return scale * float64(b.Dx()), scale * float64(b.Dy())
}
