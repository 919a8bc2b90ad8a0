// SPDX-License-Identifier: Apache-2.0

package keraslike

import "slices"

// goal is what training should do to a number.
type goal int

const (
	unknownGoal goal = iota
	minimize
	maximize
	unknownSeries // the model measures nothing of that name
)

// goal returns the goal of a series of the scores.
func (s *scores) goal(name string) goal {
	if name == "loss" || slices.Contains(s.names, name) {
		return minimize
	}
	for _, one := range s.list {
		if one.name == name {
			return one.goal
		}
	}
	return unknownSeries
}

// goalOf returns the goal of a metric: losses are minimized, the metrics of this package
// are known by name.
func goalOf(m Metric) goal {
	switch m := m.(type) {
	case renamed:
		return goalOf(m.Metric)
	case Loss:
		return minimize
	}
	return goalOfName(m.Name())
}

// goalOfName returns the goal of a metric or a loss of this package.
func goalOfName(name string) goal {
	switch MetricFunc(name) {
	case Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, Cosine, R2Score, ConfusionMatrix:
		return maximize
	case MAE, MSE, RMSE:
		return minimize
	}
	if metricKinds[name] != nil {
		return maximize
	}
	if lossMeasures[LossFunc(name)] != nil || name == "loss" {
		return minimize
	}
	return unknownGoal
}
