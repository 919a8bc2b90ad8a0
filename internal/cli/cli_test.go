// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestParse: flags may stand anywhere, and "--" ends them.
func TestParse(t *testing.T) {
	for words, want := range map[string]string{
		"":                   "[] 0 false",
		"a b":                "[a b] 0 false",
		"-n 3 a -v b":        "[a b] 3 true",
		"a -n=3":             "[a] 3 false",
		"a - -v":             "[a -] 0 true",
		"a -- -v -n":         "[a -v -n] 0 false",
		"-- a":               "[a] 0 false",
		"a -n 1 -- -- b":     "[a -- b] 1 false",
		"-nmber 3":           "flag provided but not defined: -nmber (did you mean -number?); -help shows all flags",
		"-m":                 "flag provided but not defined: -m; -help shows all flags",
		"a -n x":             `-n "x": want a whole number; -help shows all flags`,
		"a -n":               "flag needs an argument: -n; -help shows all flags",
		"a -h":               "help",
		"a --help -unknown":  "help",
		"-- -h":              "[-h] 0 false",
		"a -- -h --help -- ": "[a -h --help --] 0 false",
	} {
		f := flag.NewFlagSet("test", flag.ContinueOnError)
		f.SetOutput(io.Discard)
		n, v := f.Int("n", 0, "number"), f.Bool("v", false, "verbose")
		f.Int("number", 0, "another number")
		args, err := Parse(f, strings.Fields(words))
		got := fmt.Sprint(args, *n, *v)
		switch {
		case errors.Is(err, ErrHelp):
			got = "help"
		case err != nil:
			if got = err.Error(); !errors.As(err, new(UsageError)) {
				t.Errorf("%q: %v is no UsageError", words, err)
			}
		case args == nil:
			got = strings.Replace(got, "<nil>", "[]", 1)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", words, got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	own := errors.New("stopped")
	for _, c := range []struct {
		err    error
		status int
		said   string
	}{
		{nil, 0, ""},
		{ErrHelp, 0, ""},
		{errors.New("broken"), Failed, "test: broken\n"},
		{Misuse("no %s", "name"), Misused, "test: no name\n"},
		{fmt.Errorf("a: %w", Misuse("no name")), Misused, "test: a: no name\n"},
		{fmt.Errorf("a: %w", context.Canceled), Interrupted, "test: a: context canceled\n"},
		{fmt.Errorf("a: %w", own), Interrupted, "test: a: stopped\n"},
	} {
		var b strings.Builder
		if got := Status("test", c.err, &b, own); got != c.status || b.String() != c.said {
			t.Errorf("%v: status %d, %q; want %d, %q", c.err, got, b.String(), c.status, c.said)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"one two three four":   "one two\nthree four",
		"  one \n two ":        "one two",
		"unbelievablylong two": "unbelievablylong\ntwo",
		"über über über":       "über über\nüber",
	} {
		if got := Wrap(text, 10); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	var b strings.Builder
	Paragraph(&b, "  ", "one two three", 10)
	if want := "  one two\n  three\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	if w := TextWidth(&b); w != 79 {
		t.Errorf("text is %d wide without a terminal, want 79", w)
	}
}

func testProgram() Program {
	flags := func(names ...string) *flag.FlagSet {
		f := flag.NewFlagSet("", flag.ContinueOnError)
		for _, n := range names {
			f.String(n, "", "`value` of "+n)
		}
		f.Bool("quiet", false, "say nothing")
		return f
	}
	return Program{
		Name: "tool", Flags: flags("name", "kind", "dir"),
		Values: map[string]Values{
			"name": {Words: []string{"one", "two"}}, "dir": {Folders: true}, "file": {Files: true},
			"kind": {On: []string{"name"}, Depending: []Dependent{{"one", []string{"a", "b"}}}},
		},
		Commands: []Subcommand{
			{Name: "show", Summary: "show it", Flags: flags("file", "name"), Args: Values{Words: []string{"all"}}},
			{Name: "list", Summary: "list them"},
		},
	}
}

// TestCompletion asks the bash script what follows, and checks the scripts with the shells that are
// installed.
func TestCompletion(t *testing.T) {
	p := testProgram()
	scripts := map[string]string{}
	for _, shell := range Shells {
		var b strings.Builder
		if err := p.WriteCompletion(&b, []string{shell}); err != nil {
			t.Fatal(err)
		}
		scripts[shell] = b.String()
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		check := exec.Command(path, "-n")
		check.Stdin = strings.NewReader(b.String())
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
	for _, args := range [][]string{nil, {"bsah"}, {"bash", "zsh"}} {
		if err := p.WriteCompletion(io.Discard, args); !errors.As(err, new(UsageError)) {
			t.Errorf("%q: %v, want a UsageError", args, err)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	for line, want := range map[string][]string{
		"":                     {"-dir", "-kind", "-name", "-quiet", "list", "show"},
		"sh":                   {"show"},
		"-name ":               {"one", "two"},
		"-name one -kind ":     {"a", "b"},
		"-name two -kind ":     nil,
		"show ":                {"all"},
		"show -f":              {"-file"},
		"show -name t":         {"two"},
		"list ":                nil,
		"-quiet -na":           {"-name"},
		"show all -quiet -fil": {"-file"},
	} {
		quoted := "'" + strings.Join(strings.Split("tool "+line, " "), "' '") + "'"
		test := scripts["bash"] + "\nCOMP_WORDS=(" + quoted + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tool; printf '%s\\n' \"${COMPREPLY[@]}\""
		out, err := exec.Command(bash, "--norc", "-c", test).CombinedOutput()
		got := strings.Fields(string(out))
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is completed by %q, want %q (%v)", line, got, want, err)
		}
	}
}
