// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// visit reads everything that a file has; what is wrong is an error here, not a
// panic: the package above recovers, this test must not.
func visit(b []byte) error {
	f, err := New(bytes.NewReader(b), int64(len(b)), NewBudget(int64(len(b))))
	if err != nil {
		return err
	}
	root, err := f.Tree()
	if err != nil {
		return err
	}
	var first error
	var walk func(n *Node)
	walk = func(n *Node) {
		for _, name := range []string{"model_config", "layer_names", "weight_names", "name"} {
			if _, _, err := n.Strings(name); err != nil && first == nil {
				first = err
			}
		}
		if n.Dataset != nil {
			if _, err := n.Dataset.Read(); err != nil && first == nil {
				first = err
			}
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(root)
	return first
}

var fixtures = []string{"keras2_model.h5", "keras2_latest.h5", "keras1_weights.h5", "storage.h5", "keras3.weights.h5"}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every aligned word of every file is replaced by sizes and addresses that are
// wrong in several ways: that costs an error and little memory, never a panic.
func TestDamagedWords(t *testing.T) {
	const step = 8
	for _, name := range fixtures {
		b := read(t, name)
		if err := visit(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		limit := uint64(1200 * len(b)) // what deflate may do
		for at := 0; at+8 <= len(b); at += step {
			if bytes.Equal(b[at:at+8], make([]byte, 8)) && at%256 != 0 {
				continue // most of a file is empty space
			}
			words := []uint64{math.MaxUint64, 1 << 62, 1 << 34, uint64(len(b)) - 8, uint64(at), 0}
			for i := range 2 { // each place in turn gets two of them
				word := words[(at/step+3*i)%len(words)]
				damaged := bytes.Clone(b)
				binary.LittleEndian.PutUint64(damaged[at:], word)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_ = visit(damaged) // an error or harmless
				runtime.ReadMemStats(&after)
				if n := after.TotalAlloc - before.TotalAlloc; n > limit {
					t.Fatalf("%s: word %#x at %d makes it allocate %d bytes", name, word, at, n)
				}
			}
		}
	}
}

func TestStructuresInCircles(t *testing.T) {
	b := read(t, "keras3.weights.h5")
	f, err := New(bytes.NewReader(b), int64(len(b)), NewBudget(int64(len(b))))
	if err != nil {
		t.Fatal(err)
	}
	// The first entry of the root's symbol table points back at the root.
	at := bytes.Index(b, []byte("SNOD"))
	binary.LittleEndian.PutUint64(b[at+16:], f.root)
	if err := visit(b); err == nil || !strings.Contains(err.Error(), "linked twice") {
		t.Errorf("error %v, want that an object is linked twice", err)
	}
}

func TestFloat16(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 1.0 / (1 << 24), 0x8001: -1.0 / (1 << 24), 0x03ff: 1023.0 / (1 << 24), 0x0400: 1.0 / (1 << 14), 0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	} {
		if got := float16(bits); got != want {
			t.Errorf("float16(%#x) = %v, want %v", bits, got, want)
		}
	}
	if got := float16(0x7e00); got == got {
		t.Errorf("float16(0x7e00) = %v, want NaN", got)
	}
	if got := float16(0x8000); got != 0 || !math.Signbit(float64(got)) {
		t.Errorf("float16(0x8000) = %v, want -0", got)
	}
}

// FuzzFile runs far faster with -fuzzminimizetime=10x: the files are large.
func FuzzFile(f *testing.F) {
	for _, name := range fixtures {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) { _ = visit(b) })
}
