// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Option is an option of Main.
type Option interface{ apply(*settings) error }

type option func(*settings) error

func (o option) apply(s *settings) error { return o(s) }

type settings struct{ timeout time.Duration }

// Timeout sets how long Comm.Exchange waits for another rank. It must be longer than the longest work that
// one rank does alone, such as writing a checkpoint, while the others wait. The default is 10 minutes.
func Timeout(d time.Duration) Option {
	return option(func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("mpi: a timeout of %v, want a positive duration", d)
		}
		s.timeout = d
		return nil
	})
}

// Main joins the job of a program that was started by MPI, calls f and leaves the job when all ranks have
// returned from f. A program that was not started by MPI is a job of one rank, for which MPI need not be
// installed. Main is called once in a program.
//
// SIGINT and SIGTERM cancel the context, and a second one ends the process. A training with
// keraslike.Distributed then stops on all ranks after the same batch.
//
// If f returns an error or panics, the job has failed: Main writes the rank and the error to the standard
// error and ends all processes of the job (MPI_Abort), this one included. The job's exit status is that
// of the error if it, or one that it wraps, has a method ExitCode() int, 2 for a panic and otherwise 1. In a
// job of one rank without MPI, Main returns the error, and a panic is not recovered. Main also returns an
// error if the job cannot be joined, as when there is no MPI library or not that of the launcher.
//
// f must not call os.Exit: the launcher ends the other processes, but MPICH may report success if the
// status was 0.
//
// Options and their defaults:
//
//	Timeout  10 minutes
func Main(f func(ctx context.Context, c *Comm) error, options ...Option) error {
	s := settings{timeout: 10 * time.Minute}
	for _, o := range options {
		if o == nil {
			return errors.New("mpi: an option is nil")
		}
		if err := o.apply(&s); err != nil {
			return err
		}
	}
	if f == nil {
		return errors.New("mpi: Main has no function to call")
	}
	c, err := join(launcherOf(os.Getenv), s)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one ends the process
	if c.lib == nil {
		return f(ctx, c)
	}
	err = c.run(ctx, f)
	if err == nil {
		err = c.leave()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "rank %d of %d: %v\n", c.rank, c.size, err)
		time.Sleep(200 * time.Millisecond) // MPICH drops the output that it has not forwarded when the job is aborted
		c.abort(statusOf(err))
	}
	return err
}

// join opens the library that fits the launcher.
func join(l launcher, s settings) (*Comm, error) {
	if !l.started() {
		return &Comm{size: 1}, nil
	}
	lib, err := open(l)
	if err != nil {
		return nil, err
	}
	return newComm(lib, l, s)
}

// run calls f in a goroutine of its own, whose panic, or end by runtime.Goexit, is an error.
func (c *Comm) run(ctx context.Context, f func(context.Context, *Comm) error) error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("ended its goroutine (runtime.Goexit)")
		defer func() {
			if p := recover(); p != nil {
				err = panicError{fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			}
			result <- err
		}()
		err = f(ctx, c)
	}()
	return <-result
}

type panicError struct{ error }

func (panicError) ExitCode() int { return 2 } // that of Go programs

// statusOf returns the exit status for an error, which is not 0.
func statusOf(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) && coded.ExitCode() > 0 {
		return coded.ExitCode()
	}
	return 1
}
