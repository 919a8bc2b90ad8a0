// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// saved writes the model and returns the file's bytes and its path.
func saved(t testing.TB, m *keraslike.Model, options ...keraslike.SaveOption) (content []byte, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "model.safetensors")
	if err := m.Save(path, options...); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content, path
}

func loaded(t testing.TB, path string, options ...keraslike.LoadOption) *keraslike.Model {
	t.Helper()
	m, err := keraslike.Load(path, options...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// everyLayer has every layer and option of the package, a layer used twice, a
// nested model and two branches.
func everyLayer() *keraslike.Model {
	base := keraslike.Sequential("base",
		keraslike.Input(4, 5),
		keraslike.Dense(3, keraslike.SELU, keraslike.KernelInitializer(keraslike.HeNormal()), keraslike.BiasInitializer(keraslike.Constant(0.1)), keraslike.KernelRegularizer(keraslike.L2(1e-3))),
		keraslike.Flatten(keraslike.Name("flat")),
	)
	in := keraslike.NamedInput("pixels", 4, 5)
	shared := keraslike.Dense(12, keraslike.NoBias, keraslike.Name("shared"), keraslike.KernelInitializer(keraslike.Orthogonal(0.5)))
	h := shared.Apply(shared.Apply(base.Apply(in)))
	h = keraslike.Dropout(0.25, keraslike.Name("drop")).Apply(keraslike.Activation(keraslike.Mish).Apply(h))
	return keraslike.NewModel("every layer", []*keraslike.Tensor{in}, []*keraslike.Tensor{keraslike.Dense(3, keraslike.Softmax).Apply(h)})
}

// TestSaveLoadIsIdentity: the loaded model predicts the same, and saved again
// it gives the same bytes; built, compiled, and with the optimizer's state.
func TestSaveLoadIsIdentity(t *testing.T) {
	x := tensorOf([]int{2, 4, 5}, make([]float32, 40))
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(i%7) / 3
	}
	compile := func(o keraslike.Optimizer) func(m *keraslike.Model) error {
		return func(m *keraslike.Model) error {
			if err := m.Compile(o, keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.SparseCategoricalAccuracy, keraslike.Seed(1<<63+5)); err != nil {
				return err
			}
			_, err := m.Fit(t.Context(), dataOf(t, x, tensorOf([]int{2}, []float32{2, 0})), keraslike.Epochs(3))
			return err
		}
	}
	with := []keraslike.SaveOption{keraslike.WithOptimizer}
	for name, c := range map[string]struct {
		prepare func(m *keraslike.Model) error
		options []keraslike.SaveOption
	}{
		"built":        {func(m *keraslike.Model) error { return m.Build(3) }, nil},
		"compiled":     {compile(keraslike.Adam(1e-3)), nil},
		"sgd":          {compile(keraslike.SGD(0.1, keraslike.Momentum(0.5), keraslike.Nesterov)), with},
		"plain sgd":    {compile(keraslike.SGD(0.1)), with},
		"rmsprop":      {compile(keraslike.RMSprop(1e-3, keraslike.Rho(0.8), keraslike.Epsilon(1e-5), keraslike.Centered, keraslike.Momentum(0.3))), with},
		"adam amsgrad": {compile(keraslike.Adam(1e-3, keraslike.AMSGrad, keraslike.Beta1(0.8), keraslike.Beta2(0.95))), with},
	} {
		t.Run(name, func(t *testing.T) {
			m := everyLayer()
			if err := c.prepare(m); err != nil {
				t.Fatal(err)
			}
			bytes, path := saved(t, m, c.options...)
			reloaded := loaded(t, path)
			if got, want := predict(t, reloaded, x), predict(t, m, x); !slices.Equal(got, want) {
				t.Errorf("predictions are %v after Load, %v before", got, want)
			}
			if again, _ := saved(t, reloaded, c.options...); !slices.Equal(again, bytes) {
				t.Error("saving the loaded model gives other bytes")
			}
			if got, want := summary(t, reloaded), summary(t, m); got != want {
				t.Errorf("summary after Load:\n%s\nbefore:\n%s", got, want)
			}
		})
	}
}

// TestResume trains two epochs, saves, loads and trains two more: the bytes of
// four unbroken epochs, order of samples, dropout and optimizer included.
func TestResume(t *testing.T) {
	data := toyData(t, 50, 1)
	fit := func(m *keraslike.Model, epochs int) *keraslike.Model {
		t.Helper()
		if _, err := m.Fit(t.Context(), data, keraslike.Epochs(epochs), keraslike.BatchSize(16)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, prepare := range map[string]func() *keraslike.Model{
		"compiled": func() *keraslike.Model { return toyModel(t) },
		"built with another seed first": func() *keraslike.Model {
			m := keraslike.Sequential("toy", keraslike.Input(toyFeatures), keraslike.Dropout(0.5), keraslike.Dense(toyClasses, keraslike.Softmax))
			if err := m.Build(1); err != nil {
				t.Fatal(err)
			}
			if err := m.Compile(keraslike.Adam(0.01), keraslike.SparseCategoricalCrossentropy, keraslike.Seed(2)); err != nil {
				t.Fatal(err)
			}
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := saved(t, fit(prepare(), 4), keraslike.WithOptimizer)
			_, half := saved(t, fit(prepare(), 2), keraslike.WithOptimizer)
			if got, _ := saved(t, fit(loaded(t, half), 2), keraslike.WithOptimizer); !slices.Equal(got, want) {
				t.Error("2 + 2 epochs with Save and Load between them give other bytes than 4 epochs")
			}
			// Without the state the optimizer and the order start afresh.
			_, half = saved(t, fit(prepare(), 2))
			if got, _ := saved(t, fit(loaded(t, half), 2), keraslike.WithOptimizer); slices.Equal(got, want) {
				t.Error("the optimizer's state makes no difference: this test proves nothing")
			}
		})
	}
}

// TestSaveNested saves a model that stands in another one, alone.
func TestSaveNested(t *testing.T) {
	base := keraslike.Sequential("base", keraslike.Input(4), keraslike.Dense(3, keraslike.ReLU))
	middle := keraslike.Sequential("middle", keraslike.Input(4), base, keraslike.Dense(3))
	outer := keraslike.Sequential("outer", keraslike.Input(4), middle, keraslike.Dense(2))
	x := tensorOf([]int{1, 4}, []float32{1, -2, 3, -4})
	for m, path := range map[*keraslike.Model]string{outer: "middle/base/dense/kernel", middle: "base/dense/kernel", base: "dense/kernel"} {
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		_, file := saved(t, m)
		if got, want := predict(t, loaded(t, file), x), predict(t, m, x); !slices.Equal(got, want) {
			t.Errorf("%s predicts %v after Load, %v before", m.Name(), got, want)
		}
		if _, err := m.Weight(path); err != nil {
			t.Error(err)
		}
	}
}

// scale is a custom layer with an argument and a weight without axes.
type scale struct {
	Start float64 `json:"start"`
}

func (*scale) Kind() string { return "Scale" }

func (d *scale) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	b.Weight("factor", keraslike.Constant(d.Start), keraslike.Regularizer{}, 1)
	return in[0], nil
}

func (*scale) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	shape := in[0].Shape()
	column := s.Do(graph.Reshape(in[0], shape.TotalSize(), 1))
	y := s.Do(graph.Dense(column, s.Do(graph.Reshape(s.Weight("factor"), 1, 1)), nil, graph.Act(graph.Linear)))
	return s.Do(graph.Reshape(y, shape...))
}

