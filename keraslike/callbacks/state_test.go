// SPDX-License-Identifier: Apache-2.0

package callbacks_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// scores puts numbers of its own into the logs, as "val_score".
func scores(values ...float64) keraslike.Callback {
	at := 0
	return keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e == keraslike.EpochEnd {
			tr.Logs = append(tr.Logs, keraslike.Log{Name: "val_score", Value: values[at]})
			at++
		}
		return nil
	})
}

// TestSecondFit: as in Keras (callbacks/model_checkpoint.py has no on_train_begin, those of
// early_stopping.py and reduce_lr_on_plateau.py reset) what ModelCheckpoint has found best
// stays over calls of Fit, while EarlyStopping and ReduceLROnPlateau start anew.
func TestSecondFit(t *testing.T) {
	data, dir := blobs(20, 1), t.TempDir()
	checkpoint := callbacks.ModelCheckpoint(filepath.Join(dir, "{epoch}-{val_score}"), callbacks.SaveBestOnly("val_score"), callbacks.Min)
	threshold := callbacks.ModelCheckpoint(filepath.Join(dir, "below-{val_score}"), callbacks.SaveBestOnly("val_score"), callbacks.Min, callbacks.InitialValueThreshold(3))
	stopping := callbacks.EarlyStopping("val_score", callbacks.Min, callbacks.Patience(2))
	plateau := callbacks.ReduceLROnPlateau("val_score", callbacks.Min, callbacks.Patience(2), callbacks.Factor(0.5))
	m := toyModel(t)
	given := scores(5, 2, 4, 3, 1)
	fit := func(epochs int) int {
		h, err := m.Fit(t.Context(), data, keraslike.Epochs(epochs), keraslike.Callbacks(given, checkpoint, threshold, stopping, plateau))
		if err != nil {
			t.Fatal(err)
		}
		return h.Epochs()
	}
	if fit(3) != 3 || fit(2) != 2 || callbacks.StoppedEpoch(stopping) != 0 || callbacks.BestEpoch(stopping) != 2 {
		t.Errorf("stopped after %d, best %d, want 0 and 2 of the second Fit", callbacks.StoppedEpoch(stopping), callbacks.BestEpoch(stopping))
	}
	if rate := m.Progress().Rate; rate != 0.01 {
		t.Errorf("rate %v, want that of Compile: no Fit has waited for two epochs", rate)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	if want := []string{"1-5.0000", "2-1.0000", "2-2.0000", "below-1.0000", "below-2.0000"}; !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
}

// TestBestOfBatches: with EveryBatches the best is looked for after batches, too, and a
// worse batch overwrites nothing.
func TestBestOfBatches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "best")
	var seen []float64
	var epochs int
	watch := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if v, ok := tr.Logs.Lookup("loss"); ok && (e == keraslike.BatchEnd || e == keraslike.EpochEnd) {
			seen = append(seen, v)
		}
		return nil
	})
	checkpoint := callbacks.ModelCheckpoint(path, callbacks.SaveBestOnly("loss"), callbacks.Max, callbacks.EveryBatches(1))
	if _, err := toyModel(t).Fit(t.Context(), blobs(40, 1), keraslike.BatchSize(8), keraslike.Epochs(3), keraslike.Callbacks(watch, checkpoint)); err != nil {
		t.Fatal(err)
	}
	best := slices.Index(seen, slices.Max(seen))
	epochs = best / 6 // five batches and the end
	saved, err := keraslike.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if p := saved.Progress(); p.Batches != epochs*5+min(best%6+1, 5) {
		t.Errorf("the file is of batch %d, the losses are %v", p.Batches, seen)
	}
}

// named is a model whose two outputs have the given names, with an error and a share of hits
// as metrics of each.
func named(t *testing.T, first, second string, metrics ...keraslike.CompileOption) (*keraslike.Model, error) {
	t.Helper()
	in := keraslike.Input(toyFeatures)
	head := func(name string) *keraslike.Tensor {
		return keraslike.Dense(1, keraslike.Sigmoid, keraslike.Name(name)).Apply(in)
	}
	m := keraslike.NewModel("m", []*keraslike.Tensor{in}, []*keraslike.Tensor{head(first), head(second)})
	return m, m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError, metrics...)
}

