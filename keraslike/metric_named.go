// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// Named is a metric with another name in logs and in History, for instance where two
// of one kind are measured:
//
//	keraslike.AUC(), keraslike.Named("auc_pr", keraslike.AUC(keraslike.PRCurve{}))
func Named(name string, m Metric) Metric {
	if r, ok := m.(renamed); ok {
		m = r.Metric
	}
	return renamed{m, name}
}

type renamed struct {
	Metric
	name string
}

func (m renamed) Name() string             { return m.name }
func (m renamed) applyCompile(c *compiled) { c.metrics = append(c.metrics, outputMetric{Metric: m}) }

func (m renamed) Begin(p, t Shape) (Measurement, error) {
	if m.name == "" || m.Metric == nil {
		return nil, fmt.Errorf("metric %q: want a name and a metric", m.name)
	}
	return m.Metric.Begin(p, t)
}
