// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// Journal keeps in a folder what an interrupted run needs to be resumed: its settings and, for
// each of its trainings, the history and the model with its optimizer. A training is written
// when it is complete or interrupted, and after epochs, but so rarely that this takes at most about a
// twentieth of the time: a run whose process was killed, by a power failure for example, repeats what it
// did since. A training of less than a second is not kept but repeated.
//
//	run := recipes.NewJournal(dir)            // or recipes.OpenJournal(dir), to resume
//	report, err := recipes.MNIST(ctx, recipes.Options{Seed: 1, Journal: run})
//	if err == nil {
//		err = run.Remove()
//	}
//
// A resumed run ends with the same files, byte for byte, as one that was not interrupted,
// except for the times that it measured. This takes the same data and the same instruction set.
type Journal struct {
	file   journalFile
	dir    string
	kept   int            // trainings of the interrupted run
	next   int            // index of the next training
	asked  bool           // the data is known
	own    bool           // the folder holds the journal of this run
	least  float64        // seconds; a shorter training is repeated, which is no slower
	told   bool           // the user knows where the run continues
	broken bool           // the journal cannot be written
	epochs map[reader]int // that data has been read in complete trainings

	follows bool          // another rank writes
	written time.Time     // when the present training began or was last written
	took    time.Duration // to write it
	share   time.Duration // how much longer a training runs before it is written again
}

// Settings are the options of a run that determine its result, but for its data.
type Settings struct {
	Recipe  string `json:"recipe"`
	Variant string `json:"variant,omitempty"`
	Epochs  int    `json:"epochs,omitempty"`
	Batch   int    `json:"batch,omitempty"`
	Seed    uint64 `json:"seed"`
	Base    string `json:"base,omitempty"`
	Explain string `json:"explain,omitempty"`
	File    string `json:"model,omitempty"`
	Leaves  int    `json:"leaves,omitempty"`
}

// training is the record of one call of Fit. Its model is in a file of its own.
type training struct {
	Model   string     `json:"model"`
	File    string     `json:"file,omitempty"` // none if it is to be repeated
	Done    bool       `json:"done"`
	History *k.History `json:"history"`
}

// journalFile is the content of journal.json.
type journalFile struct {
	Format       int        `json:"format"`
	Settings     Settings   `json:"settings"`
	Data         string     `json:"data"`
	Instructions string     `json:"instructions"`
	Trainings    []training `json:"trainings"`
}

const (
	journalFormat = 1
	journalName   = "journal.json"
)

// NewJournal returns the journal of a run that starts from scratch. A journal that is in the folder
// is replaced when something is written for the first time.
func NewJournal(dir string) *Journal {
	return &Journal{dir: dir, least: 1, share: 20, epochs: map[reader]int{}}
}

// OpenJournal returns the journal of an interrupted run, which the next run resumes. The error
// wraps fs.ErrNotExist where there is none.
func OpenJournal(dir string) (*Journal, error) {
	j := NewJournal(dir)
	path := filepath.Join(dir, journalName)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("journal of an interrupted run: %w", err)
	}
	var f journalFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	if f.Format != journalFormat || len(f.Trainings) == 0 {
		return nil, fmt.Errorf("journal %s: %s in format %d, want at least one in format %d", path, text.Count(len(f.Trainings), "training"), f.Format, journalFormat)
	}
	for i, t := range f.Trainings {
		if t.History == nil || t.File != "" && t.File != filepath.Base(t.File) || !t.Done && (t.File == "" || i < len(f.Trainings)-1) {
			return nil, fmt.Errorf("journal %s: training %d, of model %q in file %q, has no history, an incomplete one within or a file elsewhere", path, i+1, t.Model, t.File)
		}
	}
	j.file, j.kept, j.own = f, len(f.Trainings), true
	return j, nil
}

// Resumes reports whether the run resumes an interrupted one, and which settings that had.
func (j *Journal) Resumes() (Settings, bool) { return j.file.Settings, j.kept > 0 }

// Resumable reports whether the run can be resumed if it ends now.
func (j *Journal) Resumable() bool { return j.own && len(j.file.Trainings) > 0 && !j.broken }

