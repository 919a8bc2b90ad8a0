// SPDX-License-Identifier: Apache-2.0

package keraslike

// goal is what training should do to a number.
type goal int

const (
	unknownGoal goal = iota
	minimize
	maximize
	unknownSeries // the model measures nothing of that name
)

// goalMetric is a Metric that knows its goal.
type goalMetric interface{ goal() goal }

// goalOf returns the goal of a metric: those of this package know it, others may have the
// name of one.
func goalOf(m Metric) goal {
	if own, ok := m.(goalMetric); ok {
		return own.goal()
	}
	return goalOfName(m.Name())
}

// goalOfName returns the goal of a metric or a loss of this package.
func goalOfName(name string) goal {
	if name == "loss" {
		return minimize
	}
	if m, ok := metricNamed(name); ok {
		return goalOf(m)
	}
	return unknownGoal
}
