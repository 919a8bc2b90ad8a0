// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// These kernels compute a convolution over the steps of an embedding without the embedded
// sequences x = table[ids]. If texts repeat their words, x is longer than the table, and
// multiplying the table's rows by each tap's weights takes fewer operations:
//
//	y[n, o] = act(bias + Σ_tap (table·w[tap])[ids[n, step(o, tap)]])
//
// With s[v, tap] the sum of dy over the steps to which tap carries word v, the gradients are
// dtable[v] = Σ_tap s[v, tap]·w[tap]' and dw[tap] = table'·s[:, tap].
//
// s is the shape of the convolution of x: N texts of W steps, C dimensions, KW taps; H and KH
// are 1.

// EmbeddingConvPays reports whether this takes at most half the work of the direct computation
// and rows are long enough for sums of rows to be cheap relative to products.
func EmbeddingConvPays(s *Conv, vocab int) bool {
	return s.H == 1 && s.KH == 1 && s.C >= 32 && s.N*s.W >= 2*vocab
}

// EmbeddingConv is Gather followed by Conv2D. It returns the first i whose id is not an integer
// in [0,vocab), leaving y undefined, or -1.
func EmbeddingConv(y, ids, table, w, bias []float32, s *Conv, vocab int, act Activation, alpha float32) (bad int) {
	j := newEmbeddingConv("embedding conv", ids, table, w, y, s, vocab)
	defer j.release()
	checkBias("embedding conv", len(bias), s.K)
	if bad := j.takeIDs(ids); bad >= 0 {
		return bad
	}
	cols := s.KW * s.K
	j.tapRows(w)
	j.sums = buffer.Grow(j.sums, vocab*cols)
	Gemm(false, false, vocab, cols, s.C, table, s.C, j.weights, cols, 0, j.sums, cols)
	j.y, j.bias, j.act, j.alpha = y, bias, act, alpha
	j.runForward()
	return -1
}

// EmbeddingConvEachPays reports whether inference should compute s this way, of as many texts as there
// are: if the products of all words are no more work than the direct computation even if no word
// occurs twice, and rows are long enough.
func EmbeddingConvEachPays(s *Conv) bool {
	return s.H == 1 && s.KH == 1 && s.C >= 32 && s.K >= 8 && s.W <= s.OW+s.OW/4 && s.KW*s.K <= 4*s.C
}

// EmbeddingConvEach is EmbeddingConv for inference: a text has the same bits alone and in any batch.
// It multiplies only the words that occur.
func EmbeddingConvEach(y, ids, table, w, bias []float32, s *Conv, vocab int, act Activation, alpha float32) (bad int) {
	j := newEmbeddingConv("embedding conv", ids, table, w, y, s, vocab)
	defer j.release()
	checkBias("embedding conv", len(bias), s.K)
	if bad := j.takeIDs(ids); bad >= 0 {
		return bad
	}
	rows := vocab
	if 2*len(ids) < vocab {
		table, rows = j.wordsOf(ids, table), len(j.words)
	}
	j.sumProducts(table, w, rows)
	j.y, j.bias, j.act, j.alpha = y, bias, act, alpha
	j.runForward()
	return -1
}

// wordsOf returns the rows of table that occur and makes j.ids refer to them.
func (j *embeddingConv) wordsOf(ids, table []float32) []float32 {
	c := j.s.C
	j.words = j.index.ofIDs(ids, j.vocab)
	j.met = buffer.Grow(j.met, len(j.words)*c)
	for i, v := range j.words {
		copy(j.met[i*c:(i+1)*c], table[int(v)*c:])
		first, end := j.index.bounds(int(v))
		for _, at := range j.index.where[first:end] {
			j.ids[at] = int32(i)
		}
	}
	return j.met
}

