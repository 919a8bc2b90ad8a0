// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
)

var colorValue = regexp.MustCompile(`(fill|stroke):(#[0-9A-Fa-f]{6})`)

// WriteHTML writes the figure as one SVG element for an HTML page, light or dark like the
// page: colors that the themes share occur once, the others as CSS light-dark(), preceded
// by the light one for browsers older than 2024. The page must declare "color-scheme:
// light dark".
func (f *Figure) WriteHTML(w io.Writer) error {
	var light, dark bytes.Buffer
	if err := f.WriteSVG(&light, Light); err != nil {
		return err
	}
	if err := f.WriteSVG(&dark, Dark); err != nil {
		return err
	}
	both, err := merge(light.Bytes(), dark.Bytes())
	if err != nil {
		return fmt.Errorf("figure: write HTML: %w", err)
	}
	if _, err := w.Write(both); err != nil {
		return fmt.Errorf("figure: write HTML: %w", err)
	}
	return nil
}

// merge joins two SVG texts that differ only in colors.
func merge(light, dark []byte) ([]byte, error) {
	a, b := colorValue.FindAllSubmatchIndex(light, -1), colorValue.FindAllSubmatchIndex(dark, -1)
	if len(a) != len(b) {
		return nil, fmt.Errorf("light has %d colors, dark %d", len(a), len(b))
	}
	var out bytes.Buffer
	atLight, atDark := 0, 0
	same := func(toLight, toDark int) error {
		if !bytes.Equal(light[atLight:toLight], dark[atDark:toDark]) {
			return fmt.Errorf("light and dark differ in more than colors, near byte %d", atLight)
		}
		out.Write(light[atLight:toLight])
		return nil
	}
	for i := range a {
		if err := same(a[i][0], b[i][0]); err != nil {
			return nil, err
		}
		property, l, d := light[a[i][2]:a[i][3]], light[a[i][4]:a[i][5]], dark[b[i][4]:b[i][5]]
		fmt.Fprintf(&out, "%s:%s", property, l)
		if !bytes.Equal(l, d) {
			fmt.Fprintf(&out, ";%s:light-dark(%s,%s)", property, l, d)
		}
		atLight, atDark = a[i][1], b[i][1]
	}
	if err := same(len(light), len(dark)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
