// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/npz"
	"github.com/reef-dl/reef/internal/sniff"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// sample is one sample for a model, with an array for each of its inputs.
type sample struct {
	name   string // where it comes from: "cat.jpg", "line 12"
	inputs []*k.Array
}

// The kinds of input.
const (
	kindImage = "image"
	kindCSV   = "csv"
	kindText  = "text"
	kindJSON  = "json"
	kindNPY   = "npy"
	kindNPZ   = "npz"
)

var kinds = []string{kindImage, kindCSV, kindText, kindJSON, kindNPY, kindNPZ}

var extensions = map[string]string{
	".jpg": kindImage, ".jpeg": kindImage, ".png": kindImage, ".gif": kindImage, ".bmp": kindImage,
	".csv": kindCSV, ".tsv": kindCSV, ".txt": kindText,
	".json": kindJSON, ".jsonl": kindJSON, ".ndjson": kindJSON, ".npy": kindNPY, ".npz": kindNPZ,
}

// reader reads samples for a model.
type reader struct {
	m       *k.Model
	file    string // of the model, for errors
	shapes  []k.Shape
	names   []string                // of the inputs
	strings []bool                  // which inputs are of strings
	raw     []datasets.Preprocessor // of each input, nil for none
	pixels  *pixelOptions           // from flags
	as      string                  // the kind of all inputs, "" to find out
	column  string                  // with the texts of a CSV file
	at      int                     // rows that are read at once
	stdin   io.Reader
	several bool // files, so that names must tell them apart
}

// openReader opens a model to be asked; its input is read by the flags of pictures, and without the saved
// preprocessors if raw is set. The caller closes the file.
func openReader(path string, pixels func() (*pixelOptions, error), raw bool) (*modelFile, *reader, error) {
	options, err := pixels()
	if err != nil {
		return nil, nil, err
	}
	file, err := openModel(path, false)
	if err != nil {
		return nil, nil, err
	}
	r, err := newReader(file, raw)
	if err != nil {
		file.close()
		return nil, nil, err
	}
	r.pixels = options
	return file, r, nil
}

// newReader reads the preprocessors that are saved with the model.
func newReader(file *modelFile, raw bool) (*reader, error) {
	r := &reader{m: file.model, file: file.path}
	for i, t := range r.m.Inputs() {
		r.shapes = append(r.shapes, t.Shape())
		r.names = append(r.names, k.Inspect(t.Layer()).Name)
		r.strings = append(r.strings, t.IsString())
		kind, settings := r.m.Preprocessor(i)
		var p datasets.Preprocessor
		if kind != "" && !raw {
			var err error
			if p, err = datasets.ReadPreprocessor(kind, settings); err != nil {
				return nil, fmt.Errorf("%s: input %q: %w; -raw ignores it", file.path, r.names[i], err)
			}
		}
		r.raw = append(r.raw, p)
	}
	if p, ok := rawPictures(r.m, r.shapes); ok && r.raw[0] == nil && !raw {
		r.raw[0] = p
	}
	return r, nil
}

// read yields the samples of an argument: a file, a folder of pictures, or "-".
func (r *reader) read(arg string) iter.Seq2[sample, error] {
	return func(yield func(sample, error) bool) {
		err := r.open(arg, func(s sample) error {
			if !yield(s, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(sample{}, err)
		}
	}
}

// errStop ends reading without an error.
var errStop = errors.New("stop")

func (r *reader) open(arg string, each func(sample) error) error {
	if arg == "-" {
		return r.stream(r.stdin, "standard input", "", each)
	}
	info, err := os.Stat(arg)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return r.folder(arg, each)
	}
	if !info.Mode().IsRegular() { // a pipe
		f, err := os.Open(arg)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read
		return r.stream(f, arg, "", each)
	}
	f, err := os.Open(arg)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	kind := r.as
	if kind == "" {
		kind = extensions[strings.ToLower(filepath.Ext(arg))]
	}
	if kind == kindNPZ {
		return r.npz(f, info.Size(), arg, each)
	}
	return r.stream(f, arg, kind, each)
}

// folder reads all pictures below a folder, by name.
func (r *reader) folder(dir string, each func(sample) error) error {
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() || extensions[strings.ToLower(filepath.Ext(path))] != kindImage {
			return nil
		}
		found = true
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read
		return r.image(f, path, each)
	})
	if err == nil && !found {
		err = fmt.Errorf("%s holds no pictures (.jpg, .jpeg, .png, .gif, .bmp)", dir)
	}
	return err
}

