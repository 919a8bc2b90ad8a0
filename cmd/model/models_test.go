// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

var update = flag.Bool("update", false, "write the golden files")

// command runs the command as a shell would, with text on its standard input.
func command(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, streams{strings.NewReader(stdin), &out, &err})
	return status, out.String(), err.String()
}

// done runs a command that must succeed.
func done(t *testing.T, stdin string, args ...string) (stdout string) {
	t.Helper()
	status, stdout, stderr := command(t, stdin, args...)
	if status != 0 || stderr != "" {
		t.Fatalf("model %s: status %d, stderr %q", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

var decimal = regexp.MustCompile(`-?\d+\.\d+(e[-+]\d+)?`)

// golden compares text with a file of testdata. Numbers are compared to three digits, because
// instruction sets round differently.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = decimal.ReplaceAllStringFunc(got, func(s string) string {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return s
		}
		return strconv.FormatFloat(v, 'g', 3, 64)
	})
	path := filepath.Join(source, "testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// source is the folder of the tests.
var source = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}()

// folder changes to an empty folder with the models of the tests.
func folder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, make := range map[string]func() (*k.Model, error){
		"shapes.reef": shapes, "rooms.reef": rooms, "films.reef": films, "two.reef": two, "series.reef": series, "plain.reef": plain,
	} {
		m, err := make()
		if err == nil {
			err = steady(m)
		}
		if err == nil {
			err = m.Save(name)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// steady gives all weights values that depend on their place alone.
func steady(m *k.Model) error {
	for j, w := range m.Weights() {
		values := w.Values()
		for i := range values {
			values[i] = float32(math.Sin(float64(1+i+3*j))) / 2
			if w.IsState() {
				values[i] = 1
			}
		}
		if err := w.Set(values); err != nil {
			return err
		}
	}
	return nil
}

// shapes classifies pictures of 8 x 8 pixels.
func shapes() (*k.Model, error) {
	m := k.Sequential("shapes", k.Input(8, 8, 3), k.Conv2D(4, 3, k.ReLU, k.Name("conv")), k.MaxPooling2D(2), k.BatchNormalization(), k.Flatten(), k.Dense(3, k.Softmax, k.Name("class")))
	err := m.Compile(k.RMSprop(0.01), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1))
	return m, errors.Join(err, m.SetClasses(0, "round disk", "square", "cross"), m.SetMetadata("version", 3),
		m.SetPreprocessor(0, datasets.ImageOptions{Height: 8, Width: 8, Filter: datasets.Bilinear}))
}

// plain is shapes without anything saved with it.
func plain() (*k.Model, error) {
	m := k.Sequential("plain", k.Input(8, 8, 1), k.Conv2D(2, 3, k.ReLU), k.GlobalAveragePooling2D(), k.Dense(2))
	return m, m.Build(1)
}

// rooms is a regression on two columns.
func rooms() (*k.Model, error) {
	m := k.Sequential("rooms", k.Input(2), k.Dense(3, k.ReLU), k.Dense(1, k.Name("price")))
	return m, errors.Join(m.Build(1), m.SetPreprocessor(0, datasets.Columns{
		Names: []string{"area", "age"}, Scaler: datasets.Scaler{Shift: []float64{100, 50}, Scale: []float64{10, 5}},
	}))
}

// films says whether a text is positive.
func films() (*k.Model, error) {
	tok := datasets.Tokenizer{}
	tok.Fit([]string{"a good film", "a bad film", "a good good story"})
	m := k.Sequential("films", k.Input(k.Any), k.Embedding(8, 4), k.GlobalAveragePooling1D(), k.Dense(1, k.Sigmoid, k.Name("good")))
	return m, errors.Join(m.Build(1), m.SetClasses(0, "bad", "good"), m.SetPreprocessor(0, datasets.TextSequences{Tokenizer: &tok}))
}

// two has two inputs and two outputs.
func two() (*k.Model, error) {
	a, b := k.NamedInput("left", 2), k.NamedInput("right", 3)
	x := k.Concatenate().Apply(a, b)
	m := k.NewModel("two", []*k.Tensor{a, b}, []*k.Tensor{k.Dense(2, k.Softmax, k.Name("kind")).Apply(x), k.Dense(1, k.Name("size")).Apply(x)})
	return m, m.Build(1)
}

// series takes sequences of any length and returns a number for each step.
func series() (*k.Model, error) {
	m := k.Sequential("series", k.Input(k.Any, 2), k.GRU(3, k.ReturnSequences), k.Dense(1, k.Name("next")))
	return m, m.Build(1)
}

// picture writes a png of one color with a bright square.
func picture(t *testing.T, path string, side int) {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.RGBA{30, 60, 90, 255}
			if x > side/4 && x < side/2 && y > side/4 && y < 3*side/4 {
				c = color.RGBA{250, 200, 20, 255}
			}
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.String())
}

// write writes a file.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantText checks that a text contains parts.
func wantText(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, text)
		}
	}
}
