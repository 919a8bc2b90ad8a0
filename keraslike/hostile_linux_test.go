// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// What a file of under 1 MB may cost, from loading it to a prediction of one sample:
// the row of what was found in use.
const (
	hostileCPU    = time.Second
	hostileMemory = 256 << 20
	hostileFile   = 1 << 20
	hostileText   = 4096 // bytes of an error
)

// TestHostileChild does with the file of its parent, TestHostileFiles, what a user
// would do; alone it does nothing.
func TestHostileChild(t *testing.T) {
	path := os.Getenv("REEF_HOSTILE")
	if path == "" {
		t.Skip("runs as another process of TestHostileFiles")
	}
	err := useFile(path)
	fmt.Printf("peak %d\n", peakMemory(t))
	if err != nil {
		fmt.Printf("refused %d: %.3000s\n", len(err.Error()), err)
		return
	}
	fmt.Println("used")
}

// peakMemory is the most memory that this process has had, in bytes. That of the process state,
// which its parent sees, includes the parent's.
func peakMemory(t *testing.T) (n int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &n); err == nil {
			return n << 10
		}
	}
	t.Fatal("no VmHWM in /proc/self/status")
	return 0
}

func useFile(path string) error {
	m, err := keraslike.Load(path)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := m.Summary(&b); err != nil {
		return err
	}
	m.Parameters()
	m.Layers()
	if err := m.WriteDOT(&b); err != nil {
		return err
	}
	shape := m.Layers()[0].Output
	x := tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(append([]int{1}, shape...)...))
	if _, err := m.Predict(keraslike.ArrayOf(x)); err != nil {
		return err
	}
	return m.Save(path + ".again")
}

// architecture is the text of a model of layers one after another on 4 numbers.
func architecture(name string, layers ...string) string {
	var calls []string
	for i := range layers {
		calls = append(calls, fmt.Sprintf(`{"layer":%d,"in":[%d]}`, i+1, i))
	}
	return fmt.Sprintf(`{"name":%q,"layers":[{"name":"input","kind":"Input","config":{"shape":[4]}},%s],"inputs":[0],"calls":[%s],"outputs":[%d]}`,
		name, strings.Join(layers, ","), strings.Join(calls, ","), len(layers))
}

func hostileLayer(name, kind, config string) string {
	return fmt.Sprintf(`{"name":%q,"kind":%q,"config":{%s}}`, name, kind, config)
}

func tanh(name string) string { return hostileLayer(name, "Activation", `"function":"tanh"`) }

func chain(n int, name func(i int) string) string {
	var layers []string
	for i := range n {
		layers = append(layers, tanh(name(i)))
	}
	return architecture("chain", layers...)
}

// twice is a model that uses a model twice, which uses a model twice, and so on.
func twice(depth int, inner string) string {
	for i := range depth {
		inner = strings.TrimSuffix(architecture(fmt.Sprint("m", i), fmt.Sprintf(`{"name":"of%d","kind":"Model","config":%s}`, i, inner)), `],"outputs":[1]}`) +
			`,{"layer":1,"in":[1]}],"outputs":[2]}`
	}
	return inner
}

func onImage(h, w int, layers ...string) string {
	up := hostileLayer("up", "UpSampling2D", fmt.Sprintf(`"axes":2,"size":[%d,%d]`, h/2, w/2))
	return architecture("image", append([]string{hostileLayer("shape", "Reshape", `"target_shape":[2,2,1]`), up}, layers...)...)
}

const hostileCompile = `{"optimizer":"adam","settings":{},"losses":[{"name":"mean_squared_error"}],"seed":0,"metrics":[%s]}`

