// SPDX-License-Identifier: Apache-2.0

package kerasfile_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

// kerasInputs makes the inputs of numbers from 0 to 255, as testdata/make_files.py does.
var kerasInputs = map[string]func(v float32) float32{
	"functional.h5":             func(v float32) float32 { return v / 255 },
	"sequential.keras":          func(v float32) float32 { return float32(int(v) % 50) },
	"keras2.2.2_dense_imdb.h5":  func(v float32) float32 { return map[bool]float32{true: 1}[v < 3] },
	"keras2.13_lstm16.h5":       func(v float32) float32 { return v/255*2 - 1 },
	"keras2.13_gru32x2.h5":      func(v float32) float32 { return v/255*2 - 1 },
	"keras2.13_bilstm.h5":       func(v float32) float32 { return v/255*2 - 1 },
	"keras2.13_conv1d.h5":       func(v float32) float32 { return v/255*2 - 1 },
	"keras2.15_conv2d.h5":       func(v float32) float32 { return v / 255 },
	"keras3.12_mnist_mlp.keras": func(v float32) float32 { return v / 255 },
	"keras3.14_mnist_cnn.keras": func(v float32) float32 { return v / 255 },
}

// kerasFile is where a file lies; real ones are in $REEF_DATA.
func kerasFile(t testing.TB, name string) string {
	t.Helper()
	if !strings.HasPrefix(name, "keras") {
		return filepath.Join("testdata", name)
	}
	path := filepath.Join(os.Getenv("REEF_DATA"), "keras_models", name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the file is not in $REEF_DATA")
	}
	return path
}

type kerasPrediction struct {
	Shape []int
	Want  []float64
}

// kerasPredictions are what numpy computes of the files, by testdata/make_files.py.
func kerasPredictions(t testing.TB) map[string]kerasPrediction {
	t.Helper()
	text, err := os.ReadFile("testdata/predictions.json")
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]kerasPrediction
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	return files
}

func kerasInput(shape []int, f func(float32) float32) *keraslike.Array {
	x := make([]float32, keraslike.Shape(shape).Size())
	for i := range x {
		x[i] = f(float32(uint32(i) * 2654435761 >> 24))
	}
	return arrayOf(x, shape...)
}

// arrayOf is an array of values whose number fits the shape.
func arrayOf(values []float32, shape ...int) *keraslike.Array {
	a, err := keraslike.NewArray(values, shape...)
	if err != nil {
		panic(err)
	}
	return a
}

func loadKeras(t testing.TB, name string) (*keraslike.Model, *kerasfile.Report) {
	t.Helper()
	m, r, err := kerasfile.Load(kerasFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

func TestLoad(t *testing.T) {
	files := kerasPredictions(t)
	delete(files, "keras1.h5") // weights only
	if len(files) != len(kerasInputs) {
		t.Errorf("%d predictions, want %d", len(files), len(kerasInputs))
	}
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			m, r := loadKeras(t, name)
			if r.Used() != len(r.Entries) || r.Used() != len(m.Weights()) || r.ByOrder {
				t.Errorf("report:\n%s", r)
			}
			x := kerasInput(want.Shape, kerasInputs[name])
			out, err := m.Predict(x)
			if err != nil {
				t.Fatal(err)
			}
			got := out.Values()
			if len(got) != len(want.Want) {
				t.Fatalf("%d values, want %d", len(got), len(want.Want))
			}
			for i, w := range want.Want {
				if math.Abs(float64(got[i])-w) > 2e-5*max(1, math.Abs(w)) {
					t.Errorf("value %d is %g, numpy has %g", i, got[i], w)
				}
			}
			// What was loaded can be saved and loaded as any other model.
			path := filepath.Join(t.TempDir(), "m")
			if err := m.Save(path); err != nil {
				t.Fatal(err)
			}
			again, err := keraslike.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if out, err = again.Predict(x); err != nil || !slices.Equal(out.Values(), got) {
				t.Errorf("saved and loaded, it predicts %v, %v; want %v", out, err, got)
			}
		})
	}
}

