// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

var benchCommand = subcommand{
	name: "bench", args: "FILE", summary: "latency, throughput and memory",
	help: `Measures how long predictions take, for random input of the model's shape. For
each -batch it warms up until the graph is compiled and the weights are in the
form in which kernels read them, then predicts for -time, one batch after
another, and shows the median (p50) and the 99th percentile (p99) of the time
for a batch, and the samples per second of all of them.

Memory is the peak of the process since its start ("peak RSS"), which grows from
row to row, and what the model holds after the measurement. Run it on an idle
machine: other programs show in p99 first.

Examples:
  model bench squeezenet.safetensors
  model bench digits.safetensors -batch 1,32,256 -threads 1
  model bench text.safetensors -length 80 -json
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		batches := f.String("batch", "1,32", "`numbers` of samples that are predicted at once")
		threads := f.Int("threads", 0, "`number` of threads that compute (default: one for each processor)")
		length := f.String("length", "", "`lengths` of the axes of any length, in order, as in 80 or 224,224")
		span := f.Duration("time", 2*time.Second, "`duration` of the measurement of each batch")
		asJSON := f.Bool("json", false, "write JSON")
		return func(ctx context.Context, s streams, args []string) error {
			if err := wantArgs(args, "FILE"); err != nil {
				return err
			}
			list, err := parseNumbers("batch", *batches)
			if err != nil {
				return err
			}
			lengths, err := parseLengths(*length)
			if err != nil {
				return err
			}
			switch {
			case *threads < 0 || *threads > 4096:
				return cli.Misuse("-threads %d: want 1 or more, 0 for all processors", *threads)
			case *span < time.Millisecond || *span > time.Hour:
				return cli.Misuse("-time %v: want 1ms to 1h", *span)
			}
			if *threads > 0 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(*threads))
			}
			began := time.Now()
			file, err := openModel(args[0], false)
			if err != nil {
				return err
			}
			defer file.close()
			if err := wantLengths(file.model, lengths); err != nil {
				return err
			}
			b := &benchmark{File: file.path, Model: file.model.Name(), LoadMS: milliseconds(time.Since(began)), Threads: runtime.GOMAXPROCS(0)}
			b.Parameters, _ = file.model.Parameters()
			for _, n := range list {
				row, err := measure(ctx, file.model, n, lengths, *span)
				if err != nil {
					return fmt.Errorf("batch of %s: %w", text.Count(n, "sample"), err)
				}
				b.Rows = append(b.Rows, row)
			}
			if *asJSON {
				return writeJSON(s.out, b)
			}
			return b.write(s.out)
		}
	},
}

// benchmark is what bench shows, as JSON. Times are in milliseconds.
type benchmark struct {
	File       string     `json:"file"`
	Model      string     `json:"model"`
	Parameters int        `json:"parameters"`
	Threads    int        `json:"threads"`
	LoadMS     float64    `json:"load_ms"`
	Rows       []benchRow `json:"batches"`
}

type benchRow struct {
	Batch      int     `json:"batch"`
	FirstMS    float64 `json:"first_ms"` // the first call, which compiles the graph
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Throughput float64 `json:"samples_per_second"`
	Calls      int     `json:"calls"`
	PeakRSS    int64   `json:"peak_rss_bytes"` // 0 where the system does not say
	Heap       int64   `json:"heap_bytes"`     // in use after the measurement
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Of a batch there are at least so many calls to warm up and to measure, and at most so many
// measurements are kept.
const (
	warmUp    = 3
	fewCalls  = 5
	mostCalls = 1 << 20
)

// measure times predictions of one batch size.
func measure(ctx context.Context, m *k.Model, batch int, lengths []int, span time.Duration) (r benchRow, err error) {
	x, err := randomInput(m, batch, lengths)
	if err != nil {
		return r, err
	}
	began := time.Now()
	out, err := m.PredictAll(x...)
	if err != nil {
		return r, err
	}
	r.Batch, r.FirstMS = batch, milliseconds(time.Since(began))
	call := func() (time.Duration, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		began := time.Now()
		err := m.PredictInto(out, x...)
		return time.Since(began), err
	}
	for began, n := time.Now(), 0; n < warmUp || time.Since(began) < span/10; n++ {
		if _, err := call(); err != nil {
			return r, err
		}
	}
	var times []time.Duration
	total := time.Duration(0)
	for len(times) < mostCalls && (len(times) < fewCalls || total < span) {
		t, err := call()
		if err != nil {
			return r, err
		}
		times, total = append(times, t), total+t
	}
	slices.Sort(times)
	r.Calls = len(times)
	r.P50, r.P99 = milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.99))
	r.Throughput = float64(batch*len(times)) / total.Seconds()
	r.PeakRSS = peakRSS()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	r.Heap = int64(stats.HeapInuse)
	return r, nil
}

// quantile of sorted times: the smallest that at least the share q does not exceed.
func quantile(times []time.Duration, q float64) time.Duration {
	i := int(q*float64(len(times))+0.9999999) - 1
	return times[max(0, min(len(times)-1, i))]
}

func (b *benchmark) write(w io.Writer) error {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: model %q, %s, %s; loaded in %.1f ms\n\n", text.Printable(b.File), text.Printable(b.Model), text.Count(b.Parameters, "parameter"), text.Count(b.Threads, "thread"), b.LoadMS)
	rows := [][]string{{"Batch", "p50 (ms)", "p99 (ms)", "Samples/s", "First (ms)", "Calls", "Peak RSS", "Heap"}}
	for _, r := range b.Rows {
		peak := "-"
		if r.PeakRSS > 0 {
			peak = byteSize(r.PeakRSS)
		}
		rows = append(rows, []string{text.Thousands(r.Batch), fmt.Sprintf("%.3f", r.P50), fmt.Sprintf("%.3f", r.P99), text.Thousands(int(r.Throughput)), fmt.Sprintf("%.1f", r.FirstMS), text.Thousands(r.Calls), peak, byteSize(r.Heap)})
	}
	tabbed(&s, rows)
	return writeTrimmed(w, s.String())
}
