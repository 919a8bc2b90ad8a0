// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/reef-dl/reef/graph"
)

// batchReader reads the batches of a source or a stream, with sample weights if there are
// any, into the input buffers of the graphs. Batches of a source are read directly into these
// buffers, unless it is a Prefetcher. Batches of a Prefetcher and of a stream, whose size is
// not known in advance, are read into blocks first; if they are read ahead, by a goroutine.
type batchReader struct {
	data    Samples
	source  *batchIterator // nil for a stream
	stream  Stream         // nil for a source
	weights batchWeights
	// buffers returns the buffers of the graph for batches of n samples.
	buffers func(n int, weighted bool, l lengths) (*batchBuffers, error)
	size    int
	ahead   int  // batches to read ahead, 0 for none
	shard   bool // the stream is a part of one

	shapes *batchShapes   // of all batches; nil if they differ
	ragged *raggedSamples // nil if they do not differ

	read       int           // samples of the stream read so far
	waited     time.Duration // time in which the computation waited for data
	batch      batch
	held       *block // that the batch lies in
	full, free chan *block
	stop       chan struct{}
	reader     sync.WaitGroup
	running    bool
	left       int // batches of the epoch still to read
}

// batch is the result of next. The inputs are in the graph's buffers.
type batch struct {
	indices []int // of the samples
	shapes  *batchShapes
	targets [][]float32
	weights []float32 // nil without
}

// nameSample names the sample of a batch that a run-time error points to.
func nameSample(err error, indices []int) error {
	if err == nil {
		return nil
	}
	if row, ok := err.(*graph.RowError); ok && row.Rows == len(indices) {
		return fmt.Errorf("sample %d: %w", indices[row.Row], row.Err)
	}
	var row *graph.RowError
	if errors.As(err, &row) && row.Rows%len(indices) == 0 {
		return fmt.Errorf("sample %d: %w", indices[row.Row/(row.Rows/len(indices))], err)
	}
	return err
}

// block is memory for one batch.
type block struct {
	n               int
	shapes          *batchShapes
	indices         []int
	inputs, targets [][]float32
	memory          [][]float32 // of inputs, then targets
	weights         []float32   // nil without
	err             error
}

// newBatchReader checks that the data fits the model before anything is read. order iterates
// over the samples of a source; it is nil for a stream.
func newBatchReader(spec *dataSpec, data Samples, order *batchIterator, size int, classes ClassWeights, buffers func(n int, weighted bool, l lengths) (*batchBuffers, error)) (*batchReader, error) {
	r := &batchReader{data: data, source: order, size: size, buffers: buffers}
	if order == nil {
		stream, ok := data.(Stream)
		if !ok {
			return nil, fmt.Errorf("the data is %T, want a Source with Len and Read or a Stream with Next", data)
		}
		r.stream = stream
	}
	shapes, err := spec.accepts(data)
	if err == nil && shapes == nil {
		r.ragged, err = newRaggedSamples(spec, order)
	}
	if err != nil {
		return nil, err
	}
	r.shapes = shapes
	if spec.targets != nil || spec.compiled != nil {
		if r.weights, err = newBatchWeights(spec, data, classes); err != nil {
			return nil, err
		}
	}
	sparse, err := hasSparse(data)
	if err == nil && !sparse {
		r.ahead, err = prefetchOf(data)
	}
	if err != nil {
		return nil, err
	}
	if !r.readsDirectly() {
		return r, r.fitMemory()
	}
	return r, nil
}

const (
	maxAhead      = 256     // maximum number of batches to read ahead
	maxAheadBytes = 1 << 30 // maximum bytes of all batches read ahead, if there is more than one
	maxBatchBytes = 1 << 33 // maximum bytes of one batch
)

// fitMemory rejects batches that are too large for memory, and reduces the number of batches
// to read ahead if they would not fit.
func (r *batchReader) fitMemory() error {
	bytes := 8.0 // for the index of the sample
	if r.ragged != nil {
		for _, b := range r.ragged.distinct {
			bytes = max(bytes, b.bytes())
		}
	} else {
		bytes += r.shapes.bytes()
	}
	if bytes *= float64(r.size); bytes > maxBatchBytes {
		return fmt.Errorf("batches of %d samples: %w", r.size, &graph.MemoryError{Need: bytes, Limit: maxBatchBytes})
	}
	r.ahead = min(r.ahead, maxAhead, max(1, int(maxAheadBytes/bytes)))
	return nil
}

