// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
)

// The tables of package simd: type Table with its portable value in table.go, and one value for
// each instruction set in table_amd64.go. All of them follow from the entries below.

// entry is a field of simd.Table: a function of the same name. Unless overridden, portable is the
// reference and vector the assembly. In vector, ISA stands for the instruction set.
type entry struct {
	name, signature  string
	portable, vector string
	doc              string
}

// absent marks a field that is nil in portable Go.
const absent = "-"

// entries returns all fields of the table. A new element-wise function, reduction or optimizer with
// a reference of the same name and signature needs no row here.
func entries() []entry {
	list := []entry{
		{"activations", "[ref.Activations]func(dst, x []float32, alpha float32)", absent, "ISAActivations", "nil where the reference serves"},
		{
			"gradients", "[ref.Activations]func(dx, s, dy []float32, alpha float32)",
			"[ref.Activations]func(dx, s, dy []float32, alpha float32){ref.ReLU: genericReLUGrad}", "ISAGradients", "nil where the reference serves",
		},
	}
	for _, f := range elementwiseFunctions {
		list = append(list, entry{name: f.name, signature: f.signature()})
	}
	for _, s := range sums {
		list = append(list, entry{name: s.name, signature: s.signature() + " float64"})
	}
	list = append(list, otherEntries...)
	for _, s := range steps {
		list = append(list, entry{name: s.name, signature: s.signature(), portable: "generic" + s.name})
	}
	return list
}

const (
	poolSignature = "func(y []float32, arg []uint8, x []float32, r PoolRow)"
	lossSignature = "func(loss, a, b []float32, rows, cols int)"
	gradSignature = "func(dz, z, t, dloss []float32, rows, cols int)"
)

