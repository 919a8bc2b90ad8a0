// SPDX-License-Identifier: Apache-2.0

// Package cli has what Reef's commands share: exit statuses, mistakes on the command line
// with a suggestion, help, wrapped text, and completion scripts for shells.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// The exit statuses.
const (
	Failed      = 1
	Misused     = 2
	Interrupted = 130 // 128 + SIGINT
)

// ErrHelp is the error of a command line that asks for help, which has been printed.
var ErrHelp = flag.ErrHelp

// UsageError is a mistake on the command line.
type UsageError struct{ Err error }

// Error returns the message.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e UsageError) Unwrap() error { return e.Err }

// Misuse makes a UsageError.
func Misuse(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Status reports an error of a program and returns the exit status; interrupted are the errors that
// stand for an interruption, besides context.Canceled.
func Status(program string, err error, stderr io.Writer, interrupted ...error) int {
	if err == nil || errors.Is(err, ErrHelp) {
		return 0
	}
	fmt.Fprintf(stderr, "%s: %v\n", program, err)
	for _, cause := range append(interrupted, context.Canceled) {
		if errors.Is(err, cause) {
			return Interrupted
		}
	}
	if errors.As(err, new(UsageError)) {
		return Misused
	}
	return Failed
}

// FlagError adds the flag that was probably meant to an error of package flag.
func FlagError(f *flag.FlagSet, err error) error {
	var names []string
	f.VisitAll(func(fl *flag.Flag) { names = append(names, fl.Name) })
	meant := ""
	if _, name, ok := strings.Cut(err.Error(), "not defined: -"); ok {
		if near := text.Nearest(name, names...); near != "" {
			meant = fmt.Sprintf(" (did you mean -%s?)", near)
		}
	}
	return fmt.Errorf("%w%s; -help shows all flags", err, meant)
}

// Parse parses flags that may stand before, between and behind the arguments, which it returns.
// All words behind "--" are arguments. Errors are a UsageError, or ErrHelp.
func Parse(f *flag.FlagSet, words []string) (args []string, err error) {
	for {
		err := f.Parse(words)
		if errors.Is(err, flag.ErrHelp) {
			return nil, ErrHelp
		} else if err != nil {
			return nil, UsageError{FlagError(f, err)}
		}
		rest := f.Args()
		if parsed := len(words) - len(rest); len(rest) == 0 || parsed > 0 && words[parsed-1] == "--" {
			return append(args, rest...), nil
		}
		args, words = append(args, rest[0]), rest[1:]
	}
}

// PrintFlags lists the flags of f.
func PrintFlags(w io.Writer, f *flag.FlagSet) {
	before := f.Output()
	f.SetOutput(w)
	f.PrintDefaults()
	f.SetOutput(before)
}
