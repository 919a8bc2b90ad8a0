// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// stateModel has every setting that a file can hold a number of.
func stateModel(t *testing.T) *keraslike.Model {
	t.Helper()
	m := keraslike.Sequential("m", keraslike.Input(4),
		keraslike.Dense(3, keraslike.KernelRegularizer(keraslike.L1L2(0.01, 0.02)), keraslike.KernelConstraint(keraslike.MaxNorm(3)), keraslike.Name("d")),
		keraslike.BatchNormalization(), keraslike.LeakyReLU(), keraslike.Rescaling(0.5, 0.25), keraslike.Dense(2, keraslike.Softmax, keraslike.Name("e")))
	err := m.Compile(
		keraslike.RMSprop(0.01, keraslike.Momentum(0.9), keraslike.Centered, keraslike.ClipNorm(5), keraslike.WeightDecay(0.03), keraslike.AccumulateGradients(2), keraslike.AverageWeights(0.5),
			keraslike.WithSchedule(keraslike.PolynomialDecay{Steps: 10, End: 0.001, Power: 2})),
		keraslike.CategoricalFocalCrossentropy(keraslike.FocalGamma(3)),
		keraslike.LossWeights(0.75), keraslike.AUC(), keraslike.Precision(keraslike.Threshold(0.3)))
	if err != nil {
		t.Fatal(err)
	}
	x, y := tensorOf([]int{6, 4}, make([]float32, 24)), tensorOf([]int{6, 2}, slices.Repeat([]float32{1, 0}, 6))
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(i%5) - 2
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := keraslike.CallbackFunc(func(e keraslike.Event, s *keraslike.Training) error {
		if e == keraslike.BatchEnd && s.Epoch == 2 {
			cancel()
		}
		return nil
	})
	_, err = m.Fit(ctx, dataOf(t, x, y), keraslike.BatchSize(2), keraslike.Epochs(2), keraslike.Callbacks(stop))
	if !errors.Is(err, keraslike.ErrInterrupted) {
		t.Fatal(err)
	}
	return m
}

