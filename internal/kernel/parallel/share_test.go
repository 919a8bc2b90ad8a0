// SPDX-License-Identifier: Apache-2.0

package parallel

import "testing"

// The parts of a large total are contiguous, also with 32-bit ints.
func TestShare(t *testing.T) {
	for _, c := range [][2]int{{10, 3}, {2, 5}, {0, 4}, {1 << 24, 1 << 20}, {1<<31 - 1, 7}} {
		total, parts, last := c[0], c[1], 0
		for i := range parts {
			lo, hi := Share(total, parts, i)
			if lo != last || hi < lo || hi-lo > total/parts+1 {
				t.Fatalf("part %d of %d of %d is from %d to %d, want it to begin at %d", i, parts, total, lo, hi, last)
			}
			last = hi
		}
		if last != total {
			t.Errorf("%d parts of %d end at %d", parts, total, last)
		}
	}
}
