// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// options are the command line.
type options struct {
	recipe        recipes.Recipe
	list, quiet   bool
	resume        bool
	describe      bool // the recipe, in place of running it
	journal       *recipes.Journal
	fetch         []string // names of the sets to download
	data, variant string
	epochs, batch int
	seed          uint64
	out, dot      string
	json          string
	base, explain string
	model         string
}

const usage = `Usage:
  recipe -list                 list the projects
  recipe -describe RECIPE      explain a project, layer by layer
  recipe -name RECIPE [flags]  train the networks of a project
  recipe -resume -out RUN      continue an interrupted run
  recipe -fetch SET            download a data set
  recipe compare RUN RUN...    compare the results of runs
  recipe completion SHELL      print a completion script: bash, zsh or fish

A run writes the model, its history and an HTML report to a folder, RUN. Flags
say what to do with a project; compare and completion are about something else
and take arguments.

Flags:
`

const exitStatus = `
Exit status:
  0    done
  1    something failed: data, training, files
  2    a mistake on the command line; nothing was done
  130  interrupted by Ctrl-C or a termination signal; what was trained is saved

Training stops after the current batch on the first Ctrl-C, and the program at
once on the second. The output has no escape codes and no colors, so NO_COLOR is
obeyed; progress is redrawn only on a terminal, and not with TERM=dumb.
`

