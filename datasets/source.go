// SPDX-License-Identifier: Apache-2.0

package datasets

// Source gives samples by index. It is what training from memory, image folders
// and time windows have in common.
//
// A source may also have the methods
//
//	Names() []string                 // class names, by class index
//	SparseInput(k int) bool          // input k is multi-hot and mostly zero
//	Active(k, i int) []int32         // its ones in sample i: sorted, distinct columns, owned by the source
//	Prefetch() int                   // how many batches to read ahead in the background
//
// The sources of this package pass them on through [Take], [Subset] and the like.
type Source interface {
	// Len is the number of samples.
	Len() int
	// Shapes gives the shape of one sample of every input and every target,
	// without the batch axis. A class index is one number: shape {}. The slices
	// belong to the source.
	Shapes() (inputs, targets [][]int)
	// Read fills inputs[k] and targets[k] with the samples at the indices, one
	// after another, row-major. Either may be nil when it is not wanted, and so may
	// any one of their buffers, as those of sparse inputs. Read may be called from
	// several goroutines at once.
	Read(indices []int, inputs, targets [][]float32) error
}

// Stream gives samples one after another, for data that has no index.
type Stream interface {
	// Shapes is as in Source.
	Shapes() (inputs, targets [][]int)
	// Next fills as many samples as the slices hold and returns how many it
	// filled; n < capacity only before the end. After the last sample it returns
	// 0 and io.EOF.
	Next(inputs, targets [][]float32) (n int, err error)
}
