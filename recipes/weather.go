// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

// forecast is the task of projects 9 and 10: from ten days of weather to the
// temperature a day later.
type forecast struct {
	series            *datasets.Series // in physical units
	origin            datasets.Origin
	train, validation *datasets.Windows
	drawn             datasets.Source // an epoch's windows of train
	steps, columns    int             // of one window
	naive             float64         // error on the validation windows of "as warm as now"
	mean, deviation   float64         // of the temperature, in degrees Celsius
	short             bool            // a sample's training, of seconds
	note              string
}

// The numbers of the article; rows are ten minutes apart.
const (
	temperatureColumn = 1
	lookback          = 1440 // ten days
	delay             = 144  // a day
	trainRows         = 200_000
	validationEnd     = 300_000
	jenaRows          = 420_551
	stepsPerEpoch     = 500
	weatherBatch      = 128
)

// A sample's training is one of seconds: windows of five days, fewer updates in an
// epoch, and validation windows that lie further apart.
const (
	shortLookback = 720
	shortSteps    = 40
	shortStride   = 72
)

// weather cuts the series into windows with every step-th row. The columns are
// standardised by the training rows. A series of other length is divided in the
// same proportions. Where the full data is asked for and cannot be had, the
// generated series takes its place, with the article's number of updates.
func weather(ctx context.Context, o Options, step int) (*forecast, error) {
	w := &forecast{}
	var err error
	if w.series, err = datasets.Jena(ctx, o.Data); err != nil {
		if o.Data.Source != datasets.Full || ctx.Err() != nil {
			return nil, err
		}
		w.note = fmt.Sprintf("The measured series could not be had: %v. ", err)
		if w.series, err = datasets.Jena(ctx, datasets.From{Source: datasets.Sample}); err != nil {
			return nil, err
		}
	}
	w.origin = w.series.Origin()
	if w.origin.Kind == datasets.Sample {
		w.note += "The series is a generated one: none of its figures can be held against the article’s."
		if w.short = o.Data.Source != datasets.Full; w.short {
			w.note += " Windows are of five days, not ten, and updates few."
		}
	}
	part := func(rows int) int { return int(float64(w.series.Len()) * float64(rows) / jenaRows) }
	train, valid := part(trainRows), part(validationEnd)
	past := lookback
	if w.short {
		past = shortLookback
	}
	if valid <= train+1+past { // an excerpt of some weeks
		valid = w.series.Len() - delay
	}
	scaled, scaler, err := w.series.Normalised(0, train)
	if err != nil {
		return nil, err
	}
	w.columns, w.mean, w.deviation = len(scaled.Columns), scaler.Shift[temperatureColumn], scaler.Scale[temperatureColumn]
	window := datasets.Window{Lookback: past, Step: step, Delay: delay, Target: temperatureColumn, End: train}
	if w.train, err = datasets.NewWindows(scaled.Table, window); err != nil {
		return nil, err
	}
	window.First, window.End = train+1, valid
	epoch := stepsPerEpoch * weatherBatch
	if w.short {
		epoch, window.Stride = shortSteps*weatherBatch, shortStride
	}
	if w.validation, err = datasets.NewWindows(scaled.Table, window); err != nil {
		return nil, err
	}
	if w.drawn, err = datasets.Resample(w.train, epoch, o.Seed); err != nil {
		return nil, err
	}
	w.steps = past / step
	w.naive = w.validation.Naive()
	return w, nil
}

// training is what all models of the task have in common; article holds the
// figures that are shown where the series is the measured one.
func (w *forecast) training(article Figures) training {
	t := training{
		optimizer:  keraslike.RMSprop(0.001),
		loss:       keraslike.MeanAbsoluteError,
		metrics:    []keraslike.MetricFunc{keraslike.MAE},
		origin:     w.origin,
		train:      w.drawn,
		validation: w.validation,
		epochs:     20, batch: weatherBatch,
		measured:  Figures{"naive_mae": w.naive, "naive_celsius": w.naive * w.deviation},
		headlines: []string{"best_val_loss"},
		note:      w.note,
		show:      w.show,
	}
	if w.series.Len() == jenaRows && w.origin.Kind != datasets.Sample {
		article["naive_mae"] = 0.2897
		t.article = article
	}
	if w.short {
		t.epochs = 3
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
