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

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
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

// parse reads the command line. It prints the help to stderr and returns cli.ErrHelp if asked to.
func parse(words []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := newFlags(o)
	args, err := cli.Parse(f, words)
	if errors.Is(err, cli.ErrHelp) {
		fmt.Fprint(stderr, usage)
		cli.PrintFlags(stderr, f)
		fmt.Fprint(stderr, exitStatus)
	}
	if err != nil {
		return nil, err
	}
	return o, o.check(args)
}

// check reports a mistake on the command line.
func (o *options) check(args []string) error {
	switch {
	case len(args) > 0:
		return cli.Misuse("unexpected argument %q: did you mean -model %s? -help shows all flags", args[0], args[0])
	case len(o.models) == 0:
		return cli.Misuse("no -model given; -help shows all flags")
	case o.log != "text" && o.log != "json" && o.log != "none":
		return cli.Misuse("-log %q: want text, json or none%s", o.log, text.Meant(o.log, "text", "json", "none"))
	case o.watch < 0:
		return cli.Misuse("-watch %v: want a positive time", o.watch)
	case o.batchWait < 0 || o.batchWait > time.Minute:
		return cli.Misuse("-batch-wait %v: want 0 to a minute", o.batchWait)
	case o.timeout <= 0:
		return cli.Misuse("-timeout %v: want a positive time", o.timeout)
	case o.grace < 0:
		return cli.Misuse("-grace %v: want 0 or more", o.grace)
	}
	for _, n := range []struct {
		flag  string
		value int64
	}{{"max-batch", int64(o.maxBatch)}, {"queue", int64(o.queue)}, {"max-body", o.maxBody}, {"max-pixels", int64(o.maxPixels)}, {"max-memory", o.memory}} {
		if n.value < 1 {
			return cli.Misuse("-%s %d: want a positive number", n.flag, n.value)
		}
	}
	return nil
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
