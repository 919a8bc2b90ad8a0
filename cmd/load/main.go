// SPDX-License-Identifier: Apache-2.0

// Command load measures a server of cmd/serve on this machine: it sends one request over and over on
// several connections and prints requests per second and latencies by status code.
//
//	go run ./cmd/load -url http://localhost:8080/v1/models/digits:predict -numbers 784
//	go run ./cmd/load -url http://localhost:8080/v1/models/squeezenet:predict -body photo.jpg -type image/jpeg
//	go run ./cmd/load -url ... -numbers 784 -rate 50000 -connections 512
//
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
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run runs the command and returns its exit status.
func run(args []string, stdout, stderr io.Writer) int {
	l, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "load: %v\n", err)
		return 2
	}
	results, took, err := l.run()
	if err != nil {
		fmt.Fprintf(stderr, "load: %v\n", err)
		return 1
	}
	report(stdout, l, results, took)
	return 0
}

// parse reads the command line and makes the request.
func parse(args []string, stderr io.Writer) (*load, error) {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	target := f.String("url", "", "`URL` to which requests are sent: http, on this machine")
	file := f.String("body", "", "`file` with the body of the request")
	numbers := f.Int("numbers", 0, "in place of -body, `n` random numbers as one sample in JSON")
	kind := f.String("type", "application/json", "Content-`Type` of the body")
	connections := f.Int("connections", 64, "`number` of connections")
	rate := f.Float64("rate", 0, "`requests` per second on all connections (default: as many as are answered)")
	limit := f.Duration("time", 5*time.Second, "how `long` requests are sent")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "Usage: load -url URL (-body FILE | -numbers N) [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w; -help shows all flags", err)
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q; -help shows all flags", f.Arg(0))
	case *target == "":
		return nil, errors.New("no -url given; -help shows all flags")
	case (*file == "") == (*numbers == 0):
		return nil, errors.New("want -body or -numbers")
	case *numbers < 0 || *numbers > 1<<24:
		return nil, fmt.Errorf("-numbers %d: want 1 to %d", *numbers, 1<<24)
	case *connections < 1 || *connections > 20_000:
		return nil, fmt.Errorf("-connections %d: want 1 to 20000", *connections)
	case *rate < 0 || *rate > 1e6:
		return nil, fmt.Errorf("-rate %g: want at most 1000000", *rate)
	case *limit <= 0 || *limit > time.Hour:
		return nil, fmt.Errorf("-time %v: want at most an hour", *limit)
	case strings.ContainsAny(*kind, "\r\n"):
		return nil, errors.New("-type: want one line")
	}
	u, err := url.Parse(*target)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("-url %q: want http://HOST:PORT/PATH", *target)
	}
	if host := u.Hostname(); host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("-url %q: want localhost; this command does not send to other machines", *target)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	body := sample(*numbers)
	if *file != "" {
		if body, err = os.ReadFile(*file); err != nil {
			return nil, fmt.Errorf("-body: %w", err)
		}
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", u.RequestURI(), u.Host, *kind, len(body))
	return &load{
		address: net.JoinHostPort(u.Hostname(), port), request: append(request, body...),
		connections: *connections, rate: *rate, limit: *limit,
	}, nil
}

// sample is a body with n random bytes scaled to 0..1, as the pixels of a picture are.
func sample(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	b := []byte(`{"instances":[[`)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(float32(rng.IntN(256))/255), 'g', -1, 32)
	}
	return append(b, "]]}"...)
}
