// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
)

// parts are the rows of one training; no test rows means the test table. With
// whole, a final network is trained on the validation rows as well.
type parts struct {
	train, validation, test []int
	whole                   bool
}

func rows(first, end int) (list []int) {
	for i := first; i < end; i++ {
		list = append(list, i)
	}
	return list
}

// network is the article's: four hidden layers, each narrower than the one before.
func (b *boston) network(features int) *keraslike.Model {
	return keraslike.Sequential("boston",
		keraslike.Input(features),
		keraslike.Dense(128, keraslike.ReLU),
		keraslike.Dense(64, keraslike.ReLU),
		keraslike.Dense(16, keraslike.ReLU),
		keraslike.Dense(4, keraslike.ReLU),
		keraslike.Dense(1),
	)
}

// each trains a network on each of the parts and reports the means. Model and
// History are those of the last. Features may be a selection, in order.
func (b *boston) each(ctx context.Context, variant string, article Figures, list []parts, table, test *datasets.Table, features []int) (*Report, error) {
	var total *Report
	var runs [][]string
	var dead []string // networks that were drawn again
	for i, p := range list {
		t, err := b.prepare(p, table, test, features)
		if err != nil {
			return total, err
		}
		t.recipe, t.variant, t.article, t.headlines = "boston", variant, article, []string{"test_mae", "test_rmse"}
		o := b.o
		o.Seed += uint64(1000 * i) // networks of their own, the first with the seed given
		if i > 0 {
			o.Start = nil
		}
		name := variant
		if len(list) > 1 {
			name = fmt.Sprintf("%s, network %d of %d", variant, i+1, len(list))
			o.Progress = steps(o.Progress)
		}
		r, born, err := b.alive(ctx, o, t, name)
		if r == nil {
			return total, err
		}
		if born > 0 {
			dead = append(dead, fmt.Sprintf("%d (%s)", i+1, text.Count(born, "time")))
		}
		if mse, ok := r.Metrics["test_mse"]; ok {
			r.Metrics["test_rmse"] = math.Sqrt(mse)
		}
		if v, ok := r.Metrics["val_mae"]; ok {
			r.Metrics["gap_mae"] = math.Abs(r.Metrics["test_mae"] - v)
		}
		runs = append(runs, []string{fmt.Sprint(i + 1), fmt.Sprint(r.TrainSamples), figure(r.Metrics, "val_mae"), figure(r.Metrics, "test_mae"), figure(r.Metrics, "test_rmse")})
		if len(list) > 1 && err == nil {
			o.say("%s: %s, mae %s, test_mae %s", name, text.Count(r.Epochs, "epoch"), figure(r.Metrics, "mae"), figure(r.Metrics, "test_mae"))
		}
		r.Seed = b.o.Seed
		if len(list) > 1 {
			r.which = fmt.Sprintf("Network %d of %d. ", i+1, len(list))
		}
		total = mean(total, r, i)
		if err != nil {
			if len(list) > 1 {
				total.Stopped = fmt.Sprintf("network %d of %d: %s", i+1, len(list), total.Stopped)
			}
			return total, err
		}
	}
	if len(list) > 1 {
		total.tabulate(fmt.Sprintf("The %d networks, errors in thousands of dollars.", len(list)),
			[]string{"network", "training rows", "validation MAE", "test MAE", "test RMSE"}, runs, 1, 2, 3, 4)
	}
	if len(dead) > 0 {
		total.Notes = append(total.Notes, fmt.Sprintf("%s: some networks started out dead, with a last hidden layer that gave 0 for nearly every district, and were initialized again from another seed: network %s.", variant, strings.Join(dead, ", ")))
	}
	return total, nil
}

// steps hands on what happens within the epochs, for a live line, but not the end of
// each: one line for a network is enough where many are trained.
func steps(progress keraslike.Callback) keraslike.Callback {
	if progress == nil {
		return nil
	}
	return withinEpochs{progress}
}

type withinEpochs struct{ keraslike.Callback }

func (c withinEpochs) On(e keraslike.Event, t *keraslike.Training) error {
	if e == keraslike.EpochEnd {
		return nil
	}
	return c.Callback.On(e, t)
}

