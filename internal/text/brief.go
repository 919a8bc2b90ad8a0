// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"strings"
)

// longest is the maximum length of a brief message in bytes.
const longest = 2000

// Brief shortens an error's message that may quote long names or lists from a file by cutting out
// its middle. The result wraps the error.
func Brief(err error) error {
	if err == nil || len(err.Error()) <= longest {
		return err
	}
	return &brief{err}
}

type brief struct{ err error }

// Error keeps the start of the message, which says where, and the end, which says what.
func (e *brief) Error() string {
	message := e.err.Error()
	const half = longest/2 - 50
	head, tail := message[:half], message[len(message)-half:]
	return fmt.Sprintf("%s ... (%d bytes left out) ... %s", strings.ToValidUTF8(head, ""), len(message)-2*half, strings.ToValidUTF8(tail, ""))
}

// Unwrap returns the full error.
func (e *brief) Unwrap() error { return e.err }