// sumProducts fills j.sums with the products of rows of table with the weights of each tap.
func (j *embeddingConv) sumProducts(table, w []float32, rows int) {
	cols, c := j.s.KW*j.s.K, j.s.C
	j.tapRows(w)
	j.sums = buffer.Grow(j.sums, rows*cols)
	gemm.Multiply(gemm.Product{M: rows, N: cols, K: c, A: table, LDA: c, B: j.weights, LDB: cols, C: j.sums, LDC: cols, Rows: true})
}

func (j *embeddingConv) runForward() {
	s := &j.s
	j.Pieces, j.body = parallel.Cut(s.N*s.OW, rowGrain(cheapGrain/2, s.KW*s.K)), (*embeddingConv).forward
	parallel.Run(j, j.Count())
}

// EmbeddingConvBackWeights writes the gradient of w.
func EmbeddingConvBackWeights(dw, ids, table, dy []float32, s *Conv, vocab int) {
	j := newEmbeddingConv("embedding conv back weights", ids, table, dw, dy, s, vocab)
	defer j.release()
	j.sumGradients(ids, dy)
	cols, rows := s.KW*s.K, len(j.words)
	j.met = buffer.Grow(j.met, rows*s.C)
	for i, v := range j.words {
		copy(j.met[i*s.C:(i+1)*s.C], table[int(v)*s.C:])
	}
	j.weights = buffer.Grow(j.weights, s.C*cols)
	Gemm(true, false, s.C, cols, rows, j.met, s.C, j.sums, cols, 0, j.weights, cols)
	j.shape = [3]int{s.C, s.KW, s.K}
	Permute(dw, j.weights[:s.C*cols], j.shape[:], firstTwo)
}

// SetConv is Conv2DBackData followed by Set.
func (g *SparseGrad) SetConv(ids, dy, w []float32, s *Conv, vocab int) (rows []int32) {
	j := newEmbeddingConv("embedding conv back", ids, nil, w, dy, s, vocab)
	defer j.release()
	j.sumGradients(ids, dy)
	j.tapRows(w)
	cols := s.KW * s.K
	g.rows, g.dy, g.dim = append(g.rows[:0], j.words...), nil, s.C
	g.grad = buffer.Resize(g.grad, len(g.rows)*s.C)
	Gemm(false, true, len(g.rows), s.C, cols, j.sums, cols, j.weights, cols, 0, g.grad, s.C)
	return g.rows
}

// embeddingConv is a pass over y or over the words.
type embeddingConv struct {
	parallel.Pieces
	body  func(j *embeddingConv, lo, hi int, list []int32)
	s     Conv
	vocab int
	act   Activation
	alpha float32

	y, bias []float32
	ids     []int32
	words   []int32 // the words that occur, ascending
	index   rowIndex
	weights []float32 // (C, KW·K)
	sums    []float32 // rows of KW·K: one per word of the vocabulary, or per word that occurs
	met     []float32 // the rows of the table for words
	shape   [3]int    // of weights being permuted
}

// firstTwo swaps the first two of three axes.
var firstTwo = []int{1, 0, 2}

// rowsAtOnce is the number of rows that one assembly call sums.
const rowsAtOnce = 64

var embeddingConvs parallel.FreeList[embeddingConv]

func newEmbeddingConv(what string, ids, table, w, y []float32, s *Conv, vocab int) *embeddingConv {
	sameLen(what, s.N*s.W, len(ids))
	sameLen(what, s.KW*s.C*s.K, len(w))
	sameLen(what, s.N*s.OW*s.K, len(y))
	if table != nil {
		sameLen(what, vocab*s.C, len(table))
	}
	j := embeddingConvs.Get()
	j.s, j.vocab = *s, vocab
	return j
}

func (j *embeddingConv) release() {
	j.y, j.bias = nil, nil
	embeddingConvs.Put(j)
}

func (j *embeddingConv) Unit(u int, w *parallel.Worker) {
	lo, hi := j.Bounds(u)
	j.body(j, lo, hi, w.Ints(3*rowsAtOnce))
}

