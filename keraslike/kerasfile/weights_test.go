// SPDX-License-Identifier: Apache-2.0

package kerasfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// small is a model for dense.weights.h5, a kernel of 1 to 6 and a bias of 7 to 9.
func small(layers ...k.Part) *k.Model {
	return k.Sequential("small", append([]k.Part{k.Input(2)}, layers...)...)
}

const denseWeights = "testdata/dense.weights.h5"

func valuesOf(t testing.TB, m *k.Model) string {
	t.Helper()
	var all [][]float32
	for _, w := range m.Weights() {
		all = append(all, w.Values())
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLoadWeights(t *testing.T) {
	m := small(k.Dense(3, k.Name("dense")))
	r, err := kerasfile.LoadWeights(m, denseWeights)
	if err != nil {
		t.Fatal(err)
	}
	if got := valuesOf(t, m); got != "[[1,2,3,4,5,6],[7,8,9]]" {
		t.Errorf("weights %s", got)
	}
	want := denseWeights + `
layers/dense/vars/0   [2 3]   dense/kernel   [2 3]   used
layers/dense/vars/1   [3]     dense/bias     [3]     used
`
	if r.String() != want {
		t.Errorf("report\n%s\nwant\n%s", r, want)
	}
	out, err := m.Predict(arrayOf([]float32{1, 10}, 1, 2))
	if err != nil || !slices.Equal(out.Values(), []float32{48, 60, 72}) {
		t.Errorf("prediction %v, %v", out, err)
	}
	// Graphs that exist see weights that are loaded later.
	if err := m.Weights()[0].Set([]float32{0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := kerasfile.LoadWeights(m, denseWeights); err != nil {
		t.Fatal(err)
	}
	out, err = m.Predict(arrayOf([]float32{1, 10}, 1, 2))
	if err != nil || !slices.Equal(out.Values(), []float32{48, 60, 72}) {
		t.Errorf("prediction %v, %v", out, err)
	}
}

func TestLoadWeightsByOrder(t *testing.T) {
	m := small(k.Dense(3, k.Name("mine")))
	r, err := kerasfile.LoadWeights(m, denseWeights)
	if err != nil || !r.ByOrder || valuesOf(t, m) != "[[1,2,3,4,5,6],[7,8,9]]" {
		t.Errorf("%v, %s", err, r)
	}
}

func TestLoadWeightsInPart(t *testing.T) {
	make := func() *k.Model { return small(k.Dense(3, k.Name("dense")), k.Dense(2, k.Name("head"))) }
	m := make()
	if _, err := kerasfile.LoadWeights(m, denseWeights); err == nil || !strings.Contains(err.Error(), `weight "head/kernel" of shape [3 2]: the file has no such tensor`) {
		t.Errorf("half a match: error %v", err)
	}
	r, err := kerasfile.LoadWeights(m, denseWeights, kerasfile.ByName)
	if err != nil || r.Used() != 2 || len(r.Entries) != 4 || r.Entries[2].Weight != "head/kernel" || r.Entries[2].Reason == "" {
		t.Fatalf("%v\n%s", err, r)
	}
	if err := m.Build(1); err != nil { // gives the head its values
		t.Fatal(err)
	}
	if got := m.Weights()[0].Values(); !slices.Equal(got, []float32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("kernel %v", got)
	}
	// Another shape under the same name is a mistake even so.
	m = small(k.Dense(3, k.Name("other")), k.Dense(4, k.Name("dense")))
	if _, err := kerasfile.LoadWeights(m, denseWeights, kerasfile.ByName); err == nil || !strings.Contains(err.Error(), `tensor "layers/dense/vars/0" of shape [2 3] for weight "dense/kernel" of shape [3 4]: the shapes differ`) {
		t.Errorf("other shapes: error %v", err)
	}
	if _, err := kerasfile.LoadWeights(m, denseWeights, kerasfile.ByName, kerasfile.SkipMismatch); err == nil || !strings.Contains(err.Error(), "no layer in common") {
		t.Errorf("nothing left: error %v", err)
	}
	// A layer is taken as a whole: without a bias the kernel stays too.
	m = small(k.Dense(3, k.Name("dense"), k.NoBias), k.Dense(1))
	if _, err := kerasfile.LoadWeights(m, denseWeights, kerasfile.ByName); err == nil || !strings.Contains(err.Error(), `tensor "layers/dense/vars/1" of shape [3]: the model has no such weight`) {
		t.Errorf("no bias: error %v", err)
	}
}

// Files that are no good, and files of another network: the error says what is wrong,
// and the model is what it was.
func TestLoadWeightsLeavesTheModel(t *testing.T) {
	m := small(k.Dense(3, k.Name("dense")))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	before := valuesOf(t, m)
	whole, err := os.ReadFile(denseWeights)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, data []byte, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "weights")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := kerasfile.LoadWeights(m, path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q and the file", name, err, want)
		}
		if valuesOf(t, m) != before {
			t.Fatalf("%s changed the model", name)
		}
	}
	other := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	try("empty", nil, "safetensors")
	try("text", []byte("weights, weights, weights"), "nor is it HDF5 or .keras")
	try("another network", other("testdata/functional.h5"), `does not fit: weight "dense/kernel" of shape [2 3]: the file has no such tensor; weight "dense/bias"`)
	try("many tensors", other("testdata/functional.h5"), "and 10 more")
	try("as many layers of other shapes", other("../kerash5/testdata/storage.h5"), "does not fit")
	for n := 8; n < len(whole); n += 97 {
		_, err := kerasfile.LoadWeightsFrom(m, bytes.NewReader(whole[:n]), int64(n), "cut")
		if err == nil {
			// Only bytes behind the last that are needed may be missing.
			if n < len(whole)/2 {
				t.Fatalf("%d of %d bytes load", n, len(whole))
			}
			continue
		}
		if valuesOf(t, m) != before {
			t.Fatalf("%d of %d bytes changed the model: %v", n, len(whole), err)
		}
	}
	var saved bytes.Buffer
	if err := m.SaveTo(&saved); err != nil {
		t.Fatal(err)
	}
	_, _, err = kerasfile.LoadFrom(bytes.NewReader(saved.Bytes()), int64(saved.Len()), "saved")
	if err == nil || !strings.Contains(err.Error(), "saved: a safetensors file, as Reef writes, want HDF5 or a .keras archive: use keraslike.Load") {
		t.Errorf("a file of Reef: error %v", err)
	}
	if _, err := kerasfile.LoadWeights(nil, denseWeights); err == nil || err.Error() != "load weights: the model is nil" {
		t.Errorf("no model: got error %v", err)
	}
	if _, err := kerasfile.LoadWeights(m, t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a folder, want a file") {
		t.Errorf("folder: error %v", err)
	}
	if _, err := kerasfile.LoadWeights(k.Sequential("bad", k.Input(2), k.Dense(0)), denseWeights); err == nil {
		t.Error("a model with a mistake loads")
	}
}

// gamma and beta have one shape: only their names tell them apart.
func TestLoadWeightsKnowsNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights")
	from := small(k.BatchNormalization(k.NoScale, k.Name("bn")))
	if err := from.Build(1); err != nil {
		t.Fatal(err)
	}
	if err := from.Save(path); err != nil {
		t.Fatal(err)
	}
	m := small(k.BatchNormalization(k.NoCenter, k.Name("bn")))
	if _, err := kerasfile.LoadWeights(m, path); err == nil || !strings.Contains(err.Error(), `tensor "bn/beta" of shape [2]: the model has no such weight`) {
		t.Errorf("error %v", err)
	}
	m = k.Sequential("m", k.Input(11, 8, 2), k.Conv2D(4, 3, k.Name("stem")), k.BatchNormalization(k.NoScale, k.Name("bn")))
	if _, err := kerasfile.LoadWeights(m, "testdata/functional.h5", kerasfile.ByName); err == nil || !strings.Contains(err.Error(), `for weight "bn/beta" of shape [4]: their names differ`) {
		t.Errorf("error %v", err)
	}
}

// What Save writes loads into a model of the same layers, whose optimizer is another.
func TestLoadWeightsOfSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights")
	from := k.Sequential("xor", k.Input(2), k.Dense(8, k.Tanh), k.Dense(1, k.Sigmoid))
	if err := from.Compile(k.Adam(0.1), k.BinaryCrossentropy); err != nil {
		t.Fatal(err)
	}
	if err := from.Save(path, k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	m := k.Sequential("m", k.Input(2), k.Dense(8, k.ReLU), k.Dense(1))
	r, err := kerasfile.LoadWeights(m, path)
	if err != nil || valuesOf(t, m) != valuesOf(t, from) {
		t.Errorf("%v\n%s", err, r)
	}
}

func TestLoadWeightsOfKeras1(t *testing.T) {
	m := k.Sequential("m", k.Input(8, 2),
		k.Conv1D(5, 3, k.ReLU), k.Dropout(0.5), k.LSTM(3, k.ReturnSequences), k.GRU(4, k.ResetBefore), k.Dense(2))
	r, err := kerasfile.LoadWeights(m, "testdata/keras1.h5")
	if err != nil {
		t.Fatal(err)
	}
	if !r.ByOrder || r.Used() != 10 {
		t.Errorf("report\n%s", r)
	}
	want := kerasPredictions(t)["keras1.h5"]
	out, err := m.Predict(kerasInput(want.Shape, func(v float32) float32 { return v / 255 }))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want.Want {
		if got := out.Values()[i]; math.Abs(float64(got)-w) > 1e-5 {
			t.Errorf("value %d is %g, numpy has %g", i, got, w)
		}
	}
}

// What no training can give is not loaded, and leaves the model as it is.
func TestLoadWeightsChecksNumbers(t *testing.T) {
	m := k.Sequential("m", k.Input(2), k.Dense(3, k.Name("dense")), k.BatchNormalization(k.Name("norm")))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	before := valuesOf(t, m)
	for weight, c := range map[string]struct {
		value float32
		want  string
	}{
		"dense/bias":           {float32(math.Inf(1)), "value 0 is +Inf, want finite numbers"},
		"norm/gamma":           {float32(math.NaN()), "value 0 is NaN, want finite numbers"},
		"norm/moving_variance": {-1, "value 0 is -1, want none below 0"},
	} {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		var tensors []safetensors.Tensor
		for _, w := range m.Weights() {
			values := w.Values()
			if w.Path() == weight {
				values[0] = c.value
			}
			tensors = append(tensors, safetensors.Tensor{Name: w.Path(), Shape: w.Shape(), Data: values})
		}
		if err := safetensors.WriteFile(path, tensors, nil); err != nil {
			t.Fatal(err)
		}
		_, err := kerasfile.LoadWeights(m, path)
		if want := fmt.Sprintf("%s: tensor %q: %s", path, weight, c.want); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if valuesOf(t, m) != before {
			t.Errorf("%s: weights were changed by a file that was refused", weight)
		}
	}
}

// TestLoadFromEverywhere: files of a file system, an archive too, give what those of a path give.
func TestLoadFromEverywhere(t *testing.T) {
	const dir, name = "testdata", "functional.h5"
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := kerasfile.Load(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	want := valuesOf(t, m)
	for source, fsys := range map[string]fs.FS{"directory": os.DirFS(dir), "map": fstest.MapFS{name: {Data: content}}} {
		got, report, err := kerasfile.LoadFS(fsys, name)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if valuesOf(t, got) != want || report.File != name {
			t.Errorf("%s: other weights, or file %q", source, report.File)
		}
		if err := got.Weights()[0].Update(func(values []float32) { values[0]++ }); err != nil {
			t.Fatal(err)
		}
		if _, err := kerasfile.LoadWeightsFS(got, fsys, name); err != nil || valuesOf(t, got) != want {
			t.Errorf("%s: other weights (%v)", source, err)
		}
	}
}

func TestNothing(t *testing.T) {
	m := small(k.Dense(3))
	for want, call := range map[string]func() error{
		"load weights: option 0 is nil":            func() error { _, err := kerasfile.LoadWeights(m, denseWeights, nil); return err },
		"load keras model: option 0 is nil":        func() error { _, _, err := kerasfile.Load("testdata/functional.h5", nil); return err },
		"load weights <nil>: panic":                func() error { _, err := kerasfile.LoadWeightsFrom(m, nil, 20, "w"); return err },
		"load keras model: kerash5: w":             func() error { _, _, err := kerasfile.LoadFrom(nil, 20, "w"); return err },
		"load weights: the file system is nil":     func() error { _, err := kerasfile.LoadWeightsFS(m, nil, "w"); return err },
		"load keras model: the file system is nil": func() error { _, _, err := kerasfile.LoadFS(nil, "w"); return err },
		"the model has no layers":                  func() error { _, err := kerasfile.LoadWeights(new(k.Model), denseWeights); return err },
		"the most is 1 (Limits.Layers)": func() error {
			_, _, err := kerasfile.Load("testdata/functional.h5", kerasfile.WithLimits(k.Limits{Layers: 1}))
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
