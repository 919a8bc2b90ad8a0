// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// scripted fits a model whose monitored numbers are given: a callback before c puts
// them into the logs as "score".
func scripted(t *testing.T, scores []float64, c keraslike.Callback) (*keraslike.Model, *keraslike.History, []float64) {
	t.Helper()
	m := toyModel(t)
	var rates []float64
	script := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		switch e {
		case keraslike.EpochBegin:
			rates = append(rates, tr.Rate)
		case keraslike.EpochEnd:
			tr.Logs = append(tr.Logs, keraslike.Log{Name: "score", Value: scores[tr.Epoch-1]})
		}
		return nil
	})
	h, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.Epochs(len(scores)), keraslike.BatchSize(20), keraslike.Callbacks(script, c))
	if err != nil {
		t.Fatal(err)
	}
	return m, h, rates
}

// The epochs follow Keras's rule: wait is counted from the last improvement by more
// than MinDelta and training stops when it reaches the patience.
func TestEarlyStopping(t *testing.T) {
	for name, c := range map[string]struct {
		stopping      *keraslike.Stopping
		scores        []float64
		epochs, best  int
		stoppedBefore bool
	}{
		"no patience":     {keraslike.EarlyStopping("score", keraslike.Min), []float64{3, 2, 2, 1}, 3, 2, true},
		"patience":        {keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(2)), []float64{3, 4, 2, 5, 2, 1}, 5, 3, true},
		"never":           {keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(2)), []float64{5, 4, 4, 3}, 4, 4, false},
		"min delta":       {keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(2), keraslike.MinDelta(0.5)), []float64{3, 2.8, 2.6, 0}, 3, 1, true},
		"max":             {keraslike.EarlyStopping("score", keraslike.Max, keraslike.Patience(1)), []float64{1, 2, 1.5, 9}, 3, 2, true},
		"baseline":        {keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(2), keraslike.Baseline(1)), []float64{3, 2, 2.5, 0}, 3, 2, true},
		"later":           {keraslike.EarlyStopping("score", keraslike.Min, keraslike.StartFrom(3)), []float64{1, 5, 4, 3, 4, 1}, 5, 4, true},
		"no number":       {keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(1)), []float64{2, math.NaN(), 1}, 2, 1, true},
		"first no number": {keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(2)), []float64{math.NaN(), 3, 2}, 3, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, h, _ := scripted(t, c.scores, c.stopping)
			if h.Epochs() != c.epochs || c.stopping.Best() != c.best || (c.stopping.Stopped() > 0) != c.stoppedBefore {
				t.Errorf("%d epochs, best %d, stopped after %d; want %d and %d", h.Epochs(), c.stopping.Best(), c.stopping.Stopped(), c.epochs, c.best)
			}
		})
	}
}

func TestEarlyStoppingRestoresBest(t *testing.T) {
	m, _, _ := scripted(t, []float64{3, 1, 2, 2, 2}, keraslike.EarlyStopping("score", keraslike.Min, keraslike.Patience(2), keraslike.RestoreBest{}))
	after2 := toyModel(t)
	if _, err := after2.Fit(t.Context(), toyData(t, 40, 1), keraslike.Epochs(2), keraslike.BatchSize(20)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(m), weightsOf(after2)) {
		t.Error("the weights are not those after the best epoch, the second")
	}
}

func TestReduceLROnPlateau(t *testing.T) {
	scores := []float64{5, 5, 5, 5, 5, 5, 4, 4, 4}
	_, _, rates := scripted(t, scores, keraslike.ReduceLROnPlateau("score", keraslike.Min, keraslike.Factor(0.5), keraslike.Patience(2), keraslike.Cooldown(2), keraslike.MinRate(0.003)))
	// Two epochs without improvement (2, 3), two of cool-down, of which the last counts again (5), 6; then 8, cooled, bounded.
	want := []float64{0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.003, 0.003, 0.003}
	for i := range want {
		if math.Abs(rates[i]-want[i]) > 1e-12 {
			t.Fatalf("rates %v, want %v", rates, want)
		}
	}
}

func TestLearningRateScheduler(t *testing.T) {
	_, _, rates := scripted(t, make([]float64, 3), keraslike.LearningRateScheduler(func(epoch int, rate float64) float64 { return rate / float64(epoch) }))
	if want := []float64{0.01, 0.01, 0.005}; !slices.Equal(rates, want) { // each epoch's is set behind the script
		t.Errorf("rates before the callback %v, want %v", rates, want)
	}
}

