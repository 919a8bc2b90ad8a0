// SPDX-License-Identifier: Apache-2.0

package kerasfile_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

const kerasCases = "testdata/cases"

// kerasCase is a file with the output of its model, by testdata/cases/make_cases.py.
type kerasCase struct {
	X    []float32
	Xs   []int
	Y    []float64
	Note string
}

func readKerasCases(t testing.TB) map[string]kerasCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(kerasCases, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]kerasCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// gives checks what a model makes of a case's input.
func (c kerasCase) gives(t *testing.T, what string, m *k.Model) {
	t.Helper()
	out, err := m.Predict(arrayOf(c.X, c.Xs...))
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	got := out.Values()
	if len(got) != len(c.Y) || len(got) == 0 {
		t.Errorf("%s: %d values, want %d", what, len(got), len(c.Y))
		return
	}
	for i, want := range c.Y {
		if d := math.Abs(float64(got[i]) - want); !(d <= 1e-5*max(1, math.Abs(want))) {
			t.Errorf("%s (%s): value %d is %g, want %g", what, c.Note, i, got[i], want)
			return
		}
	}
}

// Files of all versions, backends and layouts: Load gives the model whose outputs
// Keras or the formulas have.
func TestLoadCases(t *testing.T) {
	notes := map[string]string{ // what the report must say
		"l2_nan": "kernel_regularizer", "slash": "slashes", "training_false": "training=False", "training_false0": "training=False",
		"frozen_layer_order": "by Keras's order", "frozen_model_order": "by Keras's order",
	}
	loaded := 0
	for name, c := range readKerasCases(t) {
		if name == "order" || name == "conv13" { // weights only
			continue
		}
		loaded++
		m, r, err := kerasfile.Load(filepath.Join(kerasCases, name+".h5"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.gives(t, name, m)
		if text := strings.Join(r.Notes, "\n"); !strings.Contains(text, notes[name]) || notes[name] == "" && text != "" {
			t.Errorf("%s: notes %q, want %q", name, r.Notes, notes[name])
		}
	}
	if loaded != 14 {
		t.Errorf("%d files, want 14", loaded)
	}
}

// The layers of a file of weights are in Keras's order, by their distance from the
// output, which is another one than that of the calls here.
func TestLoadWeightsInKerasOrder(t *testing.T) {
	c := readKerasCases(t)["order"]
	path := filepath.Join(kerasCases, "order.h5")
	build := func(names ...string) *k.Model {
		named := func(i int) []k.DenseOption {
			if names == nil {
				return nil
			}
			return []k.DenseOption{k.Name(names[i])}
		}
		in := k.Input(4)
		e2 := k.Dense(3, named(1)...).Apply(in)
		e1 := k.Dense(3, named(0)...).Apply(in)
		return k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{k.Subtract().Apply(e2, k.Dense(3, named(2)...).Apply(e1))})
	}
	for what, m := range map[string]*k.Model{"own names": build("e1", "e2", "p"), "no names": build(), "the file's names": build("enc1", "enc2", "proj")} {
		r, err := kerasfile.LoadWeights(m, path)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		c.gives(t, what, m)
		if r.ByOrder != (what != "the file's names") {
			t.Errorf("%s: by order is %v", what, r.ByOrder)
		}
	}
	// The same names, given automatically and in another order than Keras counts, say nothing.
	same := filepath.Join(t.TempDir(), "dense.h5")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for old, name := range map[string]string{"enc1": "de_0", "enc2": "de_1", "proj": "de_2"} {
		data = []byte(strings.ReplaceAll(string(data), old, name))
	}
	if err := os.WriteFile(same, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m := build("de_1", "de_0", "de_2") // chosen by the user: now they count
	if _, err := kerasfile.LoadWeights(m, same); err != nil {
		t.Fatal(err)
	}
	w, err := m.Weight("de_1/kernel")
	if err != nil {
		t.Fatal(err)
	}
	byOrder := build()
	if _, err := kerasfile.LoadWeights(byOrder, same); err != nil {
		t.Fatal(err)
	}
	c.gives(t, "no names", byOrder)
	other, err := byOrder.Weight("dense/kernel") // e2, which is called first here
	if err != nil || w.Values()[0] != other.Values()[0] {
		t.Errorf("chosen names: kernel %v, want that of enc2", w.Values())
	}
}

// A kernel of 1x3 is none of 3x1, though both have three numbers for each channel.
func TestLoadWeightsComparesAllAxes(t *testing.T) {
	path := filepath.Join(kerasCases, "conv13.h5")
	m := k.Sequential("m", k.Input(5, 5, 2), k.Conv2D(2, 3, k.KernelSize(3, 1), k.Name("c")))
	if _, err := kerasfile.LoadWeights(m, path); err == nil || !strings.Contains(err.Error(), `tensor "c/c/kernel:0" of shape [1 3 2 2] for weight "c/kernel" of shape [3 1 2 2]: the shapes differ`) {
		t.Errorf("error %v", err)
	}
	if _, err := kerasfile.LoadWeights(m, path, kerasfile.ByName); err == nil {
		t.Error("by name it loads")
	}
	m = k.Sequential("m", k.Input(5, 5, 2), k.Conv2D(2, 3, k.KernelSize(1, 3), k.Name("c")))
	if _, err := kerasfile.LoadWeights(m, path); err != nil {
		t.Error(err)
	}
}

// Slashes in the names of layers are underscores here, also for LoadWeights.
func TestLoadWeightsOfNamesWithSlashes(t *testing.T) {
	c := readKerasCases(t)["slash"]
	m := k.Sequential("m", k.Input(4), k.Dense(3, k.Name("conv1_conv")), k.Dense(2, k.Name("conv1_out")))
	r, err := kerasfile.LoadWeights(m, filepath.Join(kerasCases, "slash.h5"), kerasfile.ByName)
	if err != nil || r.ByOrder || r.Used() != 4 {
		t.Fatalf("%v\n%s", err, r)
	}
	c.gives(t, "slash", m)
}

// Load says who reads the files of Keras, and of nothing else.
func TestKeraslikeNamesKerasfile(t *testing.T) {
	for path, want := range map[string]bool{"testdata/sequential.keras": true, "testdata/functional.h5": true, "testdata/predictions.json": false, "testdata": false, "absent": false} {
		_, err := k.Load(path)
		if err == nil || strings.Contains(err.Error(), path+" is an HDF5 or zip file, as Keras writes: use kerasfile.Load") != want {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
