// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a file below 1 MB may cost, and the environment variables that name the case and
// its folder to the process that is measured.
const (
	costMemory = 256 << 20
	costTime   = time.Second
	costCase   = "REEF_TEST_COST_CASE"
	costDir    = "REEF_TEST_COST_DIR"
)

// Other programs on a machine also make the same work cost more CPU time. A case that is too slow is measured again
// beside the standard library's decoder of a PNG of 4000 x 4000 pixels, which takes yardstickTime on a fast, idle core.
const (
	yardstick     = "yardstick"
	yardstickTime = 250 * time.Millisecond
)

// costly is a small file and how it is read. Either the error holds want or, with want
// empty, the file is read.
type costly struct {
	write func(t *testing.T, dir string)
	read  func(dir string) error
	want  string
}

// gzippedFile writes a file of text and then of size bytes of fill, a member for each
// megabyte, so that only the first and the last are compressed here.
func gzippedFile(t *testing.T, path, begin, fill string, size int) {
	t.Helper()
	const block = 1 << 20
	text := strings.Repeat(fill, block/len(fill)+1)[:block/len(fill)*len(fill)]
	whole := size / len(text)
	raw := append(member(t, begin), bytes.Repeat(member(t, text), whole)...)
	put(t, path, append(raw, member(t, text[:size-whole*len(text)])...))
}

func body(t *testing.T, w io.Writer, begin, fill string, size int) {
	t.Helper()
	if _, err := io.WriteString(w, begin); err != nil {
		t.Fatal(err)
	}
	block := strings.Repeat(fill, max(1, 1<<16/len(fill)))
	for at := 0; at < size; at += len(block) {
		if _, err := io.WriteString(w, block[:min(len(block), size-at)]); err != nil {
			t.Fatal(err)
		}
	}
}

