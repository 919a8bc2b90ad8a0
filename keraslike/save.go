// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/reef-dl/reef/keraslike/safetensors"
)

// formatVersion is the version of the files of Save. Load rejects other versions.
const formatVersion = "1"

// The keys of the metadata of a saved model.
const (
	metaFormat  = "reef.format"
	metaModel   = "reef.model"    // modelConfig
	metaCompile = "reef.compile"  // compileConfig, when the model was compiled
	metaData    = "reef.metadata" // savedMetadata, when there is some
)

type compileConfig struct {
	Optimizer   string          `json:"optimizer"`
	Settings    json.RawMessage `json:"settings"`
	Losses      []savedObject   `json:"losses"` // one for each output
	LossWeights []float64       `json:"loss_weights,omitempty"`
	Metrics     []savedObject   `json:"metrics,omitempty"`
	Seed        uint64          `json:"seed"`
	Phases      []savedPhase    `json:"phases,omitempty"`
	// The remaining fields are set if the optimizer state is saved.
	State    bool    `json:"state,omitempty"`
	Steps    int     `json:"steps,omitempty"`
	Epochs   int     `json:"epochs,omitempty"`
	Position int     `json:"position,omitempty"` // samples done of an interrupted epoch
	Rate     float64 `json:"rate,omitempty"`
	Carried  int     `json:"carried,omitempty"` // samples of the batch that left states
	interruption
}

// savedPhase is what is saved of a phase, whose function is not.
type savedPhase struct {
	Name      string          `json:"name,omitempty"`
	Optimizer string          `json:"optimizer"`
	Settings  json.RawMessage `json:"settings"`
	Times     int             `json:"times"`
	Trains    []string        `json:"trains"` // paths of weights
	Steps     int             `json:"steps,omitempty"`
	Rate      float64         `json:"rate,omitempty"`
}

// SaveOption is an option of Save and SaveTo: WithOptimizer.
type SaveOption interface{ applySave(*saveSettings) }

type saveSettings struct{ optimizer bool }

// WithOptimizer also saves the training state, so that training continues after Load as if
// it had not been interrupted: the arrays of the optimizer, accumulated gradients and
// averages of weights; the states of layers that are Stateful; the number of batches and epochs and the learning rate, which
// determine schedules, dropout and the order of samples; and during or after an interrupted
// Fit the position, loss and metrics of the current epoch and the state of every
// StatefulCallback, such as the weights of the best epoch. The file does not contain the
// data.
const WithOptimizer saveFlag = iota

type saveFlag int

func (saveFlag) applySave(s *saveSettings) { s.optimizer = true }

// Save writes the model to one file in the safetensors format: the weights under their paths,
// and in the metadata the architecture, the settings of Compile, what SetClasses,
// SetPreprocessor and SetMetadata added, and a format version. The settings of Compile are
// omitted if the optimizer is a Gorgonia solver, and for a model compiled with Phases or an Objective unless
// the file has its training state, which Restore reads. The same model gives the same bytes. Save writes
// a temporary file and renames it, so path holds either the old or the complete new content. It
// returns an error, and leaves path unchanged, if a weight is NaN or Inf; Weights still returns
// such weights.
func (m *Model) Save(path string, options ...SaveOption) error {
	return m.saveWith(options, func(tensors []safetensors.Tensor, metadata map[string]string) error {
		return safetensors.WriteFile(path, tensors, metadata)
	})
}

// SaveTo writes what Save writes to w. Mistakes are found before anything is written; after an
// error of w it may have a part of the model.
func (m *Model) SaveTo(w io.Writer, options ...SaveOption) error {
	return m.saveWith(options, func(tensors []safetensors.Tensor, metadata map[string]string) error {
		return guard("writer", w, "", func() error { return safetensors.Write(w, tensors, metadata) })
	})
}

func (m *Model) saveWith(options []SaveOption, write func([]safetensors.Tensor, map[string]string) error) error {
	var s saveSettings
	var err error
	for _, o := range given(options, &err) {
		o.applySave(&s)
	}
	if err == nil {
		err = guard("save", nil, "", func() error {
			tensors, metadata, err := m.content(s)
			if err != nil {
				return err
			}
			return write(tensors, metadata)
		})
	}
	if err != nil {
		return fmt.Errorf("save model %q: %w", m.name, err)
	}
	return nil
}

// content returns the tensors and the metadata of the model's file.
func (m *Model) content(s saveSettings) (tensors []safetensors.Tensor, meta map[string]string, err error) {
	if err := m.checkSavable(s); err != nil {
		return nil, nil, err
	}
	meta = map[string]string{metaFormat: formatVersion}
	back := func() {}
	if s.optimizer { // whose state is of the weights that were trained
		back = m.compiled.restoreFrozen()
	}
	architecture, err := m.config(newLayerWriter())
	back()
	if err != nil {
		return nil, nil, err
	}
	if err := encode(meta, metaModel, architecture); err != nil {
		return nil, nil, err
	}
	if err := m.metadata.encode(meta); err != nil {
		return nil, nil, err
	}
	for _, w := range m.weights {
		if err := w.checkValues(m.paths[w], w.floats()); err != nil {
			return nil, nil, fmt.Errorf("weight %w", err)
		}
		tensors = append(tensors, safetensors.Tensor{Name: m.paths[w], Shape: w.shape, Data: w.floats()})
	}
	if m.compiled == nil || m.compiled.unsaved() != nil || m.compiled.phases != nil && !s.optimizer {
		return tensors, meta, nil
	}
	settings, err := m.compileConfig()
	if err != nil {
		return nil, nil, err
	}
	if s.optimizer {
		state, err := m.trainingTensors(settings)
		if err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, state...)
	}
	return tensors, meta, encode(meta, metaCompile, settings)
}

