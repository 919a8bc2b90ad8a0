// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// The models of Temperature.
var temperatureVariants = []string{"dense", "gru", "gru_norm", "gru_stacked"}

// Temperature is project 9: how warm will it be tomorrow at this hour? The input is ten
// days of fourteen measurements, one an hour; the error is the mean absolute error, in
// standard deviations of the temperature.
//
// The baseline is the naive prediction, "as warm as now": 0.2897 in the article.
// A dense network does not reach it (0.3041 at best): flattened, the hours have
// lost their order. A GRU reads them in sequence and gets to 0.2627; a
// penalty on its recurrent weights with normalization (0.2641) and a second GRU
// (0.2626) change little.
//
// The losses of the last two include the penalty; "best_val_mae" is the error alone.
//
// Differences: the article sets 120,551 rows aside for a test and never runs
// it. Here the weights of the best epoch are kept and tested on them. The article
// measures all 98,432 validation windows after each epoch; windows ten minutes apart
// share 239 of 240 rows almost exactly, so here the curves are of windows
// an hour apart, and all are measured once, with the weights of the best epoch.
//
// Without the full file the series is a generated one, which the article's figures do
// not apply to: none is shown.
func Temperature(ctx context.Context, o Options) (*Report, error) {
	o, err := o.check("temperature", temperatureVariants)
	if err != nil {
		return nil, err
	}
	w, err := loadWeather(ctx, o, 6) // every sixth row: one an hour
	if err != nil {
		return nil, fmt.Errorf("temperature: %w", err)
	}
	epochs := 20
	if w.short {
		epochs = 5
	}

	r, err := o.each("temperature", temperatureVariants, func(variant string) (*Report, error) {
		model := temperatureModel(variant, w.steps, w.columns)
		if err := model.Compile(k.RMSprop(0.001), k.MeanAbsoluteError, k.MAE, k.Seed(o.Seed)); err != nil {
			return nil, err
		}
		r := &Report{
			Recipe: "temperature", Variant: variant, Model: model, TrainSamples: w.train.Len(),
			Epochs: o.epochs(epochs), Batch: o.batch(weatherBatch, w.train.Len(), 0),
			Headlines: temperatureHeadlines[variant], Article: w.article(temperatureArticle[variant]),
		}
		if err := r.begin(o, w.origin); err != nil {
			return r.stopped(err)
		}
		w.baseline(r)
		best := callbacks.EarlyStopping("val_loss", callbacks.Patience(r.Epochs), callbacks.RestoreBest) // stops nothing, keeps the best weights
		history, err := model.Fit(ctx, w.train, k.Epochs(r.Epochs), k.BatchSize(r.Batch), k.Validation(w.hourly), k.Callbacks(best, o.Progress))
		if r.trained(history); err != nil {
			return r.stopped(err)
		}
		scores, err := model.Evaluate(ctx, w.validation, k.BatchSize(r.Batch))
		if r.scored("best_val_", scores); err != nil {
			return r.stopped(err)
		}
		if w.test != nil {
			scores, err := model.Evaluate(ctx, w.test, k.BatchSize(r.Batch))
			if r.scored("test_", scores); err != nil {
				return r.stopped(err)
			}
		}
		w.compare(r)
		if err := w.drawPrediction(ctx, r); err != nil {
			return r.stopped(err)
		}
		return r, nil
	})
	if err != nil {
		return r, err
	}
	if err := w.drawSeries(r); err != nil {
		return r, fmt.Errorf("temperature: %w", err)
	}
	return r, nil
}

// temperatureArticle are the article's figures.
var temperatureArticle = map[string]Figures{
	"dense":       {"loss": 0.2012, "val_loss": 0.3366, "best_val_loss": 0.3041},
	"gru":         {"loss": 0.2078, "val_loss": 0.3014, "best_val_loss": 0.2627},
	"gru_norm":    {"loss": 0.2767, "val_loss": 0.2672, "best_val_loss": 0.2641},
	"gru_stacked": {"loss": 0.2478, "val_loss": 0.2714, "best_val_loss": 0.2626},
}

// temperatureHeadlines are the figures to compare; "best_val_mae" is without the penalty.
var temperatureHeadlines = map[string][]string{
	"dense":       {"naive_mae", "naive_test_mae", "best_val_loss", "test_mae"},
	"gru":         {"best_val_loss", "test_mae"},
	"gru_norm":    {"best_val_loss", "test_mae", "best_val_mae"},
	"gru_stacked": {"best_val_loss", "test_mae", "best_val_mae"},
}

// temperatureModel returns the article's four models.
func temperatureModel(variant string, steps, columns int) *k.Model {
	in, l2 := k.Input(steps, columns), k.RecurrentRegularizer(k.L2(0.01))
	switch variant {
	case "dense":
		return k.Sequential("temperature_dense", in,
			k.Flatten(),
			k.Dense(32, k.ReLU),
			k.Dense(1),
		)
	case "gru_norm":
		return k.Sequential("temperature_gru_norm", in,
			k.GRU(32, l2),
			k.BatchNormalization(),
			k.Dense(1),
		)
	case "gru_stacked":
		return k.Sequential("temperature_gru_stacked", in,
			k.GRU(32, l2, k.ReturnSequences),
			k.GRU(64, l2),
			k.Dense(1),
		)
	}
	return k.Sequential("temperature_gru", in,
		k.GRU(32),
		k.Dense(1),
	)
}
