// SPDX-License-Identifier: Apache-2.0

package kerash5_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/kerash5"
)

// wanted is what testdata/make_files.py says of a file.
type wanted struct {
	Version string `json:"version"`
	Config  any    `json:"config"`
	Layers  []struct {
		Name    string `json:"name"`
		Weights []struct {
			Name  string    `json:"name"`
			Shape []int     `json:"shape"`
			Data  []float32 `json:"data"`
		} `json:"weights"`
	} `json:"layers"`
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	var files map[string]wanted
	readJSON(t, "testdata/want.json", &files)
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			f, err := kerash5.Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.KerasVersion != want.Version {
				t.Errorf("version %q, want %q", f.KerasVersion, want.Version)
			}
			var config any
			if f.Config != nil {
				if err := json.Unmarshal(f.Config, &config); err != nil {
					t.Error(err)
				}
			}
			if !reflect.DeepEqual(config, want.Config) {
				t.Errorf("config %v, want %v", config, want.Config)
			}
			if len(f.Layers) != len(want.Layers) {
				t.Fatalf("%d layers, want %d", len(f.Layers), len(want.Layers))
			}
			for i, l := range want.Layers {
				got := f.Layers[i]
				if got.Name != l.Name || len(got.Weights) != len(l.Weights) {
					t.Errorf("layer %d is %q with %d weights, want %q with %d", i, got.Name, len(got.Weights), l.Name, len(l.Weights))
					continue
				}
				for j, w := range l.Weights {
					g := got.Weights[j]
					data, err := g.Read()
					if err != nil {
						t.Error(err)
						continue
					}
					if g.Name != w.Name || !slices.Equal(g.Shape, w.Shape) || !slices.Equal(data, w.Data) {
						t.Errorf("%s: weight %d is %q %v %v, want %q %v %v", l.Name, j, g.Name, g.Shape, data, w.Name, w.Shape, w.Data)
					}
				}
			}
		})
	}
}

// Eight files that Keras 2.2 to 3.14 saved, against what h5py reads in them.
func TestOpenFS(t *testing.T) {
	f, err := kerash5.OpenFS(os.DirFS("testdata"), "storage.h5")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Layers) == 0 {
		t.Error("no layers")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := kerash5.OpenFS(os.DirFS("testdata"), "absent"); err == nil || !strings.HasPrefix(err.Error(), "kerash5: open absent") {
		t.Errorf("error %v", err)
	}
}

