// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
)

// drawPrediction draws ten days of the validation rows, hour by hour: what was
// measured, what the model said of it the day before, and what it was the day
// before, the naive prediction.
func (w *forecast) drawPrediction(r *Report) error {
	out, err := r.Model.PredictSource(context.Background(), w.pictured)
	if err != nil {
		return err
	}
	said := out[0].Values()
	var times []time.Time
	measured := viz.Line{Name: "measured"}
	model := viz.Line{Name: "predicted a day ahead"}
	naive := viz.Line{Name: "same as a day before"}
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
	return r.show("prediction", fmt.Sprintf("Part of the validation rows. Over all of them, the naive prediction is off by %.2f °C on average; this model, after its best epoch, by %.2f °C.",
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
	if err := draw("series", "The whole series", strings.TrimSpace(fmt.Sprintf("One value every %s. %s", interval(10*every), w.note)), w.series.Len(), every); err != nil {
		return err
	}
	if err := draw("tendays", "The first ten days", "What the article’s networks see before they predict: the daily cycle, and on top of it air masses that stay for days.", lookback, 1); err != nil {
		return err
	}
	f, err := viz.Correlation("Correlation", w.series.Columns, w.series.Correlation())
	return r.show("correlation", "The columns of the series. Several are the same quantity in other units, such as temperature and potential temperature.", f, err)
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