var otherEntries = []entry{
	{name: "Combine", signature: "func(dst, a, b []float32, alpha, beta float32)"},
	{name: "ColSum", signature: "func(dst, x []float32, rows, cols int)"},
	{name: "Finite", signature: "func(x []float32) int", vector: `func(x []float32) int {
		if ISAAnomaly(x) == 0 {
			return -1
		}
		return ref.Finite(x)
	}`},

	{name: "Softmax", signature: "func(dst, x []float32, rows, cols int)", vector: "ISARows.softmax"},
	{name: "SoftmaxGrad", signature: "func(dx, y, dy []float32, rows, cols int)", vector: "ISARows.softmaxGrad"},
	{name: "LogSoftmax", signature: "func(dst, x []float32, rows, cols int)", vector: "ISARows.logSoftmax"},
	{name: "LogSoftmaxGrad", signature: "func(dx, y, dy []float32, rows, cols int)", vector: "ISARows.logSoftmaxGrad"},
	{name: "SoftmaxXentSparse", signature: "func(loss, z, labels []float32, rows, cols int) (bad int)", vector: "ISARows.softmaxXentSparse"},
	{name: "SoftmaxXentSparseGrad", signature: gradSignature, vector: "ISARows.softmaxXentSparseGrad"},
	{name: "SoftmaxXent", signature: lossSignature, vector: "ISARows.softmaxXent"},
	{name: "SoftmaxXentGrad", signature: gradSignature, vector: "ISARows.softmaxXentGrad"},
	{name: "SigmoidXent", signature: lossSignature, vector: "ISARows.sigmoidXent"},
	{name: "SigmoidXentGrad", signature: gradSignature, vector: "ISARows.sigmoidXentGrad"},
	{name: "MSE", signature: lossSignature, vector: "ISARows.mse"},
	{name: "MSEGrad", signature: gradSignature, vector: "ISARows.mseGrad"},
	{name: "MAE", signature: lossSignature, vector: "ISARows.mae"},
	{name: "MAEGrad", signature: gradSignature, vector: "ISARows.maeGrad"},

	{name: "RowMax", signature: "func(x []float32) float32"},
	{name: "ExpSum", signature: "func(dst, x []float32, alpha float32) float64"},
	{name: "SoftmaxBack", signature: "func(dst, a, b []float32, alpha float32)"},
	{name: "NormRows", signature: "func(y, x, gamma, beta []float32, eps float32, rows, cols int)", vector: "ISARows.normRows"},
	{name: "NormRowsBack", signature: "func(dx, dgamma, dbeta, x, dy, gamma []float32, eps float32, rows, cols int)", vector: "ISARows.normRowsBack"},
	{name: "L2NormalizeRows", signature: "func(y, x []float32, rows, cols int)", vector: "ISARows.l2NormalizeRows"},
	{name: "L2NormalizeRowsGrad", signature: "func(dx, x, dy []float32, rows, cols int)", vector: "ISARows.l2NormalizeRowsGrad"},

	{
		name: "GlobalMaxPool", signature: "func(y []float32, arg []int32, x []float32, cells int)", doc: "one image of len(y) channels",
		portable: "func(y []float32, arg []int32, x []float32, cells int) { ref.GlobalMaxPool(y, arg, x, 1, cells, len(y)) }",
		vector: `func(y []float32, arg []int32, x []float32, cells int) {
			ISAMaxPoolWide(y, arg, x, 1, len(y), 1, cells, 0, 0, 0, 0)
		}`,
	},
	{name: "MaxPool", signature: poolSignature, portable: "genericMaxPool", vector: poolSignature + ` {
		ISAMaxPool(y, arg, x, r.Pixels, r.C, r.KH, r.KW, 4*r.Step, 4*r.Row, r.First, r.FullKW-r.KW)
	}`},
	{
		name: "MaxPoolBack", signature: "func(dx []float32, arg []uint8, dy []float32, r PoolRow)", portable: "genericMaxPoolBack",
		vector: `func(dx []float32, arg []uint8, dy []float32, r PoolRow) {
			ISAMaxPoolBack(dx, arg, dy, r.Pixels, r.C, r.KH, r.KW, 4*r.Step, 4*r.Row, r.First, r.FullKW-r.KW)
		}`,
	},
	{name: "AvgPool", signature: "func(y, x []float32, r PoolRow)", portable: "genericAvgPool", vector: `func(y, x []float32, r PoolRow) {
		ISAAvgPool(y, x, r.Pixels, r.C, r.KH, r.KW, 4*r.Step, 4*r.Row, 1/float32(r.KH*r.KW))
	}`},
	{name: "AvgPoolBack", signature: "func(dx, dy []float32, r PoolRow)", portable: "genericAvgPoolBack", vector: `func(dx, dy []float32, r PoolRow) {
		ISAAvgPoolBack(dx, dy, r.Pixels, r.C, r.KH, r.KW, 4*r.Step, 4*r.Row, 1/float32(r.KH*r.KW))
	}`},

	{name: "GatherSum", signature: "func(dst, table []float32, ids []int32)", portable: "genericGatherSum", doc: "dst += sum of rows ids of table"},
	{
		name: "GatherSumScaled", signature: "func(dst, table []float32, ids []int32, vals []float32)", portable: "genericGatherSumScaled",
		doc: "the same for rows multiplied by vals",
	},

	{name: "Dropout", signature: "func(dst, x []float32, rate float64, key, stream, step uint64, first int)", vector: `func(dst, x []float32, rate float64, key, stream, step uint64, first int) {
		drop, scale := ref.DropThreshold(rate)
		if drop >= 1<<32 {
			clear(dst)
			return
		}
		keys := ref.PhiloxKeys(key)
		block := func(dst, x []float32, first int) {
			ISADropout(dst, x, &keys, uint32(first/4), uint32(step), uint32(stream), uint32(stream>>32), uint32(drop), float32(scale))
		}
		whole := len(dst) / ref.PhiloxBlock * ref.PhiloxBlock
		block(dst[:whole], x[:whole], first)
		if rest := dst[whole:]; len(rest) > 0 {
			var tail [ref.PhiloxBlock]float32
			copy(tail[:], x[whole:])
			block(tail[:], tail[:], first+whole)
			copy(rest, tail[:])
		}
	}`},

	{name: "Decay", signature: "func(x []float32, by float32, times int)"},
	{name: "SGD", signature: "func(w, g, v []float32, lr, momentum float32, nesterov bool)", vector: `func(w, g, v []float32, lr, momentum float32, nesterov bool) {
		switch {
		case v == nil:
			ISASGD(w, g, lr)
		case nesterov:
			ISASGDNesterov(w, g, v, lr, momentum)
		default:
			ISASGDMomentum(w, g, v, lr, momentum)
		}
	}`},
	{name: "RMSprop", signature: "func(w, g, ms, mom, mg []float32, lr, rho, momentum, eps float32)", vector: `func(w, g, ms, mom, mg []float32, lr, rho, momentum, eps float32) {
		switch {
		case mom == nil && mg == nil:
			ISARMSprop(w, g, ms, lr, rho, 1-rho, eps)
		case mom == nil:
			ISARMSpropCentered(w, g, ms, mg, lr, rho, 1-rho, eps)
		case mg == nil:
			ISARMSpropMomentum(w, g, ms, mom, lr, rho, 1-rho, eps, momentum)
		default:
			ISARMSpropMomentumCentered(w, g, ms, mom, mg, lr, rho, 1-rho, eps, momentum)
		}
	}`},
	{name: "Adam", signature: "func(w, g, m, v, vmax []float32, alpha, beta1, beta2, eps float32)", portable: "ref.AdamUpdate[float32]", vector: `func(w, g, m, v, vmax []float32, alpha, beta1, beta2, eps float32) {
		if vmax == nil {
			ISAAdam(w, g, m, v, alpha, 1-beta1, 1-beta2, eps)
		} else {
			ISAAMSGrad(w, g, m, v, vmax, alpha, 1-beta1, 1-beta2, eps)
		}
	}`},
	{name: "Nadam", signature: "func(w, g, m, v []float32, cm, cg, cv, beta1, beta2, eps float32)", portable: "ref.NadamUpdate[float32]", vector: `func(w, g, m, v []float32, cm, cg, cv, beta1, beta2, eps float32) {
		ISANadam(w, g, m, v, cm, cg, cv, 1-beta1, 1-beta2, eps)
	}`},
	{name: "Adamax", signature: "func(w, g, m, u []float32, rate, beta1, beta2, eps float32)", portable: "ref.AdamaxUpdate[float32]", vector: `func(w, g, m, u []float32, rate, beta1, beta2, eps float32) {
		ISAAdamax(w, g, m, u, rate, 1-beta1, beta2, eps)
	}`},
	{name: "Adagrad", signature: "func(w, g, acc []float32, lr, eps float32)"},
	{name: "Adadelta", signature: "func(w, g, a, b []float32, lr, rho, eps float32)", vector: `func(w, g, a, b []float32, lr, rho, eps float32) {
		ISAAdadelta(w, g, a, b, lr, rho, 1-rho, eps)
	}`},
	{name: "Lion", signature: "func(w, g, m []float32, lr, beta1, beta2 float32)", vector: `func(w, g, m []float32, lr, beta1, beta2 float32) {
		ISALion(w, g, m, lr, beta1, 1-beta1, beta2, 1-beta2)
	}`},
}

