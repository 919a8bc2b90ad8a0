// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// programs are what jobs run, by name.
var programs = map[string]program{
	"train":       {run: func(ctx context.Context, c *Comm) error { return printHash(ctx, c) }},
	"message":     {run: messages},
	"small":       {run: func(ctx context.Context, c *Comm) error { c.piece = 1000; return messages(ctx, c) }},
	"unequal":     {run: unequal},
	"allocs":      {run: allocations},
	"hang":        {run: stepsWith(func() { select {} }), options: []Option{Timeout(time.Second)}},
	"return":      {run: onlyFirst, options: []Option{Timeout(time.Second)}},
	"late":        {run: late, options: []Option{Timeout(200 * time.Millisecond)}},
	"kill":        {run: stepsWith(killSelf)},
	"exit":        {run: stepsWith(func() { os.Exit(3) })},
	"exit0":       {run: stepsWith(func() { os.Exit(0) })},
	"panic":       {run: stepsWith(func() { panic("sharks") })},
	"panic-alone": {run: func(context.Context, *Comm) error { panic("sharks") }},
	"nil":         {run: stepsWith(func() { var p *int; *p = 1 })},
	"goexit":      {run: stepsWith(runtime.Goexit)},
	"error":       {run: fails(errors.New("no room for the reef"))},
	"coded":       {run: fails(codedError{})},
	"term":        {run: terminated},
	"busy":        {run: fails(errors.New("while another goroutine exchanges"), exchangeForever)},
	"signals":     {run: signals},
	"files":       {run: files},
	"disk":        {run: diskFull},
	"otherwise":   {run: otherwise},
	"model":       {run: otherModel},
	"resume":      {run: resume},
	"flat":        {run: func(ctx context.Context, c *Comm) error { return flat(ctx, c) }},
	"many":        {run: printMany},
}

type codedError struct{}

func (codedError) Error() string { return "has a status" }
func (codedError) ExitCode() int { return 7 }

// printHash trains and prints a hash of the weights.
func printHash(ctx context.Context, c distributed.Comm) error {
	hash, err := train(ctx, c)
	if err == nil {
		_, err = fmt.Printf("hash of rank %d of %d: %s\n", c.Rank(), c.Size(), hash)
	}
	return err
}

// data is what the programs train with.
func data() (k.Source, error) {
	const samples, width = 56, 6
	x, y := make([]float32, samples*width), make([]float32, samples)
	for i := range samples {
		for j := range width {
			x[i*width+j] = float32((i*i + 3*j*i + j) % 20)
		}
		y[i] = float32(i % 2)
	}
	in, err := k.NewArray(x, samples, width)
	if err != nil {
		return nil, err
	}
	out, err := k.NewArray(y, samples, 1)
	if err != nil {
		return nil, err
	}
	return k.Data(in, out)
}

// model has dense and sparse gradients, dropout and normalization.
func model(rate float64) (*k.Model, error) {
	m := k.Sequential("m", k.Input(6), k.Embedding(20, 5), k.Flatten(), k.Dense(16, k.ReLU), k.BatchNormalization(), k.Dropout(0.2), k.Dense(8), k.BatchNormalization(k.Synchronized), k.Dense(1, k.Sigmoid))
	return m, m.Compile(k.Adam(rate), k.BinaryCrossentropy, k.Seed(3), k.Accuracy)
}

// fit trains a model up to the third epoch.
func fit(ctx context.Context, c distributed.Comm, m *k.Model, callbacks ...k.Callback) error {
	samples, err := data()
	if err != nil {
		return err
	}
	_, err = m.Fit(ctx, samples, k.Until(3), k.BatchSize(24), k.ValidationSplit(0.25), k.Callbacks(callbacks...), k.Distributed(c, k.Leaves(5)))
	return err
}

// train trains a model and returns a hash of its weights.
func train(ctx context.Context, c distributed.Comm, callbacks ...k.Callback) (string, error) {
	m, err := model(0.01)
	if err != nil {
		return "", err
	}
	if err := fit(ctx, c, m, callbacks...); err != nil {
		return "", err
	}
	return hash(m)
}

