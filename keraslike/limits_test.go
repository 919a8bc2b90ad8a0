// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// twiceNested uses a model twice, which uses a model twice, and so on.
func twiceNested(depth int) *keraslike.Model {
	m := keraslike.Sequential("m0", keraslike.Input(4), keraslike.Dense(4))
	for i := range depth {
		m = keraslike.Sequential(fmt.Sprint("m", i+1), keraslike.Input(4), m, m)
	}
	return m
}

// diamonds uses two models, which both use one, which uses two, and so on: no layer
// stands twice in a model.
func diamonds(depth int) *keraslike.Model {
	m := keraslike.Sequential("m0", keraslike.Input(4), keraslike.Dense(4))
	for i := range depth {
		a := keraslike.Sequential(fmt.Sprint("a", i), keraslike.Input(4), m)
		b := keraslike.Sequential(fmt.Sprint("b", i), keraslike.Input(4), m)
		m = keraslike.Sequential(fmt.Sprint("m", i+1), keraslike.Input(4), a, b)
	}
	return m
}

// What looks at layers takes time by their number, what goes through all uses of them
// is rejected beforehand if there are too many.
func TestNestedWithoutEnd(t *testing.T) {
	begin := time.Now()
	for name, m := range map[string]*keraslike.Model{"twice": twiceNested(60), "diamonds": diamonds(60)} {
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		if all, free := m.Parameters(); all != 20 || free != 20 {
			t.Errorf("%s: %d parameters, %d trainable, want 20", name, all, free)
		}
		if err := m.SetTrainable(false); err != nil {
			t.Fatal(err)
		}
		if _, free := m.Parameters(); free != 0 {
			t.Errorf("%s: %d trainable parameters of a frozen model", name, free)
		}
		if err := m.Summary(io.Discard); err != nil {
			t.Error(err)
		}
		if n := len(m.Layers()); n < 2 || n > 200 {
			t.Errorf("%s: %d layers", name, n)
		}
		x := tensorOf([]int{1, 4}, make([]float32, 4))
		_, predict := m.Predict(keraslike.ArrayOf(x))
		for what, err := range map[string]error{
			"compile": m.Compile(keraslike.SGD(1), keraslike.MeanSquaredError),
			"predict": predict,
			"dot":     m.WriteDOT(io.Discard),
			"ops":     m.WriteOpsDOT(io.Discard, 1),
		} {
			wantError(t, err, `model "m60"`, "uses of layers", "the most is 16384 (Limits.Layers)")
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%s, %s: an error of %d bytes", name, what, len(err.Error()))
			}
		}
	}
	wantError(t, diamonds(60).Save("m"), "no weights yet")
	m := diamonds(60)
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m")
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 1<<16 {
		t.Errorf("shared models are saved in %d bytes (%v), want each once", info.Size(), err)
	}
	_, err := keraslike.Load(file)
	wantError(t, err, `model "m60"`, "uses of layers", "(Limits.Layers)")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// A limit that is raised accepts what was rejected, and the results are right.
func TestLimitsAreSet(t *testing.T) {
	m := twiceNested(9) // 512 Dense layers of one kernel
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	for _, w := range m.Weights() {
		change(t, w, func(v []float32) {
			for i := range v {
				v[i] = 0
				if len(w.Shape()) == 1 || i%5 == 0 {
					v[i] = 1 // y = x + 1
				}
			}
		})
	}
	_, path := saved(t, m)
	_, err := keraslike.Load(path, keraslike.Limits{Layers: 1000})
	wantError(t, err, `model "m9"`, "has 1534 uses of layers", "the most is 1000 (Limits.Layers)")
	again := loaded(t, path, keraslike.Limits{Layers: 2000})
	y, err := again.Predict(keraslike.ArrayOf(tensorOf([]int{1, 4}, []float32{0, 1, 2, 3})))
	if err != nil || !slices.Equal(y.Values(), []float32{512, 513, 514, 515}) {
		t.Errorf("got %v (%v), want 512 to 515", y, err)
	}
	_, err = keraslike.Load(path, keraslike.Limits{Work: 10})
	wantError(t, err, "multiplications for one sample, the most is 10 (Limits.Work)")
	_, err = keraslike.Load(path, keraslike.Limits{Memory: 15})
	wantError(t, err, "its values need 16 bytes of memory, the limit is 15 bytes (Limits.Memory)")
	m.SetLimits(keraslike.Limits{Layers: 100})
	_, err = m.Predict(keraslike.ArrayOf(tensorOf([]int{1, 4}, make([]float32, 4))))
	wantError(t, err, "the most is 100")
}

