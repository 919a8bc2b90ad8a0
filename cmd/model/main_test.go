// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/npz"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// kerasFiles are files that Keras wrote.
var kerasFiles = filepath.Join(source, "..", "..", "keraslike", "kerasfile", "testdata")

// TestHelp: every command explains itself, with an example, in lines that fit.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"help"}} {
		golden(t, "help.txt", done(t, "", args...))
	}
	for _, c := range subcommands {
		help := done(t, "", c.name, "-h")
		golden(t, "help_"+c.name+".txt", help)
		wantText(t, c.name, help, "Usage: model "+c.name, "\n  model "+c.name+" ", "\nExit status", "NO_COLOR")
		if other := done(t, "", "help", c.name); other != help {
			t.Errorf("help %s is another text than %[1]s -h", c.name)
		}
		for line := range strings.Lines(help) {
			if n := utf8.RuneCountInString(line); n > 81 {
				t.Errorf("%s: %d characters in a line: %s", c.name, n, line)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	folder(t)
	picture(t, "a.png", 16)
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "no command; want one of: summary, graph,"},
		{"sumary shapes.reef", `unknown command "sumary" (did you mean "summary"?)`},
		{"-json summary", `unknown flag, or one before the command: "-json"`},
		{"summary", "no FILE given"},
		{"summary a b", `unexpected argument "b"`},
		{"summary shapes.reef -jason", "flag provided but not defined: -jason (did you mean -json?)"},
		{"graph shapes.reef -format png", `-format "png": want one of: svg, dot`},
		{"graph shapes.reef -level op", `-level "op": want one of: layers, ops, compiled, memory (did you mean "ops"?)`},
		{"graph shapes.reef -o a.gif", "the name does not say which format"},
		{"graph shapes.reef -training", "-training is about ops"},
		{"graph shapes.reef -level ops -batch 0", "-batch 0: want a positive number"},
		{"graph series.reef -level ops", "-length: got 0, want 1: the inputs have the shapes (batch, ?, 2)"},
		{"graph series.reef -level ops -length 0", `-length "0": want positive numbers`},
		{"predict shapes.reef", "no INPUT given"},
		{"predict shapes.reef a.png -top -1", "-top -1: want 0 or more"},
		{"predict shapes.reef a.png -batch 0", "-batch 0: want a positive number"},
		{"predict shapes.reef a.png -format xml", `-format "xml": want one of: table, json, csv`},
		{"predict shapes.reef a.png -as gif", `-as "gif": want one of: image`},
		{"predict shapes.reef a.png -size 0", `-size "0": want a side`},
		{"predict shapes.reef a.png -scale x", `-scale "x": want a number`},
		{"predict shapes.reef a.png -scale 1/0", `-scale "1/0": want a number`},
		{"predict shapes.reef a.png -offset 1", "-offset without -scale"},
		{"predict shapes.reef a.png -pixels unit -scale 1", "-pixels and -scale contradict each other"},
		{"predict shapes.reef a.png -pixels vgg61", `-pixels "vgg61"`},
		{"predict shapes.reef a.png -column text", "has no preprocessor for texts"},
		{"explain shapes.reef", "no PICTURE given"},
		{"explain shapes.reef a.png -o a.gif", "want a name with .png, .svg or .html"},
		{"explain shapes.reef a.png -class disc", `-class "disc": want one of 3 names (round disk, square, cross), or a number from 0 to 2`},
		{"explain shapes.reef a.png -layer cnv", `(did you mean "conv"?)`},
		{"explain shapes.reef a.png -method occlusion -layer conv", "-layer: occlusion does not look at a layer"},
		{"explain shapes.reef a.png -method cam", `-method "cam": want one of`},
		{"convert shapes.reef", "no OUT given"},
		{"convert shapes.reef a.h5", "Keras's files are read, but not written"},
		{"convert shapes.reef a.bin", "the name does not say which format"},
		{"convert shapes.reef a.bin -to keras", `-to "keras": want one of`},
		{"convert shapes.reef a.npz -training", "only a Reef model can keep it"},
		{"convert shapes.reef a.reef -training", "shapes.reef has no training state"},
		{"diff shapes.reef", "no FILE given"},
		{"diff shapes.reef shapes.reef -tol -1", "-tol -1: want 0 or more"},
		{"bench shapes.reef -batch 1,x", `-batch "1,x": want positive numbers`},
		{"bench shapes.reef -threads -1", "-threads -1"},
		{"bench shapes.reef -time 0s", "-time 0s: want 1ms to 1h"},
		{"bench series.reef", "-length: got 0, want 1"},
		{"completion bsah", `(did you mean "bash"?)`},
	} {
		status, stdout, stderr := command(t, "", strings.Fields(c.args)...)
		if status != cli.Misused || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("model %s: status %d, stdout %q, stderr %q; want %q", c.args, status, stdout, stderr, c.want)
		}
	}
}

