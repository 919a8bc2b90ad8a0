// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// shells are those that completion knows.
var shells = []string{"bash", "zsh", "fish"}

// completion prints the script that completes the command line in a shell.
func completion(w io.Writer, args []string) error {
	if len(args) != 1 || !slices.Contains(shells, args[0]) {
		return usageError{fmt.Errorf("completion: got %q, want one of: %s%s", args, strings.Join(shells, ", "), text.Meant(strings.Join(args, " "), shells...))}
	}
	switch args[0] {
	case "bash":
		fmt.Fprint(w, "# bash completion of recipe: source <(recipe completion bash)\n\n"+bashFunction())
	case "zsh":
		fmt.Fprint(w, "#compdef recipe\n# zsh completion of recipe: source <(recipe completion zsh)\n\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n\n"+bashFunction())
	case "fish":
		fmt.Fprint(w, "# fish completion of recipe: recipe completion fish | source\n\n"+fishLines())
	}
	return nil
}

// recipeNames returns the names of all recipes.
func recipeNames() (names []string) {
	for _, r := range recipes.All() {
		names = append(names, r.Name)
	}
	return names
}

// choices returns the values of a flag; nil where it takes any.
func choices(name string) []string {
	switch name {
	case "name", "describe":
		return recipeNames()
	case "fetch":
		all := []string{"all"}
		for _, s := range slices.Concat(datasets.Sets(), datasets.Weights()) {
			all = append(all, s.Name)
		}
		return all
	case "base":
		return recipes.Bases()
	case "data":
		return []string{datasets.Sample, datasets.Full}
	}
	return nil
}

// fileFlags and folderFlags take the names of files and folders.
var (
	fileFlags   = []string{"dot", "explain", "json", "model"}
	folderFlags = []string{"data", "out"}
)

// commandFlags returns the flags of the command in order.
func commandFlags() (list []*flag.Flag) {
	newFlags(&options{}).VisitAll(func(f *flag.Flag) { list = append(list, f) })
	return list
}

// bashFunction completes words in bash, and in zsh by its emulation of bash.
func bashFunction() string {
	var b strings.Builder
	b.WriteString(`_recipe() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} project="" i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in -name | -describe) project=${COMP_WORDS[i+1]} ;; esac
	done
	case $prev in
`)
	branch := func(names []string, reply string) {
		for i, n := range names {
			names[i] = "-" + n
		}
		fmt.Fprintf(&b, "\t%s)\n\t\t%s\n\t\treturn ;;\n", strings.Join(names, " | "), reply)
	}
	words := func(list []string) string {
		return fmt.Sprintf(`COMPREPLY=($(compgen -W "%s" -- "$cur"))`, strings.Join(list, " "))
	}
	const filenames = "compopt -o filenames 2>/dev/null\n\t\t"
	branch([]string{"name", "describe"}, words(choices("name")))
	branch([]string{"fetch"}, words(choices("fetch")))
	branch([]string{"base"}, words(choices("base")))
	branch([]string{"data"}, filenames+words(choices("data"))+"\n\t\tCOMPREPLY+=($(compgen -d -- \"$cur\"))")
	branch([]string{"out"}, filenames+`COMPREPLY=($(compgen -d -- "$cur"))`)
	branch(slices.Clone(fileFlags), filenames+`COMPREPLY=($(compgen -f -- "$cur"))`)
	b.WriteString("\t-variant)\n\t\tcase $project in\n")
	for _, r := range recipes.All() {
		if len(r.Variants) > 0 {
			fmt.Fprintf(&b, "\t\t%s) %s ;;\n", r.Name, words(r.Variants))
		}
	}
	b.WriteString("\t\tesac\n\t\treturn ;;\n")
	branch([]string{"epochs", "batch", "seed"}, ":")
	b.WriteString("\tesac\n\tcase ${COMP_WORDS[1]} in\n")
	fmt.Fprintf(&b, "\tcompare)\n\t\t%s\n\t\treturn ;;\n", filenames+`COMPREPLY=($(compgen -d -- "$cur"))`)
	fmt.Fprintf(&b, "\tcompletion)\n\t\t%s\n\t\treturn ;;\n\tesac\n", words(shells))
	all := []string{}
	for _, f := range commandFlags() {
		all = append(all, "-"+f.Name)
	}
	fmt.Fprintf(&b, "\t%s\n", words(all))
	fmt.Fprintf(&b, "\tif ((COMP_CWORD == 1)); then COMPREPLY+=($(compgen -W \"compare completion\" -- \"$cur\")); fi\n}\ncomplete -F _recipe recipe\n")
	return b.String()
}

// fishLines declares each flag with its values.
func fishLines() string {
	var b strings.Builder
	fmt.Fprintln(&b, "complete -c recipe -f")
	fmt.Fprintln(&b, `complete -c recipe -n __fish_use_subcommand -a compare -d "compare runs"`)
	fmt.Fprintln(&b, `complete -c recipe -n __fish_use_subcommand -a completion -d "print a completion script"`)
	fmt.Fprintln(&b, `complete -c recipe -n "__fish_seen_subcommand_from compare" -a "(__fish_complete_directories)"`)
	fmt.Fprintf(&b, "complete -c recipe -n \"__fish_seen_subcommand_from completion\" -a %q\n", strings.Join(shells, " "))
	for _, f := range commandFlags() {
		_, usage := flag.UnquoteUsage(f)
		short, _, _ := strings.Cut(usage, " (")
		line := fmt.Sprintf("complete -c recipe -o %s -d %q", f.Name, short)
		values := strings.Join(choices(f.Name), " ")
		isBool, ok := f.Value.(interface{ IsBoolFlag() bool })
		switch {
		case ok && isBool.IsBoolFlag():
		case slices.Contains(folderFlags, f.Name):
			line += fmt.Sprintf(" -x -a %q", strings.TrimSpace(values+" (__fish_complete_directories)"))
		case slices.Contains(fileFlags, f.Name):
			line += " -r -F"
		case values != "":
			line += fmt.Sprintf(" -x -a %q", values)
		default:
			line += " -x"
		}
		fmt.Fprintln(&b, line)
	}
	for _, r := range recipes.All() {
		if len(r.Variants) > 0 {
			fmt.Fprintf(&b, "complete -c recipe -n \"__fish_seen_argument -o name; and string match -q -- '* %s*' (commandline)\" -o variant -x -a %q\n", r.Name, strings.Join(r.Variants, " "))
		}
	}
	return b.String()
}
