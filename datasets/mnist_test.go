// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets/internal/idx"
)

// TestMNISTFull compares with what numpy says of the published files and with
// the first labels that the article prints.
func TestMNISTFull(t *testing.T) {
	realData(t, "mnist")
	train, test, err := MNIST(t.Context(), From{Source: Full})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 60000 || test.Len() != 10000 {
		t.Fatalf("got %d + %d images, want 60000 + 10000", train.Len(), test.Len())
	}
	for _, c := range []struct {
		s      *Images
		first  []int
		counts []int // numpy.bincount of the label files
	}{
		{train, []int{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
		{test, []int{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}},
	} {
		for i, want := range c.first {
			if c.s.Label(i) != want {
				t.Errorf("label %d is %d, want %d", i, c.s.Label(i), want)
			}
		}
		if got := c.s.ClassCounts(); !slices.Equal(got, c.counts) {
			t.Errorf("label counts %v, want %v", got, c.counts)
		}
	}
	var sum, squares float64
	for i := range train.Len() {
		for _, p := range train.Image(i) {
			sum += float64(p)
			squares += float64(p) * float64(p)
		}
	}
	n := float64(60000 * 784)
	mean := sum / n
	std := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean-33.318) > 5e-4 || math.Abs(std-78.567) > 5e-4 {
		t.Errorf("mean %.4f, standard deviation %.4f, numpy gives 33.318 and 78.567", mean, std)
	}
	if o := train.Origin(); o.Kind != Full || o.Path == "" {
		t.Errorf("origin %+v", o)
	}
}

// TestMNISTSample checks the rule by which the sample was drawn against the full set.
func TestMNISTSample(t *testing.T) {
	train, test, err := MNIST(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	even := func(n int) []int { return slices.Repeat([]int{n}, 10) }
	if !slices.Equal(train.ClassCounts(), even(200)) || !slices.Equal(test.ClassCounts(), even(50)) {
		t.Errorf("label counts %v and %v, want 200 and 50 of every digit", train.ClassCounts(), test.ClassCounts())
	}
	if got, want := train.Origin().String(), "mnist: embedded sample (2,000 training and 500 test images, evenly over the digits)"; got != want {
		t.Errorf("origin %q, want %q", got, want)
	}
	realData(t, "mnist")
	fullTrain, fullTest, err := MNIST(t.Context(), From{Source: Full})
	if err != nil {
		t.Fatal(err)
	}
	checkExcerpt(t, train, fullTrain, 200)
	checkExcerpt(t, test, fullTest, 50)
}

func checkExcerpt(t *testing.T, sample, full *Images, each int) {
	t.Helper()
	of := make([][]int, 10)
	for i := range full.Len() {
		of[full.Label(i)] = append(of[full.Label(i)], i)
	}
	var seen [10]int
	for i := range sample.Len() {
		d := sample.Label(i)
		if j := of[d][seen[d]*len(of[d])/each]; !bytes.Equal(sample.Image(i), full.Image(j)) {
			t.Fatalf("image %d of the sample is not image %d of the full set", i, j)
		}
		seen[d]++
	}
}

func TestMNISTShapesAndValues(t *testing.T) {
	train, _, err := MNIST(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	flat := train.Flat().OneHot()
	if in, out := flat.Shapes(); fmt.Sprint(in, out) != "[[784]] [[10]]" {
		t.Errorf("flat, one-hot: %v %v", in, out)
	}
	if in, out := train.Shapes(); fmt.Sprint(in, out) != "[[28 28 1]] [[]]" {
		t.Errorf("plain: %v %v", in, out)
	}
	x, y, oneHot := make([]float32, 2*784), make([]float32, 2), make([]float32, 20)
	indices := []int{1999, 3}
	if err := train.Read(indices, [][]float32{x}, [][]float32{y}); err != nil {
		t.Fatal(err)
	}
	if err := flat.Read(indices, nil, [][]float32{oneHot}); err != nil {
		t.Fatal(err)
	}
	for j, i := range indices {
		for p, v := range train.Image(i) {
			if x[j*784+p] != float32(v)/255 {
				t.Fatalf("image %d pixel %d is %v, want %v/255", i, p, x[j*784+p], v)
			}
		}
		for d, v := range oneHot[j*10 : j*10+10] {
			if (v == 1) != (d == int(y[j])) || v != 0 && v != 1 {
				t.Errorf("image %d of class %v: one-hot %v", i, y[j], oneHot[j*10:j*10+10])
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		if err := flat.Read(indices, [][]float32{x}, [][]float32{oneHot}); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("Read allocates %v times", n)
	}
}

// TestMNISTCrop takes the two quarters that the article shows.
func TestMNISTCrop(t *testing.T) {
	train, _, err := MNIST(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{14, 7} {
		c, err := train.Crop(at, at, 14, 14)
		if err != nil {
			t.Fatal(err)
		}
		for y := range 14 {
			for x := range 14 {
				if got, want := c.Image(4)[y*14+x], train.Image(4)[(y+at)*28+x+at]; got != want {
					t.Fatalf("crop at %d: pixel (%d,%d) is %d, want %d", at, y, x, got, want)
				}
			}
		}
	}
	if _, err := train.Crop(15, 0, 14, 14); err == nil || err.Error() != "crop: rows 15 to 28 and columns 0 to 13 of images of 28x28" {
		t.Errorf("got error %v", err)
	}
}

func TestMNISTReadErrors(t *testing.T) {
	train, _, err := MNIST(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		indices []int
		in, out [][]float32
		want    string
	}{
		{[]int{2000}, nil, nil, "images: sample 2000: the source has samples 0 to 1999"},
		{[]int{-1}, nil, nil, "images: sample -1: the source has samples 0 to 1999"},
		{[]int{0}, [][]float32{{}, {}}, nil, "images: got 2 input buffers, the source has 1 inputs"},
		{[]int{0, 1}, [][]float32{make([]float32, 784)}, nil, "images: input 0: buffer of 784 numbers, want 2 samples of 784"},
		{[]int{0, 1}, nil, [][]float32{make([]float32, 1)}, "images: target 0: buffer of 1 numbers, want 2 samples of 1"},
	} {
		if err := train.Read(c.indices, c.in, c.out); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func TestMNISTBadFiles(t *testing.T) {
	pixels := func(n int) *idx.Array {
		return &idx.Array{Shape: []int{n, 28, 28}, Data: make([]byte, n*784)}
	}
	labels := func(l ...byte) *idx.Array { return &idx.Array{Shape: []int{len(l)}, Data: l} }
	raw := func(a *idx.Array) []byte {
		var b bytes.Buffer
		if err := idx.Write(&b, a); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := map[string][]byte{
		"train-images-idx3-ubyte": raw(pixels(3)), "train-labels-idx1-ubyte": raw(labels(1, 2, 9)),
		"t10k-images-idx3-ubyte": raw(pixels(1)), "t10k-labels-idx1-ubyte": raw(labels(0)),
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(good["train-images-idx3-ubyte"]); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		raw  []byte
		want string // after "mnist: DIR/"
	}{
		{"", nil, ""},
		{"train-labels-idx1-ubyte", raw(labels(1, 10, 2)), "train-labels-idx1-ubyte: offset 9: label 10, want 0 to 9"},
		{"train-labels-idx1-ubyte", raw(labels(1, 2)), "train-labels-idx1-ubyte: offset 3: 2 labels, want 3, one for each image of"},
		{"train-labels-idx1-ubyte", raw(pixels(3)), "train-labels-idx1-ubyte: offset 3: three axes of 3 images of 28x28, want one of labels"},
		{"train-images-idx3-ubyte", raw(labels(1, 2, 3)), "train-images-idx3-ubyte: offset 3: one axis of 3 elements, as labels have, want three of n images of 28x28"},
		{"train-images-idx3-ubyte", []byte("<!doctype html><html>"), "train-images-idx3-ubyte: offset 0: an HTML page, want an IDX file"},
		{"train-images-idx3-ubyte", []byte{}, "train-images-idx3-ubyte: offset 0: header: unexpected EOF"},
		{"t10k-images-idx3-ubyte", raw(&idx.Array{Shape: []int{1, 2, 2}, Data: make([]byte, 4)}), "t10k-images-idx3-ubyte: offset 3: images of 2x2, want 28x28"},
		{"t10k-images-idx3-ubyte", good["t10k-images-idx3-ubyte"][:100], "t10k-images-idx3-ubyte: truncated at offset 100: got 84 of the 784 bytes"},
		{"train-images-idx3-ubyte.gz", zipped.Bytes()[:zipped.Len()/2], "train-images-idx3-ubyte.gz: "},
	} {
		dir := t.TempDir()
		for name, b := range good {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if c.file != "" {
			if err := os.WriteFile(filepath.Join(dir, c.file), c.raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		train, _, err := MNIST(t.Context(), From{Source: dir})
		if c.file == "" {
			if err != nil || train.Len() != 3 || train.Origin().Kind != "folder" {
				t.Errorf("good files: %v", err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "mnist: "+filepath.Join(dir, c.want)) {
			t.Errorf("got error %v, want mnist: DIR/%s...", err, c.want)
		}
	}
	if _, _, err := MNIST(t.Context(), From{Source: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "train-images-idx3-ubyte.gz: file does not exist") {
		t.Errorf("empty folder: got error %v", err)
	}
	if _, _, err := MNIST(t.Context(), From{Source: "no such folder"}); err == nil || !strings.Contains(err.Error(), "mnist: folder of the data set: stat no such folder") {
		t.Errorf("no folder: got error %v", err)
	}
}

func BenchmarkImagesRead(b *testing.B) {
	train, _, err := MNIST(b.Context(), From{Source: Sample})
	if err != nil {
		b.Fatal(err)
	}
	x, y := make([]float32, 128*784), make([]float32, 128)
	indices := upTo(128)
	b.ReportAllocs()
	for b.Loop() {
		if err := train.Read(indices, [][]float32{x}, [][]float32{y}); err != nil {
			b.Fatal(err)
		}
	}
}
