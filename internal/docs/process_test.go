// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a program that is asked step by step.
type process struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out, err *stream
	done     chan struct{}
	state    error
}

// stream gathers what a process writes.
type stream struct {
	mu   sync.Mutex
	text []byte
	more chan struct{}
	end  bool
}

func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, b...)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (s *stream) finish() {
	s.mu.Lock()
	s.end = true
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

var errEnded = errors.New("it has ended")

// until waits for a mark and returns what stands before it and the rest of its line. Both
// are removed. At the end of the process, or after the limit, it returns what there is.
func (s *stream) until(mark string, limit time.Duration) (before, rest string, err error) {
	late := time.After(limit)
	for {
		s.mu.Lock()
		if i := bytes.Index(s.text, []byte(mark)); i >= 0 {
			if j := bytes.IndexByte(s.text[i+len(mark)-1:], '\n'); j >= 0 {
				j += i + len(mark) - 1
				before, rest = string(s.text[:i]), strings.TrimPrefix(string(s.text[i:j]), mark)
				s.text = s.text[j+1:]
				s.mu.Unlock()
				return before, rest, nil
			}
		}
		if s.end {
			before, s.text = string(s.text), nil
			s.mu.Unlock()
			return before, "", errEnded
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-late:
			s.mu.Lock()
			before, s.text = string(s.text), nil
			s.mu.Unlock()
			return before, "", fmt.Errorf("it has not ended within %v", limit)
		}
	}
}

func start(program, folder string, env []string, args ...string) (*process, error) {
	p := &process{
		cmd: exec.Command(program, args...),
		out: &stream{more: make(chan struct{}, 1)}, err: &stream{more: make(chan struct{}, 1)},
		done: make(chan struct{}),
	}
	p.cmd.Dir, p.cmd.Env = folder, env
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	p.cmd.WaitDelay = time.Second // programs in the background may keep the streams
	ownGroup(p.cmd)
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.state = p.cmd.Wait()
		p.out.finish()
		p.err.finish()
		close(p.done)
	}()
	return p, nil
}

func (p *process) write(s string) error {
	_, err := io.WriteString(p.in, s)
	return err
}

// wait waits for the end of the process and returns its error.
func (p *process) wait(limit time.Duration) error {
	_ = p.in.Close() // it may have ended
	select {
	case <-p.done:
		return p.state
	case <-time.After(limit):
		return fmt.Errorf("it has not ended within %v", limit)
	}
}

// kill ends the process and those that it started.
func (p *process) kill() {
	_ = p.in.Close()
	killGroup(p.cmd)
	<-p.done
}
