// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/recipes"
)

// The tests of this file run the command in this process, in an empty folder,
// with no data on the machine but the embedded samples.

// command runs the command as a shell would.
func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(args, &out, &err)
	return status, out.String(), err.String()
}

// emptyFolder changes to an empty folder, with no data on the machine.
func emptyFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("REEF_DATA", "")
	t.Setenv("REEF_CACHE", filepath.Join(t.TempDir(), "cache"))
	return dir
}

// wantFiles compares the files below dir, hidden ones included.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func wantText(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, text)
		}
	}
}

func TestList(t *testing.T) {
	status, stdout, stderr := command(t, "-list")
	if status != 0 || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	wantText(t, "stdout", stdout, "recipe       sample   full  what it teaches\n", "mnist ", "\n                            variants: overfit, plain, l2, dropout\n", "on two cores")
	for line := range strings.Lines(stdout) {
		if n := utf8.RuneCountInString(line); n > 81 {
			t.Errorf("%d characters in a line: %s", n, line)
		}
	}
}

// TestDescribe explains every recipe, in lines that fit, without training anything.
func TestDescribe(t *testing.T) {
	dir := emptyFolder(t)
	for _, r := range recipes.All() {
		status, stdout, stderr := command(t, "-describe", r.Name)
		if status != 0 || stderr != "" {
			t.Errorf("%s: status %d, stderr %q", r.Name, status, stderr)
		}
		wantText(t, r.Name, stdout, r.Name+": "+r.Title+"\n", "Data. ", "Model", "  input  (", "Training. ", "Expect. ", "Try next:\n  * ")
		for line := range strings.Lines(stdout) {
			if n := utf8.RuneCountInString(line); n > 81 {
				t.Errorf("%s: %d characters in a line: %s", r.Name, n, line)
			}
		}
	}
	_, stdout, _ := command(t, "-describe", "mnistcnn")
	wantText(t, "mnistcnn", stdout, "  conv2d (Conv2D)  (28, 28, 1) -> (26, 26, 32)  320 parameters\n      32 filters")
	_, all, _ := command(t, "-describe", "imdb")
	_, one, _ := command(t, "-describe", "imdb", "-variant", "dropout")
	wantText(t, "imdb", all, "Model of plain\n--------------\n", "The layers are those of overfit.")
	wantText(t, "one variant", one, "Model of dropout\n", "  dropout (Dropout)  (16)\n")
	if strings.Contains(one, "Model of plain") {
		t.Errorf("-variant dropout explains others: %s", one)
	}
	wantFiles(t, dir)
}

