// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// network is a library of tests that connects goroutines.
type network struct {
	mu       sync.Mutex
	messages map[[3]int][][]byte // from, to, tag
	left     int                 // ranks that have finalized
}

// port is the library of one rank.
type port struct {
	*network
	rank, size int
	receive    []byte
	from, tag  int
	fails      error // of test
	aborted    chan int
	hangs      chan struct{} // finalize waits for it
}

func (p *port) String() string                { return "Test MPI 1.0" }
func (p *port) initialize() (int, int, error) { return p.rank, p.size, nil }
func (p *port) abort(status int)              { p.aborted <- status }

func (p *port) finalize() error {
	if p.hangs != nil {
		<-p.hangs
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left++
	return nil
}

func (p *port) begin(d direction, data []byte, peer, tag int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == receiving {
		p.receive, p.from, p.tag = data, peer, tag
		return nil
	}
	at := [3]int{p.rank, peer, tag}
	p.messages[at] = append(p.messages[at], bytes.Clone(data))
	return nil
}

func (p *port) test(d direction) (bool, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := [3]int{p.from, p.rank, p.tag}
	switch {
	case p.fails != nil:
		return false, 0, p.fails
	case d == sending:
		return true, 0, nil
	case len(p.messages[at]) == 0:
		return false, 0, nil
	}
	n := copy(p.receive, p.messages[at][0])
	p.messages[at] = p.messages[at][1:]
	return true, n, nil
}

// ranks makes the Comms of a group of n ranks.
func ranks(t *testing.T, n int, timeout time.Duration) (list []*Comm) {
	t.Helper()
	net := &network{messages: map[[3]int][][]byte{}}
	for r := range n {
		c, err := newComm(&port{network: net, rank: r, size: n, aborted: make(chan int, 1)}, launcher{}, settings{timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { close(c.work) })
		list = append(list, c)
	}
	return list
}

// together calls f for all ranks at once.
func together(list []*Comm, f func(c *Comm) error) error {
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, c := range list {
		all.Go(func() { errs[i] = f(c) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func TestExchange(t *testing.T) {
	for n := 2; n <= 5; n++ {
		for _, piece := range []int{1 << 30, 1000} {
			list := ranks(t, n, time.Minute)
			for _, c := range list {
				c.piece = piece
			}
			err := together(list, func(c *Comm) error {
				if err := messages(t.Context(), c); err != nil {
					return err
				}
				return c.leave()
			})
			if err != nil {
				t.Errorf("%d ranks, pieces of %d bytes: %v", n, piece, err)
			}
			if left := list[0].lib.(*port).left; left != n {
				t.Errorf("%d of %d ranks have finalized", left, n)
			}
		}
	}
}

func TestExchangeFails(t *testing.T) {
	list := ranks(t, 3, 20*time.Millisecond)
	c := list[0]
	for _, peer := range []int{0, 3, -1} {
		if err := c.Exchange(peer, []byte{1}, 1, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("rank 0 of 3 exchanges data with rank %d", peer)) {
			t.Errorf("peer %d: %v", peer, err)
		}
	}
	err := c.Exchange(0, nil, 2, make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "rank 2 has sent nothing for 20ms") {
		t.Errorf("silent peer: %v", err)
	}
	err = c.Exchange(1, []byte{1}, 0, nil)
	if err == nil || !strings.Contains(err.Error(), "an earlier exchange has failed: rank 2 has sent nothing") {
		t.Errorf("after an error: %v", err)
	}
	list[1].lib.(*port).fails = errors.New("the cable is broken")
	if err := list[1].Exchange(2, []byte{1}, 0, nil); err == nil || err.Error() != "the cable is broken" {
		t.Errorf("error of the library: %v", err)
	}
	list = ranks(t, 2, time.Minute)
	err = together(list, func(c *Comm) error {
		return c.Exchange(1-c.rank, make([]byte, 4-c.rank), 1-c.rank, make([]byte, 4))
	})
	if err == nil || !strings.Contains(err.Error(), "rank 1 sent 3 bytes, rank 0 expects 4") {
		t.Errorf("short message: %v", err)
	}
}

// A rank that fails aborts the job while another goroutine of it waits.
func TestAbort(t *testing.T) {
	c := ranks(t, 2, time.Minute)[0]
	waits := make(chan error)
	go func() { waits <- c.Exchange(1, nil, 1, make([]byte, 1)) }()
	time.Sleep(10 * time.Millisecond)
	c.abort(7)
	if err := <-waits; !errors.Is(err, errAborting) {
		t.Errorf("the exchange returns %v", err)
	}
	if status := <-c.lib.(*port).aborted; status != 7 {
		t.Errorf("the status is %d", status)
	}
}

// A library that does not end is an error.
func TestFinalizeHangs(t *testing.T) {
	list := ranks(t, 2, time.Minute)
	hangs := make(chan struct{})
	for _, c := range list {
		c.lib.(*port).hangs, c.finalizing = hangs, 10*time.Millisecond
	}
	err := together(list, (*Comm).leave)
	close(hangs)
	if err == nil || strings.Count(err.Error(), "MPI_Finalize has not returned for 10ms") != 2 {
		t.Errorf("got %v", err)
	}
	for _, c := range list { // their goroutines have ended
		if err := c.do(func() error { return nil }); err != nil {
			t.Error(err)
		}
	}
}

func TestCall(t *testing.T) {
	c := ranks(t, 1, time.Minute)[0]
	for _, test := range []struct {
		f      func(context.Context, *Comm) error
		status int
		text   string
	}{
		{func(context.Context, *Comm) error { return fmt.Errorf("x: %w", codedError{}) }, 7, "x: has a status"},
		{func(context.Context, *Comm) error { return errors.New("plain") }, 1, "plain"},
		{func(context.Context, *Comm) error { panic("sharks") }, 2, "panic: sharks\ngoroutine"},
		{func(context.Context, *Comm) error { runtime.Goexit(); return nil }, 1, "ended its goroutine"},
	} {
		if err := c.call(t.Context(), test.f); err == nil || !strings.HasPrefix(err.Error(), test.text) || statusOf(err) != test.status {
			t.Errorf("got %v with status %d, want %q with %d", err, statusOf(err), test.text, test.status)
		}
	}
}

func TestPauses(t *testing.T) {
	var last time.Duration
	for waited := time.Duration(0); waited < time.Second; waited += 7 * time.Microsecond {
		pause := pauseAfter(waited)
		if pause < last || pause > waited/16 || pause > 250*time.Microsecond && pause > waited/256 {
			t.Fatalf("the pause after %v is %v, the one before %v", waited, pause, last)
		}
		last = pause
	}
	if last != 2*time.Millisecond {
		t.Errorf("the longest pause is %v", last)
	}
}

// A pause is not much longer than asked for: those of Exchange are a part of each step of a training.
func TestPause(t *testing.T) {
	const want = 100 * time.Microsecond
	shortest := time.Hour
	for range 20 {
		start := time.Now()
		pause(want)
		shortest = min(shortest, time.Since(start))
	}
	if runtime.GOOS == "linux" && shortest > 8*want || shortest < want/2 {
		t.Errorf("the shortest pause of %v takes %v", want, shortest)
	}
}
