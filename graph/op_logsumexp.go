// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/reef-dl/reef/internal/kernel"
)

// LogSumExp returns log Σ exp(x) over all elements, a scalar, or along axes, without overflow: -Inf
// where all elements are -Inf or there are none, +Inf where one is. The gradient is dy·softmax(x).
func LogSumExp(x *Node, options ...ReduceOption) (*Node, error) {
	d := reducing{
		name: "log_sum_exp", byGroups: true, identity: true,
		run: overAxis(kernel.LogSumExpAxis[float32], kernel.LogSumExpAxis[float64]),
		grad: func(x, y, dy *Node) (*Node, error) {
			var try Try
			dx := try.Do(Mul(dy, try.Do(Exp(try.Do(Sub(x, y))))))
			return dx, try.Err()
		},
	}
	return d.along(x, options)
}