func TestHelp(t *testing.T) {
	status, stdout, stderr := command(t, "-help")
	if status != 0 || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	for line := range strings.SplitSeq(stdout, "\n") {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	wantText(t, "stdout", stdout, "Usage:\n  recipe -list ", "  recipe -name RECIPE [flags] ", "  recipe compare RUN RUN... ", "-data source", "-json file", "-out folder", "-epochs", "\nExit status:\n  0    done\n", "\n  1  ", "\n  2  ", "\n  130  ")
}

func TestWrongCommandLine(t *testing.T) {
	dir := emptyFolder(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no -name given, as in -name mnist; -list shows the recipes, -help all flags", nil},
		{`unknown recipe "pigeons", want one of: mnist`, []string{"-name", "pigeons"}},
		{`unknown recipe "", want one of: mnist`, []string{"-name", ""}},
		{"-epochs 0: want a positive number", []string{"-name", "mnist", "-epochs", "0"}},
		{`-epochs "many": want a whole number; -help shows all flags`, []string{"-name", "mnist", "-epochs", "many"}},
		{"-batch -5: want a positive number", []string{"-name", "mnist", "-batch", "-5"}},
		{`-seed "-1": want a whole number of at least 0`, []string{"-name", "mnist", "-seed", "-1"}},
		{`-data "": want sample, full or a folder`, []string{"-name", "mnist", "-data", ""}},
		{"flag provided but not defined: -layers; -help shows all flags", []string{"-name", "mnist", "-layers", "3"}},
		{`-variant "l3": want one of: overfit, plain, l2, dropout`, []string{"-name", "imdb", "-variant", "l3"}},
		{`-variant "": want one of: holdout`, []string{"-name", "boston", "-variant", ""}},
		{`-variant "wide": mnistcnn has no variants`, []string{"-name", "mnistcnn", "-variant", "wide"}},
		{`unexpected argument "mnist": did you mean -name mnist? -help shows all flags`, []string{"mnist"}},
		{`unexpected argument "minst": did you mean -name mnist?`, []string{"minst"}},
		{`unexpected argument "name=mnist": did you mean -name mnist?`, []string{"name=mnist"}},
		{`unexpected argument "l2": did you mean -variant l2?`, []string{"-name", "imdb", "l2"}},
		{`unexpected argument "sample": did you mean -data sample?`, []string{"-name", "imdb", "sample"}},
		{`unexpected argument "help": did you mean -help?`, []string{"help"}},
		{`unexpected argument "epochs": did you mean -epochs VALUE?`, []string{"-name", "imdb", "epochs", "3"}},
		{`unexpected argument "7": arguments are flags, as in -name mnist; -help shows them all`, []string{"-name", "imdb", "7"}},
		{`unexpected argument "mnist"`, []string{"-name", "mnist", "mnist"}},
		{`not defined: -varient (did you mean -variant?); -help shows all flags`, []string{"-name", "imdb", "-varient", "l2"}},
		{`unknown recipe "minst", want one of: mnist, boston`, []string{"-name", "minst"}},
		{`conv1d (did you mean "mnist"?)`, []string{"-name", "minst"}},
		{`dropout (did you mean "plain"?)`, []string{"-name", "imdb", "-variant", "plian"}},
		{`-base "squeeznet": want one of: squeezenet, vgg16 (did you mean "squeezenet"?)`, []string{"-name", "catsdogs", "-base", "squeeznet"}},
		{`-base "": want one of: squeezenet, vgg16`, []string{"-name", "catsdogs", "-base", ""}},
		{`-out "": want a name`, []string{"-name", "mnist", "-out", ""}},
		{`(did you mean "mnist"?)`, []string{"-fetch", "mnits"}},
		{"flag needs an argument: -name", []string{"-name"}},
		{`unexpected argument "all"`, []string{"-list", "all"}},
		{`-describe: unknown recipe "minst", want one of: mnist, boston`, []string{"-describe", "minst"}},
		{`-variant "l3": want one of: overfit`, []string{"-describe", "imdb", "-variant", "l3"}},
		{`unexpected argument "compar": did you mean recipe compare?`, []string{"compar", "a", "b"}},
		{`unexpected argument "describe": did you mean -describe RECIPE?`, []string{"describe", "mnist"}},
		{"-resume: runs/mnist holds no interrupted run", []string{"-name", "mnist", "-resume"}},
		{"-resume: no -out given, the folder of the interrupted run; -help shows all flags", []string{"-resume"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			status, stdout, stderr := command(t, c.args...)
			if status != cli.Misused || stdout != "" {
				t.Errorf("status %d, want %d; stdout %q", status, cli.Misused, stdout)
			}
			wantText(t, "stderr", stderr, "recipe: ", c.want)
			if n := strings.Count(stderr, "\n"); n != 1 {
				t.Errorf("%d lines, want one:\n%s", n, stderr)
			}
		})
	}
	wantFiles(t, dir)
}

var modelFiles = []string{"curves.png", "curves.svg", "graph-ops.dot", "graph.dot", "graph.svg", "history.csv", "model.safetensors", "report.html", "result.json"}

// mnistFiles are those of the digits, which are drawn as well.
var mnistFiles = append([]string{"confusion.png", "confusion.svg", "mistakes.png", "mistakes.svg", "samples.png", "samples.svg"}, modelFiles...)

// TestRun trains one epoch on the sample: the figures on the terminal, plain
// lines on stderr, all files and no others, and a model that Load takes.
func TestRun(t *testing.T) {
	dir := emptyFolder(t)
	status, stdout, stderr := command(t, "-name", "mnist", "-epochs", "1", "-dot", "drawings/layers.dot")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	wantText(t, "stdout", stdout, "Data: mnist: embedded sample (2,000", "Model: \"mnist\"", "Parameters: 407,050", "metric   article     here",
		"test_accuracy    0.9805", "1 of 1 epoch of 2,000 samples", "seed 1", "This run used the sample", "\nFiles:\n  "+filepath.Join("runs", "mnist", "model.safetensors"))
	if !strings.HasPrefix(stderr, "epoch 1/1  loss ") || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "\r") {
		t.Errorf("stderr is not a terminal: want one plain line, got %q", stderr)
	}
	wantFiles(t, filepath.Join(dir, "runs", "mnist"), mnistFiles...)
	wantFiles(t, filepath.Join(dir, "drawings"), "layers.dot")
	m, err := keraslike.Load(filepath.Join("runs", "mnist", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if all, _ := m.Parameters(); all != 407_050 {
		t.Errorf("the saved model has %d parameters", all)
	}
	csv, err := os.ReadFile(filepath.Join("runs", "mnist", "history.csv"))
	if err != nil || !strings.HasPrefix(string(csv), "epoch,loss,accuracy\n1,") {
		t.Errorf("history.csv is %q (%v)", csv, err)
	}
}

// TestJSON prints only the report, with exactly the agreed fields.
func TestJSON(t *testing.T) {
	dir := emptyFolder(t)
	status, stdout, stderr := command(t, "-name", "mnist", "-epochs", "1", "-batch", "100", "-seed", "9", "-data", "sample", "-out", "o", "-json", "-")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	wantText(t, "stderr", stderr, "Model: ", "metric", "Files:")
	d := json.NewDecoder(strings.NewReader(stdout))
	var report map[string]any
	if err := d.Decode(&report); err != nil {
		t.Fatalf("%v:\n%s", err, stdout)
	}
	if d.More() {
		t.Errorf("more than one value on stdout:\n%s", stdout)
	}
	want := []string{"article", "batch", "data", "epochs", "history", "metrics", "parameters", "pictures", "recipe", "samples_per_second", "seconds", "seed", "test_samples", "train_samples"}
	if got := slices.Sorted(maps.Keys(report)); !slices.Equal(got, want) {
		t.Errorf("fields %q, want %q", got, want)
	}
	for name, value := range map[string]any{"recipe": "mnist", "data": "sample", "seed": 9., "epochs": 1., "batch": 100., "parameters": 407050., "train_samples": 2000., "test_samples": 500.} {
		if report[name] != value {
			t.Errorf("%s is %v, want %v", name, report[name], value)
		}
	}
	figures, _ := report["metrics"].(map[string]any)
	if got := slices.Sorted(maps.Keys(figures)); !slices.Equal(got, []string{"accuracy", "loss", "test_accuracy", "test_loss"}) {
		t.Errorf("metrics %q", got)
	}
	if v, _ := figures["test_accuracy"].(float64); v < 0.5 || v > 1 {
		t.Errorf("test_accuracy is %v", figures["test_accuracy"])
	}
	if article, _ := report["article"].(map[string]any); article["test_accuracy"] != 0.9805 {
		t.Errorf("article is %v", article)
	}
	saved, err := os.ReadFile(filepath.Join(dir, "o", "result.json"))
	if err != nil || string(saved) != stdout {
		t.Errorf("result.json differs from what was printed (%v)", err)
	}
}

// TestQuiet shows results and no progress; the same seed gives the same model.
func TestQuiet(t *testing.T) {
	emptyFolder(t)
	var models [][]byte
	for _, out := range []string{"a", "b"} {
		status, stdout, stderr := command(t, "-name", "mnist", "-epochs", "1", "-q", "-out", out, "-json", filepath.Join(out, "report.json"))
		if status != 0 || stderr != "" {
			t.Errorf("status %d, stderr %q", status, stderr)
		}
		wantText(t, "stdout", stdout, "test_accuracy", "Files:")
		wantFiles(t, out, append([]string{"report.json"}, mnistFiles...)...)
		m, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	if !bytes.Equal(models[0], models[1]) {
		t.Error("two runs with the same seed give different models")
	}
}

// TestOutputFolderIsAFile: the error comes before training.
func TestOutputFolderIsAFile(t *testing.T) {
	dir := emptyFolder(t)
	if err := os.WriteFile("file", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-out", "file"}, {"-out", "o", "-dot", "file/x.dot"}, {"-out", "o", "-json", "file/x.json"}, {"-out", "file", "-json", "."}} {
		status, stdout, stderr := command(t, append([]string{"-name", "mnist"}, args...)...)
		if status != cli.Failed || stdout != "" {
			t.Errorf("%v: status %d, want %d; stdout %q: nothing must be trained", args, status, cli.Failed, stdout)
		}
		wantText(t, "stderr", stderr, "recipe: output f", "file")
	}
	wantFiles(t, dir, "file")
	if b, _ := os.ReadFile("file"); string(b) != "mine" {
		t.Errorf("the file now holds %q", b)
	}
}

// TestVariants runs all variants of a recipe, which prints one table and writes a folder for
// each variant.
func TestVariants(t *testing.T) {
	dir := emptyFolder(t)
	status, stdout, stderr := command(t, "-name", "imdb", "-epochs", "2", "-batch", "100")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	wantText(t, "stdout", stdout, "variant              metric   article     here\n", "overfit   best_val_accuracy    0.8890   0.", "plain       test_accuracy    0.8821   0.", "l2       test_accuracy    0.8828   0.",
		"dropout       test_accuracy    0.8844   0.", "4 variants, ", "\n  "+filepath.Join("runs", "imdb", "plain")+string(filepath.Separator)+" (9 files)\n")
	wantText(t, "stderr", stderr, "the final model, trained from scratch on all 800 samples:\nepoch 1/2  loss ")
	want := []string{"overfitting.png", "overfitting.svg", "report.html", "result.json"}
	for _, v := range []string{"dropout", "l2", "overfit", "plain"} {
		for _, f := range modelFiles {
			want = append(want, v+"/"+f)
		}
	}
	wantFiles(t, filepath.Join(dir, "runs", "imdb"), want...)
	status, stdout, stderr = command(t, "-name", "imdb", "-variant", "l2", "-epochs", "1", "-out", "one")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	wantText(t, "stdout", stdout, "metric   article     here\n", "part_test_accuracy         -   0.", "1 of 1 epoch of 480 samples")
	wantFiles(t, filepath.Join(dir, "one"), modelFiles...)
}
