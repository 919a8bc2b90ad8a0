// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// A registry of one's own has the metrics of one handler, beside its others.
func TestRegistry(t *testing.T) {
	registry := prometheus.NewRegistry()
	orders := prometheus.NewCounter(prometheus.CounterOpts{Name: "orders_total", Help: "Orders."})
	registry.MustRegister(orders)
	orders.Inc()
	h := handler(t, Model("m", houses(t)), Registry(registry))
	text := bodyOf(get(h, "/metrics"))
	for _, want := range []string{"orders_total 1", `reef_queue_samples{model="m"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if strings.Contains(text, "go_goroutines") {
		t.Error("metrics of Go are added to a registry of one's own")
	}
	if h, err := New(quiet, Model("m", houses(t)), Registry(registry)); err == nil || !strings.Contains(err.Error(), "duplicate") {
		t.Errorf("a second handler with the same registry: %v %v", h, err)
	}
}
