// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	words "github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/serve"
)

// options are the command line.
type options struct {
	models             []model
	addr, log          string
	maxBatch, queue    int
	maxPixels          int
	maxBody, memory    int64
	batchWait, timeout time.Duration
	watch, grace       time.Duration
	verbose            bool
}

// model is a value of -model.
type model struct{ name, file string }

var errHelp = errors.New("help requested")

const usage = `Usage:
  serve -model [NAME=]FILE [-model [NAME=]FILE ...] [flags]

Serves models, saved by Reef or by Keras (.h5, .keras), over HTTP:
  POST /v1/models/NAME:predict    JSON, a picture, a text or CSV
  POST /v2/models/NAME/infer      the Open Inference Protocol
  GET  /v2/health/ready, /v2/models/NAME, /metrics, /

Flags:
`

const exitStatus = `
Exit status:
  0    stopped by SIGINT or SIGTERM, after the requests in progress
  1    something failed: a model, the address, requests that did not end within -grace
  2    a mistake on the command line
  130  stopped at once, by a second SIGINT or SIGTERM

SIGHUP loads all files again. A file that cannot be loaded, or whose inputs or outputs differ
from those of the model that is served, is logged, and that model stays.
`

func newFlags(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Func("model", "`[NAME=]FILE` of a model to serve; may be repeated (default name: that of the file)", o.addModel)
	f.StringVar(&o.addr, "addr", "localhost:8080", "`address` to listen on; :8080 is port 8080 of all interfaces")
	f.IntVar(&o.maxBatch, "max-batch", 64, "most `samples` that are computed at once")
	f.DurationVar(&o.batchWait, "batch-wait", 2*time.Millisecond, "longest `time` that a batch waits for more samples under load")
	f.IntVar(&o.queue, "queue", 1024, "most `samples` of a model that wait; further ones get 503")
	f.DurationVar(&o.timeout, "timeout", 5*time.Second, "longest `time` of a request; one that would wait longer gets 503 at once")
	f.Int64Var(&o.maxBody, "max-body", 16<<20, "longest body of a request in `bytes`")
	f.IntVar(&o.maxPixels, "max-pixels", 16<<20, "largest picture in `pixels`")
	f.Int64Var(&o.memory, "max-memory", 512<<20, "most `bytes` for the bodies and samples of all requests")
	f.DurationVar(&o.watch, "watch", 0, "`interval` at which changed files are loaded again (default: never)")
	f.DurationVar(&o.grace, "grace", 15*time.Second, "longest `time` that a stop waits for requests in progress")
	f.StringVar(&o.log, "log", "text", "`form` of the log on standard error: text, json or none")
	f.BoolVar(&o.verbose, "v", false, "log each request")
	return f
}

// parse reads the command line. It prints the help to stderr and returns errHelp if asked to.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := newFlags(o)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		f.SetOutput(stderr)
		f.PrintDefaults()
		fmt.Fprint(stderr, exitStatus)
		return nil, errHelp
	} else if err != nil {
		return nil, fmt.Errorf("%w%s; -help shows all flags", err, meantFlag(f, err))
	}
	switch {
	case f.NArg() > 0 && len(o.models) == 0:
		return nil, fmt.Errorf("unexpected argument %q: did you mean -model %s? -help shows all flags", f.Arg(0), f.Arg(0))
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q: each file needs its own -model; -help shows all flags", f.Arg(0))
	case len(o.models) == 0:
		return nil, errors.New("no -model given; -help shows all flags")
	case o.log != "text" && o.log != "json" && o.log != "none":
		return nil, fmt.Errorf("-log %q: want text, json or none%s", o.log, words.Meant(o.log, "text", "json", "none"))
	case o.watch < 0:
		return nil, fmt.Errorf("-watch %v: want a positive time", o.watch)
	case o.batchWait < 0 || o.batchWait > time.Minute:
		return nil, fmt.Errorf("-batch-wait %v: want 0 to a minute", o.batchWait)
	case o.timeout <= 0:
		return nil, fmt.Errorf("-timeout %v: want a positive time", o.timeout)
	case o.grace < 0:
		return nil, fmt.Errorf("-grace %v: want 0 or more", o.grace)
	}
	for _, n := range []struct {
		flag  string
		value int64
	}{{"max-batch", int64(o.maxBatch)}, {"queue", int64(o.queue)}, {"max-body", o.maxBody}, {"max-pixels", int64(o.maxPixels)}, {"max-memory", o.memory}} {
		if n.value < 1 {
			return nil, fmt.Errorf("-%s %d: want a positive number", n.flag, n.value)
		}
	}
	return o, nil
}

// inName are the characters of a model's name; others of a file's name become dashes.
var inName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// addModel adds a value of -model.
func (o *options) addModel(value string) error {
	name, file, named := strings.Cut(value, "=")
	if !named {
		file = value
		name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		name = strings.TrimLeft(inName.ReplaceAllString(name, "-"), "._-")
	}
	switch {
	case file == "":
		return errors.New("want FILE or NAME=FILE")
	case name == "" || inName.MatchString(name) || strings.IndexAny(name, "._-") == 0:
		return fmt.Errorf("%q is no name for a model: want letters, digits, points, dashes and underscores, as in NAME=FILE", name)
	}
	for _, m := range o.models {
		if m.name == name {
			return fmt.Errorf("two models are named %q; give one another name, as in NAME=FILE", name)
		}
	}
	o.models = append(o.models, model{name, file})
	return nil
}

// settings are the options of serve.New.
func (o *options) settings() []serve.Option {
	list := []serve.Option{
		serve.MaxBatch(o.maxBatch), serve.BatchWait(o.batchWait), serve.MaxQueue(o.queue), serve.Timeout(o.timeout),
		serve.MaxBody(o.maxBody), serve.MaxPixels(o.maxPixels), serve.MaxMemory(o.memory), serve.Grace(o.grace),
	}
	for _, m := range o.models {
		list = append(list, serve.Loader(m.name, m.file, load))
	}
	return list
}

// handler writes the log.
func (o *options) handler(w io.Writer) slog.Handler {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	settings := &slog.HandlerOptions{Level: level}
	switch o.log {
	case "json":
		return slog.NewJSONHandler(w, settings)
	case "none":
		return slog.DiscardHandler
	}
	return slog.NewTextHandler(w, settings)
}

// meantFlag suggests the flag that was probably meant by one that is not defined.
func meantFlag(f *flag.FlagSet, err error) string {
	var flags []string
	f.VisitAll(func(fl *flag.Flag) { flags = append(flags, "-"+fl.Name) })
	if _, name, ok := strings.Cut(err.Error(), "not defined: "); ok {
		return words.Meant(name, flags...)
	}
	return ""
}

// text is an error without the name of the package, which is that of the command.
func text(err error) string { return strings.ReplaceAll(err.Error(), "serve: ", "") }
