// SPDX-License-Identifier: Apache-2.0

// Command bench measures the workloads that compare Reef with other frameworks and
// prints a JSON line for each:
//
//	go run ./cmd/bench -workload mnist_cnn -phase train -secs 5
//	go run ./cmd/bench -workload all
//	go run ./cmd/bench -workload gemm
//	go run ./cmd/bench -workload expressions -secs 0.1
//	go run ./cmd/bench -workload squeezenet -phase infer -batch 1
//	mpirun -n 2 bench -workload mnist_cnn -phase fit -leaves 2
//
// A training step is the forward pass, the loss, the backward pass and the update with
// RMSprop; prediction is a call of Predict. The phase fit is training by Fit, which reads the samples from
// a Source; with -leaves it is distributed over the processes that mpirun has started, or done by one. Inputs are four random batches of the right shape, made in advance and used in
// rotation. GOMAXPROCS sets the number of threads, REEF_KERNEL the instruction set. The models,
// batch sizes and optimizers are those of the programs of PyTorch and ONNX Runtime in
// docs/performance.md.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/reef-dl/reef/internal/text"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	name := f.String("workload", "all", "`workload` to measure: gemm, expressions, all, or one of "+strings.Join(names(), ", "))
	phase := f.String("phase", "", "`phase` to measure: train, infer or fit (default: the first two, if the workload has both)")
	batch := f.Int("batch", 0, "`samples` of a batch (default: the workload's own)")
	leaves := f.Int("leaves", 0, "`number` of parts of each batch in a distributed training of phase fit (default: not distributed)")
	match := f.String("match", "", "only expressions whose name this regular `expression` matches (default: all)")
	secs := f.Float64("secs", 5, "`seconds` to measure each workload")
	f.SetOutput(io.Discard)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "Usage: bench [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return nil
	} else if err != nil {
		return fmt.Errorf("%w%s; -help shows all flags", err, meantFlag(f, err))
	}
	if f.NArg() > 0 {
		if near := text.Nearest(f.Arg(0), choices()...); near != "" {
			return fmt.Errorf("unexpected argument %q: did you mean -workload %s?", f.Arg(0), near)
		}
		return fmt.Errorf("unexpected argument %q: arguments are flags, as in -workload boston; -help shows them all", f.Arg(0))
	}
	if known := []string{"train", "infer", "fit"}; *phase != "" && !slices.Contains(known, *phase) {
		return fmt.Errorf("-phase %q: want train, infer or fit%s", *phase, text.Meant(*phase, known...))
	}
	if *leaves < 0 || *leaves > 0 && *phase != "fit" {
		return fmt.Errorf("-leaves %d -phase %q: want a positive number and phase fit", *leaves, *phase)
	}
	if !(*secs > 0 && *secs <= maxSeconds) {
		return fmt.Errorf("-secs %g: want a positive number, at most %d", *secs, maxSeconds)
	}
	if *batch < 0 || *batch > maxBatch {
		return fmt.Errorf("-batch %d: want a positive number, at most %d", *batch, maxBatch)
	}
	out := json.NewEncoder(stdout)
	limit := time.Duration(*secs * float64(time.Second))
	if *name == "gemm" {
		if *phase == "train" || *phase == "fit" {
			return fmt.Errorf("-phase %s: gemm is a matrix product, which is not trained", *phase)
		}
		if *batch > 0 {
			return errors.New("-batch: gemm multiplies matrices of fixed shapes")
		}
		return benchGemm(out, limit)
	}
	if *name == "expressions" {
		if *phase != "" || *batch > 0 {
			return errors.New("-phase and -batch: expressions have neither")
		}
		names, err := regexp.Compile(*match)
		if err != nil {
			return fmt.Errorf("-match: %w", err)
		}
		return benchExpressions(out, names, expressionShape, limit)
	}
	if *match != "" {
		return fmt.Errorf("-match %s: want -workload expressions", *match)
	}
	list, err := selected(*name, *phase)
	if err != nil {
		return err
	}
	list = slices.Clone(list)
	for i := range list {
		if *batch > 0 {
			list[i].batch = *batch
		}
	}
	if *phase == "fit" {
		return benchFit(list, *leaves, limit, out)
	}
	for _, w := range list {
		if err := w.print(out, *phase, limit); err != nil {
			return err
		}
	}
	return nil
}

// selected returns the workloads of -workload and checks that they have the phase.
func selected(name, phase string) ([]workload, error) {
	if name == "all" {
		return workloads, nil
	}
	i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown workload %q, want gemm, expressions, all or one of %s%s", name, strings.Join(names(), ", "), text.Meant(name, choices()...))
	}
	if (phase == "train" || phase == "fit") && workloads[i].label == nil {
		return nil, fmt.Errorf("-phase %s: workload %q is measured in prediction only", phase, name)
	}
	return workloads[i : i+1], nil
}

// print measures and prints one phase of a workload, or all if phase is empty.
func (w workload) print(out *json.Encoder, phase string, limit time.Duration) error {
	for _, p := range w.phases() {
		if phase != "" && p != phase {
			continue
		}
		r, err := w.measure(p, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// choices returns the values of -workload.
func choices() []string { return append([]string{"gemm", "expressions", "all"}, names()...) }

const (
	maxSeconds = 86_400 // a day
	maxBatch   = 1 << 16
)

// meantFlag suggests the flag that was probably meant by one that is not defined.
func meantFlag(f *flag.FlagSet, err error) string {
	var flags []string
	f.VisitAll(func(fl *flag.Flag) { flags = append(flags, "-"+fl.Name) })
	if _, name, ok := strings.Cut(err.Error(), "not defined: "); ok {
		return text.Meant(name, flags...)
	}
	return ""
}

func names() (list []string) {
	for _, w := range workloads {
		list = append(list, w.name)
	}
	return list
}
