// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"errors"
	"io"
)

// withoutMark skips the UTF-8 byte order mark that some editors write.
func withoutMark(r io.Reader) io.Reader {
	const mark = "\ufeff"
	in := bufio.NewReader(r)
	if begin, _ := in.Peek(len(mark)); string(begin) == mark { // a short file is reported by its reader
		_, _ = in.Discard(len(mark)) // was peeked at
	}
	return in
}

// unexpected is the error for an end of file in the middle of something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
