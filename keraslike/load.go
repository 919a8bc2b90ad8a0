// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// LoadOption is an option of Load: WithCustomLayer, WithCustomLoss, WithCustomMetric,
// WithCustomOptimizer, WithoutCompile or Limits.
type LoadOption interface{ applyLoad(*loadSettings) }

type loadSettings struct {
	known      map[string]func() Definition
	losses     []Loss
	metrics    []Metric
	optimizers []Optimizer
	bare       bool
	limits     Limits
}

func (l Limits) applyLoad(s *loadSettings) { s.limits = l }

type loadOption func(*loadSettings)

func (o loadOption) applyLoad(s *loadSettings) { o(s) }

// WithCustomLayer tells Load of a layer of your own: make returns an empty definition,
// into which the saved arguments are read.
func WithCustomLayer(make func() Definition) LoadOption {
	return loadOption(func(s *loadSettings) {
		if s.known == nil {
			s.known = map[string]func() Definition{}
		}
		s.known[make().Kind()] = make
	})
}

// WithCustomLoss tells Load of a loss of your own, by its name.
func WithCustomLoss(l Loss) LoadOption {
	return loadOption(func(s *loadSettings) { s.losses = append(s.losses, l) })
}

// WithCustomMetric tells Load of a metric of your own, by its name.
func WithCustomMetric(m Metric) LoadOption {
	return loadOption(func(s *loadSettings) { s.metrics = append(s.metrics, m) })
}

// WithCustomOptimizer tells Load of an optimizer of your own, by its name. Saved
// settings are read into it.
func WithCustomOptimizer(o Optimizer) LoadOption {
	return loadOption(func(s *loadSettings) { s.optimizers = append(s.optimizers, o) })
}

type loadFlag int

// WithoutCompile loads architecture and weights only.
const WithoutCompile loadFlag = iota

func (loadFlag) applyLoad(s *loadSettings) { s.bare = true }

// incomplete reports something known that is nil.
func (s *loadSettings) incomplete() bool {
	return slices.ContainsFunc(s.losses, func(l Loss) bool { return isNil(l) }) ||
		slices.ContainsFunc(s.metrics, func(m Metric) bool { return isNil(m) }) ||
		slices.ContainsFunc(s.optimizers, func(o Optimizer) bool { return isNil(o) })
}

// Load reads a model that Save wrote, with its weights and, if it was compiled,
// its settings; with WithOptimizer also where training stood. Numbers that no training
// can have are an error, and so is a model that costs more than its Limits. Files of Keras are
// read by package kerasfile.
func Load(path string, options ...LoadOption) (*Model, error) {
	f, err := safetensors.Open(path)
	if err != nil && isKerasFile(path) {
		err = fmt.Errorf("%s is an HDF5 or zip file, as Keras writes: use kerasfile.Load, or kerasfile.LoadWeights for its weights alone", path)
	}
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load model: %w", err))
	}
	defer f.Close()
	var m *Model
	err = guard("load", nil, "", func() (err error) { m, err = load(f, options); return err })
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load model: %s: %w", path, err))
	}
	return m, nil
}

func load(f *safetensors.File, options []LoadOption) (m *Model, err error) {
	var s loadSettings
	for i, o := range given(options, &err) {
		if err == nil {
			err = guard("load option", o, "", func() error { o.applyLoad(&s); return nil })
		}
		if err != nil {
			return nil, fmt.Errorf("option %d: %w", i, err)
		}
	}
	if err == nil && s.incomplete() {
		err = errors.New("WithCustomLoss, WithCustomMetric or WithCustomOptimizer of nil")
	}
	if err != nil {
		return nil, err
	}
	meta := f.Metadata()
	switch version, ok := meta[metaFormat]; {
	case !ok:
		return nil, fmt.Errorf("is a safetensors file without %q in its metadata, so no model saved by Reef", metaFormat)
	case version != formatVersion:
		return nil, fmt.Errorf("has format version %q, this program reads %s", version, formatVersion)
	}
	var architecture modelConfig
	if err := unmarshalStrict([]byte(meta[metaModel]), &architecture); err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	m, err = architecture.model(newLoading(s.known, len(meta[metaModel])))
	if err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	if err := m.SetFileLimits(s.limits, f.Size()); err != nil {
		return nil, err
	}
	expected := map[string]bool{}
	for _, w := range m.weights {
		path := m.paths[w]
		expected[path] = true
		if got, _, ok := f.Shape(path); ok && !slices.Equal(got, w.shape) {
			return nil, fmt.Errorf("tensor %q has shape %v, the model wants %v", path, got, w.shape)
		} else if !ok {
			return nil, fmt.Errorf("has no tensor %q of shape %v", path, w.shape)
		}
		w.value = w.zeros()
		if err := read(f, path, w.shape, w.Value()); err != nil {
			return nil, err
		}
		if err := w.checkValues(path, w.Value()); err != nil {
			return nil, fmt.Errorf("tensor %w", err)
		}
	}
	var settings compileConfig
	if text, ok := meta[metaCompile]; ok {
		if err := unmarshalStrict([]byte(text), &settings); err != nil {
			return nil, fmt.Errorf("settings of compile: %w", err)
		}
	}
	if err := m.Build(settings.Seed); err != nil {
		return nil, err
	}
	if settings.Optimizer != "" && !s.bare {
		if err := m.restore(f, &settings, &s, expected); err != nil {
			return nil, err
		}
	}
	for _, name := range f.Names() {
		if !expected[name] && !(s.bare && strings.HasPrefix(name, "optimizer/")) {
			return nil, fmt.Errorf("holds tensor %q, which the model has no place for", name)
		}
	}
	return m, nil
}

