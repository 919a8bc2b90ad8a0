// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"slices"
	"testing"

	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/reef-dl/reef/keraslike"
)

func TestArrays(t *testing.T) {
	kept := []float32{0, 0.5, 1, 1.5, 2, 2.5}
	type id int32
	fromTensor := func(t *tensor.Dense) func() (*keraslike.Array, error) {
		return func() (*keraslike.Array, error) { return keraslike.FromTensor(t) }
	}
	for name, c := range map[string]struct {
		make  func() (*keraslike.Array, error)
		shape []int
		want  []float32
	}{
		"floats":  {func() (*keraslike.Array, error) { return keraslike.NewArray(kept, 3, 2, 1) }, []int{3, 2, 1}, kept},
		"doubles": {func() (*keraslike.Array, error) { return keraslike.NewArray([]float64{0.1, 1e38}, 2) }, []int{2}, []float32{0.1, 1e38}},
		"bytes":   {func() (*keraslike.Array, error) { return keraslike.NewArray([]byte{0, 255}, 1, 2) }, []int{1, 2}, []float32{0, 255}},
		"ids": {func() (*keraslike.Array, error) { return keraslike.NewArray([]id{-1 << 24, 1 << 24}, 2, 1) },
			[]int{2, 1}, []float32{-1 << 24, 1 << 24}},
		"infinite": {func() (*keraslike.Array, error) { return keraslike.NewArray([]float64{math.Inf(1), math.Inf(-1)}, 2) },
			[]int{2}, []float32{float32(math.Inf(1)), float32(math.Inf(-1))}},
		"rows":   {func() (*keraslike.Array, error) { return keraslike.Rows([][]int{{1, 2, 3}, {4, 5, 6}}) }, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		"column": {func() (*keraslike.Array, error) { return keraslike.Column([]int64{2, 0, 1}) }, []int{3, 1}, []float32{2, 0, 1}},
		"stack": {func() (*keraslike.Array, error) { return keraslike.Stack([][]float32{{1, 2}, {3, 4}, {5, 6}}, 2, 1) },
			[]int{3, 2, 1}, []float32{1, 2, 3, 4, 5, 6}},
		"tensor": {fromTensor(tensorOf([]int{3, 2}, kept)), []int{3, 2}, kept},
	} {
		a, err := c.make()
		if err != nil || !slices.Equal(a.Shape(), c.shape) || a.Len() != c.shape[0] || !slices.Equal(a.Values(), c.want) {
			t.Errorf("%s: got %v of shape %v (%v), want %v of %v", name, a.Values(), a.Shape(), err, c.want, c.shape)
		}
	}
	a, _ := keraslike.NewArray(kept, 3, 2)
	b, _ := keraslike.FromTensor(a.Tensor())
	if &a.Values()[0] != &kept[0] || &b.Values()[0] != &kept[0] {
		t.Error("values are copied, want the slice that was given")
	}
	a.Shape()[0] = 7
	if a.Len() != 3 {
		t.Error("the shape that was returned is the array's own")
	}
	if !slices.Equal(a.Row(0), []float32{0, 0.5}) || !slices.Equal(a.Row(2), []float32{2, 2.5}) || a.Row(3) != nil || a.Row(-1) != nil {
		t.Errorf("rows %v, %v, %v, %v", a.Row(0), a.Row(2), a.Row(3), a.Row(-1))
	}
}

// What an array cannot be made of is an error that says so: a server's handler passes on
// whatever a request contains.
func TestNoArrays(t *testing.T) {
	second := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		"array: got 5 values, want 6 for shape (2, 3)":                 second(keraslike.NewArray(make([]float32, 5), 2, 3)),
		"array: got 0 values, want 1 for shape (1)":                    second(keraslike.NewArray[float32](nil, 1)),
		"array: got no shape":                                          second(keraslike.NewArray([]int{1})),
		"array: shape is (0, 3), want axes of at least 1":              second(keraslike.NewArray([]int{}, 0, 3)),
		"array: shape is (-2, -3)":                                     second(keraslike.NewArray(make([]int, 6), -2, -3)),
		"has more values than memory can hold":                         second(keraslike.NewArray([]int{}, math.MaxInt/2, 3)),
		"array: value 1 is 16777217, float32 represents integers exac": second(keraslike.NewArray([]int{0, 1<<24 + 1}, 2)),
		"array: value 0 is -9223372036854775808":                       second(keraslike.NewArray([]int64{math.MinInt64}, 1)),
		"array: value 0 is 1e+39, beyond the range of float32":         second(keraslike.NewArray([]float64{1e39}, 1)),
		"rows: no values":                                              second(keraslike.Rows[float64](nil)),
		"rows: row 1 has 1 value, want 2":                              second(keraslike.Rows([][]float64{{1, 2}, {3}})),
		"rows: row 2 has 0 values, want 2":                             second(keraslike.Rows([][]float64{{1, 2}, {3, 4}, nil})),
		"rows: row 1: value 0 is -1e+300, beyond":                      second(keraslike.Rows([][]float64{{1}, {-1e300}})),
		"column: no values":                                            second(keraslike.Column([]int{})),
		"column: value 2 is 16777217":                                  second(keraslike.Column([]int{1, 2, 1<<24 + 1})),
		"stack: no samples":                                            second(keraslike.Stack([][]byte{}, 2, 2)),
		"stack: got no shape":                                          second(keraslike.Stack([][]byte{{1}})),
		"stack: sample 1 has 3 values, want 4":                         second(keraslike.Stack([][]byte{{1, 2, 3, 4}, {1, 2, 3}}, 2, 2)),
		"from tensor: the tensor is nil or empty":                      second(keraslike.FromTensor(nil)),
		"from tensor: got float64 of shape (1, 2), want float32":       second(keraslike.FromTensor(tensor.New(tensor.WithShape(1, 2), tensor.Of(tensor.Float64)))),
		"from tensor: got float32 of shape ()":                         second(keraslike.FromTensor(tensor.New(tensor.FromScalar(float32(1))))),
	} {
		wantError(t, err, want)
	}
	var none *keraslike.Array
	for _, a := range []*keraslike.Array{none, {}} {
		if a.Len() != 0 || len(a.Shape()) != 0 || a.Values() != nil || a.Row(0) != nil || a.ArgMax() != nil || a.Tensor() != nil || a.String() != "(0)" {
			t.Errorf("an array of nothing: %v", a)
		}
	}
}

