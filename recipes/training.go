// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// training is one model of a recipe, from its first weights to its test.
type training struct {
	recipe, variant string
	model           *keraslike.Model
	optimizer       keraslike.Optimizer
	loss            keraslike.Loss
	metrics         []keraslike.Metric
	origin          datasets.Origin
	train           keraslike.Source
	validation      keraslike.Source // nil for none
	best            keraslike.Source // measures the weights of the best epoch, which are then kept; nil keeps the last
	test            keraslike.Source // nil for none
	epochs, batch   int              // the article's
	samples         int              // the article's number of training samples
	article         Figures
	headlines       []string // the figures of the story's table
	measured        Figures  // before the training, for the report
	lastRate        float64  // the learning rate of the last epoch; 0 for that of the others
	note            string   // what differs from the article, and why
	ended           string   // the same, of what is true once the training has come to its end
	features        int      // of a sample, where the recipe needs to know
	final           *final   // nil for none
	// show takes pictures and tables into the report once the model is trained and
	// tested; nil for none.
	show func(r *Report) error
}

// final is the training of the model that a recipe keeps, once the validation
// curves of another have told for how many epochs: from scratch, on the
// validation samples as well, which nothing need be held back for any more
// (Chollet, Deep Learning with Python, 4.2). The test is the final model's; that
// of the first is reported as "part_test_...".
type final struct {
	model     *keraslike.Model
	optimizer keraslike.Optimizer // nil for that of the first
	train     keraslike.Source
	test      keraslike.Source // nil for that of the first
	epochs    int
	note      string // what else differs from the article
}

// said is the note on a final model that was trained for some epochs.
func (f *final) said(epochs int) string {
	return strings.TrimSpace(fmt.Sprintf("The model that is kept and tested was trained anew on all %s for %s, once validation had shown when to stop; the article tests the model that has not seen the validation samples, as the part_test figures do. %s",
		text.Count(f.train.Len(), "sample"), text.Count(epochs, "epoch"), f.note))
}

// lastRateNote stands where the last epoch was trained at lastRate.
const lastRateNote = "Unlike the article's, the last epoch is trained at a tenth of the learning rate, which takes the noise of the last batches out of the result."

// batchSize is the article's, or fewer for a sample, so that an epoch has about
// as many updates as with the full data.
func (t training) batchSize(o Options) int {
	if o.Batch > 0 || t.samples <= t.train.Len() {
		return or(o.Batch, t.batch)
	}
	return min(t.batch, max(16, t.batch*t.train.Len()/t.samples))
}

// train compiles, trains and tests. When the training is stopped or fails, the report of
// what was done comes with the error.
func (o Options) train(ctx context.Context, t training) (*Report, error) {
	if err := o.compile(t.model, t); err != nil {
		return nil, err
	}
	if o.Start != nil {
		if err := o.Start(t.model, t.origin); err != nil {
			return nil, err
		}
	}
	r := newReport(t, o)
	r.Planned = r.Epochs
	h, err := t.model.Fit(ctx, t.train, o.fit(t, r.Planned, r.Batch)...)
	if h == nil {
		return nil, err
	}
	r.trained(h)
	if err != nil {
		r.ended(err)
		return r, err
	}
	if err := o.complete(ctx, t, r); err != nil {
		r.ended(err)
		return r, err
	}
	r.Planned = 0
	return r, nil
}

// complete tests the model that was trained, and what comes after it.
func (o Options) complete(ctx context.Context, t training, r *Report) error {
	if t.lastRate > 0 && r.Epochs > 1 {
		r.Notes = append(r.Notes, lastRateNote)
	}
	if t.best != nil {
		if err := r.measure(ctx, "best_val_", t.best); err != nil {
			return err
		}
	}
	if t.test != nil {
		if err := r.measure(ctx, "test_", t.test); err != nil {
			return err
		}
	}
	if t.final != nil {
		if err := o.finish(ctx, t, r); err != nil {
			return err
		}
	}
	if t.ended != "" {
		r.Notes = append(r.Notes, t.ended)
	}
	if t.show != nil {
		return t.show(r)
	}
	return nil
}

