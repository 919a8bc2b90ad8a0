// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// Einsum returns a sum of products after Einstein's convention, as NumPy's einsum does: each operand has a letter
// for each of its axes, and the result has the letters after the arrow. Letters that are not there are
// summed over.
//
//	Einsum("ij,jk->ik", a, b)        a·b
//	Einsum("bij,bjk", a, b)          products of matrices; without an arrow, the result has the letters
//	                                 that occur once, in the order of the alphabet
//	Einsum("ii->i", a)               the diagonal
//	Einsum("...i,i->...", a, v)      an ellipsis stands for any axes, which broadcast
//
// Operands are multiplied two at a time, the pair first whose product takes the fewest multiplications, as
// products of matrices.
func Einsum(equation string, operands ...*Node) (*Node, error) {
	name := "einsum" + attrs("equation", equation)
	if len(operands) == 0 {
		return nil, &OpError{Op: name, Err: fmt.Errorf("got no operands")}
	}
	if err := nilError(name, operands...); err != nil {
		return nil, err
	}
	e, err := parseEinsum(equation, operands)
	if err != nil {
		return nil, shapeError(name, err, operands...)
	}
	y, err := e.evaluate()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return y, nil
}

// einsum is a sum of products in progress. An axis has a label: a letter, or a digit for one that an ellipsis
// stands for, counted from the last.
type einsum struct {
	terms  []term
	result string
	length map[rune]int
	try    Try
}

// term is a factor and the labels of its axes.
type term struct {
	x      *Node
	labels string
}

func parseEinsum(equation string, operands Nodes) (*einsum, error) {
	e := &einsum{length: map[rune]int{}}
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	inputs := strings.Split(left, ",")
	if len(inputs) != len(operands) {
		return nil, fmt.Errorf("the equation has %d operands, got %d", len(inputs), len(operands))
	}
	most := 0 // axes that an ellipsis stands for
	for i, in := range inputs {
		x := operands[i]
		hidden := 0
		if letters := strings.Replace(in, "...", "", 1); letters != in {
			hidden = rankOf(x) - len(letters)
			most = max(most, hidden)
		}
		labels, err := expand(in, hidden)
		if err == nil && (hidden < 0 || len(labels) != rankOf(x)) {
			err = fmt.Errorf("has %d letters for shape %v", len(strings.ReplaceAll(in, ".", "")), x.Shape())
		}
		if err != nil {
			return nil, fmt.Errorf("operand %d, %q: %w", i, in, err)
		}
		for k, l := range labels {
			d := x.Shape()[k]
			old, known := e.length[l]
			switch {
			case !known || old == 1 && isDigit(l):
				e.length[l] = d
			case old != d && !(d == 1 && isDigit(l)):
				return nil, fmt.Errorf("operand %d, %q: axis %d has length %d, %q has length %d before", i, in, k, d, l, old)
			}
		}
		e.terms = append(e.terms, term{x, labels})
	}
	if !explicit {
		var once []rune
		for l := range e.length {
			if !isDigit(l) && strings.Count(left, string(l)) == 1 {
				once = append(once, l)
			}
		}
		slices.Sort(once)
		right = string(once)
		if most > 0 {
			right = "..." + right
		}
	}
	if !strings.Contains(right, "...") {
		most = 0
	}
	var err error
	if e.result, err = expand(right, most); err != nil {
		return nil, fmt.Errorf("result %q: %w", right, err)
	}
	for i, l := range e.result {
		if _, ok := e.length[l]; !ok {
			return nil, fmt.Errorf("result %q: no operand has %q", right, l)
		}
		if strings.ContainsRune(e.result[:i], l) {
			return nil, fmt.Errorf("result %q: %q is there twice", right, l)
		}
	}
	return e, nil
}

// expand replaces an ellipsis by digits for n axes.
func expand(labels string, n int) (string, error) {
	digits := ""
	for i := n - 1; i >= 0; i-- {
		digits += string(rune('0' + i))
	}
	s := strings.Replace(labels, "...", "#", 1)
	for _, l := range s {
		if l != '#' && (l < 'a' || l > 'z') && (l < 'A' || l > 'Z') {
			return "", fmt.Errorf("has %q, want letters and at most one ellipsis", l)
		}
	}
	return strings.Replace(s, "#", digits, 1), nil
}

func isDigit(l rune) bool { return '0' <= l && l <= '9' }

// evaluate multiplies the terms until one is left.
func (e *einsum) evaluate() (*Node, error) {
	for i := range e.terms {
		e.takeDiagonals(&e.terms[i])
	}
	for len(e.terms) > 1 && e.try.Err() == nil {
		i, k := e.cheapest()
		a, b := e.terms[i], e.terms[k]
		e.terms = slices.Delete(e.terms, k, k+1)
		e.terms = slices.Delete(e.terms, i, i+1)
		e.terms = append(e.terms, e.multiply(a, b))
	}
	t := e.terms[0]
	e.sumOut(&t, e.result)
	if e.try.Err() != nil {
		return nil, e.try.Err()
	}
	return e.arrange(t)
}

// takeDiagonals replaces two axes of the same label by their diagonal.
func (e *einsum) takeDiagonals(t *term) {
	for i := 0; i < len(t.labels) && e.try.Err() == nil; i++ {
		k := strings.IndexByte(t.labels[i+1:], t.labels[i]) + i + 1
		if k == i {
			continue
		}
		var order []int
		rest := ""
		for a := range len(t.labels) {
			if a != i && a != k {
				order, rest = append(order, a), rest+t.labels[a:a+1]
			}
		}
		t.x = e.try.Do(DiagPart(e.try.Do(Transpose(t.x, append(order, i, k)...)), 0))
		t.labels = rest + t.labels[i:i+1]
		i = -1
	}
}

