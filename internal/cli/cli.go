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
	"time"

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
	fmt.Fprintln(stderr, onTerminal(stderr, fmt.Sprintf("%s: %v", program, err)))
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

// FlagError adds to an error of package flag the flag that was probably meant, or what its value
// should be.
func FlagError(f *flag.FlagSet, err error) error {
	if value, name, ok := invalidValue(err); ok && f.Lookup(name) != nil {
		if want := kindOf(f.Lookup(name)); want != "" {
			return fmt.Errorf("-%s %s: want %s; -help shows all flags", name, value, want)
		}
	}
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

// invalidValue returns the value, quoted, and the flag of an error that package flag makes of a value
// that it cannot parse.
func invalidValue(err error) (value, name string, ok bool) {
	rest, ok := strings.CutPrefix(err.Error(), "invalid value ")
	if !ok {
		rest, ok = strings.CutPrefix(err.Error(), "invalid boolean value ")
	}
	end := strings.LastIndex(rest, ": ") // of what the parser says
	if !ok || end < 0 {
		return "", "", false
	}
	for _, between := range []string{" for flag -", " for -"} {
		if at := strings.LastIndex(rest[:end], between); at >= 0 {
			return rest[:at], rest[at+len(between) : end], true
		}
	}
	return "", "", false
}

// kindOf says what the value of a flag must be, empty for a type of the program's own.
func kindOf(f *flag.Flag) string {
	getter, ok := f.Value.(flag.Getter)
	if !ok {
		return ""
	}
	switch getter.Get().(type) {
	case int, int64:
		return "a whole number"
	case uint, uint64:
		return "a whole number of at least 0"
	case float64:
		return "a number"
	case time.Duration:
		return "a duration such as 30s or 5m"
	case bool:
		return "true or false"
	}
	return ""
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

// PrintFlags lists the flags of f in alphabetical order, with their defaults.
func PrintFlags(w io.Writer, f *flag.FlagSet) {
	width := TextWidth(w)
	f.VisitAll(func(fl *flag.Flag) {
		name, usage := flag.UnquoteUsage(fl)
		switch fl.DefValue {
		case "", "0", "false", "0s":
		default:
			usage += fmt.Sprintf(" (default %s)", fl.DefValue)
		}
		fmt.Fprintln(w, strings.TrimRight("  -"+fl.Name+" "+name, " "))
		Paragraph(w, "        ", usage, width)
	})
}
