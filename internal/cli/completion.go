// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// Shells are those that WriteCompletion knows.
var Shells = []string{"bash", "zsh", "fish"}

// Program is a command line to complete.
type Program struct {
	Name     string
	Flags    *flag.FlagSet     // without a subcommand; nil for none
	Values   map[string]Values // of the flags, of all subcommands too, that take certain ones
	Commands []Subcommand
}

// Subcommand is a word behind the program's name with its own flags.
type Subcommand struct {
	Name, Summary string
	Flags         *flag.FlagSet // nil for none
	Args          Values
}

// Values are the words that a flag or an argument can be.
type Values struct {
	Words          []string
	Files, Folders bool
	// On are the flags on whose value the words depend, and Depending the words for it.
	On        []string
	Depending []Dependent
}

// Dependent are the words for one value of another flag.
type Dependent struct {
	Value string
	Words []string
}

// WriteCompletion writes the script that completes the command line in a shell, which args names.
func (p Program) WriteCompletion(w io.Writer, args []string) error {
	if len(args) != 1 || !slices.Contains(Shells, args[0]) {
		return Misuse("completion: got %q, want one of: %s%s", args, strings.Join(Shells, ", "), text.Meant(strings.Join(args, " "), Shells...))
	}
	script := ""
	switch n := p.Name; args[0] {
	case "bash":
		script = fmt.Sprintf("# bash completion of %[1]s: source <(%[1]s completion bash)\n\n%[2]s", n, p.bash())
	case "zsh":
		script = fmt.Sprintf("#compdef %[1]s\n# zsh completion of %[1]s: source <(%[1]s completion zsh)\n\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n\n%[2]s", n, p.bash())
	case "fish":
		script = fmt.Sprintf("# fish completion of %[1]s: %[1]s completion fish | source\n\n%[2]s", n, p.fish())
	}
	_, err := io.WriteString(w, script)
	return err
}

// flagsOf lists the flags of a set in order.
func flagsOf(f *flag.FlagSet) (list []*flag.Flag) {
	if f != nil {
		f.VisitAll(func(fl *flag.Flag) { list = append(list, fl) })
	}
	return list
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// names are those of the subcommands.
func (p Program) names() (list []string) {
	for _, c := range p.Commands {
		list = append(list, c.Name)
	}
	return list
}

// bash is a function that completes words in bash, and in zsh by its emulation of bash.
func (p Program) bash() string {
	var b strings.Builder
	fmt.Fprintf(&b, "_%s() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} on=\"\" i\n\tCOMPREPLY=()\n", p.Name)
	b.WriteString("\tcase ${COMP_WORDS[1]} in\n")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "\t%s)\n\t\tif ((COMP_CWORD > 1)); then\n", c.Name)
		p.bashFlags(&b, "\t\t\t", c.Flags)
		flags := flagsOf(c.Flags)
		indent := "\t\t\t"
		if len(flags) > 0 {
			fmt.Fprintf(&b, "%sif [[ $cur == -* ]]; then\n%s\t%s\n%s\treturn\n%sfi\n", indent, indent, words(dashed(flags)), indent, indent)
		}
		for _, line := range c.Args.reply() {
			fmt.Fprintf(&b, "%s%s\n", indent, line)
		}
		b.WriteString("\t\t\treturn\n\t\tfi ;;\n")
	}
	b.WriteString("\tesac\n")
	p.bashFlags(&b, "\t", p.Flags)
	if flags := flagsOf(p.Flags); len(flags) > 0 {
		fmt.Fprintf(&b, "\t%s\n", words(dashed(flags)))
	}
	fmt.Fprintf(&b, "\tif ((COMP_CWORD == 1)); then COMPREPLY+=($(compgen -W \"%s\" -- \"$cur\")); fi\n}\ncomplete -F _%s %[2]s\n", strings.Join(p.names(), " "), p.Name)
	return b.String()
}