// sumOut sums over the axes of t whose labels are not kept.
func (e *einsum) sumOut(t *term, kept string) {
	var axes []int
	rest := ""
	for i, l := range t.labels {
		if strings.ContainsRune(kept, l) {
			rest += string(l)
		} else {
			axes = append(axes, i)
		}
	}
	if len(axes) > 0 && e.try.Err() == nil {
		t.x, t.labels = e.try.Do(Sum(t.x, Axes(axes...))), rest
	}
}

// arrange returns t with the axes of the result; those along which only operands of length 1 are there are
// repeated.
func (e *einsum) arrange(t term) (*Node, error) {
	order := make([]int, len(e.result))
	shape := make(tensor.Shape, len(e.result))
	for i, l := range e.result {
		order[i], shape[i] = strings.IndexRune(t.labels, l), e.length[l]
	}
	y := t.x
	if !slices.IsSorted(order) {
		y = e.try.Do(Transpose(y, order...))
	}
	if e.try.Err() == nil && !equal(y.Shape(), shape) {
		y = e.try.Do(BroadcastTo(y, shape...))
	}
	return y, e.try.Err()
}

// cheapest returns the pair of terms whose product takes the fewest multiplications.
func (e *einsum) cheapest() (i, k int) {
	least := 0.0
	for p := range e.terms {
		for q := p + 1; q < len(e.terms); q++ {
			cost := 1.0
			for _, l := range union(e.terms[p].labels, e.terms[q].labels) {
				cost *= float64(e.length[l])
			}
			if p == 0 && q == 1 || cost < least {
				least, i, k = cost, p, q
			}
		}
	}
	return i, k
}

// union returns the labels of a and those that only b has.
func union(a, b string) string { return a + without(b, a) }

// without returns the labels of a that b does not have.
func without(a, b string) string {
	return strings.Map(func(l rune) rune {
		if strings.ContainsRune(b, l) {
			return -1
		}
		return l
	}, a)
}

// common returns the labels that both have.
func common(a, b string) string { return without(a, without(a, b)) }

// multiply returns the product of two terms, summed over the labels that nothing else has.
func (e *einsum) multiply(a, b term) term {
	kept := e.result
	for _, t := range e.terms {
		kept = union(kept, t.labels)
	}
	e.sumOut(&a, union(kept, b.labels))
	e.sumOut(&b, union(kept, a.labels))
	if e.try.Err() != nil {
		return term{}
	}
	a, b = e.dropSingles(a, b), e.dropSingles(b, a)
	batch := common(common(a.labels, b.labels), kept)
	inner := without(common(a.labels, b.labels), kept)
	rows, cols := without(a.labels, b.labels), without(b.labels, a.labels)
	labels := batch + rows + cols
	if inner == "" && (rows == "" || cols == "") { // nothing to sum
		x := e.try.Do(Mul(e.aligned(a, batch, rows, cols), e.aligned(b, batch, rows, cols)))
		return term{x, labels}
	}
	x, transA := e.matrices(a, batch, rows, inner)
	y, transB := e.matrices(b, batch, inner, cols)
	if e.try.Err() != nil {
		return term{}
	}
	z := e.try.Do(MatMul(x, y, Transposed(transA, transB)))
	shape := make([]int, len(labels))
	for i, l := range labels {
		shape[i] = e.length[l]
	}
	return term{e.try.Do(Reshape(z, shape...)), labels}
}

// dropSingles removes axes of length 1 of t along which the other term is longer.
func (e *einsum) dropSingles(t, other term) term {
	var axes []int
	labels := ""
	for i, l := range t.labels {
		if t.x.Shape()[i] == 1 && (e.length[l] > 1 || e.length[l] == 0) {
			axes = append(axes, i)
		} else {
			labels += string(l)
		}
	}
	if len(axes) == 0 {
		return t
	}
	return term{e.try.Do(Squeeze(t.x, axes...)), labels}
}

// aligned returns a term with the axes of all labels, of length 1 for those that it does not have.
func (e *einsum) aligned(t term, groups ...string) *Node {
	var order, shape []int
	for _, l := range strings.Join(groups, "") {
		at := strings.IndexRune(t.labels, l)
		if at < 0 {
			shape = append(shape, 1)
			continue
		}
		order, shape = append(order, at), append(shape, t.x.Shape()[at])
	}
	x := t.x
	if !slices.IsSorted(order) {
		x = e.try.Do(Transpose(x, order...))
	}
	return e.try.Do(Reshape(x, shape...))
}

// matrices returns a term as (batch, rows, cols), or as (batch, cols, rows) with trans set if that takes no
// transposition; without a batch, as (rows, cols).
func (e *einsum) matrices(t term, batch, rows, cols string) (x *Node, trans bool) {
	if e.try.Err() != nil {
		return nil, false
	}
	place := func(groups ...string) (order []int) {
		for _, l := range strings.Join(groups, "") {
			order = append(order, strings.IndexRune(t.labels, l))
		}
		return order
	}
	order := place(batch, rows, cols)
	x = t.x
	if !slices.IsSorted(order) {
		if other := place(batch, cols, rows); slices.IsSorted(other) {
			order, trans = other, true
		} else {
			x = e.try.Do(Transpose(x, order...))
		}
	}
	var shape []int
	if batch != "" {
		shape = append(shape, e.size(t, batch))
	}
	m, n := e.size(t, rows), e.size(t, cols)
	if trans {
		m, n = n, m
	}
	return e.try.Do(Reshape(x, append(shape, m, n)...)), trans
}

// size returns the number of elements along the axes of some labels.
func (e *einsum) size(t term, labels string) int {
	n := 1
	for _, l := range labels {
		n *= t.x.Shape()[strings.IndexRune(t.labels, l)]
	}
	return n
}