func hash(m *k.Model) (string, error) {
	var file bytes.Buffer
	if err := m.SaveTo(&file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(file.Bytes())), nil
}

// messages exchanges messages of many lengths around a ring, with one rank, and in one direction.
func messages(_ context.Context, c *Comm) error {
	pattern := func(rank, n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i*7 + rank*13 + i>>8)
		}
		return b
	}
	to, from := (c.rank+1)%c.size, (c.rank-1+c.size)%c.size
	for _, n := range []int{1, 999, 1000, 1001, 10_000, 300_000} {
		in := make([]byte, n)
		if err := c.Exchange(to, pattern(c.rank, n), from, in); err != nil {
			return err
		}
		if !bytes.Equal(in, pattern(from, n)) {
			return fmt.Errorf("%d bytes around the ring have changed", n)
		}
		// The even ranks send more than they receive.
		more, less := n, n/3
		if c.size%2 == 0 {
			if c.rank%2 == 1 {
				more, less = less, more
			}
			peer := c.rank ^ 1
			in := make([]byte, less)
			if err := c.Exchange(peer, pattern(c.rank, more), peer, in); err != nil {
				return err
			}
			if !bytes.Equal(in, pattern(peer, less)) {
				return fmt.Errorf("%d bytes for %d have changed", less, more)
			}
		}
		switch c.rank { // one direction only
		case 0:
			if err := c.Exchange(1, pattern(0, n), -1, nil); err != nil {
				return err
			}
		case 1:
			if err := c.Exchange(-1, nil, 0, in); err != nil || !bytes.Equal(in, pattern(0, n)) {
				return fmt.Errorf("%d bytes in one direction: %v", n, err)
			}
		}
	}
	if err := c.Exchange(c.rank, []byte{1}, from, nil); err == nil {
		return errors.New("a message to oneself is accepted")
	}
	if _, ok := c.lib.(*port); !ok {
		fmt.Printf("rank %d of %d has all messages by %s\n", c.rank, c.size, c)
	}
	return nil
}

// unequal sends fewer bytes, or more, than the other rank expects.
func unequal(_ context.Context, c *Comm) error {
	n := 4
	if c.rank == 1 {
		n = map[string]int{"less": 3, "more": 5}[os.Getenv("REEF_MPI_TEST_HOW")]
	}
	return c.Exchange(1-c.rank, make([]byte, n), 1-c.rank, make([]byte, 4))
}

// allocations measures those of an exchange.
func allocations(_ context.Context, c *Comm) error {
	in, out := make([]byte, 5000), make([]byte, 5000)
	var failed error
	n := testing.AllocsPerRun(2000, func() {
		if err := c.Exchange(1-c.rank, out, 1-c.rank, in); err != nil {
			failed = err
		}
	})
	if n > 0 {
		return fmt.Errorf("%v allocations in an exchange", n)
	}
	return failed
}

// stepsWith exchanges until rank 1 does something in its 20th step.
func stepsWith(what func()) func(context.Context, *Comm) error {
	return func(_ context.Context, c *Comm) error {
		in, out := make([]byte, 100), make([]byte, 100)
		for step := 0; ; step++ {
			if step == 20 && c.rank == 1 {
				what()
			}
			if err := c.Exchange((c.rank+1)%c.size, out, (c.rank-1+c.size)%c.size, in); err != nil {
				return err
			}
		}
	}
}

// fails returns an error on rank 1.
func fails(err error, before ...func(*Comm)) func(context.Context, *Comm) error {
	return func(_ context.Context, c *Comm) error {
		for _, f := range before {
			f(c)
		}
		if c.rank == 1 {
			return err
		}
		in := make([]byte, 1)
		return c.Exchange(1, nil, 1, in)
	}
}

// exchangeForever waits in another goroutine of rank 1 for what is never sent.
func exchangeForever(c *Comm) {
	if c.rank == 1 {
		go func() { _ = c.Exchange(0, nil, 0, make([]byte, 1)) }()
		time.Sleep(100 * time.Millisecond)
	}
}

