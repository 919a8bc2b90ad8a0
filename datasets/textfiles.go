// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"errors"
	"io"
)

// withoutMark leaves the byte order mark of UTF-8 away that some editors put first.
func withoutMark(r io.Reader) io.Reader {
	const mark = "\ufeff"
	in := bufio.NewReader(r)
	if begin, _ := in.Peek(len(mark)); string(begin) == mark { // what a short file lacks its reader reports
		_, _ = in.Discard(len(mark)) // was seen
	}
	return in
}

// unexpected is the error for an end of file inside of something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