// Predict computes fewer samples at once where memory is short, and gives the same.
func TestPredictKeepsToMemory(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(10), keraslike.Dense(1000, keraslike.Tanh), keraslike.Dense(1000, keraslike.Tanh), keraslike.Dense(3))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{300, 10}, make([]float32, 3000))
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(i%17) / 17
	}
	want, err := m.Predict(keraslike.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	for _, samples := range []int{1, 3, 50} {
		m.SetLimits(keraslike.Limits{Memory: int64(samples*8000 + 2000)})
		got, err := m.Predict(keraslike.ArrayOf(x))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got.Values() {
			if math.Abs(float64(v-want.Values()[i])) > 1e-5 {
				t.Fatalf("memory for %d samples: value %d is %g, want %g", samples, i, v, want.Values()[i])
			}
		}
	}
	_, path := saved(t, m)
	_, err = loaded(t, path, keraslike.Limits{Memory: 7000}).Predict(keraslike.ArrayOf(x))
	var tooMuch *graph.MemoryError
	if !errors.As(err, &tooMuch) || tooMuch.Limit != 7000 {
		t.Errorf("got %v, want a *graph.MemoryError with the limit", err)
	}
}

// The larger the file, the more its model may cost: here 6 MB of weights and 192 MB
// of values for a sample, more than a small file may ask for.
func TestLargeModelFromFile(t *testing.T) {
	first, last := keraslike.Sequential("first", keraslike.Input(4), keraslike.Dense(1200), keraslike.Dense(1200)), keraslike.Dense(2)
	m := keraslike.Sequential("m", keraslike.Input(4), first, keraslike.RepeatVector(40_000), keraslike.GlobalMaxPooling1D(), last)
	plain := keraslike.Sequential("plain", keraslike.Input(4), first, last)
	for _, one := range []*keraslike.Model{m, plain} {
		if err := one.Build(1); err != nil {
			t.Fatal(err)
		}
	}
	_, path := saved(t, m)
	x := tensorOf([]int{1, 4}, []float32{1, 2, 3, 4})
	y, err := loaded(t, path).Predict(keraslike.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Predict(keraslike.ArrayOf(x))
	if err != nil || !slices.Equal(y.Values(), want.Values()) {
		t.Errorf("got %v, want %v (%v)", y, want, err)
	}
	_, err = keraslike.Load(path, keraslike.Limits{Memory: 160 << 20})
	wantError(t, err, "its values need 183.1 MiB of memory, the limit is 160 MiB")
}

// Training keeps the values of all layers, here 192 MB of a file of some kilobytes, and
// has room for them where prediction would have none.
func TestTrainingFromFile(t *testing.T) {
	parts := []keraslike.Part{keraslike.Input(4), keraslike.Dense(4), keraslike.RepeatVector(300_000)}
	for range 40 {
		parts = append(parts, keraslike.Activation(keraslike.Tanh))
	}
	m := keraslike.Sequential("m", append(parts, keraslike.GlobalAveragePooling1D())...)
	if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	_, path := saved(t, m)
	x, y := tensorOf([]int{1, 4}, []float32{1, 2, 3, 4}), tensorOf([]int{1, 4}, make([]float32, 4))
	again := loaded(t, path)
	if _, err := again.TrainOnBatch(x, y); err != nil {
		t.Error(err)
	}
	again = loaded(t, path, keraslike.Limits{Memory: 160 << 20})
	if _, err := again.Predict(keraslike.ArrayOf(x)); err != nil {
		t.Error(err)
	}
	_, err := again.TrainOnBatch(x, y)
	wantError(t, err, "a batch of 1 samples: its values need", "the limit is 160 MiB (Limits.Memory)")
}

// A recurrent layer keeps its gates for the gradient: here 1.5 MB of a sample with 4 KB of
// inputs. A prediction keeps none.
func TestRecurrentLimits(t *testing.T) {
	for name, layer := range map[string]keraslike.Layer{
		"lstm": keraslike.LSTM(64), "bidirectional": keraslike.Bidirectional(keraslike.GRU(64)),
	} {
		m := keraslike.Sequential("m", keraslike.Input(1000, 1), layer, keraslike.Dense(1))
		if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
			t.Fatal(err)
		}
		m.SetLimits(keraslike.Limits{Memory: 100_000})
		x, y := tensorOf([]int{1, 1000, 1}, make([]float32, 1000)), tensorOf([]int{1, 1}, []float32{1})
		if _, err := m.Predict(keraslike.ArrayOf(x)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err := m.TrainOnBatch(x, y)
		var tooMuch *graph.MemoryError
		if !errors.As(err, &tooMuch) || tooMuch.Need < 1e6 {
			t.Errorf("%s: got %v, want a *graph.MemoryError of more than 1 MB", name, err)
		}
	}
}

// Files of ordinary models with many places for each weight are read: here a denoiser of
// 17 convolutions of 64 channels (DnCNN, Zhang et al. 2017) for pictures of 512 x 512, and
// a U-Net for 1024 x 1024. They are not run.
func TestOrdinaryModelsFromFiles(t *testing.T) {
	conv := func(channels int) keraslike.Layer {
		return keraslike.Conv2D(channels, 3, keraslike.SamePadding, keraslike.ReLU)
	}
	denoiser := []keraslike.Part{keraslike.Input(512, 512, 1)}
	for range 15 {
		denoiser = append(denoiser, conv(64), keraslike.BatchNormalization())
	}
	x := keraslike.Input(1024, 1024, 3)
	h, skips := x, []*keraslike.Tensor(nil)
	for i := range 3 {
		h = conv(16 << i).Apply(conv(16 << i).Apply(h))
		skips, h = append(skips, h), keraslike.MaxPooling2D(2).Apply(h)
	}
	for i := 2; i >= 0; i-- {
		h = keraslike.Conv2DTranspose(16<<i, 2, keraslike.Strides(2)).Apply(conv(32 << i).Apply(h))
		h = conv(16 << i).Apply(keraslike.Concatenate().Apply(h, skips[i]))
	}
	for _, m := range []*keraslike.Model{
		keraslike.Sequential("denoiser", append(denoiser, conv(64), conv(1))...),
		keraslike.NewModel("unet", []*keraslike.Tensor{x}, []*keraslike.Tensor{keraslike.Conv2D(1, 1, keraslike.Sigmoid).Apply(h)}),
	} {
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		_, path := saved(t, m)
		loaded(t, path)
	}
}

// Absurd numbers of samples and steps are errors, or as many as there are.
func TestAbsurdSizes(t *testing.T) {
	data := toyData(t, 20, 1)
	stream := func(ahead int) keraslike.Samples {
		return resettable{flowing{&again{counted{Source: data, ahead: ahead}}}}
	}
	x, y := blobs(20, 1)
	want := toyModel(t)
	if _, err := want.Fit(t.Context(), data, keraslike.BatchSize(20), keraslike.KeepOrder); err != nil {
		t.Fatal(err)
	}
	for _, huge := range []int{21, 1 << 30, math.MaxInt} {
		for _, source := range []keraslike.Source{data, ahead{data, 3}, ahead{data, huge}} {
			m := toyModel(t)
			_, err := m.Fit(t.Context(), source, keraslike.BatchSize(huge), keraslike.KeepOrder, keraslike.StepsPerEpoch(huge), keraslike.Validation(source), keraslike.ValidationSteps(huge))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(weightsOf(m), weightsOf(want)) {
				t.Errorf("batches of %d: other weights than of all 20 samples", huge)
			}
			if _, err := m.Evaluate(t.Context(), source, keraslike.BatchSize(huge), keraslike.ValidationSteps(huge)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, ahead := range []int{0, 2, math.MaxInt} {
		m := toyModel(t)
		for _, huge := range []int{1 << 30, math.MaxInt - 1, math.MaxInt} {
			_, err := m.Fit(t.Context(), stream(ahead), keraslike.BatchSize(huge))
			wantError(t, err, fmt.Sprintf("fit: batches of %d samples: its values need", huge), "the limit is 8 GiB")
			_, err = m.Evaluate(t.Context(), stream(ahead), keraslike.BatchSize(huge))
			wantError(t, err, fmt.Sprintf("evaluate: batches of %d samples", huge))
			_, err = m.Fit(t.Context(), data, keraslike.Validation(stream(ahead)), keraslike.BatchSize(20))
			if err != nil {
				t.Error(err)
			}
		}
		_, err := m.Fit(t.Context(), stream(ahead), keraslike.BatchSize(4), keraslike.StepsPerEpoch(math.MaxInt))
		wantError(t, err, "epoch 1: the stream ended after 5 steps, want "+strconv.Itoa(math.MaxInt))
		_, err = m.Evaluate(t.Context(), stream(ahead), keraslike.BatchSize(4), keraslike.ValidationSteps(9))
		wantError(t, err, "evaluate: the stream ended after 5 steps, want 9")
		_, err = m.Fit(t.Context(), data, keraslike.Validation(stream(ahead)), keraslike.ValidationSteps(7), keraslike.BatchSize(4))
		wantError(t, err, "epoch 1, validation: the stream ended after 5 steps, want 7")
	}
	for _, n := range []int{0, -1, math.MinInt} {
		for want, o := range map[string]keraslike.FitOption{
			"epochs, want at least 1":              keraslike.Epochs(n),
			"samples, want at least 1":             keraslike.BatchSize(n),
			"steps per epoch, want at least 1":     keraslike.StepsPerEpoch(n),
			"steps of validation, want at least 1": keraslike.ValidationSteps(n),
		} {
			_, err := toyModel(t).Fit(t.Context(), data, o)
			wantError(t, err, fmt.Sprint(n), want)
		}
		_, err := toyModel(t).Evaluate(t.Context(), data, keraslike.BatchSize(n))
		wantError(t, err, "want at least 1")
		_, err = toyModel(t).Evaluate(t.Context(), data, keraslike.ValidationSteps(n))
		wantError(t, err, fmt.Sprint(n), "steps, want at least 1")
	}
	_, err := toyModel(t).Fit(t.Context(), data, keraslike.InitialEpoch(math.MaxInt))
	wantError(t, err, "initial epoch is")
	if result, err := toyModel(t).TrainOnBatch(x, y); err != nil || math.IsNaN(result.Loss()) {
		t.Error(result, err)
	}
	var none bytes.Buffer
	wantError(t, toyModel(t).WriteOpsDOT(&none, 0), "want at least 1")
}

// A message keeps its beginning and its end, however long the names of a file are.
func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("n", 100_000)
	x := keraslike.Input(4)
	y := x
	for range 500 {
		y = keraslike.Dense(4).Apply(y)
	}
	m := keraslike.NewModel("m", []*keraslike.Tensor{x}, []*keraslike.Tensor{keraslike.Dense(-1).Apply(y)})
	err := m.Build(0)
	wantError(t, err, "units is -1", "input (batch, 4) -> dense_4", "dense_499 (batch, 4)")
	if len(err.Error()) > 2000 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
	m = keraslike.Sequential("m", keraslike.Input(4), keraslike.Dense(4, keraslike.Name(long)))
	_, err = m.SubModel("nothing")
	wantError(t, err, `there is no layer "nothing"`, "bytes left out")
	_, err = keraslike.Load(long)
	if len(err.Error()) > 4000 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}
