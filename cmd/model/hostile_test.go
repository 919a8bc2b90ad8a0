// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/cli"
)

// TestBrokenFiles cuts and spoils model files: every command fails with a message, or works on what
// is still a model, and none panics.
func TestBrokenFiles(t *testing.T) {
	folder(t)
	done(t, "", "convert", "rooms.reef", "rooms.npz")
	done(t, "", "convert", "rooms.reef", "rooms.weights", "-to", "safetensors")
	rng := rand.New(rand.NewPCG(1, 2))
	trials := 12
	if testing.Short() {
		trials = 3
	}
	for _, path := range []string{"rooms.reef", "rooms.npz", "rooms.weights", filepath.Join(kerasFiles, "models", "calls.h5"), filepath.Join(kerasFiles, "models", "calls.keras")} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range trials {
			spoiled := bytes.Clone(whole)
			if i%2 == 0 {
				spoiled = spoiled[:rng.IntN(len(spoiled))]
			} else {
				for range 1 + rng.IntN(8) {
					spoiled[rng.IntN(len(spoiled))] = byte(rng.IntN(256))
				}
			}
			write(t, "spoiled", string(spoiled))
			for _, args := range []string{"summary spoiled -weights", "graph spoiled", "convert spoiled out.npz", "predict spoiled -", "diff spoiled rooms.reef", "bench spoiled -time 1ms -batch 1"} {
				status, _, stderr := command(t, "[1,2]", strings.Fields(args)...)
				if strings.Contains(stderr, "panic") || status != 0 && stderr == "" && !strings.HasPrefix(args, "diff") {
					t.Errorf("%s, trial %d: model %s: status %d, stderr %q", path, i, args, status, stderr)
				}
			}
		}
	}
}

// TestHugeClaims: files that say that they hold much more than they do are errors that need little
// memory.
func TestHugeClaims(t *testing.T) {
	folder(t)
	header := `{"w":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}`
	length := make([]byte, 8)
	binary.LittleEndian.PutUint64(length, uint64(len(header)))
	write(t, "huge.safetensors", string(length)+header)
	binary.LittleEndian.PutUint64(length, 1<<60)
	write(t, "header.safetensors", string(length)+"{}")
	npy := func(shape string) string {
		text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n", shape)
		return "\x93NUMPY\x01\x00" + string([]byte{byte(len(text)), 0}) + text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("w.npy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, npy("30000, 30000")); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 100 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, "bomb.npz", b.String())
	write(t, "huge.npy", npy("1000000000, 2"))
	var before, after runtime.MemStats
	for _, args := range []string{
		"summary huge.safetensors", "summary header.safetensors", "summary bomb.npz", "convert bomb.npz out.safetensors -to safetensors",
		"predict rooms.reef huge.npy", "summary " + filepath.Join(kerasFiles, "hostile", "bomb-f4.keras"), "summary " + filepath.Join(kerasFiles, "hostile", "bomb-u1.h5") + " -weights",
	} {
		runtime.GC()
		runtime.ReadMemStats(&before)
		status, _, stderr := command(t, "", strings.Fields(args)...)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 700<<20 {
			t.Errorf("model %s: %d bytes of memory", args, used)
		}
		if status != cli.Failed || stderr == "" {
			t.Errorf("model %s: status %d, stderr %q", args, status, stderr)
		}
	}
}

// rows is an endless input that watches the memory in use.
type rows struct {
	text string
	left int
	most uint64
}

func (r *rows) Read(p []byte) (n int, err error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	for n+len(r.text) <= len(p) {
		n += copy(p[n:], r.text)
		if r.left--; r.left%20000 == 0 {
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			r.most = max(r.most, stats.HeapAlloc)
		}
		if r.left == 0 {
			break
		}
	}
	return n, nil
}

// TestFlatMemory: large inputs are read batch by batch.
func TestFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some megabytes")
	}
	folder(t)
	const n = 120000
	for name, c := range map[string]struct{ args, row string }{
		"csv":        {"predict rooms.reef - -as csv -format json", "100.123,50.5\n"},
		"json lines": {"predict rooms.reef - -as json -format csv", "[100.123, 50.5]\n"},
		"text":       {"predict films.reef - -as text -format csv", "a good film\n"},
	} {
		in := &rows{text: c.row, left: n}
		counter := &lines{}
		var errs bytes.Buffer
		status := run(t.Context(), strings.Fields(c.args), streams{in, counter, &errs})
		if status != 0 || counter.n < n {
			t.Errorf("%s: status %d, %d lines, stderr %q", name, status, counter.n, errs.String())
		}
		if in.most > 64<<20 {
			t.Errorf("%s: %d bytes in use", name, in.most)
		}
	}
}

// lines counts lines.
type lines struct{ n int }

func (l *lines) Write(p []byte) (int, error) {
	l.n += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// FuzzNumbers: no JSON makes numbersOf panic, and what it returns has the shape that it says.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"[1,2]", "[[1],[2]]", "[[],[]]", "1", "[1,[2]]", "[[1],2]", "[[1,2],[3]]", `{"a":1}`, "[null]", "[1e40]", "[", "]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		values, shape, err := numbersOf(raw)
		if err != nil {
			return
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		if n != len(values) || n == 0 {
			t.Errorf("%q: %d numbers of shape %v", raw, len(values), shape)
		}
	})
}
