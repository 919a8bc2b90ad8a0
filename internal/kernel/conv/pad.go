// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/simd"
)

// copyPadded copies the pixels from..from+width-1 of rows of an image with srcW pixels of depth
// floats, with zeros for pixels outside it. Rows are srcRow floats apart in src and dstRow
// floats in dst.
func copyPadded(dst []float32, dstRow int, src unsafe.Pointer, srcRow, rows, srcW, depth, from, width int) {
	c0 := min(max(from, 0), srcW)
	c1 := max(c0, min(from+width, srcW)) // pixels c0..c1 exist
	head, body := max(0, c0-from)*depth, (c1-c0)*depth
	for r := range rows {
		d := dst[r*dstRow:][:width*depth]
		if body == 0 {
			clear(d)
			continue
		}
		clear(d[:head])
		copy(d[head:head+body], unsafe.Slice((*float32)(simd.At(src, r*srcRow+c0*depth)), body))
		clear(d[head+body:])
	}
}
