// SPDX-License-Identifier: Apache-2.0

// Package examples_test runs the programs of the folders beside it as a reader would.
package examples_test

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/serve"
)

// gentoo checks the answer about a penguin of the sex, as JSON has it.
func gentoo(out, sex string) error {
	var probability float64
	row := `{"sex": ` + sex + `, "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}`
	if _, err := fmt.Sscanf(out, row+": Gentoo (%f)\n", &probability); err != nil {
		return err
	}
	if probability < 0.9 || probability > 1 {
		return fmt.Errorf("probability %g, want at least 0.9", probability)
	}
	return nil
}

// TestExamples builds and runs each program on its own data, without any other, and wants
// that it has learned.
func TestExamples(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	for _, example := range []struct {
		name  string
		lines int // at most
		check func(out string) error
	}{
		{"regression", 70, func(out string) error {
			var mae, mean float64
			if _, err := fmt.Sscanf(out, "mean absolute error: %f, of predicting the mean: %f\n", &mae, &mean); err != nil {
				return err
			}
			if mae <= 0 || mae > 0.4*mean || mean < 0.6 || mean > 0.8 {
				return fmt.Errorf("error %g kg, want less than 0.4 times that of the mean, %g, which is 0.6 to 0.8", mae, mean)
			}
			return nil
		}},
		{"table", 66, func(out string) error {
			_, scores, ok := strings.Cut(out, "species            category  class index  error                       target\n\n")
			if !ok {
				return fmt.Errorf("no schema")
			}
			return classifies(scores, 0.9, `{"sex": null, "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}: Gentoo `)
		}},
		{"transfer", 54, func(out string) error {
			return classifies(out, 0.85, "testdata/photo.jpg: cat ")
		}},
		{"text", 64, func(out string) error {
			return classifies(out, 0.7, "I was charged twice for one invoice: billing ")
		}},
		{"layer", 93, func(out string) error {
			scores, loaded, _ := strings.Cut(out, "\n")
			var accuracy float64
			if _, err := fmt.Sscanf(scores, "accuracy: %f", &accuracy); err != nil {
				return err
			}
			if accuracy < 0.9 || loaded != "the same after loading: true\n" {
				return fmt.Errorf("accuracy %g, want at least 0.9 and the same after loading", accuracy)
			}
			return nil
		}},
		{"gradients", 105, func(out string) error {
			lines := strings.Split(strings.TrimSpace(out), "\n")
			var first, last, accuracy float64
			for at, want := range map[int]struct {
				format string
				to     *float64
			}{0: {"epoch 1: loss %f", &first}, 9: {"epoch 10: loss %f", &last}, 10: {"accuracy: %f", &accuracy}} {
				if len(lines) != 11 {
					return fmt.Errorf("%d lines, want 11", len(lines))
				}
				if _, err := fmt.Sscanf(lines[at], want.format, want.to); err != nil {
					return fmt.Errorf("line %d: %w", at+1, err)
				}
			}
			if last > first/5 || accuracy < 0.87 {
				return fmt.Errorf("loss from %g to %g, accuracy %g, want less than a fifth and at least 0.87", first, last, accuracy)
			}
			return nil
		}},
		{"linear", 60, func(out string) error {
			var a, b, c, cost float64
			if _, err := fmt.Sscanf(out, "y = %f·x1 + %f·x2 + %f, cost %f", &a, &b, &c, &cost); err != nil {
				return err
			}
			if off := max(math.Abs(a-3), math.Abs(b+1), math.Abs(c-2)); off > 0.03 || cost > 0.015 {
				return fmt.Errorf("coefficients are up to %g from 3, -1 and 2, cost %g, want at most 0.03 and 0.015", off, cost)
			}
			return nil
		}},
		{"logistic", 66, func(out string) error {
			var cost, accuracy float64
			if _, err := fmt.Sscanf(out, "cost %f, accuracy: %f", &cost, &accuracy); err != nil {
				return err
			}
			if cost > 0.25 || accuracy < 0.9 { // √2 standard deviations between the middle and each cloud: 0.921
				return fmt.Errorf("cost %g, accuracy %g, want at most 0.25 and at least 0.9", cost, accuracy)
			}
			return nil
		}},
		{"adam", 100, func(out string) error {
			_, scores, _ := strings.Cut(out, "step 600: cost ")
			var cost, accuracy float64
			if _, err := fmt.Sscanf(scores, "%f\naccuracy: %f", &cost, &accuracy); err != nil {
				return err
			}
			if cost > 0.01 || accuracy < 0.99 {
				return fmt.Errorf("cost %g, accuracy %g, want at most 0.01 and at least 0.99", cost, accuracy)
			}
			return nil
		}},
		{"pinn", 85, func(out string) error {
			var cost, worst float64
			if _, err := fmt.Sscanf(out, "cost %g, largest error: %f", &cost, &worst); err != nil {
				return err
			}
			if !(worst <= 1e-4) {
				return fmt.Errorf("error %g, want at most 1e-4", worst)
			}
			return nil
		}},
		{"wgangp", 130, func(out string) error {
			var off, least float64
			if _, err := fmt.Sscanf(out, "mean distance from the circle: %f, share of the emptiest of 8 sectors: %f", &off, &least); err != nil {
				return err
			}
			if off > 0.1 || least < 0.06 {
				return fmt.Errorf("distance %g, share %g, want at most 0.1 and at least 0.06", off, least)
			}
			return nil
		}},
		{"actorcritic", 125, func(out string) error {
			lines := strings.Split(strings.TrimSpace(out), "\n")
			var episodes int
			var mean float64
			if _, err := fmt.Sscanf(lines[len(lines)-1], "%d episodes, running mean %f", &episodes, &mean); err != nil {
				return err
			}
			if mean < 150 { // of random pushes: 22; the most is 200
				return fmt.Errorf("the pole stays up for %g steps, want at least 150", mean)
			}
			return nil
		}},
		{"embed", 45, func(out string) error { return gentoo(out, `null`) }},
		{"preprocessing", 58, func(out string) error { return gentoo(out, `"female"`) }},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			out := output(t, goTool, example.name, example.lines)
			if err := example.check(out); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// output builds and runs the program of a folder, which has at most the given number of lines, in that
// folder and without other data, and returns what it prints.
func output(t *testing.T, goTool, name string, lines int, args ...string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(name, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > lines {
		t.Errorf("the program has %d lines, want at most %d", n, lines)
	}
	program := filepath.Join(t.TempDir(), name+".exe")
	if out, err := exec.Command(goTool, "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = name
	cmd.Env = append(os.Environ(), "REEF_DATA=", "REEF_CACHE="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestPictures is TestExamples for the programs that write a picture.
func TestPictures(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	for _, example := range []struct {
		name          string
		lines         int // at most
		width, height int
		format        string // of the end of what it prints, with two numbers
		check         func(a, b float64) error
	}{
		{"styletransfer", 150, 240, 160, "step %f: loss %f\n", func(_, loss float64) error {
			if !(loss < 0.89) || loss <= 0 { // of the photograph: 4.45
				return fmt.Errorf("the loss is %g, want less than 0.89", loss)
			}
			return nil
		}},
		{"deepdream", 120, 360, 240, "360 x 240 pixels: mean activation %f at first, %f at last\n", func(before, after float64) error {
			if !(after > 5*before) || after < 100 || before <= 0 { // of the photograph: 7
				return fmt.Errorf("the activation went from %g to %g, want more than 5 times as much", before, after)
			}
			return nil
		}},
		{"vae", 100, 420, 420, "reconstruction loss: %f, KL divergence: %f\n", func(loss, divergence float64) error {
			if !(loss < 175) || loss < 100 || divergence < 3 { // of the mean digit: 209, with divergence 0
				return fmt.Errorf("loss %g, divergence %g, want 100 to 175 and at least 3", loss, divergence)
			}
			return nil
		}},
		{"dcgan", 108, 336, 224, "inception score: %f of generated digits, %f of real ones\n", func(generated, real float64) error {
			if !(generated > 3) || generated > real { // after one epoch: 1.1
				return fmt.Errorf("scores %g and %g, want more than 3", generated, real)
			}
			return nil
		}},
		{"ddim", 130, 336, 224, "error of the noise: %f, of the pictures: %f\n", func(noise, picture float64) error {
			if !(noise < 0.2) || !(picture < 0.4) || noise <= 0 { // of a network that gives 0: √(2/π), 0.80
				return fmt.Errorf("errors %g and %g, want less than 0.2 and 0.4", noise, picture)
			}
			return nil
		}},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "picture.png")
			out := output(t, goTool, example.name, example.lines, path)
			var a, b float64
			lines := strings.SplitAfter(out, "\n")
			if _, err := fmt.Sscanf(strings.Join(lines[max(0, len(lines)-2):], ""), example.format, &a, &b); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if err := example.check(a, b); err != nil {
				t.Error(err)
			}
			img := picture(t, path)
			if size := img.Bounds().Size(); size != image.Pt(example.width, example.height) {
				t.Errorf("the picture is %v, want %d wide and %d high", size, example.width, example.height)
			}
			if n := colors(img); n < 100 {
				t.Errorf("the picture has %d colors, want at least 100", n)
			}
		})
	}
}

// picture reads a picture that a program wrote.
func picture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// colors counts the colors of a picture.
func colors(img image.Image) int {
	found, b := map[color.Color]bool{}, img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			found[img.At(x, y)] = true
		}
	}
	return len(found)
}

// classifies checks what a classifier prints: its accuracy, at least the given one, and the
// class of one more sample.
func classifies(out string, least float64, prediction string) error {
	var accuracy, probability float64
	if _, err := fmt.Sscanf(out, "accuracy: %f\n"+prediction+"(%f)\n", &accuracy, &probability); err != nil {
		return err
	}
	if accuracy < least || accuracy > 1 || probability < 0.5 || probability > 1 {
		return fmt.Errorf("accuracy %g, probability %g, want at least %g and 0.5", accuracy, probability, least)
	}
	return nil
}

// TestEmbeddedModels trains the models of the examples embed and preprocessing again: the file beside
// each is what the command in its folder writes, up to rounding.
func TestEmbeddedModels(t *testing.T) {
	embedded := trainedAgain(t, "embed")
	if kind, settings := embedded.Preprocessor(0); kind != "table" || len(settings) == 0 || len(embedded.Classes(0)) != 3 {
		t.Errorf("preprocessor %q, classes %q", kind, embedded.Classes(0))
	}
	if raw := trainedAgain(t, "preprocessing"); !raw.Preprocesses() || len(raw.Classes(0)) != 3 {
		t.Errorf("preprocesses: %v, classes %q", raw.Preprocesses(), raw.Classes(0))
	}
}

// trainedAgain returns the model beside an example.
func trainedAgain(t *testing.T, example string) *k.Model {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	path := filepath.Join(t.TempDir(), "penguins.safetensors")
	cmd := exec.Command(goTool, "run", "./train", path)
	cmd.Dir = example
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	trained, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := k.Load(filepath.Join(example, "penguins.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range trained.Weights() {
		other, err := kept.Weight(w.Path())
		if err != nil {
			t.Fatal(err)
		}
		a, b := w.Values(), other.Values()
		if len(a) != len(b) {
			t.Fatalf("%s: %d values, want %d", w.Path(), len(b), len(a))
		}
		for i := range a {
			if math.Abs(float64(a[i]-b[i])) > 1e-3 {
				t.Fatalf("%s: value %d is %g, want %g: train again by go run ./train", w.Path(), i, b[i], a[i])
			}
		}
	}
	return kept
}

// TestPreprocessingIsServed: the service answers a raw row of the example preprocessing as the model
// does, and the model that is saved again has the same bytes.
func TestPreprocessingIsServed(t *testing.T) {
	path := filepath.Join("preprocessing", "penguins.safetensors")
	h, err := serve.New(serve.File("penguins", path), serve.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	model, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var x []*k.Array
	for _, in := range model.Inputs() {
		a, err := k.Column([]float64{map[string]float64{"bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}[k.Inspect(in.Layer()).Name]})
		if in.IsString() {
			a, err = k.Strings([]string{"female"})
		}
		if err != nil {
			t.Fatal(err)
		}
		x = append(x, a)
	}
	want, err := model.Predict(x...)
	if err != nil {
		t.Fatal(err)
	}
	for kind, body := range map[string]string{
		"application/json": `{"instances": [{"sex": "female", "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}]}`,
		"text/csv":         "sex,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_kg\nfemale,48,14.1,215,5.1\n",
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/models/penguins:predict", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var answer struct {
			Predictions [][]float32
			Classes     [][]struct{ Class string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Predictions) != 1 {
			t.Fatalf("%s: %v, %s", kind, err, w.Body)
		}
		if !slices.Equal(answer.Predictions[0], want.Row(0)) || answer.Classes[0][0].Class != "Gentoo" {
			t.Errorf("%s: got %s, want %v", kind, w.Body, want)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var after bytes.Buffer
	if err := model.SaveTo(&after); err != nil || !bytes.Equal(before, after.Bytes()) {
		t.Errorf("saved again, the file has %d bytes, had %d: %v", after.Len(), len(before), err)
	}
}

// TestStaticBinary: without C, the program with its model is one static file.
func TestStaticBinary(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs the go command and Linux")
	}
	static(t, goTool, "preprocessing")
}

// static builds a program without C, and returns the file, which must need no others.
func static(t *testing.T, goTool, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name+".exe")
	cmd := exec.Command(goTool, "build", "-o", program, "./"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if runtime.GOOS != "linux" {
		return program
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("needs the libraries %q: %v", libraries, err)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC }) {
		t.Error("needs an interpreter or has a dynamic section")
	}
	return program
}
