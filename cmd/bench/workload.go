// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// workload is a model with its data.
type workload struct {
	name  string
	batch int
	rate  float64 // learning rate of RMSprop
	loss  keraslike.Loss
	model func() *keraslike.Model
	input func(rng *rand.Rand, batch int) graph.Value
	label func(rng *rand.Rand, batch int) graph.Value
	infer bool // has no training phase
}

// result is one line of output.
type result struct {
	Peer     string  `json:"peer"`
	Workload string  `json:"workload"`
	Phase    string  `json:"phase"`
	Batch    int     `json:"batch"`
	Samples  float64 `json:"samples_per_s"`
	Step     float64 `json:"ms_per_step_median"`
	PeakRSS  float64 `json:"peak_rss_mb"`
	Steps    int     `json:"steps"`
}

func (w workload) phases() []string {
	if w.infer {
		return []string{"infer"}
	}
	return []string{"train", "infer"}
}

// rotation is the number of batches used in turn.
const rotation = 4

func (w workload) measure(phase string, limit time.Duration) (*result, error) {
	m := w.model()
	rng := rand.New(rand.NewPCG(1, 1))
	var x, y [rotation]graph.Value
	for i := range rotation {
		x[i] = w.input(rng, w.batch)
		if w.label != nil {
			y[i] = w.label(rng, w.batch)
		}
	}
	var step func(i int) error
	if phase == "train" {
		if err := m.Compile(keraslike.RMSprop(w.rate), w.loss, keraslike.Seed(1)); err != nil {
			return nil, err
		}
		step = func(i int) error {
			_, err := m.TrainOnBatch(x[i%rotation], y[i%rotation])
			return err
		}
	} else {
		if err := m.Build(1); err != nil {
			return nil, err
		}
		step = func(i int) error {
			_, err := m.PredictOnBatch(x[i%rotation])
			return err
		}
	}
	times, err := timeSteps(step, limit)
	if err != nil {
		return nil, err
	}
	median := times[len(times)/2].Seconds()
	return &result{
		Peer: "reef", Workload: w.name, Phase: phase, Batch: w.batch,
		Samples: round(float64(w.batch)/median, 1), Step: round(1000*median, 4),
		PeakRSS: peakRSS(), Steps: len(times),
	}, nil
}

// timeSteps warms up and then measures for the given time, at least 20 steps. It returns
// the times in ascending order.
func timeSteps(step func(i int) error, limit time.Duration) ([]time.Duration, error) {
	for i := range 5 {
		if err := step(i); err != nil {
			return nil, err
		}
	}
	var times []time.Duration
	for begin := time.Now(); time.Since(begin) < limit || len(times) < 20; {
		t := time.Now()
		if err := step(len(times)); err != nil {
			return nil, err
		}
		times = append(times, time.Since(t))
	}
	slices.Sort(times)
	return times, nil
}

func round(v float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	return r
}

// peakRSS returns the largest resident memory of the process so far in MB, or 0 if the
// system does not report it.
func peakRSS() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kb); n == 1 {
			return round(kb/1024, 1)
		}
	}
	return 0
}

// Generators of random batches.

func floats(shape ...int) func(rng *rand.Rand, batch int) graph.Value {
	return func(rng *rand.Rand, batch int) graph.Value {
		return filled(batch, shape, func() float32 { return float32(rng.NormFloat64()) })
	}
}

func pixels(shape ...int) func(rng *rand.Rand, batch int) graph.Value {
	return func(rng *rand.Rand, batch int) graph.Value { return filled(batch, shape, rng.Float32) }
}

// integers generates whole numbers from 0 to n-1.
func integers(n int, shape ...int) func(rng *rand.Rand, batch int) graph.Value {
	return func(rng *rand.Rand, batch int) graph.Value {
		return filled(batch, shape, func() float32 { return float32(rng.IntN(n)) })
	}
}

// multiHot generates rows whose values are 1 with probability p, in the sparse form that
// datasets uses.
func multiHot(columns int, p float64) func(rng *rand.Rand, batch int) graph.Value {
	return func(rng *rand.Rand, batch int) graph.Value {
		m := graph.NewCSR(batch, columns)
		for i := range batch {
			for c := range columns {
				if rng.Float64() < p {
					m.Cols = append(m.Cols, int32(c))
				}
			}
			m.Indptr[i+1] = int32(len(m.Cols))
		}
		return m
	}
}

func filled(batch int, shape []int, value func() float32) graph.Value {
	values := make([]float32, batch*keraslike.Shape(shape).Size())
	for i := range values {
		values[i] = value()
	}
	a, err := keraslike.NewArray(values, append([]int{batch}, shape...)...)
	if err != nil {
		panic(err) // shape is a constant of this package
	}
	return a.Tensor()
}
