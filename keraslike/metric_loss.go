// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

const lossMetricKind = "loss_metric"

var _ = registerMetric(lossMetricKind, func() Metric { return &lossMetric{} })

// LossMetric makes a metric of any loss, also of one with options or of your own: its mean over all
// rows, without penalties. It has the name of the loss.
//
//	k.LossMetric(k.BinaryCrossentropy.With(k.FromLogits, k.LabelSmoothing(0.1)))
//
// A loss without settings, such as MSE, is a metric by itself. Rows are computed in float32, as in
// training. Without FromLogits a cross-entropy requires outputs that are probabilities. A loss that
// gives one value for the whole batch is measured as the mean of these over the samples, and cannot be
// weighted.
func LossMetric(l Loss) Metric { return &lossMetric{loss: l} }

// lossMetric is a metric that computes the graph of a loss.
type lossMetric struct {
	loss  Loss
	saved savedObject // of the loss, until restore
}

func (m *lossMetric) Name() string {
	if isNil(m.loss) {
		return lossMetricKind
	}
	return m.loss.Name()
}

func (m *lossMetric) savedAs() string                 { return lossMetricKind }
func (m *lossMetric) applyCompile(c *compileSettings) { c.addMetric(m) }
func (*lossMetric) goal() goal                        { return minimize }

// MarshalJSON writes the loss.
func (m *lossMetric) MarshalJSON() ([]byte, error) {
	saved, err := newSavedObject(m.loss.Name(), m.loss)
	if err != nil {
		return nil, err
	}
	return json.Marshal(saved)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *lossMetric) UnmarshalJSON(text []byte) error { return unmarshalStrict(text, &m.saved) }

// restore makes the loss that was saved.
func (m *lossMetric) restore(s *loadSettings) (err error) {
	m.loss, err = m.saved.loss(s)
	return err
}

func (m *lossMetric) Begin(p, t Shape) (Measurement, error) {
	if isNil(m.loss) {
		return nil, errors.New("metric: LossMetric of nil")
	}
	fail := func(err error) (Measurement, error) { return nil, fmt.Errorf("metric %w", err) }
	if err := finiteSettings(m.loss); err != nil {
		return fail(fmt.Errorf("%s: %w", m.loss.Name(), err))
	}
	if reductionOf(m.loss) == sumReduction {
		return fail(fmt.Errorf("%s: %w", m.loss.Name(), errReducedMetric))
	}
	want, err := m.loss.Target(p.at(trialLength))
	if err != nil {
		return fail(err)
	}
	if !t.at(trialLength).Equal(want) {
		return fail(fmt.Errorf("%s: targets have shape %v, want %v for predictions %v", m.loss.Name(), t, want, p))
	}
	r := &lossRows{loss: m.loss, p: p, t: t, targets: targetsOf(m.loss, p.at(trialLength)), graphs: map[[2]int]*lossGraph{}}
	if c, ok := m.loss.(*optionedLoss); ok && !c.FromLogits {
		r.predictions = c.Of.kind().predictions
	}
	return r, nil
}

// lossRows is the measurement of LossMetric.
type lossRows struct {
	domain
	loss                 Loss
	p, t                 Shape // of a sample
	targets, predictions *valueRange
	graphs               map[[2]int]*lossGraph // by the numbers of samples and of predictions
	sum, weight          float64
}

var (
	_ WeightedMeasurement = (*lossRows)(nil)
	_ CheckedMeasurement  = (*lossRows)(nil)
	_ SummingMeasurement  = (*lossRows)(nil)
)

// lossGraph is the program of a loss for batches of one size.
type lossGraph struct {
	program            *graph.Program
	prediction, target int
	labels             []float32 // targets without those of weight 0
	values             int       // for each sample; 0 for one of the whole batch
	selects            bool      // the loss leaves out rows
}

func (m *lossRows) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

func (m *lossRows) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	if m.checkRows(n, p, t, weights); m.invalid != 0 {
		return
	}
	g, err := m.graphFor(n, len(p), len(t))
	if err == nil && weights != nil && g.values == 0 {
		err = fmt.Errorf("%s: gives one value for a batch, so that samples cannot have weights", m.loss.Name())
	}
	if err == nil {
		err = g.run(p, t, weights, m.targets != nil && m.targets.whole)
	}
	if err != nil {
		m.invalid, m.err = 1, &graph.RowError{Row: 0, Rows: n, Err: fmt.Errorf("metric %w", err)}
		return
	}
	values := g.program.Floats(0)
	if g.values == 0 {
		m.sum, m.weight = m.sum+float64(values[0])*float64(n), m.weight+float64(n)
		return
	}
	var counted []float32
	if g.selects {
		counted = g.program.Floats(1)
	}
	for i, v := range values {
		w := 1.0
		if weights != nil {
			w = float64(weights[i/g.values])
		}
		if w != 0 && (counted == nil || counted[i] != 0) {
			m.sum, m.weight = m.sum+w*float64(v), m.weight+w
		}
	}
}

