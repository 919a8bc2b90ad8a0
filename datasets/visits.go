// SPDX-License-Identifier: Apache-2.0

package datasets

import "sync/atomic"

// visitor is a source of this package that can read samples as it reads them for a given time, counted
// from 1, without counting the reads: for sources that read a sample several times in an epoch and must
// not depend on which of the reads comes first.
type visitor interface {
	// readVisits is Read if visits is nil; otherwise visits has one element for each index.
	readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error
	// revisits reports whether all sources below can do that, too.
	revisits() bool
}

// revisits reports whether a source reads the same for the same visit: it never changes, or is a visitor.
func revisits(s Source) bool {
	if v, ok := s.(visitor); ok {
		return v.revisits()
	}
	_, changes := s.(interface{ StartEpoch(n int) })
	return !changes
}

// revisits of a view are those of the source below.
func (v view) revisits() bool { return revisits(v.Source) }

// revisits are those of all sources.
func (z *zipped) revisits() bool {
	for _, s := range z.sources {
		if !revisits(s) {
			return false
		}
	}
	return true
}

// readVisits reads a source that may be the caller's own. Without visits, and from sources that never change,
// it calls Read.
func readVisits(s Source, indices []int, visits []uint32, inputs, targets [][]float32) (err error) {
	v, ok := s.(visitor)
	if visits == nil || !ok {
		return read(s, indices, inputs, targets)
	}
	defer rescue(&err, s)
	return v.readVisits(indices, visits, inputs, targets)
}

// visitOf is the visit of sample i at position j: the given one, or the next of those that are counted.
func visitOf(reads []atomic.Uint32, visits []uint32, j, i int) uint32 {
	if visits != nil {
		return visits[j]
	}
	return reads[i].Add(1)
}
