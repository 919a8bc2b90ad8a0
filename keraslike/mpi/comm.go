// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// Comm is a rank of the job: a distributed.Comm, and so what keraslike.Distributed needs.
type Comm struct {
	rank, size int
	lib        library // nil in a job of one rank that was not started by MPI
	name       string
	timeout    time.Duration
	finalizing time.Duration // limit of MPI_Finalize
	piece      int           // bytes of a message of MPI

	// One goroutine, which is locked to its thread, initializes and ends the library. The other calls are made
	// where they are needed, one at a time, the level SERIALIZED of MPI, or by that goroutine, too, if the
	// library has only the level FUNNELED: two changes of threads take 40 µs.
	one      sync.Mutex // held during a call
	work     chan func() error
	done     chan error
	anywhere bool         // SERIALIZED
	exchange func() error // c.transfer, made once
	aborting atomic.Bool

	// The call of Exchange. The library reads and writes the slices until the messages are complete, after
	// an error forever, and these references keep them. Go's heap objects do not move.
	to, from      int
	send, receive []byte
	broken        error // of an earlier call
}

var _ distributed.Comm = (*Comm)(nil)

// library is an MPI library. Its methods are called one at a time.
type library interface {
	// initialize returns whether the methods other than finalize may be called on any thread.
	initialize() (rank, size int, anywhere bool, err error)
	// begin starts to send data to a rank, or to receive from it.
	begin(d direction, data []byte, peer, tag int) error
	// test makes progress. It reports whether the message is complete, and the bytes received.
	test(d direction) (done bool, received int, err error)
	abort(status int)
	finalize() error
	String() string // name and version, once it is initialized
}

// direction is what a request does.
type direction int

const (
	sending direction = iota
	receiving
)

// The tags of messages. Those of a rank that has returned cannot be taken for those of Exchange.
const (
	tagExchange = 0x5265
	tagLeave    = 0x5266
)

