// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// FuzzLoad changes bytes of a model file at will.
func FuzzLoad(f *testing.F) {
	content, _ := saved(f, toyModel(f), keraslike.WithOptimizer)
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "m")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := keraslike.Load(path); err == nil {
			useLoaded(t, m)
		}
	})
}

// FuzzLoadConfig puts any architecture and any settings into a well-formed file
// without tensors: models without weights load, everything else is an error.
func FuzzLoadConfig(f *testing.F) {
	m := keraslike.Sequential("m", keraslike.Input(2, 3), keraslike.Flatten(), keraslike.Dropout(0.5), keraslike.Activation(keraslike.Softmax))
	if err := m.Build(1); err != nil {
		f.Fatal(err)
	}
	models := []*keraslike.Model{m, toyModel(f), keraslike.Sequential("outer", keraslike.Input(2, 3), m)}
	for _, c := range layerCases() {
		models = append(models, keraslike.Sequential("m", append([]keraslike.Part{keraslike.Input(c.in...)}, c.layers...)...))
	}
	for _, m := range models {
		if err := m.Build(1); err != nil {
			f.Fatal(err)
		}
		_, path := saved(f, m)
		file, err := safetensors.Open(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file.Metadata()["reef.model"], file.Metadata()["reef.compile"])
		file.Close()
	}
	f.Add(strings.Repeat(`{"name":"m","layers":[{"name":"m","kind":"Model","config":`, 50)+"{}"+strings.Repeat("}]}", 50), "")
	f.Add(`{"name":"m","layers":[{"name":"i","kind":"Input","config":{"shape":[4611686018427387904,4]}},{"name":"f","kind":"Flatten","config":{}}],"inputs":[0],"calls":[{"layer":1,"in":[0]}],"outputs":[1]}`,
		`{"optimizer":"sgd","settings":{},"loss":"mean_squared_error"}`)
	f.Fuzz(func(t *testing.T, architecture, settings string) {
		meta := map[string]string{"reef.format": "1", "reef.model": architecture}
		if settings != "" {
			meta["reef.compile"] = settings
		}
		path := filepath.Join(t.TempDir(), "m")
		if err := safetensors.WriteFile(path, nil, meta); err != nil {
			t.Skip(err) // no UTF-8
		}
		if m, err := keraslike.Load(path); err == nil {
			useLoaded(t, m)
		}
	})
}

// useLoaded does with a model what no file may make panic.
func useLoaded(t *testing.T, m *keraslike.Model) {
	summary(t, m)
	all, trainable := m.Parameters()
	if trainable > all {
		t.Errorf("%d parameters, %d trainable", all, trainable)
	}
	saved(t, m)
}
