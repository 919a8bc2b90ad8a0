// SPDX-License-Identifier: Apache-2.0

package npz

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// Named is an array to write.
type Named struct {
	Name  string
	Shape []int
	Data  []float32 // row-major
}

// Write writes an archive of float32 arrays, uncompressed, as numpy.savez does. The same arrays give
// the same bytes.
func Write(w io.Writer, arrays []Named) error {
	z := zip.NewWriter(w)
	seen := map[string]bool{}
	for _, a := range arrays {
		if a.Name == "" || seen[a.Name] {
			return fmt.Errorf("npz: the name %q is empty or occurs twice", a.Name)
		}
		seen[a.Name] = true
		f, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if err := WriteArray(f, a.Shape, a.Data); err != nil {
			return fmt.Errorf("npz: array %q: %w", a.Name, err)
		}
	}
	return z.Close()
}

// WriteArray writes one .npy file.
func WriteArray(w io.Writer, shape []int, data []float32) error {
	n, axes := 1, make([]string, len(shape))
	for i, d := range shape {
		n, axes[i] = n*d, fmt.Sprint(d)
	}
	if n != len(data) {
		return fmt.Errorf("%d numbers, want %d for shape %v", len(data), n, shape)
	}
	tuple := strings.Join(axes, ", ")
	if len(shape) == 1 {
		tuple += ","
	}
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", tuple)
	const fixed = 10 // magic, version, length
	text += strings.Repeat(" ", 63-(fixed+len(text))%64) + "\n"
	b := bufio.NewWriter(w)
	b.WriteString("\x93NUMPY\x01\x00")
	var number [4]byte
	binary.LittleEndian.PutUint16(number[:], uint16(len(text)))
	b.Write(number[:2])
	b.WriteString(text)
	for _, v := range data {
		binary.LittleEndian.PutUint32(number[:], math.Float32bits(v))
		b.Write(number[:])
	}
	return b.Flush()
}