func TestRealFiles(t *testing.T) {
	dir := os.Getenv("REEF_DATA")
	if dir == "" {
		t.Skip("REEF_DATA is not set")
	}
	dir = filepath.Join(dir, "keras_models")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real files: %v", err)
	}
	var files map[string]map[string]struct {
		Shape []int  `json:"shape"`
		CRC32 uint32 `json:"crc32"`
	}
	readJSON(t, "testdata/real.json", &files)
	if len(files) != 8 {
		t.Errorf("real.json has %d files, want 8", len(files))
	}
	for name, want := range files {
		f, err := kerash5.Open(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.HasPrefix(name, "keras"+f.KerasVersion[:3]) || !json.Valid(f.Config) {
			t.Errorf("%s: version %q, %d bytes of config", name, f.KerasVersion, len(f.Config))
		}
		n := 0
		for _, l := range f.Layers {
			for _, w := range l.Weights {
				n++
				data, err := w.Read()
				if err != nil {
					t.Error(err)
					continue
				}
				sum := crc32.NewIEEE()
				if err := binary.Write(sum, binary.LittleEndian, data); err != nil {
					t.Fatal(err)
				}
				if g := want[w.Path]; !slices.Equal(w.Shape, g.Shape) || sum.Sum32() != g.CRC32 {
					t.Errorf("%s: %s: shape %v, checksum %d; want %v, %d", name, w.Path, w.Shape, sum.Sum32(), g.Shape, g.CRC32)
				}
			}
		}
		if n != len(want) {
			t.Errorf("%s: %d weights, want %d", name, n, len(want))
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readAll opens a file in memory and reads every weight.
func readAll(b []byte) error {
	f, err := kerash5.New(bytes.NewReader(b), int64(len(b)), "test")
	if err != nil {
		return err
	}
	for _, l := range f.Layers {
		for _, w := range l.Weights {
			if _, err := w.Read(); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestTruncatedFilesAreErrors(t *testing.T) {
	for _, name := range []string{"keras2_model.h5", "keras3.keras", "keras3.weights.h5"} {
		b := read(t, name)
		for n := 0; n < len(b)/2; n += 97 {
			err := readAll(b[:n])
			if err == nil {
				t.Fatalf("%s cut to %d of %d bytes gives no error", name, n, len(b))
			}
			if !strings.HasPrefix(err.Error(), "kerash5: test: ") {
				t.Fatalf("error %q does not name the file", err)
			}
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	model := read(t, "keras2_model.h5")
	replaced := func(old, new string) []byte {
		b := bytes.Replace(model, []byte(old), []byte(new), 1)
		if bytes.Equal(b, model) || len(b) != len(model) {
			t.Fatalf("%q cannot be replaced", old)
		}
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "neither HDF5 nor a .keras archive"},
		{"text", []byte("weights"), "neither HDF5 nor a .keras archive"},
		{"no layer list", replaced("layer_names", "layer_nomes"), "it has no attribute layer_names (not a Keras model?)"},
		{"no such group", replaced("\x00flatten\x00", "\x00flattes\x00"), "of layer_names has no group"},
		{"no such weight", replaced("\x00recurrent_kernel:0\x00", "\x00recurrent_kornel:0\x00"), "of weight_names has no dataset"},
		{"bad config", replaced(`{"class_name"`, `{"class_name:`), "model_config: invalid character"},
		{"root beyond the file", append(append(slices.Clone(model[:64]), 0, 0, 0, 0, 1, 0, 0, 0), model[72:]...), "outside the file"},
	} {
		if err := readAll(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := kerash5.Open("testdata/absent.h5"); err == nil || !strings.Contains(err.Error(), "absent.h5") {
		t.Errorf("absent file: error %v", err)
	}
	if _, err := kerash5.Open("testdata"); err == nil || !strings.Contains(err.Error(), "is a folder, want a file") {
		t.Errorf("folder: error %v", err)
	}
}

// FuzzNew: any bytes give weights or an error; weights have as many elements as
// their shape says.
func FuzzNew(f *testing.F) {
	names, err := filepath.Glob("testdata/*keras*")
	if err != nil || len(names) == 0 {
		f.Fatal("no files")
	}
	for _, name := range append(names, "testdata/storage.h5", "../kerasfile/testdata/hostile/tiny.h5", "../kerasfile/testdata/cases/slash.h5", "../kerasfile/testdata/hostile/bomb-f4.keras") {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := kerash5.New(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			return
		}
		for _, l := range file.Layers {
			for _, w := range l.Weights {
				data, err := w.Read()
				n := 1
				for _, d := range w.Shape {
					n *= d
				}
				if err == nil && len(data) != n {
					t.Errorf("%s has %d elements and shape %v", w.Path, len(data), w.Shape)
				}
			}
		}
	})
}

func ExampleOpen() {
	f, err := kerash5.Open("testdata/keras2_model.h5")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	for _, w := range f.Layers[0].Weights {
		data, err := w.Read()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(f.Layers[0].Name, w.Name, w.Shape, data[:2])
	}
	// Output:
	// base conv/kernel [2 2 1 2] [0 0.25]
	// base conv/bias [2] [2 2.25]
	// base bn/gamma [2] [2.5 2.75]
	// base bn/beta [2] [3 3.25]
	// base bn/moving_mean [2] [3.5 3.75]
	// base bn/moving_variance [2] [4 4.25]
}

func BenchmarkRead(b *testing.B) {
	dir := os.Getenv("REEF_DATA")
	f, err := kerash5.Open(filepath.Join(dir, "keras_models", "keras3.14_mnist_cnn.keras"))
	if dir == "" || err != nil {
		b.Skip("no real files")
	}
	defer f.Close()
	w := slices.MaxFunc(f.Layers, func(x, y kerash5.Layer) int {
		return size(x.Weights[0]) - size(y.Weights[0])
	}).Weights[0]
	b.SetBytes(int64(4 * size(w)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Read(); err != nil {
			b.Fatal(err)
		}
	}
}

func size(w kerash5.Weight) int {
	n := 1
	for _, d := range w.Shape {
		n *= d
	}
	return n
}
