// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// TestStoppedRecipe stops between the training and the test, and within the
// training: the report of what was done comes with the error and can be saved.
func TestStoppedRecipe(t *testing.T) {
	for name, event := range map[string]k.Event{"training": k.BatchEnd, "test": k.EpochEnd} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := MNIST(ctx, Options{
				Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1,
				Progress: k.CallbackFunc(func(e k.Event, _ *k.Training) error {
					if e == event {
						cancel()
					}
					return nil
				}),
			})
			if !errors.Is(err, k.ErrInterrupted) || r == nil {
				t.Fatalf("got %v and report %v, want ErrInterrupted with a report", err, r)
			}
			if _, tested := r.Metrics["test_accuracy"]; tested {
				t.Error("the report has a test accuracy")
			}
			dir := filepath.Join(t.TempDir(), "new", "folder")
			files, err := r.Save(dir)
			want := 7
			if r.History.Epochs() > 0 {
				want += 2 // the curves
			}
			if err != nil || len(files) != want {
				t.Fatalf("saved %q: %v", files, err)
			}
			for _, path := range files {
				if info, err := os.Stat(path); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", path, err)
				}
			}
			text, err := os.ReadFile(filepath.Join(dir, "result.json"))
			if err != nil {
				t.Fatal(err)
			}
			var back Report
			if err := json.Unmarshal(text, &back); err != nil || back.Recipe != "mnist" || back.Epochs != r.History.Epochs() || back.Planned != 1 || back.Stopped == "" {
				t.Errorf("result.json is %s (%v)", text, err)
			}
		})
	}
}

// TestPictures: a recipe's own pictures and tables, of one model and of several,
// are in the folder in both formats and in the HTML report with their captions.
func TestPictures(t *testing.T) {
	one, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	one.Variant, one.Headlines = "first", []string{"test_accuracy"}
	figure, err := viz.Lines("slope", "x", "y", viz.Line{Name: "line", Y: []float64{1, 2}})
	if err := one.picture("slope", "It goes up.", figure, err); err != nil {
		t.Fatal(err)
	}
	one.table("Two numbers.", []string{"name", "value"}, [][]string{{"a <b>", "1"}}, 1)
	two := *one
	two.Variant = "second"
	all := join([]*Report{one, &two})
	if err := all.picture("both", "Both of them.", figure, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r     *Report
		files []string
		html  []string
	}{
		"model": {
			one,
			[]string{"slope.png", "slope.svg", "graph.svg"},
			[]string{"It goes up.", "Two numbers.", "a &lt;b&gt;", "mnist: graph of 3 layers", figure.Alt},
		},
		"variants": {
			all,
			[]string{"both.png", "both.svg", "first/slope.png", "second/slope.svg", "second/report.html"},
			[]string{"Both of them.", "Model first", "Model second", "first/test_accuracy", "What first measured."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := c.r.Save(dir); err != nil {
				t.Fatal(err)
			}
			for _, f := range c.files {
				if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", f, err)
				}
			}
			html, err := os.ReadFile(filepath.Join(dir, "report.html"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.html {
				if !strings.Contains(string(html), want) {
					t.Errorf("the HTML report lacks %q", want)
				}
			}
		})
	}
	mine := errors.New("no")
	if err := one.picture("bad", "", nil, mine); !errors.Is(err, mine) {
		t.Errorf("an error of viz: got %v", err)
	}
}

// TestDivergedReport: a loss that is NaN is in the HTML report and in the JSON.
func TestDivergedReport(t *testing.T) {
	r, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"loss", "accuracy"} {
		r.History.Get(name)[1] = math.NaN()
		r.Metrics[name] = math.NaN()
	}
	dir := t.TempDir()
	if _, err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil || !strings.Contains(string(b), `"loss": null`) {
		t.Errorf("result.json: %s (%v)", b, err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil || !math.IsNaN(back.Metrics["loss"]) || back.Metrics["test_accuracy"] != r.Metrics["test_accuracy"] {
		t.Errorf("read back %v (%v)", back.Metrics, err)
	}
	if html, _ := os.ReadFile(filepath.Join(dir, "report.html")); !strings.Contains(string(html), "training has diverged") || !strings.Contains(string(html), "not a number") {
		t.Error("the HTML report does not say so")
	}
}

// TestEarlierRuns: the files of another run are moved out of the way, and no others.
func TestEarlierRuns(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	save := func(r *Report) {
		t.Helper()
		if _, err := r.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	there := func(want bool, names ...string) {
		t.Helper()
		for _, n := range names {
			if _, err := os.Stat(filepath.Join(dir, n)); (err == nil) != want {
				t.Errorf("%s: there is %v, want %v", n, err == nil, want)
			}
		}
	}
	o := Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1}
	all, err := IMDB(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	save(all)
	there(true, "report.html", "overfit/model.safetensors", "dropout/report.html", "overfitting.png")
	fewer := join(all.Variants[:2])
	save(fewer)
	there(true, "overfit/model.safetensors", "plain/report.html", "earlier/dropout/report.html", "earlier/l2/model.safetensors", "earlier/overfitting.svg")
	there(false, "dropout", "l2", "overfitting.png", "earlier/overfit", "earlier/report.html")
	save(all.Variants[2])
	there(true, "model.safetensors", "report.html", "earlier/overfit/model.safetensors", "earlier/report.html", "earlier/result.json")
	there(false, "overfit", "plain")
	save(all.Variants[2])
	there(true, "model.safetensors", "earlier/report.html")
	there(false, "earlier/model.safetensors")
	if b, err := os.ReadFile(mine); err != nil || string(b) != "mine" {
		t.Errorf("a file of the user's: %q (%v)", b, err)
	}
	hostile := filepath.Join(dir, "result.json")
	if err := os.WriteFile(hostile, []byte(`{"recipe": "x", "variants": [{"variant": "../.."}, {"variant": ".."}], "pictures": [{"name": "../../a"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	save(all.Variants[2])
	there(true, "notes.txt", "model.safetensors")
}

// WriteFile and Writable remove what a killed writer of the same file has left.
func TestWriteFileRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range []string{".result.json.1.tmp", ".result.json.22.tmp", "..writable.3.tmp"} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, []byte("half"), 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Writable(dir); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "result.json"), (&Report{Recipe: "new"}).WriteJSON); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "result.json" {
		t.Errorf("the folder holds %v (%v), want result.json alone", entries, err)
	}
}

// WriteFile leaves what was there when the new content fails half-way.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := WriteFile(path, (&Report{Recipe: "old"}).WriteJSON); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, (&Report{Seconds: math.NaN()}).WriteJSON); err == nil {
		t.Error("seconds that are NaN were written as JSON")
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Errorf("the file now holds %q", after)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v was left behind", left)
	}
}
