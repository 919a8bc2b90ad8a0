// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"go/ast"
	"testing"
)

// TestAttributesAreHashed: the graph merges nodes whose op hash and children
// agree, so that a hash has to carry every attribute. The calls of a row are on
// the same nodes and must be different nodes, of other rows' too.
func TestAttributesAreHashed(t *testing.T) {
	g := New()
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
	conv := func(spec ConvSpec, act Activation, bias node) func() (node, error) {
		return func() (node, error) { return Conv(im, im, bias, spec, act) }
	}
	depthwise := func(spec ConvSpec, act Activation, bias node) func() (node, error) {
		return func() (node, error) { return DepthwiseConv(im, im, bias, spec, act) }
	}
	pool := func(f func(node, PoolSpec) (node, error), height, width, stride int, p Padding) func() (node, error) {
		return func() (node, error) { return f(im, PoolSpec{[2]int{height, width}, [2]int{stride, 1}, p}) }
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
	rows := [][]func() (node, error){
		{func() (node, error) { return Dropout(x, 0.2, rng, 1) }, func() (node, error) { return Dropout(x, 0.8, rng, 1) }, func() (node, error) { return Dropout(x, 0.2, rng, 2) }},
		{func() (node, error) { return SpatialDropout(x, 0.2, rng, 1) }, func() (node, error) { return SpatialDropout(x, 0.8, rng, 1) }, func() (node, error) { return SpatialDropout(x, 0.2, rng, 2) }},
		{func() (node, error) { return GaussianNoise(x, 0.1, rng, 1) }, func() (node, error) { return GaussianNoise(x, 0.2, rng, 1) }, func() (node, error) { return GaussianNoise(x, 0.1, rng, 2) }},
		{func() (node, error) { return GaussianDropout(x, 0.1, rng, 1) }, func() (node, error) { return GaussianDropout(x, 0.2, rng, 1) }, func() (node, error) { return GaussianDropout(x, 0.1, rng, 2) }},
		{func() (node, error) { return Softmax(m) }, func() (node, error) { return LogSoftmax(m) }, func() (node, error) { return CausalMask(m) }, func() (node, error) { return UnitRows(m) }},
		{func() (node, error) { return Activate(x, ActAlpha(LeakyReLU, 0.1)) }, func() (node, error) { return Activate(x, ActAlpha(LeakyReLU, 0.2)) }, func() (node, error) { return Activate(x, ActAlpha(ELU, 0.1)) }, func() (node, error) { return Activate(x, ActAlpha(ELU, 1)) }},
		{func() (node, error) { return Scale(x, 2) }, func() (node, error) { return Scale(x, 3) }, func() (node, error) { return Affine(x, 2, 1) }, func() (node, error) { return Affine(x, 1, 2) }},
		{func() (node, error) { return MatMul(m, w, false, false) }, func() (node, error) { return MatMul(m, w, false, true) }, func() (node, error) { return MatMul(m, w, true, false) }, func() (node, error) { return MatMul(m, w, true, true) }},
		{func() (node, error) { return BatchMatMul(x, y, false, false) }, func() (node, error) { return BatchMatMul(x, y, false, true) }, func() (node, error) { return BatchMatMul(x, y, true, false) }, func() (node, error) { return BatchMatMul(x, y, true, true) }},
		{func() (node, error) { return Dense(m, w, nil, linear) }, func() (node, error) { return Dense(m, w, nil, relu) }, func() (node, error) { return Dense(m, w, v, linear) }},
		{func() (node, error) { return Reshape(m, 2, 8) }, func() (node, error) { return Reshape(m, 8, 2) }, func() (node, error) { return Flatten(x) }},
		{func() (node, error) { return Permute(x, 0, 2, 1) }, func() (node, error) { return Permute(x, 1, 0, 2) }},
		{func() (node, error) { return Reverse(x, 0) }, func() (node, error) { return Reverse(x, 1) }},
		{func() (node, error) { return Concat(1, x, x) }, func() (node, error) { return Concat(2, x, x) }, func() (node, error) { return Concat(2, x, x, x) }},
		{func() (node, error) { return Slice(x, 1, 0, 2) }, func() (node, error) { return Slice(x, 2, 0, 2) }, func() (node, error) { return Slice(x, 1, 1, 2) }, func() (node, error) { return Slice(x, 1, 0, 1) }},
		{func() (node, error) { return Repeat(x, 1, 2) }, func() (node, error) { return Repeat(x, 2, 2) }, func() (node, error) { return Repeat(x, 1, 3) }},
		{func() (node, error) { return Upsample(im, 2, 3) }, func() (node, error) { return Upsample(im, 3, 2) }},
		{func() (node, error) { return Pad(x, Margins{Left: 1}) }, func() (node, error) { return Pad(x, Margins{Right: 1}) }, func() (node, error) { return Crop(x, Margins{Left: 1}) }, func() (node, error) { return Crop(x, Margins{Right: 1}) }},
		{func() (node, error) { return AddRow(x, v) }, func() (node, error) { return MulRow(x, v) }},
		{norm(nil, nil, 0.1), norm(nil, nil, 0.2), norm(v, nil, 0.1), norm(nil, v, 0.1), norm(v, v, 0.1)},
		{maskedNorm(nil, nil, 0.1), maskedNorm(nil, nil, 0.2), maskedNorm(v, nil, 0.1), maskedNorm(nil, v, 0.1), maskedNorm(v, v, 0.1)},
		{func() (node, error) { return Normalize(x, v, v, nil, nil, 0.1) }, func() (node, error) { return Normalize(x, v, v, v, nil, 0.1) }, func() (node, error) { return Normalize(x, v, v, nil, v, 0.1) }, func() (node, error) { return Normalize(x, v, v, nil, nil, 0.2) }},
		{func() (node, error) { return LayerNorm(x, nil, nil, 0.1) }, func() (node, error) { return LayerNorm(x, nil, nil, 0.2) }, func() (node, error) { return LayerNorm(x, v, nil, 0.1) }, func() (node, error) { return LayerNorm(x, nil, v, 0.1) }},
		{conv(ConvSpec{}, linear, nil), conv(ConvSpec{}, relu, nil), conv(ConvSpec{}, relu, v), conv(ConvSpec{Padding: Same}, relu, nil), conv(ConvSpec{Padding: Same, Stride: [2]int{2, 1}}, relu, nil), conv(ConvSpec{Padding: Same, Stride: [2]int{1, 2}}, relu, nil), conv(ConvSpec{Padding: Same, Dilation: [2]int{2, 1}}, relu, nil)},
		{depthwise(ConvSpec{}, linear, nil), depthwise(ConvSpec{}, relu, nil), depthwise(ConvSpec{Padding: Same}, relu, nil), depthwise(ConvSpec{Padding: Same, Stride: [2]int{2, 2}}, relu, nil)},
		{func() (node, error) {
			return ConvTranspose(im, im, ConvSpec{Padding: Same, Stride: [2]int{2, 2}}, 7, 8)
		}, func() (node, error) {
			return ConvTranspose(im, im, ConvSpec{Padding: Same, Stride: [2]int{2, 2}}, 8, 7)
		}},
		{pool(MaxPool, 2, 2, 1, Valid), pool(MaxPool, 2, 2, 1, Same), pool(MaxPool, 2, 2, 2, Same), pool(MaxPool, 2, 3, 1, Same), pool(MaxPool, 3, 2, 1, Same)},
		{pool(AvgPool, 2, 2, 1, Valid), pool(AvgPool, 2, 2, 1, Same), pool(AvgPool, 2, 2, 2, Same), pool(AvgPool, 2, 3, 1, Same), pool(AvgPool, 3, 2, 1, Same)},
		{func() (node, error) { return GlobalMaxPool(x) }, func() (node, error) { return GlobalAvgPool(x) }, func() (node, error) { return MaskedAvgPool(x, m) }, func() (node, error) { return Embedding(m, m) }},
		{recurrent(RecurrentSpec{Act: tanh}, RecurrentInputs{}), recurrent(RecurrentSpec{Act: relu}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: GRUCell}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: GRUResetAfterCell}, RecurrentInputs{})},
		{recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: LSTMCell, Reverse: true}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: LSTMCell, Output: AllStates}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: LSTMCell, Output: StateAndCell}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: LSTMCell, Output: StatesAndCell}, RecurrentInputs{})},
		{recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{H0: m}), recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{C0: m}), recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{Mask: m})},
		{recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{DropX: y}), recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{DropH: y}), recurrent(RecurrentSpec{Cell: LSTMCell}, RecurrentInputs{DropX: y, DropH: y})},
		{recurrent(RecurrentSpec{Cell: LSTMCell, Gated: &GatedActs{Act(HardSigmoid), tanh}}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: LSTMCell, Gated: &GatedActs{Act(Sigmoid), relu}}, RecurrentInputs{}), recurrent(RecurrentSpec{Cell: LSTMCell, Gated: &GatedActs{Act(Sigmoid), ActAlpha(ELU, 0.5)}}, RecurrentInputs{})},
		{func() (node, error) { return Add(m, w) }, func() (node, error) { return Sub(m, w) }, func() (node, error) { return Mul(m, w) }, func() (node, error) { return Maximum(m, w) }, func() (node, error) { return WeightedMean(m, w) }, func() (node, error) { return MaskedMean(m, w) }, func() (node, error) { return MaskSteps(m, w) }},
		{func() (node, error) { return Unequal(x, 0) }, func() (node, error) { return Unequal(x, 1) }, func() (node, error) { return AnyUnequal(x, 0) }, func() (node, error) { return AnyUnequal(x, 1) }, func() (node, error) { return Ones(x, 1) }, func() (node, error) { return Ones(x, 2) }},
		{func() (node, error) { return L1(x, 0.1) }, func() (node, error) { return L1(x, 0.2) }, func() (node, error) { return L2(x, 0.1) }, func() (node, error) { return L2(x, 0.2) }, func() (node, error) { return Mean(x) }, func() (node, error) { return Sum(x) }, func() (node, error) { return ColumnSum(x) }},
		{func() (node, error) { return Huber(m, w, 0.1) }, func() (node, error) { return Huber(m, w, 0.2) }},
		{func() (node, error) { return CategoricalFocal(m, w, 0.1, 2) }, func() (node, error) { return CategoricalFocal(m, w, 0.2, 2) }, func() (node, error) { return CategoricalFocal(m, w, 0.1, 3) }},
		{func() (node, error) { return BinaryFocal(m, w, 0.1, 2, false) }, func() (node, error) { return BinaryFocal(m, w, 0.2, 2, false) }, func() (node, error) { return BinaryFocal(m, w, 0.1, 3, false) }, func() (node, error) { return BinaryFocal(m, w, 0.1, 2, true) }},
		{func() (node, error) { return SparseSoftmaxCrossEntropy(m, v) }, func() (node, error) { return SparseCategoricalCrossEntropy(m, v) }},
	}
	for _, loss := range []func(p, t node) (node, error){
		MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh, SoftmaxCrossEntropy, SigmoidCrossEntropy, BinaryCrossEntropy,
		CategoricalCrossEntropy, KLDivergence, Poisson, CosineSimilarity, Hinge, SquaredHinge, CategoricalHinge,
	} {
		rows = append(rows, []func() (node, error){func() (node, error) { return loss(m, w) }})
	}
	seen := map[node][2]int{}
	for i, row := range rows {
		for k, build := range row {
			n, err := build()
			if err != nil {
				t.Fatalf("row %d, call %d: %v", i, k, err)
			}
			if other, ok := seen[n]; ok {
				t.Errorf("row %d, call %d and row %d, call %d became one node, %v", other[0], other[1], i, k, n)
			}
			seen[n] = [2]int{i, k}
		}
	}
}

// TestEveryOpIsHashed fails when an op is exported that the test above does not know.
func TestEveryOpIsHashed(t *testing.T) {
	known := identifiers(parsed(t, "hash_test.go")[0])
	for _, name := range exportedOps(t) {
		if !known[name] {
			t.Errorf("%s is exported and not in TestAttributesAreHashed", name)
		}
	}
}

// identifiers are the names that a file uses.
func identifiers(f *ast.File) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names[id.Name] = true
		}
		return true
	})
	return names
}
