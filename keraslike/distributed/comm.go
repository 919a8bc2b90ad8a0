// SPDX-License-Identifier: Apache-2.0

package distributed

// Comm connects the ranks of a group, which are numbered from 0 to Size()-1. Its methods are called
// from one goroutine at a time. All ranks call Exchange in matching order: what one rank sends to
// another, that one receives in the same sequence, with the same number of bytes.
type Comm interface {
	Rank() int // the number of this rank
	Size() int // the number of ranks
	// Exchange sends bytes to one rank and, at the same time, receives bytes from another, or from
	// the same one. An empty slice means that nothing is sent, or nothing received. It returns an
	// error if a rank is lost, or silent for longer than the Comm waits, before both are complete; the
	// group cannot be used after an error. A rank that is asked to stop continues to exchange data
	// until all ranks have agreed to stop (Group.Agree), so that there is no context.
	Exchange(to int, send []byte, from int, receive []byte) error
}
