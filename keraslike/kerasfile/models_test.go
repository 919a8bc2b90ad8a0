// SPDX-License-Identifier: Apache-2.0

package kerasfile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

// kerasArray is an input or output of a model.
type kerasArray struct {
	Shape  []int
	Values []float32
}

// kerasSaved is a model with its files, by testdata/models/make_models.py.
type kerasSaved struct {
	Name  string
	X, Y  []kerasArray
	Files []string
}

const kerasModels = "testdata/models"

func readKerasModels(t *testing.T, folder string) (models []kerasSaved) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "models.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &models); err != nil || len(models) == 0 {
		t.Fatalf("%d models, %v", len(models), err)
	}
	return models
}

// gives compares what a model predicts with what Keras did.
func (c kerasSaved) gives(m *k.Model) error {
	var inputs []*k.Array
	for _, x := range c.X {
		inputs = append(inputs, arrayOf(x.Values, x.Shape...))
	}
	m.ResetStates()
	outputs, err := m.PredictAll(inputs...)
	if err != nil {
		return err
	}
	if len(outputs) != len(c.Y) {
		return fmt.Errorf("%d outputs, want %d", len(outputs), len(c.Y))
	}
	for i, want := range c.Y {
		got := outputs[i].Values()
		if len(got) != len(want.Values) || len(got) == 0 {
			return fmt.Errorf("output %d has %d values, want %d", i, len(got), len(want.Values))
		}
		for n, w := range want.Values {
			if d := math.Abs(float64(got[n] - w)); !(d <= 3e-5*max(1, math.Abs(float64(w)))) {
				return fmt.Errorf("output %d: value %d is %g, Keras has %g", i, n, got[n], w)
			}
		}
	}
	return nil
}

// The weights of a nested model whose first layer was frozen stand in another order in
// the file; names and architecture of the file tell, where those here say nothing.
func TestLoadWeightsOfPartlyFrozenModel(t *testing.T) {
	for _, c := range readKerasModels(t, kerasModels) {
		if c.Name != "partly_frozen" {
			continue
		}
		for _, file := range c.Files {
			a, b := k.Input(4), k.Input(4)
			inner := k.NewModel("inner", []*k.Tensor{a}, []*k.Tensor{k.Dense(4).Apply(k.Activation(k.ReLU).Apply(k.Dense(4).Apply(a)))})
			m := k.NewModel("m", []*k.Tensor{b}, []*k.Tensor{k.Dense(4).Apply(inner.Apply(b))})
			r, err := kerasfile.LoadWeights(m, filepath.Join(kerasModels, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.gives(m); err != nil || !r.ByOrder {
				t.Errorf("%s, by order %v: %v", file, r.ByOrder, err)
			}
		}
		return
	}
	t.Error("no such model")
}

// Whole models, their weights alone, and the weights in a model whose layers have other
// names than the file's.
func TestKerasModels(t *testing.T) {
	folders := []string{kerasModels}
	if more := os.Getenv("REEF_KERAS_MODELS"); more != "" {
		folders = append(folders, more)
	}
	for _, folder := range folders {
		for _, c := range readKerasModels(t, folder) {
			t.Run(c.Name, func(t *testing.T) { c.loads(t, folder) })
		}
	}
}

func (c kerasSaved) loads(t *testing.T, folder string) {
	var m, unnamed *k.Model
	for _, file := range c.Files {
		if strings.HasSuffix(file, ".weights.h5") {
			continue
		}
		var options []kerasfile.LoadOption
		if c.Name == "open" { // in two axes of series
			free, _, err := kerasfile.Load(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.gives(free); err != nil || free.Inputs()[0].Shape()[0] != k.Any {
				t.Errorf("%s, inputs of any length: %v", file, err)
			}
			c.savesAndLoads(t, free)
			for _, x := range c.X {
				options = append(options, kerasfile.InputShape(x.Shape[1:]...))
			}
			if _, _, err := kerasfile.Load(filepath.Join(folder, file), options[0]); err == nil || !strings.Contains(err.Error(), "got InputShape for 1 inputs, want 2") {
				t.Errorf("%s: error %v", file, err)
			}
		}
		loaded, r, err := kerasfile.Load(filepath.Join(folder, file), options...)
		if c.Name == "other_mask" { // given to a layer whose input has lost it
			if err == nil || !strings.Contains(err.Error(), "is not known to be the mask of its input") {
				t.Errorf("%s: error %v", file, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if m == nil { // of the format that knows which layers are shared
			m = loaded
			if unnamed, err = kerasfile.LoadUnnamed(filepath.Join(folder, file), options...); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.gives(loaded); err != nil || r.ByOrder {
			t.Errorf("%s, by order %v: %v", file, r.ByOrder, err)
		}
	}
	if m == nil {
		return
	}
	c.savesAndLoads(t, m)
	for names, m := range map[string]*k.Model{"the file's names": m, "other names": unnamed} {
		for _, file := range c.Files {
			for _, w := range m.Weights() {
				if err := w.Update(func(v []float32) { clear(v) }); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := kerasfile.LoadWeights(m, filepath.Join(folder, file)); err != nil {
				if len(m.Weights()) > 0 || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %s: %v", names, file, err)
				}
				continue
			}
			if err := c.gives(m); err != nil {
				t.Errorf("%s: %s: %v", names, file, err)
			}
		}
	}
}

// What was made of a file is the same model after Save and Load.
func (c kerasSaved) savesAndLoads(t *testing.T, m *k.Model) {
	t.Helper()
	if len(m.Weights()) == 0 || c.Name == "shared" { // Load knows a layer in one model only
		return
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.gives(again); err != nil {
		t.Errorf("after Save and Load: %v", err)
	}
}
