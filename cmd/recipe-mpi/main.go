// SPDX-License-Identifier: Apache-2.0

// Command recipe-mpi trains the networks of a project of package recipes on several processes, which
// mpirun, mpiexec or srun start:
//
//	go build ./cmd/recipe-mpi
//	mpirun -n 2 ./recipe-mpi -name mnist
//	mpirun -n 4 --hostfile machines ./recipe-mpi -name catsdogs -variant scratch -leaves 16 -out /shared/run
//	mpirun -n 2 --hostfile machines ./recipe-mpi -resume -out /shared/run
//
// Each batch is cut into -leaves parts, which the processes share. The trained model depends on this number
// and not on that of the processes: the same command without mpirun, a job of one process, writes the same
// weights. All processes need the data, in the same place; "recipe -fetch" downloads it. The first one
// shows progress and writes the results to the folder -out.
//
// -resume continues a run that was interrupted, or whose processes were killed, on any number of processes as
// if nothing had happened; all of them must be able to read the folder -out. What is needed for that is written there
// after epochs, so rarely that it takes about a twentieth of the time at most.
//
// It is a command of its own because package keraslike/mpi makes a program depend on the C library, and
// recipe, which has no such package, can be copied to any machine.
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
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/distributed"
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

// agreed is an error that all processes know.
type agreed struct{ error }

func (e agreed) Unwrap() error { return e.error }

// common returns whether an error is that of all processes, so that none of them waits for another.
func common(err error) bool {
	return errors.As(err, new(agreed)) || errors.Is(err, cli.ErrHelp) || errors.As(err, new(cli.UsageError)) || errors.Is(err, k.ErrInterrupted)
}

// options are the command line.
type options struct {
	recipe        recipes.Recipe
	data, variant string
	epochs, batch int
	leaves        int
	seed          uint64
	out           string
	resume, quiet bool
	set           map[string]bool // flags of the command line
	journal       *recipes.Journal
}

const usage = `Usage:
  mpirun -n N recipe-mpi -name RECIPE [flags]
  mpirun -n N recipe-mpi -resume -out RUN

Trains the networks of a project on N processes, or continues an interrupted run on any
number of them. "recipe -list" lists the projects.

Flags:
`

// parse reads the command line. It prints the help to stdout and returns cli.ErrHelp if asked to.
func parse(args []string, stdout io.Writer) (*options, error) {
	o := &options{set: map[string]bool{}}
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
	f.BoolVar(&o.resume, "resume", false, "continue the interrupted run in the folder of -out, with its settings, as if it had not been interrupted")
	f.BoolVar(&o.quiet, "q", false, "do not show progress")
	err := f.Parse(args)
	f.Visit(func(fl *flag.Flag) { o.set[fl.Name] = true })
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		cli.PrintFlags(stdout, f)
		return nil, cli.ErrHelp
	case err != nil:
		return nil, cli.UsageError{Err: cli.FlagError(f, err)}
	case f.NArg() > 0:
		return nil, cli.Misuse("argument %q: want flags only; -help shows them", f.Arg(0))
	case *name == "" && !(o.resume && o.out != ""):
		return nil, cli.Misuse("no -name given, as in -name mnist; -help shows all flags")
	case o.leaves < 0 || o.epochs < 0 || o.batch < 0:
		return nil, cli.Misuse("-leaves %d, -epochs %d, -batch %d: want positive numbers", o.leaves, o.epochs, o.batch)
	}
	if *name == "" { // that of the run
		return o, nil
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

// journalFolder is where a run keeps what it needs to be resumed, as that of recipe does.
func (o *options) journalFolder() string { return filepath.Join(o.out, "resume") }

// open checks the folder of the run and opens its journal.
func (o *options) open(first bool, ranks int) error {
	o.journal = recipes.NewJournal(o.journalFolder())
	if o.resume {
		if err := o.reopen(); err != nil {
			return err
		}
	}
	if !first {
		o.journal.Follow()
	} else if err := recipes.Writable(o.out); err != nil {
		return err
	}
	if o.leaves == 0 { // a resumed run, of any number of processes, has the same
		o.leaves = max(8, ranks)
	}
	return nil
}

// reopen takes the settings that the command line does not have from the interrupted run.
func (o *options) reopen() (err error) {
	if o.journal, err = recipes.OpenJournal(o.journalFolder()); errors.Is(err, fs.ErrNotExist) {
		return cli.Misuse("-resume: %s holds no interrupted run; one that is complete has nothing to resume", o.out)
	} else if err != nil {
		return fmt.Errorf("-resume: %w", err)
	}
	s, _ := o.journal.Resumes()
	if !o.set["name"] {
		if o.recipe, err = recipes.Find(s.Recipe); err != nil {
			return fmt.Errorf("-resume: %w", err)
		}
	}
	for _, t := range []struct {
		flag string
		take func()
	}{
		{"variant", func() { o.variant = s.Variant }}, {"epochs", func() { o.epochs = s.Epochs }}, {"batch", func() { o.batch = s.Batch }},
		{"seed", func() { o.seed = s.Seed }}, {"leaves", func() { o.leaves = s.Leaves }},
	} {
		if !o.set[t.flag] {
			t.take()
		}
	}
	return nil
}

// together learns whether all processes are about to do the same; an error of one is that of all.
func (o *options) together(c *mpi.Comm, failed error) error {
	g, err := distributed.NewGroup(c)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("recipe: %s\nvariant: %s\nepochs: %d\nbatch: %d\nleaves: %d\nseed: %d\nresumes: %v\n", o.recipe.Name, o.variant, o.epochs, o.batch, o.leaves, o.seed, o.resume)
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, text) // returns no error
	a, err := g.Agree(distributed.Plan{What: "recipe-mpi", Fingerprint: hash.Sum64(), Details: func() string { return text }, Failed: failed != nil})
	if err == nil && a.Failed >= 0 {
		err = g.Failure(a.Failed, failed)
	}
	if err == nil {
		return nil
	}
	return agreed{err}
}

