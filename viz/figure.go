// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/png"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// dpi is the resolution of PNG files and of images inside SVG files: two pixels for each
// pixel of a common screen, so that print and high-density screens stay sharp.
const dpi = 192

// A Figure is a finished drawing of a fixed size that can be written in any theme and
// format. The functions of this package make it. It is safe for concurrent use.
type Figure struct {
	// Alt describes the figure in a sentence, for readers who do not see it.
	Alt string
	// Note is what a caption has to add, such as that a panel omits an epoch; it is
	// usually empty.
	Note string

	width, height float64 // points, 1/72 inch
	draw          func(*pen)
}

var errEmpty = errors.New("figure: empty, not made by a function of viz")

// Size returns width and height in points (1/72 inch).
func (f *Figure) Size() (width, height float64) { return f.width, f.height }

// WritePNG writes the figure as a PNG of 192 pixels per inch, or fewer if the figure is
// extremely large.
func (f *Figure) WritePNG(w io.Writer, t Theme) error { return f.writePNG(w, t, dpi) }

func (f *Figure) writePNG(w io.Writer, t Theme, dpi int) error {
	dpi, err := f.resolution(dpi)
	if err != nil {
		return err
	}
	c := vgimg.NewWith(
		vgimg.UseWH(vg.Length(f.width), vg.Length(f.height)),
		vgimg.UseDPI(dpi),
		vgimg.UseBackgroundColor(t.Paper))
	f.draw(&pen{c: c, height: f.height, dpi: float64(dpi), Theme: t})
	fast := png.Encoder{CompressionLevel: png.BestSpeed} // files grow by a tenth
	if err := fast.Encode(w, c.Image()); err != nil {
		return fmt.Errorf("figure: write PNG: %w", err)
	}
	return nil
}

// resolution is the requested one, or a lower one for a figure so large that its pixels
// would not fit into memory.
func (f *Figure) resolution(dpi int) (int, error) {
	const most = 64 << 20 // pixels, 4 bytes each
	if f.draw == nil {
		return 0, errEmpty
	}
	pixels := func(dpi int) float64 { return f.width * f.height * float64(dpi) * float64(dpi) / (72 * 72) }
	for dpi > 1 && pixels(dpi) > most {
		dpi = max(1, dpi*7/8)
	}
	if !(pixels(dpi) <= most) {
		return 0, fmt.Errorf("figure: %.0f × %.0f points is too large to draw", f.width, f.height)
	}
	return dpi, nil
}

// WriteSVG writes the figure as an SVG element that can stand alone or inside an HTML
// page. Text stays text, in a sans-serif font of the reader's machine (Liberation Sans or
// Arial, which have the same metrics).
func (f *Figure) WriteSVG(w io.Writer, t Theme) error {
	if _, err := f.resolution(dpi); err != nil {
		return err
	}
	c := vgsvg.New(vg.Length(f.width), vg.Length(f.height))
	p := &pen{c: c, height: f.height, dpi: dpi, vector: true, Theme: t}
	p.fill(0, 0, f.width, f.height, t.Paper)
	f.draw(p)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return fmt.Errorf("figure: write SVG: %w", err)
	}
	if _, err := w.Write(tidySVG(b.Bytes(), f.Alt, p.embedded)); err != nil {
		return fmt.Errorf("figure: write SVG: %w", err)
	}
	return nil
}

// tidySVG drops the XML prologue, which is not allowed inside HTML, gives each text a
// list of fonts, inserts the embedded images, and labels the whole for screen readers.
func tidySVG(svg []byte, alt string, pictures []embedded) []byte {
	if i := bytes.Index(svg, []byte("<svg")); i > 0 {
		svg = svg[i:]
	}
	for _, r := range [][2]string{
		{"font-family:Liberation Sans;font-variant:normal;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"},
		{"font-weight:normal;font-style:normal;", ""},
		{"font-style:normal;", ""},
		{"<svg ", `<svg role="img" `},
	} {
		svg = bytes.ReplaceAll(svg, []byte(r[0]), []byte(r[1]))
	}
	parts := bytes.Split(svg, []byte("<image "))
	svg = append([]byte{}, parts[0]...)
	for i, p := range pictures {
		svg = p.appendTo(svg, parts[i+1])
	}
	if end := bytes.IndexByte(svg, '>'); alt != "" && end > 0 {
		title := "\n<title>" + html.EscapeString(printable(alt)) + "</title>"
		svg = append(svg[:end+1:end+1], append([]byte(title), svg[end+1:]...)...)
	}
	return svg
}
