// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets/internal/picture"
)

// openRead reads the file p of a folder.
func openRead(read func(f *os.File) error) func(dir string) error {
	return func(dir string) error {
		f, err := os.Open(filepath.Join(dir, "p"))
		if err != nil {
			return err
		}
		defer f.Close()
		return read(f)
	}
}

// mnistFiles writes the four files, all of zeros.
func mnistFiles(images, side int) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for _, part := range []string{"train", "t10k"} {
			axes := idxHeader(uint32(images), uint32(side), uint32(side))
			gzippedFile(t, filepath.Join(dir, part+"-images-idx3-ubyte.gz"), axes, "\x00", images*side*side)
			gzippedFile(t, filepath.Join(dir, part+"-labels-idx1-ubyte.gz"), idxHeader(uint32(images)), "\x00", images)
		}
	}
}

// imdbFiles writes imdb.npz with the given array as both texts, and a small index.
func imdbFiles(header, text, fill string, size int) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, "imdb_word_index.json"), []byte(`{"a": 1}`))
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range []string{"x_train", "x_test", "y_train", "y_test"} {
			w, err := z.Create(name + ".npy")
			if err != nil {
				t.Fatal(err)
			}
			if name[0] == 'x' {
				body(t, w, header+text, fill, size)
			} else {
				body(t, w, npyHeader("<i8", "1,"), "\x00", 8)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "imdb.npz"), b.Bytes())
	}
}

func loadIMDB(dir string) error {
	_, _, err := IMDB(context.Background(), From{Source: dir}, Words{})
	return err
}

func loadReviews(dir string) error {
	_, _, err := Reviews(context.Background(), From{Source: dir})
	return err
}

// deepZip has files under names that have a level every second byte.
func deepZip(t *testing.T, dir string) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 7 {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i) + strings.Repeat("/a", 32_000) + ".png", Method: zip.Store}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "p"), b.Bytes())
}