// Every invalid number of a saved training state is rejected by name, one at a time.
func TestLoadChecksEveryNumber(t *testing.T) {
	_, path := saved(t, stateModel(t), keraslike.WithOptimizer)
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read := func() (tensors []safetensors.Tensor, meta map[string]string) {
		for _, name := range file.Names() {
			shape, data, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Data: data})
		}
		return tensors, maps.Clone(file.Metadata())
	}
	load := func(tensors []safetensors.Tensor, meta map[string]string) error {
		path := filepath.Join(t.TempDir(), "m")
		if err := safetensors.WriteFile(path, tensors, meta); err != nil {
			t.Fatal(err)
		}
		_, err := keraslike.Load(path)
		return err
	}
	if err := load(read()); err != nil {
		t.Fatalf("the unchanged file: %v", err)
	}
	huge := fmt.Sprint(math.MaxInt)
	for _, c := range []struct{ key, old, new, want string }{
		{"compile", `"rate":0.00`, `"rate":-0.00`, "settings of compile: rate: learning rate is -0.00"},
		{"compile", `"rate":0.00`, `"rate":1e300,"x":0.00`, `unknown field "x"`},
		{"compile", `"rate":0.00`, `"rate":1000000.00`, "settings of compile: rate: learning rate is 1"},
		{"compile", `"steps":4`, `"steps":` + huge, "settings of compile: steps is " + huge},
		{"compile", `"steps":4`, `"steps":-4`, "settings of compile: steps is -4"},
		{"compile", `"epochs":1`, `"epochs":` + huge, "settings of compile: epochs is " + huge},
		{"compile", `"epochs":1`, `"epochs":-1`, "settings of compile: epochs is -1"},
		{"compile", `"position":2`, `"position":` + huge, "settings of compile: position is " + huge},
		{"compile", `"position":2`, `"position":-2`, "settings of compile: position is -2"},
		{"compile", `"position":2`, `"position":2.5`, "position"},
		{"compile", `"seed":0`, `"seed":-1`, "seed"},
		{"compile", `"seed":0`, `"sead":0`, `unknown field "sead"`},
		{"compile", `"learning_rate":0.01`, `"learning_rate":-1`, "learning rate is -1, want 0 to 1e+06"},
		{"compile", `"learning_rate":0.01`, `"learning_rate":1e300`, "learning rate is 1e+300"},
		{"compile", `"learning_rate":0.01`, `"learning_rat":0.01`, `unknown field "learning_rat"`},
		{"compile", `"rho":0.9`, `"rho":1.5`, "rho is 1.5"},
		{"compile", `"momentum":0.9`, `"momentum":-0.9`, "momentum is -0.9"},
		{"compile", `"epsilon":1e-7`, `"epsilon":-1`, "epsilon is -1"},
		{"compile", `"epsilon":1e-7`, `"epsilon":1e39`, "epsilon is 1e+39, want a finite number"},
		{"compile", `"clip_norm":5`, `"clip_norm":-5`, "clip norm is -5"},
		{"compile", `"clip_norm":5`, `"clip_norm":1e300`, "clip_norm is 1e+300"},
		{"compile", `"weight_decay":0.03`, `"weight_decay":-1`, "weight decay is -1"},
		{"compile", `"weight_decay":0.03`, `"weight_decay":1e300`, "weight_decay is 1e+300"},
		{"compile", `"gradient_accumulation_steps":2`, `"gradient_accumulation_steps":-2`, "gradients of -2 batches"},
		{"compile", `"ema_momentum":0.5`, `"ema_momentum":2`, "momentum of the weights' average is 2"},
		{"compile", `"decay_steps":10`, `"decay_steps":0`, "steps is 0, want 1 to"},
		{"compile", `"decay_steps":10`, `"decay_steps":` + huge, "steps is " + huge},
		{"compile", `"end_learning_rate":0.001`, `"end_learning_rate":-1`, "end is -1"},
		{"compile", `"power":2`, `"power":1e300`, "power is 1e+300"},
		{"compile", `"polynomial_decay"`, `"polynomial"`, `schedule "polynomial": unknown`},
		{"compile", `"gamma":3`, `"gamma":-3`, "gamma -3"},
		{"compile", `"gamma":3`, `"gamma":1e300`, "gamma is 1e+300"},
		{"compile", `"alpha":0.25`, `"alpha":-1`, "alpha is -1"},
		{"compile", `"loss_weights":[0.75]`, `"loss_weights":[1e39]`, "weight 0 of the losses is 1e+39"},
		{"compile", `"loss_weights":[0.75]`, `"loss_weights":[1,1]`, "got 2 weights of losses"},
		{"compile", `"num_thresholds":200`, `"num_thresholds":-1`, "-1 thresholds"},
		{"compile", `"num_thresholds":200`, `"num_thresholds":2000000`, "2000000 thresholds"},
		{"compile", `"thresholds":[0.3]`, `"thresholds":[1e300]`, "thresholds 0 is 1e+300"},
		{"compile", `{"optimizer"`, `{"state":false,"optimizer"`, ""},
		{"model", `"l1":0.01`, `"l1":-1`, "regularizer has factor -1"},
		{"model", `"l2":0.02`, `"l2":1e39`, "kernel_regularizer l2 is 1e+39"},
		{"model", `"max_value":3`, `"max_value":-3`, "bounds 0 and -3"},
		{"model", `"max_value":3`, `"max_value":1e300`, "kernel_constraint max_value is 1e+300"},
		{"model", `"momentum":0.99`, `"momentum":1.5`, "momentum is 1.5"},
		{"model", `"epsilon":0.001`, `"epsilon":1e300`, "epsilon is 1e+300"},
		{"model", `"negative_slope":0.3`, `"negative_slope":1e300`, "negative_slope is 1e+300"},
		{"model", `"scale":0.5`, `"scale":1e300`, "scale is 1e+300"},
		{"model", `"kind":"LeakyReLU"`, `"kind":"LeakyReLU","frosen":true`, `unknown field "frosen"`},
	} {
		tensors, meta := read()
		text := meta["reef."+c.key]
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s lacks %s: the case has lost its point", text, c.old)
		}
		meta["reef."+c.key] = strings.Replace(text, c.old, c.new, 1)
		if err := load(tensors, meta); c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s for %s: got %v, want %q", c.new, c.old, err, c.want)
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	tensors, _ := read()
	for i, x := range tensors {
		for _, bad := range []float32{nan, inf, -1} {
			base := x.Name[strings.LastIndex(x.Name, "/")+1:]
			if bad == -1 && base != "moving_variance" && base != "velocity" || len(x.Data) < 2 {
				continue // may be negative
			}
			tensors, meta := read()
			tensors[i].Data[1] = bad
			want := fmt.Sprintf("tensor %q: value 1 is %v", x.Name, bad)
			if err := load(tensors, meta); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v in %s: got %v, want %q", bad, x.Name, err, want)
			}
		}
	}
}