func TestModelCheckpoint(t *testing.T) {
	dir := t.TempDir()
	m, _, _ := scripted(t, []float64{3, 1, 2}, keraslike.ModelCheckpoint(filepath.Join(dir, "{epoch}-{score}.safetensors"), keraslike.SaveBestOnly("score", keraslike.Min)))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if want := []string{"1-3.0000.safetensors", "2-1.0000.safetensors"}; !slices.Equal(names, want) {
		t.Fatalf("files %q, want %q", names, want)
	}
	loaded, err := keraslike.Load(filepath.Join(dir, names[1]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(20)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(loaded), weightsOf(m)) {
		t.Error("the third epoch from the checkpoint leads elsewhere than the run that it was taken from")
	}
	// Also from within an epoch.
	path := filepath.Join(dir, "batch.safetensors")
	whole := toyModel(t)
	for i, target := range []*keraslike.Model{whole, toyModel(t)} {
		checkpoint := keraslike.ModelCheckpoint(path, keraslike.EveryBatches(3))
		stop := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
			if i == 1 && e == keraslike.BatchEnd && tr.Step == 4 {
				return errors.New("the power fails")
			}
			return nil
		})
		_, err := target.Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(8), keraslike.Callbacks(checkpoint, stop))
		if (err != nil) != (i == 1) {
			t.Fatal(err)
		}
	}
	resumed, err := keraslike.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resumed.Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(8)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(resumed), weightsOf(whole)) {
		t.Error("the rest of the epoch from the third batch leads elsewhere")
	}
}

func TestCSVLogger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.csv")
	_, h, _ := scripted(t, []float64{3, 0.5}, keraslike.CSVLogger(path))
	scripted(t, []float64{7}, keraslike.CSVLogger(path, keraslike.Append{}))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 4 || lines[0] != "epoch,loss,accuracy,score" || !strings.HasSuffix(lines[2], ",0.5") || !strings.HasPrefix(lines[3], "1,") {
		t.Errorf("log of %d epochs is\n%s", h.Epochs(), text)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestTensorBoard(t *testing.T) {
	clock := keraslike.Clock(func() time.Time { return time.Unix(1700000000, 0) })
	var files [2][]byte
	for i := range files {
		dir := filepath.Join(t.TempDir(), "run")
		scripted(t, []float64{3, 0.5}, keraslike.TensorBoard(dir, clock, keraslike.Histograms(2)))
		found, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("event files %q, %v", found, err)
		}
		if files[i], err = os.ReadFile(found[0]); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(files[0], files[1]) {
		t.Error("the same training and clock give different event files")
	}
	for _, tag := range []string{"epoch_loss", "epoch_score", "epoch_learning_rate", "dense_1/kernel"} {
		if !strings.Contains(string(files[0]), tag) {
			t.Errorf("the event file lacks %q", tag)
		}
	}
}

// spoil writes an infinity into the second layer's output, through its bias, before
// the batch after the given one.
func spoil(batches int) keraslike.Callback {
	done := 0
	return keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
		if e != keraslike.BatchEnd {
			return nil
		}
		if done++; done == batches {
			w, err := tr.Model.Weight("second/kernel")
			if err != nil {
				return err
			}
			w.Value()[0] = 3e38 // finite; its products are not
		}
		return nil
	})
}

func TestNotFinite(t *testing.T) {
	model := func() *keraslike.Model {
		m := keraslike.Sequential("m", keraslike.Input(toyFeatures),
			keraslike.Dense(5, keraslike.Softplus, keraslike.BiasInit(keraslike.Constant(20)), keraslike.Name("first")),
			keraslike.Dense(4, keraslike.Name("second")), keraslike.Dense(toyClasses, keraslike.Softmax, keraslike.Name("third")))
		if err := m.Compile(keraslike.SGD(0.01), keraslike.SparseCategoricalCrossentropy); err != nil {
			t.Fatal(err)
		}
		return m
	}
	_, err := model().Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(10), keraslike.Callbacks(spoil(2)))
	var bad *keraslike.NotFiniteError
	if !errors.As(err, &bad) || bad.Layer != "second" || bad.What != "activation" || bad.Step != 2 {
		t.Fatalf("got %v, want the activation of layer second after 2 steps", err)
	}
	wantError(t, err, "epoch 1, step 3", `first activation that is not finite is in layer "second"`)

	c := &keraslike.TerminateOnNaN{}
	m := model()
	h, err := m.Fit(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(10), keraslike.Epochs(3), keraslike.Callbacks(c, spoil(6)))
	if err != nil || h.Epochs() != 1 || c.Found == nil || c.Found.Layer != "second" || c.Found.Step != 6 {
		t.Errorf("got %v after %d epochs, found %v; want an ordinary end after one", err, h.Epochs(), c.Found)
	}

	w, _ := m.Weight("first/kernel")
	w.Value()[0] = float32(math.NaN())
	_, err = m.Fit(t.Context(), toyData(t, 40, 1))
	wantError(t, err, `first weight that is not finite is in layer "first"`)

	// A gradient alone: the loss is finite, the derivative of √ at 0 is not.
	root := keraslike.CustomLoss("root", steep)
	g := keraslike.Sequential("g", keraslike.Input(1), keraslike.Dense(1, keraslike.NoBias{}, keraslike.KernelInit(keraslike.Zeros()), keraslike.Name("only")))
	if err := g.Compile(keraslike.SGD(0.1), root); err != nil {
		t.Fatal(err)
	}
	c = &keraslike.TerminateOnNaN{}
	if _, err := g.Fit(t.Context(), dataOf(t, tensorOf([]int{2, 1}, []float32{1, 2}), tensorOf([]int{2, 1}, []float32{1, 1})), keraslike.Callbacks(c)); err != nil {
		t.Fatal(err)
	}
	if c.Found == nil || c.Found.What != "gradient" || c.Found.Layer != "only" || g.Weights()[0].Value()[0] != 0 {
		t.Errorf("found %v, weight %v; want the gradient of layer only and no update", c.Found, g.Weights()[0].Value())
	}
}

