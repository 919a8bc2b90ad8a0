// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"strings"
)

// longest is the most bytes of a brief message.
const longest = 2000

// Brief cuts the middle out of an error's message that may hold names or lists out of
// a file and that nobody would read to its end. What it returns wraps the error.
func Brief(err error) error {
	if err == nil || len(err.Error()) <= longest {
		return err
	}
	return &brief{err}
}

type brief struct{ err error }

// Error keeps the beginning, which says where, and the end, which says what.
func (e *brief) Error() string {
	message := e.err.Error()
	const half = longest/2 - 50
	head, tail := message[:half], message[len(message)-half:]
	return fmt.Sprintf("%s ... (%d bytes left out) ... %s", strings.ToValidUTF8(head, ""), len(message)-2*half, strings.ToValidUTF8(tail, ""))
}

// Unwrap returns the whole error.
func (e *brief) Unwrap() error { return e.err }