// tokenizerFileOf has as many words as fit.
func tokenizerFileOf(t *testing.T, dir string) {
	var texts strings.Builder
	for i := range 11_000 {
		fmt.Fprintf(&texts, "w%d ", i)
	}
	tok := &Tokenizer{}
	tok.Fit([]string{texts.String()})
	f, err := os.Create(filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.Save(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// readerCases are the files that are no images.
func readerCases() map[string]costly {
	file := func(dir string) string { return filepath.Join(dir, "p") }
	pickle := "\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01J\x01\x00\x00\x00\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89](]("
	vectors := func(dim int) func(f *os.File) error {
		return func(f *os.File) error { _, err := ReadVectors(f, "f", dim, nil); return err }
	}
	series := func(f *os.File) error { _, err := ReadSeries(f, "f"); return err }
	table := func(f *os.File) error { _, err := ReadTable(f, "f", "x"); return err }
	texts := func(f *os.File) error { _, err := ReadTexts(f, "f"); return err }
	index := func(f *os.File) error { _, err := ReadWordIndex(f, "f"); return err }
	tokenizer := func(f *os.File) error { _, err := LoadTokenizer(f, "f"); return err }
	jena := func(dir string) error { _, err := Jena(context.Background(), From{Source: dir}); return err }
	frame := func(f *os.File) error {
		frame, err := ReadCSV(f, "f", CSVOptions{})
		if err != nil {
			return err
		}
		_ = frame.String()
		s, err := frame.Schema()
		if err != nil {
			return err
		}
		e, err := s.Fit(frame)
		if err != nil {
			return err
		}
		_, err = e.EncodeInputs(frame)
		return err
	}
	encoder := func(f *os.File) error {
		raw, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		return new(TableEncoder).UnmarshalJSON(raw)
	}
	row := "01.01.2009 00:10:00" + strings.Repeat(",0", 400) + "\n"
	return map[string]costly{
		"MNIST of 128x128":           {mnistFiles(4096, 128), loadMNIST, "images of 128x128, want 28x28"},
		"MNIST of 150,000 images":    {mnistFiles(150_000, 28), loadMNIST, "inflate to more than"},
		"MNIST of 30,000 images":     {mnistFiles(30_000, 28), loadMNIST, ""},
		"lists of one integer":       {imdbFiles(npyHeader("|O", "1,"), pickle, "K\x07", 1<<25), loadIMDB, "pickle: "},
		"lists of 40,000,000 in one": {imdbFiles(npyHeader("|O", "1,"), pickle, strings.Repeat("K\x07", 60_000)+"e(", 1<<25), loadIMDB, "pickle: more than"},
		"lists that are empty":       {imdbFiles(npyHeader("|O", "1000000,"), "\x80\x02", "]", 1<<24), loadIMDB, "1000000 lists in "},
		"many memo entries":          {imdbFiles(npyHeader("|O", "60000,"), "\x80\x02", "]\x94", 1<<25), loadIMDB, "pickle: "},
		"numbers without end":        {imdbFiles(npyHeader("<f8", "1048576,"), "", "\x00", 1<<25), loadIMDB, "more data after the array"},
		"tar of files to skip": {func(t *testing.T, dir string) {
			gzippedFile(t, filepath.Join(dir, "aclImdb_v1.tar.gz"), tarHeader(t, "aclImdb/skipped", 1<<32), "\x00", 1<<25)
		}, loadReviews, "inflate to more than"},
		"tar of one review": {func(t *testing.T, dir string) {
			gzippedFile(t, filepath.Join(dir, "aclImdb_v1.tar.gz"), tarHeader(t, "aclImdb/train/pos/0_9.txt", 1<<32), "good ", 1<<25)
		}, loadReviews, "more than 1048576 bytes in one review"},
		"vectors on an endless line": {func(t *testing.T, dir string) { gzippedFile(t, file(dir), "the ", "0 ", 1<<27) }, openRead(vectors(300)), "line 1: longer than"},
		"vectors of zeros": {func(t *testing.T, dir string) {
			gzippedFile(t, file(dir), "", "a"+strings.Repeat(" 0", 300)+"\n", 1<<25)
		}, openRead(vectors(300)), "duplicate word"},
		"vectors of many words": {func(t *testing.T, dir string) {
			var b strings.Builder
			for i := range 400_000 {
				fmt.Fprintf(&b, "%d 0\n", i)
			}
			gzippedFile(t, file(dir), b.String(), "x", 0)
		}, openRead(vectors(1)), ""},
		"vectors of many numbers": {func(t *testing.T, dir string) {
			var b strings.Builder
			for i := range 15_000 {
				fmt.Fprintf(&b, "%d%s\n", i, strings.Repeat(" 0", 200))
			}
			gzippedFile(t, file(dir), b.String(), "x", 0)
		}, openRead(vectors(200)), ""},
		"series of zeros": {func(t *testing.T, dir string) {
			zippedFile(t, filepath.Join(dir, jenaFile+".zip"), jenaFile, "time"+strings.Repeat(",x", 400)+"\n"+strings.Repeat(row, 4_800), "\n", 0)
		}, jena, ""},
		"series without end": {func(t *testing.T, dir string) {
			zippedFile(t, filepath.Join(dir, jenaFile+".zip"), jenaFile, "time"+strings.Repeat(",x", 400)+"\n", row, 1<<25)
		}, jena, "inflate to more than"},
		"series on an endless line": {func(t *testing.T, dir string) {
			zippedFile(t, filepath.Join(dir, jenaFile+".zip"), jenaFile, "time,x\n", "0,", 1<<25)
		}, jena, "longer than 32768 bytes"},
		"series in one pair of quotes": {func(t *testing.T, dir string) {
			zippedFile(t, filepath.Join(dir, jenaFile+".zip"), jenaFile, "time,x\n\"", "a\n", 1<<25)
		}, jena, "inflate to more than"},
		"series of 1 MB": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("time"+strings.Repeat(",x", 400)+"\n"+strings.Repeat(row, 1200)))
		}, openRead(series), ""},
		"table of 1 MB": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("x,y\n"+strings.Repeat("0,0\n", 1<<18-2)))
		}, openRead(table), ""},
		"table in one pair of quotes": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("x,y\n\""+strings.Repeat("a\n", 1<<19-4)))
		}, openRead(table), "line"},
		"frame of numbers": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("x,y\n"+strings.Repeat("0,1\n1,0\n", 1<<17-1)))
		}, openRead(frame), ""},
		"frame of empty cells": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("x"+strings.Repeat(",", 1000)+"\n"+strings.Repeat(strings.Repeat(",", 1000)+"\n", 1040)))
		}, openRead(frame), "no column seems to be"},
		"frame of categories": {func(t *testing.T, dir string) {
			var b strings.Builder
			b.WriteString("x,y\n")
			for i := range 170_000 {
				fmt.Fprintf(&b, "%d,%c\n", i%1000, 'a'+i%2)
			}
			put(t, file(dir), []byte(strings.ReplaceAll(b.String(), "\n0,", "\nzero,")))
		}, openRead(frame), ""},
		"frame of dates": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("x,y\n"+strings.Repeat("12/31/2020 3:04 PM,7\n", 47_000)+"1/1/2020,8\n"))
		}, openRead(frame), ""},
		"frame of many columns": {func(t *testing.T, dir string) {
			var b strings.Builder
			for i := range maxFrameColumns {
				fmt.Fprintf(&b, "c%d,", i)
			}
			header := strings.TrimSuffix(b.String(), ",")
			put(t, file(dir), []byte(header+"\n"+strings.Repeat(strings.Repeat("1,", maxFrameColumns-1)+"2\n"+strings.Repeat("3,", maxFrameColumns-1)+"4\n", 10)))
		}, openRead(frame), ""},
		"frame in one pair of quotes": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("x,y\n\""+strings.Repeat("a\n", 1<<19-4)))
		}, openRead(frame), "line"},
		"encoder of many buckets": {func(t *testing.T, dir string) {
			var b strings.Builder
			b.WriteString(`{"version":1,"decimal":".","missing_cells":[],"features":[`)
			for i := range 9000 {
				fmt.Fprintf(&b, `{"column":"c%d","kind":"category","buckets":1000000,"missing":"value","value":"x","fill":"x","input":"%d"},`, i, i)
			}
			put(t, file(dir), []byte(strings.TrimSuffix(b.String(), ",")+"]}"))
		}, openRead(encoder), "with those before it more than 1048576 numbers for a row"},
		"encoder of one column": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte(`{"version":1,"decimal":".","missing_cells":[],"features":[{"column":"c","kind":"category","buckets":1048576}]}`))
		}, openRead(encoder), ""},
		"encoder of many categories": {func(t *testing.T, dir string) {
			var b strings.Builder
			b.WriteString(`{"version":1,"decimal":".","missing_cells":[],"features":[{"column":"c","kind":"category","categories":["x"`)
			for i := range 110_000 {
				fmt.Fprintf(&b, `,"%d"`, i)
			}
			put(t, file(dir), []byte(b.String()+"]}]}"))
		}, openRead(encoder), ""},
		"encoder of many parts": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte(`{"version":1,"decimal":".","missing_cells":[],"features":[{"column":"c","kind":"date","parts":["year"`+strings.Repeat(`,"day"`, 170_000)+"]}]}"))
		}, openRead(encoder), "170001 parts, there are 11"},
		"encoder, nested": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte(`{"features":`+strings.Repeat(`{"a":`, 170_000)))
		}, openRead(encoder), "exceeded max depth"},
		"texts of 1 MB": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte(strings.Repeat("a\tb\n", 1<<18-1)))
		}, openRead(texts), ""},
		"texts on one line": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte("a\t"+strings.Repeat("b", 1<<20-10)))
		}, openRead(texts), ""},
		"texts of many classes": {func(t *testing.T, dir string) {
			var b strings.Builder
			for i := range 110_000 {
				fmt.Fprintf(&b, "%d\tb\n", i)
			}
			put(t, file(dir), []byte(b.String()))
		}, openRead(texts), ""},
		"word index of one word": {func(t *testing.T, dir string) { gzippedFile(t, file(dir), `{"`, "a", 1<<25) }, openRead(index), "inflate to more than"},
		"word index of many words": {func(t *testing.T, dir string) {
			var b strings.Builder
			b.WriteString(`{"a":1048576`)
			for i := range 180_000 {
				fmt.Fprintf(&b, `,"%d":%d`, i, i+1)
			}
			gzippedFile(t, file(dir), b.String(), "x", 0)
		}, openRead(index), "EOF"},
		"tokenizer": {tokenizerFileOf, openRead(tokenizer), ""},
		"tokenizer, one word": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte(`{"class_name":"`+strings.Repeat("a", 1<<20-100)))
		}, openRead(tokenizer), "EOF"},
		"tokenizer, nested": {func(t *testing.T, dir string) {
			put(t, file(dir), []byte(`{"config":`+strings.Repeat(`{"a":`, 170_000)))
		}, openRead(tokenizer), "exceeded max depth"},
		"archive of deep names": {deepZip, func(dir string) error {
			return openZip(dir, func(z *zip.Reader) error {
				_, err := NewImageFolder(z, ".", ImageOptions{Height: 2, Width: 2})
				return err
			})
		}, "levels"},
		"cats and dogs of deep names": {func(t *testing.T, dir string) {
			deepZip(t, dir)
			if err := os.Rename(file(dir), filepath.Join(dir, "train.zip")); err != nil {
				t.Fatal(err)
			}
		}, func(dir string) error {
			_, _, _, err := CatsDogs(context.Background(), From{Source: dir}, ImageOptions{Height: 2, Width: 2})
			return err
		}, "levels"},
		"archive of images that inflate": {func(t *testing.T, dir string) {
			raw := append([]byte("BM"), make([]byte, 52)...)
			copy(raw[10:], "\x36\x00\x00\x00\x28\x00\x00\x00\xd0\x07\x00\x00\x80\x05\x00\x00\x01\x00\x18\x00") // 2000x1408, 24 bits
			zippedFile(t, file(dir), "p", string(raw), "\x00", 2000*1408*3)
		}, func(dir string) error {
			return openZip(dir, func(z *zip.Reader) error { _, err := LoadImage(z, "p", ImageOptions{}); return err })
		}, ""},
		"archive whose images are digested": {func(t *testing.T, dir string) {
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			for i := range 12 {
				w, err := z.Create(fmt.Sprintf("%c/%d.png", 'a'+i%2, i))
				if err != nil {
					t.Fatal(err)
				}
				body(t, w, "", "\x00", 1<<24)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			put(t, file(dir), b.Bytes())
		}, func(dir string) error {
			return openZip(dir, func(z *zip.Reader) error {
				s, err := NewImageFolder(z, ".", ImageOptions{Height: 2, Width: 2})
				if err == nil {
					_, err = s.Digest()
				}
				return err
			})
		}, "too many for files"},
		"archive of an image that goes on": {func(t *testing.T, dir string) {
			zippedFile(t, file(dir), "p", string(flatPNG(t, 4, 4, 8, 2, 3, 0)), "\x00", picture.MaxBytes)
		}, func(dir string) error {
			return openZip(dir, func(z *zip.Reader) error { _, err := LoadImage(z, "p", ImageOptions{}); return err })
		}, "more than 67108864 bytes"},
	}
}

// TestLargeData: what is legitimately large is read: text that compresses as text does.
func TestLargeData(t *testing.T) {
	slowUnderRace(t)
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	const words = 25_000
	for i := range words {
		fmt.Fprintf(&b, "w%d", i)
		for range 50 {
			fmt.Fprintf(&b, " %.5f", rng.NormFloat64())
		}
		b.WriteByte('\n')
	}
	gzippedFile(t, filepath.Join(dir, "p"), b.String(), "x", 0)
	err := openRead(func(f *os.File) error {
		v, err := ReadVectors(f, "f", 50, nil)
		if err == nil && v.Len() != words {
			t.Errorf("%d words", v.Len())
		}
		return err
	})(dir)
	if err != nil {
		t.Error(err)
	}
	index := map[string]int{}
	for i := range 100_000 {
		index[fmt.Sprintf("w%x", rng.Uint32())] = i + 1
	}
	raw, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	gzippedFile(t, filepath.Join(dir, "p"), string(raw), "x", 0)
	if err := openRead(func(f *os.File) error { _, err := ReadWordIndex(f, "f"); return err })(dir); err != nil {
		t.Error(err)
	}
}
