// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/reef-dl/reef/graph"
)

// feed gives an epoch its batches: from a source or a stream, at once or read ahead
// by a goroutine, with the weights of the samples where there are any.
type feed struct {
	data   Samples
	source *batches // of one of the two
	stream Stream
	weigher
	size  int
	ahead int // batches to read ahead, 0 for none

	inputs, targets []int // sizes of one sample
	read            int   // samples of the stream read so far
	behind          int   // samples of an interrupted epoch, which a stream that begins again is to skip
	full, free      chan *block
	stop            chan struct{}
	reader          sync.WaitGroup
	running         bool
	left            int // batches of the epoch still to read
}

// block is memory for one batch.
type block struct {
	n               int
	indices         []int
	inputs, targets [][]float32
	memory          [][]float32 // of inputs, then targets, for whole batches
	weights         []float32   // nil without
	err             error
}

func (m *Model) newFeed(data Samples, b *batches, size int, classes ClassWeights) (*feed, error) {
	f := &feed{data: data, source: b, size: size}
	if b == nil {
		stream, ok := data.(Stream)
		if !ok {
			return nil, fmt.Errorf("the data is %T, want a Source with Len and Read or a Stream with Next", data)
		}
		if err := m.accepts(stream, true); err != nil {
			return nil, err
		}
		f.stream = stream
	}
	var err error
	if f.weigher, err = m.newWeigher(data, classes); err != nil {
		return nil, err
	}
	sparse, err := hasSparse(data)
	if err == nil && !sparse {
		f.ahead, err = aheadOf(data)
	}
	if err != nil {
		return nil, err
	}
	for _, x := range m.inputs {
		f.inputs = append(f.inputs, x.shape.Size())
	}
	for _, t := range m.compiled.targets {
		f.targets = append(f.targets, t.Size())
	}
	if !f.direct() {
		return f, f.fitMemory()
	}
	return f, nil
}

const (
	mostAhead   = 256     // batches that are read ahead, however many are asked for
	aheadMemory = 1 << 30 // bytes that batches read ahead may fill together, where it is more than one
	mostRead    = 1 << 33 // bytes of one batch
)

// fitMemory refuses a batch that no memory holds, and reads fewer ahead where many
// would not fit.
func (f *feed) fitMemory() error {
	bytes := 8.0 // for the number of the sample
	for _, n := range slices.Concat(f.inputs, f.targets) {
		bytes += 4 * float64(n)
	}
	if bytes *= float64(f.size); bytes > mostRead {
		return fmt.Errorf("batches of %d samples: %w", f.size, &graph.MemoryError{Need: bytes, Limit: mostRead})
	}
	f.ahead = min(f.ahead, mostAhead, max(1, int(aheadMemory/bytes)))
	return nil
}

func hasSparse(data Samples) (sparse bool, err error) {
	s, ok := data.(Sparse)
	if !ok {
		return false, nil
	}
	in, _, err := shapesOf(data)
	if err != nil {
		return false, err
	}
	defer caught(&err, "source", data, "SparseInput")
	for k := range in {
		if s.SparseInput(k) {
			return true, nil
		}
	}
	return false, nil
}

// direct reports whether batches are read straight into a plan's memory.
func (f *feed) direct() bool { return f.stream == nil && f.ahead == 0 }

// begin starts an epoch of the given number of batches, or of all.
func (f *feed) begin(steps int) error {
	f.left = steps
	if steps <= 0 {
		f.left = -1
	}
	again, err := restart(f.stream)
	if err != nil {
		return err
	}
	if again {
		f.read = 0
		if err := f.skip(); err != nil {
			return err
		}
	}
	if f.direct() {
		return nil
	}
	if f.free == nil {
		f.free, f.full = make(chan *block, f.ahead+1), make(chan *block, f.ahead+1)
		for range f.ahead + 1 {
			f.free <- f.newBlock()
		}
	}
	if f.ahead > 0 {
		f.stop, f.running = make(chan struct{}), true
		f.reader.Go(f.run)
	}
	return nil
}

