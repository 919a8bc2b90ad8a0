// SPDX-License-Identifier: Apache-2.0

package kerasfile_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// FuzzReadKeras: any configuration, and any file, gives a model with all its weights, or
// an error. Bytes that begin as HDF5 or zip are a whole file.
func FuzzReadKeras(f *testing.F) {
	weights, err := os.ReadFile(denseWeights)
	if err != nil {
		f.Fatal(err)
	}
	file, err := kerash5.Open("testdata/functional.h5")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(file.Config))
	if err := file.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(kerasConfig(f, "testdata/sequential.keras"))
	f.Add([]byte(`{"class_name":"Sequential","config":[{"class_name":"Dense","config":{"name":"dense","units":3,"batch_input_shape":[null,2]}}]}`))
	f.Add([]byte(`{"class_name":"Sequential","config":{"layers":[{"class_name":"ZeroPadding2D","config":{"name":"p","padding":[[1,2],[3,4]],"batch_input_shape":[null,2,2,1]}},{"class_name":"ReLU","config":{"max_value":6}},{"class_name":"Permute","config":{"dims":[2,1,3]}}]}}`))
	f.Add([]byte(`{"class_name":"Functional","config":{"name":"f","layers":[{"class_name":"InputLayer","name":"i","config":{"name":"i","batch_shape":[null,2]},"inbound_nodes":[]},{"class_name":"Dense","name":"dense","config":{"name":"dense","units":3},"inbound_nodes":[{"args":[{"class_name":"__keras_tensor__","config":{"shape":[null,2],"dtype":"float32","keras_history":["i",0,0]}}],"kwargs":{}}]}],"input_layers":["i",0,0],"output_layers":["dense",0,0]}}`))
	files, err := filepath.Glob(kerasCases + "/*.h5")
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	for _, name := range append(files, "testdata/hostile/twice.h5", "testdata/models/shared.keras", "testdata/models/states.weights.h5") {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		if file, err := kerash5.New(bytes.NewReader(data), int64(len(data)), name); err == nil && file.Config != nil {
			f.Add([]byte(file.Config))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte("\x89HDF\r\n\x1a\n")) && !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
			data = kerasZip(t, string(data), weights)
		}
		m, _, err := kerasfile.LoadFrom(bytes.NewReader(data), int64(len(data)), "fuzz")
		if err != nil {
			return
		}
		for _, w := range m.Weights() {
			if len(w.Values()) == 0 {
				t.Errorf("weight %s has no values", w.Path())
			}
		}
		if _, err := kerasfile.LoadWeightsFrom(m, bytes.NewReader(data), int64(len(data)), "fuzz"); err != nil && len(m.Weights()) > 0 {
			t.Errorf("the weights of the model do not fit it: %v", err)
		}
	})
}

func kerasConfig(t testing.TB, path string) []byte {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }() // only read
	f, err := z.Open("config.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return config
}