// stream reads a file from its beginning to its end.
func (r *reader) stream(from io.Reader, name, kind string, each func(sample) error) error {
	in := bufio.NewReaderSize(from, 1<<16)
	if kind == "" {
		kind = r.as
	}
	if kind == "" {
		var err error
		if kind, err = r.guess(in, name); err != nil {
			return err
		}
	}
	switch kind {
	case kindImage:
		return r.image(in, name, each)
	case kindCSV:
		return r.csv(in, name, each)
	case kindText:
		return r.text(in, name, each)
	case kindJSON:
		return r.json(in, name, each)
	case kindNPY:
		return r.npy(in, name, each)
	}
	return fmt.Errorf("%s: an npz archive is read from a file only", name)
}

// guess finds out what a file holds.
func (r *reader) guess(in *bufio.Reader, name string) (string, error) {
	begin, err := in.Peek(sniff.Len)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	switch is := sniff.Name(begin); {
	case is == "a JPEG image" || is == "a PNG image" || is == "a GIF image" || is == "a BMP image" && !utf8.Valid(begin):
		return kindImage, nil
	case is == "a numpy array":
		return kindNPY, nil
	case is == "a JSON file":
		return kindJSON, nil
	case (is == "a text file" || is == "a BMP image") && r.takesTexts() >= 0:
		return kindText, nil
	case is == "a text file":
		if trimmed := bytes.TrimSpace(begin); len(trimmed) > 0 && trimmed[0] == '"' {
			return kindJSON, nil
		}
		return kindCSV, nil
	case is == "an empty file":
		return "", fmt.Errorf("%s is empty", name)
	case is != "":
		return "", fmt.Errorf("%s is %s, want a picture (png, jpeg, gif), CSV, text, JSON, npy or npz", name, is)
	}
	return "", fmt.Errorf("%s: what it holds is unknown; say it by -as: %s", name, strings.Join(kinds, ", "))
}

// takesTexts is the input of texts, by its kind or by its preprocessor, -1 for none.
func (r *reader) takesTexts() int {
	if len(r.shapes) == 1 && r.strings[0] {
		return 0
	}
	return slices.IndexFunc(r.raw, func(p datasets.Preprocessor) bool {
		_, ok := p.(interface {
			Array([]string) (datasets.Array, error)
		})
		return ok
	})
}

// alone returns an error unless the model has one input, which is what kind of data can be given.
func (r *reader) alone(what string) error {
	if len(r.shapes) == 1 {
		return nil
	}
	return fmt.Errorf("%s has %d inputs (%s), and %s can be only one of them: want JSON or npz with the inputs by name", r.file, len(r.shapes), strings.Join(r.names, ", "), what)
}

// one makes a sample of one array for a model with one input.
func (r *reader) one(name string, values []float32, shape []int) (sample, error) {
	a, err := r.array(0, values, shape)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", name, err)
	}
	return sample{name, []*k.Array{a}}, nil
}

// array checks the shape of one sample of an input. A sample of one shape fits another one with as
// many values, such as a picture an input of pixels in a row.
func (r *reader) array(i int, values []float32, shape []int) (*k.Array, error) {
	want := r.shapes[i]
	if !fits(want, shape) {
		if n := want.Size(); slices.Contains(want, k.Any) || n != len(values) {
			return nil, fmt.Errorf("a sample of shape %s, input %q wants %s", shapeOf(shape), r.names[i], want)
		}
		shape = want
	}
	return k.NewArray(values, shape...)
}

// fits reports whether a sample has the shape, whose axes may be free.
func fits(want k.Shape, shape []int) bool {
	if len(want) != len(shape) {
		return false
	}
	for i, n := range shape {
		if want[i] != n && want[i] != k.Any {
			return false
		}
	}
	return true
}

// image reads one picture.
func (r *reader) image(in io.Reader, name string, each func(sample) error) error {
	if err := r.alone("a picture"); err != nil {
		return err
	}
	values, shape, err := r.picture(in, name)
	if err != nil {
		return err
	}
	s, err := r.one(name, values, shape)
	if err != nil {
		return err
	}
	return each(s)
}

// maxLine is the longest line of a text.
const maxLine = 1 << 20

// text reads one sample from each line.
func (r *reader) text(in io.Reader, name string, each func(sample) error) error {
	if err := r.alone("a text"); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<14), maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" {
			continue
		}
		if err := r.words(r.where(name, "line", n), line, each); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: line %d: longer than %d bytes", name, n+1, maxLine)
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// where names a part of a file.
func (r *reader) where(file, part string, n int) string {
	if r.several {
		return fmt.Sprintf("%s: %s %d", file, part, n)
	}
	return fmt.Sprintf("%s %d", part, n)
}

