// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

// forecast is the task of projects 9 and 10: from ten days of weather to the
// temperature a day later.
type forecast struct {
	series           *datasets.Series // in physical units
	origin           datasets.Origin
	drawn            datasets.Source   // an epoch's windows of the training rows
	hourly           *datasets.Windows // those that validate after each epoch
	validation, test *datasets.Windows // all of their rows; no test for an excerpt of some weeks
	pictured         *datasets.Windows // ten days of the validation rows, one window an hour
	steps, columns   int               // of one window
	naive, naiveTest float64           // error on all these windows of "as warm as now"
	mean, deviation  float64           // of the temperature, in degrees Celsius
	short            bool              // a sample's training, of seconds
	note             string
}

// The numbers of the article; rows are ten minutes apart.
const (
	temperatureColumn = 1
	lookback          = 1440 // ten days
	delay             = 144  // a day
	trainRows         = 200_000
	validationEnd     = 300_000
	jenaRows          = 420_551
	jenaYears         = 8
	stepsPerEpoch     = 500
	weatherBatch      = 128
)

const hour = 6 // rows

// A sample's training is one of seconds: windows of five days, fewer updates in an
// epoch, and validation and test windows that lie half a day apart.
const (
	shortLookback = 720
	shortSteps    = 40
	shortStride   = 72
)

// weather cuts the series into windows with every step-th row. The columns are
// standardised by the training rows. A series of other length is divided in the
// same proportions. Where the full data is asked for and cannot be had, a generated
// series of eight years takes its place, with the article's number of updates.
func weather(ctx context.Context, o Options, step int) (*forecast, error) {
	w := &forecast{}
	if err := w.load(ctx, o); err != nil {
		return nil, err
	}
	part := func(rows int) int { return int(float64(w.series.Len()) * float64(rows) / jenaRows) }
	train, valid := part(trainRows), part(validationEnd)
	past, every, windows := lookback, 1, stepsPerEpoch*weatherBatch
	if w.short {
		past, every, windows = shortLookback, shortStride, shortSteps*weatherBatch
	}
	excerpt := valid <= train+1+past
	if excerpt {
		valid = w.series.Len() - delay
	}
	scaled, scaler, err := w.series.Normalized(0, train)
	if err != nil {
		return nil, err
	}
	w.steps, w.columns = past/step, len(scaled.Columns)
	w.mean, w.deviation = scaler.Shift[temperatureColumn], scaler.Scale[temperatureColumn]
	cut := func(first, end, stride int) *datasets.Windows {
		if err != nil {
			return nil
		}
		var s *datasets.Windows
		s, err = datasets.NewWindows(scaled.Table, datasets.Window{Lookback: past, Step: step, Delay: delay, Target: temperatureColumn, First: first, End: end, Stride: stride})
		return s
	}
	all := cut(0, train, 1)
	w.hourly, w.validation = cut(train+1, valid, max(hour, every)), cut(train+1, valid, every)
	middle := (train + 1 + past + valid) / 2
	w.pictured = cut(middle-past, min(middle+lookback, valid), hour)
	if !excerpt {
		w.test = cut(valid+1, w.series.Len()-delay, every)
	}
	if err != nil {
		return nil, err
	}
	if w.naive = w.validation.NaiveMAE(); w.test != nil {
		w.naiveTest = w.test.NaiveMAE()
	}
	w.drawn, err = datasets.Resample(all, windows, o.Seed)
	return w, err
}

// load finds the series and says what it is.
func (w *forecast) load(ctx context.Context, o Options) (err error) {
	if w.series, err = datasets.Jena(ctx, o.Data); err != nil {
		here, _ := datasets.Find("jena")
		if o.Data.Source != datasets.Full || ctx.Err() != nil || here.Kind == datasets.Full {
			return err // a file that is there and wrong is no reason to make one up
		}
		o.say("the measured series is not available: %v", err)
		w.series = datasets.JenaLike(jenaYears, 1)
	}
	w.origin = w.series.Origin()
	w.short = w.origin.Kind == datasets.Sample
	if w.short || w.origin.Kind == datasets.Generated {
		w.note = "The series is generated, not measured: its figures cannot be compared with the article’s."
	}
	if w.short {
		w.note += " Windows span five days instead of ten, and there are few updates."
	}
	return nil
}

// training is what all models of the task have in common; article holds the
// figures that are shown where the series is the measured one.
//
// After each epoch windows an hour apart validate: those of the rows between, which
// the article takes as well, are nearly the same ones, in six times the time. The
// weights of the best epoch are kept, and measured on all windows.
func (w *forecast) training(article Figures) training {
	t := training{
		optimizer:  keraslike.RMSprop(0.001),
		loss:       keraslike.MeanAbsoluteError,
		metrics:    []keraslike.Metric{keraslike.MAE},
		origin:     w.origin,
		train:      w.drawn,
		validation: w.hourly,
		best:       w.validation,
		epochs:     20, batch: weatherBatch,
		measured:  Figures{"naive_mae": w.naive, "naive_celsius": w.naive * w.deviation},
		headlines: []string{"best_val_loss", "test_mae"},
		note:      w.note,
		show:      w.show,
	}
	if w.test != nil {
		t.test = w.test
		t.measured["naive_test_mae"] = w.naiveTest
	}
	if w.series.Len() == jenaRows && w.origin.Kind != datasets.Sample && w.origin.Kind != datasets.Generated {
		article["naive_mae"] = 0.2897
		t.article = article
	}
	if w.short {
		t.epochs = 5
	} else {
		t.ended = "After each epoch, the model is validated on windows an hour apart; the weights of the best epoch are kept and measured on all windows. The article measures all windows after each epoch, keeps the last weights and does not test."
	}
	return t
}

// show adds the errors in degrees Celsius and draws a stretch of the validation
// rows with what the model predicts for it.
func (w *forecast) show(r *Report) error {
	best := r.Metrics["best_val_mae"]
	r.Metrics["best_val_celsius"] = best * w.deviation
	r.Metrics["gain_over_naive"] = 1 - best/w.naive
	return w.drawPrediction(r)
}
