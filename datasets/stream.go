// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

// Generate returns a stream of the samples that next fills in, one for each call. next
// returns io.EOF, having filled nothing, when there are no more.
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
				return j, nil // the next call reports the end
			}
			return j, err
		}
	}
	return n, nil
}

// one calls the caller's function.
func (g *generated) one(inputs, targets [][]float32) (err error) {
	defer rescue(&err, "the function of Generate")
	return g.next(inputs, targets)
}

// Draw returns an endless stream of samples drawn from s at random with replacement; the
// same seed gives the same stream. A panic of s becomes an error when the samples are
// read.
func Draw(s Source, seed uint64) Stream {
	l, err := outline(s)
	if err != nil {
		return &broken{err: fmt.Errorf("draw: %w", err)}
	}
	if _, ok := s.(weigher); ok {
		return &broken{l, errors.New("draw: the source has sample weights, which a stream cannot have")}
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

// Ahead is a stream that a background goroutine reads before its samples are asked for,
// up to a limited number of blocks. Close, at the end or earlier, stops the goroutine and
// waits for it.
type Ahead struct {
	layout
	full, free chan *block
	stop       chan struct{}
	wg         sync.WaitGroup
	once       sync.Once
	current    *block
	at         int // samples of current already handed out
}

// block is what the background goroutine fills at a time.
type block struct {
	inputs, targets [][]float32
	n               int
	err             error
}

// ReadAhead starts to read s in the background, size samples at a time and at most blocks
// such reads ahead. All of them together may hold 2^28 numbers (1 GB). A panic of s, or a
// call of runtime.Goexit in it, is returned as an error by Next.
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
			a.full <- b // never blocks: its capacity is the number of blocks
		})
		if failed {
			return
		}
	}
}

// Next copies samples from the blocks that have been read.
func (a *Ahead) Next(inputs, targets [][]float32) (int, error) {
	capacity, err := a.capacity(inputs, targets)
	if err != nil {
		return 0, err
	}
	n := 0
	for n < capacity {
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
			if b.err != nil { // stays current, so that every later call returns it too
				if n > 0 && errors.Is(b.err, io.EOF) {
					return n, nil
				}
				return n, b.err
			}
			a.current = nil
			a.free <- b
			continue
		}
		m := min(capacity-n, b.n-a.at)
		move(inputs, b.inputs, a.inputSizes, n, a.at, m)
		move(targets, b.targets, a.targetSizes, n, a.at, m)
		n, a.at = n+m, a.at+m
	}
	return n, nil
}

// move copies m samples from index from of src to index to of dst.
func move(dst, src [][]float32, sizes []int, to, from, m int) {
	for k, d := range dst {
		size := sizes[k]
		copy(d[to*size:(to+m)*size], src[k][from*size:])
	}
}

// Close stops reading ahead. It waits for a read in progress.
func (a *Ahead) Close() error {
	a.once.Do(func() { close(a.stop) })
	a.wg.Wait()
	return nil
}
