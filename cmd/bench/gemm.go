// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
)

// gemmResult is one line of the output for matrix products.
type gemmResult struct {
	Peer     string  `json:"peer"`
	Workload string  `json:"workload"`
	Phase    string  `json:"phase"`
	Batch    int     `json:"batch"`
	Shape    string  `json:"shape"` // m x k x n
	Gflops   float64 `json:"gflops"`
	Threads  int     `json:"threads"`
	Path     string  `json:"path"`
}

// benchGemm measures products of the shapes that occur in the recipes, with one and with
// two workers, and before them the processor's peak speed: multiply-adds of registers.
// REEF_KERNEL=avx2 or generic in the environment selects another instruction set.
func benchGemm(out *json.Encoder, limit time.Duration) error {
	shapes := [][3]int{{1024, 1024, 1024}, {512, 512, 512}, {128, 784, 512}, {512, 10000, 64}, {128, 32, 96}}
	for _, threads := range []int{1, 2} {
		if gflops, err := peakSpeed(threads, limit/10); err != nil {
			return err
		} else if gflops > 0 {
			if err := out.Encode(gemmResult{"reef", "peak", "infer", 0, "", round(gflops, 1), threads, graph.ISA()}); err != nil {
				return err
			}
		}
		for _, s := range shapes {
			gflops, err := gemmSpeed(s, threads, limit/time.Duration(len(shapes)))
			if err != nil {
				return err
			}
			r := gemmResult{"reef", "gemm", "infer", s[0], fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]), round(gflops, 1), threads, graph.ISA()}
			if err := out.Encode(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// peakSpeed returns the median speed of multiply-adds of registers in 10⁹ floating-point
// operations per second, or 0 if the instruction set in use has no such measurement.
func peakSpeed(threads int, limit time.Duration) (float64, error) {
	defer graph.Workers(threads)()
	flop := kernel.Peak()
	times, err := timeSteps(func(int) error { kernel.Peak(); return nil }, limit)
	if err != nil || flop == 0 {
		return 0, err
	}
	return flop / times[len(times)/2].Seconds() / 1e9, nil
}

// gemmSpeed returns the median speed in 10⁹ floating-point operations per second.
func gemmSpeed(s [3]int, threads int, limit time.Duration) (float64, error) {
	defer graph.Workers(threads)()
	m, k, n := s[0], s[1], s[2]
	g := graph.New()
	rng := rand.New(rand.NewPCG(1, 1))
	var in [2]*graph.Node
	for i, shape := range [][]int{{m, k}, {k, n}} {
		var err error
		if in[i], err = graph.Input(g, graph.Float32, fmt.Sprint("input", i), shape...); err != nil {
			return 0, err
		}
		if err := graph.Let(in[i], floats(shape[1])(rng, shape[0])); err != nil {
			return 0, err
		}
	}
	c, err := graph.MatMul(in[0], in[1])
	if err != nil {
		return 0, err
	}
	p, err := graph.Compile(c)
	if err != nil {
		return 0, err
	}
	times, err := timeSteps(func(int) error { return p.RunAll() }, limit)
	if err != nil {
		return 0, err
	}
	return 2 * float64(m) * float64(n) * float64(k) / times[len(times)/2].Seconds() / 1e9, nil
}
