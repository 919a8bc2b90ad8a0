// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/openfile"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// LoadOption is an option of Load, LoadFS, LoadFrom and LoadBytes: WithCustomLayer, WithCustomCell, WithCustomLoss, WithCustomMetric,
// WithCustomOptimizer, WithCustomSchedule, WithoutCompile or Limits.
type LoadOption interface{ applyLoad(*loadSettings) }

type loadSettings struct {
	layers         map[string]func() Definition
	cells          map[string]func() CellDefinition
	losses         []Loss
	metrics        []Metric
	optimizers     []Optimizer
	schedules      []Schedule
	withoutCompile bool
	limits         Limits
}

func (l Limits) applyLoad(s *loadSettings) { s.limits = l }

type loadOption func(*loadSettings)

func (o loadOption) applyLoad(s *loadSettings) { o(s) }

// WithCustomLayer lets Load read a custom layer: make returns an empty definition, into which
// the saved arguments are decoded.
func WithCustomLayer(make func() Definition) LoadOption {
	return loadOption(func(s *loadSettings) {
		if s.layers == nil {
			s.layers = map[string]func() Definition{}
		}
		s.layers[make().Kind()] = make
	})
}

// WithCustomLoss lets Load find a custom loss by its name.
func WithCustomLoss(l Loss) LoadOption {
	return loadOption(func(s *loadSettings) { s.losses = append(s.losses, l) })
}

// WithCustomMetric lets Load find a custom metric by its name.
func WithCustomMetric(m Metric) LoadOption {
	return loadOption(func(s *loadSettings) { s.metrics = append(s.metrics, m) })
}

// WithCustomOptimizer lets Load find a custom optimizer by its name. The saved settings are
// decoded into it.
func WithCustomOptimizer(o Optimizer) LoadOption {
	return loadOption(func(s *loadSettings) { s.optimizers = append(s.optimizers, o) })
}

// WithCustomSchedule lets Load find a learning rate schedule of your own by its name.
func WithCustomSchedule(schedule Schedule) LoadOption {
	return loadOption(func(s *loadSettings) { s.schedules = append(s.schedules, schedule) })
}

type loadFlag int

// WithoutCompile loads architecture and weights only.
const WithoutCompile loadFlag = iota

func (loadFlag) applyLoad(s *loadSettings) { s.withoutCompile = true }

// hasNil reports whether a custom loss, metric, optimizer or schedule is nil.
func (s *loadSettings) hasNil() bool {
	return slices.ContainsFunc(s.losses, func(l Loss) bool { return isNil(l) }) ||
		slices.ContainsFunc(s.metrics, func(m Metric) bool { return isNil(m) }) ||
		slices.ContainsFunc(s.optimizers, func(o Optimizer) bool { return isNil(o) }) ||
		slices.ContainsFunc(s.schedules, func(one Schedule) bool { return isNil(one) })
}

// Load reads a model that Save wrote: its weights, the settings of Compile if it was compiled,
// the training state if it was saved WithOptimizer, and what SetClasses, SetPreprocessor and
// SetMetadata added. It returns an error for values that no training can produce and for a model
// that exceeds its Limits. Package kerasfile reads files of Keras.
//
// LoadFS reads from a file system, LoadBytes from memory and LoadFrom from any io.ReaderAt.
func Load(path string, options ...LoadOption) (*Model, error) {
	f, err := openfile.Path(path)
	return loadOpened(f, path, err, options)
}

// LoadFS is Load for a file of a file system, for instance of an embed.FS.
func LoadFS(fsys fs.FS, name string, options ...LoadOption) (m *Model, err error) {
	defer caught(&err, "load model", fsys, "")
	f, err := openfile.FS(fsys, name)
	return loadOpened(f, name, err, options)
}

func loadOpened(f *openfile.File, name string, err error, options []LoadOption) (*Model, error) {
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load model: %w", err))
	}
	defer func() { _ = f.Close() }() // only read
	return LoadFrom(f, f.Size(), name, options...)
}

// LoadFrom is Load for a file of size bytes in r; errors call it name.
func LoadFrom(r io.ReaderAt, size int64, name string, options ...LoadOption) (m *Model, err error) {
	defer caught(&err, "load model", r, "")
	f, err := safetensors.New(r, size, name)
	if err != nil && r != nil && isKerasFile(r) {
		err = errKerasFile(name)
	}
	return loadFile(f, name, err, options)
}

