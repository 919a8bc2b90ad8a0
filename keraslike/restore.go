// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// Restore reads the weights and the training state of a file that Save wrote WithOptimizer into
// this model, which must have the same layers and have been compiled with the same settings.
// The next Fit continues the training of the file. Unlike Load, Restore keeps the model and its
// weights, so that other models that share them see the values too. After an error the model
// may hold a part of the file's values and should be discarded.
func (m *Model) Restore(path string) error {
	err := m.err
	if err == nil && m.compiled == nil {
		err = ErrNotCompiled
	}
	if err == nil && m.running != nil {
		err = errRunning
	}
	var f *safetensors.File
	if err == nil {
		f, err = safetensors.Open(path)
	}
	if err == nil {
		defer f.Close()
		if err = guard("restore", nil, "", func() error { return m.restoreFrom(f) }); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	if err != nil {
		return text.Brief(fmt.Errorf("restore model %q: %w", m.name, err))
	}
	return nil
}

func (m *Model) restoreFrom(f *safetensors.File) error {
	meta := f.Metadata()
	if version := meta[metaFormat]; version != formatVersion {
		return fmt.Errorf("has format version %q, this program reads %s", version, formatVersion)
	}
	back := m.compiled.restoreFrozen() // the state is of the weights that are trained
	architecture, err := m.config(newLayerWriter())
	back()
	if err != nil {
		return err
	}
	if text, err := json.Marshal(architecture); err != nil || !bytes.Equal(text, []byte(meta[metaModel])) {
		return fmt.Errorf("was saved by a model of other layers than this one")
	}
	var c compileConfig
	if err := unmarshalStrict([]byte(meta[metaCompile]), &c); err != nil {
		return fmt.Errorf("settings of compile: %w", err)
	}
	if !c.State {
		return fmt.Errorf("has no training state: it was not saved WithOptimizer")
	}
	if err := m.compiledLike(c); err != nil {
		return err
	}
	expected := map[string]bool{}
	values := make([][]float32, len(m.weights))
	for i, w := range m.weights {
		path := m.paths[w]
		expected[path] = true
		values[i] = make([]float32, w.size())
		if err := readTensor(f, path, w.shape, values[i]); err != nil {
			return err
		}
		if err := w.checkValues(path, values[i]); err != nil {
			return fmt.Errorf("tensor %w", err)
		}
	}
	if err := UpdateWeights(m.weights, func(i int, to []float32) { copy(to, values[i]) }); err != nil {
		return err
	}
	return m.restoreState(f, &c, expected)
}

// compiledLike reports whether the saved settings of Compile are those of the model.
func (m *Model) compiledLike(saved compileConfig) error {
	own, err := m.compileConfig()
	if err != nil {
		return err
	}
	settings := compileConfig{
		Optimizer: saved.Optimizer, Settings: saved.Settings, Losses: saved.Losses,
		LossWeights: saved.LossWeights, Metrics: saved.Metrics, Seed: saved.Seed,
	}
	for _, p := range saved.Phases {
		p.Steps, p.Rate = 0, 0
		settings.Phases = append(settings.Phases, p)
	}
	want, err := json.Marshal(own)
	if err != nil {
		return err
	}
	if got, err := json.Marshal(settings); err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("was compiled with %s, want the model's settings %s", got, want)
	}
	return nil
}
