// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Normalization of groups of columns, for group normalization. A sample is a matrix with a row for each
// position, of which blocks of rows are processed; it stays in the cache from one pass to the next.

// NormGroups writes y = gamma_j (x - m) / sqrt(v + eps) + beta_j with the mean m and the variance v of each
// group of adjacent columns j in each sample. gamma and beta may be nil, meaning 1 and 0. y may be x.
func NormGroups[T Float](y, x, gamma, beta []T, eps T, samples, groups, cols int) {
	sameLen("norm groups", len(x), len(y))
	if len(x) == 0 {
		return
	}
	if y32, ok := single(y); ok && simd.Active.Functions.ColTotals != nil {
		normGroups(normGroupsJob{y: y32, x: f32(x), gamma: f32(gamma), beta: f32(beta), eps: float32(eps), steps: normGroupSteps}, samples, groups, cols)
		return
	}
	ref.NormGroups(y, x, gamma, beta, eps, samples, groups, cols)
}

// NormGroupsBack is the gradient of NormGroups: with z = (x - m) / sqrt(v + eps) and g = gamma dy,
//
//	dx       = (g - mean(g) - z mean(g z)) / sqrt(v + eps), the means being those of a group
//	dgamma_j = sum dy z
//	dbeta_j  = sum dy
//
// dx may be nil if it is not needed, as may dgamma and dbeta together, and gamma for 1; dx must not be x or dy.
func NormGroupsBack[T Float](dx, dgamma, dbeta, x, dy, gamma []T, eps T, samples, groups, cols int) {
	sameLen("norm groups back", len(x), len(dy))
	if dx != nil {
		sameLen("norm groups back", len(x), len(dx))
	}
	if dgamma != nil {
		sameLen("norm groups back", cols, len(dgamma), len(dbeta))
	}
	clear(dgamma)
	clear(dbeta)
	if len(x) == 0 {
		return
	}
	if x32, ok := single(x); ok && simd.Active.Functions.ColTotals != nil {
		j := normGroupsJob{y: f32(dx), x: x32, dy: f32(dy), gamma: f32(gamma), dgamma: f32(dgamma), dbeta: f32(dbeta), eps: float32(eps), steps: normGroupBackSteps}
		if dx == nil {
			j.steps = j.steps[:len(j.steps)-1]
		}
		normGroups(j, samples, groups, cols)
		return
	}
	ref.NormGroupsBack(dx, dgamma, dbeta, x, dy, gamma, eps, samples, groups, cols)
}

const (
	groupBlock = 16384 // elements of a block
	groupWidth = 64    // narrow rows are put side by side up to that many columns
	fewSamples = 8     // fewer are processed by blocks, more each as a whole
)

// groupStep is one that all blocks of a sample go through, and what is done for the sample then.
type groupStep struct {
	block  func(j *normGroupsJob, s, b int)
	sample func(j *normGroupsJob, s int)
}

var (
	normGroupSteps = []groupStep{
		{(*normGroupsJob).totals, (*normGroupsJob).means},
		{(*normGroupsJob).squares, (*normGroupsJob).scales},
		{(*normGroupsJob).scale, nil},
	}
	normGroupBackSteps = []groupStep{
		{(*normGroupsJob).totals, (*normGroupsJob).means},
		{(*normGroupsJob).squares, (*normGroupsJob).inverses},
		{(*normGroupsJob).products, (*normGroupsJob).slopes},
		{(*normGroupsJob).scaleBack, nil},
	}
)

// normGroupsJob has for each sample vectors for side rows that are put side by side: first sums of the blocks,
// then what the columns are normalized with.
type normGroupsJob struct {
	y, x, dy, gamma, beta, dgamma, dbeta []float32
	eps                                  float32
	steps                                []groupStep

	rows, cols, groups int
	side, block        int // rows side by side, and of a block
	blocks             int
	scratch            []float32
	step, sample       int // if step is not 0, pieces are blocks of this sample in this step, counted from 1
}

var (
	normGroupsJobs parallel.Jobs[normGroupsJob, *normGroupsJob]
	normGroupsFree parallel.FreeList[normGroupsJob]
)

// The vectors after those of the blocks, of which each has four: two sums, of rows that are side by side and
// of the rest.
const (
	groupMean = iota
	groupScale
	groupOffset
	groupSlope
	groupSum
	groupDot
	groupVectors
)

func normGroups(job normGroupsJob, samples, groups, cols int) {
	j := normGroupsFree.Get()
	*j = job
	j.rows, j.cols, j.groups = len(j.x)/samples/cols, cols, groups
	j.side = max(1, groupWidth/cols)
	j.block = max(1, groupBlock/cols/j.side) * j.side
	j.blocks = ceilDiv(j.rows, j.block)
	w := parallel.Borrow()
	j.scratch = w.Floats(samples * (4*j.blocks + groupVectors) * j.side * cols)
	if samples >= fewSamples || j.blocks == 1 {
		normGroupsJobs.Run(*j, samples, rowGrain(cheapGrain, j.rows*cols))
	} else {
		for j.sample = range samples {
			for i, step := range j.steps {
				j.step = i + 1
				normGroupsJobs.Run(*j, j.blocks, 1)
				if step.sample != nil {
					step.sample(j, j.sample)
				}
			}
		}
	}
	if j.dgamma != nil {
		for s := range samples {
			simd.Active.Add(j.dgamma, j.dgamma, j.vector(s, groupDot)[:cols])
			simd.Active.Add(j.dbeta, j.dbeta, j.vector(s, groupSum)[:cols])
		}
	}
	w.Return()
	*j = normGroupsJob{} // so that the free list does not keep operands alive
	normGroupsFree.Put(j)
}

func (j *normGroupsJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		if j.step > 0 {
			j.steps[j.step-1].block(j, j.sample, i)
			continue
		}
		for _, step := range j.steps {
			for b := range j.blocks {
				step.block(j, i, b)
			}
			if step.sample != nil {
				step.sample(j, i)
			}
		}
	}
}

// vector returns one of the vectors of a sample.
func (j *normGroupsJob) vector(s, i int) []float32 {
	width := j.side * j.cols
	at := (s*(4*j.blocks+groupVectors) + 4*j.blocks + i) * width
	return j.scratch[at : at+width]
}

// sums returns sum i of a block: of rows side by side, and of the rest.
func (j *normGroupsJob) sums(s, b, i int) (beside, rest []float32) {
	width := j.side * j.cols
	at := (s*(4*j.blocks+groupVectors) + 4*b + 2*i) * width
	return j.scratch[at : at+width], j.scratch[at+width : at+width+j.cols]
}

// bounds returns where a block begins, where its rest begins and where it ends.
func (j *normGroupsJob) bounds(s, b int) (lo, rest, hi int) {
	first, last := b*j.block, min((b+1)*j.block, j.rows)
	at := s * j.rows
	return (at + first) * j.cols, (at + last - (last-first)%j.side) * j.cols, (at + last) * j.cols
}

func (j *normGroupsJob) totals(s, b int) {
	lo, rest, hi := j.bounds(s, b)
	beside, more := j.sums(s, b, 0)
	simd.Active.Functions.ColTotals(beside, j.x[lo:rest], (rest-lo)/len(beside))
	simd.Active.Functions.ColTotals(more, j.x[rest:hi], (hi-rest)/j.cols)
}

func (j *normGroupsJob) squares(s, b int) {
	lo, rest, hi := j.bounds(s, b)
	beside, more := j.sums(s, b, 0)
	mean := j.vector(s, groupMean)
	simd.Active.Functions.ColSquares(beside, mean, j.x[lo:rest], (rest-lo)/len(beside))
	simd.Active.Functions.ColSquares(more, mean[:j.cols], j.x[rest:hi], (hi-rest)/j.cols)
}

func (j *normGroupsJob) products(s, b int) {
	lo, rest, hi := j.bounds(s, b)
	sum, sumMore := j.sums(s, b, 0)
	dot, dotMore := j.sums(s, b, 1)
	mean := j.vector(s, groupMean)
	simd.Active.Functions.ColProducts(sum, dot, mean, j.x[lo:rest], j.dy[lo:rest], (rest-lo)/len(sum))
	simd.Active.Functions.ColProducts(sumMore, dotMore, mean[:j.cols], j.x[rest:hi], j.dy[rest:hi], (hi-rest)/j.cols)
}

func (j *normGroupsJob) scale(s, b int) {
	lo, rest, hi := j.bounds(s, b)
	mean, scale, offset := j.vector(s, groupMean), j.vector(s, groupScale), j.vector(s, groupOffset)
	simd.Active.Functions.ScaleCols(mean, scale, offset, j.y[lo:rest], j.x[lo:rest], (rest-lo)/len(mean))
	simd.Active.Functions.ScaleCols(mean[:j.cols], scale[:j.cols], offset[:j.cols], j.y[rest:hi], j.x[rest:hi], (hi-rest)/j.cols)
}

func (j *normGroupsJob) scaleBack(s, b int) {
	lo, rest, hi := j.bounds(s, b)
	f, n := simd.Active.Functions.ScaleColsBack, j.cols
	mean, slope, offset, scale := j.vector(s, groupMean), j.vector(s, groupSlope), j.vector(s, groupOffset), j.vector(s, groupScale)
	f(mean, slope, offset, scale, j.y[lo:rest], j.x[lo:rest], j.dy[lo:rest], (rest-lo)/len(mean))
	f(mean[:n], slope[:n], offset[:n], scale[:n], j.y[rest:hi], j.x[rest:hi], j.dy[rest:hi], (hi-rest)/n)
}

// total returns sum i of a column.
func (j *normGroupsJob) total(s, i, column int) (total float64) {
	for b := range j.blocks {
		beside, rest := j.sums(s, b, i)
		for c := column; c < len(beside); c += j.cols {
			total += float64(beside[c])
		}
		total += float64(rest[column])
	}
	return total
}

// each calls f with the columns of each group.
func (j *normGroupsJob) each(f func(lo, hi int, n float64)) {
	width := j.cols / j.groups
	for lo := 0; lo < j.cols; lo += width {
		f(lo, lo+width, float64(width*j.rows))
	}
}

func (j *normGroupsJob) groupTotal(s, lo, hi int) (total float64) {
	for c := lo; c < hi; c++ {
		total += j.total(s, 0, c)
	}
	return total
}

func (j *normGroupsJob) means(s int) {
	mean := j.vector(s, groupMean)
	j.each(func(lo, hi int, n float64) {
		m := float32(j.groupTotal(s, lo, hi) / n)
		for c := lo; c < hi; c++ {
			mean[c] = m
		}
	})
	repeat(mean[j.cols:], mean[:j.cols])
}

// inverses leaves 1/sqrt(v + eps) in the vector of scales.
func (j *normGroupsJob) inverses(s int) {
	scale := j.vector(s, groupScale)
	j.each(func(lo, hi int, n float64) {
		inverse := float32(1 / math.Sqrt(j.groupTotal(s, lo, hi)/n+float64(j.eps)))
		for c := lo; c < hi; c++ {
			scale[c] = inverse
		}
	})
}

func (j *normGroupsJob) scales(s int) {
	j.inverses(s)
	scale, offset := j.vector(s, groupScale), j.vector(s, groupOffset)
	if clear(offset); j.beta != nil {
		repeat(offset, j.beta)
	}
	j.scaleByGamma(scale)
}

func (j *normGroupsJob) scaleByGamma(scale []float32) {
	if j.gamma != nil {
		simd.Active.Mul(scale[:j.cols], scale[:j.cols], j.gamma)
	}
	repeat(scale[j.cols:], scale[:j.cols])
}

// slopes follows from (g - mean(g) - z mean(g z)) r = gamma r dy - r mean(g) - (x - m) r^2 mean(g z), r = 1/sqrt(v + eps).
func (j *normGroupsJob) slopes(s int) {
	scale, offset, slope := j.vector(s, groupScale), j.vector(s, groupOffset), j.vector(s, groupSlope)
	sums, dots := j.vector(s, groupSum), j.vector(s, groupDot)
	j.each(func(lo, hi int, n float64) {
		inverse := float64(scale[lo])
		var sum, dot float64
		for c := lo; c < hi; c++ {
			dbeta, dgamma := j.total(s, 0, c), j.total(s, 1, c)*inverse
			sums[c], dots[c] = float32(dbeta), float32(dgamma)
			if j.gamma != nil {
				dbeta *= float64(j.gamma[c])
				dgamma *= float64(j.gamma[c])
			}
			sum += dbeta
			dot += dgamma
		}
		for c := lo; c < hi; c++ {
			offset[c], slope[c] = float32(-inverse*sum/n), float32(-inverse*inverse*dot/n)
		}
	})
	j.scaleByGamma(scale)
	repeat(offset[j.cols:], offset[:j.cols])
	repeat(slope[j.cols:], slope[:j.cols])
}
