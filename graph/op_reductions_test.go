// SPDX-License-Identifier: Apache-2.0

package graph

import "math"

// reductionRows are the rows of opTable of reductions.
func reductionRows(x node) []opRow {
	return []opRow{
		{op: Any, noGradient: true, calls: calls{
			func() (node, error) { return Any(x) },
			func() (node, error) { return Any(x, Axes(0)) },
			func() (node, error) { return Any(x, Axes(-1)) },
			func() (node, error) { return Any(x, Axes(1), KeepDims()) },
		}},
		{op: All, noGradient: true, calls: calls{
			func() (node, error) { return All(x) },
			func() (node, error) { return All(x, Axes(0)) },
			func() (node, error) { return All(x, Axes(-1)) },
			func() (node, error) { return All(x, Axes(1), KeepDims()) },
		}},
		{op: CountNonzero, noGradient: true, calls: calls{
			func() (node, error) { return CountNonzero(x) },
			func() (node, error) { return CountNonzero(x, Axes(0)) },
			func() (node, error) { return CountNonzero(x, Axes(-1)) },
			func() (node, error) { return CountNonzero(x, Axes(1), KeepDims()) },
		}},
		{op: Max, calls: calls{
			func() (node, error) { return Max(x) },
			func() (node, error) { return Max(x, Axes(0)) },
			func() (node, error) { return Max(x, Axes(-1)) },
			func() (node, error) { return Max(x, Axes(1), KeepDims()) },
		}},
		{op: Min, calls: calls{
			func() (node, error) { return Min(x) },
			func() (node, error) { return Min(x, Axes(0)) },
			func() (node, error) { return Min(x, Axes(-1)) },
			func() (node, error) { return Min(x, Axes(1), KeepDims()) },
		}},
		{op: ArgMax, noGradient: true, calls: calls{
			func() (node, error) { return ArgMax(x) },
			func() (node, error) { return ArgMax(x, Axes(0)) },
			func() (node, error) { return ArgMax(x, Axes(-1)) },
			func() (node, error) { return ArgMax(x, Axes(1), KeepDims()) },
		}},
		{op: ArgMin, noGradient: true, calls: calls{
			func() (node, error) { return ArgMin(x) },
			func() (node, error) { return ArgMin(x, Axes(0)) },
			func() (node, error) { return ArgMin(x, Axes(-1)) },
			func() (node, error) { return ArgMin(x, Axes(1), KeepDims()) },
		}},
		{op: LogSumExp, calls: calls{
			func() (node, error) { return LogSumExp(x) },
			func() (node, error) { return LogSumExp(x, Axes(0)) },
			func() (node, error) { return LogSumExp(x, Axes(-1)) },
			func() (node, error) { return LogSumExp(x, Axes(1), KeepDims()) },
		}},
		{op: Prod, calls: calls{
			func() (node, error) { return Prod(x) },
			func() (node, error) { return Prod(x, Axes(0)) },
			func() (node, error) { return Prod(x, Axes(-1)) },
			func() (node, error) { return Prod(x, Axes(1), KeepDims()) },
		}},
		{op: Variance, calls: calls{
			func() (node, error) { return Variance(x, 0) },
			func() (node, error) { return Variance(x, 1) },
			func() (node, error) { return Variance(x, 1, Axes(1)) },
		}},
		{op: Std, calls: calls{
			func() (node, error) { return Std(x, 0) },
			func() (node, error) { return Std(x, 1) },
			func() (node, error) { return Std(x, 1, Axes(1)) },
		}},
		{op: Norm, calls: calls{
			func() (node, error) { return Norm(x, 1) },
			func() (node, error) { return Norm(x, 2) },
			func() (node, error) { return Norm(x, 3) },
			func() (node, error) { return Norm(x, math.Inf(1)) },
			func() (node, error) { return Norm(x, math.Inf(-1)) },
			func() (node, error) { return Norm(x, 2, Axes(0, 2)) },
		}},
	}
}