// zippedFile writes an archive of one entry.
func zippedFile(t *testing.T, path, entry, begin, fill string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create(entry)
	if err != nil {
		t.Fatal(err)
	}
	body(t, w, begin, fill, size)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// chunk is one of a PNG.
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// flatPNG has the given size, bits for each channel and color type, all zero.
func flatPNG(t testing.TB, width, height, bits, kind, channels, interlace int) []byte {
	t.Helper()
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	header = append(header, byte(bits), byte(kind), 0, 0, byte(interlace))
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	passes := [][4]int{{0, 0, 1, 1}} // first column and row, steps
	if interlace == 1 {
		passes = [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	}
	for _, p := range passes {
		row := make([]byte, 1+((width-p[0]+p[2]-1)/p[2]*channels*bits+7)/8)
		for range (height - p[1] + p[3] - 1) / p[3] {
			if _, err := z.Write(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", header)...)
	return append(append(out, chunk("IDAT", b.Bytes())...), chunk("IEND", nil)...)
}

// manyScans is a progressive JPEG of gray that says nothing in every one of its scans: each
// takes a run of blocks that end at once.
func manyScans(side, scans int) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}
	b = append(b, bytes.Repeat([]byte{1}, 64)...)
	b = append(b, 0xff, 0xc2, 0, 11, 8, byte(side>>8), byte(side), byte(side>>8), byte(side), 1, 1, 0x11, 0)
	// One code of one bit: category 0 of DC; of AC, 0xe0, a run of 2^14 blocks.
	b = append(b, 0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0)
	for range scans {
		b = append(b, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0)
		blocks := (side + 7) / 8 * ((side + 7) / 8)
		b = append(b, make([]byte, 2*(blocks/(1<<14)+1))...) // code 0 and 14 bits of zero for each run
	}
	return append(b, 0xff, 0xd9)
}

// loadPicture reads an image with the usual options.
func loadPicture(o ImageOptions) func(dir string) error {
	return func(dir string) error {
		_, err := LoadImage(os.DirFS(dir), "p", o)
		return err
	}
}

func loadFolder(dir string) error {
	s, err := NewImageFolder(os.DirFS(dir), ".", ImageOptions{Height: 32, Width: 32, Filter: Bilinear})
	if err != nil {
		return err
	}
	in, out := s.buffers(s.Len())
	return s.Read(upTo(s.Len()), in, out)
}

func openZip(dir string, f func(z *zip.Reader) error) error {
	raw, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		return err
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return err
	}
	return f(z)
}

func idxHeader(axes ...uint32) string {
	b := []byte{0, 0, 8, byte(len(axes))}
	for _, n := range axes {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b)
}

func loadMNIST(dir string) error {
	_, _, err := MNIST(context.Background(), From{Source: dir})
	return err
}

// tarHeader begins an archive with one file.
func tarHeader(t *testing.T, name string, size int64) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// npyHeader begins an array as numpy does.
func npyHeader(kind, shape string) string {
	return fmt.Sprintf("\x93NUMPY\x01\x00\x80\x00%-127s\n", fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, shape))
}

// smallImages are the images: refused by their price, or decoded within it.
func smallImages() map[string]costly {
	file := func(raw func(t *testing.T) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { put(t, filepath.Join(dir, "p"), raw(t)) }
	}
	half := ImageOptions{Height: 150, Width: 150, Filter: Bilinear}
	cases := map[string]costly{
		"png of 5792x5792 in RGBA":                {file(func(t *testing.T) []byte { return flatPNG(t, 5792, 5792, 8, 6, 4, 0) }), loadPicture(half), "MB and"},
		"png of 5000x5000 in 16 bits, interlaced": {file(func(t *testing.T) []byte { return flatPNG(t, 5000, 5000, 16, 6, 4, 1) }), loadPicture(half), "MB and"},
		"png of 4000x4000 in RGB":                 {file(func(t *testing.T) []byte { return flatPNG(t, 4000, 4000, 8, 2, 3, 0) }), loadPicture(half), ""},
		"png of 3000x3000 in 16 bits":             {file(func(t *testing.T) []byte { return flatPNG(t, 3000, 3000, 16, 6, 4, 0) }), loadPicture(half), ""},
		"png of 5200x5200 in gray":                {file(func(t *testing.T) []byte { return flatPNG(t, 5200, 5200, 8, 0, 1, 0) }), loadPicture(half), ""},
		"png of 2500x2500, interlaced":            {file(func(t *testing.T) []byte { return flatPNG(t, 2500, 2500, 8, 6, 4, 1) }), loadPicture(half), ""},
		"png of 1x60000 to 1x4000":                {file(func(t *testing.T) []byte { return flatPNG(t, 1, 60000, 8, 0, 1, 0) }), loadPicture(ImageOptions{Height: 1, Width: 4000, Filter: CatmullRom}), "MB and"},
		"jpeg of 3500x3500": {file(func(t *testing.T) []byte {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 3500, 3500), image.YCbCrSubsampleRatio420), &jpeg.Options{Quality: 30}); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}), loadPicture(half), ""},
		"jpeg of 2000 scans":                {file(func(*testing.T) []byte { return manyScans(2400, 2000) }), loadPicture(half), "MB and"},
		"jpeg of 10 scans":                  {file(func(*testing.T) []byte { return manyScans(2400, 10) }), loadPicture(half), ""},
		"png of 4900x4900, in its own size": {file(func(t *testing.T) []byte { return flatPNG(t, 4900, 4900, 8, 0, 1, 0) }), loadPicture(ImageOptions{}), "MB and"},
		"png of 3000x3000, in its own size": {file(func(t *testing.T) []byte { return flatPNG(t, 3000, 3000, 8, 0, 1, 0) }), loadPicture(ImageOptions{}), ""},
		"gif of 5000x5000": {file(func(t *testing.T) []byte {
			var b bytes.Buffer
			if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, 5000, 5000), color.Palette{color.Black, color.White}), nil); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}), loadPicture(half), ""},
		"bmp that declares 5000x5000": {file(func(*testing.T) []byte {
			b := append([]byte("BM"), make([]byte, 52)...)
			for at, v := range map[int]uint32{10: 54, 14: 40, 18: 5000, 22: 5000, 26: 1 | 24<<16} {
				binary.LittleEndian.PutUint32(b[at:], v)
			}
			return b
		}), loadPicture(half), "MB and"},
		"folder of 10 PNGs of 2200x2200": {func(t *testing.T, dir string) {
			raw := flatPNG(t, 2200, 2200, 8, 6, 4, 0)
			for i := range 5 {
				put(t, filepath.Join(dir, string(rune('a'+i)), "1.png"), raw)
				put(t, filepath.Join(dir, string(rune('a'+i)), "2.png"), raw)
			}
		}, loadFolder, ""},
		"folder of 600 PNGs of 1000x1000": {func(t *testing.T, dir string) {
			raw := flatPNG(t, 1000, 1000, 8, 0, 1, 0)
			for i := range 600 {
				put(t, filepath.Join(dir, string(rune('a'+i%2)), fmt.Sprint(i, ".png")), raw)
			}
		}, loadFolder, "ms for the size of its files"},
	}
	return cases
}

