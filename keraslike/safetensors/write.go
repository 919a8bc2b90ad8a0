// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/wholefile"
)

// Write writes the tensors as F32, in ascending order of their names, and the
// metadata: the same content gives the same bytes. The header is padded with
// blanks so that the data starts at a multiple of eight.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	if w == nil {
		return errors.New("safetensors: the writer is nil")
	}
	if err := write(w, tensors, metadata); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	return nil
}

func write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	sorted := slices.SortedFunc(slices.Values(tensors), func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	header, err := encodeHeader(sorted, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	buf := make([]byte, 0, chunk)
	for _, t := range sorted {
		for part := range slices.Chunk(t.Data, chunk/4) {
			buf = buf[:0]
			for _, v := range part {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
			if _, err := w.Write(buf); err != nil {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
		}
	}
	return nil
}

// encodeHeader returns length, JSON and padding.
func encodeHeader(sorted []Tensor, metadata map[string]string) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, lengthBytes, 4096))
	b.WriteByte('{')
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("metadata %q is not valid UTF-8", k)
			}
		}
		fmt.Fprintf(b, "%q:", metadataEntry)
		if err := appendJSON(b, metadata); err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
	}
	at := int64(0)
	for i, t := range sorted {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if i > 0 && sorted[i-1].Name == t.Name {
			return nil, fmt.Errorf("tensor %q is given twice", t.Name)
		}
		if b.Len() > lengthBytes+1 {
			b.WriteByte(',')
		}
		if err := appendJSON(b, t.Name); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		end := at + 4*int64(len(t.Data))
		b.WriteString(`:{"dtype":"F32","shape":`)
		if err := appendJSON(b, append([]int{}, t.Shape...)); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		fmt.Fprintf(b, `,"data_offsets":[%d,%d]}`, at, end)
		at = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if n := b.Len() - lengthBytes; n > maxHeader {
		return nil, fmt.Errorf("header would have %d bytes, the most allowed is %d", n, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-lengthBytes))
	return b.Bytes(), nil
}

// appendJSON writes v as json.Marshal does, but leaves <, > and & readable.
func appendJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the newline that Encode adds
	return nil
}

func (t Tensor) check() error {
	if t.Name == metadataEntry || !utf8.ValidString(t.Name) {
		return fmt.Errorf("the name is reserved or not valid UTF-8")
	}
	count := 1
	for _, d := range t.Shape {
		if d < 0 || d > 0 && count > math.MaxInt/d {
			return fmt.Errorf("shape %v is impossible", t.Shape)
		}
		count *= d
	}
	if count != len(t.Data) {
		return fmt.Errorf("shape %v has %d elements, data has %d", t.Shape, count, len(t.Data))
	}
	return nil
}

// WriteFile writes a temporary file next to path, syncs it to disk and renames it: path has
// either its previous or the complete new content, whatever fails in between. It removes
// temporary files of killed writers of path.
func WriteFile(path string, tensors []Tensor, metadata map[string]string) error {
	err := wholefile.Write(path, func(w io.Writer) error { return write(w, tensors, metadata) })
	if err != nil {
		return fmt.Errorf("safetensors: write %s: %w", path, err)
	}
	return nil
}
