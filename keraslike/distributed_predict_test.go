// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// twoOutputs has two inputs and two outputs, and n samples.
func twoOutputs(t testing.TB, n int) (*k.Model, k.Source) {
	a, b := k.Input(2), k.Input(3)
	h := k.Dense(8, k.Tanh).Apply(k.Concatenate().Apply(a, b))
	m := compiledModel(t, k.NewModel("m", []*k.Tensor{a, b}, []*k.Tensor{k.Dense(1, k.Name("p")).Apply(h), k.Dense(2, k.Name("q")).Apply(h)}),
		k.Adam(0.01), k.MSE, k.MAE, k.LossWeights(1, 0.5))
	fill := func(shape ...int) *k.Array {
		v := make([]float32, shape[0]*shape[1])
		for i := range v {
			v[i] = float32(math.Sin(float64(i * (1 + shape[1]))))
		}
		return mustArray(t, v, shape...)
	}
	s, err := k.MultiData([]*k.Array{fill(n, 2), fill(n, 3)}, []*k.Array{fill(n, 1), fill(n, 2)})
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

// printed prints the shapes and values of predictions.
func printed(out []*k.Array) string {
	var b strings.Builder
	for _, a := range out {
		fmt.Fprintln(&b, a.Shape())
		for i := range a.Len() {
			fmt.Fprintln(&b, a.RowShape(i), a.Row(i))
		}
	}
	return b.String()
}

func TestDistributedPredict(t *testing.T) {
	ragged := func(t testing.TB) k.RaggedSource {
		x, y, _ := raggedData(t, 300)
		return source(t, x, y)
	}
	for _, c := range []struct {
		name string
		make func(t testing.TB) (*k.Model, k.Source)
	}{
		{"arrays", func(t testing.TB) (*k.Model, k.Source) { return toyModel(t), toyData(t, 600, 4) }},
		{"fewer batches than ranks", func(t testing.TB) (*k.Model, k.Source) { return toyModel(t), toyData(t, 130, 4) }},
		{"one sample", func(t testing.TB) (*k.Model, k.Source) { return toyModel(t), toyData(t, 1, 4) }},
		{"read ahead", func(t testing.TB) (*k.Model, k.Source) { return toyModel(t), readAhead{toyData(t, 900, 4)} }},
		{"several inputs and outputs", func(t testing.TB) (*k.Model, k.Source) { return twoOutputs(t, 500) }},
		{"samples that differ in length", func(t testing.TB) (*k.Model, k.Source) { return stepModel(t), ragged(t) }},
		{"padded to buckets", func(t testing.TB) (*k.Model, k.Source) {
			return stepModel(t), k.Padded(ragged(t), k.Buckets(4, 8))
		}},
		{"a sequence each", func(t testing.TB) (*k.Model, k.Source) { return seqModel(t), k.Padded(ragged(t)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, data := c.make(t)
			out, err := m.PredictSource(t.Context(), data)
			if err != nil {
				t.Fatal(err)
			}
			want := printed(out)
			for ranks := range 5 {
				err := local(t, ranks+1, func(ctx context.Context, comm distributed.Comm) error {
					m, data := c.make(t)
					for range 2 { // the second one finds compiled graphs
						got, err := m.PredictSource(ctx, data, k.Distributed(comm))
						if err != nil {
							return err
						}
						if printed(got) != want {
							return fmt.Errorf("got\n%.200s\nwant\n%.200s", printed(got), want)
						}
					}
					return nil
				})
				if err != nil {
					t.Errorf("%d ranks: %v", ranks+1, err)
				}
			}
		})
	}
}

// Each rank reads only its part.
func TestDistributedPredictReadsAPart(t *testing.T) {
	var read [3]int
	err := local(t, 3, func(ctx context.Context, comm distributed.Comm) error {
		s := &spy{Source: toyData(t, 128*6, 4)}
		_, err := toyModel(t).PredictSource(ctx, s, k.Distributed(comm))
		for _, batch := range s.reads {
			read[comm.Rank()] += len(batch)
		}
		return err
	})
	if want := [3]int{256, 256, 256}; err != nil || read != want {
		t.Errorf("the ranks have read %v samples, want %v (%v)", read, want, err)
	}
}

// failsAt is a source that cannot read one sample.
type failsAt struct {
	k.Source
	sample int
	cancel context.CancelFunc // in place of an error
}

func (s failsAt) Read(indices []int, inputs, targets [][]float32) error {
	for _, i := range indices {
		if i == s.sample && s.cancel == nil {
			return errors.New("the tape is torn")
		}
		if i == s.sample {
			s.cancel()
		}
	}
	return s.Source.Read(indices, inputs, targets)
}

// An error or a cancellation of one rank ends Evaluate and PredictSource on all.
func TestDistributedCallFailures(t *testing.T) {
	n := 128 * 9
	calls := map[string]func(ctx context.Context, m *k.Model, data k.Samples, comm distributed.Comm) error{
		"predict": func(ctx context.Context, m *k.Model, data k.Samples, comm distributed.Comm) error {
			s, _ := data.(k.Source)
			_, err := m.PredictSource(ctx, s, k.Distributed(comm))
			return err
		},
		"evaluate": func(ctx context.Context, m *k.Model, data k.Samples, comm distributed.Comm) error {
			_, err := m.Evaluate(ctx, data, k.BatchSize(128), k.Distributed(comm))
			return err
		},
	}
	for name, call := range calls {
		for what, c := range map[string]struct {
			call func(ctx context.Context, comm distributed.Comm) error
			want string // on all ranks
			is   error
		}{
			"read": {func(ctx context.Context, comm distributed.Comm) error {
				return call(ctx, toyModel(t), failsAt{Source: toyData(t, n, 4), sample: 600}, comm) // of rank 1
			}, "the tape is torn", nil},
			"cancel": {func(ctx context.Context, comm distributed.Comm) error {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				return call(ctx, toyModel(t), failsAt{Source: toyData(t, n, 4), sample: 600, cancel: cancel}, comm)
			}, "", k.ErrInterrupted},
			"no data": {func(ctx context.Context, comm distributed.Comm) error {
				var data k.Samples
				if comm.Rank() != 1 {
					data = toyData(t, n, 4)
				}
				return call(ctx, toyModel(t), data, comm)
			}, "no data", nil},
			"unequal data": {func(ctx context.Context, comm distributed.Comm) error {
				return call(ctx, toyModel(t), toyData(t, n+comm.Rank()/2, 4), comm)
			}, `rank 2 has "samples: 1153", rank 0 has "samples: 1152"`, distributed.ErrUnequal},
			"unequal models": {func(ctx context.Context, comm distributed.Comm) error {
				units := 16
				if comm.Rank() == 2 {
					units = 17
				}
				m := k.Sequential("m", k.Input(toyFeatures), k.Dense(units), k.Dense(toyClasses, k.Softmax))
				return call(ctx, compiledModel(t, m, k.SGD(0.1), k.SparseCategoricalCrossentropy), toyData(t, n, 4), comm)
			}, "rank 2 has ", distributed.ErrUnequal},
			"unequal weights": {func(ctx context.Context, comm distributed.Comm) error {
				m := toyModel(t)
				if comm.Rank() == 2 {
					if _, err := m.Fit(ctx, toyData(t, 32, 3)); err != nil {
						return err
					}
				}
				return call(ctx, m, toyData(t, n, 4), comm)
			}, `rank 2 has "checksum of all weights: `, distributed.ErrUnequal},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				err := local(t, 3, func(ctx context.Context, comm distributed.Comm) error {
					err := c.call(ctx, comm)
					if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
						return fmt.Errorf("got %v, want %q (%v)", err, c.want, c.is)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A Stream cannot be divided for measuring: each rank reads all of it, and all stop together.
func TestDistributedEvaluateOfAStream(t *testing.T) {
	data := func() *shards { return &shards{source: toyData(t, 100, 4)} }
	want, err := toyModel(t).Evaluate(t.Context(), data(), k.BatchSize(16))
	if err != nil {
		t.Fatal(err)
	}
	err = local(t, 3, func(ctx context.Context, comm distributed.Comm) error {
		got, err := toyModel(t).Evaluate(ctx, data(), k.BatchSize(16), k.Distributed(comm))
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("got %v, want %v", got, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	err = local(t, 3, func(ctx context.Context, comm distributed.Comm) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s := &callsWhenRead{Stream: data()}
		if comm.Rank() == 2 {
			s.call = cancel
		}
		_, err := toyModel(t).Fit(ctx, toyData(t, 32, 3), k.Epochs(3), k.BatchSize(16), k.Validation(s), k.Distributed(comm, k.Leaves(3)))
		if !errors.Is(err, k.ErrInterrupted) {
			return fmt.Errorf("got %v, want ErrInterrupted", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// callsWhenRead is a stream that calls a function when its second batch is read.
type callsWhenRead struct {
	k.Stream
	call func()
	n    int
}

func (s *callsWhenRead) Next(inputs, targets [][]float32) (int, error) {
	if s.n++; s.n == 2 && s.call != nil {
		s.call()
	}
	n, err := s.Stream.Next(inputs, targets)
	if err == io.EOF {
		s.n = 0
	}
	return n, err
}
