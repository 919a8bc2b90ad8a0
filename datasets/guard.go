// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// own calls a function of the caller's on a goroutine of this package, where a panic
// would end the process and runtime.Goexit would leave others waiting: both become errors
// that name what was called. done always receives the error.
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

// rescue, deferred, turns a panic in the caller's code into an error.
func rescue(err *error, of any) {
	if v := recover(); v != nil {
		*err = panicked(kindOf(of), v)
	}
}

// kindOf is how errors refer to a source, a stream or a function of the caller's.
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

// panicked is the error for a panic with the value v, with the line that raised it.
func panicked(what string, v any) error {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	raised, line := false, ""
	for line == "" {
		f, more := frames.Next()
		if raised && !strings.HasPrefix(f.Function, "runtime.") {
			line = fmt.Sprintf(" (%s:%d)", path.Base(f.File), f.Line)
		}
		raised = raised || f.Function == "runtime.gopanic"
		if !more {
			break
		}
	}
	if err, ok := v.(error); ok {
		return fmt.Errorf("%s panicked%s: %w", what, line, err)
	}
	return fmt.Errorf("%s panicked%s: %v", what, line, v)
}

// broken stands in for a source or stream whose Len or Shapes panicked inside a function
// that returns no error. It claims to have one sample, so that the error surfaces when it
// is read.
type broken struct {
	layout
	err error
}

// Err is the error that Fit and the like return for a source whose shapes are unknown.
func (b *broken) Err() error { return b.err }

func (b *broken) Len() int                                   { return 1 }
func (b *broken) Read([]int, [][]float32, [][]float32) error { return b.err }
func (b *broken) Next([][]float32, [][]float32) (int, error) { return 0, b.err }

// breaks returns what replaces s after an error. It keeps the shapes of s, if there are
// any.
func breaks(s Source, err error) *broken {
	l, _ := outline(s) // the first error is the one that is reported
	return &broken{l, err}
}

// read calls Read of a source that may be the caller's own.
func read(s Source, indices []int, inputs, targets [][]float32) (err error) {
	defer rescue(&err, s)
	return s.Read(indices, inputs, targets)
}

// next calls Next of a stream that may be the caller's own, for up to limit samples.
func next(s Stream, limit int, inputs, targets [][]float32) (n int, err error) {
	defer rescue(&err, s)
	n, err = s.Next(inputs, targets)
	switch {
	case n < 0 || n > limit:
		return 0, fmt.Errorf("%s: Next filled %d samples, want 0 to %d", kindOf(s), n, limit)
	case n == 0 && err == nil:
		return 0, fmt.Errorf("%s: Next filled no sample and returned no error, want io.EOF at the end", kindOf(s))
	}
	return n, err
}

// shaped is what sources and streams have in common.
type shaped interface {
	Shapes() (inputs, targets [][]int)
}

// outline is the layout of a source or stream that may be the caller's own.
func outline(s shaped) (l layout, err error) {
	if b, ok := s.(*broken); ok {
		return l, b.err
	}
	defer rescue(&err, s)
	return layoutOf(s), nil
}

// measure returns the layout and the length of a source that may be the caller's own.
func measure(s Source) (l layout, n int, err error) {
	if l, err = outline(s); err == nil {
		n, err = length(s)
	}
	return l, n, err
}

// length is the length of a source that may be the caller's own.
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

// layoutOf is the layout of a source or stream of this package.
func layoutOf(s shaped) layout { return newLayout(s.Shapes()) }
