// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// FuzzReadKeras: any configuration gives a model with all its weights, or an error.
func FuzzReadKeras(f *testing.F) {
	weights, err := os.ReadFile(denseWeights)
	if err != nil {
		f.Fatal(err)
	}
	file, err := kerash5.Open("testdata/keras/functional.h5")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(file.Config))
	if err := file.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(kerasConfig(f, "testdata/keras/sequential.keras"))
	f.Add([]byte(`{"class_name":"Sequential","config":[{"class_name":"Dense","config":{"name":"dense","units":3,"batch_input_shape":[null,2]}}]}`))
	f.Add([]byte(`{"class_name":"Sequential","config":{"layers":[{"class_name":"ZeroPadding2D","config":{"name":"p","padding":[[1,2],[3,4]],"batch_input_shape":[null,2,2,1]}},{"class_name":"ReLU","config":{"max_value":6}},{"class_name":"Permute","config":{"dims":[2,1,3]}}]}}`))
	f.Add([]byte(`{"class_name":"Functional","config":{"name":"f","layers":[{"class_name":"InputLayer","name":"i","config":{"name":"i","batch_shape":[null,2]},"inbound_nodes":[]},{"class_name":"Dense","name":"dense","config":{"name":"dense","units":3},"inbound_nodes":[{"args":[{"class_name":"__keras_tensor__","config":{"shape":[null,2],"dtype":"float32","keras_history":["i",0,0]}}],"kwargs":{}}]}],"input_layers":["i",0,0],"output_layers":["dense",0,0]}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		data := kerasZip(t, string(config), weights)
		m, _, err := keraslike.ReadKeras(bytes.NewReader(data), int64(len(data)), "fuzz")
		if err != nil {
			return
		}
		for _, w := range m.Weights() {
			if len(w.Value()) == 0 {
				t.Errorf("weight %s has no values", w.Path())
			}
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
