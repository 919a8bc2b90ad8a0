// SPDX-License-Identifier: Apache-2.0

package distributed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Plan is what a rank is about to do together with the others.
type Plan struct {
	What        string // at most 16 bytes, such as "training step"
	Size        int    // of the data to exchange
	Fingerprint uint64 // of everything else that must be equal, such as the model
	Stop        bool   // this rank was asked to stop
	Failed      bool   // this rank failed and does not take part
	// Details returns what the fingerprint was made of, one fact in each line. If the ranks differ, the error
	// has the first line that does. It is nil if there is nothing to tell.
	Details func() string
}

// Agreement is what the plans of all ranks have in common.
type Agreement struct {
	Stop   bool // a rank was asked to stop
	Failed int  // the first rank that failed, -1 for none
}

// ErrUnequal is the error of ranks that do different things: programs, models, data or settings differ.
var ErrUnequal = errors.New("the ranks do different things; do all run the same program on the same data?")

// header is a Plan on its way, in the byte order of the machine, which must be that of all ranks.
type header struct {
	magic       uint32
	version     uint16
	flags       uint16
	sequence    uint64
	size        uint64
	fingerprint uint64
	failed      uint32 // the first rank that failed
	from        uint32 // the rank whose plan this is
	what        [16]byte
}

const (
	headerSize    = 4 + 2 + 2 + 8 + 8 + 8 + 4 + 4 + 16
	headerMagic   = 0x52656566 // "Reef"
	headerVersion = 1
)

const (
	flagStop = 1 << iota
	flagUnequal
)

const noRank = math.MaxUint32

func (h *header) encode(b []byte) {
	e := binary.NativeEndian
	e.PutUint32(b, h.magic)
	e.PutUint16(b[4:], h.version)
	e.PutUint16(b[6:], h.flags)
	e.PutUint64(b[8:], h.sequence)
	e.PutUint64(b[16:], h.size)
	e.PutUint64(b[24:], h.fingerprint)
	e.PutUint32(b[32:], h.failed)
	e.PutUint32(b[36:], h.from)
	copy(b[40:], h.what[:])
}

// decode reads a header of any bytes; ranks is the size of the group.
func (h *header) decode(b []byte, ranks int) error {
	if len(b) != headerSize {
		return fmt.Errorf("a header of %d bytes, want %d", len(b), headerSize)
	}
	e := binary.NativeEndian
	*h = header{e.Uint32(b), e.Uint16(b[4:]), e.Uint16(b[6:]), e.Uint64(b[8:]), e.Uint64(b[16:]), e.Uint64(b[24:]),
		e.Uint32(b[32:]), e.Uint32(b[36:]), [16]byte(b[40:])}
	switch {
	case h.magic != headerMagic:
		return fmt.Errorf("a message that begins with %#x, want %#x; is its sender another program, or of another byte order?", h.magic, headerMagic)
	case h.version != headerVersion:
		return fmt.Errorf("a message of version %d, want %d; all ranks need the same version of Reef", h.version, headerVersion)
	case h.flags&^(flagStop|flagUnequal) != 0:
		return fmt.Errorf("a message with unknown flags %#x", h.flags)
	case int64(h.from) >= int64(ranks):
		return fmt.Errorf("a message from rank %d of %d", h.from, ranks)
	case h.failed != noRank && int64(h.failed) >= int64(ranks):
		return fmt.Errorf("a message about rank %d of %d", h.failed, ranks)
	}
	return nil
}

// facts returns what must be equal on all ranks, one fact in each line.
func (p Plan) facts(h *header) string {
	details := ""
	if p.Details != nil {
		details = p.Details()
		details = strings.TrimSuffix(details[:min(len(details), maxDetails)], "\n") + "\n"
	}
	return fmt.Sprintf("call: %s\n%snumber of this call: %d\nsize: %d\nfingerprint: %016x", p.What, details, h.sequence, h.size, h.fingerprint)
}

// maxDetails is the maximum length of the details that are compared.
const maxDetails = 1 << 20

