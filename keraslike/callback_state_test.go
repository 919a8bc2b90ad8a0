// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
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
	data, dir := toyData(t, 20, 1), t.TempDir()
	checkpoint := keraslike.ModelCheckpoint(filepath.Join(dir, "{epoch}-{val_score}"), keraslike.SaveBestOnly("val_score", keraslike.Min))
	threshold := keraslike.ModelCheckpoint(filepath.Join(dir, "below-{val_score}"), keraslike.SaveBestOnly("val_score", keraslike.Min), keraslike.InitialValueThreshold(3))
	stopping := keraslike.EarlyStopping("val_score", keraslike.Min, keraslike.Patience(2))
	plateau := keraslike.ReduceLROnPlateau("val_score", keraslike.Min, keraslike.Patience(2), keraslike.Factor(0.5))
	m := toyModel(t)
	given := scores(5, 2, 4, 3, 1)
	fit := func(epochs int) int {
		h, err := m.Fit(t.Context(), data, keraslike.Epochs(epochs), keraslike.Callbacks(given, checkpoint, threshold, stopping, plateau))
		if err != nil {
			t.Fatal(err)
		}
		return h.Epochs()
	}
	if fit(3) != 3 || fit(2) != 2 || stopping.Stopped() != 0 || stopping.Best() != 2 {
		t.Errorf("stopped after %d, best %d, want 0 and 2 of the second Fit", stopping.Stopped(), stopping.Best())
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
		if v, ok := tr.Logs.Get("loss"); ok && (e == keraslike.BatchEnd || e == keraslike.EpochEnd) {
			seen = append(seen, v)
		}
		return nil
	})
	checkpoint := keraslike.ModelCheckpoint(path, keraslike.SaveBestOnly("loss", keraslike.Max), keraslike.EveryBatches(1))
	if _, err := toyModel(t).Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(8), keraslike.Epochs(3), keraslike.Callbacks(watch, checkpoint)); err != nil {
		t.Fatal(err)
	}
	best := slices.Index(seen, slices.Max(seen))
	epochs = best / 6 // five batches and the end
	if p := loaded(t, path).Progress(); p.Batches != epochs*5+min(best%6+1, 5) {
		t.Errorf("the file is of batch %d, the losses are %v", p.Batches, seen)
	}
}

// named is a model whose two outputs have the given names, with an error and a share of hits
// as metrics of each.
func named(t *testing.T, first, second string, metrics ...keraslike.CompileOption) (*keraslike.Model, error) {
	t.Helper()
	in := keraslike.Input(toyFeatures)
	head := func(name string) *keraslike.Tensor {
		return keraslike.Dense(1, keraslike.Sigmoid, keraslike.Name(name)).Of(in)
	}
	m := keraslike.NewModel("m", []*keraslike.Tensor{in}, []*keraslike.Tensor{head(first), head(second)})
	return m, m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError, metrics...)
}

// TestAutoMode: which way is better is the metric's affair, not that of letters in the
// names of outputs; Keras asks the metric, too (callbacks/monitor_callback.py). Each number
// falls for three epochs; where smaller is better, training goes on.
func TestAutoMode(t *testing.T) {
	own := keraslike.CustomRowMetric("account_error", func(p, t []float32) float64 { return float64(p[0]) })
	exact := keraslike.CustomRowMetric("accuracy", func(p, t []float32) float64 { return float64(p[0]) })
	metrics := []keraslike.CompileOption{
		keraslike.MAE, keraslike.BinaryAccuracy, keraslike.AUC(), keraslike.Precision(), keraslike.Recall(), keraslike.F1Score(), keraslike.R2Score, keraslike.Cosine,
		keraslike.RMSE, keraslike.BinaryCrossentropy, own, exact,
	}
	for monitored, c := range map[string]keraslike.Mode{
		"loss": keraslike.Min, "val_loss": keraslike.Min,
		"accident_loss": keraslike.Min, "val_accident_loss": keraslike.Min, "val_precision_loss": keraslike.Min,
		"accident_mae": keraslike.Min, "val_precision_rmse": keraslike.Min, "val_accident_binary_crossentropy": keraslike.Min,
		"val_accident_binary_accuracy": keraslike.Max, "precision_auc": keraslike.Max, "val_accident_precision": keraslike.Max, "precision_recall": keraslike.Max,
		"val_precision_f1_score": keraslike.Max, "accident_r2_score": keraslike.Max, "val_precision_cosine_similarity": keraslike.Max, "accident_accuracy": keraslike.Max,
		"val_accident_account_error": "", "precision_account_error": "", "score": "", "val_my_accuracy": "",
		"val_accuracy": keraslike.Max, "auc": keraslike.Max, "val_mae": keraslike.Min, // of a callback, by their whole names
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
		s := keraslike.EarlyStopping(monitored)
		h, err := m.Fit(t.Context(), twoTargets(t), keraslike.Epochs(3), keraslike.Callbacks(falls, s))
		switch {
		case c == "":
			wantError(t, err, "early stopping: whether a larger or a smaller \""+monitored+"\" is better is not known", "say Min or Max")
		case err != nil:
			t.Error(err)
		case (h.Epochs() == 3) != (c == keraslike.Min):
			t.Errorf("%s: %d epochs while it fell, want it better when %s", monitored, h.Epochs(), c)
		}
	}
	for _, names := range [][2]string{{"loss", "auction"}, {"val_x", "y"}, {"val_val", "loss_2"}} {
		m, err := named(t, names[0], names[1], keraslike.MAE)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{names[0] + "_loss", "val_" + names[1] + "_mae"} {
			if _, err := m.Fit(t.Context(), twoTargets(t), keraslike.ValidationSplit(0.5), keraslike.Callbacks(keraslike.ReduceLROnPlateau(name))); err != nil {
				t.Errorf("outputs %q: %v", names, err)
			}
		}
	}
	_, err := named(t, "x", "val_x")
	wantError(t, err, `two series would be named "val_x_loss"`)
}

