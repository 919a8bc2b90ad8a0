// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/recipes"
)

// completion prints the script that completes the command line in a shell.
func completion(w io.Writer, args []string) error { return program().WriteCompletion(w, args) }

// program describes the command line.
func program() cli.Program {
	var names []string
	variants := cli.Values{On: []string{"name", "describe"}}
	for _, r := range recipes.All() {
		names = append(names, r.Name)
		if len(r.Variants) > 0 {
			variants.Depending = append(variants.Depending, cli.Dependent{Value: r.Name, Words: r.Variants})
		}
	}
	sets := []string{"all"}
	for _, s := range slices.Concat(datasets.Sets(), datasets.Weights()) {
		sets = append(sets, s.Name)
	}
	file := cli.Values{Files: true}
	return cli.Program{
		Name:  "recipe",
		Flags: newFlags(&options{}),
		Values: map[string]cli.Values{
			"name":     {Words: names},
			"describe": {Words: names},
			"fetch":    {Words: sets},
			"base":     {Words: recipes.Bases()},
			"variant":  variants,
			"data":     {Words: []string{datasets.Sample, datasets.Full}, Folders: true},
			"out":      {Folders: true},
			"dot":      file, "explain": file, "json": file, "model": file,
		},
		Commands: []cli.Subcommand{
			{Name: "compare", Summary: "compare the results of runs", Args: cli.Values{Folders: true}},
			{Name: "completion", Summary: "print a completion script", Args: cli.Values{Words: cli.Shells}},
		},
	}
}