func TestArrayArgMaxAndString(t *testing.T) {
	scores, _ := keraslike.Rows([][]float64{{0.1, 0.7, 0.2}, {0.5, 0.5, 0}, {0, 0, 1}})
	if got := scores.ArgMax(); !slices.Equal(got, []int{1, 0, 2}) {
		t.Errorf("classes %v, want [1 0 2]", got)
	}
	steps, _ := keraslike.NewArray([]int{1, 2, 4, 3, 5, 6, 8, 7}, 2, 2, 2)
	if got := steps.ArgMax(); !slices.Equal(got, []int{1, 0, 1, 0}) {
		t.Errorf("classes of steps %v, want [1 0 1 0]", got)
	}
	line, _ := keraslike.NewArray([]int{3, 1}, 2)
	if got := line.ArgMax(); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("classes of one number each %v, want zeros", got)
	}
	long, _ := keraslike.NewArray(make([]float32, 5*9), 5, 3, 3)
	for want, a := range map[string]*keraslike.Array{
		"(3, 3) [0.1 0.7 0.2] [0.5 0.5 0] [0 0 1]": scores,
		"(2) [3] [1]": line,
		"(5, 3, 3) [0 0 0 0 0 0 0 0 ...] [0 0 0 0 0 0 0 0 ...] [0 0 0 0 0 0 0 0 ...] [0 0 0 0 0 0 0 0 ...] ...": long,
	} {
		if got := fmt.Sprint(a); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Several inputs and outputs, given as arrays.
func TestPredictSeveral(t *testing.T) {
	a, b := keraslike.Input(2), keraslike.Input(1)
	both := keraslike.Concatenate().Apply(a, b)
	m := keraslike.NewModel("both", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{both, keraslike.Activation(keraslike.ReLU).Apply(both)})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	x, _ := keraslike.Rows([][]int{{1, -2}, {-3, 4}})
	y, _ := keraslike.Column([]int{-5, 6})
	out, err := m.PredictAll(x, y)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(out); got != "[(2, 3) [1 -2 -5] [-3 4 6] (2, 3) [1 0 0] [0 4 6]]" {
		t.Errorf("got %s", got)
	}
	_, err = m.Predict(x, y)
	wantError(t, err, `predict: model "both" has 2 outputs, want 1; PredictAll returns several`)
	_, err = m.PredictAll(x)
	wantError(t, err, `predict: the data has 1 input, model "both" wants 2`)
	_, err = m.PredictAll(x, nil)
	wantError(t, err, "predict: data: input 1 is nil or empty")
	three, _ := keraslike.Column([]int{1, 2, 3})
	_, err = m.PredictAll(x, three)
	wantError(t, err, "predict: data: input 0 has 2 samples, input 1 has 3")

	one := keraslike.NewModel("one", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{both})
	if err := one.Build(1); err != nil {
		t.Fatal(err)
	}
	sum, err := one.Predict(x, y)
	if err != nil || fmt.Sprint(sum) != "(2, 3) [1 -2 -5] [-3 4 6]" {
		t.Errorf("got %v (%v)", sum, err)
	}
}

// A canceled context ends what takes long; nothing has changed.
func TestCanceledReads(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, data := toyModel(t), toyData(t, 300, 1)
	before := weightsOf(m)
	out, predicted := m.PredictSource(ctx, data)
	x, _, read := keraslike.ReadAll(ctx, data)
	norm := keraslike.Normalization()
	for name, err := range map[string]error{"predict": predicted, "read all": read, "adapt": keraslike.Adapt(ctx, norm, data)} {
		if !errors.Is(err, keraslike.ErrInterrupted) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want ErrInterrupted and context.Canceled", name, err)
		}
	}
	if out != nil || x != nil || !slices.Equal(weightsOf(m), before) {
		t.Error("there are results, or other weights")
	}
}