// train runs the recipe on this process.
func train(ctx context.Context, c *mpi.Comm, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	first := c.Rank() == 0
	if err := o.together(c, o.open(first, c.Size())); err != nil {
		return err
	}
	settings := recipes.Options{
		Data: datasets.From{Source: o.data}, Variant: o.variant, Epochs: o.epochs, Batch: o.batch, Seed: o.seed,
		Training: []k.FitOption{k.Distributed(c, k.Leaves(o.leaves))}, Leaves: o.leaves, Journal: o.journal,
	}
	if first && !o.quiet {
		settings.Progress = callbacks.Progress(stderr)
		settings.Say = func(line string) { fmt.Fprintln(stderr, line) }
		if _, err := os.Stat(o.journalFolder()); err == nil && !o.resume {
			fmt.Fprintln(stderr, o.out+" holds an interrupted run, which -resume would continue; this run starts from scratch and replaces it")
		}
	}
	settings.Start = func(_ *k.Model, origin datasets.Origin) error {
		_, err := fmt.Fprintf(stdout, "Data: %v\nProcesses: %d (%v)\n", origin, c.Size(), c)
		return err
	}
	r, stopped := o.recipe.Run(ctx, settings)
	if stopped != nil && first && o.journal.Resumable() {
		stopped = fmt.Errorf("%w\nrecipe-mpi: to continue: start recipe-mpi -resume -out %s in the same way, on any number of processes", stopped, o.out)
	}
	if r == nil || !first {
		return stopped
	}
	return o.finish(r, args, stopped, stdout)
}

// finish writes the results of a run, which stopped ended early unless it is nil, and shows them.
func (o *options) finish(r *recipes.Report, args []string, stopped error, stdout io.Writer) error {
	r.Command = []string{"recipe-mpi " + strings.Join(args, " ")}
	if _, err := r.Save(o.out); err != nil {
		return errors.Join(stopped, err)
	}
	if stopped == nil {
		if err := o.journal.Remove(); err != nil {
			return err
		}
	}
	for _, name := range r.Headline() {
		if value, ok := r.Metrics[name]; ok { // a run that was interrupted has no scores
			fmt.Fprintf(stdout, "%s %.4f\n", name, value)
		}
	}
	fmt.Fprintf(stdout, "Results: %s\n", o.out)
	return stopped
}
