// SPDX-License-Identifier: Apache-2.0

package datasets

// view passes everything through to another source; the pipeline's sources embed it and
// override what they change.
type view struct{ Source }

// Names returns the class names, nil if the source has none.
func (v view) Names() []string {
	if s, ok := v.Source.(interface{ Names() []string }); ok {
		return s.Names()
	}
	return nil
}

// Prefetch is the number of batches worth reading ahead.
func (v view) Prefetch() int {
	if s, ok := v.Source.(interface{ Prefetch() int }); ok {
		return s.Prefetch()
	}
	return 0
}

// StartEpoch makes a source that changes from epoch to epoch continue with epoch n.
func (v view) StartEpoch(n int) {
	if s, ok := v.Source.(interface{ StartEpoch(n int) }); ok {
		s.StartEpoch(n)
	}
}

// sparse is implemented by sources of multi-hot vectors.
type sparse interface {
	SparseInput(k int) bool
	Active(k, i int) []int32
}

// SparseInput reports whether input k is multi-hot and mostly zero.
func (v view) SparseInput(k int) bool {
	s, ok := v.Source.(sparse)
	return ok && s.SparseInput(k)
}

// Active returns the columns that are one in sample i of the sparse input k.
func (v view) Active(k, i int) []int32 {
	if s, ok := v.Source.(sparse); ok {
		return s.Active(k, i)
	}
	return nil
}

// WeightShape returns the shape of the weights of a sample, () for one weight.
func (v view) WeightShape() []int {
	if s, ok := v.Source.(interface{ WeightShape() []int }); ok {
		return s.WeightShape()
	}
	return nil
}

// weigher is a source with sample weights. What reads from one is another type, with this
// method, so that sources without weights do not claim to have any.
type weigher interface {
	Weights(indices []int, to []float32) error
}
