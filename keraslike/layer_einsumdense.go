// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/graph"
)

// EinsumDense computes y = act(einsum(equation, x, W) + b), a sum of products over any axes. The equation
// names each axis by a letter, the batch too: "abc,cd->abd" is Dense of sequences, "abc,cde->abde" also
// splits the result into heads. "..." stands for further axes of input and output, at the front or the end.
//
//	input    the axes before the comma
//	output   those behind the arrow, of which output gives the lengths without that of the batch and of
//	         "..."; Any for one that the input has
//	weights  kernel of the axes between comma and arrow; with BiasAxes bias of these axes of the output,
//	         and of length 1 for others behind the first of them
//
// Each axis of the kernel is one of the input, of the output or of both, and each axis of the input is
// also one of the kernel or of the output.
//
// Options:
//
//	ActivationFunc       Linear
//	BiasAxes             none
//	KernelInitializer    GlorotUniform()
//	BiasInitializer      Zeros()
//	KernelRegularizer    none
//	BiasRegularizer      none
//	ActivityRegularizer  none
//	KernelConstraint     none
//	BiasConstraint       none
//	Name                 "einsum_dense", "einsum_dense_1" and so on
//	Trainable            true
//
// See https://keras.io/api/layers/core_layers/einsum_dense/.
func EinsumDense(equation string, output []int, opts ...DenseOption) Layer {
	return newLayer(&einsumDense{Equation: equation, Output: slices.Clone(output), activated: newActivated()}, opts)
}

// BiasAxes are the letters of the axes of the output that EinsumDense adds a bias along. By default it
// adds none.
func BiasAxes(letters string) DenseOption { return denseOption{setting: set("BiasAxes", letters)} }

type einsumDense struct {
	regularized
	Equation string `json:"equation"`
	Output   []int  `json:"output_shape"`
	BiasAxes string `json:"bias_axes,omitempty" option:"BiasAxes"`
	activated
}

var _ = register[einsumDense]("EinsumDense")

func (d *einsumDense) Kind() string      { return "EinsumDense" }
func (d *einsumDense) refuses() []string { return []string{"NoBias"} }

// einsum is an equation whose further axes have letters, too.
type einsum struct {
	in, kernel, out string
	front, back     bool // where further axes are
}

// parse returns the parts of the equation, without "...".
func (d *einsumDense) parse() (e einsum, err error) {
	operands, out, ok := strings.Cut(d.Equation, "->")
	in, kernel, two := strings.Cut(operands, ",")
	if !ok || !two {
		return e, fmt.Errorf("equation is %q, want input,kernel->output such as %q", d.Equation, "abc,cd->abd")
	}
	const more = "..."
	e = einsum{in: in, kernel: kernel, out: out}
	e.front = strings.HasPrefix(in, more) && strings.HasPrefix(out, more)
	e.back = !e.front && strings.HasSuffix(in, more) && strings.HasSuffix(out, more)
	if e.front {
		e.in, e.out = in[len(more):], out[len(more):]
	} else if e.back {
		e.in, e.out = in[:len(in)-len(more)], out[:len(out)-len(more)]
	}
	for _, part := range []string{e.in, e.kernel, e.out} {
		for i, c := range part {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') || strings.ContainsRune(part[:i], c) {
				return e, fmt.Errorf("equation is %q, want different letters in each part, and ... in both input and output", d.Equation)
			}
		}
	}
	if e.in == "" || e.kernel == "" || e.out == "" {
		return e, fmt.Errorf("equation is %q, want letters in each part", d.Equation)
	}
	if !e.front && (e.in[0] != e.out[0] || strings.Contains(e.kernel, e.in[:1])) {
		return e, fmt.Errorf("equation is %q, want the batch as the first axis of input and output, and not in the kernel", d.Equation)
	}
	for _, c := range e.in {
		if !strings.ContainsRune(e.kernel+e.out, c) {
			return e, fmt.Errorf("equation is %q, axis %c of the input is nowhere else", d.Equation, c)
		}
	}
	for _, c := range e.kernel + e.out {
		if strings.ContainsRune(e.in, c) || strings.ContainsRune(e.out, c) && strings.ContainsRune(e.kernel, c) {
			continue
		}
		return e, fmt.Errorf("equation is %q, axis %c is in one part only", d.Equation, c)
	}
	for _, c := range d.BiasAxes {
		if !strings.ContainsRune(e.out, c) {
			return e, fmt.Errorf("BiasAxes is %q, axis %c is not in the output of %q", d.BiasAxes, c, d.Equation)
		}
	}
	return e, nil
}

func (d *einsumDense) check() error {
	_, err := d.parse()
	return errors.Join(err, d.regularized.check(), d.Activation.check())
}

