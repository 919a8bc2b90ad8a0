// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestResume interrupts each recipe after some batches, or ends it as if its process was killed, again and again,
// resumes it each time as a new process would, and compares what it leaves with a run that was not interrupted.
func TestResume(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		batches int // before the first interruption
	}{
		"mnist":       {Options{Epochs: 3}, 20},
		"boston":      {Options{Variant: "kfold5", Epochs: 3, Batch: 32}, 25},
		"imdb":        {Options{Epochs: 3}, 50},
		"embeddings":  {Options{Epochs: 2}, 20},
		"temperature": {Options{Epochs: 2}, 60},
		"conv1d":      {Options{Variant: "imdb_lstm", Epochs: 2}, 15},
		"catsdogs":    {Options{Variant: "scratch", Epochs: 2}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			noCache(t)
			recipe, err := Find(name)
			if err != nil {
				t.Fatal(err)
			}
			c.options.Seed, c.options.Data.Source = 3, datasets.Sample
			whole, err := recipe.Run(t.Context(), c.options)
			if err != nil {
				t.Fatal(err)
			}
			want, out := t.TempDir(), t.TempDir()
			if _, err := whole.Save(want); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(out, "resume")
			journal, runs := NewJournal(dir), 0
			if name != "imdb" {
				journal.least = 0 // keeps every training
			}
			if name != "boston" { // which has very many
				journal.share = 0 // and every epoch
			}
			killed := errors.New("killed")
			for err = killed; errors.Is(err, k.ErrInterrupted) || errors.Is(err, killed); runs++ {
				ctx, cancel := context.WithCancel(t.Context())
				n := 0
				o := c.options
				o.Journal = journal
				o.Progress = k.CallbackFunc(func(e k.Event, _ *k.Training) error {
					if e == k.BatchEnd {
						if n++; n == c.batches*(runs+1) { // more each time, since short trainings are repeated
							if runs%2 == 1 {
								return killed
							}
							cancel()
						}
					}
					return nil
				})
				var r *Report
				if r, err = recipe.Run(ctx, o); r != nil && (runs == 0 || err == nil) {
					if _, err := r.Save(out); err != nil {
						t.Fatal(err)
					}
				}
				cancel()
				if err == nil {
					continue
				}
				reopened := NewJournal(dir)
				if journal.Resumable() {
					var opened error
					if reopened, opened = OpenJournal(dir); opened != nil {
						t.Fatal(opened)
					}
				}
				if name == "temperature" || name == "boston" {
					reopened.least = 0
				}
				journal = reopened
			}
			if err != nil || runs < 3 {
				t.Fatalf("%d runs, the last with %v", runs, err)
			}
			if err := journal.Remove(); err != nil {
				t.Fatal(err)
			}
			sameFolders(t, out, want)
		})
	}
}

// sameFolders compares all files of two runs but for the times in them.
func sameFolders(t *testing.T, got, want string) {
	t.Helper()
	a, b := filesOf(t, got), filesOf(t, want)
	for name, content := range b {
		if a[name] != content {
			t.Errorf("%s differs from that of the uninterrupted run", name)
		}
	}
	for name := range a {
		if _, ok := b[name]; !ok {
			t.Errorf("%s is not among the files of the uninterrupted run", name)
		}
	}
}

// filesOf reads the files below a folder; of reports it leaves out the times.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		content := string(b)
		switch filepath.Base(path) {
		case "report.html":
			content = ""
		case "result.json":
			var v any
			if err := json.Unmarshal(b, &v); err != nil {
				return err
			}
			timeless(v)
			again, _ := json.Marshal(v)
			content = string(again)
		}
		files[rel] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// timeless removes the times of a report.
func timeless(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"seconds", "samples_per_second"} {
			delete(v, name)
		}
		for _, inner := range v {
			timeless(inner)
		}
	case []any:
		for _, inner := range v {
			timeless(inner)
		}
	}
}