// bashFlags completes the value of a flag.
func (p Program) bashFlags(b *strings.Builder, indent string, set *flag.FlagSet) {
	flags := flagsOf(set)
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, "%scase $prev in\n", indent)
	for _, f := range flags {
		if isBool(f) {
			continue
		}
		v := p.Values[f.Name]
		fmt.Fprintf(b, "%s-%s)\n", indent, f.Name)
		for _, line := range v.reply() {
			fmt.Fprintf(b, "%s\t%s\n", indent, line)
		}
		fmt.Fprintf(b, "%s\treturn ;;\n", indent)
	}
	fmt.Fprintf(b, "%sesac\n", indent)
}

func dashed(flags []*flag.Flag) (list []string) {
	for _, f := range flags {
		list = append(list, "-"+f.Name)
	}
	return list
}

func words(list []string) string {
	return fmt.Sprintf(`COMPREPLY=($(compgen -W "%s" -- "$cur"))`, strings.Join(list, " "))
}

// reply are the lines that set COMPREPLY.
func (v Values) reply() (lines []string) {
	if v.Files || v.Folders {
		lines = append(lines, "compopt -o filenames 2>/dev/null")
	}
	if len(v.Words) > 0 {
		lines = append(lines, words(v.Words))
	}
	switch {
	case v.Files:
		lines = append(lines, `COMPREPLY+=($(compgen -f -- "$cur"))`)
	case v.Folders:
		lines = append(lines, `COMPREPLY+=($(compgen -d -- "$cur"))`)
	}
	if len(v.Depending) > 0 {
		lines = append(lines, fmt.Sprintf("for ((i = 1; i < COMP_CWORD; i++)); do case ${COMP_WORDS[i]} in %s) on=${COMP_WORDS[i+1]} ;; esac; done", "-"+strings.Join(v.On, " | -")), "case $on in")
		for _, d := range v.Depending {
			lines = append(lines, fmt.Sprintf("%s) %s ;;", d.Value, words(d.Words)))
		}
		lines = append(lines, "esac")
	}
	if len(lines) == 0 {
		lines = []string{":"}
	}
	return lines
}

// fish is a line for each flag.
func (p Program) fish() string {
	var b strings.Builder
	fmt.Fprintf(&b, "complete -c %s -f\n", p.Name)
	all := strings.Join(p.names(), " ")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "complete -c %s -n __fish_is_first_arg -a %s -d %q\n", p.Name, c.Name, c.Summary)
		within := fmt.Sprintf(`-n "__fish_seen_subcommand_from %s"`, c.Name)
		switch v := c.Args; {
		case v.Files:
			fmt.Fprintf(&b, "complete -c %s %s -F\n", p.Name, within)
		case v.Folders:
			fmt.Fprintf(&b, "complete -c %s %s -a \"(__fish_complete_directories)\"\n", p.Name, within)
		case len(v.Words) > 0:
			fmt.Fprintf(&b, "complete -c %s %s -a %q\n", p.Name, within, strings.Join(v.Words, " "))
		}
		for _, f := range flagsOf(c.Flags) {
			p.fishFlag(&b, within, f)
		}
	}
	for _, f := range flagsOf(p.Flags) {
		p.fishFlag(&b, fmt.Sprintf(`-n "not __fish_seen_subcommand_from %s"`, all), f)
	}
	return b.String()
}

func (p Program) fishFlag(b *strings.Builder, condition string, f *flag.Flag) {
	_, usage := flag.UnquoteUsage(f)
	short, _, _ := strings.Cut(usage, " (")
	line := fmt.Sprintf("complete -c %s %s -o %s -d %q", p.Name, condition, f.Name, short)
	v := p.Values[f.Name]
	given := strings.Join(v.Words, " ")
	switch {
	case isBool(f):
	case v.Folders:
		line += fmt.Sprintf(" -x -a %q", strings.TrimSpace(given+" (__fish_complete_directories)"))
	case v.Files:
		line += " -r -F"
	case given != "":
		line += fmt.Sprintf(" -x -a %q", given)
	default:
		line += " -x"
	}
	fmt.Fprintln(b, line)
	for _, d := range v.Depending {
		fmt.Fprintf(b, "complete -c %s -n \"__fish_seen_argument -o %s; and string match -q -- '* %s*' (commandline)\" -o %s -x -a %q\n", p.Name, v.On[0], d.Value, f.Name, strings.Join(d.Words, " "))
	}
}
