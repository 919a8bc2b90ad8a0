// SPDX-License-Identifier: Apache-2.0

// Command serve answers HTTP requests with the predictions of saved models:
//
//	go run ./cmd/serve -model digits.safetensors
//	go run ./cmd/serve -model digits=runs/mnist/model.safetensors -model vgg16.h5 -watch 5s
//
// A model is a file that Reef saved, or a .h5 or .keras file of Keras. Its name is that of the file
// unless it is given, as in NAME=FILE. The command prints where it listens and how each model is asked;
// package keraslike/serve documents the requests and the answers.
//
// SIGHUP loads all files again, and -watch those that have changed, without losing a request. SIGINT and
// SIGTERM stop the command after the requests in progress; a second one stops it at once.
//
// The exit status is 0 after it was stopped, 1 if something failed, 2 for a mistake on the command line
// and 130 if it was stopped at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/keraslike/serve"
)

func main() {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stop
		cancel()
		<-stop
		os.Exit(cli.Interrupted)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run serves until ctx is done and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err == nil {
		err = o.serve(ctx, stdout, stderr)
	}
	return cli.Status("serve", err, stderr)
}

// serve loads the models, listens and answers requests until ctx is done.
func (o *options) serve(ctx context.Context, stdout, stderr io.Writer) error {
	log := slog.New(o.handler(stderr))
	handler, err := serve.New(append(o.settings(), serve.Logger(log))...)
	if err != nil {
		return plain(err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil {
		handler.Close()
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	onHangup(ctx, func() { _ = handler.ReloadAll(ctx) }) // which logs its errors
	go handler.Watch(ctx, o.watch)
	o.say(stdout, handler, listener.Addr())
	return plain(handler.Serve(ctx, listener))
}

// plain is an error without the name of the package, which is that of the command.
func plain(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), "serve: ", ""))
}

// say tells people where the models are and how to ask them.
func (o *options) say(w io.Writer, handler *serve.Handler, addr net.Addr) {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port)
	fmt.Fprintf(w, "listening on %s\n", url)
	for _, m := range o.models {
		fmt.Fprintf(w, "  %s\n", handler.Example(url, m.name))
	}
}
