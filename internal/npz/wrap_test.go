// SPDX-License-Identifier: Apache-2.0

package npz

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestShapesThatWrap: products of axes that do not fit an int, on 64 bits and on 32, are
// refused and not taken for few elements.
func TestShapesThatWrap(t *testing.T) {
	for _, limit := range []int{1 << 20, 1<<31 - 1} {
		for _, shape := range []string{
			"65536, 65536", "65536, 32768", "4294967296, 4294967296", "2147483647, 2147483647", "65536, 65536, 65536, 65536", "32768, 32768, 4",
			"2, 1073741824", "9223372036854775807, 2", "3, 6148914691236517206", "46341, 46341", "99999999999999999999",
		} {
			raw := fmt.Sprintf("\x93NUMPY\x01\x00\x80\x00%-127s\n", fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }", shape))
			_, err := ReadArray(bytes.NewReader([]byte(raw)), "f", limit)
			if err == nil || !strings.HasPrefix(err.Error(), "f: offset 138: shape ("+shape+")") {
				t.Errorf("limit %d: got error %v, want one on the shape (%s)", limit, err, shape)
			}
		}
	}
	for shape, n := range map[string]int{"0, 65536": 0, "65536, 0": 0, "0,": 0, "2, 3": 6, "": 1, "1, 1, 6,": 6} {
		raw := fmt.Sprintf("\x93NUMPY\x01\x00\x80\x00%-127s\n", fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape)) + strings.Repeat("\x01", n)
		if a, err := ReadArray(bytes.NewReader([]byte(raw)), "f", 1<<20); err != nil || len(a.Int) != n {
			t.Errorf("shape (%s): %v", shape, err)
		}
	}
	raw := fmt.Sprintf("\x93NUMPY\x01\x00\x00\x02%-511s\n", fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }", strings.Repeat("1, ", 65)))
	if _, err := ReadArray(bytes.NewReader([]byte(raw)), "f", 10); err == nil || !strings.HasSuffix(err.Error(), "has more than 64 axes") {
		t.Errorf("got error %v", err)
	}
	raw = fmt.Sprintf("\x93NUMPY\x01\x00\x80\x00%-127s\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }")
	if _, err := ReadArray(bytes.NewReader([]byte(raw)), "f", 10); err == nil || !strings.Contains(err.Error(), "is not one that numpy writes") {
		t.Errorf("got error %v", err)
	}
}
