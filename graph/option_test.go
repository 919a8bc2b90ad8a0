// SPDX-License-Identifier: Apache-2.0

package graph

import "testing"

func TestNilOptions(t *testing.T) {
	g := New()
	var try Try
	x := try.Do(Variable(g, "x", []float32{3, 1, 2, 4}, 2, 2))
	rate := try.Do(Variable(g, "rate", []float32{0.1}))
	for name, f := range map[string]func() (*Node, error){
		"Softmax": func() (*Node, error) { return Softmax(x, nil) },
		"CumSum":  func() (*Node, error) { return CumSum(x, 0, nil) },
		"Sort":    func() (*Node, error) { return Sort(x, 0, nil) },
		"MatMul":  func() (*Node, error) { return MatMul(x, x, nil) },
		"Sum":     func() (*Node, error) { return Sum(x, nil) },
		"Adam": func() (*Node, error) {
			updates, err := Adam(try.Do(Sum(x)), rate, Nodes{x}, nil)
			if err != nil {
				return nil, err
			}
			return updates[0].Value, nil
		},
	} {
		if y, err := f(); err != nil || y == nil {
			t.Errorf("%s with a nil option: %v, %v, want it to do nothing", name, y, err)
		}
	}
}