func TestLoadReadsArguments(t *testing.T) {
	m, r := loadKeras(t, "functional.h5")
	if all, free := m.Parameters(); free != all-4*4 { // the weights of the frozen normalization
		t.Errorf("%d of %d parameters are free", free, all)
	}
	if len(r.Notes) != 0 || r.Version != "2.13.1" {
		t.Errorf("report:\n%s", r)
	}
	m, r = loadKeras(t, "sequential.keras")
	if want := `Dense "step": activation is a function named "relu", which is assumed to be Keras's own`; len(r.Notes) != 1 || r.Notes[0] != want {
		t.Errorf("notes %q", r.Notes)
	}
	path := filepath.Join(t.TempDir(), "m")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte(`dropout\":0.1`)); n != 3 { // of the LSTM and of both directions of the GRU
		t.Errorf("%d layers have their dropout, want 3", n)
	}
}

// A normalization that was synchronized in Keras is so here.
func TestLoadSynchronized(t *testing.T) {
	z, err := zip.OpenReader("testdata/models/outputs.keras")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	part := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, synchronized := range []string{"false", "true"} {
		config := strings.Replace(string(part("config.json")), `"synchronized": false`, `"synchronized": `+synchronized, 1)
		path := filepath.Join(t.TempDir(), "m.keras")
		if err := os.WriteFile(path, kerasZip(t, config, part("model.weights.h5")), 0o600); err != nil {
			t.Fatal(err)
		}
		m, r, err := kerasfile.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(r.Notes, " "); strings.Contains(notes, "synchronized") {
			t.Errorf("notes %q", notes)
		}
		var saved bytes.Buffer
		if err := m.SaveTo(&saved); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(saved.String(), `synchronized\":true`); got != (synchronized == "true") {
			t.Errorf("synchronized %s in Keras's file: %v", synchronized, got)
		}
	}
}

// The accuracies of two real models on MNIST's test images, as numpy computes them.
func TestLoadMNIST(t *testing.T) {
	for _, test := range []struct {
		name  string
		shape []int
		n     int
		want  int // images that are recognized
	}{
		{"keras3.12_mnist_mlp.keras", []int{28, 28}, 10000, 9761},
		{"keras3.14_mnist_cnn.keras", []int{28, 28, 1}, 2000, 1977},
	} {
		m, _ := loadKeras(t, test.name)
		_, images, err := datasets.MNIST(t.Context(), datasets.From{})
		if err != nil || images.Len() < test.n {
			t.Skipf("all test images of MNIST are needed: %v", err)
		}
		x := make([]float32, test.n*784)
		for i := range test.n {
			for k, v := range images.Image(i) {
				x[i*784+k] = float32(v) / 255
			}
		}
		out, err := m.Predict(arrayOf(x, append([]int{test.n}, test.shape...)...))
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for i := range test.n {
			row := out.Values()[i*10 : (i+1)*10]
			if slices.Index(row, slices.Max(row)) == images.Label(i) {
				right++
			}
		}
		if right != test.want {
			t.Errorf("%s recognizes %d of %d, want %d", test.name, right, test.n, test.want)
		}
	}
}

