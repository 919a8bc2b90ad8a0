// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// rude does something rude in one of its methods, the n-th time that it is called.
type rude struct {
	method string
	n      int
	do     func()
}

var errRude = errors.New("how rude")

func (r *rude) call(method string) {
	if r.method != method {
		return
	}
	if r.n--; r.n < 0 {
		r.do()
	}
}

type rudeCallback struct{ *rude }

func (c rudeCallback) On(e keraslike.Event, _ *keraslike.Training) error {
	c.call([]string{"TrainBegin", "EpochBegin", "BatchEnd", "EpochEnd", "TrainEnd"}[e])
	return nil
}

func (c rudeCallback) RunsLast() bool     { c.call("RunsLast"); return false }
func (c rudeCallback) AddsLogs() []string { c.call("AddsLogs"); return nil }
func (c rudeCallback) Finish(error)       { c.call("Finish") }

type rudeSource struct {
	keraslike.Source
	*rude
	ahead int
}

func (s rudeSource) Len() int                  { s.call("Len"); return s.Source.Len() }
func (s rudeSource) Shapes() (in, out [][]int) { s.call("Shapes"); return s.Source.Shapes() }
func (s rudeSource) Prefetch() int             { s.call("Prefetch"); return s.ahead }
func (s rudeSource) Read(i []int, in, out [][]float32) error {
	s.call("Read")
	return s.Source.Read(i, in, out)
}

func (s rudeSource) Weights(_ []int, to []float32) error {
	s.call("Weights")
	for i := range to {
		to[i] = 1
	}
	return nil
}

type rudeStream struct {
	*counted
	*rude
}

func (s rudeStream) Next(in, out [][]float32) (int, error) {
	s.call("Next")
	return s.counted.Next(in, out)
}
func (s rudeStream) Reset() error { s.call("Reset"); s.counted.at = 0; return nil }

type rudeLoss struct {
	keraslike.Loss
	*rude
}

func (l rudeLoss) Target(p keraslike.Shape) (keraslike.Shape, error) {
	l.call("Target")
	return l.Loss.Target(p)
}

func (l rudeLoss) Rows(p, z, t *graph.Node) (*graph.Node, error) {
	l.call("Rows")
	return l.Loss.Rows(p, z, t)
}

type rudeMeasurement struct{ *rude }

func (m rudeMeasurement) Add(int, []float32, []float32) { m.call("Add") }
func (m rudeMeasurement) Value() float64                { m.call("Value"); return 1 }
func (m rudeMeasurement) Reset()                        { m.call("ResetMetric") }

type rudeOptimizer struct {
	keraslike.Optimizer
	*rude
}

func (o rudeOptimizer) Check() error    { o.call("Check"); return o.Optimizer.Check() }
func (o rudeOptimizer) Rate() float64   { o.call("Rate"); return o.Optimizer.Rate() }
func (o rudeOptimizer) Slots() []string { o.call("Slots"); return o.Optimizer.Slots() }
func (o rudeOptimizer) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	o.call("Update")
	o.Optimizer.Update(w, g, slots, step, rate)
}

func (o rudeOptimizer) UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64) {
	o.call("UpdateRows")
	o.Optimizer.(keraslike.RowOptimizer).UpdateRows(w, g, rows, slots, step, rate)
}

// Decays lets all rows be updated but where those of some are wanted.
func (o rudeOptimizer) Decays() (slots []int, by float64, known bool) {
	return nil, 0, o.method == "UpdateRows"
}

func (o rudeOptimizer) MarshalJSON() ([]byte, error) { o.call("MarshalJSON"); return []byte("{}"), nil }

type rudeSchedule struct{ *rude }

func (rudeSchedule) Name() string { return "rude" }
func (rudeSchedule) Check() error { return nil }

func (s rudeSchedule) At(initial float64, _ int) float64 { s.call("At"); return initial }

type rudeLayer struct{ *rude }

func (l rudeLayer) Kind() string { return "Rude" }
func (l rudeLayer) Build(_ *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	l.call("Build")
	return in[0], nil
}

func (l rudeLayer) Forward(_ *keraslike.Scope, in []*graph.Node) *graph.Node {
	l.call("Forward")
	return in[0]
}
func (l rudeLayer) MarshalJSON() ([]byte, error) { l.call("MarshalLayer"); return []byte("{}"), nil }

