// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// MixUp mixes each sample with another one (Zhang et al. 2017, https://arxiv.org/abs/1710.09412):
//
//	x = λ·xᵢ + (1-λ)·xⱼ,   y = λ·yᵢ + (1-λ)·yⱼ,   λ ~ Beta(alpha, alpha)
//
// for all inputs and all targets. The other sample j is any of s, drawn with replacement; it may be i itself.
// The shapes are those of s. Keras's default of alpha is 0.2; the smaller it is, the closer is λ to 0 or 1.
//
// Targets are mixed as numbers: a class index must be made a vector before, by [OneHot] or the method of that
// name, and the loss must accept shares of classes, as CategoricalCrossentropy does. A class of two, 0 or 1,
// may stay as it is. Random layers of the model, such as RandomFlip, change the mixed samples; an Augment
// of an [ImageFolder] changes samples before they are mixed, all uses of a sample in an epoch alike.
//
// What is drawn depends on the seed, the index and how often it has been read. It depends neither on the order of
// the indices nor on the batch, from which Keras draws j, so that it is the same in a distributed training. The
// source has a method StartEpoch(n int) like ImageFolder's.
//
// It is an error if alpha is not positive, or if the source has no samples, has sample weights, which belong to
// one sample, has inputs of strings, has one number as its target and more than two classes, or is the caller's
// own with a method StartEpoch, as its values would depend on the order.
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/mix_up/.
func MixUp(s Source, alpha float64, seed uint64) (Source, error) {
	if !(alpha > 0) || math.IsInf(alpha, 0) {
		return nil, fmt.Errorf("mixup: alpha %v, want a positive number", alpha)
	}
	m, err := newMixed(s, [2]float64{alpha, alpha}, seed)
	if err != nil {
		return nil, fmt.Errorf("mixup: %w", err)
	}
	m.blend = (*mixed).blendWhole
	return m, nil
}

// CutMix replaces a rectangle of each picture by the same rectangle of another one, and mixes the targets by
// its area (Yun et al. 2019, https://arxiv.org/abs/1905.04899): of pictures of height H and width W
//
//	h = H·√(1-λ),  w = W·√(1-λ),   λ ~ Beta(a, a),   a uniform between least and most
//	top = u·(H-h),  left = v·(W-w),   u, v uniform between 0 and 1
//	x = xⱼ where top <= row < top+h and left <= column < left+w, xᵢ elsewhere
//	y = (1-hw/HW)·yᵢ + hw/HW·yⱼ
//
// The range from least to most is Keras's factor, (0, 1) by default, with one a for each batch; (1, 1) is the
// paper's. A target of shape (H, W) or (H, W, n), such as a segmentation mask, gets the rectangle as the picture
// does.
//
// The choice of j, the targets, what the draws depend on and the errors are as for [MixUp]. It is also an error
// if not 0 <= least <= most and most > 0, or if not all inputs have a shape (H, W, channels) with the same H and W.
//
// See https://keras.io/api/layers/preprocessing_layers/image_augmentation/cut_mix/.
func CutMix(s Source, least, most float64, seed uint64) (Source, error) {
	if !(least >= 0 && least <= most && most > 0) || math.IsInf(most, 0) {
		return nil, fmt.Errorf("cutmix: from %v to %v, want 0 or more, the smaller first, and not both 0", least, most)
	}
	m, err := newMixed(s, [2]float64{least, most}, seed)
	if err == nil {
		err = m.checkPictures()
	}
	if err != nil {
		return nil, fmt.Errorf("cutmix: %w", err)
	}
	m.blend = (*mixed).blendPart
	return m, nil
}

// mixed is a source of samples that are mixed with others.
type mixed struct {
	view
	layout
	alpha   [2]float64 // the range of the parameter of the beta distribution
	seed    uint64
	blend   func(m *mixed, d draw, size int, shape []int, to, from []float32)
	reads   []atomic.Uint32 // how often each sample has been read
	scratch sync.Pool
}

// draw is what was drawn for one sample: λ, the share that stays, and where a rectangle begins, as shares of the
// places where it can.
type draw struct{ share, top, left float32 }