// LoadBytes is Load for a file in memory:
//
//	//go:embed model.reef
//	var file []byte
//
//	m, err := keraslike.LoadBytes(file)
//
// The weights stay where they are in data, which must not change and may be shared by several
// models and lie in read-only memory. A weight that is trained or set is copied before. On
// big-endian machines, and if data is at an odd address, all weights are copied.
func LoadBytes(data []byte, options ...LoadOption) (*Model, error) {
	name := fmt.Sprintf("a file of %s in memory", text.Count(len(data), "byte"))
	f, err := safetensors.NewBytes(data, name)
	if err != nil && isKerasFile(bytes.NewReader(data)) {
		err = errKerasFile(name)
	}
	return loadFile(f, name, err, options)
}

func loadFile(f *safetensors.File, name string, err error, options []LoadOption) (m *Model, _ error) {
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load model: %w", err))
	}
	err = guard("load", nil, "", func() (err error) { m, err = load(f, options); return err })
	if err != nil {
		return nil, text.Brief(fmt.Errorf("load model: %s: %w", name, err))
	}
	return m, nil
}

func newLoadSettings(options []LoadOption) (s *loadSettings, err error) {
	s = &loadSettings{}
	list := given(options, &err)
	if err != nil {
		return nil, err
	}
	for i, o := range list {
		if err := guard("load option", o, "", func() error { o.applyLoad(s); return nil }); err != nil {
			return nil, fmt.Errorf("option %d: %w", i, err)
		}
	}
	if s.hasNil() {
		return nil, errors.New("WithCustomLoss, WithCustomMetric, WithCustomOptimizer or WithCustomSchedule of nil")
	}
	return s, nil
}

func load(f *safetensors.File, options []LoadOption) (m *Model, err error) {
	s, err := newLoadSettings(options)
	if err != nil {
		return nil, err
	}
	if m, err = loadArchitecture(f, s); err != nil {
		return nil, err
	}
	meta, expected := f.Metadata(), map[string]bool{}
	if err := m.loadMetadata(meta[metaData]); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if err := m.loadWeights(f, expected); err != nil {
		return nil, err
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
	s.withoutCompile = s.withoutCompile || settings.Phases != nil // of which a file has no functions
	if settings.Optimizer != "" && !s.withoutCompile {
		if err := m.restore(f, &settings, s, expected); err != nil {
			return nil, err
		}
	}
	for _, name := range f.Names() {
		if !expected[name] && !(s.withoutCompile && strings.HasPrefix(name, "optimizer/")) {
			return nil, fmt.Errorf("holds tensor %q, which the model has no place for", name)
		}
	}
	return m, nil
}

// loadArchitecture creates the model without the values of its weights and checks its limits.
func loadArchitecture(f *safetensors.File, s *loadSettings) (*Model, error) {
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
	m, err := architecture.model(newLoader(s.layers, len(meta[metaModel])).withCells(s.cells))
	if err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	if err := m.SetFileLimits(s.limits, f.Size()); err != nil {
		return nil, err
	}
	return m, nil
}

// loadWeights reads the values of all weights and adds their names to expected.
func (m *Model) loadWeights(f *safetensors.File, expected map[string]bool) error {
	for _, w := range m.weights {
		path := m.paths[w]
		expected[path] = true
		if got, _, ok := f.Shape(path); ok && !slices.Equal(got, w.shape) {
			return fmt.Errorf("tensor %q has shape %v, the model wants %v", path, got, w.shape)
		} else if !ok {
			return fmt.Errorf("has no tensor %q of shape %v", path, w.shape)
		}
		if values, ok := f.InPlace(path); ok && len(w.shape) > 0 {
			w.lend(values)
		} else {
			w.value = w.zeros()
			err := writeWeights(nil, []*Weight{w}, func() error { return readTensor(f, path, w.shape, w.floats()) })
			if err != nil {
				return err
			}
		}
		if err := w.checkValues(path, w.floats()); err != nil {
			return fmt.Errorf("tensor %w", err)
		}
	}
	return nil
}

// restore compiles the model with the saved settings and reads the training state, if any.
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
	return m.restoreState(f, c, expected)
}