// words encodes a text.
func (r *reader) words(name, line string, each func(sample) error) error {
	if !utf8.ValidString(line) {
		return fmt.Errorf("%s: not UTF-8", name)
	}
	if r.strings[0] {
		a, err := r.texts(0, []string{line})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return each(sample{name, []*k.Array{a}})
	}
	p, ok := r.raw[0].(interface {
		Array([]string) (datasets.Array, error)
	})
	if !ok {
		return r.noPreprocessor("texts", "m.SetPreprocessor(0, encoder.Preprocessor())", "JSON or npy with the numbers of the words")
	}
	a, err := p.Array([]string{line})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s, err := r.one(name, a.Data, a.Shape)
	if err != nil {
		return err
	}
	return each(s)
}

// noPreprocessor says what a model lacks and what to do.
func (r *reader) noPreprocessor(what, call, instead string) error {
	saved := "no preprocessor"
	if kind, _ := r.m.Preprocessor(0); kind != "" {
		saved = fmt.Sprintf("a preprocessor of the kind %q", kind)
	}
	return fmt.Errorf("%s was saved with %s, so it is unknown how %s become the numbers of input %q %s: save one with the model, by %s before Save, or give it %s",
		r.file, saved, what, r.names[0], r.shapes[0], call, instead)
}

// npy reads an array of samples, or of one sample, row by row.
func (r *reader) npy(in io.Reader, name string, each func(sample) error) error {
	if err := r.alone("an npy array"); err != nil {
		return err
	}
	rows, err := npz.NewRows(in, name, maxNumbers)
	if err != nil {
		return err
	}
	return r.rows([]*npz.Rows{rows}, name, each)
}

// npz reads an archive with an array for each input, by name; that of a single input may have any.
func (r *reader) npz(in io.ReaderAt, size int64, name string, each func(sample) error) error {
	a, err := npz.Open(in, size, name)
	if err != nil {
		return err
	}
	has := a.Names()
	var list []*npz.Rows
	defer func() {
		for _, rows := range list {
			_ = rows.Close() // only read
		}
	}()
	for _, input := range r.names {
		if !slices.Contains(has, input) {
			if len(r.names) > 1 || len(has) != 1 {
				return fmt.Errorf("%s: no array %q, has %s: want one for each input", name, input, text.FirstOf(has))
			}
			input = has[0]
		}
		rows, err := a.Rows(input, maxNumbers)
		if err != nil {
			return err
		}
		list = append(list, rows)
	}
	return r.rows(list, name, each)
}

// rows reads samples from an array for each input.
func (r *reader) rows(list []*npz.Rows, name string, each func(sample) error) error {
	if r.takesStrings() {
		return fmt.Errorf("%s: arrays of numbers, but input %q of %s is of strings: want text, CSV or JSON", name, r.names[slices.Index(r.strings, true)], r.file)
	}
	n := -1
	shapes := make([][]int, len(list))
	for i, rows := range list {
		own := 1
		switch want := r.shapes[i]; {
		case len(rows.Shape) == len(want)+1 && fits(want, rows.Shape[1:]):
			own, shapes[i] = rows.Shape[0], rows.Shape[1:]
		case fits(want, rows.Shape):
			shapes[i] = rows.Shape
		default:
			return fmt.Errorf("%s: an array of shape %s, want samples of input %q, which have the shape %s", name, shapeOf(rows.Shape), r.names[i], want)
		}
		if n >= 0 && own != n {
			return fmt.Errorf("%s: %d samples of input %q, but %d of %q", name, own, r.names[i], n, r.names[0])
		}
		n = own
	}
	for j := range n {
		s := sample{name: r.where(name, "row", j)}
		for i, rows := range list {
			values := make([]float32, k.Shape(shapes[i]).Size())
			if err := rows.Next(values); err != nil {
				return err
			}
			a, err := k.NewArray(values, shapes[i]...)
			if err != nil {
				return err
			}
			s.inputs = append(s.inputs, a)
		}
		if err := each(s); err != nil {
			return err
		}
	}
	return nil
}

// check rejects flags that contradict each other.
func (r *reader) check() error {
	if r.as != "" {
		return oneOf("as", r.as, kinds...)
	}
	if r.column != "" && r.takesTexts() < 0 {
		return cli.Misuse("-column %s: it is about texts, and the model has no preprocessor for texts", r.column)
	}
	return nil
}