// finish trains and tests the final model.
func (o Options) finish(ctx context.Context, t training, r *Report) error {
	for name, v := range r.Metrics {
		if strings.HasPrefix(name, "test_") {
			delete(r.Metrics, name)
			r.Metrics["part_"+name] = v
		}
	}
	if t.final.optimizer != nil {
		t.optimizer = t.final.optimizer
	}
	if t.final.test != nil {
		t.test = t.final.test
	}
	if err := o.compile(t.final.model, t); err != nil {
		return err
	}
	o.say("the final model, trained anew on all %s:", text.Count(t.final.train.Len(), "sample"))
	t.validation = nil
	h, err := t.final.model.Fit(ctx, t.final.train, o.fit(t, or(o.Epochs, t.final.epochs), r.Batch)...)
	r.took(h, t.final.train.Len())
	if err != nil {
		return err
	}
	r.Model = t.final.model
	r.Notes = append(r.Notes, t.final.said(h.Epochs()))
	return r.measure(ctx, "test_", t.test)
}

func (o Options) compile(m *keraslike.Model, t training) error {
	options := []keraslike.CompileOption{keraslike.Seed(o.Seed)}
	for _, m := range t.metrics {
		options = append(options, m)
	}
	return m.Compile(t.optimizer, t.loss, options...)
}

func (o Options) fit(t training, epochs, batch int) []keraslike.FitOption {
	fit := []keraslike.FitOption{keraslike.Epochs(epochs), keraslike.BatchSize(batch)}
	if t.validation != nil {
		fit = append(fit, keraslike.Validation(t.validation))
	}
	if t.best != nil {
		fit = append(fit, keraslike.Callbacks(callbacks.EarlyStopping("val_loss", callbacks.Patience(epochs), callbacks.RestoreBest)))
	}
	if t.lastRate > 0 {
		fit = append(fit, keraslike.Callbacks(settle(t.lastRate)))
	}
	if o.Progress != nil {
		fit = append(fit, keraslike.Callbacks(o.Progress))
	}
	return fit
}

// settle lowers the learning rate for the last epoch. At a constant rate the
// weights end where the noise of the last batches has put them.
func settle(rate float64) keraslike.Callback {
	return keraslike.CallbackFunc(func(e keraslike.Event, t *keraslike.Training) error {
		if e == keraslike.EpochBegin && t.Epoch == t.Epochs && t.Epochs > 1 {
			t.Rate = rate
		}
		return nil
	})
}

// story runs the wanted trainings one after another. make builds each when its
// turn comes. Whatever ends a story, the report of what was trained comes with the error.
func (o Options) story(ctx context.Context, recipe string, variants []string, make func(variant string) (training, error)) (*Report, error) {
	if o.Variant != "" {
		variants = []string{o.Variant}
	}
	var reports []*Report
	for i, v := range variants {
		o.announce(variants, i)
		t, err := make(v)
		var r *Report
		if err == nil {
			t.recipe, t.variant = recipe, v
			r, err = o.train(ctx, t)
		}
		if r != nil {
			reports = append(reports, r)
		}
		switch {
		case err == nil:
			continue
		case len(reports) == 0:
			return nil, err
		}
		all := join(reports)
		if r == nil {
			all.Stopped = v + ": " + err.Error()
		}
		if rest := variants[i+1:]; len(rest) > 0 {
			all.Stopped += "; not started: " + strings.Join(rest, ", ")
		}
		return all, err
	}
	return join(reports), nil
}

// announce says which model of several is next.
func (o Options) announce(variants []string, i int) {
	if len(variants) > 1 {
		o.say("model %d of %d, %s:", i+1, len(variants), variants[i])
	}
}