// spoiling is SGD whose third update gives a weight no number, as centered RMSprop does where
// rounding makes a variance negative.
type spoiling struct{ keraslike.Optimizer }

func (o spoiling) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	if o.Optimizer.Update(w, g, slots, step, rate); step == 3 {
		w[0] = float32(math.NaN())
	}
}

// The last update of an epoch may spoil the weights behind a loss that is finite.
func TestSpoiltByTheLastUpdate(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(1), keraslike.Dense(1, keraslike.Name("only")))
	if err := m.Compile(spoiling{keraslike.SGD(0.1)}, keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	data := dataOf(t, tensorOf([]int{1, 1}, []float32{1}), tensorOf([]int{1, 1}, []float32{0}))
	if _, err := m.Fit(t.Context(), data, keraslike.Epochs(2)); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), data)
	var bad *keraslike.NotFiniteError
	if !errors.As(err, &bad) || bad.What != "weight" || bad.Layer != "only" || bad.Step != 3 {
		t.Errorf("got %v, want the weight of layer only after 3 steps", err)
	}
	wantError(t, err, "epoch 1", "has a value of NaN after 3 updates by sgd")
}

// steep is p scaled up and down again so that its value stays finite and its gradient
// does not: 1e30·(1e30·p)/1e30 has the gradient 1e30·1e30/1e30.
func steep(p, _ *graph.Node) (*graph.Node, error) {
	var err error
	for _, factor := range []float64{1e-30, 1e30, 1e30} {
		if err == nil {
			p, err = graph.Scale(p, factor)
		}
	}
	return p, err
}

func TestCallbackMistakes(t *testing.T) {
	data := toyData(t, 20, 1)
	for _, c := range []struct {
		callback keraslike.Callback
		want     string
	}{
		{keraslike.EarlyStopping("val_loss"), `no "val_loss" to monitor, the logs have ["loss" "accuracy"]`},
		{keraslike.EarlyStopping(""), "nothing to monitor"},
		{keraslike.EarlyStopping("loss", keraslike.Patience(-1)), "patience is -1"},
		{keraslike.EarlyStopping("loss", keraslike.Mode("up")), `mode "up" is unknown`},
		{keraslike.ReduceLROnPlateau("loss", keraslike.Factor(1)), "factor 1"},
		{keraslike.ModelCheckpoint(""), "want a path"},
		{keraslike.LearningRateScheduler(nil), "the function is nil"},
		{keraslike.LearningRateScheduler(func(int, float64) float64 { return math.NaN() }), "rate NaN for epoch 1"},
		{keraslike.CSVLogger(filepath.Join(t.TempDir(), "nowhere", "log.csv")), "nowhere"},
	} {
		_, err := toyModel(t).Fit(t.Context(), data, keraslike.Callbacks(c.callback))
		wantError(t, err, c.want)
	}
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	if err := m.Compile(keraslike.SGD(0.1, keraslike.WithSchedule(keraslike.ExponentialDecay{Steps: 1, Rate: 0.5})), keraslike.SparseCategoricalCrossentropy); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), data, keraslike.Callbacks(keraslike.ReduceLROnPlateau("loss")))
	wantError(t, err, "schedule exponential_decay sets the learning rate")
}

// A callback that trains or compiles the model that is trained is refused, at every event;
// afterwards both are as free as before. Evaluating, saving and single batches are its own.
func TestOwnModelInCallback(t *testing.T) {
	data := toyData(t, 20, 1)
	for name, do := range map[string]func(m *keraslike.Model) error{
		"fit: ":     func(m *keraslike.Model) error { _, err := m.Fit(t.Context(), data); return err },
		"compile: ": func(m *keraslike.Model) error { return m.Compile(keraslike.SGD(0.5), keraslike.MeanSquaredError) },
	} {
		for _, at := range []keraslike.Event{keraslike.TrainBegin, keraslike.EpochBegin, keraslike.BatchEnd, keraslike.EpochEnd, keraslike.TrainEnd} {
			m := toyModel(t)
			meddle := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
				if e != at {
					return nil
				}
				return do(tr.Model)
			})
			_, err := m.Fit(t.Context(), data, keraslike.Callbacks(meddle))
			wantError(t, err, name+"a call of Fit on this model is still running")
			look := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
				_, err := tr.Model.Evaluate(t.Context(), data)
				return err
			})
			if _, err := m.Fit(t.Context(), data, keraslike.Callbacks(look)); err != nil {
				t.Errorf("%safterwards: %v", name, err)
			}
		}
	}
}