// takeIDs converts ids to integers.
func (j *embeddingConv) takeIDs(ids []float32) (bad int) {
	j.ids = buffer.Resize(j.ids, len(ids))
	for i, v := range ids {
		if !(v >= 0 && v < float32(j.vocab) && float32(int32(v)) == v) {
			return i
		}
		j.ids[i] = int32(v)
	}
	return -1
}

// tapRows writes w with the taps side by side.
func (j *embeddingConv) tapRows(w []float32) {
	s := &j.s
	j.weights = buffer.Grow(j.weights, len(w))
	j.shape = [3]int{s.KW, s.C, s.K}
	Permute(j.weights[:len(w)], w, j.shape[:], firstTwo)
}

// forward computes rows lo..hi-1 of y.
func (j *embeddingConv) forward(lo, hi int, list []int32) {
	s := &j.s
	for r := lo; r < hi; r++ {
		y, ids, from := j.y[r*s.K:(r+1)*s.K], j.ids[r/s.OW*s.W:(r/s.OW+1)*s.W], r%s.OW*s.StrideW-s.PadLeft
		clear(y)
		copy(y, j.bias)
		n := 0
		for tap := range s.KW {
			if at := from + tap*s.DilW; at >= 0 && at < s.W {
				list[n] = ids[at]*int32(s.KW) + int32(tap)
				n++
			}
			if n == len(list) {
				simd.Active.GatherSum(y, j.sums, list[:n])
				n = 0
			}
		}
		simd.Active.GatherSum(y, j.sums, list[:n])
	}
	y := j.y[lo*s.K : hi*s.K]
	simd.Active.Activate(y, y, j.act, j.alpha)
}

// sumGradients fills j.words and the corresponding rows of j.sums.
func (j *embeddingConv) sumGradients(ids, dy []float32) {
	j.words = j.index.ofIDs(ids, j.vocab)
	j.sums = buffer.Grow(j.sums, len(j.words)*j.s.KW*j.s.K)
	j.y = dy
	j.Pieces, j.body = parallel.Cut(len(j.words), scatterGrain(len(ids), len(j.words), j.s.KW*j.s.K)), (*embeddingConv).backward
	parallel.Run(j, j.Count())
}

// backward computes the sums for words lo..hi-1.
func (j *embeddingConv) backward(lo, hi int, list []int32) {
	s := &j.s
	list, texts, steps := list[:rowsAtOnce], list[rowsAtOnce:2*rowsAtOnce], list[2*rowsAtOnce:]
	for i := lo; i < hi; i++ {
		word := j.sums[i*s.KW*s.K : (i+1)*s.KW*s.K]
		clear(word)
		first, end := j.index.bounds(int(j.words[i]))
		for where := j.index.where[first:end]; len(where) > 0; {
			n := min(len(where), rowsAtOnce)
			for k, p := range where[:n] {
				text := int(p) / s.W
				texts[k], steps[k] = int32(text*s.OW), int32(int(p)-text*s.W+s.PadLeft)
			}
			where = where[n:]
			for tap := range s.KW {
				rows := j.rowsOfTap(list, texts[:n], steps[:n], tap)
				simd.Active.GatherSum(word[tap*s.K:(tap+1)*s.K], j.y, rows)
			}
		}
	}
}

// rowsOfTap lists the rows of dy that tap carries words to. A text is given by its first row; a
// word at a padded step is carried to one step or to none.
func (j *embeddingConv) rowsOfTap(list, texts, steps []int32, tap int) []int32 {
	s, n := &j.s, 0
	for k, text := range texts {
		at := int(steps[k]) - tap*s.DilW
		if s.StrideW > 1 {
			if at%s.StrideW != 0 {
				continue
			}
			at /= s.StrideW
		}
		if uint(at) < uint(s.OW) {
			list[n] = text + int32(at)
			n++
		}
	}
	return list[:n]
}