// restore compiles the model as it was, and reads the optimiser's state if it was saved.
func (m *Model) restore(f *safetensors.File, c *compileConfig, s *loadSettings, expected map[string]bool) error {
	optimizer, err := c.optimizer(s)
	if err != nil {
		return err
	}
	var losses []Loss
	for _, n := range c.Losses {
		l, err := n.loss(s)
		if err != nil {
			return err
		}
		losses = append(losses, l)
	}
	options := []CompileOption{Seed(c.Seed)}
	if c.LossWeights != nil {
		options = append(options, LossWeights(c.LossWeights...))
	}
	for _, n := range c.Metrics {
		o, err := n.metric(s)
		if err != nil {
			return err
		}
		options = append(options, o)
	}
	if err := m.Compile(optimizer, Losses(losses...), options...); err != nil {
		return err
	}
	if !c.State {
		return nil
	}
	if err := c.checkProgress(); err != nil {
		return err
	}
	m.trainer.steps, m.trainer.rate, m.epochs, m.position = c.Steps, c.Rate, c.Epochs, c.Position
	for i, k := range c.interruption.Callbacks {
		for _, w := range m.weights { // before there is memory for them
			if name := m.keptName(i, w); k.Kept && !f.Has(name) {
				return fmt.Errorf("has no tensor %q of shape %v", name, w.shape)
			}
		}
	}
	if err := m.setLeft(c.interruption); err != nil {
		return fmt.Errorf("settings of compile: %w", err)
	}
	for _, k := range append(m.trainer.state(m.pathOf), m.keptWeights(m.left.Callbacks)...) {
		expected[k.name] = true
		if err := read(f, k.name, k.shape, k.values); err != nil {
			return err
		}
		if err := m.compiled.checkKept(k.name, k.values); err != nil {
			return fmt.Errorf("tensor %w", err)
		}
	}
	return nil
}

func (c *compileConfig) optimizer(s *loadSettings) (Optimizer, error) {
	var o Optimizer
	read := json.Unmarshal // into an optimizer of one's own, which may have changed since
	for _, known := range s.optimizers {
		if known.Name() == c.Optimizer {
			o = known
		}
	}
	if make, ok := optimizerKinds[c.Optimizer]; ok && o == nil {
		o, read = make(), unmarshalStrict
	}
	if o == nil {
		return nil, fmt.Errorf("optimizer %q is unknown; pass WithCustomOptimizer(...) for one of your own, or WithoutCompile", c.Optimizer)
	}
	if err := read(c.Settings, o); err != nil {
		return nil, fmt.Errorf("optimiser %s: %w", c.Optimizer, err)
	}
	return o, nil
}

// read copies a tensor of the file whose shape must be the one wanted.
func read(f *safetensors.File, name string, shape []int, to []float32) error {
	got, values, err := f.Tensor(name)
	if err != nil {
		return err
	}
	if !slices.Equal(got, shape) {
		return fmt.Errorf("tensor %q has shape %v, the model wants %v", name, got, shape)
	}
	copy(to, values)
	return nil
}

// isKerasFile tells a file that begins as those of Keras, HDF5 and zip.
func isKerasFile(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	var start [8]byte
	n, _ := f.ReadAt(start[:], 0)
	text := string(start[:n])
	return text == "\x89HDF\r\n\x1a\n" || strings.HasPrefix(text, "PK\x03\x04")
}

func (n named) loss(s *loadSettings) (Loss, error) {
	for _, known := range s.losses {
		if known.Name() == n.Name {
			return known, nil
		}
	}
	if n.Settings == nil {
		l := LossFunc(n.Name)
		if _, ok := lossFuncs[l]; !ok {
			return nil, fmt.Errorf("loss %q: unknown; pass WithCustomLoss(...) for one of your own, or WithoutCompile", n.Name)
		}
		return l, nil
	}
	make, ok := lossKinds[n.Name]
	if !ok {
		return nil, fmt.Errorf("loss %q: unknown; pass WithCustomLoss(...) for one of your own, or WithoutCompile", n.Name)
	}
	l := make()
	return l, unmarshalStrict(n.Settings, l)
}

func (n named) metric(s *loadSettings) (CompileOption, error) {
	m, err := n.plainMetric(s)
	if err == nil && n.As != "" {
		m.Metric = Named(n.As, m.Metric)
	}
	return m, err
}

// plainMetric is the metric without the name of its own.
func (n named) plainMetric(s *loadSettings) (outputMetric, error) {
	m := outputMetric{output: n.Output, weighted: n.Weighted}
	for _, known := range s.metrics {
		if known.Name() == n.Name {
			m.Metric = known
			return m, nil
		}
	}
	make, ok := metricKinds[n.Name]
	if !ok {
		return m, fmt.Errorf("metric %q: unknown; pass WithCustomMetric(...) for one of your own, or WithoutCompile", n.Name)
	}
	known := make()
	if n.Settings != nil {
		if err := unmarshalStrict(n.Settings, known); err != nil {
			return m, fmt.Errorf("metric %q: %w", n.Name, err)
		}
	}
	m.Metric = known
	return m, nil
}

// checkProgress checks how far training is said to be.
func (c *compileConfig) checkProgress() error {
	for _, n := range []struct {
		name  string
		value int
	}{{"steps", c.Steps}, {"epochs", c.Epochs}, {"position", c.Position}} {
		if n.value < 0 || n.value > mostCounted {
			return fmt.Errorf("settings of compile: %s is %d, want 0 to %d", n.name, n.value, mostCounted)
		}
	}
	if err := checkRate(c.Rate); err != nil {
		return fmt.Errorf("settings of compile: rate: %w", err)
	}
	return nil
}