// mixing is the scratch memory of one Read.
type mixing struct {
	rng             *rand.Rand
	pcg             *rand.PCG
	draws           []draw
	partners        []int
	visits          []uint32
	memory          [][]float32 // of all inputs and targets
	inputs, targets [][]float32
}

func newMixed(s Source, alpha [2]float64, seed uint64) (*mixed, error) {
	l, n, err := measure(s)
	if err != nil {
		return nil, err
	}
	m := &mixed{view: view{s}, layout: l, alpha: alpha, seed: seed}
	switch {
	case n < 1:
		return nil, errors.New("the source has no samples")
	case n > maxNumbers:
		return nil, fmt.Errorf("%d samples, want at most %d", n, maxNumbers)
	case !revisits(s):
		return nil, errors.New("the source changes from epoch to epoch by a StartEpoch of its own: mix what it reads from")
	}
	if _, ok := s.(weigher); ok {
		return nil, errors.New("the source has sample weights, which mixed samples cannot keep")
	}
	for k := range l.inputs {
		if m.StringInput(k) {
			return nil, fmt.Errorf("input %d is of strings", k)
		}
	}
	if names := m.Names(); len(names) > 2 && slices.Contains(l.targetSizes, 1) {
		return nil, fmt.Errorf("a target is one number and there are %d classes: want vectors, as OneHot makes them", len(names))
	}
	m.reads = make([]atomic.Uint32, n)
	m.scratch.New = func() any {
		pcg := rand.NewPCG(0, 0)
		return &mixing{pcg: pcg, rng: rand.New(pcg), memory: make([][]float32, len(l.inputs)+len(l.targets))}
	}
	return m, nil
}

// checkPictures checks that all inputs are pictures of one size.
func (m *mixed) checkPictures() error {
	if len(m.inputs) == 0 {
		return errors.New("the source has no input")
	}
	for k, shape := range m.inputs {
		if len(shape) != 3 {
			return fmt.Errorf("input %d has shape %v, want (height, width, channels)", k, shape)
		}
		if !slices.Equal(shape[:2], m.inputs[0][:2]) {
			return fmt.Errorf("input %d has shape %v, input 0 %v, want one height and width", k, shape, m.inputs[0])
		}
	}
	return nil
}

// StartEpoch makes the source continue with epoch n, counted from 1, as if every sample had
// been read n-1 times, so that an interrupted training can be resumed in another process.
func (m *mixed) StartEpoch(n int) { setReads(m.reads, n-1) }

// SparseInput is false: Active could not know what is mixed.
func (m *mixed) SparseInput(int) bool { return false }

func (m *mixed) Read(indices []int, inputs, targets [][]float32) error {
	return m.readVisits(indices, nil, inputs, targets)
}

func (m *mixed) readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error {
	if err := m.check(len(m.reads), indices, inputs, targets); err != nil {
		return err
	}
	s := m.scratch.Get().(*mixing)
	defer m.scratch.Put(s)
	s.draws, s.partners, s.visits = s.draws[:0], s.partners[:0], s.visits[:0]
	for j, i := range indices {
		visit := visitOf(m.reads, visits, j, i)
		s.pcg.Seed(m.seed, uint64(i)<<32|uint64(visit))
		partner, _ := bits.Mul64(s.rng.Uint64(), uint64(len(m.reads))) // uniform up to 2^-64 of the length
		alpha := m.alpha[0] + s.rng.Float64()*(m.alpha[1]-m.alpha[0])
		top, left := float32(s.rng.Float64()), float32(s.rng.Float64())
		s.partners, s.visits = append(s.partners, int(partner)), append(s.visits, visit)
		s.draws = append(s.draws, draw{float32(beta(s.rng, alpha)), top, left})
	}
	s.inputs = s.like(s.inputs[:0], 0, inputs, m.inputSizes, len(indices))
	s.targets = s.like(s.targets[:0], len(m.inputs), targets, m.targetSizes, len(indices))
	x, y := s.inputs, s.targets
	if inputs == nil {
		x = nil
	}
	if targets == nil {
		y = nil
	}
	// The source below does not count these reads: it would depend on the order which of them comes first.
	if err := readVisits(m.Source, indices, s.visits, inputs, targets); err != nil {
		return err
	}
	if err := readVisits(m.Source, s.partners, s.visits, x, y); err != nil {
		return err
	}
	for _, side := range [2]struct {
		to, from [][]float32
		sizes    []int
		shapes   [][]int
	}{{inputs, x, m.inputSizes, m.inputs}, {targets, y, m.targetSizes, m.targets}} {
		for k, to := range side.to {
			size := side.sizes[k]
			for j, d := range s.draws[:len(indices)*min(1, len(to))] {
				m.blend(m, d, size, side.shapes[k], to[j*size:(j+1)*size], side.from[k][j*size:(j+1)*size])
			}
		}
	}
	return nil
}