// twoTargets are ten samples with two numbers each to predict.
func twoTargets(t *testing.T) keraslike.Source {
	t.Helper()
	x, y := make([]float32, 10*toyFeatures), make([]float32, 10)
	for i := range x {
		x[i] = float32(i%7) / 7
	}
	for i := range y {
		y[i] = float32(i % 2)
	}
	return twins{x: x, y: y}
}

type twins struct{ x, y []float32 }

func (p twins) Len() int { return len(p.y) }
func (p twins) Shapes() (inputs, targets [][]int) {
	return [][]int{{toyFeatures}}, [][]int{{1}, {1}}
}
func (p twins) Read(indices []int, in, target [][]float32) error {
	for i, j := range indices {
		copy(in[0][i*toyFeatures:(i+1)*toyFeatures], p.x[j*toyFeatures:])
		for k := range target {
			target[k][i] = p.y[j]
		}
	}
	return nil
}

// TestCheckpointPaths: numbers as Python's str.format writes them (Python 3.11), and every
// path that would be a literal name is refused, where the model's own series tell it before
// anything is trained.
func TestCheckpointPaths(t *testing.T) {
	fit := func(path string, options ...keraslike.CheckpointOption) (string, error) {
		dir, began := t.TempDir(), false
		given := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			began = began || e == keraslike.EpochBegin
			if e == keraslike.EpochEnd {
				tr.Logs = append(tr.Logs, keraslike.Log{Name: "x", Value: 12.34567}, keraslike.Log{Name: "small", Value: -0.00001234}, keraslike.Log{Name: "nan", Value: math.NaN()}, keraslike.Log{Name: "inf", Value: math.Inf(-1)}, keraslike.Log{Name: "zero"})
			}
			return nil
		})
		_, err := toyModel(t).Fit(t.Context(), toyData(t, 20, 1), keraslike.Callbacks(given, keraslike.ModelCheckpoint(filepath.Join(dir, path), options...)))
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
		"{epoch":         "a brace without its counterpart",
		"epoch}":         "a brace without its counterpart",
		"{epoch{x}}":     "a brace without its counterpart",
		"{}":             "placeholder {}: want a name",
		"{:02d}":         "placeholder {:02d}: want a name",
		"{epoch:02q}":    "placeholder {epoch:02q}",
		"{epoch:.3d}":    "placeholder {epoch:.3d}",
		"{epoch:.3}":     "epoch is an integer and has no precision",
		"{loss:02d}":     "loss is no integer",
		"{x:d}":          "x is no integer",
		"{epoch!r}":      `there is no "epoch!r"`,
		"{val_acc}":      `there is no "val_acc", want epoch, batch or one of ["loss" "accuracy" "x" "small" "nan" "inf" "zero"]`,
		"{Epoch}-{loss}": `there is no "Epoch"`,
	} {
		_, err := fit(path)
		wantError(t, err, "checkpoint: path ", want)
	}
	_, err := fit("{val_loss}", keraslike.EveryBatches(1))
	wantError(t, err, `there is no "val_loss", want epoch, batch or one of ["loss" "accuracy"]`)

	for path, options := range map[string][]keraslike.CheckpointOption{
		"w.{epoch:02d}-{val_acc}": nil, "{val_loss}": nil, "{val_accuracy:.2f}": {keraslike.EveryBatches(1)},
		"best":    {keraslike.EveryBatches(1), keraslike.SaveBestOnly("val_loss", keraslike.Auto)},
		"initial": {keraslike.InitialValueThreshold(1)},
	} {
		m := toyModel(t)
		var fitted []keraslike.FitOption
		if path != "{val_loss}" {
			fitted = append(fitted, keraslike.ValidationSplit(0.5))
		}
		_, err := m.Fit(t.Context(), toyData(t, 20, 1), append(fitted, keraslike.Callbacks(keraslike.ModelCheckpoint(filepath.Join(t.TempDir(), path), options...)))...)
		if err == nil || !strings.Contains(err.Error(), "checkpoint: ") || m.Progress().Batches != 0 {
			t.Errorf("%s: error %v after %d batches, want one before any", path, err, m.Progress().Batches)
		}
	}
}
