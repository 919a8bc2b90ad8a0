// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

func normalizing(t testing.TB, options ...k.NormalizationOption) *k.Model {
	m := k.Sequential("m", k.Input(toyFeatures), k.Dense(16, k.Tanh), k.BatchNormalization(options...), k.Dense(8), k.BatchNormalization(options...), k.Dense(toyClasses, k.Softmax))
	return compiledModel(t, m, k.SGD(0.1), k.SparseCategoricalCrossentropy)
}

// furthest returns the largest difference of the weights of two models.
func furthest(a, b *k.Model) (far float64) {
	for i, w := range a.Weights() {
		other := b.Weights()[i].Values()
		for j, v := range w.Values() {
			far = max(far, math.Abs(float64(v-other[j])))
		}
	}
	return far
}

// With synchronized layers the weights and moving averages after one update are those of Fit on one process, up to
// rounding; without them they are not.
func TestSynchronizedUpdate(t *testing.T) {
	data := toyData(t, 48, 3)
	for _, c := range []struct {
		options     []k.NormalizationOption
		batch       int
		least, most float64
	}{
		{[]k.NormalizationOption{k.Synchronized}, 48, 0, 2e-6},
		{[]k.NormalizationOption{k.Synchronized}, 45, 0, 2e-6}, // leaves of 11 and 12, and at the end fewer samples than leaves
		{nil, 48, 1e-3, 1},
	} {
		plain := normalizing(t, c.options...)
		if _, err := plain.Fit(t.Context(), data, k.BatchSize(c.batch)); err != nil {
			t.Fatal(err)
		}
		err := local(t, 2, func(ctx context.Context, comm distributed.Comm) error {
			m := normalizing(t, c.options...)
			if _, err := m.Fit(ctx, data, k.BatchSize(c.batch), k.Distributed(comm, k.Leaves(4))); err != nil {
				return err
			}
			if far := furthest(m, plain); !(far >= c.least && far <= c.most) {
				return fmt.Errorf("the weights differ by up to %g, want %g to %g", far, c.least, c.most)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%v, batches of %d: %v", c.options, c.batch, err)
		}
	}
}

// The setting is saved. It changes nothing in Fit on one process, nor where the layers are frozen.
func TestSynchronizedElsewhere(t *testing.T) {
	data := toyData(t, 48, 3)
	fitted := func(m *k.Model, frozen bool, options ...k.FitOption) *k.Model {
		t.Helper()
		if frozen {
			if err := m.SetTrainable(false, "batch_normalization", "batch_normalization_1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Compile(k.SGD(0.1), k.SparseCategoricalCrossentropy, k.Seed(3)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Fit(t.Context(), data, append(options, k.Epochs(2), k.BatchSize(12))...); err != nil {
			t.Fatal(err)
		}
		return m
	}
	loaded := func() *k.Model {
		var file bytes.Buffer
		if err := normalizing(t, k.Synchronized).SaveTo(&file); err != nil {
			t.Fatal(err)
		}
		m, err := k.LoadBytes(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	leaves := k.Distributed(distributed.Single(), k.Leaves(4))
	for _, c := range []struct {
		name  string
		a, b  *k.Model
		equal bool
	}{
		{"one process", fitted(normalizing(t), false), fitted(normalizing(t, k.Synchronized), false), true},
		{"frozen", fitted(normalizing(t), true, leaves), fitted(normalizing(t, k.Synchronized), true, leaves), true},
		{"leaves", fitted(normalizing(t), false, leaves), fitted(normalizing(t, k.Synchronized), false, leaves), false},
		{"saved and loaded", fitted(loaded(), false, leaves), fitted(normalizing(t, k.Synchronized), false, leaves), true},
	} {
		if far := furthest(c.a, c.b); far == 0 != c.equal {
			t.Errorf("%s: the weights differ by %g, want equal ones: %v", c.name, far, c.equal)
		}
	}
}

// An error in the middle of a step of one rank, between two sums, is that of all ranks.
func TestSynchronizedFailures(t *testing.T) {
	for name, c := range map[string]struct {
		target float32 // of a sample of rank 1
		fails  error   // in reading it
		want   string
	}{
		"a class that there is not": {7, nil, "sample 30"},
		"reading":                   {0, errors.New("the tape is torn"), "the tape is torn"},
	} {
		t.Run(name, func(t *testing.T) {
			err := local(t, 3, func(ctx context.Context, comm distributed.Comm) error {
				var data k.Source = toyData(t, 48, 3)
				if comm.Rank() == 1 {
					data = &badSample{data, 30, c.target, c.fails}
				}
				_, err := normalizing(t, k.Synchronized).Fit(ctx, data, k.BatchSize(48), k.KeepOrder, k.Distributed(comm, k.Leaves(3)))
				if err == nil || !strings.Contains(err.Error(), c.want) || comm.Rank() != 1 && !strings.Contains(err.Error(), "rank 1") {
					return fmt.Errorf("got %v, want %q of rank 1", err, c.want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// badSample is a source with one sample whose target is wrong, or that cannot be read.
type badSample struct {
	k.Source
	sample int
	target float32
	err    error
}

func (s *badSample) Read(indices []int, inputs, targets [][]float32) error {
	if err := s.Source.Read(indices, inputs, targets); err != nil {
		return err
	}
	for i, j := range indices {
		if j == s.sample {
			targets[0][i] = s.target
			return s.err
		}
	}
	return nil
}

// A callback that stops one rank is an error of all, also between steps with sums in their middle.
func TestSynchronizedStop(t *testing.T) {
	err := local(t, 2, func(ctx context.Context, comm distributed.Comm) error {
		_, err := normalizing(t, k.Synchronized).Fit(ctx, toyData(t, 48, 3), k.Epochs(3), k.Distributed(comm), k.Callbacks(callbackFunc(func(e k.Event, tr *k.Training) error {
			if comm.Rank() == 1 {
				tr.Stop()
			}
			return nil
		})))
		if !errors.Is(err, distributed.ErrUnequal) {
			return fmt.Errorf("got %v, want ErrUnequal", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// All leaves of a rank are in memory at once.
func TestSynchronizedMemory(t *testing.T) {
	fit := func(options ...k.NormalizationOption) func(ctx context.Context, comm distributed.Comm) error {
		return func(ctx context.Context, comm distributed.Comm) error {
			m := k.Sequential("m", k.Input(100), k.Dense(100), k.BatchNormalization(options...), k.Dense(2, k.Softmax))
			m.SetLimits(k.Limits{Memory: 200_000})
			if err := m.Compile(k.SGD(0.1), k.SparseCategoricalCrossentropy); err != nil {
				return err
			}
			x, err := k.NewArray(make([]float32, 128*100), 128, 100)
			if err != nil {
				return err
			}
			y, err := k.NewArray(make([]float32, 128), 128, 1)
			if err != nil {
				return err
			}
			data, err := k.Data(x, y)
			if err != nil {
				return err
			}
			_, err = m.Fit(ctx, data, k.BatchSize(128), k.Distributed(comm))
			return err
		}
	}
	if err := local(t, 1, fit()); err != nil {
		t.Errorf("without synchronization: %v", err)
	}
	if err := local(t, 8, fit(k.Synchronized)); err != nil {
		t.Errorf("8 ranks: %v", err)
	}
	err := local(t, 1, fit(k.Synchronized))
	if tooLarge := (*graph.MemoryError)(nil); !errors.As(err, &tooLarge) || !strings.Contains(err.Error(), "all 8 leaves of a rank in memory at once") {
		t.Errorf("1 rank: got %v, want a MemoryError", err)
	}
}
