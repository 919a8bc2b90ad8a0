// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// options are the command line.
type options struct {
	recipe        recipes.Recipe
	list, quiet   bool
	fetch         []string // names of the sets to download
	data, variant string
	epochs, batch int
	seed          uint64
	out, dot      string
	json          string
	base, explain string
	model         string
}

var errHelp = errors.New("help requested")

const usage = `Usage: recipe -name RECIPE [flags]

Recipe trains the networks of an example project and writes the model, its history and an
HTML report. recipe -list shows the projects.

`

// parse reads the command line. It prints the help to stderr and returns errHelp if asked to.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("recipe", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	name := f.String("name", "", "`recipe` to run")
	f.BoolVar(&o.list, "list", false, "list the recipes and exit")
	fetch := f.String("fetch", "", "download a data `set`, or all of them, to the cache and exit")
	f.StringVar(&o.data, "data", datasets.Local, "`source` of the data: sample, full, or a folder with the published files (default: full if it is on this machine, otherwise sample)")
	f.StringVar(&o.variant, "variant", "", "train this `variant` of the model only (default: all variants in turn)")
	f.IntVar(&o.epochs, "epochs", 0, "`number` of epochs (default: as in the article)")
	f.IntVar(&o.batch, "batch", 0, "batch `size` (default: as in the article)")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that seeds all randomness")
	f.StringVar(&o.out, "out", "", "output `folder` for the model, history and report (default: runs/RECIPE, or runs/RECIPE-VARIANT)")
	f.StringVar(&o.dot, "dot", "", "also write the graph of layers to this `file`, in Graphviz format")
	f.StringVar(&o.base, "base", "", "pretrained `network` for catsdogs and visualize: "+strings.Join(recipes.Bases(), " or ")+" (default: squeezenet, which is built in)")
	f.StringVar(&o.explain, "explain", "", "`photo` for catsdogs to classify and explain, or for visualize to analyze")
	f.StringVar(&o.model, "model", "", "saved model `file` for visualize to use instead of a pretrained network")
	f.StringVar(&o.json, "json", "", "also write the report as JSON to this `file`; - prints it, and everything else goes to standard error")
	f.BoolVar(&o.quiet, "q", false, "do not show progress")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, usage)
			f.SetOutput(stderr)
			f.PrintDefaults()
			return nil, errHelp
		}
		return nil, flagError(f, err)
	}
	if f.NArg() > 0 {
		return nil, argumentError(f)
	}
	if o.list {
		return o, nil
	}
	set := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { set[fl.Name] = true })
	var err error
	if set["fetch"] {
		o.fetch, err = sets(*fetch)
		return o, err
	}
	if !set["name"] {
		return nil, errors.New("no -name given; -list shows the recipes")
	}
	if o.recipe, err = recipes.Find(*name); err != nil {
		return nil, err
	}
	if err := o.check(set); err != nil {
		return nil, err
	}
	if o.out == "" {
		o.out = filepath.Join("runs", o.recipe.Name)
		if o.variant != "" { // beside the folder of all variants
			o.out += "-" + o.variant
		}
	}
	return o, nil
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
		{"explain", o.explain}, {"model", o.model}, {"out", o.out}, {"dot", o.dot}, {"json", o.json},
	} {
		if set[f.name] && f.value == "" {
			return fmt.Errorf(`-%s "": want a name`, f.name)
		}
	}
	return nil
}
