// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

// Generate makes a stream of a function that fills in one sample and returns
// io.EOF, filling nothing, when there are no more.
func Generate(inputs, targets [][]int, next func(inputs, targets [][]float32) error) Stream {
	return &generated{newLayout(inputs, targets), next}
}

type generated struct {
	layout
	next func(inputs, targets [][]float32) error
}

func (g *generated) Next(inputs, targets [][]float32) (int, error) {
	n, err := g.capacity(inputs, targets)
	if err != nil {
		return 0, err
	}
	in, out := make([][]float32, len(inputs)), make([][]float32, len(targets))
	for j := range n {
		for k, b := range inputs {
			in[k] = b[j*g.inputSizes[k] : (j+1)*g.inputSizes[k]]
		}
		for k, b := range targets {
			out[k] = b[j*g.targetSizes[k] : (j+1)*g.targetSizes[k]]
		}
		if err := g.one(in, out); err != nil {
			if errors.Is(err, io.EOF) && j > 0 {
				return j, nil // the end is told next time
			}
			return j, err
		}
	}
	return n, nil
}

// one calls the user's function.
func (g *generated) one(inputs, targets [][]float32) (err error) {
	defer rescue(&err, "the function of Generate")
	return g.next(inputs, targets)
}

// Draw is an endless stream of samples drawn from s at random with replacement,
// the same for the same seed. A panic of s becomes an error when the samples are read.
func Draw(s Source, seed uint64) Stream {
	l, err := outline(s)
	if err != nil {
		return &broken{err: fmt.Errorf("draw: %w", err)}
	}
	return &drawn{layout: l, s: s, rng: rand.New(rand.NewPCG(seed, 0))}
}

type drawn struct {
	layout
	s       Source
	rng     *rand.Rand
	indices []int
}

func (d *drawn) Next(inputs, targets [][]float32) (int, error) {
	n, err := d.capacity(inputs, targets)
	if err != nil {
		return 0, err
	}
	from, err := length(d.s)
	if err != nil {
		return 0, err
	}
	if from < 1 {
		return 0, io.EOF
	}
	d.indices = d.indices[:0]
	for range n {
		d.indices = append(d.indices, d.rng.IntN(from))
	}
	if err := read(d.s, d.indices, inputs, targets); err != nil {
		return 0, err
	}
	return n, nil
}

// Ahead is a stream that is read on a background goroutine, a bounded number of
// blocks before they are asked for. Close stops the goroutine and waits for it,
// at the end or before.
type Ahead struct {
	layout
	full, free chan *block
	stop       chan struct{}
	wg         sync.WaitGroup
	once       sync.Once
	current    *block
	at         int // samples of current already handed out
}

// block is what the reader fills at a time.
type block struct {
	inputs, targets [][]float32
	n               int
	err             error
}

// ReadAhead starts to read s, size samples at a time and at most blocks such
// reads ahead. All of them together may hold 2^28 numbers (1 GB). A panic of s, or a call
// of runtime.Goexit in it, is an error of the next Next.
func ReadAhead(s Stream, size, blocks int) (*Ahead, error) {
	if size < 1 || blocks < 1 {
		return nil, fmt.Errorf("read ahead: %d blocks of %d samples, want at least 1 of 1", blocks, size)
	}
	l, err := outline(s)
	if err == nil {
		err = l.checkRoom(size)
	}
	if err == nil && blocks > maxNumbers/size {
		err = fmt.Errorf("%d blocks of %d samples, want at most %d samples in all", blocks, size, maxNumbers)
	}
	if err == nil {
		err = l.checkRoom(size * blocks)
	}
	if err != nil {
		return nil, fmt.Errorf("read ahead: %w", err)
	}
	a := &Ahead{
		layout: l,
		full:   make(chan *block, blocks), free: make(chan *block, blocks),
		stop: make(chan struct{}),
	}
	for range blocks {
		in, out := a.buffers(size)
		a.free <- &block{inputs: in, targets: out}
	}
	a.wg.Go(func() { a.read(s, size) })
	return a, nil
}

// read fills free blocks until the stream ends, fails or is closed.
func (a *Ahead) read(s Stream, size int) {
	for {
		var b *block
		select {
		case <-a.stop:
			return
		case b = <-a.free:
		}
		failed := false
		b.n = 0
		own(kindOf(s), func() (err error) {
			b.n, err = next(s, size, b.inputs, b.targets)
			return err
		}, func(err error) {
			b.err, failed = err, err != nil
			a.full <- b // never blocks: there are no more blocks than places
		})
		if failed {
			return
		}
	}
}

// Next copies samples out of the blocks that have been read.
func (a *Ahead) Next(inputs, targets [][]float32) (int, error) {
	room, err := a.capacity(inputs, targets)
	if err != nil {
		return 0, err
	}
	n := 0
	for n < room {
		if a.current == nil {
			select {
			case <-a.stop:
				return n, errors.New("read ahead: the stream is closed")
			case a.current = <-a.full:
				a.at = 0
			}
		}
		b := a.current
		if a.at == b.n {
			if b.err != nil { // stays current: every later call gets it too
				if n > 0 && errors.Is(b.err, io.EOF) {
					return n, nil
				}
				return n, b.err
			}
			a.current = nil
			a.free <- b
			continue
		}
		m := min(room-n, b.n-a.at)
		move(inputs, b.inputs, a.inputSizes, n, a.at, m)
		move(targets, b.targets, a.targetSizes, n, a.at, m)
		n, a.at = n+m, a.at+m
	}
	return n, nil
}

// move copies m samples from place from of src to place to of dst.
func move(dst, src [][]float32, sizes []int, to, from, m int) {
	for k, d := range dst {
		size := sizes[k]
		copy(d[to*size:(to+m)*size], src[k][from*size:])
	}
}

// Close stops reading ahead. It waits for a read that is under way.
func (a *Ahead) Close() error {
	a.once.Do(func() { close(a.stop) })
	a.wg.Wait()
	return nil
}
