// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// convGroups convolves runs of channels one by one. Groups of one channel are a DepthwiseConv.
func convGroups(x, w, b *Node, spec ConvSpec, act Activation) (*Node, error) {
	xs, ws, err := checkGroups("conv", x, w, spec, b)
	if err != nil {
		return nil, err
	}
	groups, channels, out := spec.Groups, lastOfShape(xs), lastOfShape(ws)
	spec.Groups = 0
	if in := ws[len(ws)-2]; in*groups != channels {
		return nil, &OpError{Op: "conv", Shapes: []Shape{xs, ws}, Err: fmt.Errorf("input has %d channels, kernel was made for %d groups of %d", channels, groups, in)}
	}
	if channels == groups && len(xs) < 5 {
		w, err := Reshape(w, append(append([]int{}, ws[:len(ws)-2]...), channels, out/groups)...)
		if err != nil {
			return nil, err
		}
		return DepthwiseConv(x, w, b, spec, act)
	}
	var try Try
	parts := make(Nodes, groups)
	for i := range parts {
		var bias *Node
		if b != nil {
			bias = try.Do(group(b, i, groups))
		}
		parts[i] = try.Do(Conv(try.Do(group(x, i, groups)), try.Do(group(w, i, groups)), bias, spec, act))
	}
	return try.Do(Concat(len(xs)-1, parts...)), try.Err()
}

// convTransposeGroups is the transpose of convGroups, whose output's channels are those of x.
func convTransposeGroups(x, w *Node, spec ConvSpec, size []int) (*Node, error) {
	xs, _, err := checkGroups("conv_transpose", x, w, spec, nil)
	if err != nil {
		return nil, err
	}
	groups := spec.Groups
	spec.Groups = 0
	var try Try
	parts := make(Nodes, groups)
	for i := range parts {
		parts[i] = try.Do(ConvTranspose(try.Do(group(x, i, groups)), try.Do(group(w, i, groups)), spec, size...))
	}
	return try.Do(Concat(len(xs)-1, parts...)), try.Err()
}

// checkGroups checks that the operands exist and that their last axes can be divided.
func checkGroups(name string, x, w *Node, spec ConvSpec, b *Node) (xs, ws Shape, err error) {
	if x == nil || w == nil {
		return nil, nil, &OpError{Op: name, Err: fmt.Errorf("an input is nil: an earlier expression failed")}
	}
	xs, ws = x.Shape(), w.Shape()
	switch {
	case len(xs) != len(ws) || len(xs) < 3:
		err = fmt.Errorf("kernel has shape %v, input %v", ws, xs)
	case spec.Groups < 0:
		err = fmt.Errorf("%d groups, want a positive number", spec.Groups)
	case lastOfShape(xs)%spec.Groups != 0 || lastOfShape(ws)%spec.Groups != 0:
		err = fmt.Errorf("channels of input %v and kernel %v are not a multiple of %d groups", xs, ws, spec.Groups)
	case b != nil && size(b.Shape()) != lastOfShape(ws):
		err = fmt.Errorf("bias has %d values, kernel has %d output channels", size(b.Shape()), lastOfShape(ws))
	}
	if err != nil {
		return nil, nil, &OpError{Op: name, Shapes: []Shape{xs, ws}, Err: err}
	}
	return xs, ws, nil
}

// group returns run i of n of the last axis.
func group(x *Node, i, n int) (*Node, error) {
	s := x.Shape()
	each := lastOfShape(s) / n
	return Slice(x, At(len(s)-1, i*each, (i+1)*each))
}

func lastOfShape(s Shape) int { return s[len(s)-1] }
