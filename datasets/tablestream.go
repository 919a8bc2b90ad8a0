// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// TableStream is a stream of encoded frames, for files that do not fit into memory.
type TableStream struct {
	layout
	encoder *TableEncoder
	frames  iter.Seq2[*Frame, error]
	next    func() (*Frame, error, bool)
	stop    func()
	current Source
	at      int // samples of current already handed out
	indices []int
	err     error // that ended the stream
}

// Stream encodes the frames of a file one after another. frames is iterated over from the first
// Next on and again after each Reset, by which Fit begins each epoch, so each iteration must
// begin with the first row, as those of CSVFileChunks do. A frame at a time is in memory. Rows
// come in the order of the file: shuffle it before. Sample weights are an error, since streams
// have none.
//
//	stream, err := encoder.Stream(datasets.CSVFileChunks("large.csv", datasets.CSVOptions{}, 10_000))
func (e *TableEncoder) Stream(frames iter.Seq2[*Frame, error]) (*TableStream, error) {
	if e.weight != "" {
		return nil, fmt.Errorf("stream: the schema has the sample weights %q, which a stream cannot have", e.weight)
	}
	if frames == nil {
		return nil, errors.New("stream: no frames")
	}
	return &TableStream{layout: newLayout(e.Shapes()), encoder: e, frames: frames}, nil
}

// Next fills the slices with the next rows. After the last it returns io.EOF, and after an
// error the same error, until Reset.
func (s *TableStream) Next(inputs, targets [][]float32) (n int, err error) {
	room, err := s.capacity(inputs, targets)
	if err != nil {
		return 0, err
	}
	for n < room && s.err == nil {
		if s.current == nil || s.at == s.current.Len() {
			s.err = s.advance()
			continue
		}
		m := min(room-n, s.current.Len()-s.at)
		s.indices = s.indices[:0]
		for i := range m {
			s.indices = append(s.indices, s.at+i)
		}
		if s.err = s.current.Read(s.indices, rest(inputs, s.inputSizes, n), rest(targets, s.targetSizes, n)); s.err == nil {
			n, s.at = n+m, s.at+m
		}
	}
	if s.err != nil {
		if err := s.end(); err != nil && errors.Is(s.err, io.EOF) {
			s.err = err
		}
	}
	if n > 0 && (s.err == nil || errors.Is(s.err, io.EOF)) {
		return n, nil // the next call reports the end
	}
	return n, s.err
}

// rest are the buffers without the first n samples.
func rest(buffers [][]float32, sizes []int, n int) [][]float32 {
	if buffers == nil {
		return nil
	}
	out := make([][]float32, len(buffers))
	for k, b := range buffers {
		if b != nil {
			out[k] = b[n*sizes[k]:]
		}
	}
	return out
}

// advance encodes the next frame that has rows.
func (s *TableStream) advance() (err error) {
	defer rescue(&err, "the frames of a table stream")
	if s.next == nil {
		s.next, s.stop = iter.Pull2(s.frames)
	}
	frame, err, ok := s.next()
	switch {
	case !ok:
		return io.EOF
	case err != nil:
		return err
	}
	s.at = 0
	s.current, err = s.encoder.Encode(frame)
	return err
}

// Reset goes back to the first row.
func (s *TableStream) Reset() error {
	err := s.Close()
	s.err = nil
	return err
}

// Close ends the iteration over the frames, so that what is open is closed: for a stream that
// is not read to its end. After it, Next is an error.
func (s *TableStream) Close() error {
	err := s.end()
	s.err = errors.New("table stream: closed")
	return err
}

// end ends the iteration.
func (s *TableStream) end() (err error) {
	defer rescue(&err, "the frames of a table stream")
	stop := s.stop
	s.next, s.stop, s.current, s.at = nil, nil, nil, 0
	if stop != nil {
		stop()
	}
	return nil
}
