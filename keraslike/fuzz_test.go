// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// FuzzLoad changes bytes of a model file at will. All sources give the same model or none.
func FuzzLoad(f *testing.F) {
	m := toyModel(f)
	if err := errors.Join(m.SetClasses(0, "a", "b", "c"), m.SetMetadata("k", 1), m.SetPreprocessor(0, standardized{})); err != nil {
		f.Fatal(err)
	}
	content, _ := saved(f, m, keraslike.WithOptimizer)
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Fuzz(func(t *testing.T, content []byte) {
		before := slices.Clone(content)
		m, err := keraslike.LoadBytes(content)
		copied, copyErr := keraslike.LoadFrom(bytes.NewReader(content), int64(len(content)), "m")
		inFS, fsErr := keraslike.LoadFS(fstest.MapFS{"m": {Data: content}}, "m")
		if (err == nil) != (copyErr == nil) || (err == nil) != (fsErr == nil) {
			t.Fatalf("from memory: %v, from a reader: %v, from a file system: %v", err, copyErr, fsErr)
		}
		if err != nil {
			return
		}
		useLoaded(t, m)
		a, b, c := new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
		if err := errors.Join(m.SaveTo(a), copied.SaveTo(b), inFS.SaveTo(c)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) || !bytes.Equal(a.Bytes(), c.Bytes()) {
			t.Error("the models differ")
		}
		if !bytes.Equal(content, before) {
			t.Error("the file was changed")
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
	models = append(models, keraslike.PreprocessingModels(f)...)
	for _, m := range models {
		if err := m.Build(1); err != nil {
			f.Fatal(err)
		}
		_, path := saved(f, m)
		file, err := safetensors.Open(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file.Metadata()["reef.model"], file.Metadata()["reef.compile"], `{"classes":[["a","b"]],"inputs":[{"kind":"k","settings":{}}],"values":{"v":1}}`)
		file.Close()
	}
	f.Add(strings.Repeat(`{"name":"m","layers":[{"name":"m","kind":"Model","config":`, 50)+"{}"+strings.Repeat("}]}", 50), "", "")
	f.Add(`{"name":"m","layers":[{"name":"i","kind":"Input","config":{"shape":[4611686018427387904,4]}},{"name":"f","kind":"Flatten","config":{}}],"inputs":[0],"calls":[{"layer":1,"in":[0]}],"outputs":[1]}`,
		`{"optimizer":"sgd","settings":{},"loss":"mean_squared_error"}`, `{"classes":[null]}`)
	f.Fuzz(func(t *testing.T, architecture, settings, metadata string) {
		meta := map[string]string{"reef.format": "1", "reef.model": architecture}
		if settings != "" {
			meta["reef.compile"] = settings
		}
		if metadata != "" {
			meta["reef.metadata"] = metadata
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, nil, meta); err != nil {
			t.Skip(err) // no UTF-8
		}
		if m, err := keraslike.LoadBytes(b.Bytes()); err == nil {
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
