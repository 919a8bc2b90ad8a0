// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// sharing are models in which several models use one layer.
func sharing(t *testing.T) map[string]*keraslike.Model {
	t.Helper()
	tensors := func(list ...*keraslike.Tensor) []*keraslike.Tensor { return list }
	base := func(in int) *keraslike.Model {
		return keraslike.Sequential("base", keraslike.Input(in), keraslike.Dense(in, keraslike.Tanh), keraslike.BatchNormalization())
	}
	models := map[string]*keraslike.Model{}

	dense := keraslike.Dense(4, keraslike.Name("shared"))
	inner := keraslike.Sequential("inner", keraslike.Input(4), keraslike.Dense(4, keraslike.ReLU), dense)
	in := keraslike.Input(4)
	models["outer layer in a nested model"] = keraslike.NewModel("outer", tensors(in), tensors(inner.Apply(dense.Apply(in))))

	dense = keraslike.Dense(4)
	in = keraslike.Input(4)
	x := keraslike.Sequential("inner", keraslike.Input(4), dense).Apply(in)
	models["nested layer in the outer model"] = keraslike.NewModel("outer", tensors(in), tensors(dense.Apply(x)))

	b := base(4)
	left := keraslike.Sequential("left", keraslike.Input(4), b, keraslike.Dense(4))
	right := keraslike.Sequential("right", keraslike.Input(4), keraslike.Dense(4), b)
	in = keraslike.Input(4)
	models["a model in two models"] = keraslike.NewModel("outer", tensors(in), tensors(left.Apply(in), right.Apply(in), b.Apply(in)))

	b = base(4)
	in = keraslike.Input(4, 4)
	steps := keraslike.TimeDistributed(b).Apply(in)
	again := keraslike.TimeDistributed(b).Apply(steps)
	models["a model for each step"] = keraslike.NewModel("outer", tensors(in), tensors(keraslike.Flatten().Apply(again)))

	b = base(4)
	part, err := b.SubModel("dense")
	if err != nil {
		t.Fatal(err)
	}
	in = keraslike.Input(4)
	models["a model and a part of it"] = keraslike.NewModel("outer", tensors(in), tensors(b.Apply(in), keraslike.Sequential("part", keraslike.Input(4), part, keraslike.Dropout(0.5)).Apply(in)))

	lstm := keraslike.Bidirectional(keraslike.LSTM(2, keraslike.ReturnSequences), keraslike.Trainable(false))
	in = keraslike.Input(4, 4)
	models["a wrapped layer"] = keraslike.NewModel("outer", tensors(in), tensors(lstm.Apply(keraslike.Sequential("inner", keraslike.Input(4, 4), lstm).Apply(in))))
	return models
}

// Layers that several models share are shared after Load too.
func TestSharedLayersAreSaved(t *testing.T) {
	for name, m := range sharing(t) {
		t.Run(name, func(t *testing.T) {
			if err := m.Build(3); err != nil {
				t.Fatal(err)
			}
			bytesBefore, path := saved(t, m)
			twin := loaded(t, path)
			if again, _ := saved(t, twin); !bytes.Equal(again, bytesBefore) {
				t.Error("the loaded model is saved as other bytes")
			}
			var want, got []string
			for _, w := range m.Weights() {
				want = append(want, fmt.Sprint(m.WeightPath(w), w.Shape()))
			}
			for _, w := range twin.Weights() {
				got = append(got, fmt.Sprint(twin.WeightPath(w), w.Shape()))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("weights are %q, want %q", got, want)
			}
			all, trainable := m.Parameters()
			if a, n := twin.Parameters(); a != all || n != trainable {
				t.Errorf("%d parameters, %d trainable, want %d and %d", a, n, all, trainable)
			}
			values := make([]float32, 2*m.Inputs()[0].Shape().Size())
			for i := range values {
				values[i] = float32(i*7%11)/11 - 0.3
			}
			x := tensorOf(append([]int{2}, m.Inputs()[0].Shape()...), values)
			for step := range 2 { // the second time with another first weight
				if step == 1 {
					for _, one := range []*keraslike.Model{m, twin} {
						change(t, one.Weights()[0], func(v []float32) {
							for i := range v {
								v[i]++
							}
						})
					}
				}
				want, got := predictAll(t, m, x), predictAll(t, twin, x)
				for k := range want {
					if !slices.Equal(got[k].Values(), want[k].Values()) {
						t.Errorf("step %d: output %d is %v, want %v", step, k, got[k].Values(), want[k].Values())
					}
				}
			}
		})
	}
}