// checkRows rejects targets and predictions of samples with a weight for which the loss is not defined.
func (m *lossRows) checkRows(n int, p, t, weights []float32) {
	each, eachTarget := len(p)/n, len(t)/n
	for i := range n {
		if weights != nil && weights[i] == 0 {
			continue
		}
		if m.reject(m.loss.Name(), i, n, m.targets.check("target", t[i*eachTarget:(i+1)*eachTarget], 0)) {
			return
		}
		if m.reject(m.loss.Name(), i, n, m.predictions.check("prediction", p[i*each:(i+1)*each], predictionRounding)) {
			return
		}
	}
}

// run computes the values of a batch. Class numbers of samples of weight 0, which may be anything, are
// replaced by 0.
func (g *lossGraph) run(p, t, weights []float32, classes bool) error {
	copy(g.labels, t)
	for i, w := range weights {
		if each := len(t) / len(weights); classes && w == 0 {
			clear(g.labels[i*each : (i+1)*each])
		}
	}
	if err := g.program.BindFloats(g.prediction, p); err != nil {
		return err
	}
	if err := g.program.BindFloats(g.target, g.labels); err != nil {
		return err
	}
	return g.program.RunAll()
}

// maxLossGraphs bounds the memory of graphs, of which an epoch needs those of its sizes of batches.
const maxLossGraphs = 64

// graphFor returns the graph for n samples, which may be steps of series.
func (m *lossRows) graphFor(n, predictions, targets int) (*lossGraph, error) {
	key := [2]int{n, predictions}
	if g, ok := m.graphs[key]; ok {
		return g, nil
	}
	if len(m.graphs) >= maxLossGraphs {
		clear(m.graphs)
	}
	p, ok := sampleShape(m.p, predictions/n)
	t, fits := sampleShape(m.t, targets/n)
	if !ok || !fits {
		return nil, fmt.Errorf("%s: cannot tell the lengths of the axes of predictions %v from %d numbers of a sample", m.loss.Name(), m.p, predictions/n)
	}
	built, err := newLossGraph(m.loss, n, p, t)
	if err != nil {
		return nil, err
	}
	m.graphs[key] = built
	return built, nil
}

func newLossGraph(l Loss, n int, p, t Shape) (built *lossGraph, err error) {
	defer caught(&err, "loss", l, "Rows")
	g := graph.New()
	prediction, err := graph.Input(g, graph.Float32, "prediction", p.withBatch(n)...)
	if err != nil {
		return nil, err
	}
	target, err := graph.Input(g, graph.Float32, "target", t.withBatch(n)...)
	if err != nil {
		return nil, err
	}
	rows, err := l.Rows(prediction, nil, target)
	if err != nil {
		return nil, err
	}
	roots := graph.Nodes{rows}
	if own, ok := l.(selectiveLoss); ok {
		counted, err := own.counted(rows, target)
		if err != nil {
			return nil, err
		}
		if counted != nil {
			roots = append(roots, counted)
		}
	}
	program, err := graph.Compile(roots...)
	if err != nil {
		return nil, err
	}
	built = &lossGraph{program: program, prediction: program.Input(prediction), target: program.Input(target), selects: len(roots) > 1}
	built.labels = make([]float32, Shape(t.withBatch(n)).Size())
	if size := Shape(rows.Shape()).Size(); size%n == 0 && len(rows.Shape()) > 0 {
		built.values = size / n
	}
	return built, nil
}

// sampleShape returns the shape of a sample of that many numbers, of which one axis may be free. If
// samples are parts, such as steps, it is that of the last axes.
func sampleShape(s Shape, size int) (Shape, bool) {
	for ; ; s = s[1:] {
		free := slices.Index(s, Any)
		if fixed := s.at(1).Size(); free < 0 && fixed == size {
			return s, true
		} else if free >= 0 && !Shape(s[free+1:]).isFree() && fixed > 0 && size%fixed == 0 {
			return s.at(size / fixed), true
		}
		if len(s) == 0 {
			return nil, false
		}
	}
}

// Value returns the mean.
func (m *lossRows) Value() float64 { return m.valueOrNaN(m.sum / m.weight) }

// Sums returns the sums of values and weights.
func (m *lossRows) Sums() []*float64 { return []*float64{&m.sum, &m.weight, &m.invalid} }

func (m *lossRows) Reset() {
	m.reset()
	m.sum, m.weight = 0, 0
}
