// SPDX-License-Identifier: Apache-2.0

package datasets

// Source gives samples by index. In-memory data, image folders and time windows are all
// sources.
//
// A source may also have the methods
//
//	Names() []string                 // class names, by class index
//	SparseInput(k int) bool          // input k is multi-hot and mostly zero
//	Active(k, i int) []int32         // its ones in sample i: sorted, distinct columns, owned by the source
//	Prefetch() int                   // how many batches to read ahead in the background
//	Weights(indices []int, to []float32) error // the sample weights
//	WeightShape() []int              // the shape of a sample's weights, where it has more than one
//	StringInput(k int) bool          // input k is of strings, which Read leaves out
//	ReadStrings(k int, indices []int, to []string) error // its strings
//
// The sources of this package pass them through [Take], [Subset] and the like.
type Source interface {
	// Len is the number of samples.
	Len() int
	// Shapes returns the shape of one sample of every input and every target,
	// without the batch axis. A class index is one number: shape {}. The slices
	// belong to the source.
	Shapes() (inputs, targets [][]int)
	// Read fills inputs[k] and targets[k] with the samples at the indices, one
	// after another, row-major. Either may be nil if it is not wanted, and so may single
	// buffers, such as those of sparse inputs. Read may be called from several goroutines
	// at once.
	Read(indices []int, inputs, targets [][]float32) error
}

// Stream gives samples one after another, for data that has no index.
type Stream interface {
	// Shapes is as in Source.
	Shapes() (inputs, targets [][]int)
	// Next fills as many samples as the slices hold and returns their number n,
	// which is less than the capacity only at the end of the stream. After the last
	// sample it returns 0 and io.EOF.
	Next(inputs, targets [][]float32) (n int, err error)
}
