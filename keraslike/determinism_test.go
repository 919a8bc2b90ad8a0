// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// childEnv tells the test binary that it is a child of TestSameBytes.
const childEnv = "KERASLIKE_TEST_TRAIN"

// TestSameBytes trains one model in several processes, with one and with two
// threads and workers: the saved files, optimizer included, agree in every byte.
func TestSameBytes(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		fmt.Printf("digest %x\n", trainDigest(t, 3))
		return
	}
	want := fmt.Sprintf("%x", trainDigest(t, 3))
	for _, workers := range []int{1, 2, 3, 8} {
		restore := graph.Workers(workers)
		if got := fmt.Sprintf("%x", trainDigest(t, 3)); got != want {
			t.Errorf("%d workers give other bytes", workers)
		}
		restore()
	}
	for _, procs := range []string{"1", "2", "2"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSameBytes$")
		cmd.Env = append(os.Environ(), childEnv+"=1", "GOMAXPROCS="+procs)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !strings.Contains(string(out), "digest "+want+"\n") {
			t.Errorf("a process with GOMAXPROCS=%s gives other bytes: %s", procs, out)
		}
	}
	if fmt.Sprintf("%x", trainDigest(t, 4)) == want {
		t.Error("another seed gives the same bytes: this test proves nothing")
	}
}

// trainDigest trains a model whose products and sums are large enough to be
// shared among workers, and digests the file.
func trainDigest(t *testing.T, seed uint64) [sha256.Size]byte {
	const samples, in, classes = 200, 300, 10
	m := keraslike.Sequential("m",
		keraslike.Input(in), keraslike.Dense(256, keraslike.ReLU, keraslike.KernelRegularizer(keraslike.L2(1e-4))), keraslike.Dropout(0.3), keraslike.Dense(classes, keraslike.Softmax),
	)
	if err := m.Compile(keraslike.RMSprop(1e-3), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.Seed(seed)); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := make([]float32, samples*in), make([]float32, samples)
	for i := range x {
		x[i] = rng.Float32()
	}
	for i := range y {
		y[i] = float32(rng.IntN(classes))
	}
	if _, err := m.Fit(t.Context(), dataOf(t, tensorOf([]int{samples, in}, x), tensorOf([]int{samples}, y)), keraslike.Epochs(2), keraslike.BatchSize(64)); err != nil {
		t.Fatal(err)
	}
	content, _ := saved(t, m, keraslike.WithOptimizer)
	return sha256.Sum256(content)
}
