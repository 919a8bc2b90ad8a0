// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// argumentError reports an argument without a flag and suggests the flag for it.
func argumentError(f *flag.FlagSet) error {
	arg := f.Arg(0)
	var names, flags, variants []string
	for _, r := range recipes.All() {
		names = append(names, r.Name)
		variants = append(variants, r.Variants...)
	}
	f.VisitAll(func(fl *flag.Flag) { flags = append(flags, fl.Name) })
	call := ""
	word, value, assigned := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	switch isVariant := slices.Contains(variants, arg); {
	case assigned && slices.Contains(flags, word): // name=mnist
		call = fmt.Sprintf("-%s %s", word, value)
	case text.Nearest(arg, names...) != "" && !isVariant: // mnist, minst
		call = "-name " + text.Nearest(arg, names...)
	case text.Nearest(arg, "compare", "completion") != "":
		call = "recipe " + text.Nearest(arg, "compare", "completion")
	case arg == "help" || arg == "list" || arg == "q": // without its dash
		call = "-" + arg
	case arg == "describe":
		call = "-describe RECIPE"
	case slices.Contains(flags, word):
		call = "-" + word + " VALUE"
	case isVariant:
		call = "-variant " + arg
	case arg == datasets.Sample || arg == datasets.Full:
		call = "-data " + arg
	}
	if call == "" {
		return fmt.Errorf("unexpected argument %q: arguments are flags, as in -name mnist; -help shows them all", arg)
	}
	return fmt.Errorf("unexpected argument %q: did you mean %s? -help shows all flags", arg, call)
}

// wantData are the choices of -data.
const wantData = "want sample, full or a folder with the published files"

// dataError checks that -data names a source or a folder.
func dataError(data string) error {
	if data == datasets.Local || data == datasets.Sample || data == datasets.Full {
		return nil
	}
	info, err := os.Stat(data)
	switch {
	case err != nil:
		return cli.Misuse("-data %q: %s%s; %w", data, wantData, text.Meant(data, datasets.Sample, datasets.Full), err)
	case !info.IsDir():
		return cli.Misuse("-data %q: %s; this is a file", data, wantData)
	}
	return nil
}
