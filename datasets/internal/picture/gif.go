// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"errors"
	"image"
)

// maxGIFHeader bounds what precedes the pixels of the first frame: color tables, comments
// and the like.
const maxGIFHeader = 1 << 20

// fromGIF is the first frame of a GIF on its logical screen, as in PIL. Go's package makes
// transparent pixels black and drops the screen around the frame; PIL keeps the color that
// the table has for them, and fills the screen with it, or with the first color if nothing
// is transparent. header is the beginning of the file.
func fromGIF(m *image.Paletted, header []byte, width, height int) (*RGB, error) {
	table, fill, err := gifColors(header)
	if err != nil {
		return nil, err
	}
	p := &RGB{height, width, make([]uint8, 0, 3*height*width)}
	b := m.Bounds()
	for y := range height {
		for x := range width {
			i := fill
			if image.Pt(x, y).In(b) {
				i = m.Pix[m.PixOffset(x, y)]
			}
			p.Pix = append(p.Pix, table[i][:]...)
		}
	}
	return p, nil
}

// gifColors finds the color table of the first frame and the index of the transparent
// color, 0 if there is none.
//
// Source: CompuServe: Graphics Interchange Format, version 89a, 1990.
func gifColors(header []byte) (table [256][3]uint8, transparent uint8, err error) {
	const screen, descriptor = 13, 10 // bytes of the screen's and of a frame's descriptor
	rest := header
	take := func(n int) []byte {
		if n > len(rest) {
			err = errors.New("gif: the first frame starts too late")
			return make([]byte, n)
		}
		part := rest[:n]
		rest = rest[n:]
		return part
	}
	colors := func(flags uint8) {
		if flags&0x80 == 0 {
			return
		}
		table = [256][3]uint8{}
		raw := take(3 << (flags&7 + 1))
		for i := range len(raw) / 3 {
			table[i] = [3]uint8(raw[3*i:])
		}
	}
	colors(take(screen)[10])
	for err == nil {
		switch take(1)[0] {
		case 0x2c: // a frame
			colors(take(descriptor - 1)[8])
			return table, transparent, err
		case 0x21: // an extension: its kind and blocks up to an empty one
			control := take(1)[0] == 0xf9
			for n := int(take(1)[0]); n > 0 && err == nil; n = int(take(1)[0]) {
				block := take(n)
				if control && n >= 4 && block[0]&1 != 0 {
					transparent = block[3]
				}
			}
		}
	}
	return table, transparent, err
}