// Follow makes the journal one that is only read: that of a rank of a distributed run whose first rank writes it. All
// ranks must be able to read the folder.
func (j *Journal) Follow() *Journal {
	j.follows = true
	return j
}

// Remove deletes the journal, once its run is complete.
func (j *Journal) Remove() error {
	if j.follows {
		return nil
	}
	if err := os.RemoveAll(j.dir); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// begin sets the settings of the run, which must be those of the interrupted one.
func (j *Journal) begin(s Settings) error {
	switch {
	case j == nil:
		return nil
	case j.kept == 0:
		j.file.Settings = s
		return nil
	}
	mine, old := reflect.ValueOf(s), reflect.ValueOf(j.file.Settings)
	for i := range mine.NumField() {
		if got, want := mine.Field(i).Interface(), old.Field(i).Interface(); got != want {
			name := strings.ToLower(mine.Type().Field(i).Name)
			return fmt.Errorf("the interrupted run in %s has %s %v, this one %v: want the same to resume it", filepath.Dir(j.dir), name, setting(want), setting(got))
		}
	}
	return nil
}

// setting shows a value; 0 and "" are the recipe's own choice.
func setting(v any) string {
	if v == 0 || v == "" {
		return "(default)"
	}
	return fmt.Sprint(v)
}

// origin takes in the data of the run, which must be that of the interrupted one.
func (j *Journal) origin(o datasets.Origin) error {
	if j == nil || j.asked {
		return nil
	}
	j.asked = true
	data := o.Set + ": " + o.Kind
	if o.Path != "" && o.Kind == "folder" {
		data += " " + o.Path
	}
	if j.kept > 0 && data != j.file.Data {
		return fmt.Errorf("the interrupted run in %s was trained on %q, this one is on %q: want the same to resume it", filepath.Dir(j.dir), j.file.Data, data)
	}
	j.file.Format, j.file.Data, j.file.Instructions = journalFormat, data, cmp.Or(j.file.Instructions, graph.ISA())
	return nil
}

// fit calls model.Fit. With a journal, a training that the interrupted run has completed is
// read instead, and the one that it had begun continues; both end as if they had not been
// interrupted.
func (o Options) fit(ctx context.Context, model *k.Model, data k.Samples, options ...k.FitOption) (*k.History, error) {
	j := o.Journal
	options = slices.Concat(options, o.Training)
	if j == nil {
		return model.Fit(ctx, data, options...)
	}
	whole, i := &k.History{}, j.next
	j.next++
	known := training{}
	if i < j.kept {
		known = j.file.Trainings[i]
	}
	if known.File != "" {
		if err := j.restore(i, model); err != nil {
			return whole, err
		}
		if whole = known.History; known.Done {
			j.count(data, whole)
			return whole, nil
		}
		options = append(options, k.InitialEpoch(model.Progress().Epochs))
	}
	if !known.Done { // else it is one that was too short to be kept
		j.tell(o, i)
	}
	r, _ := data.(reader)
	options = append(options, k.Callbacks(&journalist{j, o, i, r, whole}))
	j.written = time.Now()
	rest, err := model.Fit(ctx, data, options...)
	if appended := whole.Append(rest); appended != nil {
		return whole, errors.Join(err, appended)
	}
	if err == nil {
		j.count(data, whole)
	}
	interrupted := errors.Is(err, k.ErrInterrupted) && model.Progress().Batches > 0
	if !known.Done && (err == nil || interrupted) {
		j.record(o, i, model, training{Model: model.Name(), Done: err == nil, History: whole})
	}
	return whole, err
}

// restore reads the model of a training of the interrupted run.
func (j *Journal) restore(i int, model *k.Model) error {
	t := j.file.Trainings[i]
	if t.Model != model.Name() {
		return fmt.Errorf("training %d of the interrupted run is of model %q, that of this one is of %q: they are of different versions of the program", i+1, t.Model, model.Name())
	}
	return model.Restore(filepath.Join(j.dir, t.File))
}

// tell says where a resumed run continues.
func (j *Journal) tell(o Options, i int) {
	if j.kept == 0 || j.told {
		return
	}
	j.told = true
	line := "resumed"
	if i > 0 {
		line += ": " + text.Count(i, "training") + " complete"
	}
	if i < j.kept {
		line += fmt.Sprintf(", after %s of this one", text.Count(j.file.Trainings[i].History.Epochs(), "epoch"))
	}
	o.say("%s", line)
	if isa := graph.ISA(); j.file.Instructions != isa {
		o.say("the interrupted run used %s, this machine %s: the last digits of the results may differ from a run on one of them", j.file.Instructions, isa)
	}
}

// reader is a source that reads something else in each epoch, such as augmented pictures.
type reader interface{ StartEpoch(n int) }

// journalist is the callback of a training. It keeps a reader at the epoch that it would be in had the run not
// been interrupted, since it may have been read in earlier trainings, and writes the training after epochs.
type journalist struct {
	j      *Journal
	o      Options
	i      int    // of the training
	reader reader // nil for other data
	before *k.History
}

// RunsLast returns true: what other callbacks change belongs to the training.
func (c *journalist) RunsLast() bool { return true }

// AddsLogs returns nil.
func (c *journalist) AddsLogs() []string { return nil }

func (c *journalist) On(e k.Event, t *k.Training) error {
	j := c.j
	switch {
	case e == k.EpochBegin && c.reader != nil:
		c.reader.StartEpoch(j.epochs[c.reader] + t.Epoch)
	case e == k.EpochEnd && t.Epoch < t.Epochs && !t.Stopped() && j.due():
		so := &k.History{}
		if err := errors.Join(so.Append(c.before), so.Append(t.History())); err != nil {
			return err
		}
		j.record(c.o, c.i, t.Model, training{Model: t.Model.Name(), History: so})
	}
	return nil
}

// due reports whether a training has run for so long that writing it takes a small part of the time.
func (j *Journal) due() bool {
	since := time.Since(j.written)
	return !j.follows && since.Seconds() >= j.least && since >= j.share*j.took
}

// count adds the epochs of a complete training to those of its data.
func (j *Journal) count(data k.Samples, h *k.History) {
	if r, ok := data.(reader); ok {
		j.epochs[r] += h.Epochs()
	}
}

// record writes a training. A run whose journal cannot be written goes on without.
func (j *Journal) record(o Options, i int, model *k.Model, t training) {
	if j.broken || j.follows {
		return
	}
	start := time.Now()
	err := j.write(i, model, t)
	j.written, j.took = time.Now(), time.Since(start)
	if err != nil {
		j.broken = true
		_ = j.Remove() // what is left of it is of no use
		o.say("the run cannot be resumed if it is interrupted: %v", err)
	}
}

func (j *Journal) write(i int, model *k.Model, t training) error {
	short := t.Done && sum(t.History.Seconds) < j.least
	if !short {
		if err := j.save(i, model, &t); err != nil {
			return err
		}
	}
	old := ""
	if i < len(j.file.Trainings) {
		old, j.file.Trainings[i] = j.file.Trainings[i].File, t
	} else {
		j.file.Trainings = append(j.file.Trainings, t)
	}
	if short {
		return nil
	}
	err := WriteFile(filepath.Join(j.dir, journalName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(j.file)
	})
	if err == nil && old != "" && old != t.File {
		err = os.Remove(filepath.Join(j.dir, old))
	}
	return err
}

// save writes the model of a training.
func (j *Journal) save(i int, model *k.Model, t *training) error {
	if !j.own { // perhaps there is a journal of another run
		if err := j.Remove(); err != nil {
			return err
		}
		j.own = true
	}
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return err
	}
	if t.File = fmt.Sprintf("%03d.safetensors", i+1); !t.Done {
		t.File = fmt.Sprintf("%03d.interrupted.safetensors", i+1)
		// The journal refers to the old file until it is replaced, so that both belong together whenever the process is killed.
		if i < len(j.file.Trainings) && j.file.Trainings[i].File == t.File {
			t.File = fmt.Sprintf("%03d.interrupted-2.safetensors", i+1)
		}
	}
	return model.Save(filepath.Join(j.dir, t.File), k.WithOptimizer)
}

func sum(list []float64) (total float64) {
	for _, v := range list {
		total += v
	}
	return total
}
