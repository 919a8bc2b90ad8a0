// SPDX-License-Identifier: Apache-2.0

package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// saveRaw saves a model whose last layer has these weights.
func saveRaw(t *testing.T, m *k.Model, kernel ...float32) string {
	t.Helper()
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	w, err := m.Weight("dense/kernel")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Set(kernel); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), m.Name()+".safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPredictRaw gives strings, rows and pictures to models that preprocess them.
func TestPredictRaw(t *testing.T) {
	name, size := k.NamedStringInput("color", 1), k.NamedInput("size", 1)
	x := k.Concatenate().Apply(k.StringLookup(k.Vocabulary("red", "green"), k.OneHotOutput).Apply(name), size)
	rows := saveRaw(t, k.NewModel("rows", []*k.Tensor{name, size}, []*k.Tensor{k.Dense(1, k.NoBias).Apply(x)}), 1, 2, 4, 10)
	texts := saveRaw(t, k.Sequential("texts", k.StringInput(1), k.TextVectorization(k.Vocabulary("good", "bad"), k.CountOutput), k.Dense(1, k.NoBias)), 0, 1, -1)
	pictures := saveRaw(t, k.Sequential("any", k.Input(k.Any, k.Any, 3), k.Resizing(1, 2, k.NearestInterpolation), k.Flatten(), k.Dense(1, k.NoBias)), 1, 0, 0, 1, 0, 0)
	img := image.NewNRGBA(image.Rect(0, 0, 4, 3))
	for i := range 12 {
		img.Set(i%4, i/4, color.NRGBA{uint8(10 * (i%4 + 1)), 1, 2, 255})
	}
	photo := filepath.Join(t.TempDir(), "photo.png")
	f, err := os.Create(photo)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stdin, want string
		args        []string
	}{
		{"size,color\n1.5,red\n2,blue\n", "[17] [21]", []string{rows, "-"}},
		{`{"color": "green", "size": 2} {"size": [1], "color": ["red"]}`, "[24] [12]", []string{rows, "-"}},
		{"good good bad\nbad\n", "[1] [-1]", []string{texts, "-"}},
		{`["good", "bad bad"]`, "[1] [-2]", []string{texts, "-"}},
		{"review;other\ngood;x\n", "[1]", []string{"-column", "review", "-as", "csv", texts, "-"}},
		{"", "[60]", []string{pictures, photo}},
	} {
		out := done(t, c.stdin, append([]string{"predict", "-format", "json"}, c.args...)...)
		for _, want := range strings.Fields(c.want) {
			if !strings.Contains(strings.ReplaceAll(out, " ", ""), want) {
				t.Errorf("%v %q: got %s, want %s", c.args, c.stdin, out, want)
			}
		}
	}
	for _, c := range []struct {
		stdin, want string
		args        []string
	}{
		{"size,color\nlarge,red\n", `line 2: column "size": "large", want a number`, []string{rows, "-"}},
		{"size\n1\n", `no column "color"`, []string{rows, "-"}},
		{`{"color": 3, "size": 2}`, `input "color": "3", want a string or an array of strings`, []string{rows, "-"}},
		{`{"color": ["a", "b"], "size": 2}`, `input "color": 2 strings, want 1`, []string{rows, "-"}},
		{`{"color": "a"}`, `no input "size", has`, []string{rows, "-"}},
		{"", `without a preprocessor for pictures`, []string{"-raw", pictures, photo}},
	} {
		if status, _, stderr := command(t, c.stdin, append([]string{"predict"}, c.args...)...); status == 0 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v %q: status %d, %s, want %s", c.args, c.stdin, status, stderr, c.want)
		}
	}
	for _, path := range []string{rows, texts, pictures} {
		if out := done(t, "", "summary", path); !strings.Contains(out, "dense") {
			t.Errorf("summary: %s", out)
		}
	}
	if out := done(t, "", "bench", "-time", "10ms", "-batch", "2", rows); !strings.Contains(out, "2") {
		t.Errorf("bench: %s", out)
	}
}
