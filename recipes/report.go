// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/report"
)

// Figures are measurements by name. The names are the same in all recipes:
// "loss", "accuracy", "val_...", "test_...".
type Figures map[string]float64

// MarshalJSON writes null for NaN and Inf, which JSON does not have, such as the loss
// of a training that has diverged.
func (f Figures) MarshalJSON() ([]byte, error) {
	values := map[string]*float64{}
	for name, v := range f {
		if values[name] = &v; math.IsNaN(v) || math.IsInf(v, 0) {
			values[name] = nil
		}
	}
	return json.Marshal(values)
}

// UnmarshalJSON reads null as NaN.
func (f *Figures) UnmarshalJSON(b []byte) error {
	var values map[string]*float64
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	*f = Figures{}
	for name, v := range values {
		if v == nil {
			(*f)[name] = math.NaN()
		} else {
			(*f)[name] = *v
		}
	}
	return nil
}

// Report is what a recipe measured.
type Report struct {
	Recipe           string  `json:"recipe"`
	Variant          string  `json:"variant,omitempty"`
	Data             string  `json:"data"`           // "sample", "full", "folder" or "generated", "photo" for a single one
	Base             string  `json:"base,omitempty"` // the pretrained network, where it was asked for
	Seed             uint64  `json:"seed"`
	Epochs           int     `json:"epochs"` // completed ones, once the model is trained
	Batch            int     `json:"batch"`
	Parameters       int     `json:"parameters"`
	TrainSamples     int     `json:"train_samples"`
	TestSamples      int     `json:"test_samples"`
	Seconds          float64 `json:"seconds"` // of training, or of everything where nothing is trained
	SamplesPerSecond float64 `json:"samples_per_second"`
	Metrics          Figures `json:"metrics"`
	Article          Figures `json:"article"` // with the full data
	// Stopped says why the run ended early; Planned is then the number of epochs that
	// it was to train for.
	Stopped string `json:"stopped,omitempty"`
	Planned int    `json:"planned_epochs,omitempty"`
	// Headlines are the names of the figures that the article stresses; the table of
	// several variants shows these.
	Headlines []string `json:"-"`
	// Notes say what differs from the article, and why.
	Notes []string `json:"-"`
	// Variants are the reports of several models. Metrics and Article then hold their
	// figures, as "variant/name".
	Variants []*Report `json:"variants,omitempty"`

	// Input makes the model's input of raw data, as its training data were made; Takes says in
	// words of what. Classes are the names of its classes, Output is what a regression predicts.
	// Save saves them with the model, for those that serve it.
	Input   datasets.Preprocessor `json:"-"`
	Takes   string                `json:"-"`
	Classes []string              `json:"-"`
	Output  *Quantity             `json:"-"`

	// Pictures and Tables are shown beside the training curves.
	Pictures []Picture      `json:"pictures,omitempty"`
	Tables   []report.Table `json:"-"`

	// Command is how to repeat the run, for the HTML report.
	Command []string `json:"-"`

	planned int    // epochs of the training
	failure error  // what ended the run early
	seen    int    // samples, in all epochs
	resumed bool   // the files of an earlier run in the folder are its own
	which   string // of several networks is in History, for the caption of its curves
	dead    string // which networks started out dead and were initialized again

	Model   *k.Model   `json:"-"`                 // nil for several variants
	History *k.History `json:"history,omitempty"` // nil for several variants, and where nothing is trained
}

// Quantity is what a regression predicts: y·Scale + Shift, in the unit, where y is the output of
// the model.
type Quantity struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Scale float64 `json:"scale"`
	Shift float64 `json:"shift"`
}

// Picture is a drawing that a recipe shows beside its training curves: in the HTML
// report with its caption, in the folder as NAME.png and NAME.svg.
type Picture struct {
	Name    string      `json:"name"` // of the files, without an extension
	Caption string      `json:"-"`    // what the reader should see in it
	Figure  *viz.Figure `json:"-"`
	Section string      `json:"-"` // of the HTML report, where pictures are many; empty for the general one
}

// begin completes the report of a compiled model, whose other fields the recipe has
// set, and tells Options.Start.
func (r *Report) begin(o Options, origin datasets.Origin) error {
	r.Seed, r.Data, r.Base = o.Seed, origin.Kind, o.Base
	r.Parameters, _ = r.Model.Parameters()
	r.Metrics = Figures{}
	if r.Article = maps.Clone(r.Article); r.Article == nil {
		r.Article = Figures{}
	}
	if err := o.Journal.origin(origin); err != nil {
		return err
	}
	r.resumed = o.Journal != nil && o.Journal.kept > 0
	return o.Start(r.Model, origin)
}

