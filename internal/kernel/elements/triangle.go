// SPDX-License-Identifier: Apache-2.0

package elements

import "github.com/reef-dl/reef/internal/kernel/parallel"

// Triangle copies matrices x (n, rows, cols) and writes zeros above diagonal k, or below it if upper is
// set; k counts from the main diagonal to the right.
func Triangle(dst, x []byte, n, rows, cols, width, k int, upper bool) {
	need("triangle", len(dst), n*rows*cols*width)
	need("triangle", len(x), len(dst))
	if len(x) > 0 {
		triangleJobs.Run(triangleJob{dst, x, rows, cols * width, width, k, upper}, n*rows, max(1, grain/cols))
	}
}

type triangleJob struct {
	dst, x    []byte
	rows, row int // row in bytes
	width, k  int
	upper     bool
}

var triangleJobs parallel.Jobs[triangleJob, *triangleJob]

func (j *triangleJob) Piece(lo, hi int) {
	for r := lo; r < hi; r++ {
		dst, x := j.dst[r*j.row:(r+1)*j.row], j.x[r*j.row:(r+1)*j.row]
		first := (r%j.rows + j.k) * j.width // of the diagonal
		if j.upper {
			at := min(max(first, 0), j.row)
			clear(dst[:at])
			copy(dst[at:], x[at:])
			continue
		}
		at := min(max(first+j.width, 0), j.row)
		copy(dst[:at], x)
		clear(dst[at:])
	}
}