func TestLoadKnown(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(3), keraslike.Custom(&scale{Start: 2.5}))
	if err := m.Build(0); err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{1, 3}, []float32{1, 2, -4})
	want := []float32{2.5, 5, -10}
	if got := predict(t, m, x); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	_, path := saved(t, m)
	reloaded := loaded(t, path, keraslike.WithCustomLayer(func() keraslike.Definition { return &scale{} }))
	if got := predict(t, reloaded, x); !slices.Equal(got, want) {
		t.Errorf("after Load got %v, want %v", got, want)
	}
	_, err := keraslike.Load(path)
	wantError(t, err, path, `layer "scale"`, `kind "Scale" is unknown; pass WithCustomLayer(...)`)
}

func TestSaveMistakes(t *testing.T) {
	dir := t.TempDir()
	m := keraslike.Sequential("m", keraslike.Input(3), keraslike.Dense(2))
	wantError(t, m.Save(filepath.Join(dir, "m")), `save model "m"`, "it has no weights yet")
	if err := m.Build(0); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(filepath.Join(dir, "m"), keraslike.WithOptimizer); !errors.Is(err, keraslike.ErrNotCompiled) {
		t.Errorf("WithOptimizer before Compile: got %v", err)
	}
	wantError(t, m.Save(filepath.Join(dir, "no such folder", "m")), "no such folder")
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}