// newFlags declares the flags. Those that parse reads by their names are not in options.
func newFlags(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("recipe", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.String("name", "", "`recipe` to run")
	f.BoolVar(&o.list, "list", false, "list the recipes, with what they teach and how long they take, and exit")
	f.String("describe", "", "explain a `recipe`, layer by layer, and exit; with -variant one of its models")
	f.String("fetch", "", "download a data `set`, or all of them, to the cache and exit")
	f.StringVar(&o.data, "data", datasets.Local, "`source` of the data: sample, full, or a folder with the published files (default: full if it is on this machine, otherwise sample)")
	f.StringVar(&o.variant, "variant", "", "train this `variant` of the model only (default: all variants in turn)")
	f.IntVar(&o.epochs, "epochs", 0, "`number` of epochs (default: as in the article)")
	f.IntVar(&o.batch, "batch", 0, "batch `size` (default: as in the article)")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that seeds all randomness")
	f.BoolVar(&o.resume, "resume", false, "continue the interrupted run in the folder of -out, with its settings, as if it had not been interrupted")
	f.StringVar(&o.out, "out", "", "output `folder` for the model, history and report (default: runs/RECIPE, or runs/RECIPE-VARIANT)")
	f.StringVar(&o.dot, "dot", "", "also write the graph of layers to this `file`, in Graphviz format")
	f.StringVar(&o.base, "base", "", "pretrained `network` for catsdogs and visualize: "+strings.Join(recipes.Bases(), " or ")+" (default: squeezenet, which is built in)")
	f.StringVar(&o.explain, "explain", "", "`photo` for catsdogs to classify and explain, or for visualize to analyze")
	f.StringVar(&o.model, "model", "", "saved model `file` for visualize to use instead of a pretrained network")
	f.StringVar(&o.json, "json", "", "also write the report as JSON to this `file`; - prints it, and everything else goes to standard error")
	f.BoolVar(&o.quiet, "q", false, "do not show progress")
	return f
}

// parse reads the command line. It prints the help to stdout and returns cli.ErrHelp if asked to.
func parse(args []string, stdout io.Writer) (*options, error) {
	o := &options{}
	f := newFlags(o)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			cli.PrintFlags(stdout, f)
			fmt.Fprint(stdout, exitStatus)
			return nil, cli.ErrHelp
		}
		return nil, cli.FlagError(f, err)
	}
	if f.NArg() > 0 {
		return nil, argumentError(f)
	}
	if o.list {
		return o, nil
	}
	set := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { set[fl.Name] = true })
	value := func(name string) string { return f.Lookup(name).Value.String() }
	var err error
	switch {
	case set["fetch"]:
		o.fetch, err = sets(value("fetch"))
	case set["describe"]:
		o.describe = true
		if o.recipe, err = recipes.Find(value("describe")); err != nil {
			err = fmt.Errorf("-describe: %w", err)
		} else {
			err = o.check(set)
		}
	default:
		err = o.prepare(set, value("name"))
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// prepare finds the recipe and the folder of a run, and checks the settings.
func (o *options) prepare(set map[string]bool, name string) (err error) {
	switch {
	case o.resume && !set["name"] && !set["out"]:
		return errors.New("-resume: no -out given, the folder of the interrupted run; -help shows all flags")
	case !set["name"] && !o.resume:
		return errors.New("no -name given, as in -name mnist; -list shows the recipes, -help all flags")
	case set["out"] && o.out == "":
		return errors.New(`-out "": want a name`)
	case set["name"]:
		if o.recipe, err = recipes.Find(name); err != nil {
			return err
		}
	}
	if o.out == "" {
		o.out = filepath.Join("runs", o.recipe.Name)
		if o.variant != "" { // beside the folder of all variants
			o.out += "-" + o.variant
		}
	}
	o.journal = recipes.NewJournal(o.journalFolder())
	if o.resume {
		if err := o.reopen(set); err != nil {
			return err
		}
	}
	return o.check(set)
}

// journalFolder is where a run keeps what it needs to be resumed.
func (o *options) journalFolder() string { return filepath.Join(o.out, "resume") }

// reopen takes the settings that the command line does not have from the interrupted run.
func (o *options) reopen(set map[string]bool) (err error) {
	if o.journal, err = recipes.OpenJournal(o.journalFolder()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("-resume: %s holds no interrupted run; one that is complete has nothing to resume", o.out)
	} else if err != nil {
		return fmt.Errorf("-resume: %w", err)
	}
	s, _ := o.journal.Resumes()
	if !set["name"] {
		if o.recipe, err = recipes.Find(s.Recipe); err != nil {
			return fmt.Errorf("-resume: %w", err)
		}
	}
	take(set["variant"], &o.variant, s.Variant)
	take(set["epochs"], &o.epochs, s.Epochs)
	take(set["batch"], &o.batch, s.Batch)
	take(set["seed"], &o.seed, s.Seed)
	take(set["base"], &o.base, s.Base)
	take(set["explain"], &o.explain, s.Explain)
	take(set["model"], &o.model, s.File)
	return nil
}

// take sets an option that the command line does not have.
func take[T any](given bool, option *T, value T) {
	if !given {
		*option = value
	}
}

// check reports a wrong value of one of the flags that are set.
func (o *options) check(set map[string]bool) error {
	bases, variants := recipes.Bases(), o.recipe.Variants
	switch {
	case set["variant"] && len(variants) == 0:
		return fmt.Errorf("-variant %q: %s has no variants", o.variant, o.recipe.Name)
	case set["variant"] && !slices.Contains(variants, o.variant):
		return fmt.Errorf("-variant %q: want one of: %s%s", o.variant, strings.Join(variants, ", "), text.Meant(o.variant, variants...))
	case set["epochs"] && o.epochs < 1:
		return fmt.Errorf("-epochs %d: want a positive number", o.epochs)
	case set["batch"] && o.batch < 1:
		return fmt.Errorf("-batch %d: want a positive number", o.batch)
	case set["data"] && o.data == "":
		return errors.New(`-data "": ` + wantData)
	case set["base"] && !slices.Contains(bases, o.base):
		return fmt.Errorf("-base %q: want one of: %s%s", o.base, strings.Join(bases, ", "), text.Meant(o.base, bases...))
	}
	for _, f := range []struct{ name, value string }{
		{"explain", o.explain}, {"model", o.model}, {"dot", o.dot}, {"json", o.json},
	} {
		if set[f.name] && f.value == "" {
			return fmt.Errorf(`-%s "": want a name`, f.name)
		}
	}
	return nil
}