// Predicting from a source that is read ahead gives the same numbers and leaves nothing
// running.
func TestPredictAhead(t *testing.T) {
	m := toyModel(t)
	rapid.Check(t, func(r *rapid.T) {
		data := toyData(t, rapid.IntRange(1, 400).Draw(r, "samples"), 1)
		want, err := m.PredictSource(t.Context(), data)
		if err != nil {
			r.Fatal(err)
		}
		got, err := m.PredictSource(t.Context(), ahead{data, rapid.IntRange(1, 5).Draw(r, "ahead")})
		if err != nil || !slices.Equal(got[0].Values(), want[0].Values()) {
			r.Fatalf("other predictions (%v)", err)
		}
	})
}

// sparseRows are rows of ones in given columns.
type sparseRows struct{ keraslike.Source }

func (sparseRows) Shapes() (inputs, targets [][]int) { return [][]int{{4}}, [][]int{{1}} }
func (sparseRows) SparseInput(int) bool              { return true }
func (s sparseRows) Active(_, i int) []int32         { return [][]int32{{1, 3}, {}, {0}}[i] }
func (s sparseRows) Read(indices []int, inputs, targets [][]float32) error {
	if inputs != nil {
		return errors.New("inputs are asked for")
	}
	return s.Source.Read(indices, [][]float32{make([]float32, len(indices))}, targets)
}

func TestReadAll(t *testing.T) {
	for _, n := range []int{1, 256, 600} {
		x, y := blobs(n, 1)
		inputs, targets, err := keraslike.ReadAll(t.Context(), dataOf(t, x, y))
		if err != nil || len(inputs) != 1 || len(targets) != 1 || !slices.Equal(inputs[0].Values(), x.Float32s()) || !slices.Equal(targets[0].Values(), y.Float32s()) {
			t.Errorf("%d samples: got %v, %v (%v)", n, inputs, targets, err)
		}
	}
	three, _ := keraslike.Column([]int{7, 8, 9})
	plain, err := keraslike.Data(three, three)
	if err != nil {
		t.Fatal(err)
	}
	dense := "[(3, 4) [0 1 0 1] [0 0 0 0] [1 0 0 0]]"
	inputs, targets, err := keraslike.ReadAll(t.Context(), sparseRows{plain})
	if got := fmt.Sprint(inputs, targets); err != nil || got != dense+" [(3, 1) [7] [8] [9]]" {
		t.Errorf("sparse rows: got %s (%v)", got, err)
	}
	inputs, targets, err = keraslike.ReadAll(t.Context(), keraslike.InputsAsTargets(sparseRows{plain}))
	if got := fmt.Sprint(inputs, targets); err != nil || got != dense+" "+dense {
		t.Errorf("sparse rows as their own targets: got %s (%v)", got, err)
	}
	bad, _ := keraslike.Rows([][]float64{{1, 2}, {3, math.NaN()}})
	source, _ := keraslike.Data(bad, nil)
	_, _, err = keraslike.ReadAll(t.Context(), source)
	wantError(t, err, "read all: input 0 of sample 1: value 1 is NaN")
}

