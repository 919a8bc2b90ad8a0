// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/graph"
)

// weightLock protects the values of some weights: of those whose first model is the same, so that
// most models have a single lock. Weights are written only by writeWeights, which holds their
// locks. Whoever reads them while another goroutine may write, such as a prediction during Fit,
// holds the locks for reading.
type weightLock struct {
	sync.RWMutex
	order uint64           // in which locks are taken
	kept  graph.KeptBudget // of the weights
}

// defaultKept is how many bytes the weights of a lock may take once more, packed or transformed for
// predictions, until keepAtMost sets another limit.
const defaultKept = 1 << 28

var weightLocksMade atomic.Uint64

func newWeightLock() *weightLock {
	l := &weightLock{order: weightLocksMade.Add(1)}
	l.kept.SetLimit(defaultKept)
	return l
}

// weightLocks are distinct locks in their order.
type weightLocks []*weightLock

// add inserts a lock, unless it is nil or in the list already.
func (list weightLocks) add(l *weightLock) weightLocks {
	if l == nil {
		return list
	}
	at, found := slices.BinarySearchFunc(list, l, func(a, b *weightLock) int { return cmp.Compare(a.order, b.order) })
	if found {
		return list
	}
	return slices.Insert(list, at, l)
}

func (list weightLocks) lock() {
	for _, l := range list {
		l.Lock()
	}
}

func (list weightLocks) unlock() {
	for _, l := range list {
		l.Unlock()
	}
}

func (list weightLocks) rLock() {
	for _, l := range list {
		l.RLock()
	}
}

func (list weightLocks) rUnlock() {
	for _, l := range list {
		l.RUnlock()
	}
}