// TestFailures: errors name the file and what is wanted.
func TestFailures(t *testing.T) {
	folder(t)
	picture(t, "a.png", 16)
	write(t, "text.txt", "hello\n")
	write(t, "empty", "")
	write(t, "model/model.safetensors", "")
	write(t, "bad.csv", "area,age\n1,2\n3,x\n")
	write(t, "short.csv", "area\n1\n")
	write(t, "line.csv", "1,2,3\n")
	write(t, "broken.png", "\x89PNG\r\n\x1a\nrest")
	write(t, "ragged.json", "[[[1,2],[3]]]")
	if err := os.MkdirAll("none", 0o755); err != nil {
		t.Fatal(err)
	}
	done(t, "", "convert", "shapes.reef", "shapes.npz")
	done(t, "", "convert", "shapes.reef", "weights.safetensors", "-to", "safetensors")
	for _, c := range []struct{ stdin, args, want string }{
		{"", "summary nothing.reef", "nothing.reef: no such file"},
		{"", "summary text.txt", "text.txt is a text file, want a model file"},
		{"", "summary a.png", "a.png is a PNG image, want a model file"},
		{"", "summary empty", "empty is an empty file, want a model file"},
		{"", "summary model", "model is a folder (did you mean model/model.safetensors?)"},
		{"", "summary none", "none is a folder, want a model file"},
		{"", "graph shapes.npz", "shapes.npz holds weights without a model (npz weights): convert -into MODEL"},
		{"", "predict weights.safetensors a.png", "holds weights without a model"},
		{"", "graph plain.reef -level ops -training", "plain.reef was not saved with how it was compiled"},
		{"", "predict shapes.reef nothing.png", "nothing.png: no such file"},
		{"", "predict shapes.reef none", "none holds no pictures"},
		{"", "predict shapes.reef broken.png", "broken.png"},
		{"", "predict shapes.reef text.txt", "so it is unknown how texts become the numbers of input \"input\""},
		{"", "predict plain.reef a.png", "plain.reef was saved without a preprocessor for pictures, so it is unknown how pixels become the numbers of input \"input\" (batch, 8, 8, 1): say it by -pixels unit"},
		{"", "predict rooms.reef a.png", "without a preprocessor for pictures"},
		{"", "predict two.reef a.png", "two.reef has 2 inputs (left, right), and a picture can be only one of them"},
		{"", "predict rooms.reef bad.csv", `bad.csv: line 3: column "age": "x", want a number`},
		{"", "predict rooms.reef short.csv", `short.csv: line 1: no column "age"`},
		{"", "predict rooms.reef line.csv", "line.csv: 3 columns, want 2: area, age"},
		{"[1,2,3]", "predict rooms.reef -", "standard input: sample 0: 3 numbers, want 2: area, age"},
		{`{"area":1}`, "predict rooms.reef -", `no column "age", has area`},
		{`{"area":1,"age":"old"}`, "predict rooms.reef -", `column "age": "\"old\"", want a number`},
		{`{"left":[1,2]}`, "predict two.reef -", `no input "right", has left`},
		{`{"left":[1,2],"right":[1,2,3],"top":1}`, "predict two.reef -", `input "top" is none of the model's, which are left, right`},
		{`{"left":[[1,2]],"right":[1,2,3]}`, "predict two.reef -", `inputs "left" and "right" have different numbers of samples`},
		{`[[1,2`, "predict rooms.reef -", "unexpected EOF"},
		{`[[1,2],`, "predict rooms.reef -", "standard input: unexpected EOF"},
		{`[1,1e99]`, "predict rooms.reef -", "1e+99 does not fit 32 bits"},
		{`[1,null]`, "predict rooms.reef -", "want a number"},
		{`[]`, "predict rooms.reef -", "no numbers"},
		{``, "predict rooms.reef -", "standard input is empty"},
		{``, "predict rooms.reef - -as json", "standard input is empty"},
		{"\x00\x01\x02", "predict rooms.reef -", "what it holds is unknown; say it by -as: image, csv"},
		{"", "predict series.reef ragged.json", "lists of 2 and of 1 elements at the same level"},
		{`[1,[2]]`, "predict rooms.reef -", "a list beside a number"},
		{`[[1],2]`, "predict plain.reef -", "a number beside a list"},
		{`[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]`, "predict series.reef -", "lists nested more than 16 deep"},
		{"", "explain rooms.reef a.png", "without a preprocessor for pictures"},
		{"", "explain plain.reef nothing.png -pixels unit", "nothing.png: no such file"},
		{"", "explain shapes.reef a.png -o none/x/a.png", "write none/x/a.png"},
		{"", "convert weights.safetensors new.npz -into rooms.reef", `weights.safetensors does not fit: tensor "batch_normalization/beta"`},
		{"", "convert shapes.npz new.reef -into rooms.reef", `shapes.npz: no array "dense/kernel", which the model wants`},
	} {
		status, _, stderr := command(t, c.stdin, strings.Fields(c.args)...)
		if status != cli.Failed || !strings.Contains(stderr, c.want) {
			t.Errorf("model %s: status %d, stderr %q; want %q", c.args, status, stderr, c.want)
		}
	}
	for _, args := range []string{"diff shapes.reef nothing.reef", "diff text.txt shapes.reef"} {
		if status, _, stderr := command(t, "", strings.Fields(args)...); status != 2 || stderr == "" {
			t.Errorf("model %s: status %d, stderr %q; want 2, as of diff", args, status, stderr)
		}
	}
	for _, name := range []string{"new.npz", "new.reef"} {
		if exists(name) {
			t.Errorf("%s was written by a command that failed", name)
		}
	}
}

