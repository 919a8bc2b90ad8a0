// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// SpaceToDepth makes channels of the pixels of each block x block square: x (batch, h, w, c) becomes
// (batch, h/block, w/block, block·block·c), the channels of a square in the order of its rows, of the pixels
// in them and of their channels, as TensorFlow's space_to_depth has them. PyTorch's pixel_unshuffle has
// the channels first.
func SpaceToDepth(x *Node, block int) (*Node, error) {
	name := "space_to_depth" + attrs("block", block)
	if err := nilError(name, x); err != nil {
		return nil, err
	}
	s, err := x.Shape(), error(nil)
	switch {
	case len(s) != 4:
		err = fmt.Errorf("shape %v, want (batch, height, width, channels)", s)
	case block < 1:
		err = fmt.Errorf("the block is %d, want a positive number", block)
	case s[1]%block != 0 || s[2]%block != 0:
		err = fmt.Errorf("%d x %d pixels are not a multiple of %d", s[1], s[2], block)
	}
	if err != nil {
		return nil, shapeError(name, err, x)
	}
	n, h, w, c := s[0], s[1]/block, s[2]/block, s[3]
	return throughBlocks(x, []int{n, h, block, w, block, c}, []int{n, h, w, block * block * c})
}

// DepthToSpace is the inverse of SpaceToDepth: (batch, h, w, block·block·c) becomes (batch, h·block, w·block, c).
func DepthToSpace(x *Node, block int) (*Node, error) {
	name := "depth_to_space" + attrs("block", block)
	if err := nilError(name, x); err != nil {
		return nil, err
	}
	s, err := x.Shape(), error(nil)
	switch {
	case len(s) != 4:
		err = fmt.Errorf("shape %v, want (batch, height, width, channels)", s)
	case block < 1:
		err = fmt.Errorf("the block is %d, want a positive number", block)
	case s[3]%(block*block) != 0:
		err = fmt.Errorf("%d channels are not a multiple of %d", s[3], block*block)
	}
	if err != nil {
		return nil, shapeError(name, err, x)
	}
	n, h, w, c := s[0], s[1], s[2], s[3]/(block*block)
	return throughBlocks(x, []int{n, h, w, block, block, c}, []int{n, h * block, w * block, c})
}

// throughBlocks swaps the two axes in the middle of a view of six.
func throughBlocks(x *Node, view, to []int) (*Node, error) {
	var try Try
	y := try.Do(Transpose(try.Do(Reshape(x, view...)), 0, 1, 3, 2, 4, 5))
	return try.Do(Reshape(y, to...)), try.Err()
}
