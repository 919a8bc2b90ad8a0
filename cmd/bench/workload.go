// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
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
	label func(rng *rand.Rand, batch int) graph.Value // nil if there is no training phase
}

// result is one line of output.
type result struct {
	Peer     string  `json:"peer"`
	Workload string  `json:"workload"`
	Phase    string  `json:"phase"`
	Batch    int     `json:"batch"`
	Threads  int     `json:"threads"`
	Path     string  `json:"path"` // of the kernels: the instruction set
	Samples  float64 `json:"samples_per_s"`
	Step     float64 `json:"ms_per_step_median"`
	P99      float64 `json:"ms_per_step_p99"`
	Mean     float64 `json:"ms_per_step_mean,omitempty"` // of Fit
	PeakRSS  float64 `json:"peak_rss_mb"`
	Steps    int     `json:"steps"`
	Ranks    int     `json:"ranks,omitempty"`  // processes of a distributed training
	Leaves   int     `json:"leaves,omitempty"` // parts of a batch
	MPI      string  `json:"mpi,omitempty"`    // the library
}

func (w workload) phases() []string {
	if w.label == nil {
		return []string{"infer"}
	}
	return []string{"train", "infer"}
}

// rotation is the number of batches used in turn.
const rotation = 4

func (w workload) measure(phase string, limit time.Duration) (*result, error) {
	step, err := w.steps(phase)
	if err != nil {
		return nil, err
	}
	times, err := timeSteps(step, limit)
	if err != nil {
		return nil, err
	}
	median := times[len(times)/2].Seconds()
	return &result{
		Peer: "reef", Workload: w.name, Phase: phase, Batch: w.batch, Threads: runtime.GOMAXPROCS(0), Path: graph.ISA(),
		Samples: round(float64(w.batch)/median, 1), Step: round(1000*median, 4), P99: round(1000*times[len(times)*99/100].Seconds(), 4),
		PeakRSS: peakRSS(), Steps: len(times),
	}, nil
}

// steps returns the function that makes the i-th step of a phase.
func (w workload) steps(phase string) (step func(i int) error, err error) {
	rng := rand.New(rand.NewPCG(1, 1))
	if phase == "infer" {
		return w.prediction(rng)
	}
	return w.training(rng)
}

// training returns a training step on one batch after the other.
func (w workload) training(rng *rand.Rand) (step func(i int) error, err error) {
	m := w.model()
	if err := m.Compile(keraslike.RMSprop(w.rate), w.loss, keraslike.Seed(1)); err != nil {
		return nil, err
	}
	x, y := batches(w.input, rng, w.batch), batches(w.label, rng, w.batch)
	return func(i int) error {
		_, err := m.TrainOnBatch(x[i%rotation], y[i%rotation])
		return err
	}, nil
}

// prediction returns a step that predicts one batch after the other: with Predict, as a
// program would, except for sparse rows, which only PredictOnBatch takes.
func (w workload) prediction(rng *rand.Rand) (step func(i int) error, err error) {
	m := w.model()
	if err := m.Build(1); err != nil {
		return nil, err
	}
	x := batches(w.input, rng, w.batch)
	if _, sparse := x[0].(*graph.CSR); sparse {
		return func(i int) error {
			_, err := m.PredictOnBatch(x[i%rotation])
			return err
		}, nil
	}
	var arrays [rotation]*keraslike.Array
	for i := range arrays {
		if arrays[i], err = keraslike.NewArray(graph.Floats(x[i]), x[i].Shape()...); err != nil {
			return nil, err
		}
	}
	return func(i int) error {
		_, err := m.Predict(arrays[i%rotation])
		return err
	}, nil
}

func batches(make func(rng *rand.Rand, batch int) graph.Value, rng *rand.Rand, size int) (list [rotation]graph.Value) {
	for i := range list {
		list[i] = make(rng, size)
	}
	return list
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