// like appends a buffer for n samples for each one that is wanted, in the memory from the given index on.
func (s *mixing) like(out [][]float32, first int, wanted [][]float32, sizes []int, n int) [][]float32 {
	for k, b := range wanted {
		if b == nil {
			out = append(out, nil)
			continue
		}
		memory := &s.memory[first+k]
		if len(*memory) < n*sizes[k] {
			*memory = make([]float32, n*sizes[k])
		}
		out = append(out, (*memory)[:n*sizes[k]])
	}
	return out
}

// blendWhole mixes all numbers.
func (m *mixed) blendWhole(d draw, _ int, _ []int, to, from []float32) {
	blend(to, from, d.share)
}

// blend keeps the given share of to. The conversions forbid fused products, which other processors
// would round otherwise.
func blend(to, from []float32, keep float32) {
	other := 1 - keep
	for i, v := range to {
		to[i] = float32(keep*v) + float32(other*from[i])
	}
}

// blendPart copies a rectangle to what has the size of the pictures, and mixes the rest by its area.
func (m *mixed) blendPart(d draw, size int, shape []int, to, from []float32) {
	height, width := m.inputs[0][0], m.inputs[0][1]
	ratio := float32(math.Sqrt(float64(1 - d.share)))
	y0, y1 := stretch(d.top, ratio, height)
	x0, x1 := stretch(d.left, ratio, width)
	if len(shape) < 2 || shape[0] != height || shape[1] != width {
		blend(to, from, 1-float32((x1-x0)*(y1-y0))/float32(width*height))
		return
	}
	pixel := size / (height * width)
	top, bottom := int(math.Ceil(float64(y0))), min(height, int(math.Ceil(float64(y1))))
	left, right := int(math.Ceil(float64(x0))), min(width, int(math.Ceil(float64(x1))))
	for y := top; y < bottom; y++ {
		at, end := (y*width+left)*pixel, (y*width+right)*pixel
		copy(to[at:max(at, end)], from[at:])
	}
}

// stretch returns the part of n pixels that has the given ratio of their length and begins at a share of the
// places where it can.
func stretch(share, ratio float32, n int) (first, end float32) {
	length := float32(ratio * float32(n))
	first = float32(share * (float32(n) - length))
	return first, first + length
}

// beta draws from the beta distribution whose parameters are both a: X/(X + Y), X and Y from the gamma
// distribution. It takes their logarithms, as both may be too small for a float64 where a is.
func beta(rng *rand.Rand, a float64) float64 {
	x := logGamma(rng, a)
	return 1 / (1 + math.Exp(logGamma(rng, a)-x))
}

// logGamma is the logarithm of a number that is drawn from the gamma distribution of shape a and scale 1
// (Marsaglia & Tsang 2000, https://doi.org/10.1145/358407.358414).
func logGamma(rng *rand.Rand, a float64) float64 {
	// Keras adds as much to the parameter, which it may have drawn as 0.
	const least = 1e-6
	a = max(a, least)
	boost := 0.0
	if a < 1 {
		boost = math.Log(1-rng.Float64()) / a
		a++
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return math.Log(d*v) + boost
		}
	}
}