// A layer that is used in one model only, or has no weights, is described in full, as files
// of older versions have it.
func TestOnlySharedLayersAreReferences(t *testing.T) {
	flat := keraslike.Flatten()
	in := keraslike.Input(4)
	dense := keraslike.Dense(4)
	x := keraslike.Sequential("inner", keraslike.Input(4), flat, keraslike.Dense(4)).Apply(flat.Apply(in))
	m := keraslike.NewModel("outer", []*keraslike.Tensor{in}, []*keraslike.Tensor{dense.Apply(dense.Apply(x))})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	if text, _ := saved(t, m); bytes.Contains(text, []byte("shared")) {
		t.Errorf("the file refers to layers: %s", text)
	}
}

// architectureFile writes a file with this architecture and no weights.
func architectureFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m")
	if err := safetensors.WriteFile(path, nil, map[string]string{"reef.format": "1", "reef.model": text}); err != nil {
		t.Fatal(err)
	}
	return path
}

// References to layers that are not there, or differ, are errors.
func TestWrongReferencesToLayers(t *testing.T) {
	const (
		input = `{"name":"in","kind":"Input","config":{"shape":[2]}}`
		flat  = `{"name":"f","kind":"Flatten","config":{}}`
	)
	for reference, want := range map[string]string{
		`{"name":"f","kind":"Flatten","shared":2}`:               `layer "f": is layer 2 of the file, of which 2 have been read`,
		`{"name":"f","kind":"Flatten","shared":-1}`:              `layer "f": is layer -1 of the file`,
		`{"name":"f","kind":"Dense","shared":1}`:                 `layer "f": is the Dense "f" according to the file, whose layer 1 is the Flatten "f"`,
		`{"name":"g","kind":"Flatten","shared":1}`:               `is the Flatten "g" according to the file`,
		`{"name":"f","kind":"Flatten","config":{},"shared":1}`:   `layer "f": is layer 1 of the file and has arguments of its own`,
		`{"name":"f","kind":"Flatten","frozen":true,"shared":1}`: `has arguments of its own`,
	} {
		_, err := keraslike.Load(architectureFile(t, `{"name":"m","layers":[`+strings.Join([]string{input, flat, reference}, ",")+`],"inputs":[0],"calls":[{"layer":2,"in":[0]}],"outputs":[1]}`))
		wantError(t, err, want)
	}
}

// A file in which many models refer to one large model, of whose weights each keeps a list,
// is rejected before that takes long.
func TestManyReferencesToALargeModel(t *testing.T) {
	begin := time.Now()
	var layers, calls []string
	for i := range 3000 {
		layers = append(layers, fmt.Sprintf(`{"name":"d%d","kind":"BatchNormalization","config":{"axis":1,"momentum":0.9,"epsilon":0.001}}`, i))
		calls = append(calls, fmt.Sprintf(`{"layer":%d,"in":[%d]}`, i+1, i))
	}
	const input = `{"name":"in","kind":"Input","config":{"shape":[1]}}`
	model := func(layers, calls []string) string {
		return fmt.Sprintf(`{"name":"m","layers":[%s],"inputs":[0],"calls":[%s],"outputs":[%d]}`, strings.Join(append([]string{input}, layers...), ","), strings.Join(calls, ","), len(calls))
	}
	outer := []string{`{"name":"m","kind":"Model","config":` + model(layers, calls) + `}`}
	calls = []string{`{"layer":1,"in":[0]}`}
	for i := range 3000 {
		one := model([]string{`{"name":"m","kind":"Model","shared":3002}`}, []string{`{"layer":1,"in":[0]}`})
		outer = append(outer, fmt.Sprintf(`{"name":"r%d","kind":"Model","config":%s}`, i, one))
		calls = append(calls, fmt.Sprintf(`{"layer":%d,"in":[%d]}`, i+2, i+1))
	}
	path := architectureFile(t, model(outer, calls))
	if info, err := os.Stat(path); err != nil || info.Size() > 2<<20 {
		t.Fatalf("the file has %d bytes (%v)", info.Size(), err)
	}
	_, err := keraslike.Load(path)
	wantError(t, err, "layers are nested too deeply")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