// rudely trains, measures, predicts and saves with something rude in every place, and
// returns the first error and the model.
func rudely(t *testing.T, r *rude, ahead int, stream bool) (*keraslike.Model, error) {
	t.Helper()
	x, ids := blobs(20, 1)
	for i, v := range ids.Float32s() {
		x.Float32s()[i*toyFeatures] = v // an id for the embedding
	}
	in := keraslike.Input(toyFeatures)
	words := keraslike.Flatten().Apply(keraslike.Embedding(50, 3).Apply(keraslike.Lambda(func(n ...*graph.Node) (*graph.Node, error) {
		r.call("Lambda")
		return graph.Scale(n[0], 0)
	}).Apply(in)))
	h := keraslike.Concatenate().Apply(words, keraslike.Dense(4, keraslike.Tanh).Apply(in))
	out := keraslike.Dense(toyClasses, keraslike.Softmax).Apply(keraslike.Custom(rudeLayer{r}).Apply(h))
	m := keraslike.NewModel("rude", []*keraslike.Tensor{in}, []*keraslike.Tensor{out})
	optimizer := keraslike.Optimizer(rudeOptimizer{keraslike.Adam(0.01), r})
	if r.method == "At" {
		optimizer = keraslike.Adam(0.01, keraslike.WithSchedule(rudeSchedule{r}))
	}
	metric := keraslike.CustomMetric("mine", func(_, _ keraslike.Shape) (keraslike.Measurement, error) {
		r.call("Begin")
		return rudeMeasurement{r}, nil
	})
	row := keraslike.CustomRowMetric("row", func(_, _ []float32) float64 { r.call("row"); return 1 })
	if err := m.Compile(optimizer, rudeLoss{keraslike.SparseCategoricalCrossentropy, r}, metric, row); err != nil {
		return m, err
	}
	var data keraslike.Samples = rudeSource{dataOf(t, x, ids), r, ahead}
	if stream {
		data = flowingRude{rudeStream{&counted{Source: dataOf(t, x, ids)}, r}, ahead}
	}
	if _, err := m.Fit(t.Context(), data, keraslike.BatchSize(8), keraslike.Epochs(2), keraslike.Callbacks(rudeCallback{r})); err != nil {
		return m, err
	}
	if _, err := m.Evaluate(t.Context(), data); err != nil {
		return m, err
	}
	if source, ok := data.(keraslike.Source); ok {
		if _, err := m.PredictSource(t.Context(), source); err != nil {
			return m, err
		}
	}
	if !strings.HasPrefix(r.method, "Marshal") {
		return m, nil
	}
	plain := keraslike.Sequential("rude", keraslike.Input(2), keraslike.Custom(rudeLayer{r}), keraslike.Dense(2)) // a Lambda cannot be saved
	if err := plain.Compile(optimizer, keraslike.MeanSquaredError); err != nil {
		return m, err
	}
	return m, plain.Save(filepath.Join(t.TempDir(), "m"))
}

// flowingRude shows the methods of a stream only.
type flowingRude struct {
	s     rudeStream
	ahead int
}

func (f flowingRude) Shapes() (in, out [][]int)             { return f.s.Shapes() }
func (f flowingRude) Next(in, out [][]float32) (int, error) { return f.s.Next(in, out) }
func (f flowingRude) Reset() error                          { return f.s.Reset() }
func (f flowingRude) Prefetch() int                         { return f.ahead }

// A panic in any user code, at its first call and later, is an error that
// names it, wraps its value and has its stack; no goroutine is left, and the model can
// be compiled and trained again.
func TestPanicsAreErrors(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), goleak.IgnoreAnyFunction("github.com/reef-dl/reef/internal/kernel/parallel.(*pool).serve"))
	both := []int{0, 2}
	for method, c := range map[string]struct {
		in     string // of the error
		calls  []int
		ahead  []int
		stream bool
	}{
		"TrainBegin":   {"callback keraslike_test.rudeCallback", []int{0}, both, false},
		"EpochBegin":   {"callback keraslike_test.rudeCallback", []int{0, 1}, both, false},
		"BatchEnd":     {"callback keraslike_test.rudeCallback", []int{0, 4}, both, true},
		"EpochEnd":     {"callback keraslike_test.rudeCallback", []int{0}, both, false},
		"TrainEnd":     {"callback keraslike_test.rudeCallback", []int{0}, both, true},
		"RunsLast":     {"callback keraslike_test.rudeCallback: RunsLast", []int{0}, nil, false},
		"AddsLogs":     {"callback keraslike_test.rudeCallback: AddsLogs", []int{0}, nil, false},
		"Finish":       {"callback keraslike_test.rudeCallback: Finish", []int{0}, both, false},
		"Len":          {"source keraslike_test.rudeSource: Len", []int{0, 1}, both, false},
		"Shapes":       {"source keraslike_test.rudeSource: Shapes", []int{0, 1, 2}, both, false},
		"Prefetch":     {"source keraslike_test.rudeSource: Prefetch", []int{0, 1}, both, false},
		"Read":         {"source keraslike_test.rudeSource: Read", []int{0, 2, 5, 7}, both, false},
		"Weights":      {"source keraslike_test.rudeSource: Weights", []int{0, 2, 5}, both, false},
		"Next":         {"stream keraslike_test.flowingRude: Next", []int{0, 2, 5}, both, true},
		"Reset":        {"stream keraslike_test.flowingRude: Reset", []int{0, 1}, both, true},
		"Target":       {`loss "sparse_categorical_crossentropy": Target`, []int{0}, nil, false},
		"Rows":         {`loss "sparse_categorical_crossentropy": Rows`, []int{0, 1, 2}, both, false},
		"Begin":        {`metric "mine": Begin`, []int{0, 1, 2}, both, false},
		"Add":          {`metric "mine": keraslike_test.rudeMeasurement`, []int{0, 4}, both, true},
		"Value":        {`metric "mine": keraslike_test.rudeMeasurement`, []int{0, 3}, both, false},
		"ResetMetric":  {`metric "mine": keraslike_test.rudeMeasurement`, []int{0, 1}, both, false},
		"row":          {`metric "row"`, []int{0, 30}, both, false},
		"Check":        {`optimizer "adam": Check`, []int{0}, nil, false},
		"Rate":         {`optimizer "adam"`, []int{0}, nil, false},
		"Slots":        {`optimizer "adam"`, []int{0}, nil, false},
		"Update":       {`optimizer "adam": Update`, []int{0, 5}, both, false},
		"UpdateRows":   {`optimizer "adam": UpdateRows`, []int{0, 2}, both, false},
		"MarshalJSON":  {`optimizer "adam": MarshalJSON`, []int{0}, nil, false},
		"At":           {`schedule "rude": At`, []int{0, 3}, both, false},
		"Build":        {"Build", []int{0}, nil, false},
		"Forward":      {`Rude "rude": Forward`, []int{0, 1, 3}, both, false},
		"MarshalLayer": {"definition keraslike_test.rudeLayer: MarshalJSON", []int{0}, nil, false},
		"Lambda":       {"panic", []int{0, 1, 2}, both, false},
	} {
		if c.ahead == nil {
			c.ahead = []int{0}
		}
		for _, n := range c.calls {
			for _, ahead := range c.ahead {
				r := &rude{method, n, func() { panic(errRude) }}
				m, err := rudely(t, r, ahead, c.stream)
				var p *keraslike.PanicError
				if !errors.As(err, &p) || !errors.Is(err, errRude) || !strings.Contains(err.Error(), c.in) || !bytes.Contains(p.Stack, []byte("(*rude).call")) {
					t.Errorf("%s, call %d, %d ahead: got %v, want a panic in %q with its stack", method, n, ahead, err, c.in)
					continue
				}
				if method == "Build" || method == "Lambda" && n < 2 { // Build tries it twice
					continue // there is no whole model
				}
				r.method = "none"
				if err := m.Compile(keraslike.SGD(0.01), keraslike.SparseCategoricalCrossentropy); err != nil {
					t.Errorf("%s: the model cannot be compiled any more: %v", method, err)
					continue
				}
				if _, err := m.Fit(t.Context(), toyDataOfIDs(t)); err != nil {
					t.Errorf("%s: the model cannot be trained any more: %v", method, err)
				}
			}
		}
	}
}

