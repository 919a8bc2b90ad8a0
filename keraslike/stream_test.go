// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reef-dl/reef/keraslike"
)

// counted is a stream over a source, read in order, that ends or begins again.
type counted struct {
	keraslike.Source
	at, reads int
	endless   bool
	fail      int // the read that fails
	ahead     int
}

func (s *counted) Next(in, target [][]float32) (int, error) {
	s.reads++
	if s.reads == s.fail {
		return 0, errors.New("the disk is gone")
	}
	n := len(in[0]) / toyFeatures
	if s.endless && s.at == s.Len() {
		s.at = 0
	}
	n = min(n, s.Len()-s.at)
	if n == 0 {
		return 0, io.EOF
	}
	indices := upTo(s.at + n)[s.at:]
	s.at += n
	return n, s.Read(indices, [][]float32{in[0][:n*toyFeatures]}, [][]float32{target[0][:n]})
}

func (s *counted) Prefetch() int { return s.ahead }

// again is a stream that can begin again.
type again struct{ counted }

func (s *again) Reset() error { s.at = 0; return nil }

// flowing hides a source's Len and Read from Fit.
type flowing struct{ keraslike.Stream }

func (s flowing) Prefetch() int { return s.Stream.(interface{ Prefetch() int }).Prefetch() }

type resettable struct{ flowing }

func (s resettable) Reset() error { return s.Stream.(interface{ Reset() error }).Reset() }

// Training on a stream, read ahead or not, gives the results of the underlying source, and
// leaks no goroutine, whether it ends, fails or is stopped.
func TestStreams(t *testing.T) {
	before := runtime.NumGoroutine()
	want := toyModel(t)
	options := []keraslike.FitOption{keraslike.BatchSize(8), keraslike.Epochs(3), keraslike.KeepOrder}
	if _, err := want.Fit(t.Context(), toyData(t, 40, 1), options...); err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []int{0, 1, 4} {
		c := counted{Source: toyData(t, 40, 1), ahead: ahead}
		m := toyModel(t)
		h, err := m.Fit(t.Context(), resettable{flowing{&again{c}}}, append(options, keraslike.Validation(toyData(t, 10, 2)))...)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(weightsOf(m), weightsOf(want)) || h.Samples != 120 {
			t.Errorf("reading %d ahead: other weights than the source gives, after %d samples", ahead, h.Samples)
		}
		c.endless = true
		m = toyModel(t)
		if _, err := m.Fit(t.Context(), flowing{&c}, append(options, keraslike.StepsPerEpoch(5))...); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(weightsOf(m), weightsOf(want)) {
			t.Errorf("reading %d ahead: an endless stream gives other weights", ahead)
		}
		if c.reads != 15 {
			t.Errorf("reading %d ahead: %d reads, want 15 and none beyond an epoch", ahead, c.reads)
		}

		_, err = toyModel(t).Fit(t.Context(), flowing{&counted{Source: toyData(t, 40, 1), ahead: ahead}}, options...)
		wantError(t, err, "epoch 2", "the stream ended after 0 steps")
		_, err = toyModel(t).Fit(t.Context(), flowing{&counted{Source: toyData(t, 40, 1), ahead: ahead, fail: 4}}, options...)
		wantError(t, err, "epoch 1, step 4", "the disk is gone")
		stop := keraslike.CallbackFunc(func(e keraslike.Event, _ *keraslike.Training) error {
			if e == keraslike.BatchEnd {
				return errors.New("enough")
			}
			return nil
		})
		_, err = toyModel(t).Fit(t.Context(), flowing{&counted{Source: toyData(t, 40, 1), ahead: ahead, endless: true}}, append(options, keraslike.StepsPerEpoch(50), keraslike.Callbacks(stop))...)
		wantError(t, err, "enough")

		logs, err := want.Evaluate(t.Context(), flowing{&counted{Source: toyData(t, 40, 1), ahead: ahead, endless: true}}, keraslike.BatchSize(8), keraslike.ValidationSteps(5))
		if err != nil {
			t.Fatal(err)
		}
		direct, _ := want.Evaluate(t.Context(), toyData(t, 40, 1), keraslike.BatchSize(8))
		if !slices.Equal(logs, direct) {
			t.Errorf("reading %d ahead: evaluation %v, of the source %v", ahead, logs, direct)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, were %d before", runtime.NumGoroutine(), before)
}

// lastly says io.EOF with the last samples, as an io.Reader may.
type lastly struct{ again }

func (s *lastly) Next(in, target [][]float32) (int, error) {
	n, err := s.again.Next(in, target)
	if err == nil && s.at == s.Len() {
		err = io.EOF
	}
	return n, err
}

// The end of a stream may come with its last samples: it is not read on, so that one which
// would go round ends there.
func TestEndWithLastSamples(t *testing.T) {
	want := toyModel(t)
	options := []keraslike.FitOption{keraslike.BatchSize(8), keraslike.Epochs(3), keraslike.KeepOrder}
	if _, err := want.Fit(t.Context(), toyData(t, 37, 1), options...); err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []int{0, 3} {
		s := &lastly{again{counted{Source: toyData(t, 37, 1), ahead: ahead, endless: true}}}
		m := toyModel(t)
		h, err := m.Fit(t.Context(), resettable{flowing{s}}, options...)
		if err != nil || h.Samples != 3*37 || s.reads != 3*5 || !slices.Equal(weightsOf(m), weightsOf(want)) {
			t.Errorf("reading %d ahead: %d samples in %d reads (%v), want 111 in 15 and the weights of the source", ahead, h.Samples, s.reads, err)
		}
	}
}

// ahead is a source that wants to be read ahead.
type ahead struct {
	keraslike.Source
	n int
}

func (a ahead) Prefetch() int { return a.n }

// Reading ahead changes nothing but the time, whatever the batches.
func TestReadingAheadChangesNothing(t *testing.T) {
	data := toyData(t, 50, 3)
	rapid.Check(t, func(r *rapid.T) {
		batch, n := rapid.IntRange(1, 60).Draw(r, "batch"), rapid.IntRange(1, 5).Draw(r, "ahead")
		steps := rapid.IntRange(0, 4).Draw(r, "steps")
		run := func(s keraslike.Source) []float32 {
			m := toyModel(t)
			options := []keraslike.FitOption{keraslike.BatchSize(batch), keraslike.Epochs(2), keraslike.ValidationSplit(0.2)}
			if steps > 0 {
				options = append(options, keraslike.StepsPerEpoch(steps))
			}
			if _, err := m.Fit(t.Context(), s, options...); err != nil {
				r.Fatal(err)
			}
			return weightsOf(m)
		}
		if !slices.Equal(run(data), run(ahead{data, n})) {
			r.Error("other weights")
		}
	})
}