// bytes returns the memory of a sample.
func (b *batchShapes) bytes() (n float64) {
	for _, s := range slices.Concat(b.inputs, b.targets) {
		n += 4 * floatSize(s)
	}
	return n
}

// readsDirectly reports whether batches are read directly into a graph's buffers.
func (r *batchReader) readsDirectly() bool { return r.stream == nil && r.ahead == 0 }

// begin starts an epoch with the given number of batches, 0 for all. done is the number of
// samples that an interrupted epoch has already trained on; a stream that was reset skips
// them.
func (r *batchReader) begin(steps, done int) error {
	r.left, r.waited = steps, 0
	if steps <= 0 {
		r.left = -1
	}
	again, err := resetStream(r.stream)
	if err != nil {
		return err
	}
	if again {
		r.read = 0
		if err := r.skip(done); err != nil {
			return err
		}
	}
	if r.readsDirectly() {
		return nil
	}
	if r.free == nil {
		r.free, r.full = make(chan *block, r.ahead+1), make(chan *block, r.ahead+1)
		for range r.ahead + 1 {
			r.free <- r.newBlock()
		}
	}
	if r.ahead > 0 {
		r.stop, r.running = make(chan struct{}), true
		r.reader.Go(r.run)
	}
	return nil
}

// skip reads and discards the samples that an interrupted epoch has trained on.
func (r *batchReader) skip(done int) error {
	for b := r.newBlock(); r.read < done; {
		b.resize(min(r.size, done-r.read), r.shapes)
		n, err := r.readStreamBatch(b)
		if r.shard && n == 0 && errors.Is(err, io.EOF) { // others have one more
			r.left = 0
			return nil
		}
		if err != nil {
			return fmt.Errorf("the stream has %d samples, %d of its epoch were already trained on: %w", r.read, done, err)
		}
		r.read += n
	}
	return nil
}

// readStreamBatch reads samples of the stream, at least one unless there is an error.
func (r *batchReader) readStreamBatch(b *block) (n int, err error) {
	n, err = readStream(r.stream, b.inputs, b.targets)
	switch {
	case n < 0 || n > b.n:
		return 0, fmt.Errorf("the stream returned %d samples, want at most %d", n, b.n)
	case n > 0 && errors.Is(err, io.EOF):
		r.left = 0 // like an io.Reader, it may return io.EOF with the last samples
		return n, nil
	case n == 0 && err == nil:
		return 0, errors.New("the stream returned no samples and no error")
	}
	return n, err
}

func (r *batchReader) newBlock() *block {
	b := &block{indices: make([]int, 0, r.size)}
	if r.shapes != nil {
		b.resize(r.size, r.shapes)
	}
	return b
}

// run reads batches until the epoch ends, fails or is stopped.
func (r *batchReader) run() {
	var b *block // the one being filled
	defer func() {
		if b != nil { // next would wait for it forever
			b.err = fmt.Errorf("%T %w", r.data, errGoexit)
			r.full <- b
		}
	}()
	for {
		select {
		case <-r.stop:
			return
		case b = <-r.free:
		}
		b.err = r.fill(b)
		last := b.err != nil
		r.full <- b // never blocks: the channel has room for all blocks
		if b = nil; last {
			return
		}
	}
}

// end stops reading ahead and waits for a read in progress.
func (r *batchReader) end() {
	if r.running {
		close(r.stop)
		r.reader.Wait()
		r.running = false
	}
	r.release()
	for len(r.full) > 0 {
		r.free <- <-r.full
	}
}

// release returns the block of the previous batch.
func (r *batchReader) release() {
	if r.held != nil {
		r.free <- r.held
		r.held = nil
	}
}