func TestHostileFiles(t *testing.T) {
	short := func(i int) string { return fmt.Sprint("a", i) }
	pool := `"axes":2,"max":true,"size":[%d,%d],"strides":[1,1],"padding":"same"`
	compile := fmt.Sprintf(hostileCompile, "")
	for name, c := range map[string]struct {
		model, compile string
		want           string // "used" or a part of the error, "" for either
	}{
		"twice 10":           {twice(10, architecture("one", tanh("a"))), compile, "used"},
		"twice 14":           {twice(14, architecture("one", tanh("a"))), compile, `model "m13": has 49150 uses of layers`},
		"twice 18":           {twice(18, architecture("one", tanh("a"))), "", `model "m17": has 786430 uses of layers`},
		"twice 100":          {twice(100, architecture("one", tanh("a"))), compile, "uses of layers"},
		"deep":               {strings.Repeat(`{"layers":[{"kind":"Model","config":`, 3000) + "{}" + strings.Repeat("}]}", 3000), compile, "layers are nested too deeply"},
		"deep and named":     {strings.Repeat(`{"layers":[{"name":"some name","kind":"Model","config":`, 150) + "{}" + strings.Repeat("}]}", 150), compile, `got 0 inputs and 0 outputs`},
		"deep in wrappers":   {architecture("m", strings.Repeat(`{"name":"t","kind":"TimeDistributed","config":{"layer":`, 2500)+tanh("a")+strings.Repeat("}}", 2500)), "", "layers are nested too deeply"},
		"deep in both ways":  {architecture("m", strings.Repeat(`{"name":"t","kind":"Bidirectional","config":{"layer":`, 2500)+tanh("a")+strings.Repeat("}}", 2500)), "", `wraps SimpleRNN, GRU, LSTM`},
		"brackets":           {strings.Repeat("[", 500_000), compile, "architecture: "},
		"brackets in metric": {architecture("m", tanh("a")), fmt.Sprintf(hostileCompile, `{"name":"auc","settings":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"}"), "metric"},
		"long chain":         {chain(3000, short), compile, "used"},
		"longer chain":       {chain(9000, short), compile, "has 9000 uses of layers"},
		"no names":           {chain(9000, func(int) string { return "" }), compile, "has 9000 uses of layers"},
		"one name":           {chain(9000, func(int) string { return "a" }), compile, `two layers are named "a"`},
		"long name":          {chain(1, func(int) string { return strings.Repeat("n", 700_000) }), compile, "its path has more than 4096 bytes"},
		"many calls": {`{"name":"m","layers":[{"name":"input","kind":"Input","config":{"shape":[4]}},` + tanh("a") + `],"inputs":[0],"calls":[` +
			strings.TrimSuffix(strings.Repeat(`{"layer":1,"in":[0]},`, 40_000), ",") + `],"outputs":[40000]}`, compile, "used"}, // of which one counts
		"many inputs of a layer": {`{"name":"m","layers":[{"name":"input","kind":"Input","config":{"shape":[4]}},{"name":"a","kind":"Add","config":{"function":"Add"}}],"inputs":[0],"calls":[{"layer":1,"in":[0` +
			strings.Repeat(",0", 300_000) + `]}],"outputs":[1]}`, compile, "uses of layers"},
		"many outputs":     {strings.Replace(architecture("m", tanh("a")), `"outputs":[1`, `"outputs":[1`+strings.Repeat(",1", 300_000), 1), compile, "uses of layers"},
		"many metrics":     {architecture("m", tanh("a")), fmt.Sprintf(hostileCompile, strings.TrimSuffix(strings.Repeat(`{"name":"mae"},`, 50_000), ",")), "50000 metrics of 1 outputs"},
		"large":            {architecture("m", hostileLayer("shape", "Reshape", `"target_shape":[1,4]`), hostileLayer("up", "UpSampling1D", `"axes":1,"size":[536870911]`)), "", "limit"},
		"large again":      {architecture("m", hostileLayer("shape", "Reshape", `"target_shape":[1,4]`), hostileLayer("up", "UpSampling1D", `"axes":1,"size":[1048576]`), hostileLayer("up2", "UpSampling1D", `"axes":1,"size":[256]`), hostileLayer("max", "GlobalMaxPooling1D", `"axes":1,"max":true`)), compile, "its values need 4 GiB"},
		"large and shrunk": {onImage(4000, 4000, tanh("a"), hostileLayer("max", "GlobalMaxPooling2D", `"axes":2,"max":true`)), compile, ""},
		"large window":     {onImage(1000, 1000, hostileLayer("max", "MaxPooling2D", fmt.Sprintf(pool, 999, 999))), compile, "multiplications"},
		"larger window":    {onImage(1000, 1000, hostileLayer("max", "MaxPooling2D", fmt.Sprintf(pool, 1<<30, 1<<30))), compile, ""},
		"large classes":    {architecture("m", hostileLayer("r", "RepeatVector", `"n":30000`), hostileLayer("f", "Flatten", "")), fmt.Sprintf(hostileCompile, `{"name":"confusion_matrix"}`), "metric confusion_matrix: its values need"},
		"large thresholds": {architecture("m", tanh("a")), fmt.Sprintf(hostileCompile, `{"name":"auc","settings":{"num_thresholds":1099511627776}}`), "metric auc: its values need 48 TiB"},
		"large constraint": {architecture("m", hostileLayer("d", "Dense", `"units":500000000,"activation":"linear","kernel_initializer":{"kind":"zeros"},"bias_initializer":{"kind":"zeros"},"kernel_constraint":{"kind":"max_norm","max_value":1,"axes":[0]}`)), compile, "limit"},
		"no weights":       {architecture("m", hostileLayer("d", "Dense", `"units":10000000,"activation":"linear","kernel_initializer":{"kind":"zeros"},"bias_initializer":{"kind":"zeros"}`)), compile, "has no tensor"},
	} {
		t.Run(name, func(t *testing.T) {
			meta := map[string]string{"reef.format": "1", "reef.model": c.model}
			if c.compile != "" {
				meta["reef.compile"] = c.compile
			}
			path := filepath.Join(t.TempDir(), "m.st")
			if err := safetensors.WriteFile(path, nil, meta); err != nil {
				t.Fatal(err)
			}
			wantCheap(t, path, c.want)
		})
	}
}

// resizedModels is a model of models that are each applied twice, at a size of their own at each
// call of the outermost: 1,534 uses of layers a call.
func resizedModels(calls int) string {
	model := `{"name":"m0","layers":[{"name":"input","kind":"Input","config":{"shape":[4]}},` + tanhLayer + `],"inputs":[0],"calls":[{"layer":1,"in":[0]}],"outputs":[1]}`
	for i := 1; i <= 9; i++ {
		model = fmt.Sprintf(`{"name":"m%d","layers":[{"name":"input","kind":"Input","config":{"shape":[4]}},{"name":"n","kind":"Model","config":%s}],"inputs":[0],"calls":[{"layer":1,"in":[0]},{"layer":1,"in":[1]}],"outputs":[2]}`, i, model)
	}
	text := `{"name":"m","layers":[{"name":"input","kind":"Input","config":{"shape":[4]}},{"name":"up","kind":"Concatenate","config":{"axis":-1}},{"name":"n","kind":"Model","config":` + model + `}],"inputs":[0],"calls":[{"layer":1,"in":[0,0]}`
	for i := range calls {
		text += fmt.Sprintf(`,{"layer":1,"in":[%d,0]},{"layer":2,"in":[%d]}`, 2*i+1, 2*i+2)
	}
	return text + fmt.Sprintf(`],"outputs":[%d]}`, 2*calls+1)
}

const tanhLayer = `{"name":"a","kind":"Activation","config":{"function":"tanh"}}`

// TestHostileResizing applies nested models at many sizes.
func TestHostileResizing(t *testing.T) {
	for _, calls := range []int{2, 5000} {
		path := filepath.Join(t.TempDir(), "m.st")
		if err := safetensors.WriteFile(path, nil, map[string]string{"reef.format": "1", "reef.model": resizedModels(calls)}); err != nil {
			t.Fatal(err)
		}
		if calls == 2 {
			if err := useFile(path); err != nil {
				t.Error(err)
			}
			continue
		}
		wantCheap(t, path, "applied at other sizes than their own")
	}
}

// Small files of ordinary layers on large inputs that the model makes itself.
func TestHostileSizes(t *testing.T) {
	k := func(parts ...keraslike.Part) []keraslike.Part { return parts }
	series := func(steps int, more ...keraslike.Part) []keraslike.Part {
		return append(k(keraslike.Reshape([]int{4, 1}), keraslike.UpSampling1D(steps/4)), more...)
	}
	image := func(side int, more ...keraslike.Part) []keraslike.Part {
		return append(k(keraslike.Reshape([]int{2, 2, 1}), keraslike.UpSampling2D(side/2, side/2)), more...)
	}
	last, seq := keraslike.GlobalMaxPooling1D(), keraslike.ReturnSequences
	again := keraslike.Dense(8, keraslike.Tanh)
	for name, parts := range map[string][]keraslike.Part{
		"gru":         series(1<<20, keraslike.GRU(64)),
		"lstm":        series(1<<16, keraslike.LSTM(64, seq), last),
		"both ways":   series(1<<15, keraslike.Bidirectional(keraslike.LSTM(32, seq)), last),
		"simple":      series(1<<18, keraslike.SimpleRNN(4)),
		"attention":   series(1<<13, keraslike.Dense(8), selfAttention(), last),
		"conv":        image(2048, keraslike.Conv2D(8, 3), keraslike.GlobalAveragePooling2D()),
		"conv lstm":   image(512, keraslike.Reshape([]int{64, 64, 64, 1}), keraslike.ConvLSTM2D(16, 3), keraslike.GlobalAveragePooling2D()),
		"wide":        image(512, keraslike.Conv2D(64, 3), keraslike.Conv2D(64, 3, keraslike.ReLU), keraslike.GlobalAveragePooling2D()),
		"transposed":  image(1024, keraslike.Conv2DTranspose(4, 3, keraslike.Strides(2)), keraslike.GlobalAveragePooling2D()),
		"depthwise":   image(2048, keraslike.DepthwiseConv2D(5), keraslike.GlobalAveragePooling2D()),
		"norm":        series(1<<20, keraslike.Dense(8), keraslike.LayerNormalization(), keraslike.BatchNormalization(), last),
		"softmax":     series(1<<20, keraslike.Dense(16, keraslike.Softmax), last),
		"distributed": series(1<<18, keraslike.Reshape([]int{1 << 18, 1}), keraslike.TimeDistributed(keraslike.Dense(16)), last),
		"padded":      image(2048, keraslike.ZeroPadding2D(1000, 1000, 1000, 1000), keraslike.MaxPooling2D(3, keraslike.Strides(1)), keraslike.GlobalAveragePooling2D()),
		"repeated":    k(keraslike.RepeatVector(1<<22), last),
		"one shared":  series(1<<16, append(k(keraslike.Dense(8)), append(slices.Repeat(k(again), 500), last)...)...),
	} {
		t.Run(name, func(t *testing.T) {
			m := keraslike.Sequential("m", append(k(keraslike.Input(4)), parts...)...)
			if err := m.Build(1); err != nil {
				t.Fatal(err)
			}
			_, path := saved(t, m)
			wantCheap(t, path, "")
		})
	}
}

// selfAttention is a layer that attends to its own input, as one part of a stack.
func selfAttention() keraslike.Part {
	x := keraslike.Input(1<<13, 8)
	return keraslike.NewModel("self", []*keraslike.Tensor{x}, []*keraslike.Tensor{keraslike.MultiHeadAttention(2, 4).Apply(x, x)})
}

// wantCheap uses the file in a separate process.
func wantCheap(t *testing.T, path, want string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Size() > hostileFile {
		t.Fatalf("file of %d bytes (%v), want at most %d: the case has lost its point", info.Size(), err, hostileFile)
	}
	output, cpu, memory := useHostile(t, path)
	for tries := 1; cpu > hostileCPU && tries < 3; tries++ { // a busy machine takes more, but not always
		output, cpu, memory = useHostile(t, path)
	}
	t.Logf("%v, %d MB: %.300s", cpu.Round(time.Millisecond), memory>>20, output)
	if cpu > hostileCPU || memory == 0 || memory > hostileMemory {
		t.Errorf("took %v of CPU and %d MB, want at most %v and %d MB", cpu, memory>>20, hostileCPU, hostileMemory>>20)
	}
	var length int
	if _, err := fmt.Sscanf(output, "refused %d:", &length); err == nil && length > hostileText {
		t.Errorf("an error of %d bytes", length)
	}
	if !strings.Contains(output, want) || output == "" {
		t.Errorf("%.4000q lacks %q", output, want)
	}
}

// useHostile runs a process that uses the file.
func useHostile(t *testing.T, path string) (output string, cpu time.Duration, memory int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHostileChild$", "-test.v")
	cmd.Env = append(os.Environ(), "REEF_HOSTILE="+path)
	debug.FreeOSMemory() // the child's maximum counts what the parent has when it starts it
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.3000s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "used") || strings.HasPrefix(line, "refused") {
			output = strings.TrimSpace(line)
		}
		_, _ = fmt.Sscanf(line, "peak %d", &memory) // most lines are others
	}
	return output, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory
}
