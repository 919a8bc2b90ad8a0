// SPDX-License-Identifier: Apache-2.0

// Command recipe-mpi trains the networks of a project of package recipes on several processes, which
// mpirun, mpiexec or srun start:
//
//	go build ./cmd/recipe-mpi
//	mpirun -n 2 ./recipe-mpi -name mnist
//	mpirun -n 4 --hostfile machines ./recipe-mpi -name catsdogs -variant scratch -leaves 16 -out /shared/run
//
// Each batch is cut into -leaves parts, which the processes share. The trained model depends on this number
// and not on that of the processes: the same command without mpirun, a job of one process, writes the same
// weights. All processes need the data, in the same place; "recipe -fetch" downloads it. The first one
// shows progress and writes the results to the folder -out.
//
// It is a command of its own because package keraslike/mpi makes a program depend on the C library, and
// recipe, which has no such package, can be copied to any machine. It has neither the journal of recipe nor
// its -resume: an interrupted run keeps the model and the history.
//
// The exit status is 0 if all went well, 1 if something failed, 2 for a mistake on the command line and 130
// after an interruption: SIGINT or SIGTERM for one of the processes, after which all stop after the same
// batch.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/mpi"
	"github.com/reef-dl/reef/recipes"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command on this process and returns its exit status.
func run(args []string, stdout, stderr io.Writer) int {
	status := 0
	err := mpi.Main(func(ctx context.Context, c *mpi.Comm) error {
		if c.Rank() > 0 {
			stdout, stderr = io.Discard, io.Discard
		}
		err := train(ctx, c, args, stdout, stderr)
		if err == nil || common(err) {
			status = cli.Status("recipe-mpi", err, stderr, k.ErrInterrupted)
			return nil
		}
		return err
	})
	if err != nil {
		return cli.Status("recipe-mpi", err, stderr)
	}
	return status
}

// common returns whether an error is that of all processes, so that none of them waits for another.
func common(err error) bool {
	return errors.Is(err, cli.ErrHelp) || errors.As(err, new(cli.UsageError)) || errors.Is(err, k.ErrInterrupted)
}

// options are the command line.
type options struct {
	recipe        recipes.Recipe
	data, variant string
	epochs, batch int
	leaves        int
	seed          uint64
	out           string
	quiet         bool
}

const usage = `Usage:
  mpirun -n N recipe-mpi -name RECIPE [flags]

Trains the networks of a project on N processes. "recipe -list" lists the projects.

Flags:
`

// parse reads the command line. It prints the help to stdout and returns cli.ErrHelp if asked to.
func parse(args []string, stdout io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("recipe-mpi", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	name := f.String("name", "", "`recipe` to run")
	f.StringVar(&o.data, "data", datasets.Local, "`source` of the data: sample, full, or a folder with the published files (default: full if it is on this machine, otherwise sample)")
	f.StringVar(&o.variant, "variant", "", "train this `variant` of the model only (default: all variants in turn)")
	f.IntVar(&o.epochs, "epochs", 0, "`number` of epochs (default: as in the article)")
	f.IntVar(&o.batch, "batch", 0, "batch `size` of all processes together (default: as in the article)")
	f.IntVar(&o.leaves, "leaves", 0, "`number` of parts of each batch, on which the trained model depends (default: 8, or that of the processes if it is larger)")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that seeds all randomness")
	f.StringVar(&o.out, "out", "", "output `folder` of the first process for the model, history and report (default: runs/RECIPE)")
	f.BoolVar(&o.quiet, "q", false, "do not show progress")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		cli.PrintFlags(stdout, f)
		return nil, cli.ErrHelp
	case err != nil:
		return nil, cli.UsageError{Err: cli.FlagError(f, err)}
	case f.NArg() > 0:
		return nil, cli.Misuse("argument %q: want flags only; -help shows them", f.Arg(0))
	case *name == "":
		return nil, cli.Misuse("no -name given, as in -name mnist; -help shows all flags")
	case o.leaves < 0 || o.epochs < 0 || o.batch < 0:
		return nil, cli.Misuse("-leaves %d, -epochs %d, -batch %d: want positive numbers", o.leaves, o.epochs, o.batch)
	}
	if o.recipe, err = recipes.Find(*name); err != nil {
		return nil, cli.UsageError{Err: err}
	}
	if o.variant != "" && !slices.Contains(o.recipe.Variants, o.variant) {
		return nil, cli.Misuse("-variant %q: %s has the variants: %s", o.variant, o.recipe.Name, strings.Join(o.recipe.Variants, ", "))
	}
	if o.out == "" {
		o.out = filepath.Join("runs", o.recipe.Name)
	}
	return o, nil
}

// train runs the recipe on this process.
func train(ctx context.Context, c *mpi.Comm, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	first := c.Rank() == 0
	if first {
		if err := recipes.Writable(o.out); err != nil {
			return err
		}
	}
	var leaves []k.DistributedOption
	if o.leaves > 0 {
		leaves = append(leaves, k.Leaves(o.leaves))
	}
	settings := recipes.Options{
		Data: datasets.From{Source: o.data}, Variant: o.variant, Epochs: o.epochs, Batch: o.batch, Seed: o.seed,
		Training: []k.FitOption{k.Distributed(c, leaves...)},
	}
	if first && !o.quiet {
		settings.Progress = callbacks.Progress(stderr)
		settings.Say = func(line string) { fmt.Fprintln(stderr, line) }
	}
	settings.Start = func(_ *k.Model, origin datasets.Origin) error {
		_, err := fmt.Fprintf(stdout, "Data: %v\nProcesses: %d (%v)\n", origin, c.Size(), c)
		return err
	}
	r, stopped := o.recipe.Run(ctx, settings)
	if r == nil || !first {
		return stopped
	}
	r.Command = []string{"recipe-mpi " + strings.Join(args, " ")}
	if _, err := r.Save(o.out); err != nil {
		return errors.Join(stopped, err)
	}
	for _, name := range r.Headline() {
		if value, ok := r.Metrics[name]; ok { // a run that was interrupted has no scores
			fmt.Fprintf(stdout, "%s %.4f\n", name, value)
		}
	}
	fmt.Fprintf(stdout, "Results: %s\n", o.out)
	return stopped
}