// newComm initializes a library on a thread of its own.
func newComm(lib library, l launcher, s settings) (*Comm, error) {
	// The number of bytes of a message is an int of C. A piece is a power of two below it.
	c := &Comm{lib: lib, timeout: s.timeout, finalizing: 30 * time.Second, piece: 1 << 30, work: make(chan func() error), done: make(chan error)}
	c.exchange = c.transfer
	go c.serve()
	err := c.do(func() (err error) {
		c.rank, c.size, c.anywhere, err = lib.initialize()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("mpi: started by %v: %w", l, err)
	}
	c.name = lib.String()
	return c, l.check(c.name, c.size)
}

// serve makes calls of the library on one thread.
func (c *Comm) serve() {
	runtime.LockOSThread() // forever
	for f := range c.work {
		c.done <- f()
	}
}

// do calls a function on the library's thread.
func (c *Comm) do(f func() error) error {
	c.one.Lock()
	defer c.one.Unlock()
	c.work <- f
	return <-c.done
}

// call calls a function on a thread on which the library may be used.
func (c *Comm) call(f func() error) error {
	if !c.anywhere {
		return c.do(f)
	}
	c.one.Lock()
	defer c.one.Unlock()
	return f()
}

// Rank returns the number of this process in the job, from 0 to Size()-1.
func (c *Comm) Rank() int { return c.rank }

// Size returns the number of processes of the job.
func (c *Comm) Size() int { return c.size }

// String returns the name and version of the library and the file from which it was loaded, "no MPI" without one.
func (c *Comm) String() string {
	if c.lib == nil {
		return "no MPI"
	}
	return c.name
}

// Exchange is the method of distributed.Comm. It waits for the other ranks as long as Timeout permits. While
// it waits, it asks the library in growing intervals, of 1/16 of the time that it has waited, up to 250 µs and
// after half a second 2 ms, so that it takes little from other processes of the same core.
func (c *Comm) Exchange(to int, send []byte, from int, receive []byte) error {
	if len(send) == 0 && len(receive) == 0 {
		return nil
	}
	if c.lib == nil {
		return fmt.Errorf("the only rank exchanges data with ranks %d and %d", to, from)
	}
	if err := c.check(to, send); err != nil {
		return err
	}
	if err := c.check(from, receive); err != nil {
		return err
	}
	if c.broken != nil {
		return fmt.Errorf("an earlier exchange has failed: %w", c.broken)
	}
	c.to, c.send, c.from, c.receive = to, send, from, receive
	if c.broken = c.call(c.exchange); c.broken == nil {
		c.send, c.receive = nil, nil
	}
	return c.broken
}

func (c *Comm) check(peer int, data []byte) error {
	if len(data) > 0 && (peer < 0 || peer >= c.size || peer == c.rank) {
		return fmt.Errorf("rank %d of %d exchanges data with rank %d", c.rank, c.size, peer)
	}
	return nil
}

// transfer sends and receives in pieces. All ranks complete piece i before they begin the next, so that
// they wait for each other in the same order.
func (c *Comm) transfer() error {
	send, receive := c.send, c.receive
	for len(send) > 0 || len(receive) > 0 {
		s, r := min(len(send), c.piece), min(len(receive), c.piece)
		if err := c.round(c.to, send[:s], c.from, receive[:r], tagExchange, c.timeout); err != nil {
			return err
		}
		send, receive = send[s:], receive[r:]
	}
	return nil
}

// errAborting ends an exchange of a rank that has failed in another goroutine.
var errAborting = errors.New("this rank has failed")

// round exchanges one message in each direction. No timeout is 0. The two requests are tested one by
// one (MPI_Test): MPI_Testall returns errors and lengths in an array whose elements have another size
// in each ABI.
func (c *Comm) round(to int, send []byte, from int, receive []byte, tag int, timeout time.Duration) error {
	var pending [2]bool
	if len(receive) > 0 { // first, so that it need not be buffered
		if err := c.lib.begin(receiving, receive, from, tag); err != nil {
			return err
		}
		pending[receiving] = true
	}
	if len(send) > 0 {
		if err := c.lib.begin(sending, send, to, tag); err != nil {
			return err
		}
		pending[sending] = true
	}
	for start := time.Now(); ; {
		for d := range pending {
			if !pending[d] {
				continue
			}
			done, received, err := c.lib.test(direction(d))
			if err != nil {
				return err
			}
			if done && direction(d) == receiving && received != len(receive) {
				return fmt.Errorf("rank %d sent %d bytes, rank %d expects %d", from, received, c.rank, len(receive))
			}
			pending[d] = !done
		}
		if pending == [2]bool{} {
			return nil
		}
		waited := time.Since(start)
		switch {
		case c.aborting.Load():
			return errAborting
		case timeout > 0 && waited > timeout:
			return silence(pending, to, from, timeout)
		}
		if d := pauseAfter(waited); d > 0 {
			pause(d)
		}
	}
}

// silence is the error of an exchange that was not completed in time.
func silence(pending [2]bool, to, from int, timeout time.Duration) error {
	what := fmt.Sprintf("rank %d has sent nothing", from)
	if !pending[receiving] {
		what = fmt.Sprintf("rank %d has received nothing", to)
	}
	return fmt.Errorf("%s for %v: it hangs, has returned, or works longer than this limit, which is the option mpi.Timeout", what, timeout)
}

// pauseAfter returns how long to wait before the library is asked again. The first 50 µs, in which most
// messages of ranks that are equally fast arrive, are without a pause. Some libraries move a message only
// while they are asked: within 250 µs a network of 10 Gbit/s sends 300 kB, which the socket's buffers hold.
func pauseAfter(waited time.Duration) time.Duration {
	if waited < 50*time.Microsecond {
		return 0
	}
	return min(waited/16, max(250*time.Microsecond, min(waited/256, 2*time.Millisecond)))
}

// leave waits for all ranks and ends MPI. It has no time limit, since another rank may still work. The wait
// is one of Comm's own because that of MPI_Finalize keeps a core busy.
func (c *Comm) leave() error {
	err := c.call(func() error {
		var out, in [1]byte
		out[0] = 1
		for step := 1; step < c.size; step *= 2 { // after round i a rank knows of 2^i ranks
			if err := c.round((c.rank+step)%c.size, out[:], (c.rank-step+c.size)%c.size, in[:], tagLeave, 0); err != nil {
				return fmt.Errorf("waiting for the other ranks to return: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	finalized := make(chan error, 1)
	go func() { finalized <- c.do(c.lib.finalize) }()
	select {
	case err := <-finalized:
		return err
	case <-time.After(c.finalizing): // seen with MPICH 4.0.2 (UCX 1.13) over TCP
		return fmt.Errorf("MPI_Finalize has not returned for %v, although all ranks have ended their work", c.finalizing)
	}
}

// abort ends all processes of the job. It returns only if the library fails to end this one.
func (c *Comm) abort(status int) {
	c.aborting.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.call(func() error { c.lib.abort(status); return nil })
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
	}
}
