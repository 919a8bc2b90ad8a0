// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"gorgonia.org/tensor"

	k "github.com/reef-dl/reef/keraslike"
)

// TestTimeIsLinearInDepth: a model of four times as many layers takes about four times as much
// processor time to define, to compile and for its first step. Anything that looks at all layers
// for each layer takes sixteen times as much.
func TestTimeIsLinearInDepth(t *testing.T) {
	if testing.Short() {
		t.Skip("builds graphs of a hundred thousand nodes")
	}
	const inChild = "REEF_DEPTH"
	if os.Getenv(inChild) == "" { // in a process of its own: this one keeps collecting garbage
		cmd := exec.Command(os.Args[0], "-test.run=^TestTimeIsLinearInDepth$", "-test.v")
		cmd.Env = append(os.Environ(), inChild+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for name, layers := range map[string]func(n int) *k.Model{
		"chain": func(n int) *k.Model {
			x := k.Input(4)
			in := x
			for range n {
				x = k.Dense(4, k.ReLU).Apply(x)
			}
			return k.NewModel("chain", []*k.Tensor{in}, []*k.Tensor{k.Dense(1).Apply(x)})
		},
		"residual": func(n int) *k.Model {
			x := k.Input(4)
			in := x
			for range n / 3 {
				x = k.Add().Apply(x, k.BatchNormalization().Apply(k.Dense(4, k.ReLU).Apply(x)))
			}
			return k.NewModel("residual", []*k.Tensor{in}, []*k.Tensor{k.Dense(1).Apply(x)})
		},
		"fan": func(n int) *k.Model {
			in := k.Input(4)
			sum := in
			for range n / 2 {
				sum = k.Add().Apply(sum, k.Dense(4).Apply(in))
			}
			return k.NewModel("fan", []*k.Tensor{in}, []*k.Tensor{k.Dense(1).Apply(sum)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			once := func(n int) time.Duration {
				runtime.GC()
				start := cpuTime(t)
				m := layers(n)
				m.SetLimits(k.Limits{Layers: 1 << 20})
				if err := m.Compile(k.SGD(0.01), k.MSE); err != nil {
					t.Fatal(err)
				}
				x := tensor.New(tensor.WithShape(2, 4), tensor.Of(tensor.Float32))
				y := tensor.New(tensor.WithShape(2, 1), tensor.Of(tensor.Float32))
				if _, err := m.TrainOnBatch(x, y); err != nil {
					t.Fatal(err)
				}
				return cpuTime(t) - start
			}
			const least, tries, bound = 1000, 8, 10 // a quadratic time would be 16 times as long
			small, large := time.Hour, time.Hour
			for range tries { // of which the shortest counts: caches are shared with other processes
				small, large = min(small, once(least)), min(large, once(4*least))
				if large < bound*small {
					return
				}
			}
			t.Errorf("%d layers take %v, %d take %v, want at most %d times as long", least, small, 4*least, large, bound)
		})
	}
}

// cpuTime returns the processor time that this process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
