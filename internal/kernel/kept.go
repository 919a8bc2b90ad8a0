// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/internal/kernel/conv"
	"github.com/reef-dl/reef/internal/kernel/gemm"
)

// Kept holds what inference derives from an array of weights: the packed matrix of a product, or
// Winograd's transform. All programs and goroutines that compute with the array share it. The zero
// value keeps nothing until Keep is called. Results have the same bits with and without.
//
// A form is made when the same version of the array is used for the second time, so that weights
// that change before each use are not packed in vain. One goroutine makes it, while others compute
// without.
type Kept struct {
	version *atomic.Uint64
	budget  *KeptBudget

	mu        sync.Mutex // held while a form is made or dropped
	matrix    keptForm[gemm.Packed]
	transform keptForm[conv.Transformed]
}

// KeptBudget is the memory that the forms of several arrays may take together, in bytes: none by
// default.
type KeptBudget struct{ limit, used atomic.Int64 }

// SetLimit changes the limit. Forms that exist stay; Drop removes them.
func (b *KeptBudget) SetLimit(bytes int64) { b.limit.Store(bytes) }

// Bytes returns how much is in use.
func (b *KeptBudget) Bytes() int64 { return b.used.Load() }

// Keep makes k keep forms within a budget. version must change when the array does, and neither may
// change while a program runs that reads the array. It must be called before k is used.
func (k *Kept) Keep(version *atomic.Uint64, budget *KeptBudget) {
	k.version, k.budget = version, budget
}

// Drop forgets all forms. Programs that are using them are not disturbed.
func (k *Kept) Drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.matrix.drop(k.budget)
	k.transform.drop(k.budget)
}

// keptForm is one form of an array.
type keptForm[F any] struct {
	made atomic.Pointer[madeForm[F]]
	seen uint64 // the version that was last used without the form, plus 1
}

type madeForm[F any] struct {
	form    F
	version uint64
	bytes   int64
}

func (f *keptForm[F]) drop(budget *KeptBudget) {
	if made := f.made.Swap(nil); made != nil {
		budget.used.Add(-made.bytes)
	}
	f.seen = 0
}

// begin returns a form of the given version to fill, in the memory of an earlier one, or nil if there
// should be none. k is then locked until end is called.
func (f *keptForm[F]) begin(k *Kept, version uint64, bytes int64) *madeForm[F] {
	if k.budget.limit.Load() < bytes || !k.mu.TryLock() {
		return nil
	}
	next := &madeForm[F]{version: version, bytes: bytes}
	switch old := f.made.Load(); {
	case old != nil && old.version == version || f.seen != version+1:
		next = nil
	case old != nil && old.bytes == bytes: // nothing reads it any more, as the array has changed
		f.made.Store(nil)
		next.form = old.form
	default:
		f.drop(k.budget)
		if used := k.budget.used.Add(bytes); used > k.budget.limit.Load() {
			k.budget.used.Add(-bytes)
			next = nil
		}
	}
	f.seen = version + 1
	if next == nil {
		k.mu.Unlock()
	}
	return next
}

// end publishes the form that begin returned.
func (f *keptForm[F]) end(k *Kept, made *madeForm[F]) {
	f.made.Store(made)
	k.mu.Unlock()
}

const (
	keptRows   = 4096    // a form is not made for products of more rows, which gain little
	keptFloats = 1 << 15 // nor for smaller matrices, which the nearest caches hold, unless
	keptPartly = 1 << 11 // their rows end within a vector and they are at least as large as this
	keptTiles  = 1024    // the same number for tiles of the Winograd algorithm
)

// packed returns w (depth x cols) as a packed matrix, or nil to use w itself, for a product of that
// many rows.
func (k *Kept) packed(w []float32, rows, depth, cols int) *gemm.Packed {
	least := keptFloats
	if cols%gemm.PanelColumns() != 0 {
		least = keptPartly
	}
	if k == nil || k.version == nil || depth*cols < least {
		return nil
	}
	version := k.version.Load()
	if made := k.matrix.made.Load(); made != nil && made.version == version && made.form.Fits(depth, cols) {
		return &made.form
	}
	if rows > keptRows {
		return nil
	}
	made := k.matrix.begin(k, version, int64(gemm.PackedBytes(depth, cols)))
	if made == nil {
		return nil
	}
	defer k.matrix.end(k, made)
	made.form.Pack(false, depth, cols, w, cols)
	return &made.form
}

// transformed returns Winograd's transform of w, or nil to use w itself.
func (k *Kept) transformed(w []float32, s *Conv) *conv.Transformed {
	if k == nil || k.version == nil {
		return nil
	}
	version := k.version.Load()
	if made := k.transform.made.Load(); made != nil && made.version == version && made.form.Fits(s) {
		return &made.form
	}
	if s.N*conv.WinogradTiles(s) > keptTiles {
		return nil
	}
	made := k.transform.begin(k, version, int64(conv.TransformedBytes(s)))
	if made == nil {
		return nil
	}
	defer k.transform.end(k, made)
	made.form.Transform(w, s)
	return &made.form
}
