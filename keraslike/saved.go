// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
)

// named is a loss or a metric as it is saved: by its name, with its settings where
// it has some.
type named struct {
	Name     string          `json:"name"`
	Settings json.RawMessage `json:"settings,omitempty"`
	As       string          `json:"as,omitempty"` // a metric's name by NamedMetric
	Output   string          `json:"output,omitempty"`
	Weighted bool            `json:"weighted,omitempty"`
}

func nameOf(name string, v any) (named, error) {
	n := named{Name: name}
	text, err := marshal("loss or metric", v)
	if err != nil {
		return n, fmt.Errorf("%s: %w", name, err)
	}
	if text[0] == '{' && string(text) != "{}" {
		n.Settings = text
	}
	return n, nil
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
		m.Metric = NamedMetric(n.As, m.Metric)
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
