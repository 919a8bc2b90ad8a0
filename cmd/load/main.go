// SPDX-License-Identifier: Apache-2.0

// Command load measures a server of cmd/serve on this machine: it sends one request over and over on
// several connections and prints requests per second and latencies by status code.
//
//	go run ./cmd/load -model digits
//	go run ./cmd/load -model squeezenet -form bytes -connections 8
//	go run ./cmd/load -model squeezenet -body photo.jpg -type image/jpeg
//	go run ./cmd/load -model digits -rate 50000 -connections 512 -time 1m
//
// Without -body the request is one sample of random numbers, of the shape that the server states.
// Each connection sends its next request when it has the answer to the one before; with -rate, at
// the times of its share of the rate, or at once if it is behind. A latency is the time from the first
// byte sent to the last byte received. The command is cheap, so that it can run beside the server: the
// request is made once and written to plain TCP connections. It sends to this machine only.
//
// The exit status is 0, also if requests failed, 1 if nothing could be measured and 2 for a mistake on
// the command line.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run runs the command and returns its exit status.
func run(args []string, stdout, stderr io.Writer) int {
	return cli.Status("load", measure(args, stdout, stderr), stderr)
}

func measure(args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	l, err := o.load()
	if err != nil {
		return err
	}
	results, took, err := l.run()
	if err != nil {
		return err
	}
	report(stdout, l, results, took)
	return nil
}

// options are the command line.
type options struct {
	url               *url.URL
	model, form       string
	body, contentType string
	connections       int
	rate              float64
	limit             time.Duration
}

var forms = []string{"predict", "infer", "binary", "bytes"}

// parse reads the command line. It prints the help to stderr and returns cli.ErrHelp if asked to.
func parse(words []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	server := f.String("url", "http://localhost:8080", "`URL` of the server, on this machine")
	f.StringVar(&o.model, "model", "", "`name` of the model")
	f.StringVar(&o.form, "form", "predict", "`form` of the request: predict (plain JSON), infer (the Open Inference Protocol in JSON), binary (with FP32 behind the JSON) or bytes (with UINT8)")
	f.StringVar(&o.body, "body", "", "`file` with the body of the request, in place of random numbers")
	f.StringVar(&o.contentType, "type", "application/json", "Content-`Type` of -body")
	f.IntVar(&o.connections, "connections", 64, "`number` of connections")
	f.Float64Var(&o.rate, "rate", 0, "`requests` per second on all connections (default: as many as are answered)")
	f.DurationVar(&o.limit, "time", 5*time.Second, "how `long` requests are sent")
	args, err := cli.Parse(f, words)
	if errors.Is(err, cli.ErrHelp) {
		fmt.Fprintln(stderr, "Usage: load -model NAME [flags]")
		cli.PrintFlags(stderr, f)
	}
	if err != nil {
		return nil, err
	}
	known := false
	for _, form := range forms {
		known = known || form == o.form
	}
	switch {
	case len(args) > 0:
		return nil, cli.Misuse("unexpected argument %q: did you mean -model %s? -help shows all flags", args[0], args[0])
	case o.model == "":
		return nil, cli.Misuse("no -model given; -help shows all flags")
	case !known:
		return nil, cli.Misuse("-form %q: want one of %s%s", o.form, strings.Join(forms, ", "), text.Meant(o.form, forms...))
	case o.connections < 1 || o.connections > 20_000:
		return nil, cli.Misuse("-connections %d: want 1 to 20000", o.connections)
	case !(o.rate >= 0 && o.rate <= 1e6):
		return nil, cli.Misuse("-rate %g: want at most 1000000", o.rate)
	case o.limit <= 0 || o.limit > time.Hour:
		return nil, cli.Misuse("-time %v: want at most an hour", o.limit)
	case strings.ContainsAny(o.contentType, "\r\n"):
		return nil, cli.Misuse("-type: want one line")
	}
	if o.url, err = url.Parse(*server); err != nil || o.url.Scheme != "http" || o.url.Host == "" {
		return nil, cli.Misuse("-url %q: want http://HOST:PORT", *server)
	}
	if host := o.url.Hostname(); host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, cli.Misuse("-url %q: want localhost; this command does not send to other machines", *server)
	}
	return o, nil
}