// TestAutoMode: which way is better is the metric's affair, not that of letters in the
// names of outputs; Keras asks the metric, too (callbacks/monitor_callback.py). Each number
// falls for three epochs; where smaller is better, training continues.
func TestAutoMode(t *testing.T) {
	own := keraslike.CustomRowMetric("account_error", func(p, t []float32) float64 { return float64(p[0]) })
	exact := keraslike.CustomRowMetric("accuracy", func(p, t []float32) float64 { return float64(p[0]) })
	metrics := []keraslike.CompileOption{
		keraslike.MAE, keraslike.BinaryAccuracy, keraslike.AUC(), keraslike.Precision(), keraslike.Recall(), keraslike.F1Score(), keraslike.R2Score(), keraslike.Cosine(),
		keraslike.RMSE, keraslike.BinaryCrossentropy, own, exact, keraslike.FalseNegatives(), keraslike.BinaryIoU(), keraslike.LossMetric(keraslike.Huber(1)),
	}
	for monitored, c := range map[string]callbacks.Mode{
		"loss": callbacks.Min, "val_loss": callbacks.Min,
		"accident_loss": callbacks.Min, "val_accident_loss": callbacks.Min, "val_precision_loss": callbacks.Min,
		"accident_mae": callbacks.Min, "val_precision_rmse": callbacks.Min, "val_accident_binary_crossentropy": callbacks.Min,
		"val_accident_binary_accuracy": callbacks.Max, "precision_auc": callbacks.Max, "val_accident_precision": callbacks.Max, "precision_recall": callbacks.Max,
		"val_precision_f1_score": callbacks.Max, "accident_r2_score": callbacks.Max, "val_precision_cosine_similarity": callbacks.Max, "accident_accuracy": callbacks.Max,
		"val_accident_account_error": "", "precision_account_error": "", "score": "", "val_my_accuracy": "",
		"val_accident_false_negatives": callbacks.Min, "precision_binary_io_u": callbacks.Max, "accident_huber": callbacks.Min,
		"val_accuracy": callbacks.Max, "auc": callbacks.Max, "val_mae": callbacks.Min, // of a callback, by their whole names
	} {
		m, err := named(t, "accident", "precision", metrics...)
		if err != nil {
			t.Fatal(err)
		}
		value := 3.0
		falls := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			if e == keraslike.EpochEnd {
				tr.Logs = keraslike.Logs{{Name: monitored, Value: value}}
				value--
			}
			return nil
		})
		s := callbacks.EarlyStopping(monitored)
		h, err := m.Fit(t.Context(), twoTargets(), keraslike.Epochs(3), keraslike.Callbacks(falls, s))
		switch {
		case c == "":
			wantError(t, err, "early stopping: whether a larger or a smaller \""+monitored+"\" is better is unknown", "pass Min or Max")
		case err != nil:
			t.Error(err)
		case (h.Epochs() == 3) != (c == callbacks.Min):
			t.Errorf("%s: %d epochs while it fell, want it better when %s", monitored, h.Epochs(), c)
		}
	}
	for _, names := range [][2]string{{"loss", "auction"}, {"val_x", "y"}, {"val_val", "loss_2"}} {
		m, err := named(t, names[0], names[1], keraslike.MAE)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{names[0] + "_loss", "val_" + names[1] + "_mae"} {
			if _, err := m.Fit(t.Context(), twoTargets(), keraslike.ValidationSplit(0.5), keraslike.Callbacks(callbacks.ReduceLROnPlateau(name))); err != nil {
				t.Errorf("outputs %q: %v", names, err)
			}
		}
	}
	_, err := named(t, "x", "val_x")
	wantError(t, err, `two series would be named "val_x_loss"`)
}

// twoTargets are ten samples with two numbers each to predict.
func twoTargets() rows {
	r := rows{make([]float32, 10*toyFeatures), make([]float32, 10), 2}
	for i := range r.x {
		r.x[i] = float32(i%7) / 7
	}
	for i := range r.y {
		r.y[i] = float32(i % 2)
	}
	return r
}