// kerasArchive makes a .keras file of a configuration and the weights of one Dense of 2
// inputs and 3 units.
func kerasArchive(t testing.TB, config string) string {
	t.Helper()
	weights, err := os.ReadFile("testdata/dense.weights.h5")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.keras")
	if err := os.WriteFile(path, kerasZip(t, config, weights), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// packed is the compression that Keras does not use.
const packed = zip.Deflate

func kerasZip(t testing.TB, config string, weights []byte, method ...uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []struct {
		name string
		data []byte
	}{{"metadata.json", []byte(`{"keras_version":"2.15.0"}`)}, {"config.json", []byte(config)}, {"model.weights.h5", weights}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: slices.Max(append(method, zip.Store))})
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadMistakes(t *testing.T) {
	dense := func(extra string) string {
		return `{"class_name":"Dense","config":{"name":"dense","units":3,"activation":"relu","use_bias":true` + extra + `}}`
	}
	input := `{"class_name":"InputLayer","config":{"name":"in","batch_shape":[null,2]}}`
	series := `{"class_name":"InputLayer","config":{"name":"in","batch_shape":[null,3,2]}}`
	cellular := func(extra string) string { return `{"class_name":"RNN","config":{"name":"r"` + extra + `}}` }
	stack := func(layers ...string) string {
		return `{"class_name":"Sequential","config":{"name":"m","layers":[` + strings.Join(layers, ",") + `]}}`
	}
	for _, test := range []struct{ name, config, want string }{
		{"unknown class", stack(input, `{"class_name":"Capsule","config":{"name":"c"}}`), `layer "c" is of class "Capsule", which is unknown`},
		{"unknown argument", stack(input, dense(`,"lora_rank":4`)), `Dense "dense": argument lora_rank is 4, which is not supported`},
		{"unknown activation", stack(input, dense(`,"activation":"snake"`)), `argument activation is "snake"`},
		{"softmax over all", stack(input, dense(""), `{"class_name":"Softmax","config":{"name":"s","axis":null}}`), "argument axis is None, want one axis"},
		{"registered class", stack(input, strings.Replace(dense(""), "Dense", "my>Dense", 1)), `layer "dense" is of class "my>Dense", which is not Keras's own`},
		{"registered name", stack(input, strings.Replace(dense(""), "{", `{"module":null,"registered_name":"my>Dense",`, 1)), `layer "dense" is of class "my>Dense", which is not Keras's own`},
		{"class of a program", stack(input, strings.Replace(dense(""), "{", `{"module":null,"registered_name":"Dense",`, 1)), `layer "dense" is of class "Dense", which is not Keras's own`},
		{"module of a program", stack(input, strings.Replace(dense(""), "{", `{"module":"__main__",`, 1)), `layer "dense" is of class "Dense", which is not Keras's own`},
		{"class of a model", strings.Replace(stack(input, dense("")), "{", `{"module":null,"registered_name":"my>Sequential",`, 1), `architecture is of class "my>Sequential"`},
		{"old hard_sigmoid", strings.Replace(stack(input, dense("")), `"relu"`, `"hard_sigmoid"`, 1), "was a different function before Keras 3"},
		{"channels", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,5,5,2]}}`, `{"class_name":"Conv2D","config":{"name":"c","filters":1,"kernel_size":[3,3],"data_format":"channels_middle"}}`), `Conv2D "c": argument data_format is "channels_middle", want "channels_last"`},
		{"argument of a layer of images", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,3,5,2]}}`, `{"class_name":"ConvLSTM1D","config":{"name":"c","filters":1,"kernel_size":[3],"peephole":true}}`), `ConvLSTM1D "c": argument peephole is true, which is not supported`},
		{"activation with arguments", stack(input, dense(`,"activation":{"module":"keras.layers","class_name":"LeakyReLU","config":{"negative_slope":0.1},"registered_name":null}`)), `Dense "dense": argument activation is a LeakyReLU with arguments, which only an Activation can have: {"negative_slope":0.1}`},
		{"limited ReLU", stack(input, dense(`,"activation":{"class_name":"ReLU","config":{"max_value":2.0}}`)), `argument activation is a ReLU with arguments`},
		{"layer of no kernel", stack(input, `{"class_name":"SpectralNormalization","config":{"name":"s","layer":{"class_name":"Activation","config":{"activation":"relu"}}}}`), `SpectralNormalization "s"`},
		{"nothing to normalize", stack(input, `{"class_name":"SpectralNormalization","config":{"name":"s"}}`), `SpectralNormalization "s": argument layer is missing`},
		{"both directions of one step", stack(input, `{"class_name":"Bidirectional","config":{"name":"b","layer":`+dense("")+`}}`), `wraps SimpleRNN, GRU, LSTM, RNN and ConvLSTM1D to ConvLSTM3D only`},
		{"embedding without a length", stack(input, `{"class_name":"ReversibleEmbedding","config":{"name":"e","input_dim":3,"tie_weights":false}}`), `ReversibleEmbedding "e": argument output_dim is missing`},
		{"no cell", stack(series, cellular("")), `RNN "r": argument cell is missing`},
		{"cell of a program", stack(series, cellular(`,"cell":{"module":"__main__","class_name":"LSTMCell","config":{"units":2}}`)), `RNN "r": argument cell is of class "LSTMCell", which is not Keras's own`},
		{"unknown cell", stack(series, cellular(`,"cell":{"class_name":"ConvLSTMCell","config":{"filters":2}}`)), `RNN "r": argument cell is of class "ConvLSTMCell", want SimpleRNNCell, GRUCell, LSTMCell or StackedRNNCells`},
		{"argument of a cell", stack(series, cellular(`,"cell":{"class_name":"StackedRNNCells","config":{"cells":[{"class_name":"GRUCell","config":{"units":2,"peephole":true}}]}}`)), `RNN "r": argument cell GRUCell: argument peephole is true, which is not supported`},
		{"no units", stack(input, `{"class_name":"Dense","config":{"name":"dense"}}`), `Dense "dense": argument units is missing`},
		{"open input", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,null,2]}}`, `{"class_name":"Dense","config":{"name":"dense"}}`), `argument units is missing (axes of the input that the file leaves open are of any length here; InputShape fixes them)`},
		{"no input", stack(dense("")), "the file does not have the shape of an input: pass InputShape"},
		{"no layers", stack(), "has no layers"},
		{"class", `{"class_name":"Subclassed","config":{}}`, `architecture is of class "Subclassed"`},
		{"wrong shape", stack(input, strings.Replace(dense(""), `:3`, `:4`, 1)), `tensor "layers/dense/vars/0" of shape [2 3] for weight "dense/kernel" of shape [2 4]: the shapes differ`},
		{"missing layer", stack(input, dense(""), strings.Replace(dense(""), `"dense"`, `"other"`, 1)), `weight "other/kernel" of shape [3 3]: the file has no such tensor`},
		{"cycle", `{"class_name":"Functional","config":{"name":"f","layers":[{"class_name":"Dense","name":"a","config":{"name":"a","units":1},"inbound_nodes":[[["a",0,0,{}]]]}],"input_layers":[],"output_layers":[["a",0,0]]}}`, `layer "a" is applied to [output 0 of call 0 of "a"], which no layer computes`},
		{"float mistake", strings.Replace(stack(input, dense("")), `"units":3`, `"units":NaN`, 1), `argument units is "NaN"`},
		{"rate NaN", stack(input, dense(""), `{"class_name":"Dropout","config":{"name":"d","rate":NaN}}`), `Dropout "d": argument rate is "NaN"`},
		{"mask value", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,3,2]}}`, `{"class_name":"Masking","config":{"name":"m","mask_value":-Infinity}}`, dense("")), `argument mask_value is "-Infinity"`},
		{"limit below 0", stack(input, dense(""), `{"class_name":"ReLU","config":{"name":"r","max_value":-1.0}}`), "MaxValue is -1, want at least 0"},
		{"renormalized", stack(input, dense(""), `{"class_name":"BatchNormalization","config":{"name":"b","renorm":true,"renorm_clipping":{"rmax":-1}}}`), "RenormClipping is 0, -1, 3.4"},
		{"time first", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,3,2]}}`, `{"class_name":"GRU","config":{"name":"l","units":2,"time_major":true}}`), "argument time_major is true"},
		{"inverted", stack(input, `{"class_name":"Normalization","config":{"name":"n","mean":["a"],"variance":1}}`), "argument mean is [a], want numbers"},
		{"quantized", stack(input, dense(`,"dtype":{"class_name":"QuantizedDTypePolicy","config":{"name":"int8_from_float32"}}`)), "argument dtype is"},
		{"softmax of channels first", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,2,3]}}`, `{"class_name":"Conv1D","config":{"name":"c","filters":2,"kernel_size":[1],"activation":"softmax","data_format":"channels_first"}}`, dense("")), `Conv1D "c": argument activation is softmax, which Keras applies along the last spatial axis`},
		{"interpolation", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,3,2,2]}}`, `{"class_name":"UpSampling2D","config":{"name":"u","interpolation":"lanczos5"}}`, dense("")), `argument interpolation is "lanczos5", want nearest, bilinear or bicubic`},
		{"adaptive to nothing", stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,3,2]}}`, `{"class_name":"AdaptiveMaxPooling1D","config":{"name":"p"}}`, dense("")), `argument output_size is missing`},
		{"training", `{"class_name":"Functional","config":{"name":"f","layers":[{"class_name":"InputLayer","name":"in","config":{"batch_shape":[null,2]},"inbound_nodes":[]},{"class_name":"Dropout","name":"a","config":{"name":"a","rate":0.5},"inbound_nodes":[[["in",0,0,{"training":true}]]]}],"input_layers":[["in",0,0]],"output_layers":[["a",0,0]]}}`, `layer "a" is called with training=True`},
		{"masked call", `{"class_name":"Functional","config":{"name":"f","layers":[{"class_name":"Dense","name":"a","config":{"name":"a","units":1},"inbound_nodes":[{"args":[],"kwargs":{"mask":1}}]}],"input_layers":[],"output_layers":[["a",0,0]]}}`, "keyword argument mask is 1"},
	} {
		path := kerasArchive(t, test.config)
		_, _, err := kerasfile.Load(path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q and the file", test.name, err, test.want)
		}
	}
	// What acts in training only, or says nothing, is accepted; the report has what matters.
	for config, want := range map[string]string{
		dense(`,"quantization_config":null,"lora_rank":null,"kernel_regularizer":"l2"`):                                `kernel_regularizer "l2" is omitted`,
		dense(`,"kernel_regularizer":{"class_name":"OrthogonalRegularizer","config":{"factor":0.5,"mode":"columns"}}`): "",
		dense(``) + `,{"class_name":"Flatten","config":{"name":"f","data_format":"channels_first"}}`:                   "",
		dense(`,"dtype":"mixed_float16"`):                                                                                                               "computed in float32 instead of mixed_float16",
		dense(`,"dtype":{"class_name":"DTypePolicy","config":{"name":"float32"}}`):                                                                      "",
		dense(`,"kernel_initializer":{"class_name":"Odd","config":{"a":NaN}}`):                                                                          "",
		dense(``) + `,{"class_name":"Dropout","config":{"name":"d","rate":0.5,"noise_shape":[null,1],"seed":7}}`:                                        "",
		dense(``) + `,{"class_name":"AlphaDropout","config":{"name":"d","rate":0.5}}`:                                                                   "",
		dense(``) + `,{"class_name":"ActivityRegularization","config":{"name":"d","l1":0.5,"l2":0.1}}`:                                                  "",
		dense(`,"activation":{"class_name":"ELU","config":{"alpha":1.0}}`):                                                                              "",
		dense(`,"activation":{"class_name":"ReLU","config":{"max_value":6.0,"negative_slope":0.0,"threshold":0.0}}`):                                    "",
		dense(`,"kernel_constraint":{"class_name":"MaxNorm","config":{"max_value":2,"axis":[0,1]}}`):                                                    "",
		dense(`,"kernel_constraint":{"class_name":"Odd","config":{}}`):                                                                                  "kernel_constraint",
		dense(`,"activation":{"class_name":"function","config":"relu","registered_name":"function"}`):                                                   "",
		strings.Replace(dense(""), "{", `{"module":"keras.layers","registered_name":null,`, 1):                                                          "",
		dense(``) + `,{"class_name":"LeakyReLU","config":{"name":"d","alpha":{"type":"ndarray","value":0.1}}}`:                                          "",
		dense(``) + `,{"class_name":"Activation","config":{"name":"x/y.z:ü","activation":"linear"}}`:                                                    "slashes",
		dense(``) + `,{"class_name":"LeakyReLU","config":{"name":"d","negative_slope":0.1}},{"class_name":"Softmax","config":{"name":"s","axis":[-1]}}`: "",
	} {
		_, r, err := kerasfile.Load(kerasArchive(t, stack(input, config)))
		if err != nil {
			t.Errorf("%s: %v", config, err)
		} else if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, want) || want == "" && notes != "" {
			t.Errorf("%s: notes %q, want %q", config, notes, want)
		}
	}
	path := kerasArchive(t, stack(`{"class_name":"InputLayer","config":{"batch_shape":[null,null]}}`, dense("")))
	if _, _, err := kerasfile.Load(path); err == nil || !strings.Contains(err.Error(), `Dense "dense": its weight "kernel" would have shape (?, 3)`) || !strings.Contains(err.Error(), "InputShape fixes them") {
		t.Errorf("without InputShape: %v", err)
	}
	m, _, err := kerasfile.Load(path, kerasfile.InputShape(2))
	if err != nil || fmt.Sprint(m.Weights()[0].Values()) != "[1 2 3 4 5 6]" {
		t.Errorf("with InputShape: %v", err)
	}
	if _, _, err := kerasfile.Load(path, kerasfile.InputShape(2, 2)); err == nil || !strings.Contains(err.Error(), "input has shape [None None] in the file, got") {
		t.Errorf("InputShape of two axes: error %v", err)
	}
	if _, _, err := kerasfile.Load("../kerash5/testdata/keras3.weights.h5"); err == nil || !strings.Contains(err.Error(), "holds weights only") {
		t.Errorf("weights only: error %v", err)
	}
	if _, _, err := kerasfile.Load("absent.h5"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: error %v", err)
	}
}