// restoreState reads the training state of a model that was compiled with the saved settings.
func (m *Model) restoreState(f *safetensors.File, c *compileConfig, expected map[string]bool) error {
	if err := c.checkProgress(); err != nil {
		return err
	}
	m.trainer.steps, m.trainer.rate, m.epochs, m.position = c.Steps, c.Rate, c.Epochs, c.Position
	if err := m.restoreCarried(f, c.Carried, expected); err != nil {
		return err
	}
	for i, p := range c.Phases { // as many as the model has
		m.phases.trainers[i].steps, m.phases.trainers[i].rate = p.Steps, p.Rate
	}
	for i, k := range c.interruption.Callbacks {
		for _, w := range m.weights { // before there is memory for them
			if name := m.callbackWeightName(i, w); k.HasWeights && !f.Has(name) {
				return fmt.Errorf("has no tensor %q of shape %v", name, w.shape)
			}
		}
	}
	if err := m.restoreInterruption(c.interruption); err != nil {
		return fmt.Errorf("settings of compile: %w", err)
	}
	for _, k := range append(m.stateArrays(), m.callbackWeights(m.interrupted.Callbacks)...) {
		expected[k.name] = true
		if err := readTensor(f, k.name, k.shape, k.values); err != nil {
			return err
		}
		if err := k.check(); err != nil {
			return fmt.Errorf("tensor %w", err)
		}
	}
	return nil
}

func (c *compileConfig) optimizer(s *loadSettings) (Optimizer, error) {
	var o Optimizer
	read := json.Unmarshal // a custom optimizer may have changed since
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
		return nil, fmt.Errorf("optimizer %s: %w", c.Optimizer, err)
	}
	if err := commonOf(o).Schedule.restore(s.schedules); err != nil {
		return nil, fmt.Errorf("optimizer %s: %w", c.Optimizer, err)
	}
	return o, nil
}

// read copies a tensor of the file, which must have this shape.
func readTensor(f *safetensors.File, name string, shape []int, to []float32) error {
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

// isKerasFile reports whether a file starts like an HDF5 or zip file, the formats of Keras.
func isKerasFile(r io.ReaderAt) bool {
	var start [8]byte
	n, _ := r.ReadAt(start[:], 0)
	text := string(start[:n])
	return text == "\x89HDF\r\n\x1a\n" || strings.HasPrefix(text, "PK\x03\x04")
}

func errKerasFile(name string) error {
	return fmt.Errorf("%s is an HDF5 or zip file, as Keras writes: use kerasfile.Load, or kerasfile.LoadWeights for its weights alone", name)
}

func (n savedObject) loss(s *loadSettings) (Loss, error) {
	for _, known := range s.losses {
		if known.Name() == n.Name {
			return known, nil
		}
	}
	if n.Name == string(NoLoss) {
		return NoLoss, nil
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

func (n savedObject) metric(s *loadSettings) (CompileOption, error) {
	m, err := n.plainMetric(s)
	if err == nil && n.As != "" {
		m.Metric = NamedMetric(n.As, m.Metric)
	}
	return m, err
}

// plainMetric returns the metric without a name given by NamedMetric.
func (n savedObject) plainMetric(s *loadSettings) (outputMetric, error) {
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
	if l, ok := known.(*lossMetric); ok {
		if err := l.restore(s); err != nil {
			return m, fmt.Errorf("metric of %w", err)
		}
	}
	m.Metric = known
	return m, nil
}

// checkProgress validates the saved progress of training.
func (c *compileConfig) checkProgress() error {
	for _, n := range []struct {
		name  string
		value int
	}{{"steps", c.Steps}, {"epochs", c.Epochs}, {"position", c.Position}} {
		if n.value < 0 || n.value > maxCount {
			return fmt.Errorf("settings of compile: %s is %d, want 0 to %d", n.name, n.value, maxCount)
		}
	}
	if err := checkRate(c.Rate); err != nil {
		return fmt.Errorf("settings of compile: rate: %w", err)
	}
	for _, p := range c.Phases {
		if p.Steps < 0 || p.Steps > maxCount {
			return fmt.Errorf("settings of compile: phase %q: steps is %d, want 0 to %d", p.Name, p.Steps, maxCount)
		}
		if err := checkRate(p.Rate); err != nil {
			return fmt.Errorf("settings of compile: phase %q: rate: %w", p.Name, err)
		}
	}
	return nil
}
