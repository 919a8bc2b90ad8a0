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

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// maskedSteps has sequences of ids, of which the last ones are padding only, and a class of each step.
func maskedSteps(t testing.TB) k.Source {
	const n, steps = 20, 3
	x, y := make([]float32, n*steps), make([]float32, n*steps)
	for i := range x {
		if y[i] = float32(i % 2); i < 16*steps && i%5 > 0 {
			x[i] = float32(1 + i%7)
		}
	}
	s, err := k.Data(mustArray(t, x, n, steps), mustArray(t, y, n, steps))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A batch without an unmasked step trains by its penalties, as without leaves: batches 9 and 10 of 2 samples have
// none, and so has one leaf of others. Averages of a layer stay numbers.
func TestDistributedBatchThatIsAllMasked(t *testing.T) {
	for name, norm := range map[string]func() k.Layer{
		"plain":        func() k.Layer { return k.LayerNormalization() },
		"synchronized": func() k.Layer { return k.BatchNormalization(k.Synchronized) },
	} {
		t.Run(name, func(t *testing.T) {
			fit := func(ctx context.Context, more ...k.FitOption) ([]float32, float64, error) {
				m := compiledModel(t, k.Sequential("m", k.Input(3), k.Embedding(8, 3, k.MaskZero), norm(),
					k.Dense(2, k.Softmax, k.KernelRegularizer(k.L2(0.1)))), k.SGD(0.1), k.SparseCategoricalCrossentropy)
				h, err := m.Fit(ctx, maskedSteps(t), append(more, k.BatchSize(2), k.KeepOrder)...)
				return weightsOf(m), h.Last("loss"), err
			}
			plain, loss, err := fit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for ranks := range 2 {
				err := local(t, ranks+1, func(ctx context.Context, c distributed.Comm) error {
					got, gotLoss, err := fit(ctx, k.Distributed(c, k.Leaves(2)))
					if err != nil {
						return err
					}
					if !(math.Abs(gotLoss-loss) < 1e-5) {
						return fmt.Errorf("the loss is %v, without leaves %v", gotLoss, loss)
					}
					for i, v := range got {
						if !(math.Abs(float64(v-plain[i])) < 1e-5) {
							return fmt.Errorf("weight %d is %v, without leaves %v", i, v, plain[i])
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

// One leaf gives the bytes of a plain Fit, also where the loss is a mean over unmasked steps.
func TestDistributedOneLeafWithAMask(t *testing.T) {
	fit := func(more ...k.FitOption) string {
		m := compiledModel(t, k.Sequential("m", k.Input(3), k.Embedding(8, 3, k.MaskZero), k.GRU(4, k.ReturnSequences), k.Dense(2, k.Softmax)),
			k.Adam(0.05), k.SparseCategoricalCrossentropy)
		if _, err := m.Fit(t.Context(), maskedSteps(t), append(more, k.BatchSize(7), k.Epochs(5))...); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", weightsOf(m))
	}
	if got, want := fit(k.Distributed(distributed.Single(), k.Leaves(1))), fit(); got != want {
		t.Errorf("got %s, without leaves %s", got, want)
	}
}

// What one rank knows before a call begins, a canceled context or a mistake in the options, ends it on all ranks, whose
// programs go on.
func TestDistributedCallsThatDoNotBegin(t *testing.T) {
	data := toyData(t, 60, 3)
	for name, call := range map[string]func(ctx context.Context, m *k.Model, d k.RankOption, mistake bool) error{
		"fit": func(ctx context.Context, m *k.Model, d k.RankOption, mistake bool) error {
			options := []k.FitOption{d}
			if mistake {
				options = append(options, nil)
			}
			_, err := m.Fit(ctx, data, options...)
			return err
		},
		"evaluate": func(ctx context.Context, m *k.Model, d k.RankOption, mistake bool) error {
			options := []k.EvaluateOption{d}
			if mistake {
				options = append(options, nil)
			}
			_, err := m.Evaluate(ctx, data, options...)
			return err
		},
		"predict": func(ctx context.Context, m *k.Model, d k.RankOption, mistake bool) error {
			options := []k.PredictOption{d}
			if mistake {
				options = append(options, nil)
			}
			_, err := m.PredictSource(ctx, data, options...)
			return err
		},
	} {
		for _, mistake := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", mistake), func(t *testing.T) {
				before := fmt.Sprintf("%x", weightsOf(toyModel(t)))
				err := local(t, 3, func(ctx context.Context, c distributed.Comm) error {
					own := ctx
					if c.Rank() == 2 && !mistake {
						var cancel context.CancelFunc
						own, cancel = context.WithCancel(ctx)
						cancel()
					}
					m := toyModel(t)
					err := call(own, m, k.Distributed(c), mistake && c.Rank() == 2)
					switch {
					case !mistake && !errors.Is(err, k.ErrInterrupted):
						return fmt.Errorf("got %v, want ErrInterrupted", err)
					case mistake && (err == nil || !strings.Contains(err.Error(), "option")):
						return fmt.Errorf("got %v, want the mistake in the options", err)
					case fmt.Sprintf("%x", weightsOf(m)) != before:
						return errors.New("the model has been trained")
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

// Sources that change from epoch to epoch, and of which a rank reads only a part, are measured and predicted alike after
// a training.
func TestDistributedSourcesThatChange(t *testing.T) {
	for name, create := range map[string]func() (k.Source, error){
		"mixup":    func() (k.Source, error) { return datasets.MixUp(oneHotData(t, 40), 0.4, 3) },
		"resample": func() (k.Source, error) { return datasets.Resample(oneHotData(t, 30), 40, 3) },
		"a sample that is drawn twice": func() (k.Source, error) {
			mixed, err := datasets.MixUp(oneHotData(t, 20), 0.4, 3)
			if err != nil {
				return nil, err
			}
			return datasets.Resample(mixed, 40, 3)
		},
		"a sample that is repeated": func() (k.Source, error) {
			mixed, err := datasets.MixUp(oneHotData(t, 20), 0.4, 3)
			if err != nil {
				return nil, err
			}
			at := make([]int, 40)
			for j := range at {
				at[j] = j % 20 / (1 + j%2)
			}
			return datasets.Subset(mixed, at)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want string
			for ranks := range 4 {
				err := local(t, ranks+1, func(ctx context.Context, c distributed.Comm) error {
					data, err := create()
					if err != nil {
						return err
					}
					m := compiledModel(t, k.Sequential("m", k.Input(toyFeatures), k.Dense(toyClasses, k.Softmax)), k.Adam(0.1), k.CategoricalCrossentropy)
					if _, err := m.Fit(ctx, data, k.Epochs(2), k.BatchSize(9), k.Distributed(c, k.Leaves(4))); err != nil {
						return err
					}
					var text strings.Builder
					fmt.Fprintf(&text, "weights %x\n", weightsOf(m))
					alone, err := m.Evaluate(ctx, data)
					if err != nil {
						return err
					}
					fmt.Fprintf(&text, "alone %x\n", alone[0].Value)
					for _, size := range []int{3, 11} {
						logs, err := m.Evaluate(ctx, data, k.BatchSize(size), k.Distributed(c))
						if err != nil {
							return err
						}
						out, err := m.PredictSource(ctx, data, k.BatchSize(size), k.Distributed(c))
						if err != nil {
							return err
						}
						fmt.Fprintf(&text, "together %x %s", logs[0].Value, printed(out))
					}
					if ranks == 0 {
						want = text.String()
					}
					if text.String() != want {
						return fmt.Errorf("got\n%.300s\nwant\n%.300s", text.String(), want)
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

// A training on a stream that was interrupted after any batch, also the last and smaller one, is resumed.
func TestDistributedStreamResumes(t *testing.T) {
	fit := func(ctx context.Context, m *k.Model, c distributed.Comm, stopAfter int) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		steps := 0
		_, err := m.Fit(ctx, &shards{source: toyData(t, 67, 3)}, k.BatchSize(27), k.Until(2), k.Distributed(c, k.Leaves(9)),
			k.Callbacks(callbackFunc(func(e k.Event, tr *k.Training) error {
				if e == k.BatchEnd {
					if steps++; steps == stopAfter {
						cancel()
					}
				}
				return nil
			})))
		return err
	}
	whole := denseModel(k.Adam(0.01))(t)
	if err := fit(t.Context(), whole, distributed.Single(), 0); err != nil {
		t.Fatal(err)
	}
	for stop := 1; stop <= 4; stop++ {
		var saved bytes.Buffer
		err := local(t, 2, func(ctx context.Context, c distributed.Comm) error {
			m := denseModel(k.Adam(0.01))(t)
			if err := fit(ctx, m, c, stop); !errors.Is(err, k.ErrInterrupted) {
				return fmt.Errorf("got %v, want ErrInterrupted", err)
			}
			if c.Rank() > 0 {
				return nil
			}
			return m.SaveTo(&saved, k.WithOptimizer)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = local(t, 3, func(ctx context.Context, c distributed.Comm) error {
			m, err := k.LoadBytes(saved.Bytes())
			if err != nil {
				return err
			}
			if err := fit(ctx, m, c, 0); err != nil {
				return err
			}
			if fmt.Sprintf("%x", weightsOf(m)) != fmt.Sprintf("%x", weightsOf(whole)) {
				return errors.New("the weights are not those of an uninterrupted training")
			}
			return nil
		})
		if err != nil {
			t.Errorf("stopped after step %d: %v", stop, err)
		}
	}
}