// next reads the next batch into the buffers of its graph and returns it, nil at the end. The
// batch is valid until the next call.
func (r *batchReader) next() (*batch, error) {
	if !r.readsDirectly() {
		return r.nextBlock()
	}
	indices := r.source.next()
	if len(indices) == 0 {
		return nil, nil
	}
	shapes, err := r.shapesOf(indices)
	if err != nil {
		return nil, err
	}
	to, err := r.buffers(len(indices), r.weights.weighted(), shapes.lengths)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	targets, err := to.fill(r.source.source, indices, r.ragged, shapes)
	r.waited += time.Since(start)
	if err != nil {
		return nil, err
	}
	weights, err := r.weights.compute(indices, targets)
	if err != nil {
		return nil, err
	}
	return r.deliver(to, batch{indices, shapes, targets, weights})
}

// shapesOf returns the shapes of a batch of samples.
func (r *batchReader) shapesOf(indices []int) (*batchShapes, error) {
	if r.ragged == nil {
		return r.shapes, nil
	}
	return r.ragged.batch(indices)
}

// nextBlock is next for data that is read into blocks.
func (r *batchReader) nextBlock() (*batch, error) {
	r.release()
	start := time.Now()
	if r.running {
		r.held = <-r.full
	} else {
		r.held = <-r.free
		r.held.err = r.fill(r.held)
	}
	r.waited += time.Since(start)
	b := r.held
	if errors.Is(b.err, io.EOF) {
		return nil, nil
	}
	if b.err != nil {
		return nil, b.err
	}
	to, err := r.buffers(b.n, b.weights != nil, b.shapes.lengths)
	if err != nil {
		return nil, err
	}
	targets, err := to.copyBatch(b.inputs, b.targets)
	if err != nil {
		return nil, err
	}
	return r.deliver(to, batch{b.indices, b.shapes, targets, b.weights})
}

func (r *batchReader) deliver(to *batchBuffers, b batch) (*batch, error) {
	if b.weights != nil {
		if err := to.setWeights(b.weights); err != nil {
			return nil, err
		}
	}
	r.batch = b
	return &r.batch, nil
}

// fill reads one batch into a block; io.EOF is the end.
func (r *batchReader) fill(b *block) (err error) {
	defer caught(&err, "reading", r.data, "")
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	if r.stream == nil {
		b.indices = append(b.indices[:0], r.source.next()...)
		if len(b.indices) == 0 {
			return io.EOF
		}
		shapes, err := r.shapesOf(b.indices)
		if err != nil {
			return err
		}
		b.resize(len(b.indices), shapes)
		if r.ragged != nil {
			err = r.ragged.read(b.indices, shapes, b.inputs, b.targets)
		} else {
			err = readChecked(r.source.source, b.indices, b.inputs, b.targets)
		}
		if err != nil {
			return err
		}
	} else {
		b.resize(r.size, r.shapes)
		n, err := r.readStreamBatch(b)
		if err != nil {
			return err
		}
		b.resize(n, r.shapes)
		b.indices = b.indices[:0]
		for i := range n {
			b.indices = append(b.indices, r.read+i)
		}
		r.read += n
		if err := checkBatch(b.inputs, b.targets, b.indices); err != nil {
			return err
		}
	}
	weights, err := r.weights.compute(b.indices, b.targets)
	b.weights = append(b.weights[:0], weights...)
	if weights == nil {
		b.weights = nil
	}
	return err
}

// resize sets the block's slices to a batch of n samples.
func (b *block) resize(n int, shapes *batchShapes) {
	b.n, b.shapes = n, shapes
	b.inputs, b.targets = b.inputs[:0], b.targets[:0]
	for _, s := range shapes.inputs {
		b.inputs = append(b.inputs, b.slice(len(b.inputs), n*s.Size()))
	}
	for _, s := range shapes.targets {
		b.targets = append(b.targets, b.slice(len(b.inputs)+len(b.targets), n*s.Size()))
	}
}

// slice returns n values of memory k.
func (b *block) slice(k, n int) []float32 {
	if len(b.memory) == k {
		b.memory = append(b.memory, nil)
	}
	if len(b.memory[k]) < n {
		b.memory[k] = make([]float32, n)
	}
	return b.memory[k][:n]
}
