// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"testing"

	"gorgonia.org/tensor"
)

// opRow describes one exported op for the tests in this file.
type opRow struct {
	op         any  // the exported function
	noGradient bool // all other ops must be in chain_test.go
	calls      calls
}

// calls build the op on the same inputs with different attributes. Each must return a
// different node.
type calls []func() (node, error)

// opTable has one row for each exported op.
func opTable(t *testing.T, g *Graph) []opRow {
	t.Helper()
	in := func(name string, shape ...int) node {
		n, err := Input(g, Float32, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	v, m, w := in("v", 4), in("m", 4, 4), in("w", 4, 4)
	x, y, im := in("x", 4, 4, 4), in("y", 4, 4, 4), in("im", 4, 4, 4, 4)
	wide, wide2 := in("wide", 4, 16), in("wide 2", 4, 12)
	rng := &Random{}
	var try Try
	row := try.Do(Sin(v))
	cost := try.Do(Sum(row))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	var conditions Nodes
	for _, name := range []string{"yes", "no"} {
		n, err := Input(g, Bool, name, 4, 4, 4)
		if err != nil {
			t.Fatal(err)
		}
		conditions = append(conditions, n)
	}
	yes, no := conditions[0], conditions[1]
	norm := func(gamma, beta node, epsilon float64) func() (node, error) {
		return func() (node, error) {
			y, _, _, err := BatchNorm(x, gamma, beta, epsilon)
			return y, err
		}
	}
	maskedNorm := func(gamma, beta node, epsilon float64) func() (node, error) {
		return func() (node, error) {
			y, _, _, err := MaskedBatchNorm(x, m, gamma, beta, epsilon)
			return y, err
		}
	}
	synchronizedNorm := func(label string, mask, gamma, beta node, epsilon float64) func() (node, error) {
		return func() (node, error) {
			y, _, _, err := SynchronizedBatchNorm(label, x, mask, gamma, beta, epsilon)
			return y, err
		}
	}
	conv := func(spec ConvSpec, act Activation, bias node) func() (node, error) {
		return func() (node, error) { return Conv(im, im, bias, spec, act) }
	}
	depthwise := func(spec ConvSpec, act Activation, bias node) func() (node, error) {
		return func() (node, error) { return DepthwiseConv(im, im, bias, spec, act) }
	}
	pool := func(f func(node, PoolSpec) (node, error), height, width, stride int, p Padding) func() (node, error) {
		return func() (node, error) {
			return f(im, PoolSpec{Size: [3]int{height, width}, Stride: [3]int{stride, 1}, Padding: p})
		}
	}
	attend := func(spec AttentionSpec, in AttentionInputs) func() (node, error) {
		return func() (node, error) {
			spec.Heads, in.Query, in.Key, in.Value = max(1, spec.Heads), x, x, x
			return Attention(spec, in)
		}
	}
	recurrent := func(spec RecurrentSpec, in RecurrentInputs) func() (node, error) {
		return func() (node, error) {
			in.X, in.W, in.U = x, wide, wide
			if gates := spec.Cell.Gates(); gates < 4 {
				in.W, in.U = wide2, wide2
			}
			if spec.Cell == SimpleCell {
				in.W, in.U = m, m
			}
			return Recurrent(spec, in)
		}
	}
	tanh, relu, linear := Act(Tanh), Act(ReLU), Act(Linear)
	return append(append(reductionRows(x), axesRows(t, g)...), []opRow{
		{op: Activate, calls: calls{
			func() (node, error) { return Activate(x, ActAlpha(LeakyReLU, 0.1)) },
			func() (node, error) { return Activate(x, ActAlpha(LeakyReLU, 0.2)) },
			func() (node, error) { return Activate(x, ActAlpha(ELU, 0.1)) },
			func() (node, error) { return Activate(x, ActAlpha(ELU, 1)) },
		}},
		{op: Add, calls: calls{func() (node, error) { return Add(m, w) }}},
		{op: AddRow, calls: calls{func() (node, error) { return AddRow(x, v) }}},
		{op: Affine, calls: calls{
			func() (node, error) { return Affine(x, 2, 1) },
			func() (node, error) { return Affine(x, 1, 2) },
		}},
		{op: AllSum, calls: calls{
			func() (node, error) { return AllSum("a", x) },
			func() (node, error) { return AllSum("b", x) },
		}},
		{op: MaskOfRows, noGradient: true, calls: calls{
			func() (node, error) { return MaskOfRows(x, 0) },
			func() (node, error) { return MaskOfRows(x, 1) },
		}},
		{op: AvgPool, calls: calls{
			pool(AvgPool, 2, 2, 1, Valid),
			pool(AvgPool, 2, 2, 1, Same),
			pool(AvgPool, 2, 2, 2, Same),
			pool(AvgPool, 2, 3, 1, Same),
			pool(AvgPool, 3, 2, 1, Same),
		}},
		{op: Attention, calls: calls{
			attend(AttentionSpec{}, AttentionInputs{}),
			attend(AttentionSpec{Heads: 2}, AttentionInputs{}),
			attend(AttentionSpec{Scale: 0.5}, AttentionInputs{}),
			attend(AttentionSpec{Causal: true}, AttentionInputs{}),
			attend(AttentionSpec{Rate: 0.5, Random: rng}, AttentionInputs{}),
			attend(AttentionSpec{Rate: 0.2, Random: rng}, AttentionInputs{}),
			attend(AttentionSpec{Rate: 0.2, Random: rng, Stream: 1}, AttentionInputs{}),
			attend(AttentionSpec{}, AttentionInputs{Mask: y}),
			attend(AttentionSpec{}, AttentionInputs{QueryMask: m}),
			attend(AttentionSpec{}, AttentionInputs{KeyMask: m}),
			attend(AttentionSpec{}, AttentionInputs{Mask: y, QueryMask: m, KeyMask: m}),
		}},
		{op: BatchNorm, calls: calls{
			norm(nil, nil, 0.1),
			norm(nil, nil, 0.2),
			norm(v, nil, 0.1),
			norm(nil, v, 0.1),
			norm(v, v, 0.1),
		}},
		{op: BinaryCrossEntropy, calls: calls{func() (node, error) { return BinaryCrossEntropy(m, w) }}},
		{op: BinaryFocal, calls: calls{
			func() (node, error) { return BinaryFocal(m, w, 0.1, 2, false) },
			func() (node, error) { return BinaryFocal(m, w, 0.2, 2, false) },
			func() (node, error) { return BinaryFocal(m, w, 0.1, 3, false) },
			func() (node, error) { return BinaryFocal(m, w, 0.1, 2, true) },
		}},
		{op: CategoricalCrossEntropy, calls: calls{func() (node, error) { return CategoricalCrossEntropy(m, w) }}},
		{op: CategoricalFocal, calls: calls{
			func() (node, error) { return CategoricalFocal(m, w, 0.1, 2) },
			func() (node, error) { return CategoricalFocal(m, w, 0.2, 2) },
			func() (node, error) { return CategoricalFocal(m, w, 0.1, 3) },
		}},
		{op: CategoricalHinge, calls: calls{func() (node, error) { return CategoricalHinge(m, w) }}},
		{op: CTC, calls: calls{func() (node, error) { return CTC(x, w) }}},
		{op: CausalMask, calls: calls{func() (node, error) { return CausalMask(m) }}},
		{op: ColumnSum, calls: calls{func() (node, error) { return ColumnSum(x) }}},
		{op: Concat, calls: calls{
			func() (node, error) { return Concat(1, x, x) },
			func() (node, error) { return Concat(2, x, x) },
			func() (node, error) { return Concat(2, x, x, x) },
		}},
		{op: Conv, calls: calls{
			conv(ConvSpec{}, linear, nil),
			conv(ConvSpec{}, relu, nil),
			conv(ConvSpec{}, relu, v),
			conv(ConvSpec{Padding: Same}, relu, nil),
			conv(ConvSpec{Padding: Same, Stride: [3]int{2, 1}}, relu, nil),
			conv(ConvSpec{Padding: Same, Stride: [3]int{1, 2}}, relu, nil),
			conv(ConvSpec{Padding: Same, Dilation: [3]int{2, 1}}, relu, nil),
		}},
		{op: ConvTranspose, calls: calls{
			func() (node, error) {
				return ConvTranspose(im, im, ConvSpec{Padding: Same, Stride: [3]int{2, 2}}, 7, 8)
			},
			func() (node, error) {
				return ConvTranspose(im, im, ConvSpec{Padding: Same, Stride: [3]int{2, 2}}, 8, 7)
			},
		}},
		{op: CosineSimilarity, calls: calls{func() (node, error) { return CosineSimilarity(m, w) }}},
		{op: Dense, calls: calls{
			func() (node, error) { return Dense(m, w, nil, linear) },
			func() (node, error) { return Dense(m, w, nil, relu) },
			func() (node, error) { return Dense(m, w, v, linear) },
		}},
		{op: DepthwiseConv, calls: calls{
			depthwise(ConvSpec{}, linear, nil),
			depthwise(ConvSpec{}, relu, nil),
			depthwise(ConvSpec{Padding: Same}, relu, nil),
			depthwise(ConvSpec{Padding: Same, Stride: [3]int{2, 2}}, relu, nil),
			depthwise(ConvSpec{Padding: Same, Dilation: [3]int{2, 2}}, relu, nil),
		}},
		{op: Dropout, calls: calls{
			func() (node, error) { return Dropout(x, 0.2, rng, 1) },
			func() (node, error) { return Dropout(x, 0.8, rng, 1) },
			func() (node, error) { return Dropout(x, 0.2, rng, 2) },
		}},
		{op: Embedding, calls: calls{func() (node, error) { return Embedding(m, m) }}},
		{op: Flatten, calls: calls{func() (node, error) { return Flatten(x) }}},
		{op: GaussianDropout, calls: calls{
			func() (node, error) { return GaussianDropout(x, 0.1, rng, 1) },
			func() (node, error) { return GaussianDropout(x, 0.2, rng, 1) },
			func() (node, error) { return GaussianDropout(x, 0.1, rng, 2) },
		}},
		{op: GaussianNoise, calls: calls{
			func() (node, error) { return GaussianNoise(x, 0.1, rng, 1) },
			func() (node, error) { return GaussianNoise(x, 0.2, rng, 1) },
			func() (node, error) { return GaussianNoise(x, 0.1, rng, 2) },
		}},
		{op: GlobalAvgPool, calls: calls{func() (node, error) { return GlobalAvgPool(x) }}},
		{op: GlobalMaxPool, calls: calls{func() (node, error) { return GlobalMaxPool(x) }}},
		{op: GroupNorm, calls: calls{
			func() (node, error) { return GroupNorm(x, nil, nil, 1, 0.1) },
			func() (node, error) { return GroupNorm(x, nil, nil, 1, 0.2) },
			func() (node, error) { return GroupNorm(x, nil, nil, lastOf(x), 0.1) },
			func() (node, error) { return GroupNorm(x, v, nil, 1, 0.1) },
			func() (node, error) { return GroupNorm(x, nil, v, 1, 0.1) },
		}},
		{op: Hinge, calls: calls{func() (node, error) { return Hinge(m, w) }}},
		{op: Huber, calls: calls{
			func() (node, error) { return Huber(m, w, 0.1) },
			func() (node, error) { return Huber(m, w, 0.2) },
		}},
		{op: KLDivergence, calls: calls{func() (node, error) { return KLDivergence(m, w) }}},
		{op: L1, calls: calls{
			func() (node, error) { return L1(x, 0.1) },
			func() (node, error) { return L1(x, 0.2) },
		}},
		{op: L2, calls: calls{
			func() (node, error) { return L2(x, 0.1) },
			func() (node, error) { return L2(x, 0.2) },
		}},
		{op: LayerNorm, calls: calls{
			func() (node, error) { return LayerNorm(x, nil, nil, 0.1) },
			func() (node, error) { return LayerNorm(x, nil, nil, 0.2) },
			func() (node, error) { return LayerNorm(x, v, nil, 0.1) },
			func() (node, error) { return LayerNorm(x, nil, v, 0.1) },
		}},
		{op: LogCosh, calls: calls{func() (node, error) { return LogCosh(m, w) }}},
		{op: LogSoftmax, calls: calls{
			func() (node, error) { return LogSoftmax(x) },
			func() (node, error) { return LogSoftmax(x, SoftmaxAxis(1)) },
			func() (node, error) { return LogSoftmax(x, SoftmaxMask(yes)) },
		}},
		{op: MaskSteps, calls: calls{func() (node, error) { return MaskSteps(m, w) }}},
		{op: MaskedAvgPool, calls: calls{func() (node, error) { return MaskedAvgPool(x, m) }}},
		{op: MaskedBatchNorm, calls: calls{
			maskedNorm(nil, nil, 0.1),
			maskedNorm(nil, nil, 0.2),
			maskedNorm(v, nil, 0.1),
			maskedNorm(nil, v, 0.1),
			maskedNorm(v, v, 0.1),
		}},
		{op: MaskedMean, calls: calls{func() (node, error) { return MaskedMean(m, w) }}},
		{op: MatMul, calls: calls{
			func() (node, error) { return MatMul(m, w) },
			func() (node, error) { return MatMul(m, w, Transposed(false, true)) },
			func() (node, error) { return MatMul(m, w, Transposed(true, false)) },
			func() (node, error) { return MatMul(m, w, Transposed(true, true)) },
			func() (node, error) { return MatMul(x, y) },
			func() (node, error) { return MatMul(x, y, Transposed(false, true)) },
			func() (node, error) { return MatMul(x, v) },
		}},
		{op: MaxPool, calls: calls{
			pool(MaxPool, 2, 2, 1, Valid),
			pool(MaxPool, 2, 2, 1, Same),
			pool(MaxPool, 2, 2, 2, Same),
			pool(MaxPool, 2, 3, 1, Same),
			pool(MaxPool, 3, 2, 1, Same),
		}},
		{op: Maximum, calls: calls{func() (node, error) { return Maximum(m, w) }}},
		{op: Mean, calls: calls{func() (node, error) { return Mean(x) }}},
		{op: MeanAbsoluteError, calls: calls{func() (node, error) { return MeanAbsoluteError(m, w) }}},
		{op: MeanAbsolutePercentageError, calls: calls{func() (node, error) { return MeanAbsolutePercentageError(m, w) }}},
		{op: MeanSquaredError, calls: calls{func() (node, error) { return MeanSquaredError(m, w) }}},
		{op: MeanSquaredLogarithmicError, calls: calls{func() (node, error) { return MeanSquaredLogarithmicError(m, w) }}},
		{op: Mul, calls: calls{func() (node, error) { return Mul(m, w) }}},
		{op: MulRow, calls: calls{func() (node, error) { return MulRow(x, v) }}},
		{op: Normalize, calls: calls{
			func() (node, error) { return Normalize(x, v, v, nil, nil, 0.1) },
			func() (node, error) { return Normalize(x, v, v, v, nil, 0.1) },
			func() (node, error) { return Normalize(x, v, v, nil, v, 0.1) },
			func() (node, error) { return Normalize(x, v, v, nil, nil, 0.2) },
		}},
		{op: Ones, noGradient: true, calls: calls{
			func() (node, error) { return Ones(x, 1) },
			func() (node, error) { return Ones(x, 2) },
		}},
		{op: Pad, calls: calls{
			func() (node, error) { return Pad(x, PadZeros, PadWidth{Axis: 1, Before: 1}) },
			func() (node, error) { return Pad(x, PadZeros, PadWidth{Axis: 1, After: 1}) },
			func() (node, error) { return Pad(x, PadReflect, PadWidth{Axis: 1, After: 1}) },
			func() (node, error) { return Pad(x, PadEdge, PadWidth{Axis: 1, After: 1}) },
		}},
		{op: Transpose, calls: calls{
			func() (node, error) { return Transpose(x, 0, 2, 1) },
			func() (node, error) { return Transpose(x, 1, 0, 2) },
		}},
		{op: Poisson, calls: calls{func() (node, error) { return Poisson(m, w) }}},
		{op: RMSNorm, calls: calls{
			func() (node, error) { return RMSNorm(x, nil, 0.1) },
			func() (node, error) { return RMSNorm(x, nil, 0.2) },
			func() (node, error) { return RMSNorm(x, v, 0.1) },
		}},
		{op: Recurrent, calls: calls{
			recurrent(RecurrentSpec{Act: tanh}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Act: relu}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: GRUCell}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: GRUResetAfterCell}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Reverse: true}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Output: AllStates}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Output: StateAndCell}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Output: StatesAndCell}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{H0: m}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{C0: m}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{Mask: m}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{DropX: y}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{DropH: y}),
			recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{DropX: y, DropH: y}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Gated: &CellActivations{Act(HardSigmoid), tanh}}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Gated: &CellActivations{Act(Sigmoid), relu}}, RecurrentInputs{}),
			recurrent(RecurrentSpec{Cell: LSTMCell, Gated: &CellActivations{Act(Sigmoid), ActAlpha(ELU, 0.5)}}, RecurrentInputs{}),
		}},
		{op: Repeat, calls: calls{
			func() (node, error) { return Repeat(x, 2, 1) },
			func() (node, error) { return Repeat(x, 2, 2) },
			func() (node, error) { return Repeat(x, 3, 1) },
		}},
		{op: Reshape, calls: calls{
			func() (node, error) { return Reshape(m, 2, 8) },
			func() (node, error) { return Reshape(m, 8, 2) },
		}},
		{op: Flip, calls: calls{
			func() (node, error) { return Flip(x, 0) },
			func() (node, error) { return Flip(x, 1) },
		}},
		{op: Scale, calls: calls{
			func() (node, error) { return Scale(x, 2) },
			func() (node, error) { return Scale(x, 3) },
		}},
		{op: SigmoidCrossEntropy, calls: calls{func() (node, error) { return SigmoidCrossEntropy(m, w) }}},
		{op: Slice, calls: calls{
			func() (node, error) { return Slice(x, At(1, 0, 2)) },
			func() (node, error) { return Slice(x, At(2, 0, 2)) },
			func() (node, error) { return Slice(x, At(1, 1, 3)) },
			func() (node, error) { return Slice(x, At(1, 0, 1)) },
		}},
		{op: Softmax, calls: calls{
			func() (node, error) { return Softmax(x) },
			func() (node, error) { return Softmax(x, SoftmaxAxis(0)) },
			func() (node, error) { return Softmax(x, SoftmaxAxis(1)) },
			func() (node, error) { return Softmax(x, SoftmaxMask(yes)) },
		}},
		{op: SoftmaxCrossEntropy, calls: calls{func() (node, error) { return SoftmaxCrossEntropy(m, w) }}},
		{op: SparseCategoricalCrossEntropy, calls: calls{func() (node, error) { return SparseCategoricalCrossEntropy(m, v) }}},
		{op: SparseSoftmaxCrossEntropy, calls: calls{func() (node, error) { return SparseSoftmaxCrossEntropy(m, v) }}},
		{op: SpatialDropout, calls: calls{
			func() (node, error) { return SpatialDropout(x, 0.2, rng, 1) },
			func() (node, error) { return SpatialDropout(x, 0.8, rng, 1) },
			func() (node, error) { return SpatialDropout(x, 0.2, rng, 2) },
		}},
		{op: SquaredHinge, calls: calls{func() (node, error) { return SquaredHinge(m, w) }}},
		{op: Sub, calls: calls{func() (node, error) { return Sub(m, w) }}},
		{op: Sum, calls: calls{func() (node, error) { return Sum(x) }}},
		{op: MaskOf, noGradient: true, calls: calls{
			func() (node, error) { return MaskOf(x, 0) },
			func() (node, error) { return MaskOf(x, 1) },
		}},
		{op: Hessian, calls: calls{func() (node, error) { return Hessian(cost, v) }}},
		{op: HessianVector, calls: calls{func() (node, error) { return one(HessianVector(cost, Nodes{v}, Nodes{v})) }}},
		{op: Jacobian, calls: calls{
			func() (node, error) { return Jacobian(row, v) },
			func() (node, error) { return Jacobian(cost, v) },
		}},
		{op: JacobianVector, calls: calls{
			func() (node, error) { return JacobianVector(row, v, v) },
			func() (node, error) { return JacobianVector(row, v, row) },
		}},
		{op: StopGradient, noGradient: true, calls: calls{func() (node, error) { return StopGradient(x) }}},
		{op: StraightThrough, calls: calls{
			func() (node, error) { return StraightThrough(x, y) },
			func() (node, error) { return StraightThrough(y, x) },
		}},
		{op: L2Normalize, calls: calls{func() (node, error) { return L2Normalize(m) }}},
		{op: SynchronizedBatchNorm, calls: calls{
			synchronizedNorm("a", nil, nil, nil, 0.1),
			synchronizedNorm("b", nil, nil, nil, 0.1),
			synchronizedNorm("a", nil, nil, nil, 0.2),
			synchronizedNorm("a", m, nil, nil, 0.1),
			synchronizedNorm("a", nil, v, nil, 0.1),
			synchronizedNorm("a", nil, nil, v, 0.1),
			synchronizedNorm("a", m, v, v, 0.1),
		}},
		{op: Upsample, calls: calls{
			func() (node, error) { return Upsample(im, 2, 3) },
			func() (node, error) { return Upsample(im, 3, 2) },
		}},
		{op: Abs, calls: calls{
			func() (node, error) { return Abs(x) },
		}},
		{op: Acos, calls: calls{
			func() (node, error) { return Acos(x) },
		}},
		{op: Acosh, calls: calls{
			func() (node, error) { return Acosh(x) },
		}},
		{op: And, noGradient: true, calls: calls{
			func() (node, error) { return And(yes, no) },
		}},
		{op: Asin, calls: calls{
			func() (node, error) { return Asin(x) },
		}},
		{op: Asinh, calls: calls{
			func() (node, error) { return Asinh(x) },
		}},
		{op: Atan, calls: calls{
			func() (node, error) { return Atan(x) },
		}},
		{op: Atan2, calls: calls{
			func() (node, error) { return Atan2(x, y) },
		}},
		{op: Atanh, calls: calls{
			func() (node, error) { return Atanh(x) },
		}},
		{op: BroadcastTo, calls: calls{
			func() (node, error) { return BroadcastTo(v, 4, 4) },
			func() (node, error) { return BroadcastTo(v, 2, 4) },
		}},
		{op: Cast, noGradient: true, calls: calls{
			func() (node, error) { return Cast(x, Int64) },
			func() (node, error) { return Cast(x, Bool) },
			func() (node, error) { return Cast(yes, Float32) },
		}},
		{op: Cbrt, calls: calls{
			func() (node, error) { return Cbrt(x) },
		}},
		{op: Ceil, noGradient: true, calls: calls{
			func() (node, error) { return Ceil(x) },
		}},
		{op: Clip, calls: calls{
			func() (node, error) { return Clip(x, 0, 1) },
			func() (node, error) { return Clip(x, 0, 2) },
			func() (node, error) { return Clip(x, -1, 1) },
		}},
		{op: Constant, noGradient: true, calls: calls{
			func() (node, error) { return Constant(g, 1) },
			func() (node, error) { return Constant(g, true) },
			func() (node, error) { return Constant(g, 1.0) },
			func() (node, error) { return Constant(g, float32(1)) },
			func() (node, error) { return Constant(g, float32(2)) },
			func() (node, error) { return Constant(g, tensor.New(tensor.WithBacking([]float32{1, 2}))) },
			func() (node, error) { return Constant(g, tensor.New(tensor.WithBacking([]float32{1, 3}))) },
		}},
		{op: Cos, calls: calls{
			func() (node, error) { return Cos(x) },
		}},
		{op: Cosh, calls: calls{
			func() (node, error) { return Cosh(x) },
		}},
		{op: Div, calls: calls{
			func() (node, error) { return Div(x, y) },
		}},
		{op: Equal, noGradient: true, calls: calls{
			func() (node, error) { return Equal(x, y) },
		}},
		{op: Erf, calls: calls{
			func() (node, error) { return Erf(x) },
		}},
		{op: Erfc, calls: calls{
			func() (node, error) { return Erfc(x) },
		}},
		{op: Exp, calls: calls{
			func() (node, error) { return Exp(x) },
		}},
		{op: Expm1, calls: calls{
			func() (node, error) { return Expm1(x) },
		}},
		{op: Floor, noGradient: true, calls: calls{
			func() (node, error) { return Floor(x) },
		}},
		{op: FloorDiv, noGradient: true, calls: calls{
			func() (node, error) { return FloorDiv(x, y) },
		}},
		{op: Greater, noGradient: true, calls: calls{
			func() (node, error) { return Greater(x, y) },
		}},
		{op: GreaterEqual, noGradient: true, calls: calls{
			func() (node, error) { return GreaterEqual(x, y) },
		}},
		{op: IsFinite, noGradient: true, calls: calls{
			func() (node, error) { return IsFinite(x) },
		}},
		{op: IsInf, noGradient: true, calls: calls{
			func() (node, error) { return IsInf(x) },
		}},
		{op: IsNaN, noGradient: true, calls: calls{
			func() (node, error) { return IsNaN(x) },
		}},
		{op: Less, noGradient: true, calls: calls{
			func() (node, error) { return Less(x, y) },
		}},
		{op: LessEqual, noGradient: true, calls: calls{
			func() (node, error) { return LessEqual(x, y) },
		}},
		{op: Log, calls: calls{
			func() (node, error) { return Log(x) },
		}},
		{op: Log1p, calls: calls{
			func() (node, error) { return Log1p(x) },
		}},
		{op: LogAddExp, calls: calls{
			func() (node, error) { return LogAddExp(x, y) },
		}},
		{op: Minimum, calls: calls{
			func() (node, error) { return Minimum(x, y) },
		}},
		{op: Mod, calls: calls{
			func() (node, error) { return Mod(x, y) },
		}},
		{op: Neg, calls: calls{
			func() (node, error) { return Neg(x) },
		}},
		{op: Not, noGradient: true, calls: calls{
			func() (node, error) { return Not(yes) },
		}},
		{op: NotEqual, noGradient: true, calls: calls{
			func() (node, error) { return NotEqual(x, y) },
		}},
		{op: Or, noGradient: true, calls: calls{
			func() (node, error) { return Or(yes, no) },
		}},
		{op: Pow, calls: calls{
			func() (node, error) { return Pow(x, y) },
		}},
		{op: Power, calls: calls{
			func() (node, error) { return Power(x, 3) },
			func() (node, error) { return Power(x, 0.5) },
		}},
		{op: Reciprocal, calls: calls{
			func() (node, error) { return Reciprocal(x) },
		}},
		{op: Round, noGradient: true, calls: calls{
			func() (node, error) { return Round(x) },
		}},
		{op: Rsqrt, calls: calls{
			func() (node, error) { return Rsqrt(x) },
		}},
		{op: Scalar, noGradient: true, calls: calls{
			func() (node, error) { return Scalar(x, 3) },
			func() (node, error) { return Scalar(x, 4) },
		}},
		{op: Sign, noGradient: true, calls: calls{
			func() (node, error) { return Sign(x) },
		}},
		{op: Sin, calls: calls{
			func() (node, error) { return Sin(x) },
		}},
		{op: Sinh, calls: calls{
			func() (node, error) { return Sinh(x) },
		}},
		{op: Sqrt, calls: calls{
			func() (node, error) { return Sqrt(x) },
		}},
		{op: Square, calls: calls{
			func() (node, error) { return Square(x) },
		}},
		{op: Tan, calls: calls{
			func() (node, error) { return Tan(x) },
		}},
		{op: Trunc, noGradient: true, calls: calls{
			func() (node, error) { return Trunc(x) },
		}},
		{op: Where, calls: calls{
			func() (node, error) { return Where(yes, x, y) },
		}},
		{op: Xor, noGradient: true, calls: calls{
			func() (node, error) { return Xor(yes, no) },
		}},
		{op: RandomUniform, noGradient: true, calls: calls{
			func() (node, error) { return RandomUniform(g, Float32, rng, 1, 3) },
			func() (node, error) { return RandomUniform(g, Float32, rng, 2, 3) },
			func() (node, error) { return RandomUniform(g, Float64, rng, 1, 3) },
			func() (node, error) { return RandomUniform(g, Float32, rng, 1, 4) },
			func() (node, error) { return RandomUniform(g, Float32, &Random{}, 1, 3) },
		}},
		{op: RandomNormal, noGradient: true, calls: calls{
			func() (node, error) { return RandomNormal(g, Float32, rng, 1, 3) },
			func() (node, error) { return RandomNormal(g, Float32, rng, 2, 3) },
		}},
		{op: Bernoulli, noGradient: true, calls: calls{
			func() (node, error) { return Bernoulli(x, rng, 3) },
			func() (node, error) { return Bernoulli(x, rng, 4) },
		}},
		{op: Categorical, noGradient: true, calls: calls{
			func() (node, error) { return Categorical(x, rng, 5) },
			func() (node, error) { return Categorical(x, rng, 6) },
		}},
		{op: IRFFT, calls: calls{
			func() (node, error) { return IRFFT(x, y, 6) },
			func() (node, error) { return IRFFT(x, y, 7) },
		}},
		{op: FFT, calls: calls{func() (node, error) {
			re, _, err := FFT(x, y)
			return re, err
		}}},
		{op: IFFT, calls: calls{func() (node, error) {
			re, _, err := IFFT(x, y)
			return re, err
		}}},
		{op: RFFT, calls: calls{func() (node, error) {
			re, _, err := RFFT(x)
			return re, err
		}}},
		{op: If, calls: calls{
			func() (node, error) { return either(x, false) },
			func() (node, error) { return either(x, true) },
		}},
		{op: Scan, calls: calls{
			func() (node, error) { return lastSum(x, 2, false) },
			func() (node, error) { return lastSum(x, 3, false) },
			func() (node, error) { return lastSum(x, 2, true) },
		}},
		{op: WeightByMask, calls: calls{func() (node, error) { return WeightByMask(x, m) }}},
		{op: WeightedMean, calls: calls{func() (node, error) { return WeightedMean(m, w) }}},
	}...)
}

// either returns 2x and 3x of an If, in the given order.
func either(x node, swapped bool) (node, error) {
	condition, err := Constant(x.Graph(), true)
	if err != nil {
		return nil, err
	}
	a, b := 2.0, 3.0
	if swapped {
		a, b = b, a
	}
	scaled := func(by float64) func() (Nodes, error) {
		return func() (Nodes, error) {
			y, err := Scale(x, by)
			return Nodes{y}, err
		}
	}
	y, err := If(condition, scaled(a), scaled(b))
	if err != nil {
		return nil, err
	}
	return y[0], nil
}

// lastSum adds x to itself in a loop of some steps.
func lastSum(x node, steps int, reverse bool) (node, error) {
	last, _, err := Scan(Loop{Steps: steps, Init: Nodes{x}, Reverse: reverse}, func(h, _ Nodes) (next, keep Nodes, err error) {
		y, err := Add(h[0], x)
		return Nodes{y}, nil, err
	})
	if err != nil {
		return nil, err
	}
	return last[0], nil
}
