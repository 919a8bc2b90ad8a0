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
	fetch         []string // names of data sets
	data, variant string
	epochs, batch int
	seed          uint64
	out, dot      string
	json          string
	base, explain string
	model         string
}

var errHelp = errors.New("help was asked for")

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("recipe", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	name := f.String("name", "", "the recipe to run")
	f.BoolVar(&o.list, "list", false, "list the recipes")
	fetch := f.String("fetch", "", "download a data `set`, or all, into the cache and do nothing else")
	f.StringVar(&o.data, "data", datasets.Local, "`sample`, full or a folder (default: full if it is on this machine, else sample)")
	f.StringVar(&o.variant, "variant", "", "one model of the recipe (default: all of them, in turn)")
	f.IntVar(&o.epochs, "epochs", 0, "number of epochs (default: the article's)")
	f.IntVar(&o.batch, "batch", 0, "samples in a batch (default: the article's)")
	f.Uint64Var(&o.seed, "seed", 1, "seed of all random numbers")
	f.StringVar(&o.out, "out", "", "`folder` for model, history and report (default: runs/NAME, or runs/NAME-VARIANT)")
	f.StringVar(&o.dot, "dot", "", "`file` for another drawing of the layers")
	f.StringVar(&o.base, "base", "", "pretrained `network` for catsdogs and visualize (default: squeezenet, which is built in)")
	f.StringVar(&o.explain, "explain", "", "`photo` for catsdogs to classify and explain, or for visualize to look at")
	f.StringVar(&o.model, "model", "", "saved model `file` for visualize to open instead of a pretrained network")
	f.StringVar(&o.json, "json", "", "`file` for the report, or - to print it and nothing else")
	f.BoolVar(&o.quiet, "q", false, "show no progress")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "Usage: recipe -name NAME [flags]")
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
	if set["fetch"] {
		var err error
		o.fetch, err = sets(*fetch)
		return o, err
	}
	if !set["name"] {
		return nil, errors.New("no -name given; -list shows the recipes")
	}
	var err error
	if o.recipe, err = recipes.Find(*name); err != nil {
		return nil, err
	}
	if set["variant"] && !slices.Contains(o.recipe.Variants, o.variant) {
		if len(o.recipe.Variants) == 0 {
			return nil, fmt.Errorf("-variant %q: %s has one model only", o.variant, o.recipe.Name)
		}
		return nil, fmt.Errorf("-variant %q: want one of: %s%s", o.variant, strings.Join(o.recipe.Variants, ", "), text.Meant(o.variant, o.recipe.Variants...))
	}
	if set["epochs"] && o.epochs < 1 {
		return nil, fmt.Errorf("-epochs %d: want a positive number", o.epochs)
	}
	if set["batch"] && o.batch < 1 {
		return nil, fmt.Errorf("-batch %d: want a positive number", o.batch)
	}
	if set["data"] && o.data == "" {
		return nil, errors.New(`-data "": ` + wantData)
	}
	if set["base"] && !slices.Contains(recipes.Bases(), o.base) {
		return nil, fmt.Errorf("-base %q: want one of: %s%s", o.base, strings.Join(recipes.Bases(), ", "), text.Meant(o.base, recipes.Bases()...))
	}
	for _, name := range []string{"explain", "model", "out", "dot", "json"} {
		if set[name] && f.Lookup(name).Value.String() == "" {
			return nil, fmt.Errorf(`-%s "": want a name`, name)
		}
	}
	if o.out == "" {
		o.out = filepath.Join("runs", o.recipe.Name)
		if o.variant != "" { // beside the folder of all variants
			o.out += "-" + o.variant
		}
	}
	return o, nil
}