// TestJournalMistakes: a run of other settings or data is not resumed, and a journal that is
// not one is refused.
func TestJournalMistakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "resume")
	interrupt := func(o Options) (*Report, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o.Progress = k.CallbackFunc(func(e k.Event, t *k.Training) error {
			if e == k.BatchEnd && t.Epoch == 2 {
				cancel()
			}
			return nil
		})
		return MNIST(ctx, o)
	}
	sample := datasets.From{Source: datasets.Sample}
	if _, err := interrupt(Options{Data: sample, Seed: 1, Epochs: 3, Journal: NewJournal(dir)}); !errors.Is(err, k.ErrInterrupted) {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"has seed 1, this one 2":                  {Data: sample, Seed: 2, Epochs: 3},
		"has epochs 3, this one (default)":        {Data: sample, Seed: 1},
		"has batch (default), this one 7":         {Data: sample, Seed: 1, Epochs: 3, Batch: 7},
		`trained on "mnist: sample", this one is`: {Data: datasets.From{Source: copyOfSample(t)}, Seed: 1, Epochs: 3},
	} {
		journal, err := OpenJournal(dir)
		if err != nil {
			t.Fatal(err)
		}
		o.Journal = journal
		if _, err := MNIST(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "mnist: ") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	journal, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s, resumes := journal.Resumes(); !resumes || s.Recipe != "mnist" || s.Epochs != 3 || !journal.Resumable() {
		t.Errorf("settings %+v, resumes: %t", s, resumes)
	}
	if _, err := MNISTCNN(t.Context(), Options{Data: sample, Seed: 1, Epochs: 3, Journal: journal}); err == nil || !strings.Contains(err.Error(), "has recipe mnist, this one mnistcnn") {
		t.Errorf("another recipe: %v", err)
	}
	state := filepath.Join(dir, journal.file.Trainings[0].File)
	if err := os.WriteFile(state, []byte("spoiled"), 0o600); err != nil {
		t.Fatal(err)
	}
	if journal, err = OpenJournal(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := MNIST(t.Context(), Options{Data: sample, Seed: 1, Epochs: 3, Journal: journal}); err == nil || !strings.Contains(err.Error(), state) {
		t.Errorf("a spoiled file: %v", err)
	}
	if _, err := OpenJournal(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no journal: %v", err)
	}
	for _, text := range []string{"", "{}", `{"format": 2}`, `{"format": 1, "trainings": []}`, `{"format": 1, "trainings": [{"done": true}]}`,
		`{"format": 1, "trainings": [{"done": true, "file": "../x", "history": {}}]}`, `{"format": 1, "trainings": [{"history": {}}, {"history": {}}]}`} {
		if err := os.WriteFile(filepath.Join(dir, "journal.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenJournal(dir); err == nil || !strings.Contains(err.Error(), "journal.json") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// copyOfSample returns a folder with the embedded sample of MNIST.
func copyOfSample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "datasets", "samples", "mnist"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A run that was killed goes on after the last epoch that was written, with those before it in its history.
func TestKilledRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "resume")
	killed := errors.New("killed")
	run := func(j *Journal, in int, said *[]string) (*Report, error) {
		j.least, j.share = 0, 0
		return MNIST(t.Context(), Options{
			Data: datasets.From{Source: datasets.Sample}, Seed: 1, Epochs: 5, Journal: j,
			Say: func(line string) { *said = append(*said, line) },
			Progress: k.CallbackFunc(func(e k.Event, t *k.Training) error {
				if e == k.BatchEnd && t.Epoch == in && t.Step == 3 {
					return killed
				}
				return nil
			}),
		})
	}
	var said []string
	if _, err := run(NewJournal(dir), 3, &said); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	overwritten := "" // a process can be killed between writing the model and the journal
	for _, in := range []int{4, 0} {
		follower, err := OpenJournal(dir)
		if err != nil {
			t.Fatal(err)
		}
		last, files := follower.file.Trainings[0].File, filesOf(t, dir)
		if _, ok := files[last]; !ok || len(files) != 2 || last == overwritten {
			t.Errorf("the journal refers to %s of %d files, that of the epoch before was %s", last, len(files), overwritten)
		}
		overwritten = last
		before := filesOf(t, dir)
		if _, err := run(follower.Follow(), 5, new([]string)); !errors.Is(err, killed) {
			t.Fatal(err)
		}
		if err := follower.Remove(); err != nil {
			t.Fatal(err)
		}
		for name, content := range filesOf(t, dir) {
			if before[name] != content {
				t.Errorf("a journal that follows has changed %s", name)
			}
		}
		j, err := OpenJournal(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := run(j, in, &said)
		if in > 0 {
			if !errors.Is(err, killed) {
				t.Fatal(err)
			}
			continue
		}
		if err != nil || r.History.Epochs() != 5 {
			t.Errorf("the resumed run has %d epochs, want 5 (%v)", r.History.Epochs(), err)
		}
	}
	if want := []string{"resumed, after 2 epochs of this one", "resumed, after 3 epochs of this one"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}

// TestJournalThatCannotBeWritten: the run goes on without, and says so.
func TestJournalThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	journal := NewJournal(filepath.Join(file, "resume"))
	journal.least = 0
	var said []string
	o := Options{Data: datasets.From{Source: datasets.Sample}, Seed: 1, Epochs: 1, Journal: journal, Say: func(line string) { said = append(said, line) }}
	if _, err := MNIST(t.Context(), o); err != nil || journal.Resumable() {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "the run cannot be resumed if it is interrupted: ") {
		t.Errorf("said %q", said)
	}
}
