// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestKerasExamples builds and runs the programs that follow examples of Keras and train for a second or
// two, and wants that they have learned.
func TestKerasExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("trains six models")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	for _, example := range []struct {
		name        string
		lines       int    // at most
		score       string // what stands before the number to look at
		least, most float64
		pictures    int // that it draws into one
		further     func(out string) error
	}{
		{"gpt", 140, "perplexity: ", 20, 75, 0, generates}, // by the frequencies of words: 109
		{"vit", 85, "accuracy: ", 0.88, 1, 0, nil},
		{"siamese", 140, "accuracy: ", 0.83, 1, 24, nil}, // by chance 0.5
		{"unet", 155, "mean IoU: ", 0.6, 1, 24, nil},     // if all is background: 0.27
		{"captcha", 145, "read without a mistake: ", 0.9, 1, 12, nil},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			var args []string
			path := filepath.Join(t.TempDir(), "picture.svg")
			if example.pictures > 0 {
				args = []string{"-o", path}
			}
			out := output(t, goTool, example.name, example.lines, args...)
			_, after, _ := strings.Cut(out, example.score)
			var score float64
			if _, err := fmt.Sscanf(after, "%f", &score); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !(score >= example.least && score <= example.most) {
				t.Errorf("%s%g, want %g to %g\n%s", example.score, score, example.least, example.most, out)
			}
			if example.further != nil {
				if err := example.further(after); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			}
			if example.pictures > 0 {
				checkDrawing(t, path, example.pictures)
			}
		})
	}
}

var embedded = regexp.MustCompile(`data:image/png;base64,([^"]+)"`)

// checkDrawing wants an SVG with so many pictures of several colors.
func checkDrawing(t *testing.T, path string, pictures int) {
	t.Helper()
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := embedded.FindAllSubmatch(svg, -1)
	if len(list) != pictures {
		t.Errorf("the drawing has %d pictures, want %d", len(list), pictures)
	}
	for i, m := range list {
		img, err := png.Decode(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(m[1])))
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if n := colors(img); n < 2 {
			t.Errorf("picture %d has %d color", i, n)
		}
	}
}

// TestExamplesTable: docs/examples.md has a row for each program that follows one of Keras's, with its lines
// of code without comments and empty lines.
func TestExamplesTable(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "examples.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| \[\w+\]\(\.\./examples/(\w+)/main\.go\) \|[^|]+\| (\d+) / (\d+|none) \|`).FindAllSubmatch(page, -1)
	if len(rows) < 13 {
		t.Errorf("the table has %d rows, want at least 13", len(rows))
	}
	for _, row := range rows {
		source, err := os.ReadFile(filepath.Join(string(row[1]), "main.go"))
		if err != nil {
			t.Error(err)
			continue
		}
		n := 0
		for line := range strings.Lines(string(source)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				n++
			}
		}
		if got, _ := strconv.Atoi(string(row[2])); got != n {
			t.Errorf("%s has %d lines of code, the table says %d", row[1], n, got)
		}
	}
}

// generates wants a text of words of which not all are equal.
func generates(out string) error {
	_, text, _ := strings.Cut(out, "\n")
	words := strings.Fields(text)
	slices.Sort(words)
	if n := len(slices.Compact(slices.Clone(words))); len(words) != 40 || n < 15 || !strings.HasPrefix(text, "this movie is ") || strings.Contains(text, "<unknown>") {
		return fmt.Errorf("%d words, %d different", len(words), n)
	}
	return nil
}

// TestRawInputs: the program vqa, built without C and moved elsewhere, answers questions about picture files;
// its model predicts the same bytes after it is saved and loaded again, and training makes such a model.
func TestRawInputs(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	program := static(t, goTool, "vqa")
	model, err := k.Load(filepath.Join("vqa", "vqa.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := model.SaveTo(&file); err != nil {
		t.Fatal(err)
	}
	again, err := k.LoadBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	trained := filepath.Join(t.TempDir(), "vqa.safetensors")
	cmd := exec.Command(goTool, "run", "./train", trained)
	cmd.Dir = "vqa"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var accuracy float64
	if _, scores, _ := strings.Cut(string(out), "accuracy: "); true {
		if _, err := fmt.Sscan(scores, &accuracy); err != nil || accuracy < 0.85 || accuracy > 1 {
			t.Errorf("accuracy is %g, want at least 0.85: %v\n%s", accuracy, err, out)
		}
	}
	anew, err := k.Load(trained)
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct{ file, question, answer string }{
		{"disk.jpg", "What color is it?", "red"},
		{"disk.jpg", "Which shape do you see?", "disk"},
		{"triangle.png", "Tell me the color!", "blue"},
		{"triangle.png", "what SHAPE is that", "triangle"}, // with an unknown word
	} {
		picture, err := filepath.Abs(filepath.Join("vqa", "testdata", ask.file))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, picture, ask.question)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), ask.question+": "+ask.answer+" (") {
			t.Errorf("%s of %s: got %q, %v, want %s", ask.question, ask.file, out, err, ask.answer)
		}
		pixels, err := datasets.LoadImageFile(picture, datasets.ImageOptions{Pixels: datasets.Bytes})
		if err != nil {
			t.Fatal(err)
		}
		x, _, err := k.ReadAll(t.Context(), pixels)
		if err != nil {
			t.Fatal(err)
		}
		words, err := k.Strings([]string{ask.question})
		if err != nil {
			t.Fatal(err)
		}
		var y [3]*k.Array
		for i, m := range []*k.Model{model, again, anew} {
			if y[i], err = m.Predict(x[0], words); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(y[0].Values(), y[1].Values()) {
			t.Errorf("%s of %s: %v after reload, want %v", ask.question, ask.file, y[1].Values(), y[0].Values())
		}
		if p := fmt.Sprintf("(%.2f)\n", y[0].Row(0)[y[0].ArgMax()[0]]); !strings.HasSuffix(string(out), p) {
			t.Errorf("%s of %s: the program prints %q, the model predicts %s", ask.question, ask.file, out, p)
		}
		if got := anew.Classes(0)[y[2].ArgMax()[0]]; got != ask.answer {
			t.Errorf("%s of %s: the model trained anew says %s, want %s", ask.question, ask.file, got, ask.answer)
		}
	}
	before, err := os.ReadFile(filepath.Join("vqa", "vqa.safetensors"))
	if err != nil || !bytes.Equal(before, file.Bytes()) {
		t.Errorf("saved again, the file has %d bytes, had %d: %v", file.Len(), len(before), err)
	}
}