// An autoencoder's targets are its inputs, with the weights of the source.
func TestInputsAsTargets(t *testing.T) {
	x, y := blobs(60, 1)
	run := func(s keraslike.Source) []float32 {
		t.Helper()
		m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(3), keraslike.Dense(toyFeatures))
		if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError, keraslike.Seed(1)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Fit(t.Context(), s, keraslike.Epochs(2), keraslike.BatchSize(16)); err != nil {
			t.Fatal(err)
		}
		return weightsOf(m)
	}
	want := run(dataOf(t, x, x))
	if !slices.Equal(run(keraslike.InputsAsTargets(dataOf(t, x, y))), want) || !slices.Equal(run(keraslike.InputsAsTargets(ahead{dataOf(t, x, nil), 2})), want) {
		t.Error("other weights than with the inputs given twice")
	}
	weights := make([]float32, 60)
	for i := range weights {
		weights[i] = float32(i % 3)
	}
	weighted := func(s keraslike.Source) keraslike.Source {
		w, err := keraslike.Weighted(s, weights)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if got := run(keraslike.InputsAsTargets(weighted(dataOf(t, x, y)))); !slices.Equal(got, run(weighted(dataOf(t, x, x)))) || slices.Equal(got, want) {
		t.Error("the weights of the samples are lost")
	}
}

// Measurements print themselves and give one value.
func TestLogsAndHistory(t *testing.T) {
	logs := keraslike.Logs{{Name: "loss", Value: 0.123456}, {Name: "accuracy", Value: 0.987}}
	v, ok := logs.Lookup("accuracy")
	if fmt.Sprint(logs) != "loss 0.1235  accuracy 0.987" || logs.Get("loss") != 0.123456 || v != 0.987 || !ok {
		t.Errorf("logs: %v", logs)
	}
	if _, ok := logs.Lookup("mae"); ok || !math.IsNaN(logs.Get("mae")) {
		t.Error("logs: there is a number that nobody measured")
	}
	for epochs, want := range map[int]string{
		2: "epoch  loss  seen\n1      0     1\n2      1     1.333",
		13: "epoch  loss  seen\n1      0     1\n2      1     1.333\n3      2     1.667\n4      3     2\n5      4     2.333\n...\n" +
			"9      8     3.667\n10     9     4\n11     10    4.333\n12     11    4.667\n13     12    5",
	} {
		h := &keraslike.History{}
		for e := range epochs {
			h.Add(e+1, keraslike.Logs{{Name: "loss", Value: float64(e)}, {Name: "seen", Value: 1 + float64(e)/3}})
		}
		if got := fmt.Sprint(h); got != want {
			t.Errorf("%d epochs: got\n%s\nwant\n%s", epochs, got, want)
		}
	}
	var none *keraslike.History
	if fmt.Sprint(none) != "no epochs" || fmt.Sprint(&keraslike.History{}) != "no epochs" {
		t.Errorf("no epochs: %v", none)
	}
}

// Predicting and printing without a tensor.
func ExampleModel_Predict() {
	m := xorModel()
	if _, err := m.Fit(context.Background(), xor(), keraslike.Epochs(200), keraslike.BatchSize(4)); err != nil {
		log.Fatal(err)
	}
	x, err := keraslike.Rows([][]int{{0, 1}, {1, 1}})
	if err != nil {
		log.Fatal(err) // ragged rows, for instance
	}
	y, err := m.Predict(x)
	if err != nil {
		log.Fatal(err)
	}
	for i := range y.Len() {
		fmt.Println(x.Row(i), "differ:", y.Row(i)[0] > 0.5)
	}
	// Output:
	// [0 1] differ: true
	// [1 1] differ: false
}
