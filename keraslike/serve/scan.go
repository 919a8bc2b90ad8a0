// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON where it lies. It accepts what encoding/json accepts, except values nested deeper
// than maxDepth.
type scanner struct {
	data  []byte
	pos   int
	depth int // of the objects and arrays that are open
}

const (
	maxDepth = 64 // of values that are skipped
	maxRank  = 8  // of arrays of numbers
)

// peek skips spaces and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// unexpected says what is at the position in place of what was wanted.
func (s *scanner) unexpected(want string) error {
	if s.peek() == 0 && s.pos >= len(s.data) {
		return bad("JSON: the body ends at byte %d, want %s", s.pos, want)
	}
	r, _ := utf8.DecodeRune(s.data[s.pos:])
	return bad("JSON: %q at byte %d, want %s", r, s.pos, want)
}

// end checks that nothing follows.
func (s *scanner) end() error {
	if s.peek(); s.pos < len(s.data) {
		return s.unexpected("the end of the body")
	}
	return nil
}

// is skips c if it comes next.
func (s *scanner) is(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// object calls f for each member, which reads its value. The key is valid during the call.
func (s *scanner) object(want string, f func(key []byte) error) error {
	if !s.is('{') {
		return s.unexpected(want)
	}
	if s.depth++; s.depth > maxDepth {
		return s.tooDeep()
	}
	for first := true; !s.is('}'); first = false {
		if !first && !s.is(',') {
			return s.unexpected("a comma or }")
		}
		key, err := s.text("a name in quotes")
		if err != nil {
			return err
		}
		if !s.is(':') {
			return s.unexpected("a colon")
		}
		if err := f(key); err != nil {
			return err
		}
	}
	s.depth--
	return nil
}

// array calls f for each element, which reads it.
func (s *scanner) array(want string, f func(i int) error) error {
	if !s.is('[') {
		return s.unexpected(want)
	}
	if s.depth++; s.depth > maxDepth {
		return s.tooDeep()
	}
	for i := 0; !s.is(']'); i++ {
		if i > 0 && !s.is(',') {
			return s.unexpected("a comma or ]")
		}
		if err := f(i); err != nil {
			return err
		}
	}
	s.depth--
	return nil
}

func (s *scanner) tooDeep() error {
	return bad("JSON: byte %d is nested deeper than %d levels", s.pos, maxDepth)
}

// text reads a string. The result may lie in the body.
func (s *scanner) text(want string) ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.unexpected(want)
	}
	start := s.pos
	plain := true
	for i := start + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			if quoted := s.data[start:s.pos]; !plain {
				var text string
				if err := json.Unmarshal(quoted, &text); err != nil {
					return nil, bad("JSON: the string at byte %d: %v", start, err)
				}
				return []byte(text), nil
			}
			return s.data[start+1 : i], nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return nil, bad("JSON: a control character in the string at byte %d", start)
		case c >= utf8.RuneSelf:
			plain = false // json replaces invalid UTF-8
		}
	}
	return nil, bad("JSON: the string at byte %d does not end", start)
}

// integer reads a whole number.
func (s *scanner) integer(want string) (int64, error) {
	s.peek()
	start := s.pos
	for s.pos < len(s.data) && (s.data[s.pos] == '-' || s.data[s.pos]-'0' < 10) {
		s.pos++
	}
	digits := s.data[start:s.pos]
	if _, end, ok, _ := number(s.data, start); !ok || end != s.pos {
		s.pos = start
		return 0, s.unexpected(want)
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0, bad("JSON: %s at byte %d, want %s", digits, start, want)
	}
	return n, nil
}

// boolean reads true or false.
func (s *scanner) boolean(want string) (bool, error) {
	switch {
	case s.word("true"):
		return true, nil
	case s.word("false"):
		return false, nil
	}
	return false, s.unexpected(want)
}

// word skips a literal if it comes next.
func (s *scanner) word(word string) bool {
	s.peek()
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return false
	}
	s.pos += len(word)
	return true
}

// skip reads any value.
func (s *scanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		return s.object("", func([]byte) error { return s.skip() })
	case c == '[':
		return s.array("", func(int) error { return s.skip() })
	case c == '"':
		_, err := s.text("")
		return err
	case c == '-' || c-'0' < 10:
		_, end, ok, _ := number(s.data, s.pos)
		if !ok {
			return s.unexpected("a number")
		}
		s.pos = end
		return nil
	case s.word("true") || s.word("false") || s.word("null"):
		return nil
	}
	return s.unexpected("a value")
}

// raw reads any value and returns its text.
func (s *scanner) raw() ([]byte, error) {
	s.peek()
	start := s.pos
	err := s.skip()
	return s.data[start:s.pos], err
}

// dims is the shape of nested arrays of numbers, found while they are read.
type dims struct {
	n    [maxRank]int
	rank int // -1 until the first number is read
}

func (d *dims) reset() { *d = dims{rank: -1} }

// shape returns the lengths from the outermost array to the innermost.
func (d *dims) shape() []int { return d.n[:max(0, d.rank)] }

// numbers appends a number, or the numbers of an array however nested, and finds its shape. Arrays of
// one level must have one length. true and false are 1 and 0.
func (s *scanner) numbers(to []float32, d *dims) ([]float32, error) {
	d.reset()
	if s.peek() == '[' {
		return s.level(to, d, 0)
	}
	d.rank = 0
	return s.one(to)
}

// level reads an array in which at arrays are nested around its elements.
func (s *scanner) level(to []float32, d *dims, at int) (_ []float32, err error) {
	open := s.pos
	if at == maxRank {
		return to, bad("JSON: the array at byte %d is nested deeper than %d axes", open, maxRank)
	}
	s.pos++
	n := 0
	for {
		if s.peek() == '[' {
			if d.rank >= 0 && d.rank <= at+1 {
				return to, bad("JSON: an array at byte %d, where others have a number", s.pos)
			}
			if to, err = s.level(to, d, at+1); err != nil {
				return to, err
			}
		} else {
			if n == 0 && s.peek() == ']' {
				return to, bad("JSON: the array at byte %d is empty", open)
			}
			if d.rank < 0 {
				d.rank = at + 1
			} else if d.rank != at+1 {
				return to, bad("JSON: a number at byte %d, where others have an array", s.pos)
			}
			if to, err = s.one(to); err != nil {
				return to, err
			}
		}
		n++
		if s.is(',') {
			continue
		}
		if !s.is(']') {
			return to, s.unexpected("a comma or ]")
		}
		break
	}
	if d.n[at] == 0 {
		d.n[at] = n
	} else if d.n[at] != n {
		return to, bad("JSON: the array at byte %d has %d elements, the one before it has %d", open, n, d.n[at])
	}
	return to, nil
}

// one appends a number, or true or false as 1 and 0.
func (s *scanner) one(to []float32) ([]float32, error) {
	v, end, ok, tooLarge := number(s.data, s.pos)
	switch {
	case tooLarge:
		return to, bad("JSON: the number %.40s at byte %d is beyond the range of float32", s.data[s.pos:end], s.pos)
	case ok:
		s.pos = end
		return append(to, v), nil
	case s.word("true"):
		return append(to, 1), nil
	case s.word("false"):
		return append(to, 0), nil
	}
	return to, s.unexpected("a number")
}

// quoted formats a name in an error, shortened.
func quoted[T string | []byte](name T) string { return fmt.Sprintf("%.60q", name) }