// TestInterruption: a canceled command has the exit status of an interruption.
func TestInterruption(t *testing.T) {
	folder(t)
	picture(t, "a.png", 16)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range []string{"predict shapes.reef a.png", "diff shapes.reef plain.reef", "bench shapes.reef", "convert shapes.reef b.npz", "summary shapes.reef -weights", "explain shapes.reef a.png"} {
		var out, errs bytes.Buffer
		if status := run(ctx, strings.Fields(args), streams{strings.NewReader(""), &out, &errs}); status != cli.Interrupted {
			t.Errorf("model %s: status %d, stderr %q; want %d", args, status, errs.String(), cli.Interrupted)
		}
	}
	if exists("b.npz") {
		t.Error("an interrupted convert has written a file")
	}
}

// TestSummary compares summaries with golden files.
func TestSummary(t *testing.T) {
	folder(t)
	for _, name := range []string{"shapes", "two", "films"} {
		golden(t, "summary_"+name+".txt", done(t, "", "summary", name+".reef", "-weights"))
	}
	golden(t, "summary_shapes.json", done(t, "", "summary", "shapes.reef", "-json"))
	done(t, "", "convert", "two.reef", "two.npz")
	golden(t, "summary_npz.txt", done(t, "", "summary", "two.npz"))

	// Weights that are not finite are counted, which Save would refuse to write.
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	err := safetensors.WriteFile("bad.safetensors", []safetensors.Tensor{{Name: "kernel", Shape: []int{5}, Data: []float32{1, nan, 3, inf, inf}}, {Name: "none", Shape: []int{1}, Data: []float32{nan}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "summary_bad.txt", done(t, "", "summary", "bad.safetensors"))
	var info fileInfo
	if err := json.Unmarshal([]byte(done(t, "", "summary", "bad.safetensors", "-json")), &info); err != nil {
		t.Fatal(err)
	}
	if w := info.Weights[0]; w.NaN != 1 || w.Inf != 2 || w.Mean != 2 || w.Std != 1 {
		t.Errorf("%+v, want 1 NaN, 2 Inf and mean 2 of the rest, standard deviation 1", w)
	}
}

// TestKerasFiles: each model that Keras wrote is shown and drawn, and converted with equal weights
// and predictions.
func TestKerasFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	files, err := filepath.Glob(filepath.Join(kerasFiles, "models", "*"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for i, file := range files {
		if ext := filepath.Ext(file); ext != ".h5" && ext != ".keras" {
			continue
		}
		if testing.Short() && i%5 > 0 {
			continue
		}
		weightsOnly := strings.HasSuffix(file, ".weights.h5")
		if _, _, err := kerasfile.Load(file); err != nil && !weightsOnly { // a model that Reef has no layers for
			if status, _, stderr := command(t, "", "summary", file); status != cli.Failed || !strings.Contains(stderr, err.Error()) {
				t.Errorf("%s: status %d, stderr %q", file, status, stderr)
			}
			continue
		}
		out := done(t, "", "summary", file)
		if weightsOnly {
			wantText(t, file, out, "Keras", "weights", "array", "numbers")
			done(t, "", "convert", file, "weights.npz")
			if status, out, _ := command(t, "", "diff", file, "weights.npz"); status != 0 {
				t.Errorf("%s differs from what was written: %s", file, out)
			}
			continue
		}
		wantText(t, file, out, "Keras", "Parameters:")
		done(t, "", "graph", file, "-o", "graph.svg")
		done(t, "", "convert", file, "model.reef")
		if status, out, _ := command(t, "", "diff", file, "model.reef"); status != 0 {
			t.Errorf("%s differs from what was written: %s", file, out)
		}
	}
	// Weights of one file in the model of another one.
	file := filepath.Join(kerasFiles, "models", "270")
	out := done(t, "", "convert", file+".weights.h5", "into.reef", "-into", file+".keras")
	wantText(t, "convert -into", out, "predictions for random input equal")
	if status, out, _ := command(t, "", "diff", file+".keras", "into.reef"); status != 0 {
		t.Errorf("-into: %s", out)
	}
}

// TestGraph compares drawings with golden files, and finds the parts of the others.
func TestGraph(t *testing.T) {
	folder(t)
	golden(t, "layers.dot", done(t, "", "graph", "two.reef"))
	golden(t, "ops.dot", done(t, "", "graph", "rooms.reef", "-level", "ops"))
	svg := done(t, "", "graph", "two.reef", "-format", "svg")
	wantText(t, "svg", svg, "<svg", ">left<", ">Concatenate<", "</svg>")
	wantText(t, "ops", done(t, "", "graph", "series.reef", "-format", "svg", "-level", "ops", "-length", "3", "-batch", "2"), ">next<", "(2, 3, 1)")
	if done(t, "", "graph", "two.reef", "-o", "two.svg") != "" {
		t.Error("-o prints something")
	}
	if b, err := os.ReadFile("two.svg"); err != nil || string(b) != svg {
		t.Errorf("two.svg is not what is printed: %v", err)
	}
	training := done(t, "", "graph", "shapes.reef", "-format", "svg", "-level", "ops", "-training", "-batch", "4", "-dark")
	prediction := done(t, "", "graph", "shapes.reef", "-format", "svg", "-level", "ops")
	if wantText(t, "training", training, "_grad<"); strings.Contains(prediction, "_grad<") || len(training) < len(prediction) {
		t.Error("the ops of prediction have gradients, those of training do not")
	}
}

// TestPredict compares predictions of each kind of input in each format.
func TestPredict(t *testing.T) {
	folder(t)
	picture(t, "one.png", 16)
	picture(t, "photos/b.png", 24)
	picture(t, "photos/more/a.png", 8)
	write(t, "photos/notes.txt", "no picture")
	write(t, "rooms.csv", "age,area,color\n50,100,red\n55,120,blue\n")
	write(t, "rooms-plain.csv", "100,50\n120,55\n")
	write(t, "films.txt", "a good film\n\na bad story\n")
	write(t, "films.csv", "id,text\n1,a good film\n2,a bad story\n")
	write(t, "series.json", "[[1,2],[3,4],[5,6]] [[[1,1]],[[2,2],[3,3]]]")
	if err := writeNPZ("two.npz", npz.Named{Name: "left", Shape: []int{2, 2}, Data: []float32{1, 2, 3, 4}}, npz.Named{Name: "right", Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := npz.WriteArray(&b, []int{2, 2}, []float32{0, 0, 2, 1}); err != nil {
		t.Fatal(err)
	}
	write(t, "rooms.npy", b.String())
	var all strings.Builder
	show := func(stdin, args string) string {
		out := done(t, stdin, strings.Fields("predict "+args)...)
		fmt.Fprintf(&all, "$ model predict %s\n%s\n", args, out)
		return out
	}
	show("", "shapes.reef one.png photos")
	show("", "shapes.reef one.png -format json -top 0")
	show("", "shapes.reef one.png -format csv -top 1")
	show("", "plain.reef one.png -scale 1/255")
	show("", "rooms.reef rooms.csv -format json")
	show("", "rooms.reef rooms.csv -format csv")
	show("", "films.reef films.txt -format json")
	show("", "films.reef films.txt films.csv -column text")
	show("", "series.reef series.json")
	show("", "series.reef series.json -format json")
	show("", "two.reef two.npz")
	show("", "two.reef two.npz -format json")
	show("", "two.reef two.npz -format csv")
	golden(t, "predict.txt", all.String())

	// The same numbers, whatever they come in.
	same := func(want string, stdin, args string) {
		t.Helper()
		numbers := func(s string) (list []string) {
			for line := range strings.Lines(s) {
				_, rest, _ := strings.Cut(line, `",`)
				list = append(list, rest)
			}
			return list
		}
		if got := done(t, stdin, strings.Fields("predict "+args+" -format json")...); !slices.Equal(numbers(got), numbers(want)) {
			t.Errorf("predict %s: %s, want %s", args, got, want)
		}
	}
	want := show("", "rooms.reef rooms.csv -format json")
	same(want, "", "rooms.reef rooms-plain.csv")
	same(want, "area;age\n100;50\n120;55\n", "rooms.reef -")
	same(want, "[[100,50],[120,55]]", "rooms.reef -")
	same(want, "[100,50]\n[120,55]\n", "rooms.reef -")
	same(want, `{"area":100,"age":50} {"age":55,"area":120,"color":"blue"}`, "rooms.reef -")
	same(want, `[{"area":100,"age":50},{"age":55,"area":120}]`, "rooms.reef -")
	same(want, `{"input":[[100,50],[120,55]]}`, "rooms.reef -")
	same(want, "", "rooms.reef rooms.npy")
	same(want, "[[0,0],[2,1]]", "rooms.reef - -raw")
	same(want, "[[100,50],[120,55]]", "rooms.reef - -batch 1")
	want = show("", "films.reef films.txt -format json")
	same(want, "a good film\na bad story", "films.reef -")
	same(want, `["a good film","a bad story"]`, "films.reef -")
	same(want, `"a good film" "a bad story"`, "films.reef - -as json")
	want = show("", "two.reef two.npz -format json")
	same(want, `{"left":[1,2],"right":[1,2,3]}{"left":[3,4],"right":[4,5,6]}`, "two.reef -")
	same(want, `{"left":[[1,2],[3,4]],"right":[[1,2,3],[4,5,6]]}`, "two.reef -")
	bytesOf, err := os.ReadFile("one.png")
	if err != nil {
		t.Fatal(err)
	}
	same(show("", "shapes.reef one.png -format json"), string(bytesOf), "shapes.reef -")

	// Gray pictures: by what is saved with the model, and by a flag.
	m, err := plain()
	if err == nil {
		err = errors.Join(steady(m), m.SetPreprocessor(0, datasets.ImageOptions{Height: 8, Width: 8, Filter: datasets.Bilinear, Gray: true}), m.Save("gray.reef"))
	}
	if err != nil {
		t.Fatal(err)
	}
	same(done(t, "", "predict", "gray.reef", "one.png", "-format", "json"), "", "plain.reef one.png -pixels unit")

	// What came before an error is not lost.
	status, stdout, stderr := command(t, "[1,2] [3,4] [5]", "predict", "rooms.reef", "-", "-format", "json")
	if status != cli.Failed || strings.Count(stdout, "\n") != 2 || !strings.Contains(stderr, "sample 2: 1 number, want 2") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func writeNPZ(path string, arrays ...npz.Named) error {
	var b bytes.Buffer
	return errors.Join(npz.Write(&b, arrays), os.WriteFile(path, b.Bytes(), 0o644))
}

// TestPredictEqualsModel compares the command with Predict.
func TestPredictEqualsModel(t *testing.T) {
	folder(t)
	m, err := k.Load("rooms.reef")
	if err != nil {
		t.Fatal(err)
	}
	x, err := k.Rows([][]float32{{0, 0}, {2, 1}})
	if err != nil {
		t.Fatal(err)
	}
	y, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(done(t, "[[100,50],[120,55]]", "predict", "rooms.reef", "-", "-format", "json")))
	for i, want := range y.Values() {
		var got struct{ Output []float32 }
		if err := d.Decode(&got); err != nil || len(got.Output) != 1 || got.Output[0] != want {
			t.Errorf("sample %d: %v, %v; want %v", i, got.Output, err, want)
		}
	}
}

// TestExplain writes explanations in each format and for each method.
func TestExplain(t *testing.T) {
	folder(t)
	picture(t, "one.png", 64)
	golden(t, "explain.txt", done(t, "", "explain", "shapes.reef", "one.png")+
		done(t, "", "explain", "shapes.reef", "one.png", "-class", "ROUND_DISK", "-o", "a.html")+
		done(t, "", "explain", "shapes.reef", "one.png", "-class", "1", "-layer", "max_pooling2d", "-method", "gradcam++", "-o", "a.svg")+
		done(t, "", "explain", "plain.reef", "one.png", "-pixels", "unit", "-method", "occlusion", "-o", "b.png")+
		done(t, "", "explain", "plain.reef", "one.png", "-pixels", "unit", "-method", "integrated", "-o", "c.png"))
	for name, begin := range map[string]string{"explained.png": "\x89PNG", "a.html": "<!doctype html>", "a.svg": "<svg", "b.png": "\x89PNG", "c.png": "\x89PNG"} {
		b, err := os.ReadFile(name)
		if err != nil || !strings.HasPrefix(strings.ToLower(string(b)), strings.ToLower(begin)) {
			t.Errorf("%s begins with %.20q, %v; want %q", name, b, err, begin)
		}
	}
}

// TestConvert goes through every format and back.
func TestConvert(t *testing.T) {
	folder(t)
	golden(t, "convert.txt", done(t, "", "convert", "shapes.reef", "copy.safetensors")+
		done(t, "", "convert", "shapes.reef", "shapes.npz")+
		done(t, "", "convert", "shapes.reef", "shapes.weights", "-to", "safetensors")+
		done(t, "", "convert", "shapes.npz", "back.safetensors", "-to", "safetensors")+
		done(t, "", "convert", "shapes.npz", "from-npz.reef", "-into", "shapes.reef")+
		done(t, "", "convert", "series.reef", "series2.reef", "-length", "5"))
	for _, pair := range [][2]string{{"shapes.reef", "copy.safetensors"}, {"shapes.reef", "from-npz.reef"}, {"shapes.reef", "shapes.npz"}, {"shapes.npz", "back.safetensors"}, {"shapes.weights", "shapes.npz"}} {
		if status, out, stderr := command(t, "", "diff", pair[0], pair[1]); status != 0 {
			t.Errorf("%s and %s: status %d: %s%s", pair[0], pair[1], status, out, stderr)
		}
	}
	a, err := os.ReadFile("shapes.reef")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("copy.safetensors")
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("a copy has other bytes: %v", err)
	}
	if status, _, stderr := command(t, "", "convert", "shapes.npz", "x.reef"); status != cli.Misused || !strings.Contains(stderr, "-into MODEL says which") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

// TestConvertChecks: a file that reads back differently does not replace the target.
func TestConvertChecks(t *testing.T) {
	folder(t)
	file, err := open("shapes.reef", true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file.weights {
		calls, read := 0, file.weights[i].read
		file.weights[i].read = func() ([]float32, error) { // the second time another value
			values, err := read()
			if calls++; calls > 1 {
				values[0]++
			}
			return values, err
		}
	}
	write(t, "old.npz", "old")
	if _, err = (conversion{to: "npz"}).write(t.Context(), file, "old.npz"); err == nil || !strings.Contains(err.Error(), "differs from shapes.reef") {
		t.Errorf("error %v", err)
	}
	if b, err := os.ReadFile("old.npz"); err != nil || string(b) != "old" {
		t.Errorf("old.npz holds %q, %v", b, err)
	}
	if left, err := filepath.Glob(".old*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestConvertTraining keeps the state of a training.
func TestConvertTraining(t *testing.T) {
	t.Chdir(t.TempDir())
	m, err := rooms()
	if err != nil {
		t.Fatal(err)
	}
	x, _ := k.Rows([][]float32{{1, 2}, {3, 4}})
	y, _ := k.Column([]float32{1, 2})
	data, err := k.Data(x, y)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Compile(k.RMSprop(0.01), k.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Fit(t.Context(), data, k.Epochs(3)); err != nil {
		t.Fatal(err)
	}
	if err := m.Save("a.reef", k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	wantText(t, "summary", done(t, "", "summary", "a.reef"), "Training state: 3 epochs, 3 updates, learning rate 0.01")
	done(t, "", "convert", "a.reef", "b.reef", "-training")
	done(t, "", "convert", "a.reef", "c.reef")
	a, err := os.ReadFile("a.reef")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("b.reef")
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("b.reef has other bytes than a.reef: %v", err)
	}
	if c, err := k.Load("c.reef"); err != nil || c.Progress().Epochs != 0 {
		t.Errorf("c.reef: %v, %v; want no training state", c.Progress(), err)
	}
}

// TestDiff compares models that differ in one way each.
func TestDiff(t *testing.T) {
	folder(t)
	wide := k.Sequential("rooms", k.Input(2), k.Dense(4, k.Sigmoid), k.Dropout(0.5), k.Dense(1, k.Name("price")))
	if err := errors.Join(wide.Build(1), steady(wide), wide.SetMetadata("version", 2), wide.Save("wide.reef")); err != nil {
		t.Fatal(err)
	}
	m, err := k.Load("rooms.reef")
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Weight("price/bias")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Set([]float32{w.Values()[0] + 0.25}), m.Save("moved.reef")); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, c := range []struct {
		args   string
		status int
	}{
		{"rooms.reef rooms.reef", 0},
		{"rooms.reef moved.reef", 1},
		{"rooms.reef moved.reef -all", 1},
		{"rooms.reef moved.reef -tol 0.5", 0},
		{"rooms.reef wide.reef", 1},
		{"rooms.reef moved.reef -json", 1},
	} {
		status, out, stderr := command(t, "", strings.Fields("diff "+c.args)...)
		if status != c.status || stderr != "" {
			t.Errorf("diff %s: status %d, stderr %q; want %d", c.args, status, stderr, c.status)
		}
		fmt.Fprintf(&all, "$ model diff %s\n%s\n", c.args, out)
	}
	golden(t, "diff.txt", all.String())
}

// TestCompareWeights checks the measures against values computed by hand.
func TestCompareWeights(t *testing.T) {
	of := func(values ...float32) weight {
		return weight{"w", []int{len(values)}, "", func() ([]float32, error) { return values, nil }}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		a, b                  weight
		tol                   float64
		equal                 bool
		most, relative, cosin float64
	}{
		{of(3, 4), of(3, 4), 0, true, 0, 0, 1},
		{of(3, 4), of(4, 3), 0, false, 1, math.Sqrt2 / 5, 24.0 / 25},
		{of(3, 4), of(-3, -4), 0, false, 8, 2, -1},
		{of(1, 0), of(0, 1), 2, true, 1, math.Sqrt2, 0},
		{of(nan, inf, 1), of(nan, inf, 1), 0, true, 0, 0, 1},
		{of(0), of(0), 0, true, 0, 0, 1},
	} {
		d, err := compareWeights(c.a, c.b, c.tol)
		if err != nil || d.Equal != c.equal || math.Abs(float64(d.Max)-c.most) > 1e-9 || math.Abs(float64(d.Relative)-c.relative) > 1e-9 || math.Abs(float64(d.Cosine)-c.cosin) > 1e-9 {
			t.Errorf("%+v, %v; want %+v", d, err, c)
		}
	}
	if d, err := compareWeights(of(1, nan), of(1, 2), 0); err != nil || d.Equal {
		t.Errorf("NaN and 2 are equal: %+v, %v", d, err)
	}
}

// TestBench measures something of the right kind.
func TestBench(t *testing.T) {
	folder(t)
	out := done(t, "", "bench", "films.reef", "-length", "5", "-time", "5ms", "-batch", "1,4")
	wantText(t, "table", out, "Batch   p50 (ms)   p99 (ms)   Samples/s   First (ms)   Calls", "\n1  ", "\n4  ")
	var b benchmark
	if err := json.Unmarshal([]byte(done(t, "", "bench", "shapes.reef", "-time", "5ms", "-batch", "2", "-json", "-threads", "1")), &b); err != nil {
		t.Fatal(err)
	}
	if r := b.Rows[0]; b.Threads != 1 || r.Batch != 2 || r.Calls < fewCalls || !(r.P50 > 0 && r.P99 >= r.P50 && r.Throughput > 0 && r.Heap > 0) {
		t.Errorf("%+v", b)
	}
	if runtime.GOOS == "linux" && b.Rows[0].PeakRSS < 1<<20 {
		t.Errorf("peak RSS %d", b.Rows[0].PeakRSS)
	}
}

// TestCompletion: scripts know every command and flag, and bash completes with them.
func TestCompletion(t *testing.T) {
	for _, shell := range cli.Shells {
		script := done(t, "", "completion", shell)
		for _, c := range program().Commands {
			wantText(t, shell, script, c.Name)
			if c.Flags != nil {
				c.Flags.VisitAll(func(f *flag.Flag) {
					if !strings.Contains(script, "-"+f.Name) && !strings.Contains(script, "-o "+f.Name+" ") {
						t.Errorf("%s: no flag -%s", shell, f.Name)
					}
				})
			}
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	t.Chdir(t.TempDir())
	write(t, "model.reef", "")
	script := done(t, "", "completion", "bash")
	for line, want := range map[string][]string{
		"su":                          {"summary"},
		"summary mo":                  {"model.reef"},
		"summary model.reef -w":       {"-weights"},
		"graph model.reef -level ":    {"layers", "memory", "ops"},
		"predict model.reef -format ": {"csv", "dot", "json", "svg", "table"},
		"explain m -method occ":       {"occlusion"},
		"convert model.reef -to n":    {"npz"},
		"bench model.reef -batch ":    nil,
		"completion f":                {"fish"},
	} {
		quoted := "'" + strings.Join(strings.Split("model "+line, " "), "' '") + "'"
		test := script + "\nCOMP_WORDS=(" + quoted + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _model; printf '%s\\n' \"${COMPREPLY[@]}\""
		out, err := exec.Command(bash, "--norc", "-c", test).CombinedOutput()
		got := strings.Fields(string(out))
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is completed by %q, want %q (%v)", line, got, want, err)
		}
	}
}

// TestClosedPipe: a reader that has seen enough is no error.
func TestClosedPipe(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("starts processes")
	}
	folder(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	if status := run(t.Context(), []string{"summary", "shapes.reef"}, streams{nil, w, &errs}); status != 0 || errs.Len() > 0 {
		t.Errorf("status %d, stderr %q", status, errs.String())
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full")
	}
	if status := run(t.Context(), []string{"summary", "shapes.reef"}, streams{nil, full, &errs}); status != cli.Failed || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("status %d, stderr %q", status, errs.String())
	}
}