// Agree compares the plans of all ranks and combines their flags, in ⌈log2(n)⌉ rounds of small
// messages: in round k a rank sends what it knows to the rank 2^k after it (Hensgen, Finkel and
// Manber, Two algorithms for barrier synchronization, 1988). Whatever the result, it is the same on
// all ranks: ErrUnequal, a rank that failed, or the common plan.
func (g *Group) Agree(p Plan) (Agreement, error) {
	g.sequence++
	mine := header{magic: headerMagic, version: headerVersion, sequence: g.sequence, size: uint64(p.Size), fingerprint: p.Fingerprint, failed: noRank, from: uint32(g.rank)}
	copy(mine.what[:], p.What)
	if p.Stop {
		mine.flags |= flagStop
	}
	if p.Failed {
		mine.failed = uint32(g.rank)
	}
	if err := g.combine(&mine); err != nil {
		return Agreement{}, err
	}
	a := Agreement{Stop: mine.flags&flagStop != 0, Failed: -1}
	if mine.failed != noRank {
		a.Failed = int(mine.failed)
		return a, nil // its plan may be incomplete
	}
	if mine.flags&flagUnequal != 0 {
		return a, g.difference(p.facts(&mine), mine)
	}
	return a, nil
}

// combine combines a header with those of all other ranks.
func (g *Group) combine(mine *header) error {
	for step := 1; step < g.size; step *= 2 {
		mine.encode(g.out[:])
		if err := g.exchange((g.rank+step)%g.size, g.out[:], (g.rank-step+g.size)%g.size, g.in[:]); err != nil {
			return err
		}
		var theirs header
		if err := theirs.decode(g.in[:], g.size); err != nil {
			return fmt.Errorf("rank %d of %d received %w", g.rank, g.size, err)
		}
		mine.flags |= theirs.flags
		mine.failed = min(mine.failed, theirs.failed)
		if theirs.sequence != mine.sequence || theirs.size != mine.size || theirs.fingerprint != mine.fingerprint || theirs.what != mine.what {
			mine.flags |= flagUnequal
		}
	}
	return nil
}

// difference returns, on all ranks, the first difference of a rank's facts from those of the first rank.
func (g *Group) difference(own string, h header) error {
	var length [8]byte
	binary.NativeEndian.PutUint64(length[:], uint64(len(own)))
	if err := g.Broadcast(length[:]); err != nil {
		return errors.Join(ErrUnequal, err)
	}
	n := binary.NativeEndian.Uint64(length[:])
	if n > 2*maxDetails {
		return fmt.Errorf("rank 0 describes itself in %d bytes: %w", n, ErrUnequal)
	}
	first := make([]byte, n)
	copy(first, own)
	if err := g.Broadcast(first); err != nil {
		return errors.Join(ErrUnequal, err)
	}
	message := ""
	if h.failed = noRank; own != string(first) {
		mine, theirs := firstDifference(own, string(first))
		h.failed, message = uint32(g.rank), fmt.Sprintf("rank %d has %q, rank 0 has %q", g.rank, mine, theirs)
	}
	if err := g.combine(&h); err != nil {
		return errors.Join(ErrUnequal, err)
	}
	if h.failed == noRank {
		return ErrUnequal
	}
	var text [maxMessage]byte
	copy(text[:], message)
	if err := g.broadcast(int(h.failed), text[:]); err != nil {
		return errors.Join(ErrUnequal, err)
	}
	return fmt.Errorf("%s: %w", bytes.TrimRight(text[:], "\x00"), ErrUnequal)
}

// firstDifference returns the first line in which two texts differ, without the blanks of a table.
func firstDifference(a, b string) (string, string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	i := 0
	for i < min(len(x), len(y))-1 && x[i] == y[i] {
		i++
	}
	line := func(list []string) string { return strings.Join(strings.Fields(list[min(i, len(list)-1)]), " ") }
	return line(x), line(y)
}

// maxMessage is the maximum length of the message of Failure.
const maxMessage = 4096

// Failure returns the error of the rank that failed, on all ranks; err is that of this rank, nil if it
// did not fail.
func (g *Group) Failure(failed int, err error) error {
	var text [maxMessage]byte
	if g.rank == failed && err != nil {
		copy(text[:], err.Error())
	}
	if sent := g.broadcast(failed, text[:]); sent != nil || g.rank == failed {
		return errors.Join(err, sent)
	}
	other := &RankError{Rank: failed, Message: string(bytes.TrimRight(text[:], "\x00"))}
	if err != nil {
		return errors.Join(err, other)
	}
	return other
}

// RankError is an error of another rank.
type RankError struct {
	Rank    int
	Message string
}

// Error returns the message with the rank.
func (e *RankError) Error() string { return fmt.Sprintf("rank %d: %s", e.Rank, e.Message) }
