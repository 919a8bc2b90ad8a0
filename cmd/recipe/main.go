// SPDX-License-Identifier: Apache-2.0

// Command recipe runs the projects of package recipes:
//
//	go run ./cmd/recipe -list
//	go run ./cmd/recipe -name mnist
//	go run ./cmd/recipe -fetch all
//
// It trains on the full data when that is on this machine and on the embedded
// sample otherwise, shows progress while it trains and leaves the model, the
// history, drawings of the graph and a report in -out. Ctrl-C finishes the
// batch that runs, saves, and exits with status 130.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/recipes"
)

// The exit statuses.
const (
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, errHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "recipe: %v\n", err)
		return exitUsage
	case o.list:
		list(stdout)
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	if len(o.fetch) > 0 {
		err = o.download(ctx, stdout, stderr)
	} else {
		err = o.run(ctx, stdout, stderr)
	}
	switch {
	case errors.Is(err, keraslike.ErrInterrupted) || errors.Is(err, context.Canceled):
		fmt.Fprintf(stderr, "recipe: %v\n", err)
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(stderr, "recipe: %v\n", err)
		return exitError
	}
	return 0
}

func list(w io.Writer) {
	for _, r := range recipes.All() {
		fmt.Fprintf(w, "%-12s %s\n", r.Name, r.Title)
		if len(r.Variants) > 0 {
			fmt.Fprintf(w, "%-12s variants: %s\n", "", strings.Join(r.Variants, ", "))
		}
	}
}
