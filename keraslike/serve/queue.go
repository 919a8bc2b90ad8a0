// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// queue gathers the calls of a model into batches, which one goroutine computes.
//
// While a batch is computed, other calls gather, and all of them that fit are the next one. Whether it
// waits for more depends on the load: where the batch before had several rows and has just ended, as
// many are expected again, for at most the time of BatchWait. A call that comes to an idle model is
// computed at once.
type queue struct {
	settings *settings
	maxRows  int
	wait     time.Duration
	metrics  *modelMetrics

	mu      sync.Mutex
	waiting []*call
	rows    int // waiting
	need    int // rows for which the worker is woken
	closed  bool
	wake    chan struct{}
	ended   chan struct{} // closed when the worker has returned

	pending atomic.Int64 // rows that wait or are computed
	each    atomic.Int64 // nanoseconds that the model takes for a row, lately

	// Of the worker.
	expected int
	batch    []*call
	x, y     []*k.Array
	in, out  [][]float32 // memory for batches of several calls
	timer    *time.Timer
}

func newQueue(s *settings, m *modelMetrics) *queue {
	q := &queue{
		settings: s, maxRows: s.maxRows, wait: s.batchWait, metrics: m, need: 1,
		wake: make(chan struct{}, 1), ended: make(chan struct{}), timer: time.NewTimer(time.Hour),
	}
	q.timer.Stop()
	go q.work()
	return q
}

// delay estimates how long a row would wait that came now.
func (q *queue) delay() time.Duration {
	return time.Duration(q.pending.Load() * q.each.Load())
}

// admit refuses rows that would have no place in the queue or that could not be computed within limit.
func (q *queue) admit(rows int, limit time.Duration) error {
	if rows > q.maxRows {
		return fail(http.StatusRequestEntityTooLarge, "the request has %d samples, the most is %d", rows, q.maxRows)
	}
	if q.pending.Load()+int64(rows) > int64(q.maxRows) {
		return busy(q.delay(), "the queue is full: %d samples wait, the most is %d", q.pending.Load(), q.maxRows)
	}
	if delay := q.delay(); delay > limit {
		return busy(delay, "the model is busy for %v, which is more than the time of a request, %v", delay.Round(time.Millisecond), limit)
	}
	return nil
}

var errClosed = busy(time.Second, "the server is shutting down")

// run passes a call through the model. Nothing uses the call after it has returned.
func (q *queue) run(ctx context.Context, c *call) error {
	rows := int64(c.rows)
	if err := q.admit(c.rows, time.Until(c.deadline)); err != nil {
		return err
	}
	if n := q.pending.Add(rows); n > int64(q.maxRows) && n > rows {
		q.pending.Add(-rows)
		return busy(q.delay(), "the queue is full: %d samples wait, the most is %d", n-rows, q.maxRows)
	}
	defer q.pending.Add(-rows)
	c.enqueued = time.Now()
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return errClosed
	}
	q.waiting = append(q.waiting, c)
	q.rows += c.rows
	enough := q.rows >= q.need
	q.mu.Unlock()
	if enough {
		q.signal()
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	if q.withdraw(c) {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return q.late(c)
		}
		return fail(statusGone, "the client is gone")
	}
	return <-c.done // its batch is being computed
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// late is the failure of a call whose time is over.
func (q *queue) late(c *call) error {
	return busy(q.delay(), "the model had no time for the request within %v", time.Since(c.enqueued).Round(time.Millisecond))
}

// withdraw removes a call unless the worker has taken it.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.rows -= c.rows
	return true
}

// close refuses further calls and waits until those that wait are computed.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
	<-q.ended
}

// work computes batches until the queue is closed and empty.
func (q *queue) work() {
	defer close(q.ended)
	for q.gather() {
		q.compute()
		clear(q.batch)
		q.batch = q.batch[:0]
	}
}

// gather waits for calls and takes those of the next batch. It returns false after close.
func (q *queue) gather() bool {
	var idle time.Time
	q.mu.Lock()
	for len(q.waiting) == 0 {
		if q.closed {
			q.mu.Unlock()
			return false
		}
		if q.need = 1; idle.IsZero() {
			idle = time.Now()
		}
		q.mu.Unlock()
		<-q.wake
		q.mu.Lock()
	}
	if !idle.IsZero() && time.Since(idle) > q.wait {
		q.expected = 1
	}
	if want := min(q.expected, q.most()); q.rows < want && q.wait > 0 && !q.closed {
		q.timer.Reset(q.wait)
		for timeout := false; q.rows < want && !timeout && !q.closed; {
			q.need = want
			q.mu.Unlock()
			select {
			case <-q.wake:
			case <-q.timer.C:
				timeout = true
			}
			q.mu.Lock()
		}
		q.timer.Stop()
	}
	q.take()
	q.mu.Unlock()
	return true
}

// most is how many samples are computed at once.
func (q *queue) most() int { return q.settings.inTime(time.Duration(q.each.Load())) }

