// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are those of a Handler.
type metrics struct {
	requests              *prometheus.CounterVec
	duration              *prometheus.HistogramVec
	wait, rows, compute   *prometheus.HistogramVec
	loads                 *prometheus.CounterVec
	loaded, queue, memory prometheus.Collector
}

// modelMetrics are those of a model, found once.
type modelMetrics struct {
	codes                         map[int]prometheus.Counter
	duration                      prometheus.Observer
	queueWait, batchRows, compute prometheus.Observer
	loaded, failed                prometheus.Counter
}

// codes are the status codes of requests for predictions.
var codes = []int{200, 400, 404, 408, 413, 415, statusGone, 500, 503}

func newMetrics(h *Handler) *metrics {
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"model"})
	}
	seconds := prometheus.ExponentialBuckets(0.0001, 2, 17) // 0.1 ms to 6.6 s
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "reef_requests_total", Help: "Requests for predictions, by status code; 499 is a client that did not wait."}, []string{"model", "code"}),
		duration: histogram("reef_request_duration_seconds", "Time from the header of a request to its answer, for those answered with 200.", seconds),
		wait:     histogram("reef_queue_wait_seconds", "Time that a request waited for its batch.", seconds),
		rows:     histogram("reef_batch_samples", "Samples of a batch.", prometheus.ExponentialBuckets(1, 2, 11)),
		compute:  histogram("reef_batch_duration_seconds", "Time that the model computed a batch.", seconds),
		loads:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "reef_model_loads_total", Help: "Models that were loaded, or could not be (result=\"error\")."}, []string{"model", "result"}),
		queue:    gauges{h, prometheus.NewDesc("reef_queue_samples", "Samples that wait or are computed.", []string{"model"}, nil), func(s *served) float64 { return float64(s.queue.pending.Load()) }},
		loaded: gauges{h, prometheus.NewDesc("reef_model_loaded_timestamp_seconds", "When the model that is served was loaded.", []string{"model"}, nil), func(s *served) float64 {
			return float64(s.loadedAt.Load()) / 1e9
		}},
		memory: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "reef_request_memory_bytes", Help: "Memory reserved for requests."}, func() float64 {
			return float64(h.memory.used.Load())
		}),
	}
	return m
}

// register adds the metrics to a registry, or to a new one with those of Go and of the process.
func (m *metrics) register(registry *prometheus.Registry) (*prometheus.Registry, error) {
	if registry == nil {
		registry = prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.wait, m.rows, m.compute, m.loads, m.queue, m.loaded, m.memory} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return registry, nil
}

// of returns the metrics of a model.
func (m *metrics) of(model string) *modelMetrics {
	return &modelMetrics{
		codes: m.counters(model, codes...), duration: m.duration.WithLabelValues(model),
		queueWait: m.wait.WithLabelValues(model), batchRows: m.rows.WithLabelValues(model), compute: m.compute.WithLabelValues(model),
		loaded: m.loads.WithLabelValues(model, "ok"), failed: m.loads.WithLabelValues(model, "error"),
	}
}

// unknown returns those of requests for models that there are not, whose names are the clients'.
func (m *metrics) unknown() *modelMetrics {
	return &modelMetrics{codes: m.counters("", 404)}
}

func (m *metrics) counters(model string, codes ...int) map[int]prometheus.Counter {
	list := map[int]prometheus.Counter{}
	for _, code := range codes {
		list[code] = m.requests.WithLabelValues(model, strconv.Itoa(code))
	}
	return list
}

// count counts an answer.
func (m *modelMetrics) count(code int) {
	if c := m.codes[code]; c != nil {
		c.Inc()
	}
}

// gauges read a value of each model when they are collected.
type gauges struct {
	h     *Handler
	desc  *prometheus.Desc
	value func(s *served) float64
}

// Describe implements prometheus.Collector.
func (g gauges) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	for _, s := range g.h.models {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(s), s.name)
	}
}