// TestCheckpointPaths: numbers as Python's str.format writes them (Python 3.11), and every
// path that would be a literal name is rejected, where the model's own series tell it before
// anything is trained.
func TestCheckpointPaths(t *testing.T) {
	fit := func(path string, options ...callbacks.ModelCheckpointOption) (string, error) {
		dir, began := t.TempDir(), false
		given := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			began = began || e == keraslike.EpochBegin
			if e == keraslike.EpochEnd {
				tr.Logs = append(tr.Logs, keraslike.Log{Name: "x", Value: 12.34567}, keraslike.Log{Name: "small", Value: -0.00001234}, keraslike.Log{Name: "nan", Value: math.NaN()}, keraslike.Log{Name: "inf", Value: math.Inf(-1)}, keraslike.Log{Name: "zero"})
			}
			return nil
		})
		_, err := toyModel(t).Fit(t.Context(), blobs(20, 1), keraslike.Callbacks(given, callbacks.ModelCheckpoint(filepath.Join(dir, path), options...)))
		files, _ := os.ReadDir(dir)
		if err != nil && len(files) > 0 {
			t.Errorf("%s: error %v and files %v", path, err, files)
		}
		if err == nil && len(files) == 1 {
			return files[0].Name(), nil
		}
		return "", err
	}
	for path, want := range map[string]string{
		"w.{epoch:02d}-{x:.2f}":           "w.01-12.35",
		"{epoch}-{x}":                     "1-12.3457",
		"{epoch:d}{epoch:3}{epoch:<3}|":   "1  11  |",
		"{epoch:04}_{epoch:.1f}_{batch}":  "0001_1.0_1",
		"{x:8.2f}{x:<8.2f}{x:^9.2f}|":     "   12.3512.35     12.35  |",
		"{x:08.2f}{small:08.1e}{x:+.0f}":  "00012.35-1.2e-05+12",
		"{x:*>9.2e}{x:.3}{x:.1}{small:g}": "*1.23e+0112.31e+01-1.234e-05",
		"{x:.1%}{x:E}{x:.3g}{nan:.2f}":    "1234.6%1.234567E+0112.3nan",
		"{nan:%}{nan:+E}{inf:G}{inf:6f}":  "nan%+NAN-INF  -inf",
		"{zero:.1}{zero:.2}{zero:g}":      "0e+000.00",
		"{{epoch}}-{{{epoch}}}":           "{epoch}-{1}",
		"no placeholder":                  "no placeholder",
		"e{epoch}/in/w":                   "e1",
	} {
		if got, err := fit(path); err != nil || got != want {
			t.Errorf("%s: file %q, %v; want %q", path, got, err, want)
		}
	}
	for path, want := range map[string]string{
		"{epoch":         "an unmatched brace",
		"epoch}":         "an unmatched brace",
		"{epoch{x}}":     "an unmatched brace",
		"{}":             "placeholder {}: want a name",
		"{:02d}":         "placeholder {:02d}: want a name",
		"{epoch:02q}":    "placeholder {epoch:02q}",
		"{epoch:.3d}":    "placeholder {epoch:.3d}",
		"{epoch:.3}":     "epoch is an integer and has no precision",
		"{loss:02d}":     "loss is not an integer",
		"{x:d}":          "x is not an integer",
		"{epoch!r}":      `there is no "epoch!r"`,
		"{val_acc}":      `there is no "val_acc", want epoch, batch or one of ["loss" "accuracy" "x" "small" "nan" "inf" "zero"]`,
		"{Epoch}-{loss}": `there is no "Epoch"`,
	} {
		_, err := fit(path)
		wantError(t, err, "checkpoint: path ", want)
	}
	_, err := fit("{val_loss}", callbacks.EveryBatches(1))
	wantError(t, err, `there is no "val_loss", want epoch, batch or one of ["loss" "accuracy"]`)

	for path, options := range map[string][]callbacks.ModelCheckpointOption{
		"w.{epoch:02d}-{val_acc}": nil, "{val_loss}": nil, "{val_accuracy:.2f}": {callbacks.EveryBatches(1)},
		"best":    {callbacks.EveryBatches(1), callbacks.SaveBestOnly("val_loss"), callbacks.Auto},
		"initial": {callbacks.InitialValueThreshold(1)},
	} {
		m := toyModel(t)
		var fitted []keraslike.FitOption
		if path != "{val_loss}" {
			fitted = append(fitted, keraslike.ValidationSplit(0.5))
		}
		_, err := m.Fit(t.Context(), blobs(20, 1), append(fitted, keraslike.Callbacks(callbacks.ModelCheckpoint(filepath.Join(t.TempDir(), path), options...)))...)
		if err == nil || !strings.Contains(err.Error(), "checkpoint: ") || m.Progress().Batches != 0 {
			t.Errorf("%s: error %v after %d batches, want one before any", path, err, m.Progress().Batches)
		}
	}
}