// checkSavable reports why the model cannot be saved with these options.
func (m *Model) checkSavable(s saveSettings) error {
	switch {
	case m.err != nil:
		return m.err
	case !m.built:
		return fmt.Errorf("it has no weights yet: build, compile or load it")
	case s.optimizer && m.compiled == nil:
		return ErrNotCompiled
	case s.optimizer:
		return m.compiled.unsaved()
	}
	return nil
}

// trainingTensors returns the arrays of the optimizer and of callbacks, and adds the rest of
// the training state to the settings.
func (m *Model) trainingTensors(settings *compileConfig) (tensors []safetensors.Tensor, err error) {
	settings.State, settings.Steps, settings.Epochs = true, m.trainer.steps, m.epochs
	settings.Position, settings.Rate = m.position, m.trainer.rate
	settings.interruption = m.interrupted
	if m.running != nil {
		if settings.interruption, err = m.running.interruption(); err != nil {
			return nil, err
		}
	}
	var carried []stateArray
	carried, settings.Carried = m.carriedState()
	for i := range settings.Phases {
		p := &settings.Phases[i]
		p.Steps, p.Rate = m.phases.trainers[i].steps, m.phases.trainers[i].rate
	}
	for _, k := range slices.Concat(m.stateArrays(), m.callbackWeights(settings.Callbacks), carried) {
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("%w; without WithOptimizer the model can be saved", err)
		}
		tensors = append(tensors, safetensors.Tensor{Name: k.name, Shape: k.shape, Data: k.values})
	}
	return tensors, nil
}

// unsaved returns the reason why the optimizer cannot be saved, or nil.
func (c *compiled) unsaved() error {
	for _, p := range c.phases {
		if o, ok := p.optimizer.(interface{ unsaved() error }); ok && o.unsaved() != nil {
			return fmt.Errorf("%s: %w", p.label(), o.unsaved())
		}
	}
	if o, ok := c.optimizer.(interface{ unsaved() error }); ok {
		return o.unsaved()
	}
	return nil
}

// compileConfig returns the settings of Compile as they are saved.
func (m *Model) compileConfig() (*compileConfig, error) {
	c := m.compiled
	if c.phases == nil {
		return c.config()
	}
	cc := &compileConfig{Optimizer: phasesOptimizer, Settings: json.RawMessage("{}"), Seed: c.seed}
	for _, p := range c.phases {
		settings, err := marshal("optimizer", p.optimizer)
		if err != nil {
			return nil, fmt.Errorf("%s: optimizer %s: %w", p.label(), p.optimizer.Name(), err)
		}
		one := savedPhase{Name: p.name, Optimizer: p.optimizer.Name(), Settings: settings, Times: p.times}
		for _, w := range p.weights {
			one.Trains = append(one.Trains, m.paths[w])
		}
		cc.Phases = append(cc.Phases, one)
	}
	return cc, nil
}

// phasesOptimizer stands for the optimizers of phases in a file.
const phasesOptimizer = "phases"

func (c *compiled) config() (*compileConfig, error) {
	settings, err := marshal("optimizer", c.optimizer)
	if err != nil {
		return nil, fmt.Errorf("optimizer %s: %w", c.optimizer.Name(), err)
	}
	cc := &compileConfig{Optimizer: c.optimizer.Name(), Settings: settings, LossWeights: c.lossWeights, Seed: c.seed}
	for _, l := range c.losses {
		n, err := newSavedObject(l.Name(), l)
		if err != nil {
			return nil, err
		}
		cc.Losses = append(cc.Losses, n)
	}
	for _, m := range c.metrics {
		metric, as := m.Metric, ""
		if r, ok := metric.(namedMetric); ok {
			metric, as = r.Metric, r.name
		}
		name := metric.Name()
		if kind, ok := metric.(interface{ savedAs() string }); ok {
			name = kind.savedAs()
		}
		n, err := newSavedObject(name, metric)
		if err != nil {
			return nil, err
		}
		n.Output, n.Weighted, n.As = m.output, m.weighted, as
		cc.Metrics = append(cc.Metrics, n)
	}
	return cc, nil
}

func encode(meta map[string]string, key string, v any) error {
	text, err := json.Marshal(v)
	meta[key] = string(text)
	return err
}

// callbackWeights returns the weights in the states of callbacks under their names in files.
func (n *network) callbackWeights(callbacks []callbackRecord) (list []stateArray) {
	for i := range callbacks {
		r := &callbacks[i]
		r.HasWeights = r.weights != nil
		for j, w := range n.weights[:len(r.weights)] {
			list = append(list, stateArray{n.callbackWeightName(i, w), w.shape, r.weights[j], ""})
		}
	}
	return list
}

// callbackWeightName returns the name in files of a weight in the state of the i-th callback.
func (n *network) callbackWeightName(i int, w *Weight) string {
	return fmt.Sprintf("%s%d/%s", callbackWeightPrefix, i, n.paths[w])
}

const callbackWeightPrefix = "optimizer/callback "
