// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz/report"
)

// Figures are named measurements. The names are the same over all recipes:
// "loss", "accuracy", "val_...", "test_...".
type Figures map[string]float64

// MarshalJSON writes null for what is no number, as the loss of a training that has
// diverged; JSON has none.
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
	Data             string  `json:"data"` // "sample", "full" or "folder", "photo" for a single one
	Seed             uint64  `json:"seed"`
	Epochs           int     `json:"epochs"` // that were trained to their end
	Batch            int     `json:"batch"`
	Parameters       int     `json:"parameters"`
	TrainSamples     int     `json:"train_samples"`
	TestSamples      int     `json:"test_samples"`
	Seconds          float64 `json:"seconds"` // of training, or of all where nothing is trained
	SamplesPerSecond float64 `json:"samples_per_second"`
	Metrics          Figures `json:"metrics"`
	Article          Figures `json:"article"` // with the full data
	// Stopped says what ended the run before its time, and Planned is then the number
	// of epochs that were to be trained.
	Stopped string `json:"stopped,omitempty"`
	Planned int    `json:"planned_epochs,omitempty"`
	// Headlines are the names of the figures that the article stresses; a story's
	// table shows these.
	Headlines []string `json:"-"`
	// Notes say what differs from the article, and why.
	Notes []string `json:"-"`
	// Variants are the reports of a story's models. The story's own Metrics and
	// Article then hold theirs, as "variant/name".
	Variants []*Report `json:"variants,omitempty"`

	// Pictures and Tables are what the recipe shows beside its curves.
	Pictures []Picture      `json:"pictures,omitempty"`
	Tables   []report.Table `json:"-"`

	// Command is how to repeat the run; it goes onto the page.
	Command []string `json:"-"`

	seen  int    // samples, in all epochs
	which string // of several networks is in History, for the caption of its curves

	Model   *keraslike.Model   `json:"-"` // nil for a story
	History *keraslike.History `json:"-"` // nil for a story, and where nothing is trained
}

func newReport(t training, o Options) *Report {
	all, _ := t.model.Parameters()
	r := &Report{
		Recipe: t.recipe, Variant: t.variant, Data: t.origin.Kind, Seed: o.Seed,
		Epochs: or(o.Epochs, t.epochs), Batch: t.batchSize(o),
		Parameters: all, TrainSamples: t.train.Len(),
		Metrics: Figures{}, Article: t.article, Headlines: t.headlines, Model: t.model,
	}
	for name, v := range t.measured {
		r.Metrics[name] = v
	}
	if t.note != "" {
		r.Notes = append(r.Notes, t.note)
	}
	if t.test != nil {
		r.TestSamples = t.test.Len()
	}
	if r.Article == nil {
		r.Article = Figures{}
	}
	return r
}

// join makes one report of a story.
func join(reports []*Report) *Report {
	if len(reports) == 1 {
		return reports[0]
	}
	r := *reports[0]
	r.Variant, r.Model, r.History, r.Variants = "", nil, nil, reports
	r.Metrics, r.Article, r.Seconds, r.Epochs, r.Parameters = Figures{}, Figures{}, 0, 0, 0
	r.Notes, r.Headlines, r.Pictures, r.Tables, r.seen = nil, nil, nil, nil, 0
	r.Planned = 0
	for _, v := range reports {
		for _, n := range v.Notes {
			if !slices.Contains(r.Notes, n) {
				r.Notes = append(r.Notes, n)
			}
		}
		r.Seconds += v.Seconds
		r.Epochs += v.Epochs
		r.Planned += cmp.Or(v.Planned, v.Epochs)
		if v.Stopped != "" {
			r.Stopped = v.Variant + ": " + v.Stopped
		}
		r.Parameters += v.Parameters
		r.seen += v.seen
		for name, value := range v.Metrics {
			r.Metrics[v.Variant+"/"+name] = value
		}
		for name, value := range v.Article {
			r.Article[v.Variant+"/"+name] = value
		}
		for _, name := range v.Headlines {
			r.Headlines = append(r.Headlines, v.Variant+"/"+name)
		}
	}
	if r.Stopped == "" {
		r.Planned = 0
	}
	if r.Seconds > 0 {
		r.SamplesPerSecond = math.Round(float64(r.seen) / r.Seconds)
	}
	return &r
}

// took counts the time of a training.
func (r *Report) took(h *keraslike.History, samples int) {
	for _, s := range h.Seconds {
		r.Seconds += s
	}
	r.seen += samples * h.Epochs()
	if r.Seconds > 0 {
		r.SamplesPerSecond = math.Round(float64(r.seen) / r.Seconds)
	}
}

// trained takes the last value of every series of the training.
func (r *Report) trained(h *keraslike.History) {
	r.History, r.Epochs = h, h.Epochs()
	r.took(h, r.TrainSamples)
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

// measure evaluates the model on data; the names of its figures begin with prefix.
func (r *Report) measure(ctx context.Context, prefix string, data keraslike.Source) error {
	logs, err := r.Model.Evaluate(ctx, data, keraslike.BatchSize(r.Batch))
	if err != nil {
		return err
	}
	for _, l := range logs {
		r.Metrics[prefix+l.Name] = l.Value
	}
	return nil
}

// Headline are the names of the figures to show first: those of a story's table,
// or all of a single model.
func (r *Report) Headline() []string {
	if len(r.Variants) == 0 || len(r.Headlines) == 0 {
		return r.Names()
	}
	return r.Headlines
}

// direction says which way a figure is better.
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
	return false, true // as for the error of a guess, or the probability of a photo's class
}

// Names are the names of all figures, measured or the article's, in order.
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
