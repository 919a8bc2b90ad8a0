// SPDX-License-Identifier: Apache-2.0

// Command recipe runs the projects of package recipes:
//
//	go run ./cmd/recipe -list
//	go run ./cmd/recipe -name mnist
//	go run ./cmd/recipe -describe mnist
//	go run ./cmd/recipe -fetch all
//	go run ./cmd/recipe compare runs/mnist runs/mnistcnn
//
// It trains on the full data if that is on this machine and on the embedded
// sample otherwise, shows progress, and writes the model, the history, drawings
// of the graph and a report to the folder -out. Ctrl-C finishes the current
// batch and saves what was trained; -resume continues the run as if it had not been
// interrupted. A second Ctrl-C exits at once.
//
// -describe explains the layers of a project and -list says how long each takes:
// the whole command, all variants in turn, with data on disk, measured on two cores
// of an AMD EPYC with AVX-512. compare shows runs side by side; "source <(recipe completion
// bash)" completes the command line of the installed command.
//
// The exit status is 0 if all went well, 1 if something failed, 2 for a mistake on
// the command line and 130 after an interruption.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/keraslike"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command and returns its exit status.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if command, ok := commands[args[0]]; ok {
			return cli.Status("recipe", command(stdout, args[1:]), stderr)
		}
	}
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, cli.ErrHelp):
		return 0
	case err != nil:
		return cli.Status("recipe", cli.UsageError{Err: err}, stderr)
	case o.list:
		list(stdout)
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C exits at once
	switch {
	case len(o.fetch) > 0:
		err = download(ctx, o.fetch, o.quiet, stdout, stderr)
	case o.describe:
		err = describe(stdout, o.recipe, o.variant)
	default:
		err = o.run(ctx, stdout, stderr)
	}
	return cli.Status("recipe", err, stderr, keraslike.ErrInterrupted)
}

// commands are those that are no flag, since they are not about a project.
var commands = map[string]func(w io.Writer, args []string) error{"compare": compare, "completion": completion}
