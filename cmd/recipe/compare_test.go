// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/cli"
)

// result is the report of a run with a falling training loss and a validation loss that turns.
const result = `{"recipe": "imdb", "variant": "plain", "data": "sample", "seed": 1, "epochs": 4, "batch": 16, "parameters": 160305, "train_samples": 480, "test_samples": 400,
"metrics": {"loss": 0.0001, "val_loss": 0.5, "best_val_loss": 0.3, "test_accuracy": 0.78}, "article": {},
"history": {"first_epoch": 1, "seconds": [9, 0.5, 0.4, 0.6], "samples": 1920, "series": [{"name": "loss", "values": [0.6, 0.3, 0.1, 0.0001]}, {"name": "val_loss", "values": [0.5, 0.3, null, 0.5]}]}}`

// writeRun writes the report of a run, changed by pairs of old and new text.
func writeRun(t *testing.T, dir string, changes ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "result.json"), []byte(strings.NewReplacer(changes...).Replace(result)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCompare: what differs is in the rows, what does not is named above, the best value of a
// curve has its epoch, and curves are drawn.
func TestCompare(t *testing.T) {
	emptyFolder(t)
	t.Setenv("LC_ALL", "C.UTF-8")
	writeRun(t, "runs/a")
	writeRun(t, "runs/b", `"seed": 1`, `"seed": 2`, "160305", "999", `"epochs": 4`, `"epochs": 4, "stopped": "no", "planned_epochs": 9`)
	status, stdout, stderr := command(t, "compare", "runs/a", filepath.Join("runs", "b", "result.json"))
	if status != 0 || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	want := `In common: recipe imdb, variant plain, data sample, batch 16, training samples
480, test samples 400.

                            a                b
seed                        1                2
epochs                      4  4 of 9, stopped
parameters            160,305              999
time of an epoch        0.6 s            0.6 s
loss, best        1.0e-04 (4)      1.0e-04 (4)
loss, last            1.0e-04          1.0e-04
val_loss, best     0.3000 (2)       0.3000 (2)
val_loss, last         0.5000           0.5000
test_accuracy          0.7800           0.7800
loss                     █▄▂▁             █▄▂▁
val_loss                 █▁×█             █▁×█
`
	if stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
	t.Setenv("LC_ALL", "C")
	if _, stdout, _ = command(t, "compare", "runs/a", "runs/b"); !strings.Contains(stdout, "#-._") || strings.ContainsAny(stdout, "█×") {
		t.Errorf("without UTF-8 got\n%s", stdout)
	}
	var many []string
	for range 30 {
		many = append(many, "runs/a", "runs/b")
	}
	_, stdout, _ = command(t, append([]string{"compare"}, many...)...)
	for line := range strings.Lines(stdout) {
		if n := utf8.RuneCountInString(line); n > 81 {
			t.Fatalf("%d characters in a line: %s", n, line)
		}
	}
	if n := strings.Count(stdout, "160,305"); n != 30 {
		t.Errorf("%d of 30 runs in the tables", n)
	}
}

// TestCompareVariants: a run of several models has a column for each.
func TestCompareVariants(t *testing.T) {
	emptyFolder(t)
	if err := os.MkdirAll("all", 0o755); err != nil {
		t.Fatal(err)
	}
	both := `{"recipe": "imdb", "metrics": {}, "variants": [` + result + "," + strings.Replace(result, "plain", "l2", 1) + "]}"
	if err := os.WriteFile("all/result.json", []byte(both), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := command(t, "compare", "all")
	if status != 0 {
		t.Fatal(stderr)
	}
	wantText(t, "stdout", stdout, " plain ", " l2\n", "variant ")
}

func TestCompareMistakes(t *testing.T) {
	emptyFolder(t)
	writeRun(t, "a")
	writeRun(t, "spoiled", "{", "[")
	writeRun(t, "foreign", "imdb", "")
	writeRun(t, "curves", "[0.6, 0.3, 0.1, 0.0001]", "[1]")
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, cli.Misused, "compare: want the folders of at least two runs, as in: recipe compare runs/mnist runs/mnistcnn"},
		{[]string{"-help"}, cli.Misused, "compare: want the folders"},
		{[]string{"a"}, cli.Misused, `compare: want at least two runs, got ["a"] alone`},
		{[]string{"a", "b"}, cli.Failed, "compare: b: no report of a run: open b: no such file"},
		{[]string{"a", "."}, cli.Failed, "compare: result.json: no report of a run"},
		{[]string{"a", "spoiled"}, cli.Failed, filepath.Join("spoiled", "result.json") + ": no report of a run: invalid character"},
		{[]string{"a", "foreign"}, cli.Failed, "it names no recipe"},
		{[]string{"a", "curves"}, cli.Failed, `series "loss" has 1 values, want one for each of 4 epochs`},
	} {
		status, stdout, stderr := command(t, append([]string{"compare"}, c.args...)...)
		if status != c.status || stdout != "" {
			t.Errorf("%q: status %d, want %d; stdout %q", c.args, status, c.status, stdout)
		}
		wantText(t, "stderr", stderr, "recipe: compare: ", c.want)
	}
}
