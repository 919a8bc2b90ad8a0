// SPDX-License-Identifier: Apache-2.0

// Command bench measures the workloads that Reef is compared with other
// frameworks on, and prints one JSON line for each:
//
//	go run ./cmd/bench -workload mnist_cnn -phase train -secs 5
//	go run ./cmd/bench -workload all
//	go run ./cmd/bench -workload gemm
//
// A training step is forward pass, loss, backward pass and update with RMSprop;
// inputs are random, of the right shape, made before the clock starts, four
// batches in rotation. The models, batches and optimizers are those of the
// PyTorch programs that docs/performance.md compares with.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
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
	name := f.String("workload", "all", "gemm, all or one of "+strings.Join(names(), ", "))
	phase := f.String("phase", "", "train or infer (default: both where a workload has both)")
	secs := f.Float64("secs", 5, "seconds to measure each")
	f.SetOutput(io.Discard)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "Usage: bench [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return nil
	} else if err != nil {
		return fmt.Errorf("%w%s; -help shows all flags", err, meantFlag(f, err))
	}
	choices := append([]string{"gemm", "all"}, names()...)
	if f.NArg() > 0 {
		if near := text.Nearest(f.Arg(0), choices...); near != "" {
			return fmt.Errorf("unexpected argument %q: did you mean -workload %s?", f.Arg(0), near)
		}
		return fmt.Errorf("unexpected argument %q: all is said with flags, as in -workload boston; -help shows them", f.Arg(0))
	}
	if *phase != "" && *phase != "train" && *phase != "infer" {
		return fmt.Errorf("-phase %q: want train or infer%s", *phase, text.Meant(*phase, "train", "infer"))
	}
	if !(*secs > 0 && *secs <= maxSeconds) {
		return fmt.Errorf("-secs %g: want a positive number, at most %d", *secs, maxSeconds)
	}
	out := json.NewEncoder(stdout)
	limit := time.Duration(*secs * float64(time.Second))
	if *name == "gemm" {
		if *phase == "train" {
			return errors.New("-phase train: gemm is a matrix product, which is not trained")
		}
		return benchGemm(out, limit)
	}
	list := workloads
	if *name != "all" {
		i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == *name })
		if i < 0 {
			return fmt.Errorf("unknown workload %q, want gemm, all or one of %s%s", *name, strings.Join(names(), ", "), text.Meant(*name, choices...))
		}
		if *phase == "train" && workloads[i].infer {
			return fmt.Errorf("-phase train: workload %q is measured in prediction only", *name)
		}
		list = workloads[i : i+1]
	}
	for _, w := range list {
		for _, p := range w.phases() {
			if *phase != "" && p != *phase {
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
	}
	return nil
}

// maxSeconds is a day: more would overflow nothing but patience.
const maxSeconds = 86_400

// meantFlag is the flag that was likely meant by one that is not defined.
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
