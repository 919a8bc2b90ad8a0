// SPDX-License-Identifier: Apache-2.0

//go:build linux

package kerasfile_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// readAlone is set for the process that reads one file, whose cost is measured.
const readAlone = "REEF_TEST_READ_ALONE"

// TestReadAlone is the process of costOf: it reads a file in all ways, and keeps what it gets.
func TestReadAlone(t *testing.T) {
	path := os.Getenv(readAlone)
	if path == "" {
		t.Skip("is run by the tests of costs")
	}
	_, _, err := kerasfile.Load(path)
	t.Logf("as a model: %v", err)
	_, err = kerasfile.LoadWeights(k.Sequential("m", k.Input(2), k.Dense(3, k.Name("d"))), path)
	t.Logf("as weights: %v", err)
	f, err := kerash5.Open(path)
	if err != nil {
		return
	}
	n := 0
	var all [][]float32
	for _, l := range f.Layers {
		for _, w := range l.Weights {
			values, err := w.Read()
			if err != nil {
				t.Log(err)
			}
			n += len(values)
			all = append(all, values)
		}
	}
	t.Logf("%d numbers in %d weights", n, len(all))
}

// costOf reads a file in a process of its own and returns what that printed, its CPU time
// and its peak of memory in bytes.
func costOf(t *testing.T, path string) (out string, cpu time.Duration, memory int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestReadAlone$", "-test.v")
	cmd.Env = append(os.Environ(), readAlone+"="+path)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, text)
	}
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return string(text), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), int64(used.Maxrss) * 1024
}

// hostileKeras writes files that ask for much, with the expected error of each.
func hostileKeras(t *testing.T) map[string]string {
	dir := "testdata/hostile"
	files := map[string]string{
		filepath.Join(dir, "bomb-f4.keras"): "shape [500000000 1] needs",
		filepath.Join(dir, "bomb-u1.h5"):    "shape [40000000 1] needs",
		filepath.Join(dir, "twice.h5"):      `layer "d" is twice in layer_names`,
		filepath.Join(dir, "wide.h5"):       "3000000 numbers in 1 weights",
		filepath.Join(dir, "tiny.h5"):       "1500 numbers in 1 weights",
	}
	weights, err := os.ReadFile(denseWeights)
	if err != nil {
		t.Fatal(err)
	}
	input := `{"class_name":"InputLayer","name":"in","config":{"name":"in","batch_shape":[null,2]},"inbound_nodes":[]}`
	stack := func(name string, layers ...string) string {
		return `{"class_name":"Sequential","config":{"name":"` + name + `","layers":[` + strings.Join(append([]string{input}, layers...), ",") + `]}}`
	}
	graph := func(last string, layers ...string) string {
		return `{"class_name":"Functional","config":{"name":"m","layers":[` + strings.Join(append(layers, input), ",") + `],"input_layers":[["in",0,0]],"output_layers":[["` + last + `",0,0]]}}`
	}
	each := func(n int, f func(i int) string) []string {
		var list []string
		for i := range n {
			list = append(list, f(i))
		}
		return list
	}
	dense := func(i int) string {
		return fmt.Sprintf(`{"class_name":"Dense","config":{"name":"d%d","units":2}}`, i)
	}
	deep, around := stack("x", each(8000, dense)...), dense(0)
	for i := range 48 {
		deep = stack(fmt.Sprint("m", i), deep)
		around = `{"class_name":"TimeDistributed","config":{"name":"t","layer":` + around + `}}`
	}
	backwards := func(n int) []string {
		return each(n, func(i int) string {
			from := fmt.Sprint("d", n-2-i)
			if i == n-1 {
				from = "in"
			}
			return fmt.Sprintf(`{"class_name":"Dense","name":"d%d","config":{"units":2},"inbound_nodes":[[["%s",0,0,{}]]]}`, n-1-i, from)
		})
	}
	calls := each(40000, func(i int) string {
		if i == 0 {
			return `[["in",0,0,{}]]`
		}
		return fmt.Sprintf(`[["d",%d,0,{}]]`, i-1)
	})
	for name, c := range map[string]struct{ config, want string }{
		"layers":    {stack("m", each(25000, dense)...), "25001 layers, too many for one file"},
		"chain":     {stack("m", each(9000, dense)...), "(Limits.Layers)"},
		"backwards": {graph("d8999", backwards(9000)...), "(Limits.Layers)"},
		"deep":      {deep, "too much of it is in too many models within each other"},
		"around":    {stack("m", around), "want (batch, steps, ...)"},
		"calls":     {graph("d", `{"class_name":"Dense","name":"d","config":{"units":2},"inbound_nodes":[`+strings.Join(calls, ",")+`]}`), "the shapes differ"},
		"text":      {`{"class_name":"` + strings.Repeat("x", 3<<20) + `"}`, "config.json: it declares 3145745 bytes, in a file of"},
		"brackets":  {strings.Repeat("[", 1<<20), "exceeded max depth"},
	} {
		path := filepath.Join(t.TempDir(), name+".keras")
		if err := os.WriteFile(path, kerasZip(t, c.config, weights, packed), 0o600); err != nil {
			t.Fatal(err)
		}
		files[path] = c.want
	}
	return files
}

// A file of less than 1 MB costs at most 1 s of CPU time and 256 MB, whatever it holds.
func TestCostOfKerasFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for path, want := range hostileKeras(t) {
		info, err := os.Stat(path)
		if err != nil || info.Size() >= 1<<20 {
			t.Fatalf("%s: %v, %v", path, info, err)
		}
		out, cpu, memory := costOf(t, path)
		if !strings.Contains(out, want) {
			t.Errorf("%s gave no %q: %.2000s", path, want, out)
		}
		if cpu > time.Second || memory > 256e6 {
			t.Errorf("%s of %d bytes took %v and %d bytes of memory", path, info.Size(), cpu, memory)
		}
		if len(out) > 1<<20 {
			t.Errorf("%s: %d bytes of output", path, len(out))
		}
		t.Logf("%-16s %8d bytes: %v, %d MB", filepath.Base(path), info.Size(), cpu, memory/1e6)
	}
}
