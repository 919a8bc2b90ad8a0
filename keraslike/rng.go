// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
)

// newRand returns the random generator for one purpose. It depends on the seed and the name
// only, so adding a layer or calling in another order does not change the random numbers
// of other layers.
func newRand(seed uint64, name string) *rand.Rand {
	return rand.New(rand.NewPCG(seed, hashName(name)))
}

// hashName returns the 64-bit FNV-1a hash of a name.
func hashName(name string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // a hash never fails
	return h.Sum64()
}
