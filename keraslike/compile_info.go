// SPDX-License-Identifier: Apache-2.0

package keraslike

import "slices"

// CompileInfo is how a model was compiled, for summaries and exporters. Of optimizers, losses and
// metrics, json.Marshal gives the settings that Save stores, and Name the name.
type CompileInfo struct {
	Optimizer   Optimizer
	Losses      []Loss    // one for each output
	LossWeights []float64 // one for each output, or nil
	Metrics     []MetricInfo
	Seed        uint64
}

// MetricInfo is a metric of Compile.
type MetricInfo struct {
	Metric
	Output   string // the one output that it measures, empty for every one
	Weighted bool   // it applies the sample weights
}

// Compiled returns how the model was compiled; ok is false if it was not.
func (m *Model) Compiled() (info CompileInfo, ok bool) {
	c := m.compiled
	if c == nil {
		return info, false
	}
	info = CompileInfo{Optimizer: c.optimizer, Losses: slices.Clone(c.losses), LossWeights: slices.Clone(c.lossWeights), Seed: c.seed}
	for _, x := range c.metrics {
		info.Metrics = append(info.Metrics, MetricInfo{x.Metric, x.output, x.weighted})
	}
	return info, true
}

// OutputNames returns the names of the outputs, by which ForOutput and metrics refer to them: those
// of their layers.
func (m *Model) OutputNames() []string {
	if m.err != nil {
		return nil
	}
	return m.outputNames()
}