// skip reads the samples of an interrupted epoch once more.
func (f *feed) skip() error {
	for b := f.newBlock(); f.read < f.behind; {
		b.resize(min(f.size, f.behind-f.read), f)
		n, err := f.take(b)
		if err != nil {
			return fmt.Errorf("the stream gave %d samples, %d of its epoch were trained on before: %w", f.read, f.behind, err)
		}
		f.read += n
	}
	return nil
}

// take reads samples of the stream, at least one where there is no error.
func (f *feed) take(b *block) (n int, err error) {
	n, err = nextOf(f.stream, b.inputs, b.targets)
	switch {
	case n < 0 || n > b.n:
		return 0, fmt.Errorf("the stream gave %d samples where %d have room", n, b.n)
	case n > 0 && errors.Is(err, io.EOF):
		f.left = 0 // as io.Reader may, it says with the last samples that they are
		return n, nil
	case n == 0 && err == nil:
		return 0, errors.New("the stream gave no samples and no error")
	}
	return n, err
}

func (f *feed) newBlock() *block {
	b := &block{indices: make([]int, 0, f.size)}
	for _, n := range slices.Concat(f.inputs, f.targets) {
		b.memory = append(b.memory, make([]float32, n*f.size))
	}
	b.inputs, b.targets = make([][]float32, len(f.inputs)), make([][]float32, len(f.targets))
	return b
}

// run reads batches until the epoch ends, fails or is stopped.
func (f *feed) run() {
	var b *block // that is being filled
	defer func() {
		if b != nil { // who waits for it would wait for ever
			b.err = fmt.Errorf("%T %w", f.data, errGone)
			f.full <- b
		}
	}()
	for {
		select {
		case <-f.stop:
			return
		case b = <-f.free:
		}
		b.err = f.fill(b)
		last := b.err != nil
		f.full <- b // never blocks: there are no more blocks than places
		if b = nil; last {
			return
		}
	}
}

// end stops reading ahead and waits for a read that is under way.
func (f *feed) end() {
	if !f.running {
		return
	}
	close(f.stop)
	f.reader.Wait()
	f.running = false
	for len(f.full) > 0 {
		f.free <- <-f.full
	}
}

// next is the next batch, nil at the end. It is valid until it is given back.
func (f *feed) next() (*block, error) {
	var b *block
	if f.running {
		b = <-f.full
	} else {
		b = <-f.free
		b.err = f.fill(b)
	}
	if b.err == nil {
		return b, nil
	}
	err := b.err
	f.giveBack(b)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return nil, err
}

func (f *feed) giveBack(b *block) { f.free <- b }

// fill reads one batch; io.EOF is the end.
func (f *feed) fill(b *block) (err error) {
	defer caught(&err, "reading", f.data, "")
	if f.left == 0 {
		return io.EOF
	}
	f.left--
	if f.stream == nil {
		b.indices = append(b.indices[:0], f.source.next()...)
		b.resize(len(b.indices), f)
		if b.n == 0 {
			return io.EOF
		}
		if err := f.source.fill(b.indices, b.inputs, b.targets); err != nil {
			return err
		}
	} else {
		b.resize(f.size, f)
		n, err := f.take(b)
		if err != nil {
			return err
		}
		b.resize(n, f)
		b.indices = b.indices[:0]
		for i := range n {
			b.indices = append(b.indices, f.read+i)
		}
		f.read += n
		if err := checkBatch(b.inputs, b.targets, b.indices); err != nil {
			return err
		}
	}
	weights, err := f.weigh(b.indices, b.targets)
	b.weights = append(b.weights[:0], weights...)
	if weights == nil {
		b.weights = nil
	}
	return err
}

// resize sees the memory as a batch of n.
func (b *block) resize(n int, f *feed) {
	b.n = n
	for k, size := range f.inputs {
		b.inputs[k] = b.memory[k][:n*size]
	}
	for k, size := range f.targets {
		b.targets[k] = b.memory[len(f.inputs)+k][:n*size]
	}
}

// copyTo copies the batch into a plan's memory.
func (b *block) copyTo(p *plan) error {
	for k, place := range p.inputs {
		memory, err := place.dense()
		if err != nil {
			return err
		}
		copy(memory, b.inputs[k])
	}
	for k, place := range p.targets {
		memory, err := place.dense()
		if err != nil {
			return err
		}
		copy(memory, b.targets[k])
	}
	return nil
}