func toyDataOfIDs(t *testing.T) keraslike.Source {
	x, y := blobs(10, 1)
	return dataOf(t, x, y)
}

// Code that ends its goroutine, as a test's FailNow does, ends a Fit that reads ahead
// with an error, and one on its own goroutine with the goroutine.
func TestGoexit(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), goleak.IgnoreAnyFunction("github.com/reef-dl/reef/internal/kernel/parallel.(*pool).serve"))
	_, err := rudely(t, &rude{"Read", 1, runtime.Goexit}, 2, false)
	wantError(t, err, "keraslike_test.rudeSource ended its goroutine")
	_, err = rudely(t, &rude{"Next", 1, runtime.Goexit}, 2, true)
	wantError(t, err, "keraslike_test.flowingRude ended its goroutine")
	for _, method := range []string{"BatchEnd", "Read", "Forward", "Update", "Add"} {
		for _, ahead := range []int{0, 2} {
			if method == "Read" && ahead > 0 {
				continue // above
			}
			done := make(chan bool)
			go func() {
				ended := true
				defer func() { done <- ended }()
				_, err := rudely(t, &rude{method, 1, runtime.Goexit}, ahead, false)
				ended = false
				t.Errorf("%s went on with %v", method, err)
			}()
			<-done
		}
	}
}

// A Compile that fails leaves a model as it was: uncompiled and without weights, or
// compiled as before.
func TestCompileFailsWhole(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	bad := keraslike.CustomLoss("bad", func(_, _ *graph.Node) (*graph.Node, error) { panic("no") })
	if err := m.Compile(keraslike.SGD(1), bad, keraslike.Seed(1)); err == nil {
		t.Fatal("compiled with a loss that panics")
	}
	if m.Weights()[0].Values() != nil {
		t.Error("the weights have values after a Compile that failed")
	}
	if err := m.Compile(keraslike.SGD(0.1), keraslike.SparseCategoricalCrossentropy, keraslike.Seed(2)); err != nil {
		t.Fatal(err)
	}
	want := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	if err := want.Compile(keraslike.SGD(0.1), keraslike.SparseCategoricalCrossentropy, keraslike.Seed(2)); err != nil {
		t.Fatal(err)
	}
	data := toyData(t, 20, 1)
	train := func() {
		for _, one := range []*keraslike.Model{m, want} {
			if _, err := one.Fit(t.Context(), data); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(weightsOf(m), weightsOf(want)) {
			t.Error("other weights than without the Compile that failed")
		}
	}
	train()
	if err := m.Compile(keraslike.SGD(1), bad, keraslike.Seed(3)); err == nil {
		t.Fatal("compiled with a loss that panics")
	}
	train()
}
