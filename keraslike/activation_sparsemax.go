// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// sparsemaxOp is Sparsemax of rows: max(x - τ, 0), with the τ for which it sums to 1. Its derivative is
// that of the elements above 0, from which their mean is subtracted.
var sparsemaxOp = graph.NewOp("sparsemax", sparsemaxRows[float32], sparsemaxRows[float64],
	graph.Gradient(func(_ graph.Nodes, y, dy *graph.Node) (graph.Nodes, error) {
		var try graph.Try
		do := try.Do
		above := do(graph.MaskOf(y, 0))
		n := do(graph.Sum(above, graph.Axes(-1), graph.KeepDims()))
		d := do(graph.Mul(dy, above))
		mean := do(graph.Div(do(graph.Sum(d, graph.Axes(-1), graph.KeepDims())), n))
		return graph.Nodes{do(graph.Sub(d, do(graph.Mul(above, mean))))}, try.Err()
	}))

// sparsemaxRows starts with all elements and leaves out those below the threshold of the others until
// there are none: n rounds at most (Michelot 1986).
func sparsemaxRows[T graph.Float](c *graph.Call[T]) error {
	n := c.InShapes[0][len(c.InShapes[0])-1]
	for at := 0; at < len(c.Out); at += n {
		x, y := c.In[0][at:at+n], c.Out[at:at+n]
		largest := x[0]
		for _, v := range x {
			largest = max(largest, v)
		}
		// The threshold is above the largest minus 1; relative to the largest, sums are exact enough.
		threshold, members := float64(-1), 0
		for {
			var sum float64
			count := 0
			for _, v := range x {
				if z := float64(v) - float64(largest); z > threshold {
					sum, count = sum+z, count+1
				}
			}
			if count == members {
				break
			}
			threshold, members = (sum-1)/float64(count), count
		}
		for i, v := range x {
			y[i] = T(max(float64(v)-float64(largest)-threshold, 0))
		}
	}
	return nil
}
