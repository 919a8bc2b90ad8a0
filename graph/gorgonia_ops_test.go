// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// gorgoniaOps are ops of Gorgonia with operands of one shape. Those that are wrong are named in docs/graph.md.
var gorgoniaOps = []struct {
	name  string
	wrong bool // its gradient, or there is none
	shape []int
	build func(in Nodes) (*Node, error)
}{
	{"Abs", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Abs)},
	{"Neg", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Neg)},
	{"Square", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Square)},
	{"Cube", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Cube)},
	{"Sqrt", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Sqrt)},
	{"Inverse", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Inverse)},
	{"InverseSqrt", true, []int{2, 3}, unaryOfGorgonia(gorgonia.InverseSqrt)},
	{"Exp", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Exp)},
	{"Expm1", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Expm1)},
	{"Log", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Log)},
	{"Log2", true, []int{2, 3}, unaryOfGorgonia(gorgonia.Log2)},
	{"Log1p", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Log1p)},
	{"Sin", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Sin)},
	{"Cos", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Cos)},
	{"Tanh", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Tanh)},
	{"Sigmoid", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Sigmoid)},
	{"Softplus", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Softplus)},
	{"Mish", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Mish)},
	{"Rectify", false, []int{2, 3}, unaryOfGorgonia(gorgonia.Rectify)},
	{"Add", false, []int{2, 3}, binaryOfGorgonia(gorgonia.Add)},
	{"Sub", false, []int{2, 3}, binaryOfGorgonia(gorgonia.Sub)},
	{"HadamardProd", false, []int{2, 3}, binaryOfGorgonia(gorgonia.HadamardProd)},
	{"HadamardDiv", false, []int{2, 3}, binaryOfGorgonia(gorgonia.HadamardDiv)},
	{"Pow", false, []int{2, 3}, binaryOfGorgonia(gorgonia.Pow)},
	{"MaxBetween", false, []int{2, 3}, binaryOfGorgonia(gorgonia.MaxBetween)},
	{"MinBetween", false, []int{2, 3}, binaryOfGorgonia(gorgonia.MinBetween)},
	{"Mul", false, []int{3, 3}, binaryOfGorgonia(gorgonia.Mul)},
	{"BatchedMatMul", false, []int{2, 3, 3}, binaryOfGorgonia(func(a, b *Node) (*Node, error) { return gorgonia.BatchedMatMul(a, b) })},
	{"OuterProd", true, []int{3}, binaryOfGorgonia(gorgonia.OuterProd)},
	{"Tensordot", false, []int{3, 3}, binaryOfGorgonia(func(a, b *Node) (*Node, error) { return gorgonia.Tensordot([]int{0}, []int{1}, a, b) })},
	{"Sum", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Sum(x, 1) })},
	{"Mean", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Mean(x, 1) })},
	{"Max", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Max(x, 1) })},
	{"Norm", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Norm(x, 1, 2) })},
	{"LogSumExp", true, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.LogSumExp(x, 1) })},
	{"SoftMax", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.SoftMax(x) })},
	{"LogSoftMax", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.LogSoftMax(x) })},
	{"Sparsemax", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Sparsemax(x) })},
	{"Transpose", false, []int{2, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Transpose(x, 1, 0) })},
	{"Slice", false, []int{3, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Slice(x, gorgonia.S(1, 3)) })},
	{"Concat", false, []int{2, 3}, binaryOfGorgonia(func(a, b *Node) (*Node, error) { return gorgonia.Concat(1, a, b) })},
	{"Upsample2D", false, []int{1, 2, 3, 3}, unaryOfGorgonia(func(x *Node) (*Node, error) { return gorgonia.Upsample2D(x, 2) })},
	{"MaxPool2D", false, []int{1, 2, 4, 4}, unaryOfGorgonia(func(x *Node) (*Node, error) {
		return gorgonia.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})
	})},
	{"AveragePool2D", true, []int{1, 2, 4, 4}, unaryOfGorgonia(func(x *Node) (*Node, error) {
		return gorgonia.AveragePool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})
	})},
	{"GlobalAveragePool2D", true, []int{1, 2, 4, 4}, unaryOfGorgonia(gorgonia.GlobalAveragePool2D)},
	{"DiagFlat", true, []int{3}, unaryOfGorgonia(gorgonia.DiagFlat)},
}

func unaryOfGorgonia(f func(x *Node) (*Node, error)) func(Nodes) (*Node, error) {
	return func(in Nodes) (*Node, error) { return f(in[0]) }
}

func binaryOfGorgonia(f func(a, b *Node) (*Node, error)) func(Nodes) (*Node, error) {
	return func(in Nodes) (*Node, error) { return f(in[0], in[1]) }
}

// TestGorgoniaOps differentiates ops of Gorgonia: what the page says of them is so.
func TestGorgoniaOps(t *testing.T) {
	page, err := os.ReadFile("../docs/graph.md")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, o := range gorgoniaOps {
		var in []*tensor.Dense
		for range 2 {
			x := random(rng, o.shape...)
			for i, v := range x.Float64s() {
				x.Float64s()[i] = 0.3 + v*v // in the domain of roots and logarithms
			}
			in = append(in, x)
		}
		err := func() (err error) {
			defer func() {
				if r := recover(); r != nil {
					err = fmt.Errorf("panic: %v", r)
				}
			}()
			report, err := CheckGradient(func(in Nodes) (*Node, error) {
				y, err := o.build(in)
				if err != nil {
					return nil, err
				}
				unused, err := Scale(in[1], 0.1) // by ops of one operand
				if err != nil {
					return nil, err
				}
				a, err := Sum(unused)
				if err != nil {
					return nil, err
				}
				b, err := Sum(y)
				if err != nil {
					return nil, err
				}
				return Add(a, b)
			}, in)
			if err == nil && report.Error > 1e-5 {
				err = fmt.Errorf("%v", report)
			}
			return err
		}()
		if wrong := err != nil; wrong != o.wrong {
			t.Errorf("%s: %v", o.name, err)
		}
		if o.wrong && !strings.Contains(string(page), "| `gorgonia."+o.name+"`") {
			t.Errorf("docs/graph.md does not name %s, which is wrong", o.name)
		}
	}
}
