// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/mpi"
)

// benchFit measures and prints the steps of Fit. If leaves is positive, all processes of the job that mpirun
// has started train together, and the first one prints.
func benchFit(list []workload, leaves int, limit time.Duration, out *json.Encoder) error {
	measure := func(ctx context.Context, c *mpi.Comm) error {
		for _, w := range list {
			if w.label == nil {
				continue
			}
			r, err := w.fit(ctx, c, leaves, limit)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			if r == nil {
				continue
			}
			if err := out.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	if leaves > 0 {
		return mpi.Main(measure)
	}
	return measure(context.Background(), nil)
}

// warmUp is the number of steps that are not measured.
const warmUp = 3

// fit trains until the time is over. The first rank decides when it is, and all stop after the same step.
func (w workload) fit(ctx context.Context, c *mpi.Comm, leaves int, limit time.Duration) (*result, error) {
	m := w.model()
	if err := m.Compile(k.RMSprop(w.rate), w.loss, k.Seed(1)); err != nil {
		return nil, err
	}
	data, err := w.ring()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var times []time.Duration
	var begin, last time.Time
	steps := 0
	clock := k.CallbackFunc(func(e k.Event, _ *k.Training) error {
		if e != k.BatchEnd {
			return nil
		}
		now := time.Now()
		switch steps++; {
		case steps == warmUp:
			begin = now
		case steps > warmUp:
			times = append(times, now.Sub(last))
			if (c == nil || c.Rank() == 0) && now.Sub(begin) > limit && len(times) >= 5 {
				stop()
			}
		}
		last = now
		return nil
	})
	options := []k.FitOption{k.BatchSize(w.batch), k.KeepOrder, k.Epochs(1 << 30), k.Callbacks(clock)}
	if c != nil {
		options = append(options, k.Distributed(c, k.Leaves(leaves)))
	}
	if _, err := m.Fit(ctx, data, options...); !errors.Is(err, k.ErrInterrupted) {
		return nil, fmt.Errorf("the training ended before the time was over: %w", err)
	}
	if c != nil && c.Rank() > 0 {
		return nil, nil
	}
	mean := last.Sub(begin) / time.Duration(len(times))
	slices.Sort(times)
	median := times[len(times)/2].Seconds()
	r := &result{
		Peer: "reef", Workload: w.name, Phase: "fit", Batch: w.batch, Threads: runtime.GOMAXPROCS(0), Path: graph.ISA(),
		Samples: round(float64(w.batch)/median, 1), Step: round(1000*median, 4), P99: round(1000*times[len(times)*99/100].Seconds(), 4),
		Mean: round(1000*mean.Seconds(), 4), PeakRSS: peakRSS(), Steps: len(times), Leaves: leaves,
	}
	if c != nil {
		r.Ranks, r.MPI = c.Size(), c.String()
	}
	return r, nil
}

// ring is a source that repeats its samples, so that few steps are the first of an epoch.
type ring struct {
	k.Source
}

func (r ring) Len() int { return 1000 * r.Source.Len() }

func (r ring) Read(indices []int, inputs, targets [][]float32) error {
	own := make([]int, len(indices))
	for i, index := range indices {
		own[i] = index % r.Source.Len()
	}
	return r.Source.Read(own, inputs, targets)
}

// ring returns the samples of the batches that training steps use.
func (w workload) ring() (k.Source, error) {
	rng := rand.New(rand.NewPCG(1, 1))
	var arrays [2]*k.Array
	for i, make := range []func(*rand.Rand, int) graph.Value{w.input, w.label} {
		v := make(rng, rotation*w.batch)
		if _, sparse := v.(*graph.CSR); sparse {
			return nil, errors.New("-phase fit: the workload has sparse rows, which are measured with -phase train only")
		}
		var err error
		if arrays[i], err = k.NewArray(graph.Floats(v), v.Shape()...); err != nil {
			return nil, err
		}
	}
	s, err := k.Data(arrays[0], arrays[1])
	return ring{s}, err
}
