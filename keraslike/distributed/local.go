// SPDX-License-Identifier: Apache-2.0

package distributed

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// Local calls f in n goroutines, each with a Comm of one group of n ranks, and waits for all of them. It
// returns their errors, those of the lowest rank first. When one returns an error or panics, the context
// of the others ends. Whoever exchanges data with a rank that has returned gets an error.
func Local(ctx context.Context, n int, f func(context.Context, Comm) error) error {
	if n < 1 {
		return fmt.Errorf("distributed: %d ranks, want at least 1", n)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &localGroup{size: n, boxes: make([]chan message, n*n), left: make([]chan struct{}, n), errs: make([]error, n)}
	for i := range l.boxes {
		l.boxes[i] = make(chan message)
	}
	for r := range n {
		l.left[r] = make(chan struct{})
	}
	var ranks sync.WaitGroup
	for r := range n {
		ranks.Go(func() {
			l.errs[r] = errors.New("ended its goroutine (runtime.Goexit)")
			defer func() {
				if p := recover(); p != nil {
					l.errs[r] = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
				if l.errs[r] != nil {
					l.errs[r] = fmt.Errorf("rank %d: %w", r, l.errs[r])
					cancel(l.errs[r])
				}
				close(l.left[r])
			}()
			l.errs[r] = f(ctx, &local{localGroup: l, rank: r, copied: make(chan error, 1)})
		})
	}
	ranks.Wait()
	return errors.Join(l.errs...)
}

// Single returns the Comm of a group of one rank: a distributed training of one process, whose result
// is that of any number of ranks with the same number of leaves.
func Single() Comm { return single{} }

type single struct{}

func (single) Rank() int { return 0 }
func (single) Size() int { return 1 }

func (single) Exchange(to int, _ []byte, from int, _ []byte) error {
	return fmt.Errorf("the only rank exchanges data with ranks %d and %d", to, from)
}

// localGroup is what the ranks of Local share.
type localGroup struct {
	size  int
	boxes []chan message  // from rank i to rank j: i*size+j
	left  []chan struct{} // closed when the rank has returned
	errs  []error         // of the ranks that have returned
}

// local is a rank of Local.
type local struct {
	*localGroup
	rank   int
	copied chan error // answers to the messages of this rank
}

// message is a slice of the sender. The receiver copies it and then sends nil, or why it did not.
type message struct {
	data []byte
	done chan<- error
}

func (l *local) Rank() int { return l.rank }
func (l *local) Size() int { return l.size }

func (l *local) Exchange(to int, send []byte, from int, receive []byte) error {
	var out, in chan message
	var toLeft, fromLeft chan struct{}
	if len(send) > 0 {
		if err := l.check(to); err != nil {
			return err
		}
		out, toLeft = l.boxes[l.rank*l.size+to], l.left[to]
	}
	if len(receive) > 0 {
		if err := l.check(from); err != nil {
			return err
		}
		in, fromLeft = l.boxes[from*l.size+l.rank], l.left[from]
	}
	var copied chan error
	defer func() {
		if copied != nil {
			<-copied // until then the receiver reads send
		}
	}()
	for out != nil || in != nil || copied != nil {
		select {
		case out <- message{send, l.copied}:
			out, toLeft, copied = nil, nil, l.copied
		case m := <-in:
			in, fromLeft = nil, nil
			var err error
			if len(m.data) != len(receive) {
				err = fmt.Errorf("rank %d sent %d bytes, rank %d expects %d", from, len(m.data), l.rank, len(receive))
			}
			copy(receive, m.data)
			m.done <- err
			if err != nil {
				return err
			}
		case err := <-copied:
			if copied = nil; err != nil {
				return err
			}
		case <-toLeft:
			return l.gone(to)
		case <-fromLeft:
			return l.gone(from)
		}
	}
	return nil
}

func (l *local) check(peer int) error {
	if peer < 0 || peer >= l.size || peer == l.rank {
		return fmt.Errorf("rank %d of %d exchanges data with rank %d", l.rank, l.size, peer)
	}
	return nil
}

// gone returns the error of an exchange with a rank that has returned.
func (l *local) gone(rank int) error {
	if err := l.errs[rank]; err != nil {
		return fmt.Errorf("it has failed: %w", err)
	}
	return errors.New("it has returned")
}