// trained takes in the history of the model: the last value of each series, and the
// best of those of validation. A nil history changes nothing.
func (r *Report) trained(h *k.History) {
	if h == nil {
		return
	}
	r.planned, r.Epochs, r.History = r.Epochs, h.Epochs(), h
	r.timed(h, r.TrainSamples)
	for _, name := range h.Names() {
		r.Metrics[name] = h.Last(name)
		switch name {
		case "val_accuracy":
			r.Metrics["best_val_accuracy"] = slices.Max(h.Get(name))
		case "val_loss", "val_mae":
			r.Metrics["best_"+name] = slices.Min(h.Get(name))
		}
	}
}

// timed counts the time of a training.
func (r *Report) timed(h *k.History, samples int) {
	if h == nil {
		return
	}
	for _, s := range h.Seconds {
		r.Seconds += s
	}
	r.seen += samples * h.Epochs()
	if r.Seconds > 0 {
		r.SamplesPerSecond = math.Round(float64(r.seen) / r.Seconds)
	}
}

// scored takes in the scores of an evaluation; the names of its figures get the prefix.
func (r *Report) scored(prefix string, scores k.Logs) {
	for _, s := range scores {
		r.Metrics[prefix+s.Name] = s.Value
	}
}

// stopped ends a recipe early: what was trained is reported with the error; where
// nothing was, the report is nil. The error of a recipe of one model names the recipe.
func (r *Report) stopped(err error) (*Report, error) {
	r.failure = err
	if r.History != nil && r.Stopped == "" {
		where, _, _ := strings.Cut(err.Error(), ": "+k.ErrInterrupted.Error())
		r.Stopped, r.Planned = strings.TrimPrefix(where, "fit: "), r.planned
	}
	if r.Variant == "" {
		err = fmt.Errorf("%s: %w", r.Recipe, err)
	}
	if r.History == nil {
		return nil, err
	}
	return r, err
}

// picture adds a picture; the error of the viz function that drew it may be handed
// through:
//
//	f, err := viz.Correlation(...)
//	return r.picture("correlation", "...", f, err)
func (r *Report) picture(name, caption string, f *viz.Figure, err error) error {
	if err != nil {
		return fmt.Errorf("picture %q: %w", name, err)
	}
	r.Pictures = append(r.Pictures, Picture{Name: name, Caption: caption, Figure: f})
	return nil
}

// table adds a table. Columns whose index is in numbers are right-aligned; every row
// is as long as the head.
func (r *Report) table(caption string, head []string, rows [][]string, numbers ...int) {
	r.Tables = append(r.Tables, report.Table{Caption: caption, Head: head, Rows: rows, Numbers: numbers})
}

// section puts all pictures that have no section yet under a heading.
func (r *Report) section(heading string) {
	for i := range r.Pictures {
		if r.Pictures[i].Section == "" {
			r.Pictures[i].Section = heading
		}
	}
}

// Headline returns the names of the figures to show first: those of the table of
// several variants, or all of a single model.
func (r *Report) Headline() []string {
	if len(r.Variants) == 0 || len(r.Headlines) == 0 {
		return r.Names()
	}
	return r.Headlines
}

// SmallerIsBetter reports which way a figure is better, if that is known.
func SmallerIsBetter(name string) (smaller, known bool) {
	smaller, neutral := direction(name)
	return smaller, !neutral
}

// direction tells which way a figure is better.
func direction(name string) (smallerBetter, neutral bool) {
	name = name[strings.LastIndexByte(name, '/')+1:] // without the variant
	for _, prefix := range []string{"best_", "part_", "gap_", "val_", "test_"} {
		name = strings.TrimPrefix(name, prefix)
	}
	switch name {
	case "loss", "mae", "mse", "rmse", "celsius":
		return true, false
	case "accuracy", "gain_over_naive":
		return false, false
	}
	return false, true // as for the error of the baseline, or the probability of a photo's class
}

// Names returns the names of all figures, measured or the article's, in order.
func (r *Report) Names() []string {
	var names []string
	for _, f := range []Figures{r.Metrics, r.Article} {
		for name := range f {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
