// SPDX-License-Identifier: Apache-2.0

// Command model looks into a model file and uses it: any file that Reef reads, its own, those of
// Keras (.h5, .keras), and files of weights (safetensors, .npz, .weights.h5) where that makes sense.
//
//	go run ./cmd/model summary  FILE               layers, weights, settings
//	go run ./cmd/model graph    FILE -o graph.svg  a drawing
//	go run ./cmd/model predict  FILE cat.jpg       predictions for pictures, CSV, text, JSON, npy
//	go run ./cmd/model explain  FILE cat.jpg       where the network looked
//	go run ./cmd/model convert  FILE OUT           to Reef's format, safetensors or npz
//	go run ./cmd/model diff     FILE FILE          what differs
//	go run ./cmd/model bench    FILE               latency, throughput and memory
//
// -h behind a subcommand explains it, with examples; "source <(model completion bash)" completes
// the command line of the installed command.
//
// The exit status is 0 if all went well, 1 if something failed, 2 for a mistake on the command line
// and 130 after an interruption. diff has those of diff: 0 if the models are equal, 1 if they
// differ, 2 for trouble.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C exits at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// subcommand is one of the commands.
type subcommand struct {
	name, args, summary string
	help                string // what it does, with examples; wrapped by hand
	exit                string // its exit statuses, if they are its own
	// start declares the flags and returns what runs the command with the arguments.
	start func(f *flag.FlagSet) func(ctx context.Context, s streams, args []string) error
}

var subcommands = []subcommand{summaryCommand, graphCommand, predictCommand, explainCommand, convertCommand, diffCommand, benchCommand}

// flagValues are those of flags that take certain values.
var flagValues = map[string]cli.Values{
	"o":      {Files: true},
	"into":   {Files: true},
	"as":     {Words: kinds},
	"format": {Words: []string{"table", "json", "csv", "dot", "svg"}},
	"level":  {Words: []string{"layers", "ops", "memory"}},
	"pixels": {Words: pixelNames},
	"method": {Words: methodNames},
	"to":     {Words: formatNames},
}

const exitStatus = `
Exit status:
  0    done
  1    something failed: files, data, memory
  2    a mistake on the command line; nothing was done
  130  interrupted by Ctrl-C or a termination signal
`

const closing = `
The output has no escape codes and no colors, so NO_COLOR is obeyed.
`

// run runs the command and returns its exit status.
func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		return cli.Status("model", cli.Misuse("no command; want one of: %s; -h explains them", strings.Join(commandNames(), ", ")), s.err)
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help", "help":
		if len(args) > 1 && args[0] == "help" {
			return run(ctx, []string{args[1], "-h"}, s)
		}
		usage(s.out)
		return 0
	case "completion":
		return cli.Status("model", program().WriteCompletion(s.out, args[1:]), s.err)
	}
	i := slices.IndexFunc(subcommands, func(c subcommand) bool { return c.name == name })
	if i < 0 {
		what := "unknown command"
		if strings.HasPrefix(name, "-") {
			what = "unknown flag, or one before the command:"
		}
		return cli.Status("model", cli.Misuse("%s %q%s; want one of: %s", what, name, text.Meant(name, commandNames()...), strings.Join(commandNames(), ", ")), s.err)
	}
	c := subcommands[i]
	err := c.run(ctx, s, args[1:])
	if err != nil && ctx.Err() != nil && !errors.As(err, new(cli.UsageError)) {
		err = fmt.Errorf("%w (%w)", err, context.Canceled)
	}
	if errors.Is(err, errDifferent) {
		return 1
	}
	status := cli.Status("model "+c.name, err, s.err, k.ErrInterrupted)
	if status == cli.Failed && c.name == "diff" {
		return 2
	}
	return status
}

// run parses the command line of a subcommand and runs it.
func (c subcommand) run(ctx context.Context, s streams, words []string) error {
	f := c.flags()
	work := c.start(f)
	args, err := cli.Parse(f, words)
	if errors.Is(err, cli.ErrHelp) {
		fmt.Fprintf(s.out, "Usage: model %s %s [flags]\n\n%s\nFlags:\n", c.name, c.args, c.help)
		cli.PrintFlags(s.out, f)
		exit := exitStatus
		if c.exit != "" {
			exit = c.exit
		}
		fmt.Fprint(s.out, exit, closing)
		return cli.ErrHelp
	}
	if err != nil {
		return err
	}
	// A closed pipe, as of "model summary FILE | head", is no reason to go on.
	out := &writer{w: s.out}
	s.out = out
	if err := work(ctx, s, args); err != nil && !errors.Is(out.err, syscall.EPIPE) {
		return err
	}
	if out.err != nil && !errors.Is(out.err, syscall.EPIPE) {
		return fmt.Errorf("output: %w", out.err)
	}
	return nil
}

// flags returns an empty set of flags.
func (c subcommand) flags() *flag.FlagSet {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// writer keeps the first error of w.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

func commandNames() (names []string) {
	for _, c := range subcommands {
		names = append(names, c.name)
	}
	return append(names, "completion")
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Usage: model COMMAND FILE [arguments] [flags]\n\nCommands:\n")
	for _, c := range subcommands {
		fmt.Fprintf(w, "  %-34s %s\n", c.name+" "+c.args, c.summary)
	}
	fmt.Fprintf(w, "  %-34s %s\n", "completion SHELL", "print a completion script for bash, zsh or fish")
	fmt.Fprint(w, `
FILE is a model that Reef saved, a Keras model (.h5, .keras), or weights alone
(safetensors, npz, .weights.h5), which only summary, convert and diff can use.
The format is found from the content. "model COMMAND -h" explains a command.
Flags may stand before and behind the arguments.
`, exitStatus, closing)
}

// program describes the command line for completion.
func program() cli.Program {
	p := cli.Program{Name: "model", Values: flagValues}
	for _, c := range subcommands {
		f := c.flags()
		c.start(f)
		p.Commands = append(p.Commands, cli.Subcommand{Name: c.name, Summary: c.summary, Flags: f, Args: cli.Values{Files: true}})
	}
	p.Commands = append(p.Commands, cli.Subcommand{Name: "completion", Summary: "print a completion script", Args: cli.Values{Words: cli.Shells}})
	return p
}

// wantArgs checks the number of arguments.
func wantArgs(args []string, want ...string) error {
	switch {
	case len(args) < len(want):
		return cli.Misuse("no %s given; -h explains the command", want[len(args)])
	case len(args) > len(want):
		return cli.Misuse("unexpected argument %q; want %s", args[len(want)], strings.Join(want, " "))
	}
	return nil
}

// oneOf checks the value of a flag.
func oneOf(flag, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return cli.Misuse("-%s %q: want one of: %s%s", flag, value, strings.Join(choices, ", "), text.Meant(value, choices...))
}
