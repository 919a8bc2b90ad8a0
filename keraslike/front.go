// SPDX-License-Identifier: Apache-2.0

package keraslike

import "slices"

// split finds the calls of the front, and with which tensors the graph begins.
func (n *network) split() {
	before := map[*Tensor]bool{}
	for _, t := range slices.Backward(n.order) {
		n.hasOnlyFront = n.hasOnlyFront || onlyInFront(t.layer.def)
		if before[t] = before[t] || t.runsInFront(); before[t] {
			for _, x := range t.in {
				before[x.call()] = true
			}
		}
	}
	if len(before) == 0 {
		return
	}
	n.front, n.rest = nil, nil
	used := map[*Tensor]bool{} // by the graph
	for _, t := range n.order {
		if before[t] {
			n.front = append(n.front, t)
			continue
		}
		n.rest = append(n.rest, t)
		for _, x := range t.in {
			used[x] = true
		}
	}
	for _, t := range n.outputs {
		used[t] = true
	}
	if len(n.front) == 0 {
		return
	}
	n.edges = nil
	for _, t := range append(slices.Clone(n.inputs), n.front...) {
		for _, x := range t.outputs() {
			if used[x] {
				n.edges = append(n.edges, x)
			}
		}
	}
}

// plan lists the calls of the front.
func (n *network) plan() (*frontPlan, error) {
	if n.uses > float64(n.layersLimit()) {
		return nil, n.tooManyLayers()
	}
	f := &frontPlan{inputs: len(n.inputs)}
	at := map[*Tensor]int{}
	for _, t := range n.inputs {
		at[t] = f.values
		f.values++
	}
	f.add("", n.front, at)
	for _, t := range n.edges {
		f.edges = append(f.edges, at[t])
	}
	return f, nil
}

func (f *frontPlan) add(prefix string, calls []*Tensor, at map[*Tensor]int) {
	for _, t := range calls {
		path := prefix + t.layer.name
		if d, ok := t.layer.def.(networkHolder); ok {
			n, inner := d.network(), map[*Tensor]int{}
			for i, x := range n.inputs {
				inner[x] = at[t.in[i]]
			}
			f.add(path+"/", n.order, inner)
			for k, x := range t.outputs() {
				at[x] = inner[n.outputs[k]]
			}
			continue
		}
		s := frontStep{layer: t.layer, run: t.layer.def.(preparer), path: path, out: f.values}
		for _, x := range t.in {
			s.in = append(s.in, at[x])
		}
		at[t] = f.values
		f.values++
		f.steps = append(f.steps, s)
	}
}
