// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// TestCTCDecoding compares the probabilities of beams with sums over all paths.
func TestCTCDecoding(t *testing.T) {
	// Each step is most likely a blank, and yet 1 is likelier than nothing: 0.36 to 0.64 (Graves 2012).
	p, err := k.NewArray([]float64{0.6, 0.4, 0, 0.6, 0.4, 0}, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	greedy, err := k.CTCGreedy(p)
	if err != nil {
		t.Fatal(err)
	}
	beams, err := k.CTCBeams(p, 10, 3)
	if err != nil {
		t.Fatal(err)
	}
	text := func(list ...k.Reading) (s string) {
		for _, r := range list {
			s += fmt.Sprintf("%v %.4f ", r.Labels, math.Exp(r.LogProbability))
		}
		return s
	}
	if got, want := text(greedy...), "[] 0.3600 "; got != want {
		t.Errorf("greedy: %s, want %s", got, want)
	}
	if got, want := text(beams[0]...), "[1] 0.6400 [] 0.3600 "; got != want {
		t.Errorf("beams: %s, want %s", got, want)
	}
	// 1 1 needs a blank between; logits, two samples, all readings of three steps.
	z := []float64{0, 1, 0.5, 2, 0, 1, 0.25, 2, 0, 3, 1, 0, 0, 1, 0, 0, 0, 2}
	logits, err := k.NewArray(z, 2, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	if beams, err = k.CTCBeams(logits, 100, 100, k.FromLogits); err != nil {
		t.Fatal(err)
	}
	for i, list := range beams {
		want, sum := map[string]float64{}, 0.0
		for path := range 27 {
			labels, share, last := []int{}, 1.0, 0
			for s, c := range []int{path / 9, path / 3 % 3, path % 3} {
				row := z[9*i+3*s : 9*i+3*s+3]
				share *= math.Exp(row[c]) / (math.Exp(row[0]) + math.Exp(row[1]) + math.Exp(row[2]))
				if c != 0 && c != last {
					labels = append(labels, c)
				}
				last = c
			}
			want[fmt.Sprint(labels)] += share
		}
		for n, r := range list {
			sum += math.Exp(r.LogProbability)
			if p := math.Exp(r.LogProbability); math.Abs(p-want[fmt.Sprint(r.Labels)]) > 1e-7 {
				t.Errorf("sample %d: %v has probability %.9f, want %.9f", i, r.Labels, p, want[fmt.Sprint(r.Labels)])
			}
			if n > 0 && r.LogProbability > list[n-1].LogProbability {
				t.Errorf("sample %d: reading %d is more probable than the one before", i, n)
			}
		}
		if len(list) != len(want) || math.Abs(sum-1) > 1e-7 {
			t.Errorf("sample %d: %d readings of probability %g, want %d of 1", i, len(list), sum, len(want))
		}
	}
	narrow, err := k.CTCBeams(logits, 6, 1, k.FromLogits)
	if err != nil || len(narrow[1]) != 1 || fmt.Sprint(narrow[0][0].Labels) != fmt.Sprint(beams[0][0].Labels) {
		t.Errorf("a narrow beam: %v, %v, want %v", narrow, err, beams[0][0])
	}
}

func TestCTCDecodingMistakes(t *testing.T) {
	p, err := k.NewArray([]float64{0, 0, -1, 1}, 1, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.CTCGreedy(nil)
	wantError(t, err, "there are no predictions")
	_, err = k.CTCGreedy(p)
	wantError(t, err, "step 0 of sample 0 has probabilities of 0 only")
	_, err = k.CTCGreedy(p, k.ClassBalancing)
	wantError(t, err, "ClassBalancing does not fit, want FromLogits")
	_, err = k.CTCBeams(p, 2, 3)
	wantError(t, err, "width is 2 and 3 paths")
	flat, err := k.NewArray([]float64{1, 2}, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.CTCBeams(flat, 2, 1)
	wantError(t, err, "predictions have shape [1 2]")
	for want, loss := range map[string]k.Loss{"ctc: length is 0": k.CTC(0), "ctc: the model's output has shape (batch, 3)": k.CTC(2)} {
		wantError(t, k.Sequential("m", k.Input(3), k.Dense(3)).Compile(k.SGD(0.1), loss), want)
	}
}

// TestCTCTraining learns to read two labels from eight steps, after softmax too, is saved and names a
// sample whose labels do not fit.
func TestCTCTraining(t *testing.T) {
	const n, steps, classes = 32, 8, 4
	x, y := make([]float32, n*steps*classes), make([]float32, n*3)
	for i := range n {
		a, b := 1+i%3, 1+i/3%3
		y[3*i], y[3*i+1] = float32(a), float32(b)
		for s, c := range map[int]int{i % 3: a, 4 + i%4: b} {
			x[(i*steps+s)*classes+c] = 1
		}
	}
	data := dataOf(t, tensorOf([]int{n, steps, classes}, x), tensorOf([]int{n, 3}, y))
	for _, last := range []k.ActivationFunc{k.Linear, k.Softmax} {
		m := k.Sequential("m", k.Input(steps, classes), k.Dense(classes, last))
		if err := m.Compile(k.Adam(0.1), k.CTC(3), k.Seed(1)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Fit(t.Context(), data, k.Epochs(40), k.BatchSize(8)); err != nil {
			t.Fatal(err)
		}
		path := t.TempDir() + "/m.reef"
		if err := m.Save(path, k.WithOptimizer); err != nil {
			t.Fatal(err)
		}
		m, err := k.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(k.ArrayOf(tensorOf([]int{n, steps, classes}, x)))
		if err != nil {
			t.Fatal(err)
		}
		var flags []k.LossFlag
		if last == k.Linear {
			flags = append(flags, k.FromLogits)
		}
		read, err := k.CTCGreedy(p, flags...)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range read {
			if want := fmt.Sprint([]int{int(y[3*i]), int(y[3*i+1])}); fmt.Sprint(r.Labels) != want {
				t.Errorf("after %s, sample %d is read as %v, want %v", last, i, r.Labels, want)
			}
		}
	}
	m := k.Sequential("m", k.Input(2, classes), k.Dense(classes))
	if err := m.Compile(k.SGD(0.1), k.CTC(2)); err != nil {
		t.Fatal(err)
	}
	_, err := m.TrainOnBatch(tensorOf([]int{2, 2, classes}, make([]float32, 16)), tensorOf([]int{2, 2}, []float32{1, 2, 3, 3}))
	wantError(t, err, "sample 1", "labels [3 3] need 3 steps, one each and one between equal labels; the predictions have 2")
}