func (c withinEpochs) Finish(err error) {
	if f, ok := c.Callback.(keraslike.Finisher); ok {
		f.Finish(err)
	}
}

// figure is a measurement as a table shows it, a dash where there is none.
func figure(f Figures, name string) string {
	if v, ok := f[name]; ok {
		return fmt.Sprintf("%.4f", v)
	}
	return "–"
}

// alive trains until the network learns anything at all: the last hidden layer
// has four rectified units, and about one network in sixteen begins with all
// four at 0 for nearly every district, where the gradient is 0 as well. Its
// error stays above that of the best constant, the targets' variance. Such a
// network is drawn again; the article's happened to live.
func (b *boston) alive(ctx context.Context, o Options, t training, name string) (r *Report, dead int, err error) {
	spread, err := variance(t.train)
	if err != nil {
		return nil, 0, err
	}
	for {
		r, err = o.train(ctx, t)
		if err != nil || max(r.Metrics["mse"], r.Metrics["test_mse"]) < spread || dead == 100 {
			return r, dead, err
		}
		dead++
		o.Seed++
		b.o.say("%s: started out dead, its loss no better than that of a constant; trying again with seed %d", name, o.Seed)
		t.model = b.network(t.features)
		if t.final != nil {
			t.final.model = b.network(t.features)
		}
	}
}

// variance is that of a source's only target.
func variance(s datasets.Source) (float64, error) {
	y := make([]float32, s.Len())
	if err := s.Read(rows(0, s.Len()), nil, [][]float32{y}); err != nil {
		return 0, err
	}
	var sum, squares float64
	for _, v := range y {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(y))
	return squares/n - sum*sum/(n*n), nil
}

// mean takes report number i into the means of those before.
func mean(total, r *Report, i int) *Report {
	if total == nil {
		return r
	}
	for name, v := range r.Metrics {
		r.Metrics[name] = (total.Metrics[name]*float64(i) + v) / float64(i+1)
	}
	r.Seconds += total.Seconds
	r.seen += total.seen
	return r
}

// prepare standardises by the training rows alone.
func (b *boston) prepare(p parts, table, test *datasets.Table, features []int) (t training, err error) {
	if features != nil {
		if table, err = table.Select(features...); err != nil {
			return t, err
		}
		if test, err = test.Select(features...); err != nil {
			return t, err
		}
	}
	t = training{
		features:  len(table.Columns),
		model:     b.network(len(table.Columns)),
		optimizer: keraslike.RMSprop(0.001),
		lastRate:  0.0001,
		loss:      keraslike.MeanSquaredError,
		metrics:   []keraslike.Metric{keraslike.MAE, keraslike.MSE},
		origin:    b.train.Origin(),
		epochs:    20, batch: 4,
	}
	scaled, unseen, err := standardise(p.train, table, test)
	if err != nil {
		return t, err
	}
	if test != nil {
		t.test = unseen
	}
	if t.train, err = datasets.Subset(scaled, p.train); err != nil {
		return t, err
	}
	if p.validation != nil {
		if t.validation, err = datasets.Subset(scaled, p.validation); err != nil {
			return t, err
		}
	}
	if p.test != nil {
		t.test, err = datasets.Subset(scaled, p.test)
		return t, err
	}
	if p.whole {
		all, unseen, err := standardise(rows(0, table.Len()), table, test)
		if err != nil {
			return t, err
		}
		t.final = &final{model: b.network(t.features), train: all, test: unseen, epochs: t.epochs}
	}
	return t, nil
}

// standardise scales both tables to mean 0 and deviation 1 over some rows of the
// first. The second may be nil.
func standardise(by []int, table, test *datasets.Table) (scaled, unseen *datasets.Table, err error) {
	columns := len(table.Columns)
	var fitted []float64
	for _, i := range by {
		fitted = append(fitted, table.X[i*columns:(i+1)*columns]...)
	}
	scaler, err := datasets.StandardScaler(fitted, columns)
	if err != nil {
		return nil, nil, err
	}
	if scaled, err = table.Scaled(scaler); err != nil || test == nil {
		return scaled, nil, err
	}
	unseen, err = test.Scaled(scaler)
	return scaled, unseen, err
}
