// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel"
)

// Loop describes a loop with carried values, see Scan.
type Loop struct {
	// Steps is the number of steps; 0 is the length of what the loop goes over.
	Steps int
	// Init has the carried values before the first step: floats.
	Init Nodes
	// Over has the values whose first axis is that of the steps.
	Over Nodes
	// Reverse goes from the last step to the first. What the steps return is stacked in the order of Over.
	Reverse bool
}

// Scan runs a loop, as JAX's lax.scan and tf.scan do. step builds the expression of one step from
// variables for the carried values and for the entries of Over; it may use any other node of the graph,
// such as weights. It returns the next carried values, of unchanged shapes, and values to be kept:
//
//	h_t, o_t = step(h_{t-1}, x_t)
//
// Scan returns the carried values after the last step, and all kept values, stacked on a new first axis.
// A GRU over x (steps, batch, n) with its state h (batch, units):
//
//	last, all, err := graph.Scan(graph.Loop{Init: graph.Nodes{h}, Over: graph.Nodes{x}},
//		func(h, x graph.Nodes) (next, keep graph.Nodes, err error) {
//			y, err := cell(h[0], x[0])
//			return graph.Nodes{y}, graph.Nodes{y}, err
//		})
//
// The expression of a step is compiled once, so a long loop takes no longer to build than a short one.
// Its gradient is a loop in the other direction, which computes each step again and can be differentiated
// itself. It needs memory for the carried values of all steps, and none for what is computed in between.
// A step cannot draw random numbers, which would be the same in each: draw them before, and go over them.
func Scan(l Loop, step func(carried, x Nodes) (next, keep Nodes, err error)) (last, kept Nodes, err error) {
	fail := func(err error) (Nodes, Nodes, error) {
		return nil, nil, &OpError{Op: "scan", Err: err}
	}
	if err := checkFloats("carried value", l.Init); err != nil {
		return fail(err)
	}
	for k, n := range l.Over {
		switch {
		case n == nil:
			return fail(fmt.Errorf("value %d to go over is nil: an earlier expression failed", k))
		case len(n.Shape()) == 0:
			return fail(fmt.Errorf("value %d to go over is a scalar, want a first axis of steps", k))
		case l.Steps == 0:
			l.Steps = n.Shape()[0]
		}
		if got := n.Shape()[0]; got != l.Steps {
			return fail(fmt.Errorf("value %d to go over has shape %v, want %d steps", k, n.Shape(), l.Steps))
		}
	}
	switch {
	case len(l.Init)+len(l.Over) == 0:
		return fail(fmt.Errorf("there is neither a carried value nor one to go over"))
	case l.Steps < 1:
		return fail(fmt.Errorf("%d steps, want at least 1", l.Steps))
	case step == nil:
		return fail(fmt.Errorf("there is no function that makes a step"))
	}
	s := &scan{steps: l.Steps, reverse: l.Reverse, init: l.Init, over: l.Over}
	g := slices.Concat(l.Init, l.Over)[0].Graph()
	for _, n := range l.Init {
		p, err := placeholder(g, "carried", n.Dtype(), n.Shape())
		if err != nil {
			return fail(err)
		}
		s.carried = append(s.carried, p)
	}
	for _, n := range l.Over {
		p, err := placeholder(g, "entry", n.Dtype(), n.Shape()[1:])
		if err != nil {
			return fail(err)
		}
		s.entries = append(s.entries, p)
	}
	err, panicked := called("the step", func() (err error) {
		s.next, s.keep, err = step(slices.Clone(s.carried), slices.Clone(s.entries))
		return err
	})
	if panicked != nil {
		return fail(panicked)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := s.check(); err != nil {
		return fail(err)
	}
	r, err := s.apply()
	if err != nil {
		return nil, nil, err
	}
	return r.last, r.keep, nil
}

// placeholder adds a variable that a loop sets. Gorgonia's TapeMachine wants all variables of a graph to
// have values.
func placeholder(g *Graph, name string, dt Dtype, shape Shape) (*Node, error) {
	n, err := Input(g, dt, UnusedName(g, name), shape...)
	if err != nil {
		return nil, err
	}
	return n, Let(n, newValue(dt, shape))
}

// scan is a loop: the nodes of its body and the values that they stand for.
type scan struct {
	steps            int
	reverse          bool
	init, over       Nodes
	carried, entries Nodes // of a step, in the place of init and over
	next, keep, sums Nodes // what a step returns: sums are added up over all steps

	body    *body
	sizes   []int  // of the carried values, in elements
	strides []int  // of the entries, in bytes
	out     packed // all next values, by their steps, then keep, then sums
}

func (s *scan) check() error {
	if err := checkFloats("next value", s.next); err != nil {
		return err
	}
	if err := checkFloats("kept value", s.keep); err != nil {
		return err
	}
	if len(s.next) != len(s.carried) {
		return fmt.Errorf("the step returned %d next values for %d carried ones", len(s.next), len(s.carried))
	}
	if len(s.next)+len(s.keep) == 0 {
		return fmt.Errorf("the step returned nothing")
	}
	for k, n := range s.next {
		if p := s.carried[k]; !equal(n.Shape(), p.Shape()) || n.Dtype() != p.Dtype() {
			return fmt.Errorf("next value %d is %v of shape %v, the carried one is %v of shape %v", k, n.Dtype(), n.Shape(), p.Dtype(), p.Shape())
		}
	}
	if zeroSizes(slices.Concat(s.next, s.keep)) {
		return fmt.Errorf("a value has no elements")
	}
	return nil
}

// results are the parts of a loop's output.
type results struct {
	last, all  Nodes // carried: after the last step, and after each
	keep, sums Nodes
}

// apply adds the op of the loop and the nodes of its results.
func (s *scan) apply() (*results, error) {
	params := slices.Concat(s.carried, s.entries)
	roots := slices.Concat(s.next, s.keep, s.sums)
	inner, err := dependents(params, roots)
	if err != nil {
		return nil, &OpError{Op: "scan", Err: err}
	}
	for n := range inner {
		if o, ok := n.Op().(*op); ok && o.rng != nil {
			return nil, &OpError{Op: "scan", Err: fmt.Errorf("the step uses %s, whose random numbers would be the same in each step: draw them before the loop and go over them", o.name)}
		}
	}
	if s.body, err = newBody(params, roots, func(n *Node) bool { return inner[n] }); err != nil {
		return nil, &OpError{Op: "scan", Err: err}
	}
	for _, n := range s.next {
		s.sizes = append(s.sizes, size(n.Shape()))
		s.out.add(stacked(s.steps, n))
	}
	for _, n := range s.entries {
		s.strides = append(s.strides, size(n.Shape())*int(n.Dtype().Size()))
	}
	for _, n := range s.keep {
		s.out.add(stacked(s.steps, n))
	}
	for _, n := range s.sums {
		s.out.add(n.Shape())
	}
	inputs := slices.Concat(s.init, s.over, s.body.captured)
	o := packedOp("scan"+attrs("steps", s.steps, "reverse", s.reverse, "body", ids(params)+ids(roots)), &s.out, inputs)
	o.run, o.each, o.grad = forDtypes(runScan[float32](s, false), runScan[float64](s, false)), runScan[float32](s, true), s.grad
	y, err := apply(o, inputs...)
	if err != nil {
		return nil, err
	}
	return s.results(y)
}

func stacked(steps int, n *Node) Shape { return append(Shape{steps}, n.Shape()...) }

// results returns the parts of an output, or of its gradient.
func (s *scan) results(y *Node) (*results, error) {
	var try Try
	var r results
	end := s.steps - 1
	if s.reverse {
		end = 0
	}
	k := 0
	for _, n := range s.next {
		all := try.Do(s.out.part(y, k))
		r.all = append(r.all, all)
		r.last = append(r.last, try.Do(Reshape(try.Do(Slice(all, At(0, end, end+1))), n.Shape()...)))
		k++
	}
	for range s.keep {
		r.keep = append(r.keep, try.Do(s.out.part(y, k)))
		k++
	}
	for range s.sums {
		r.sums = append(r.sums, try.Do(s.out.part(y, k)))
		k++
	}
	return &r, try.Err()
}

// grad builds the loop in the other direction. Its carried values are the gradients of the carried
// values; it goes over the values that each step had, and keeps the gradients of the entries. The
// gradients of what the body captured add up over the steps.
func (s *scan) grad(in Nodes, y, dy *Node) (Nodes, error) {
	ys, err := s.results(y)
	if err != nil {
		return nil, err
	}
	dys, err := s.results(dy)
	if err != nil {
		return nil, err
	}
	g := y.Graph()
	b := &scan{steps: s.steps, reverse: !s.reverse}
	var try Try
	do := try.Do
	var directions Nodes // the gradients of what a step returns
	for k, n := range s.carried {
		d := do(placeholder(g, "carried gradient", n.Dtype(), n.Shape()))
		b.init, b.carried = append(b.init, do(zerosLike(in[k]))), append(b.carried, d)
		b.over, b.entries = append(b.over, s.before(do, in[k], ys.all[k])), append(b.entries, n)
		e := do(placeholder(g, "entry gradient", n.Dtype(), n.Shape()))
		b.over, b.entries = append(b.over, dys.all[k]), append(b.entries, e)
		directions = append(directions, do(Add(d, e)))
	}
	for k, n := range s.entries {
		b.over, b.entries = append(b.over, in[len(s.carried)+k]), append(b.entries, n)
	}
	for k, n := range s.keep {
		e := do(placeholder(g, "entry gradient", n.Dtype(), n.Shape()))
		b.over, b.entries = append(b.over, dys.keep[k]), append(b.entries, e)
		directions = append(directions, e)
	}
	directions = append(directions, dys.sums...)
	if try.Err() != nil {
		return nil, try.Err()
	}
	inputs := slices.Concat(s.carried, s.entries, s.body.captured)
	diff := make([]bool, len(inputs))
	for k, n := range inputs {
		diff[k] = isFloat(n.Dtype())
	}
	grads, err := partialsOf(slices.Concat(s.next, s.keep, s.sums), directions, inputs, diff)
	if err != nil {
		return nil, err
	}
	for k, d := range grads {
		switch {
		case k < len(s.carried):
			b.next = append(b.next, d)
		case d == nil:
		case k < len(s.carried)+len(s.entries):
			b.keep = append(b.keep, d)
		default:
			b.sums = append(b.sums, d)
		}
	}
	r, err := b.apply()
	if err != nil {
		return nil, err
	}
	all := make(Nodes, len(in))
	copy(all, r.last)
	keep, sums := r.keep, r.sums
	for k := len(s.carried); k < len(in); k++ {
		switch {
		case grads[k] == nil:
		case k < len(s.carried)+len(s.entries):
			all[k], keep = keep[0], keep[1:]
		default:
			all[k], sums = sums[0], sums[1:]
		}
	}
	return all, nil
}

// before returns the carried value that each step had, given those after each.
func (s *scan) before(do func(*Node, error) *Node, init, after *Node) *Node {
	if init == nil || after == nil {
		return nil
	}
	first := do(Reshape(init, append(Shape{1}, init.Shape()...)...))
	switch {
	case s.steps == 1:
		return first
	case s.reverse:
		return do(Concat(0, do(Slice(after, At(0, 1, s.steps))), first))
	}
	return do(Concat(0, first, do(Slice(after, At(0, 0, s.steps-1)))))
}

// dependents returns the nodes between params and roots: those that change from step to step.
func dependents(params, roots Nodes) (map[*Node]bool, error) {
	g := subgraph(roots)
	inner := map[*Node]bool{}
	for _, n := range byID(g.AllNodes()) {
		children, err := childrenOf(g, n)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(children, func(c *Node) bool { return inner[c] || slices.Contains(params, c) }) {
			inner[n] = true
		}
	}
	return inner, nil
}

func runScan[T kernel.Float](s *scan, inference bool) func(*call[T]) error {
	return func(c *call[T]) error {
		p, err := s.body.take(inference)
		if err != nil {
			return err
		}
		defer s.body.give(p, inference)
		carried, entries := len(s.carried), len(s.entries)
		for k, i := range p.captured {
			p.lend(i, c.memoryOf(carried+entries+k))
		}
		for step := range s.steps {
			t, before := step, step-1
			if s.reverse {
				t = s.steps - 1 - step
				before = t + 1
			}
			for k := range carried {
				at := c.memoryOf(k)
				if step > 0 {
					at = unsafe.Pointer(unsafe.SliceData(c.out[s.out.offsets[k]+before*s.sizes[k]:]))
				}
				p.lend(p.params[k], at)
			}
			for k, stride := range s.strides {
				p.lend(p.params[carried+k], unsafe.Add(c.memoryOf(carried+k), t*stride))
			}
			if err := p.RunOn(p.own); err != nil {
				return fmt.Errorf("step %d: %w", t, err)
			}
			for k, at := range s.out.offsets {
				v := rootOf[T](p.Program, k)
				if k < carried+len(s.keep) {
					copy(c.out[at+t*len(v):], v)
				} else if sum := c.out[at : at+len(v)]; step == 0 {
					copy(sum, v)
				} else {
					kernel.Add(sum, sum, v)
				}
			}
		}
		return nil
	}
}
