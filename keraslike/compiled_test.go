// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// sevenths is a tensor of small numbers that differ.
func sevenths(shape ...int) *tensor.Dense {
	v := make([]float32, tensor.Shape(shape).TotalSize())
	for i := range v {
		v[i] = float32((i*7)%11)/5 - 1
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
}

// discriminator is a model with a normalization, in a nested model too.
func discriminator(t *testing.T) *keraslike.Model {
	t.Helper()
	inner := keraslike.Sequential("inner", keraslike.Input(4), keraslike.BatchNormalization(keraslike.Momentum(0.5)), keraslike.Dense(3, keraslike.Tanh))
	d := keraslike.Sequential("d", keraslike.Input(4), inner, keraslike.BatchNormalization(keraslike.Momentum(0.5)), keraslike.Dropout(0.3), keraslike.Dense(1))
	if err := d.Compile(keraslike.Adam(0.1), keraslike.MeanSquaredError, keraslike.Seed(1)); err != nil {
		t.Fatal(err)
	}
	return d
}

// trained makes updates with batches of several sizes, for each of which the model makes a
// graph of its own.
func trained(t *testing.T, m *keraslike.Model, in int, sizes ...int) {
	t.Helper()
	for _, n := range sizes {
		if _, err := m.TrainOnBatch(sevenths(n, in), sevenths(n, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrainableAsCompiled: what SetTrainable says after Compile, of the model or of another
// that has it inside, changes nothing until the model is compiled again, whatever the
// batch and whether a graph was made before.
func TestTrainableAsCompiled(t *testing.T) {
	alone := discriminator(t)
	trained(t, alone, 4, 4, 3, 4, 5)
	want := weightsOf(alone)
	for name, freeze := range map[string]func(d *keraslike.Model){
		"in another model": func(d *keraslike.Model) {
			g := keraslike.Sequential("gan", keraslike.Input(2), keraslike.Dense(4), d)
			if err := g.SetTrainable(false, "d"); err != nil {
				t.Fatal(err)
			}
			if err := g.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
				t.Fatal(err)
			}
		},
		"all":            func(d *keraslike.Model) { _ = d.SetTrainable(false) },
		"a nested layer": func(d *keraslike.Model) { _ = d.SetTrainable(false, "inner/batch_normalization") },
		"a nested model": func(d *keraslike.Model) { _ = d.SetTrainable(false, "inner") },
		"one layer":      func(d *keraslike.Model) { _ = d.SetTrainable(false, "batch_normalization") },
	} {
		for _, before := range [][]int{nil, {4}} {
			d := discriminator(t)
			trained(t, d, 4, before...)
			freeze(d)
			trained(t, d, 4, []int{4, 3, 4, 5}[len(before):]...)
			if got := weightsOf(d); !slices.Equal(got, want) {
				t.Errorf("frozen %s after %d steps: the weights are %v, want %v", name, len(before), got, want)
			}
		}
	}
}

// TestFrozenInAnother: the other model leaves the frozen one's weights and moving
// averages alone, and still does when the one is made trainable for its own training.
func TestFrozenInAnother(t *testing.T) {
	d := discriminator(t)
	g := keraslike.Sequential("gan", keraslike.Input(2), keraslike.Dense(4), d)
	if err := g.SetTrainable(false, "d"); err != nil {
		t.Fatal(err)
	}
	if err := g.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	want := weightsOf(d)
	trained(t, g, 2, 4, 3)
	if err := d.SetTrainable(true); err != nil {
		t.Fatal(err)
	}
	trained(t, g, 2, 5, 4)
	if got := weightsOf(d); !slices.Equal(got, want) {
		t.Errorf("training the outer model changed the frozen inner one: %v, want %v", got, want)
	}
	trained(t, d, 4, 4)
	if slices.Equal(weightsOf(d), want) {
		t.Error("the inner model does not learn any more")
	}
}

// TestSaveAsCompiled: a model that was frozen after it was compiled is saved, with the
// optimizer's state, as it is trained.
func TestSaveAsCompiled(t *testing.T) {
	alone := discriminator(t)
	trained(t, alone, 4, 4, 3, 5)
	d := discriminator(t)
	trained(t, d, 4, 4, 3)
	if err := d.SetTrainable(false, "inner"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "d.st")
	if err := d.Save(path, keraslike.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	again, err := keraslike.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	trained(t, again, 4, 5)
	if got, want := weightsOf(again), weightsOf(alone); !slices.Equal(got, want) {
		t.Errorf("after loading, training goes to %v, want %v", got, want)
	}
	if _, free := d.Parameters(); free >= len(weightsOf(d)) {
		t.Errorf("saving freed the layers: %d parameters are trainable", free)
	}
}

// TestMissingGradients: a weight without a gradient shows at Compile, with the layer and the op.
func TestMissingGradients(t *testing.T) {
	step := func(in ...*graph.Node) (*graph.Node, error) { return graph.MaskOf(in[0], 0) }
	sums := func(in ...*graph.Node) (*graph.Node, error) {
		sum, err := graph.ColumnSum(in[0])
		if err != nil {
			return nil, err
		}
		return graph.AddRow(in[0], sum)
	}
	aside := func(in ...*graph.Node) (*graph.Node, error) { return graph.Affine(in[1], 1, 0) }
	in := keraslike.Input(3)
	h := keraslike.Dense(3, keraslike.Name("first")).Apply(in)
	lambda := func(f func(in ...*graph.Node) (*graph.Node, error), x ...*keraslike.Tensor) *keraslike.Model {
		y := keraslike.Dense(1, keraslike.Name("last")).Apply(keraslike.Lambda(f, keraslike.Name("own")).Apply(x...))
		return keraslike.NewModel("m", []*keraslike.Tensor{in}, []*keraslike.Tensor{y})
	}
	for want, m := range map[string]*keraslike.Model{
		`layer "own": not_equal{to=0}: has derivative 0, so there is no gradient with respect to "first/kernel"`: lambda(step, h),
		`layer "own": column_sum: has no gradient with respect to its input 0`:                                   lambda(sums, h),
		`there is none with respect to "first/kernel": no output depends on it`:                                  lambda(aside, h, in),
	} {
		if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestLambdaOfTheBatch: an axis after the first that has the length of the batch.
func TestLambdaOfTheBatch(t *testing.T) {
	gram := func(in ...*graph.Node) (*graph.Node, error) {
		return graph.MatMul(in[0], in[0], graph.Transposed(false, true))
	}
	m := keraslike.Sequential("m", keraslike.Input(3), keraslike.Lambda(gram, keraslike.Name("gram")))
	want := `Lambda "gram": the function returns shape (2, 2) for a batch of 2 and (3, 3) for one of 3`
	if err := m.Build(1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestTensorLayouts hands a model tensors that do not lie in rows: the same numbers, or an error.
func TestTensorLayouts(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(3), keraslike.Dense(3, keraslike.KernelInitializer(keraslike.Constant(1))))
	if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	fortran := tensor.New(tensor.WithShape(2, 3), tensor.AsFortran([]float32{0, 1, 2, 3, 4, 5}))
	turned := sevenths(3, 2)
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	cut, err := sevenths(2, 5).Slice(nil, gorgonia.S(1, 4))
	if err != nil {
		t.Fatal(err)
	}
	good, y := sevenths(2, 3), sevenths(2, 3)
	for name, x := range map[string]*tensor.Dense{"column-major": fortran, "transposed": turned, "cut out": cut.(*tensor.Dense)} {
		calls := map[string]error{}
		_, calls["FromTensor"] = keraslike.FromTensor(x)
		_, calls["PredictOnBatch"] = m.PredictOnBatch(x)
		_, calls["TrainOnBatch"] = m.TrainOnBatch(x, y)
		_, calls["TrainOnBatch, target"] = m.TrainOnBatch(good, x)
		for call, err := range calls {
			if err == nil || !strings.Contains(err.Error(), "want row-major") {
				t.Errorf("%s of a %s tensor: got %v, want an error", call, name, err)
			}
		}
	}
	rows, err := sevenths(4, 3).Slice(gorgonia.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(keraslike.ArrayOf(rows.(*tensor.Dense)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		var want float32
		for j := range 3 {
			v, _ := rows.At(i, j)
			want += v.(float32)
		}
		if got := p.Values()[3*i]; got-want > 1e-6 || want-got > 1e-6 {
			t.Errorf("row %d gives %v, want %v", i, got, want)
		}
	}
}

// TestForeignLayoutOfOutput: a model may end with an op of Gorgonia whose result is
// transposed in name only.
func TestForeignLayoutOfOutput(t *testing.T) {
	turn := func(in ...*graph.Node) (*graph.Node, error) { return gorgonia.Transpose(in[0], 0, 2, 1) }
	m := keraslike.Sequential("m", keraslike.Input(2, 3), keraslike.Lambda(turn))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	x := sevenths(2, 2, 3)
	y, err := m.Predict(keraslike.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	for b := range 2 {
		for i := range 3 {
			for j := range 2 {
				got, _ := y.Tensor().At(b, i, j)
				want, _ := x.At(b, j, i)
				if got != want {
					t.Errorf("value (%d, %d, %d) is %v, want %v", b, i, j, got, want)
				}
			}
		}
	}
}