// What an interrupted training has left is checked as well.
func TestLoadChecksInterruption(t *testing.T) {
	m := toyModel(t)
	ctx, cancel := context.WithCancel(t.Context())
	stop := keraslike.CallbackFunc(func(e keraslike.Event, s *keraslike.Training) error {
		if e == keraslike.BatchEnd && s.Epoch == 3 {
			cancel()
		}
		return nil
	})
	_, err := m.Fit(ctx, toyData(t, 20, 1), keraslike.BatchSize(8), keraslike.Epochs(5), keraslike.Callbacks(callbacks.EarlyStopping("loss", callbacks.Patience(3), callbacks.RestoreBest), stop))
	if !errors.Is(err, keraslike.ErrInterrupted) {
		t.Fatal(err)
	}
	_, path := saved(t, m, keraslike.WithOptimizer)
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text := file.Metadata()["reef.compile"]
	_, sums, _ := strings.Cut(text, `"sums":"`)
	sums, _, _ = strings.Cut(sums, `"`)
	raw, err := base64.StdEncoding.DecodeString(sums)
	if err != nil || len(raw) < 16 {
		t.Fatalf("%s has sums %q (%v)", text, sums, err)
	}
	with := func(at int, v uint64) string {
		b := slices.Clone(raw)
		binary.LittleEndian.PutUint64(b[at:], v)
		return base64.StdEncoding.EncodeToString(b)
	}
	for _, c := range []struct{ old, new, want string }{
		{sums, with(8, math.Float64bits(math.NaN())), "sum 0 of the losses of the interrupted epoch is NaN"},
		{sums, with(8, math.Float64bits(math.Inf(1))), "sum 0 of the losses of the interrupted epoch is +Inf"},
		{sums, with(0, 7), "are of 7 samples, its position is 8"},
		{sums, with(0, math.MaxUint64), "has 18446744073709551615 samples"},
		{sums, sums[:8], "bytes of sums of the interrupted epoch"},
		{`"callback":"`, `"x":"","callback":"`, "unknown field"},
		{`"best":"`, `"best":0,"x":"`, "cannot unmarshal number"},
		{`"best":"`, `"best":"a`, `best is "a`},
		{`"best":"`, `"best":"NaN","x":"`, `best is "NaN", want a number`},
		{`"best epoch":2`, `"best epoch":-2`, "best epoch -2"},
		{`"best epoch":2`, `"best epoch":9000000000`, "best epoch 9000000000"},
		{`"weights":true`, `"weights":true},{"callback":"b","weights":true`, `has no tensor "optimizer/callback 1/dense/kernel"`},
	} {
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s lacks %s: the case has lost its point", text, c.old)
		}
		meta := maps.Clone(file.Metadata())
		meta["reef.compile"] = strings.Replace(text, c.old, c.new, 1)
		var tensors []safetensors.Tensor
		for _, name := range file.Names() {
			shape, data, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Data: data})
		}
		changed := filepath.Join(t.TempDir(), "m")
		if err := safetensors.WriteFile(changed, tensors, meta); err != nil {
			t.Fatal(err)
		}
		_, err := keraslike.Load(changed)
		wantError(t, err, c.want)
	}
}

// A model with a weight that is not finite is not written over a good one, and its
// weights from elsewhere are rejected.
func TestNotFiniteWeights(t *testing.T) {
	m := toyModel(t)
	content, path := saved(t, m)
	good := m.Weights()[0].Values()
	change(t, m.Weights()[0], func(v []float32) { v[3] = float32(math.NaN()) })
	wantError(t, m.Save(path), `weight "dense/kernel": value 3 is NaN, want finite numbers`)
	if now, err := os.ReadFile(path); err != nil || !slices.Equal(now, content) {
		t.Errorf("the file is another one (%v)", err)
	}
	change(t, m.Weights()[0], func(v []float32) { copy(v, good) })
}

// logVariance is a layer whose state has the name of one of this package's and may be
// negative.
type logVariance struct{}

func (*logVariance) Kind() string { return "LogVariance" }
func (*logVariance) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	b.State("variance", keraslike.Constant(-2), in[0]...)
	b.State("moving_variance", keraslike.Constant(-3), in[0]...)
	return in[0], nil
}
func (*logVariance) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Add(in[0], s.Weight("variance")))
}

