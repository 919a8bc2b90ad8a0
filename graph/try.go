// SPDX-License-Identifier: Apache-2.0

package graph

// Try keeps the first error of an expression, so that it can be written without a check on
// every line:
//
//	var try graph.Try
//	e := try.Do(graph.Sub(prediction, target))
//	loss := try.Do(graph.Mean(try.Do(graph.Mul(e, e))))
//	return loss, try.Err()
//
// The zero value is ready to use.
type Try struct{ err error }

// Do returns the node, and nil after an error. Ops on nil nodes are errors, too, of which the first
// counts.
func (t *Try) Do(n *Node, err error) *Node {
	if t.err == nil {
		t.err = err
	}
	if t.err != nil {
		return nil
	}
	return n
}

// Err returns the first error, nil if there was none.
func (t *Try) Err() error { return t.err }