// TestLoadMistakes changes a good file in one place at a time.
func TestLoadMistakes(t *testing.T) {
	_, path := saved(t, toyModel(t), keraslike.WithOptimizer)
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	good := func() ([]safetensors.Tensor, map[string]string) {
		var tensors []safetensors.Tensor
		for _, name := range file.Names() {
			shape, data, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Data: data})
		}
		meta := map[string]string{}
		for k, v := range file.Metadata() {
			meta[k] = v
		}
		return tensors, meta
	}
	replace := func(key, old, new string) func(tensors []safetensors.Tensor, meta map[string]string) []safetensors.Tensor {
		return func(tensors []safetensors.Tensor, meta map[string]string) []safetensors.Tensor {
			if !strings.Contains(meta[key], old) {
				t.Fatalf("%s = %s lacks %q: this case has lost its point", key, meta[key], old)
			}
			meta[key] = strings.Replace(meta[key], old, new, 1)
			return tensors
		}
	}
	for name, c := range map[string]struct {
		change func(tensors []safetensors.Tensor, meta map[string]string) []safetensors.Tensor
		want   string
	}{
		"nothing": {func(ts []safetensors.Tensor, _ map[string]string) []safetensors.Tensor { return ts }, ""},
		"foreign": {func(ts []safetensors.Tensor, meta map[string]string) []safetensors.Tensor {
			delete(meta, "reef.format")
			return ts
		}, `is a safetensors file without "reef.format" in its metadata, so no model saved by Reef`},
		"newer":         {replace("reef.format", "1", "2"), `has format version "2", this program reads 1`},
		"no model":      {replace("reef.model", "{", ""), "architecture: "},
		"kind":          {replace("reef.model", `"kind":"Dropout"`, `"kind":"Dropin"`), `layer "dropout": kind "Dropin" is unknown`},
		"argument":      {replace("reef.model", `"rate":0.25`, `"rate":1.25`), `Dropout "dropout": rate is 1.25, want 0 <= rate < 1`},
		"unknown":       {replace("reef.model", `"rate":0.25`, `"ratio":0.25`), `layer "dropout": json: unknown field "ratio"`},
		"layer":         {replace("reef.model", `"layer":2`, `"layer":20`), "there is no layer 20 among 4"},
		"tensor":        {replace("reef.model", `"in":[1]`, `"in":[-1]`), "is applied to tensor -1 of 2"},
		"output":        {replace("reef.model", `"outputs":[3]`, `"outputs":[4]`), "output is tensor 4 of 4"},
		"no outputs":    {replace("reef.model", `"outputs":[3]`, `"outputs":[]`), "0 outputs, want at least one of each"},
		"input":         {replace("reef.model", `"inputs":[0]`, `"inputs":[1]`), `layer "dense" is listed as an input and is Dense`},
		"units":         {replace("reef.model", `"units":16`, `"units":17`), `tensor "dense/kernel" has shape [6 16], the model wants [6 17]`},
		"huge units":    {replace("reef.model", `"units":16`, `"units":2147483647`), `weight "kernel" would have shape [6 2147483647], which is more than `},
		"optimizer":     {replace("reef.compile", `"adam"`, `"madam"`), `optimizer "madam" is unknown`},
		"setting":       {replace("reef.compile", `"beta_1":0.9`, `"beta_1":9`), "beta_1 is 9"},
		"loss":          {replace("reef.compile", `"sparse_categorical_crossentropy"`, `"gain"`), `loss "gain": unknown`},
		"metric":        {replace("reef.compile", `"accuracy"`, `"cuteness"`), `metric "cuteness": unknown`},
		"steps":         {replace("reef.compile", `"state":true`, `"state":true,"steps":-1`), "settings of compile: steps is -1, want 0 to"},
		"wrong compile": {replace("reef.compile", `{`, `[`), "settings of compile: "},
		"missing tensor": {func(ts []safetensors.Tensor, _ map[string]string) []safetensors.Tensor {
			return slices.DeleteFunc(ts, func(x safetensors.Tensor) bool { return x.Name == "dense/kernel" })
		}, `has no tensor "dense/kernel" of shape [6 16]`},
		"missing state": {func(ts []safetensors.Tensor, _ map[string]string) []safetensors.Tensor {
			return slices.DeleteFunc(ts, func(x safetensors.Tensor) bool { return x.Name == "optimizer/dense/kernel/momentum" })
		}, `no tensor "optimizer/dense/kernel/momentum"`},
		"further tensor": {func(ts []safetensors.Tensor, _ map[string]string) []safetensors.Tensor {
			return append(ts, safetensors.Tensor{Name: "stowaway", Shape: []int{1}, Data: []float32{1}})
		}, `holds tensor "stowaway", which the model has no place for`},
	} {
		t.Run(name, func(t *testing.T) {
			tensors, meta := good()
			tensors = c.change(tensors, meta)
			path := filepath.Join(t.TempDir(), "changed.safetensors")
			if err := safetensors.WriteFile(path, tensors, meta); err != nil {
				t.Fatal(err)
			}
			_, err := keraslike.Load(path)
			if c.want == "" {
				if err != nil {
					t.Errorf("the unchanged file: %v", err)
				}
				return
			}
			wantError(t, err, "load model: ", path, c.want)
		})
	}
}

// TestLoadTruncated cuts a model file at every length.
func TestLoadTruncated(t *testing.T) {
	content, _ := saved(t, toyModel(t))
	path := filepath.Join(t.TempDir(), "cut.safetensors")
	for n := range len(content) {
		if n > 512 && n < len(content)-16 && n%61 != 0 {
			continue
		}
		if err := os.WriteFile(path, content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keraslike.Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Fatalf("the first %d of %d bytes: got %v, want an error that names the file", n, len(content), err)
		}
	}
	if _, err := keraslike.Load(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
}