func costCases() map[string]costly {
	cases := smallImages()
	maps.Copy(cases, readerCases())
	cases["nothing"] = costly{func(*testing.T, string) {}, func(string) error { return nil }, ""}
	cases[yardstick] = costly{func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, yardstick), flatPNG(t, 4000, 4000, 8, 2, 3, 0))
	}, func(dir string) error {
		f, err := os.Open(filepath.Join(dir, yardstick))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = png.Decode(f)
		return err
	}, ""}
	return cases
}

// TestCost reads every file in a process of its own and measures that.
func TestCost(t *testing.T) {
	if name := os.Getenv(costCase); name != "" {
		err := costCases()[name].read(os.Getenv(costDir))
		status, _ := os.ReadFile("/proc/self/status")
		fmt.Printf("peak %s\nerror %v\n", regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)[1], err)
		return
	}
	slowUnderRace(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, name, dir string) (memory int64, spent time.Duration, text string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), self, "-test.run=^TestCost$")
		c.Env = append(os.Environ(), costCase+"="+name, costDir+"="+dir, "GOMAXPROCS=16")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %.2000s", err, out)
		}
		m := regexp.MustCompile(`(?s)peak (\d+)\nerror (.*)\nPASS`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("%.2000s", out)
		}
		kb, _ := strconv.ParseInt(string(m[1]), 10, 64) // digits, by the pattern
		return kb << 10, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), string(m[2])
	}
	_, idle, _ := run(t, "nothing", "")
	cases := costCases()
	reference := t.TempDir()
	cases[yardstick].write(t, reference)
	delete(cases, yardstick)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.write(t, dir)
			var size int64
			if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				info, err := d.Info()
				size += info.Size()
				return err
			}); err != nil {
				t.Fatal(err)
			}
			memory, spent, text := run(t, name, dir)
			spent -= idle
			t.Logf("%d bytes: %d MB, %v: %.300s", size, memory>>20, spent, text)
			if size >= 1<<20 {
				t.Errorf("the file has %d bytes", size)
			}
			limit := costTime
			if spent > limit {
				_, busy, _ := run(t, yardstick, reference)
				_, spent, _ = run(t, name, dir)
				spent -= idle
				limit = max(limit, time.Duration(float64(limit)*float64(busy-idle)/float64(yardstickTime)))
			}
			if memory > costMemory || spent > limit {
				t.Errorf("%d MB and %v, want at most %d MB and %v", memory>>20, spent, costMemory>>20, limit)
			}
			if c.want == "" && text != "<nil>" || !strings.Contains(text, c.want) {
				t.Errorf("got error %.300s, want %q", text, c.want)
			}
		})
	}
}
