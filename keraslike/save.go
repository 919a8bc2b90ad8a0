// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"

	"github.com/reef-dl/reef/keraslike/safetensors"
)

// formatVersion is the version of what Save writes. A reader refuses versions
// that are newer than its own.
const formatVersion = "1"

// The keys of the metadata of a saved model.
const (
	metaFormat  = "reef.format"
	metaModel   = "reef.model"   // modelConfig
	metaCompile = "reef.compile" // compileConfig, when the model was compiled
)

type compileConfig struct {
	Optimizer   string          `json:"optimizer"`
	Settings    json.RawMessage `json:"settings"`
	Losses      []named         `json:"losses"` // one for each output
	LossWeights []float64       `json:"loss_weights,omitempty"`
	Metrics     []named         `json:"metrics,omitempty"`
	Seed        uint64          `json:"seed"`
	// The rest is there when the optimiser's state is saved.
	State    bool    `json:"state,omitempty"`
	Steps    int     `json:"steps,omitempty"`
	Epochs   int     `json:"epochs,omitempty"`
	Position int     `json:"position,omitempty"` // samples done of an interrupted epoch
	Rate     float64 `json:"rate,omitempty"`
	interruption
}

// SaveOption is an option of Save: WithOptimizer.
type SaveOption interface{ applySave(*saveSettings) }

type saveSettings struct{ optimizer bool }

// WithOptimizer saves what the optimizer remembers and how far training is, so
// that training goes on after Load as if it had not been interrupted: the optimizer's
// arrays, sums of accumulated gradients and averages of weights; batches and epochs done
// and the learning rate, by which schedules, dropout and the order of samples go on; and of
// an interrupted Fit, or within one, the samples, loss and metrics of the epoch that runs
// and what every StatefulCallback remembers, the weights of the best epoch among it. The
// data is not in the file.
const WithOptimizer SaveFlag = "WithOptimizer"

// SaveFlag is an option of Save that is on or off.
type SaveFlag string

func (o SaveFlag) applySave(s *saveSettings) { s.optimizer = o == WithOptimizer }

// Save writes the model to one file in the safetensors format: the weights
// under their paths, and in the metadata the architecture, the settings of
// Compile and a format version. Those of a model whose optimiser is a Gorgonia
// solver are left out. The same model gives the same bytes. The file
// is written beside path and renamed: path holds the old content or the whole
// new one. A model with a weight that is not finite is not saved, so that it does
// not take the place of a good one; its weights can be had from Weights.
func (m *Model) Save(path string, options ...SaveOption) error {
	var s saveSettings
	var err error
	for _, o := range given(options, &err) {
		o.applySave(&s)
	}
	if err == nil {
		err = guard("save", nil, "", func() error { return m.save(path, s) })
	}
	if err != nil {
		return fmt.Errorf("save model %q: %w", m.name, err)
	}
	return nil
}

func (m *Model) save(path string, s saveSettings) error {
	switch {
	case m.err != nil:
		return m.err
	case !m.built:
		return fmt.Errorf("it has no weights yet: build, compile or load it")
	case s.optimizer && m.compiled == nil:
		return ErrNotCompiled
	case s.optimizer && m.compiled.unsaved() != nil:
		return m.compiled.unsaved()
	}
	meta := map[string]string{metaFormat: formatVersion}
	back := func() {}
	if s.optimizer { // whose state is of the weights that were trained
		back = m.asCompiled()
	}
	architecture, err := m.config()
	back()
	if err != nil {
		return err
	}
	if err := encode(meta, metaModel, architecture); err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for _, w := range m.weights {
		if err := w.checkValues(m.paths[w], w.Value()); err != nil {
			return fmt.Errorf("weight %w", err)
		}
		tensors = append(tensors, safetensors.Tensor{Name: m.paths[w], Shape: w.shape, Data: w.Value()})
	}
	if m.compiled != nil && m.compiled.unsaved() == nil {
		settings, err := m.compiled.config()
		if err != nil {
			return err
		}
		if s.optimizer {
			settings.State, settings.Steps, settings.Epochs = true, m.trainer.steps, m.epochs
			settings.Position, settings.Rate = m.position, m.trainer.rate
			settings.interruption = m.left
			if m.running != nil {
				if settings.interruption, err = m.running.interruption(); err != nil {
					return err
				}
			}
			for _, k := range append(m.trainer.state(m.pathOf), m.keptWeights(settings.Callbacks)...) {
				if err := m.compiled.checkKept(k.name, k.values); err != nil {
					return fmt.Errorf("%w; without WithOptimizer the model can be saved", err)
				}
				tensors = append(tensors, safetensors.Tensor{Name: k.name, Shape: k.shape, Data: k.values})
			}
		}
		if err := encode(meta, metaCompile, settings); err != nil {
			return err
		}
	}
	return safetensors.WriteFile(path, tensors, meta)
}

// unsaved is why an optimizer cannot be saved, nil where it can.
func (c *compiled) unsaved() error {
	if o, ok := c.optimizer.(interface{ unsaved() error }); ok {
		return o.unsaved()
	}
	return nil
}

func (c *compiled) config() (*compileConfig, error) {
	settings, err := marshal("optimizer", c.optimizer)
	if err != nil {
		return nil, fmt.Errorf("optimiser %s: %w", c.optimizer.Name(), err)
	}
	cc := &compileConfig{Optimizer: c.optimizer.Name(), Settings: settings, LossWeights: c.lossWeights, Seed: c.seed}
	for _, l := range c.losses {
		n, err := nameOf(l.Name(), l)
		if err != nil {
			return nil, err
		}
		cc.Losses = append(cc.Losses, n)
	}
	for _, m := range c.metrics {
		metric, as := m.Metric, ""
		if r, ok := metric.(renamed); ok {
			metric, as = r.Metric, r.name
		}
		n, err := nameOf(metric.Name(), metric)
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

// keptWeights are the weights that callbacks have kept, as they are saved.
func (n *network) keptWeights(callbacks []callbackRecord) (list []stateArray) {
	for i := range callbacks {
		r := &callbacks[i]
		r.Kept = r.weights != nil
		for j, w := range n.weights[:len(r.weights)] {
			list = append(list, stateArray{n.keptName(i, w), w.shape, r.weights[j]})
		}
	}
	return list
}

// keptName is the name in files of a weight that the i-th callback has kept.
func (n *network) keptName(i int, w *Weight) string {
	return fmt.Sprintf("%s%d/%s", keptPrefix, i, n.paths[w])
}

const keptPrefix = "optimizer/callback "