// lengths returns the length of each axis, where that of the batch is 1, and gives "..." letters.
func (d *einsumDense) lengths(x Shape) (e einsum, n map[rune]int, err error) {
	if e, err = d.parse(); err != nil {
		return e, nil, err
	}
	x = append(Shape{1}, x...)
	further := len(x) - len(e.in)
	if further < 0 || further > 0 && !e.front && !e.back {
		return e, nil, fmt.Errorf("input has shape %v with %d axes, the equation %q has %d", x[1:], len(x), d.Equation, len(e.in))
	}
	given, own := append([]int{1}, d.Output...), e.out
	if e.front && further > 0 {
		given = given[1:] // the batch is one of the further axes
	}
	if len(given) != len(own) {
		return e, nil, fmt.Errorf("got %d lengths of the output, want those of %q without the batch", len(d.Output), d.Equation)
	}
	var letters string
	for i := range further {
		letters += string(rune('α' + i))
	}
	if e.front {
		e.in, e.out = letters+e.in, letters+e.out
	} else {
		e.in, e.out = e.in+letters, e.out+letters
	}
	n = map[rune]int{}
	for i, c := range []rune(e.in) {
		n[c] = x[i]
	}
	for i, c := range own {
		have, ok := n[c]
		switch {
		case !ok && given[i] < 1:
			return e, nil, fmt.Errorf("length of axis %c is %d, want a positive number, since the input does not have it", c, given[i])
		case ok && given[i] != Any && given[i] != have:
			return e, nil, fmt.Errorf("length of axis %c is %d in the output, %d in the input", c, given[i], have)
		case !ok:
			n[c] = given[i]
		}
	}
	return e, n, nil
}

// shapeOf returns the lengths of axes.
func shapeOf(axes string, n map[rune]int) (s Shape) {
	for _, c := range axes {
		s = append(s, n[c])
	}
	return s
}

// biasShape returns the shape of the bias, which broadcasts with the output.
func (d *einsumDense) biasShape(e einsum, n map[rune]int) (s Shape) {
	for _, c := range e.out {
		if strings.ContainsRune(d.BiasAxes, c) {
			s = append(s, n[c])
		} else if len(s) > 0 {
			s = append(s, 1)
		}
	}
	return s
}

// multiplications is the number of products: one for each combination of axes.
func (d *einsumDense) multiplications(in []Shape, _ Shape, _ float64) float64 {
	_, n, err := d.lengths(in[0])
	if err != nil {
		return 0
	}
	all := 1.0
	for _, length := range n {
		all *= float64(length)
	}
	return all
}

func (d *einsumDense) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	e, n, err := d.lengths(in[0])
	if err != nil {
		return nil, err
	}
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, shapeOf(e.kernel, n)...)
	b.Constrain("kernel", d.KernelConstraint)
	var summed, made string
	for _, c := range e.kernel {
		if strings.ContainsRune(e.out, c) {
			made += string(c)
		} else {
			summed += string(c)
		}
	}
	b.fans("kernel", shapeOf(summed, n), shapeOf(made, n))
	if d.BiasAxes != "" {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.biasShape(e, n)...)
		b.Constrain("bias", d.BiasConstraint)
	}
	return shapeOf(e.out, n)[1:], nil
}

func (d *einsumDense) Forward(s *Scope, in []*graph.Node) *graph.Node {
	e, n, err := d.lengths(Shape(in[0].Shape()[1:]))
	if err != nil {
		return s.Do(nil, err)
	}
	n[[]rune(e.in)[0]] = in[0].Shape()[0]
	// The axes by where they are: in all three, summed over, of the input only and of the kernel only.
	var all, sum, left, right string
	for _, c := range e.in {
		switch inKernel, inOut := strings.ContainsRune(e.kernel, c), strings.ContainsRune(e.out, c); {
		case inKernel && inOut:
			all += string(c)
		case inKernel:
			sum += string(c)
		default:
			left += string(c)
		}
	}
	for _, c := range e.kernel {
		if !strings.ContainsRune(e.in, c) {
			right += string(c)
		}
	}
	size := func(axes string) int { return shapeOf(axes, n).Size() }
	x := s.Do(graph.Reshape(s.arrange(in[0], e.in, all+left+sum), size(all), size(left), size(sum)))
	w := s.Do(graph.Reshape(s.arrange(s.Weight("kernel"), e.kernel, all+sum+right), size(all), size(sum), size(right)))
	y := s.Do(graph.MatMul(x, w))
	y = s.arrange(s.Do(graph.Reshape(y, shapeOf(all+left+right, n)...)), all+left+right, e.out)
	if d.BiasAxes != "" {
		y = s.Do(graph.Add(y, s.Weight("bias")))
	}
	return d.penalizeActivity(s, s.Activate(y, d.Activation))
}

// arrange returns x with its axes, named by letters, in another order.
func (s *Scope) arrange(x *graph.Node, from, to string) *graph.Node {
	if from == to {
		return x
	}
	var order []int
	for _, c := range to {
		order = append(order, slices.Index([]rune(from), c))
	}
	return s.Do(graph.Transpose(x, order...))
}