// rowEntries are the primitives that rows_amd64.go of package simd builds its kernels from.
func rowEntries() []entry {
	list := []entry{
		{name: "Scale", signature: "func(dst, x []float32, alpha float32)"},
		{name: "Add", signature: "func(dst, a, b []float32)"},
		{name: "Mul", signature: "func(dst, a, b []float32)"},
		{name: "Sum", signature: "func(x []float32) float64"},
		{name: "Dot", signature: "func(a, b []float32) float64"},
		{name: "RowMax", signature: "func(x []float32) float32"},
	}
	for _, f := range rowFunctions {
		list = append(list, entry{name: f.name, signature: f.signature(), doc: f.doc})
	}
	for _, s := range rowSums {
		list = append(list, entry{name: s.name, signature: s.signature() + " float64", doc: s.doc})
	}
	return append(list, normRow...)
}

// tables returns the two files.
func tables() (portable, amd64 []byte, err error) {
	var b bytes.Buffer
	const header = "// Code generated by internal/kernel/asm. DO NOT EDIT.\n\n"
	const imports = "package simd\n\nimport \"github.com/reef-dl/reef/internal/kernel/ref\"\n\n"
	b.WriteString(license + header + imports)
	b.WriteString("// Table holds one instruction set's version of the kernels over vectors and rows. Each entry\n" +
		"// has the meaning and the signature of its reference in package ref.\ntype Table struct {\n")
	fields(&b, entries(), func(name string) string { return name })
	b.WriteString("}\n\nvar genericTable = Table{\n")
	for _, e := range entries() {
		switch e.portable {
		case absent:
		case "":
			fmt.Fprintf(&b, "\t%s: ref.%s[float32],\n", e.name, e.name)
		default:
			fmt.Fprintf(&b, "\t%s: %s,\n", e.name, e.portable)
		}
	}
	b.WriteString("}\n")
	if portable, err = format.Source(b.Bytes()); err != nil {
		return nil, nil, err
	}

	b = bytes.Buffer{}
	b.WriteString(license + header + "//go:build amd64 && !noasm\n\n" + imports)
	b.WriteString("// rowPrimitives are what kernels over rows are composed of; see rows_amd64.go.\ntype rowPrimitives struct {\n")
	fields(&b, rowEntries(), lower)
	b.WriteString("}\n")
	for _, set := range []isa{avx512, avx2} {
		fmt.Fprintf(&b, "\nvar %sRows = rowPrimitives{\n", set.name)
		for _, e := range rowEntries() {
			fmt.Fprintf(&b, "\t%s: %s%s,\n", lower(e.name), set.name, e.name)
		}
		fmt.Fprintf(&b, "}\n\nvar %sTable = Table{\n", set.name)
		for _, e := range entries() {
			vector := e.vector
			if vector == "" {
				vector = "ISA" + e.name
			}
			fmt.Fprintf(&b, "\t%s: %s,\n", e.name, strings.ReplaceAll(vector, "ISA", set.name))
		}
		b.WriteString("}\n")
	}
	amd64, err = format.Source(b.Bytes())
	return portable, amd64, err
}

func fields(b *bytes.Buffer, list []entry, name func(string) string) {
	for _, e := range list {
		doc := ""
		if e.doc != "" {
			doc = " // " + e.doc
		}
		fmt.Fprintf(b, "\t%s %s%s\n", name(e.name), e.signature, doc)
	}
}

func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }
