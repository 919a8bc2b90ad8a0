// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

const maxRank = 6

// Permute writes dst, whose axis i is axis perm[i] of x; shape is the shape of x, with at most six
// axes. dst must not be x.
func Permute[T Float](dst, x []T, shape, perm []int) {
	size := 1
	for _, s := range shape {
		size *= s
	}
	sameLen("permute", size, len(dst), len(x))
	if len(perm) != len(shape) || len(shape) > maxRank {
		panic(fmt.Sprintf("permute: %d axes for a shape of %d, want the same number, at most %d", len(perm), len(shape), maxRank))
	}
	d, ok := single(dst)
	if !ok {
		ref.Permute(dst, x, shape, perm)
		return
	}
	x32, _ := single(x)
	if size == 0 {
		return
	}
	p := mergeAxes(shape, perm)
	if p.rank == 3 && p.stride[2] == p.size[1] && p.stride[1] == 1 || p.rank == 2 && p.stride[0] == 1 {
		rows, cols := p.size[p.rank-1], p.size[p.rank-2]
		for i := 0; i < size; i += rows * cols {
			transpose(d[i:i+rows*cols], x32[i:i+rows*cols], rows, cols)
		}
		return
	}
	inner := p.size[p.rank-1]
	j := permuteJobs.Get()
	*j = permuteJob{parallel.Cut(size/inner, rowGrain(cheapGrain, inner)), p, d, x32}
	j.Pieces.Run(j)
	*j = permuteJob{}
	permuteJobs.Put(j)
}

// permuteJob writes rows of dst along its last axis.
type permuteJob struct {
	parallel.Pieces
	permutation
	dst, x []float32
}

var permuteJobs parallel.FreeList[permuteJob]

func (j *permuteJob) Unit(u int, _ *parallel.Worker) {
	last := j.rank - 1
	inner, step := j.size[last], j.stride[last]
	for r, hi := j.Bounds(u); r < hi; r++ {
		rest, from := r, 0
		for a := last - 1; a >= 0; a-- {
			from += rest % j.size[a] * j.stride[a]
			rest /= j.size[a]
		}
		out := j.dst[r*inner : (r+1)*inner]
		if step == 1 {
			copy(out, j.x[from:])
			continue
		}
		for i := range out {
			out[i] = j.x[from+i*step]
		}
	}
}

// permutation is a permuted traversal of x: axis i of dst has size[i] elements that are stride[i]
// apart in x. Axes that stay adjacent and in order are merged.
type permutation struct {
	rank         int
	size, stride [maxRank]int
}

func mergeAxes(shape, perm []int) (p permutation) {
	p.size[0] = 1
	for _, axis := range perm {
		stride := 1
		for _, s := range shape[axis+1:] {
			stride *= s
		}
		size := shape[axis]
		switch {
		case size == 1:
		case p.rank > 0 && p.stride[p.rank-1] == size*stride:
			p.size[p.rank-1] *= size
			p.stride[p.rank-1] = stride
		default:
			p.size[p.rank], p.stride[p.rank] = size, stride
			p.rank++
		}
	}
	if p.rank == 0 { // a single element
		p.rank, p.stride[0] = 1, 1
	}
	return p
}
