// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// own calls a function of the user's on a goroutine of this package's, where a panic would
// end the process and runtime.Goexit would leave somebody waiting: both become errors that
// name what was called. done gets the error, always.
func own(what string, f func() error, done func(error)) {
	err := fmt.Errorf("%s ended its goroutine", what)
	defer func() {
		if v := recover(); v != nil {
			err = panicked(what, v)
		}
		done(err)
	}()
	err = f()
}

// rescue, deferred, turns a panic of something that is the user's into an error.
func rescue(err *error, of any) {
	if v := recover(); v != nil {
		*err = panicked(kindOf(of), v)
	}
}

// kindOf is how errors call a source, a stream or a function that is the user's.
func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Source:
		return fmt.Sprintf("source %T", v)
	default:
		return fmt.Sprintf("stream %T", v)
	}
}

// panicked is the error for a panic with the value v, with the place that raised it.
func panicked(what string, v any) error {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	raised, place := false, ""
	for place == "" {
		f, more := frames.Next()
		if raised && !strings.HasPrefix(f.Function, "runtime.") {
			place = fmt.Sprintf(" (%s:%d)", path.Base(f.File), f.Line)
		}
		raised = raised || f.Function == "runtime.gopanic"
		if !more {
			break
		}
	}
	if err, ok := v.(error); ok {
		return fmt.Errorf("%s panicked%s: %w", what, place, err)
	}
	return fmt.Errorf("%s panicked%s: %v", what, place, v)
}

// broken stands for a source or stream whose Len or Shapes panicked inside a function that
// returns no error. It claims one sample, so that whoever uses it gets the error.
type broken struct {
	layout
	err error
}

// Err is what Fit and the like say of a source whose shapes are not known.
func (b *broken) Err() error { return b.err }

func (b *broken) Len() int                                   { return 1 }
func (b *broken) Read([]int, [][]float32, [][]float32) error { return b.err }
func (b *broken) Next([][]float32, [][]float32) (int, error) { return 0, b.err }

// breaks gives what stands for s after the error. The shapes of s stay, if it has any.
func breaks(s Source, err error) *broken {
	l, _ := outline(s) // the first error is the one that is told
	return &broken{l, err}
}

// read is Read of a source that may be the user's.
func read(s Source, indices []int, inputs, targets [][]float32) (err error) {
	defer rescue(&err, s)
	return s.Read(indices, inputs, targets)
}

// next is Next of a stream that may be the user's, for room samples.
func next(s Stream, room int, inputs, targets [][]float32) (n int, err error) {
	defer rescue(&err, s)
	n, err = s.Next(inputs, targets)
	switch {
	case n < 0 || n > room:
		return 0, fmt.Errorf("%s: Next filled %d samples, want 0 to %d", kindOf(s), n, room)
	case n == 0 && err == nil:
		return 0, fmt.Errorf("%s: Next filled no sample and gave no error, want io.EOF at the end", kindOf(s))
	}
	return n, err
}

// shaped is what sources and streams have in common.
type shaped interface {
	Shapes() (inputs, targets [][]int)
}

// outline is the layout of a source or stream that may be the user's.
func outline(s shaped) (l layout, err error) {
	if b, ok := s.(*broken); ok {
		return l, b.err
	}
	defer rescue(&err, s)
	return layoutOf(s), nil
}

// measure is the layout and the length of a source that may be the user's.
func measure(s Source) (l layout, n int, err error) {
	if l, err = outline(s); err == nil {
		n, err = length(s)
	}
	return l, n, err
}

// length is the length of a source that may be the user's.
func length(s Source) (n int, err error) {
	if b, ok := s.(*broken); ok {
		return 0, b.err
	}
	defer rescue(&err, s)
	if n = s.Len(); n < 0 {
		return 0, fmt.Errorf("%s: Len is %d, want 0 or more", kindOf(s), n)
	}
	return n, nil
}

// layoutOf is the layout of a source or stream of this package's.
func layoutOf(s shaped) layout { return newLayout(s.Shapes()) }
