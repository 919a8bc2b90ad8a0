// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/reef-dl/reef/keraslike"
)

// However the samples are cut into batches, a metric comes to the same, and weights of
// 1 are none.
func TestMetricsDoNotSeeBatches(t *testing.T) {
	metrics := []keraslike.Metric{
		keraslike.BinaryAccuracy, keraslike.CategoricalAccuracy, keraslike.MAE, keraslike.RMSE, keraslike.Cosine(), keraslike.R2Score(),
		keraslike.Precision(), keraslike.Recall(), keraslike.F1Score(keraslike.ByFrequency), keraslike.AUC(), keraslike.AUC(keraslike.PRCurve),
		keraslike.AUC(keraslike.PRGainCurve, keraslike.Minoring), keraslike.AUC(keraslike.MultiLabel, keraslike.LabelWeights(1, 2, 3)),
		keraslike.Precision(keraslike.TopK(2)), keraslike.Recall(keraslike.ClassID(1), keraslike.Threshold(0.7, 0.2)), keraslike.FalsePositives(),
		keraslike.PrecisionAtRecall(0.5), keraslike.SensitivityAtSpecificity(0.5, keraslike.Thresholds(9)), keraslike.FBetaScore(2), keraslike.Sum, keraslike.Mean,
		keraslike.OneHotMeanIoU(3), keraslike.BinaryIoU(keraslike.Threshold(0.3)), keraslike.ConcordanceCorrelation(), keraslike.R2Score(keraslike.VarianceWeighted),
		keraslike.TopKCategoricalAccuracy(2), keraslike.Hinge, keraslike.KLDivergence, keraslike.BinaryCrossentropy,
	}
	rapid.Check(t, func(r *rapid.T) {
		const cols = 3
		n := rapid.IntRange(1, 12).Draw(r, "samples")
		p := rapid.SliceOfN(rapid.Float32Range(0.01, 0.99), n*cols, n*cols).Draw(r, "predictions")
		y := make([]float32, n*cols)
		for i := range n {
			y[i*cols+rapid.IntRange(0, cols-1).Draw(r, "class")] = 1
		}
		ones := make([]float32, n)
		for i := range ones {
			ones[i] = 1
		}
		for _, metric := range metrics {
			whole, err := metric.Begin(keraslike.Shape{cols}, keraslike.Shape{cols})
			if err != nil {
				r.Fatal(err)
			}
			parts, _ := metric.Begin(keraslike.Shape{cols}, keraslike.Shape{cols})
			weighted, _ := metric.Begin(keraslike.Shape{cols}, keraslike.Shape{cols})
			whole.Add(n, p, y)
			for at := 0; at < n; {
				m := min(rapid.IntRange(1, 5).Draw(r, "batch"), n-at)
				parts.Add(m, p[at*cols:(at+m)*cols], y[at*cols:(at+m)*cols])
				at += m
			}
			weighted.(keraslike.WeightedMeasurement).AddWeighted(n, p, y, ones)
			a, b, c := whole.Value(), parts.Value(), weighted.Value()
			if a == a && !(near(a, b, 1e-9) && near(a, c, 1e-9)) { // R² of one value is NaN
				r.Errorf("%s is %v at once, %v in batches, %v with weights of 1", metric.Name(), a, b, c)
			}
		}
	})
}

// A sample of weight 2 counts as the sample twice, of weight 0 as a sample without
// loss: the loss is Σ w·l/n.
func TestWeightsScaleLosses(t *testing.T) {
	m := toyModel(t)
	x, y := blobs(6, 2)
	rapid.Check(t, func(r *rapid.T) {
		w := rapid.SliceOfN(rapid.Float32Range(0, 4), 6, 6).Draw(r, "weights")
		var want float64
		for i := range 6 {
			one, err := m.Evaluate(t.Context(), dataOf(t, tensorOf([]int{1, toyFeatures}, x.Float32s()[i*toyFeatures:(i+1)*toyFeatures]), tensorOf([]int{1}, y.Float32s()[i:i+1])))
			if err != nil {
				r.Fatal(err)
			}
			l := one.Get("loss")
			want += float64(w[i]) * (l - penaltyOf(m)) / 6
		}
		source, err := keraslike.Weighted(dataOf(t, x, y), w)
		if err != nil {
			r.Fatal(err)
		}
		logs, err := m.Evaluate(t.Context(), source, keraslike.BatchSize(rapid.IntRange(1, 7).Draw(r, "batch")))
		if err != nil {
			r.Fatal(err)
		}
		if got := logs.Get("loss"); !near(got, want+penaltyOf(m), 1e-4) {
			r.Errorf("loss %v, want %v", got, want+penaltyOf(m))
		}
	})
}

// penaltyOf is the L2 penalty of toyModel's first kernel.
func penaltyOf(m *keraslike.Model) float64 {
	var sum float64
	for _, v := range m.Weights()[0].Values() {
		sum += float64(v) * float64(v)
	}
	return 1e-4 * sum
}

func TestMultiData(t *testing.T) {
	a, b := tensorOf([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6}), tensorOf([]int{3}, []float32{7, 8, 9})
	s, err := keraslike.MultiData(keraslike.ArraysOf(a, b), keraslike.ArraysOf(b))
	if err != nil {
		t.Fatal(err)
	}
	in, target := [][]float32{make([]float32, 4), make([]float32, 2)}, [][]float32{make([]float32, 2)}
	if err := s.Read([]int{2, 0}, in, target); err != nil || !slices.Equal(in[0], []float32{5, 6, 1, 2}) || !slices.Equal(in[1], []float32{9, 7}) || !slices.Equal(target[0], []float32{9, 7}) {
		t.Errorf("read %v, %v, %v", in, target, err)
	}
	_, err = keraslike.MultiData(keraslike.ArraysOf(a, tensorOf([]int{2}, []float32{1, 2})), nil)
	wantError(t, err, "input 1 has 2")
	_, err = keraslike.MultiData(nil, nil)
	wantError(t, err, "no inputs")
	_, err = keraslike.MultiData([]*keraslike.Array{nil}, nil)
	wantError(t, err, "input 0 is nil")
}

func ExampleModel_SubModel() {
	m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(3, keraslike.ReLU, keraslike.Name("hidden")), keraslike.Dense(1))
	if err := m.Build(1); err != nil {
		fmt.Println(err)
		return
	}
	hidden, err := m.SubModel("hidden")
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := keraslike.NewArray(make([]float32, 8), 4, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := hidden.Predict(x)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(y.Shape())
	// Output: [4 3]
}
