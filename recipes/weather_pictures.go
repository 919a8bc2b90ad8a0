// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
)

// drawPrediction draws ten days of the validation rows, hour by hour: what was
// measured, what the model said of it the day before, and what it was the day
// before, the naive prediction.
func (w *forecast) drawPrediction(r *Report) error {
	out, err := r.Model.PredictSource(w.pictured)
	if err != nil {
		return err
	}
	said := out[0].Float32s()
	var times []time.Time
	measured := viz.Line{Name: "measured"}
	model := viz.Line{Name: "predicted a day before"}
	naive := viz.Line{Name: "as warm as then"}
	for k := range said {
		rows, target := w.pictured.Rows(k)
		times = append(times, w.series.Times[target])
		measured.Y = append(measured.Y, w.temperature(target))
		model.Y = append(model.Y, float64(said[k])*w.deviation+w.mean)
		naive.Y = append(naive.Y, w.temperature(rows[len(rows)-1]))
	}
	title := "Predicted and measured"
	if r.Variant != "" {
		title += ": " + r.Variant
	}
	f, err := viz.TimeSeries(title, "temperature (°C)", times, measured, model, naive)
	return r.show("prediction", fmt.Sprintf("A part of the validation rows. Over all of them, the naive prediction is wrong by %.2f °C on average, this model, after its best epoch, by %.2f °C.",
		r.Metrics["naive_celsius"], r.Metrics["best_val_celsius"]), f, err)
}

// temperature of a row, in degrees Celsius.
func (w *forecast) temperature(row int) float64 {
	return w.series.X[row*len(w.series.Columns)+temperatureColumn]
}

// drawSeries draws the temperature over all years and over the first ten days,
// and how the columns go with each other.
func (w *forecast) drawSeries(r *Report) error {
	draw := func(name, title, caption string, end, step int) error {
		var times []time.Time
		line := viz.Line{Name: "temperature"}
		for row := 0; row < min(end, w.series.Len()); row += step {
			times = append(times, w.series.Times[row])
			line.Y = append(line.Y, w.temperature(row))
		}
		f, err := viz.TimeSeries(title, "temperature (°C)", times, line)
		return r.show(name, caption, f, err)
	}
	every := max(1, min(36, w.series.Len()/1000))
	if err := draw("series", "The whole series", strings.TrimSpace(fmt.Sprintf("One value in %s. %s", text.Count(10*every, "minute"), w.note)), w.series.Len(), every); err != nil {
		return err
	}
	if err := draw("tendays", "The first ten days", "As much as the article’s networks see before they predict. The day goes round, and on it lie air masses of some days.", lookback, 1); err != nil {
		return err
	}
	n := len(w.series.Columns)
	columns := make([][]float64, n)
	for i, v := range w.series.X {
		columns[i%n] = append(columns[i%n], v)
	}
	coefficients := make([][]float64, n)
	for a := range columns {
		for b := range columns {
			coefficients[a] = append(coefficients[a], stat.Correlation(columns[a], columns[b], nil))
		}
	}
	f, err := viz.Correlation("What goes with what", w.series.Columns, coefficients)
	return r.show("correlation", "The columns of the series. Several say the same in other units, as temperature and potential temperature.", f, err)
}