// What may not be negative is known of this package's layers and not of a user's.
func TestOwnStates(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(3), keraslike.Custom(&logVariance{}))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	_, path := saved(t, m)
	again := loaded(t, path, keraslike.WithCustomLayer(func() keraslike.Definition { return &logVariance{} }))
	if got := weightsOf(again); !slices.Equal(got, []float32{-2, -2, -2, -3, -3, -3}) {
		t.Errorf("states are %v, want those saved", got)
	}
}

// An invalid learning rate is rejected where it arises.
func TestRatesAreChecked(t *testing.T) {
	data := toyData(t, 20, 1)
	for _, rate := range []float64{-1, math.NaN(), math.Inf(1), 1e7} {
		set := keraslike.CallbackFunc(func(e keraslike.Event, s *keraslike.Training) error {
			if e == keraslike.BatchEnd {
				s.Rate = rate
			}
			return nil
		})
		m := toyModel(t)
		_, err := m.Fit(t.Context(), data, keraslike.Callbacks(set))
		wantError(t, err, "callback keraslike.CallbackFunc: learning rate is", "want 0 to 1e+06")
		if _, err := m.Fit(t.Context(), data); err != nil {
			t.Errorf("after a rate of %g: %v", rate, err)
		}
	}
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	growing := keraslike.WithSchedule(keraslike.ExponentialDecay{Steps: 1, Rate: 1e5})
	if err := m.Compile(keraslike.SGD(1e-3, growing), keraslike.SparseCategoricalCrossentropy); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), data, keraslike.BatchSize(4))
	wantError(t, err, "epoch 1, step 3", "schedule exponential_decay at step 2: learning rate is 1e+07")
}

// Settings that are not finite in float32 are rejected when a layer is built and a
// model compiled, not when it is saved.
func TestSettingsAreFinite(t *testing.T) {
	inf := math.Inf(1)
	for want, l := range map[string]keraslike.Layer{
		"kernel_regularizer l1 is +Inf": keraslike.Dense(2, keraslike.KernelRegularizer(keraslike.L1(inf))),
		"scale is 1e+39":                keraslike.Rescaling(1e39, 0),
		"GRU: ":                         keraslike.Bidirectional(keraslike.GRU(2, keraslike.RecurrentRegularizer(keraslike.L2(inf)))),
		"Dense: kernel_regularizer":     keraslike.TimeDistributed(keraslike.Dense(2, keraslike.KernelRegularizer(keraslike.L2(inf)))),
	} {
		wantError(t, keraslike.Sequential("m", keraslike.Input(4, 4), l).Build(0), want)
	}
	m := keraslike.Sequential("m", keraslike.Input(4), keraslike.Dense(2, keraslike.Softmax))
	err := m.Compile(keraslike.SGD(0.1, keraslike.ClipNorm(inf)), keraslike.Huber(inf), keraslike.LossWeights(inf), keraslike.Precision(keraslike.Threshold(math.NaN())))
	wantError(t, err, "optimizer sgd: clip_norm is +Inf", "loss huber: delta is +Inf", "weight 0 of the losses is +Inf", "metric precision: thresholds 0 is NaN")
}

// Long restarts and cycles take no time and no overflow.
func TestSchedulesFarOut(t *testing.T) {
	far := 1 << 30
	restarts := keraslike.CosineDecayRestarts{Steps: 1 << 10, Grow: 1}
	if got := restarts.At(0.5, far); got != 0.5 {
		t.Errorf("the rate after whole periods is %g, want 0.5", got)
	}
	if got := restarts.At(0.5, far+512); math.Abs(got-0.25) > 1e-12 {
		t.Errorf("the rate in the middle of a period is %g, want 0.25", got)
	}
	cycle := keraslike.PolynomialDecay{Steps: 1 << 20, Cycle: true}
	if got := cycle.At(1, far+1); !(got >= 0 && got < 1e-2) {
		t.Errorf("the rate behind %d steps is %g, want next to 1/%d", far, got, 1+far>>20)
	}
}

// Save and CSVLogger remove what a killed writer of the same file has left.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".m.st.123.tmp", ".log.csv.456.tmp", ".other.st.789.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-48 * time.Hour) // where age has to tell
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	m := toyModel(t)
	log := callbacks.CSVLogger(filepath.Join(dir, "log.csv"))
	if _, err := m.Fit(t.Context(), toyData(t, 20, 1), keraslike.Callbacks(log, callbacks.ModelCheckpoint(filepath.Join(dir, "m.st")))); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".other.st.789.tmp", "log.csv", "m.st"}; !slices.Equal(names, want) {
		t.Errorf("folder holds %q, want %q", names, want)
	}
}
