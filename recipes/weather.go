// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
)

// weather is the Jena climate series cut into windows: from ten days of measurements
// to the temperature a day later.
type weather struct {
	series           *datasets.Series // in physical units
	origin           datasets.Origin
	train            datasets.Source   // an epoch's windows of the training rows, drawn at random
	hourly           *datasets.Windows // an hour apart, to validate after each epoch
	validation, test *datasets.Windows // all of their rows; test is nil for an excerpt of some weeks
	pictured         *datasets.Windows // ten days of the validation rows, an hour apart
	steps, columns   int               // of one window
	naive, naiveTest float64           // errors of the baseline, "as warm as now", on all these windows
	mean, deviation  float64           // of the temperature, in degrees Celsius
	short            bool              // the sample: a training of seconds
	note             string            // what differs from the article's series
	input            datasets.Columns  // makes windows of rows
	takes            string            // describes them
	output           Quantity
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

// The sample trains in seconds: windows of five days, fewer updates in an epoch, and
// validation and test windows half a day apart.
const (
	shortLookback = 720
	shortSteps    = 40
	shortStride   = 72
)

// loadWeather cuts the series into windows with every step-th row. The columns are
// standardized by the training rows. A series of other length is divided in the
// same proportions. Where the full data is asked for and not available, a generated
// series of eight years replaces it, with the article's number of updates.
func loadWeather(ctx context.Context, o Options, step int) (*weather, error) {
	w := &weather{}
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
	w.input = datasets.Columns{Names: scaled.Columns, Scaler: scaler, Steps: w.steps}
	w.takes = fmt.Sprintf("%s of weather, %s apart, the oldest first", text.Count(w.steps, "row"), text.Count(10*step, "minute"))
	w.output = Quantity{"temperature in a day", "°C", w.deviation, w.mean}
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
	w.train, err = datasets.Resample(all, windows, o.Seed)
	return w, err
}

// load finds the series and notes what differs from the article's.
func (w *weather) load(ctx context.Context, o Options) (err error) {
	if w.series, err = datasets.Jena(ctx, o.Data); err != nil {
		here, _ := datasets.Find("jena")
		if o.Data.Source != datasets.Full || ctx.Err() != nil || here.Kind == datasets.Full {
			return err // a file that exists and is wrong is not replaced by a generated series
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

// article returns the article's figures where the series is the published one, and
// nil for any other.
func (w *weather) article(figures Figures) Figures {
	if w.series.Len() != jenaRows || w.origin.Kind == datasets.Sample || w.origin.Kind == datasets.Generated {
		return nil
	}
	figures = maps.Clone(figures)
	figures["naive_mae"] = 0.2897
	return figures
}

// baseline adds the errors of the naive prediction and what differs from the article's
// series to the report of a model that is to be trained.
func (w *weather) baseline(r *Report) {
	r.Metrics["naive_mae"], r.Metrics["naive_celsius"] = w.naive, w.naive*w.deviation
	if w.test != nil {
		r.Metrics["naive_test_mae"], r.TestSamples = w.naiveTest, w.test.Len()
	}
	if w.note != "" {
		r.Notes = append(r.Notes, w.note)
	}
}

// compare adds the error of a trained model in degrees Celsius and relative to the
// baseline.
func (w *weather) compare(r *Report) {
	mae := r.Metrics["best_val_mae"]
	r.Metrics["best_val_celsius"] = mae * w.deviation
	r.Metrics["gain_over_naive"] = 1 - mae/w.naive
	if !w.short {
		r.Notes = append(r.Notes, "After each epoch, the model is validated on windows an hour apart; the weights of the best epoch are kept and measured on all windows. The article measures all windows after each epoch, keeps the last weights and does not test.")
	}
}

// drawPrediction draws ten days of the validation rows, hour by hour: the measured
// temperature, the model's prediction of the day before, and the naive prediction, the
// temperature a day before.
func (w *weather) drawPrediction(ctx context.Context, r *Report) error {
	out, err := r.Model.PredictSource(ctx, w.pictured)
	if err != nil {
		return err
	}
	predicted := out[0].Values()
	var times []time.Time
	measured := viz.Line{Name: "measured"}
	model := viz.Line{Name: "predicted a day ahead"}
	naive := viz.Line{Name: "same as a day before"}
	for i := range predicted {
		rows, target := w.pictured.Rows(i)
		times = append(times, w.series.Times[target])
		measured.Y = append(measured.Y, w.temperature(target))
		model.Y = append(model.Y, float64(predicted[i])*w.deviation+w.mean)
		naive.Y = append(naive.Y, w.temperature(rows[len(rows)-1]))
	}
	title := "Predicted and measured"
	if r.Variant != "" {
		title += ": " + r.Variant
	}
	f, err := viz.TimeSeries(title, "temperature (°C)", times, measured, model, naive)
	return r.picture("prediction", fmt.Sprintf("Part of the validation rows. Over all of them, the naive prediction is off by %.2f °C on average; this model, after its best epoch, by %.2f °C.",
		r.Metrics["naive_celsius"], r.Metrics["best_val_celsius"]), f, err)
}

// temperature returns that of a row, in degrees Celsius.
func (w *weather) temperature(row int) float64 {
	return w.series.X[row*len(w.series.Columns)+temperatureColumn]
}

// drawSeries draws the temperature over all years and over the first ten days, and how
// the columns correlate.
func (w *weather) drawSeries(r *Report) error {
	draw := func(name, title, caption string, end, step int) error {
		var times []time.Time
		line := viz.Line{Name: "temperature"}
		for row := 0; row < min(end, w.series.Len()); row += step {
			times = append(times, w.series.Times[row])
			line.Y = append(line.Y, w.temperature(row))
		}
		f, err := viz.TimeSeries(title, "temperature (°C)", times, line)
		return r.picture(name, caption, f, err)
	}
	every := max(1, min(36, w.series.Len()/1000))
	if err := draw("series", "The whole series", strings.TrimSpace(fmt.Sprintf("One value every %s. %s", interval(10*every), w.note)), w.series.Len(), every); err != nil {
		return err
	}
	if err := draw("tendays", "The first ten days", "What the article’s networks see before they predict: the daily cycle, and on top of it air masses that stay for days.", lookback, 1); err != nil {
		return err
	}
	f, err := viz.Correlation("Correlation", w.series.Columns, w.series.Correlation())
	return r.picture("correlation", "The columns of the series. Several are the same quantity in other units, such as temperature and potential temperature.", f, err)
}

// interval writes a number of minutes, as hours where they are whole ones.
func interval(minutes int) string {
	switch {
	case minutes == 60:
		return "hour"
	case minutes%60 == 0:
		return text.Count(minutes/60, "hour")
	}
	return text.Count(minutes, "minute")
}
