// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// noGradient are the exported functions that no gradient flows through.
var noGradient = []string{"Input", "ColumnSum", "Unequal", "AnyUnequal", "Ones"}

// TestEveryOpIsChained fails when an op is exported that the gradient checks do not know.
func TestEveryOpIsChained(t *testing.T) {
	chained := identifiers(parsed(t, "steps_test.go")[0])
	ops := exportedOps(t)
	for _, name := range ops {
		if !chained[name] && !slices.Contains(noGradient, name) {
			t.Errorf("%s is exported and in no list of steps_test.go: chain it, or say that it has no gradient", name)
		}
	}
	for _, name := range noGradient {
		if !slices.Contains(ops, name) {
			t.Errorf("%s is no exported op any more", name)
		}
	}
	if len(ops) < 60 {
		t.Errorf("found %d ops only", len(ops))
	}
}

// exportedOps are the exported functions that make nodes.
func exportedOps(t *testing.T) (names []string) {
	for _, f := range parsed(t, "") {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results == nil {
				continue
			}
			if ptr, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr); ok {
				if id, ok := ptr.X.(*ast.Ident); ok && id.Name == "Node" {
					names = append(names, fn.Name.Name)
				}
			}
		}
	}
	return names
}

// parsed are the package's files, or the one that is named.
func parsed(t *testing.T, name string) (files []*ast.File) {
	t.Helper()
	paths := []string{name}
	if name == "" {
		all, err := filepath.Glob("*.go")
		if err != nil {
			t.Fatal(err)
		}
		paths = slices.DeleteFunc(all, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
	}
	for _, p := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// TestZeroArguments calls every exported op with nothing at all: an error, no panic.
func TestZeroArguments(t *testing.T) {
	ops := map[string]any{
		"Activate": Activate, "Add": Add, "AddRow": AddRow, "Affine": Affine, "AnyUnequal": AnyUnequal, "AvgPool": AvgPool, "BatchMatMul": BatchMatMul,
		"BatchNorm": BatchNorm, "BinaryCrossEntropy": BinaryCrossEntropy, "BinaryFocal": BinaryFocal, "CategoricalCrossEntropy": CategoricalCrossEntropy,
		"CategoricalFocal": CategoricalFocal, "CategoricalHinge": CategoricalHinge, "CausalMask": CausalMask, "ColumnSum": ColumnSum, "Concat": Concat,
		"Conv": Conv, "ConvTranspose": ConvTranspose, "CosineSimilarity": CosineSimilarity, "Crop": Crop, "Dense": Dense, "DepthwiseConv": DepthwiseConv,
		"Dropout": Dropout, "Embedding": Embedding, "Flatten": Flatten, "GaussianDropout": GaussianDropout, "GaussianNoise": GaussianNoise,
		"GlobalAvgPool": GlobalAvgPool, "GlobalMaxPool": GlobalMaxPool, "Hinge": Hinge, "Huber": Huber, "Input": Input, "KLDivergence": KLDivergence,
		"L1": L1, "L2": L2, "LayerNorm": LayerNorm, "LogCosh": LogCosh, "LogSoftmax": LogSoftmax, "MaskSteps": MaskSteps, "MaskedAvgPool": MaskedAvgPool, "MaskedBatchNorm": MaskedBatchNorm,
		"MaskedMean": MaskedMean, "MatMul": MatMul, "MaxPool": MaxPool, "Maximum": Maximum, "Mean": Mean, "MeanAbsoluteError": MeanAbsoluteError,
		"MeanAbsolutePercentageError": MeanAbsolutePercentageError, "MeanSquaredError": MeanSquaredError, "MeanSquaredLogarithmicError": MeanSquaredLogarithmicError,
		"Mul": Mul, "MulRow": MulRow, "Normalize": Normalize, "Ones": Ones, "Pad": Pad, "Permute": Permute, "Poisson": Poisson, "Recurrent": Recurrent,
		"Repeat": Repeat, "Reshape": Reshape, "Reverse": Reverse, "Scale": Scale, "SigmoidCrossEntropy": SigmoidCrossEntropy, "Slice": Slice, "Softmax": Softmax,
		"SoftmaxCrossEntropy": SoftmaxCrossEntropy, "SparseCategoricalCrossEntropy": SparseCategoricalCrossEntropy,
		"SparseSoftmaxCrossEntropy": SparseSoftmaxCrossEntropy, "SpatialDropout": SpatialDropout, "SquaredHinge": SquaredHinge, "Sub": Sub, "Sum": Sum,
		"Unequal": Unequal, "UnitRows": UnitRows, "Upsample": Upsample, "WeightedMean": WeightedMean,
	}
	for _, name := range exportedOps(t) {
		f := reflect.ValueOf(ops[name])
		if !f.IsValid() {
			t.Errorf("%s is missing here", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("panics: %v", r)
				}
			}()
			var args []reflect.Value
			for i := range f.Type().NumIn() {
				if i < f.Type().NumIn()-1 || !f.Type().IsVariadic() {
					args = append(args, reflect.Zero(f.Type().In(i)))
				}
			}
			results := f.Call(args)
			if err := results[len(results)-1]; err.IsNil() {
				t.Error("no error")
			}
		})
	}
}