// onlyFirst returns on rank 1 while rank 0 waits for it.
func onlyFirst(_ context.Context, c *Comm) error {
	if c.rank == 0 {
		return c.Exchange(1, nil, 1, make([]byte, 1))
	}
	return nil
}

// late returns on one rank long after the others, which is no mistake.
func late(_ context.Context, c *Comm) error {
	if c.rank == c.size-1 {
		time.Sleep(time.Second)
	}
	fmt.Printf("rank %d returns\n", c.rank)
	return nil
}

// terminated sends SIGTERM to rank 1 in its training; all ranks stop after the same step.
func terminated(ctx context.Context, c *Comm) error {
	steps := 0
	_, err := train(ctx, c, k.CallbackFunc(func(e k.Event, t *k.Training) error {
		if e == k.BatchEnd {
			if steps++; steps == 3 && c.rank == 1 {
				terminateSelf()
				<-ctx.Done()
			}
		}
		return nil
	}))
	if !errors.Is(err, k.ErrInterrupted) {
		return fmt.Errorf("got %v, want ErrInterrupted", err)
	}
	fmt.Printf("rank %d stopped after %d steps\n", c.rank, steps)
	return nil
}

// signals checks that Go has its signal handlers: a nil dereference is a panic that can be recovered.
func signals(_ context.Context, c *Comm) (err error) {
	defer func() {
		if p := recover(); p == nil {
			err = errors.New("no panic")
		}
		fmt.Printf("rank %d has recovered\n", c.rank)
	}()
	var p *int
	*p = 1
	return nil
}

// files writes those of callbacks.
func files(ctx context.Context, c *Comm) error {
	at := func(name string) string {
		return filepath.Join(os.Getenv("REEF_MPI_TEST_FILE"), fmt.Sprint(c.rank, "-", name))
	}
	_, err := train(ctx, c, callbacks.ModelCheckpoint(at("m.safetensors")), callbacks.CSVLogger(at("log.csv")), callbacks.TensorBoard(at("board")))
	return err
}

// diskFull writes checkpoints of the first rank to a disk that is full.
func diskFull(ctx context.Context, c *Comm) error {
	if err := fillDisk(c.rank); err != nil {
		return err
	}
	_, err := train(ctx, c, callbacks.ModelCheckpoint("m.safetensors"))
	if err == nil || !strings.Contains(err.Error(), "file too large") {
		return fmt.Errorf("rank %d does not know: %w", c.rank, err)
	}
	return err
}

// otherwise runs another program on one rank: it evaluates while the others train.
func otherwise(ctx context.Context, c *Comm) error {
	m, err := model(0.01)
	if err != nil {
		return err
	}
	if c.rank != 1 {
		return fit(ctx, c, m)
	}
	samples, err := data()
	if err != nil {
		return err
	}
	_, err = m.Evaluate(ctx, samples, k.BatchSize(7), k.Distributed(c, k.Leaves(5)))
	return err
}

// otherModel trains with another rate on one rank.
func otherModel(ctx context.Context, c *Comm) error {
	m, err := model([]float64{0.01, 0.02, 0.01}[c.rank])
	if err != nil {
		return err
	}
	return fit(ctx, c, m)
}

// resume trains, from a file if there is one, and is stopped by the last rank after some steps if it is told so.
func resume(ctx context.Context, c *Comm) error {
	file := os.Getenv("REEF_MPI_TEST_FILE")
	m, err := k.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		m, err = model(0.01)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	last, _ := strconv.Atoi(os.Getenv("REEF_MPI_TEST_STOP"))
	steps := 0
	err = fit(ctx, c, m, k.CallbackFunc(func(e k.Event, t *k.Training) error {
		if e == k.BatchEnd {
			if steps++; steps == last && c.rank == c.size-1 {
				cancel()
			}
		}
		return nil
	}))
	stopped := errors.Is(err, k.ErrInterrupted)
	if err != nil && !stopped || c.rank > 0 {
		if stopped {
			return nil
		}
		return err
	}
	if stopped {
		return m.Save(file, k.WithOptimizer)
	}
	h, err := hash(m)
	fmt.Println("ended with", h)
	return err
}
