// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// historyOf returns a history with these losses.
func historyOf(t *testing.T, loss, unseen []float64) *k.History {
	t.Helper()
	in, err := k.Column([]float32{1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := k.Data(in, in)
	if err != nil {
		t.Fatal(err)
	}
	m := k.Sequential("m", k.Input(1), k.Dense(1))
	if err := m.Compile(k.SGD(0.1), k.MeanSquaredError, k.Seed(1)); err != nil {
		t.Fatal(err)
	}
	options := []k.FitOption{k.Epochs(len(loss))}
	if unseen != nil {
		options = append(options, k.Validation(data))
	}
	h, err := m.Fit(t.Context(), data, options...)
	if err != nil {
		t.Fatal(err)
	}
	copy(h.Get("loss"), loss)
	copy(h.Get("val_loss"), unseen)
	return h
}

// trendOf returns the trend of a history with these losses.
func trendOf(t *testing.T, loss, unseen []float64) string {
	t.Helper()
	return trend(historyOf(t, loss, unseen))
}

// TestTrend: the sentence under the curves is true of them.
func TestTrend(t *testing.T) {
	nan := math.NaN()
	for want, c := range map[string][2][]float64{
		"A single epoch shows no trend yet.":                                                 {{0.5}, {0.4}},
		"The validation loss is still falling in the last epoch.":                            {{5, 4, 3, 2}, {5, 4, 3, 2.5}},
		"The training loss is still falling in the last epoch.":                              {{5, 4, 3, 2}, nil},
		"The validation loss is lowest in the last epoch, but it is hardly falling anymore.": {{5, 4, 3, 2}, {5, 3, 2.0001, 2}},
		"The validation loss is lowest in epoch 2 (0.27) and has risen to 0.73 since, while the training loss kept falling: the network has begun to memorize its training samples.": {{0.5, 0.3, 0.1, 0.05, 0.01}, {0.35, 0.27, 0.4, 0.6, 0.73}},
		"The validation loss is lowest in epoch 3 (0.3) and has hardly moved since.":                                                                                                 {{1, 0.5, 0.3, 0.29, 0.28}, {1, 0.5, 0.3, 0.301, 0.3005}},
		"The validation loss is lowest in epoch 2 (0.3); in the last epoch it is 0.5.":                                                                                               {{1, 0.5, 0.6, 0.7, 0.8}, {1, 0.3, 0.31, 0.301, 0.5}},
		// the validation loss is the lower one still, as with augmented pictures
		"The validation loss is lowest in epoch 2 (0.39); in the last epoch it is 0.45.": {{0.7, 0.6, 0.55, 0.52, 0.5}, {0.6, 0.39, 0.42, 0.44, 0.45}},
		"Both losses are lowest after the first epoch and have risen since.":             {{1, 2, 3}, {1, 2, 3}},
		"The training loss does not move: the network learns nothing.":                   {{84.4, 84.4, 84.4}, nil},
		"The loss is not a number from epoch 2 on: training has diverged.":               {{1, nan, nan}, {1, nan, nan}},
		"The validation loss is not a number in some epochs.":                            {{3, 2, 1}, {1, math.Inf(1), 1}},
	} {
		if got := trendOf(t, c[0], c[1]); got != want {
			t.Errorf("%v and %v: got\n%s\nwant\n%s", c[0], c[1], got, want)
		}
	}
}

// TestAdvice: what to do about each kind of curves.
func TestAdvice(t *testing.T) {
	nan := math.NaN()
	smooth := []float64{10, 8, 6.5, 5.2, 4.2, 3.4, 2.8, 2.3, 1.9, 1.6}
	for want, c := range map[string][2][]float64{
		"One epoch shows no trend: train for a few more.":                                                                                                                                                                   {{0.5}, {0.4}},
		"The validation loss was still falling: more epochs may help.":                                                                                                                                                      {{5, 4, 3, 2}, {5, 4, 3, 2.5}},
		"The training loss was still falling; there is no validation loss to say whether more epochs help, so try some and look at the test.":                                                                               {{5, 4, 3, 2}, nil},
		"The validation loss is hardly falling anymore: more epochs would gain little.":                                                                                                                                     {{5, 4, 3, 2}, {5, 3, 2.0001, 2}},
		"Overfitting since epoch 2, where the validation loss was lowest (0.27; now 0.73): stop there, add dropout or a penalty on weights, or get more data.":                                                              {{0.5, 0.3, 0.1, 0.05, 0.01}, {0.35, 0.27, 0.4, 0.6, 0.73}},
		"The validation loss has hardly moved since epoch 3: that many epochs are enough.":                                                                                                                                  {{1, 0.5, 0.3, 0.29, 0.28}, {1, 0.5, 0.3, 0.301, 0.3005}},
		"Both losses rise after the first epoch: try a smaller learning rate.":                                                                                                                                              {{1, 2, 3}, {1, 2, 3}},
		"The training loss does not move: the network learns nothing. Look for units that are always 0, for labels that do not vary and for weights that are frozen; then try another learning rate.":                       {{84.4, 84.4, 84.4}, nil},
		"The loss is not a number since epoch 2: try a learning rate ten times smaller.":                                                                                                                                    {{1, nan, nan}, {1, nan, nan}},
		"The validation loss is not a number in some epochs: look at the range of the validation samples.":                                                                                                                  {{3, 2, 1}, {1, math.Inf(1), 1}},
		"The validation loss was lowest in epoch 2 of 5 (0.39; now 0.45): the weights of that epoch are the ones to keep.":                                                                                                  {{0.7, 0.6, 0.55, 0.52, 0.5}, {0.6, 0.39, 0.42, 0.44, 0.45}},
		"The training loss was lowest in epoch 5 of 6 (2; now 4): the weights of that epoch are the ones to keep. The training loss rose in 3 of 6 epochs: a smaller learning rate or a larger batch may make it steadier.": {{3, 5, 2.5, 4, 2, 4}, nil},
		"The validation loss was lowest in epoch 6 of 10 (3; now 6): the weights of that epoch are the ones to keep. The validation loss jumps by about 93 % from epoch to epoch while the training loss falls smoothly: do not trust a single epoch; more validation samples may make it steadier.": {smooth, {9, 8, 6, 3.5, 6.5, 3, 6, 3.2, 6.2, 6}},
		"The validation loss was still falling: more epochs may help. The training loss rose in 3 of 8 epochs: a smaller learning rate or a larger batch may make it steadier.":                                                                                                                      {{9, 8, 9, 7, 8, 6, 7, 5}, {9, 8, 7, 6, 5, 4, 3, 2}},
	} {
		h := historyOf(t, c[0], c[1])
		r := &Report{History: h, Epochs: h.Epochs()}
		if got := r.Advice(); len(got) != 1 || got[0] != want {
			t.Errorf("%v and %v: got\n%q\nwant\n%s", c[0], c[1], got, want)
		}
	}
}

// TestAdviceIsTrue draws curves at random: what is said of them holds.
func TestAdviceIsTrue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	model := historyOf(t, make([]float64, 12), make([]float64, 12))
	loss, unseen := model.Get("loss"), model.Get("val_loss")
	seen := map[course]int{}
	for range 20_000 {
		level, slope, turn, noise := rng.Float64(), rng.Float64(), rng.IntN(14), rng.Float64()*rng.Float64()*0.3
		for i := range loss {
			loss[i] = level + math.Exp(-slope*float64(i))*(1+noise*rng.NormFloat64()) + 0.01
			unseen[i] = loss[i] + 0.1 + noise*rng.NormFloat64()*0.2 + 0.2*math.Max(0, float64(i-turn))*slope
		}
		r := read(model)
		seen[r.course]++
		least := slices.Min(unseen)
		if got := slices.Index(unseen, least) + 1; r.epoch != got || r.lowest != least || r.last != unseen[11] {
			t.Fatalf("%v: lowest %g in epoch %d, last %g; read %+v", unseen, least, got, unseen[11], r)
		}
		holds := map[course]bool{
			memorized: r.epoch <= 9 && unseen[11] > 1.1*least && loss[11] < loss[r.epoch-1],
			falling:   r.epoch == 12 && unseen[11] < unseen[10],
			settling:  r.epoch == 12,
			worse:     r.epoch < 12 && unseen[11] > least,
			settled:   r.epoch < 12 && unseen[11] < least+0.05*math.Max(least, slices.Max(unseen)-least),
			rising:    r.epoch == 1 && unseen[11] > unseen[0] && loss[11] >= loss[0],
		}
		if !holds[r.course] {
			t.Fatalf("%v and %v are read as %+v", loss, unseen, r)
		}
	}
	for _, c := range []course{memorized, falling, worse, settled} {
		if seen[c] < 50 {
			t.Errorf("course %d was drawn %d times only", c, seen[c])
		}
	}
}

// TestAdviceOnErrors: a training that diverged names step and layer, one that was stopped
// draws no conclusion from its curves.
func TestAdviceOnErrors(t *testing.T) {
	h := historyOf(t, []float64{3, 2, 1}, nil)
	bad := &k.NotFiniteError{Layer: "dense_1", What: "activation", Step: 41, Err: errors.New("the loss is NaN")}
	r := &Report{Recipe: "mnist", History: h, Epochs: 3, planned: 9}
	if _, err := r.stopped(fmt.Errorf("fit: %w", bad)); !errors.Is(err, bad) {
		t.Fatal(err)
	}
	if got, want := r.Advice(), []string{`The loss is not a number since step 42; the first activation that is not finite is in layer "dense_1". Try a learning rate ten times smaller, and look at the range of the inputs.`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r = &Report{Recipe: "mnist", Variant: "one", History: h, Epochs: 3, planned: 9}
	if _, err := r.stopped(fmt.Errorf("fit: epoch 4, after step 1 of 5: %w", k.ErrInterrupted)); err == nil {
		t.Fatal("no error")
	}
	both := &Report{Variants: []*Report{r, {Variant: "two", History: h, Epochs: 3, which: "Network 5 of 5. "}, {Variant: "three"}}}
	want := []string{"one: Stopped early, after 3 of 9 epochs: the curves are those of a part of the training.", "two: Network 5 of 5. " + read(h).remedy(3)}
	if got := both.Advice(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