// take moves the first call, and all that fit it, to the batch. Those that would end after their
// deadline fail, so that under too much load the others are in time.
func (q *queue) take() {
	now := time.Now()
	rows, rest := 0, q.waiting[:0]
	each, most := time.Duration(q.each.Load()), q.most()
	for _, c := range q.waiting {
		fits := rows == 0 || rows+c.rows <= most && c.fits(q.batch[0])
		switch {
		case fits && now.Add(min(each*time.Duration(rows+c.rows), c.deadline.Sub(c.enqueued)/2)).After(c.deadline):
			q.rows -= c.rows
			c.done <- q.late(c)
		case fits:
			q.rows -= c.rows
			rows += c.rows
			q.batch = append(q.batch, c)
		default:
			rest = append(rest, c)
		}
	}
	clear(q.waiting[len(rest):])
	q.waiting = rest
	q.expected = rows
}

// compute computes the batch and answers its calls.
func (q *queue) compute() {
	if len(q.batch) == 0 {
		return
	}
	start := time.Now()
	rows := 0
	for _, c := range q.batch {
		rows += c.rows
		q.metrics.queueWait.Observe(start.Sub(c.enqueued).Seconds())
	}
	q.metrics.batchRows.Observe(float64(rows))
	var err error
	if len(q.batch) == 1 {
		err = q.computeOne(q.batch[0])
	} else {
		err = q.computeAll(rows)
	}
	took := time.Since(start)
	q.metrics.compute.Observe(took.Seconds())
	q.measured(took, rows)
	if err != nil && len(q.batch) > 1 { // the others have nothing to do with the one at fault
		for _, c := range q.batch {
			c.done <- q.computeOne(c)
		}
		return
	}
	for _, c := range q.batch {
		c.done <- err
	}
}

// measured averages the time of a row.
func (q *queue) measured(took time.Duration, rows int) {
	each := int64(took) / int64(rows)
	if before := q.each.Load(); before > 0 {
		each = before + (each-before)/4
	}
	q.each.Store(max(1, each))
}

// computeOne computes a call in its own memory.
func (q *queue) computeOne(c *call) error {
	v := c.version
	q.x, q.y = q.x[:0], q.y[:0]
	if c.ragged != nil {
		q.x = append(q.x, c.ragged...)
		return v.predictAny(c, q.x)
	}
	for i := range c.inputs {
		x, err := c.inputs[i].array(c.rows)
		if err != nil {
			return err
		}
		q.x = append(q.x, x)
	}
	if v.free {
		return v.predictAny(c, q.x)
	}
	for i, out := range v.outputs {
		y := &c.outputs[i]
		y.shape = append(y.shape[:0], out.shape...)
		y.values = slices.Grow(y.values[:0], c.rows*out.size)[:c.rows*out.size]
		if err := add(&q.y, y.values, c.rows, y.shape); err != nil {
			return err
		}
	}
	return predicted(v.model.PredictInto(q.y, q.x...))
}

// predictAny computes a call whose outputs have lengths that follow from those of its inputs.
func (v *version) predictAny(c *call, x []*k.Array) error {
	out, err := v.model.PredictAll(x...)
	if err != nil {
		return predicted(err)
	}
	for i, y := range out {
		c.outputs[i].ragged = y
	}
	return nil
}

// computeAll computes a batch of several calls.
func (q *queue) computeAll(rows int) error {
	first := q.batch[0]
	v := first.version
	q.x, q.y = q.x[:0], q.y[:0]
	q.in = slices.Grow(q.in[:0], len(v.inputs))[:len(v.inputs)]
	for i := range v.inputs {
		all := samples{shape: first.inputs[i].shape, values: q.in[i][:0]}
		for _, c := range q.batch {
			all.values = append(all.values, c.inputs[i].values...)
			all.texts = append(all.texts, c.inputs[i].texts...)
		}
		q.in[i] = all.values
		x, err := all.array(rows)
		if err != nil {
			return err
		}
		q.x = append(q.x, x)
	}
	var out []*k.Array
	if v.free {
		var err error
		if out, err = v.model.PredictAll(q.x...); err != nil {
			return err
		}
	} else {
		q.out = slices.Grow(q.out[:0], len(v.outputs))[:len(v.outputs)]
		for i, o := range v.outputs {
			q.out[i] = slices.Grow(q.out[i][:0], rows*o.size)[:rows*o.size]
			if err := add(&q.y, q.out[i], rows, o.shape); err != nil {
				return err
			}
		}
		if err := v.model.PredictInto(q.y, q.x...); err != nil {
			return err
		}
		out = q.y
	}
	for i, y := range out {
		shape, values := y.Shape()[1:], y.Values()
		each := k.Shape(shape).Size()
		from := 0
		for _, c := range q.batch {
			o := &c.outputs[i]
			o.shape = append(o.shape[:0], shape...)
			o.values = append(o.values[:0], values[from*each:(from+c.rows)*each]...)
			from += c.rows
		}
	}
	return nil
}

// add appends an array of rows samples.
func add(to *[]*k.Array, values []float32, rows int, shape []int) error {
	all := make([]int, 1, 1+len(shape))
	all[0] = rows
	a, err := k.NewArray(values, append(all, shape...)...)
	*to = append(*to, a)
	return err
}

// predicted tells errors of the model from those of its input.
func predicted(err error) error {
	if err == nil {
		return nil
	}
	if panicked := (*k.PanicError)(nil); errors.As(err, &panicked) {
		return err
	}
	if tooLarge := (*graph.MemoryError)(nil); errors.As(err, &tooLarge) {
		return fail(http.StatusRequestEntityTooLarge, "%v", err)
	}
	return bad("%v", err)
}
