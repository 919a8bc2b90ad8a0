// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Windows over volumes (batch, depth, height, width, channels) are windows over planes, after or before
// something along the depth.

// convVolume is a convolution of planes whose channels are those of the kd frames of a window.
func convVolume(x, w, b *Node, spec ConvSpec, act Activation) (*Node, error) {
	v, err := volumeOf(x.Shape(), w.Shape(), spec)
	if err != nil {
		return nil, &OpError{Op: "conv", Shapes: []Shape{x.Shape(), w.Shape()}, Err: err}
	}
	var try Try
	y := try.Do(Conv(try.Do(v.unfold(x)), try.Do(v.weights(w)), b, v.plane, act))
	if try.Err() != nil {
		return nil, inTerms(try.Err(), "conv", x.Shape(), w.Shape())
	}
	s := y.Shape()
	return Reshape(y, v.N, v.Out, s[1], s[2], s[3])
}

// inTerms returns an error of an op on planes as one of the op on volumes, with the shapes of these.
func inTerms(err error, name string, shapes ...Shape) error {
	var e *OpError
	if errors.As(err, &e) {
		return &OpError{Op: name, Shapes: shapes, Err: e.Err}
	}
	return err
}

// convTransposeVolume is the transpose of convVolume: first of the convolution, then of the copies.
func convTransposeVolume(x, w *Node, spec ConvSpec, size []int) (*Node, error) {
	in, kernel := x.Shape(), w.Shape()
	image := append(append(tensor.Shape{in[0]}, size...), kernel[3])
	v, err := volumeOf(image, kernel, spec)
	if err == nil && in[1] != v.Out {
		err = fmt.Errorf("input has %d frames, a convolution of %v gives %d", in[1], image, v.Out)
	}
	if err != nil {
		return nil, &OpError{Op: "conv_transpose", Shapes: []Shape{in, kernel}, Err: err}
	}
	var try Try
	planes := try.Do(Reshape(x, in[0]*in[1], in[2], in[3], in[4]))
	y := try.Do(v.fold(try.Do(ConvTranspose(planes, try.Do(v.weights(w)), v.plane, v.height, v.width))))
	return y, inTerms(try.Err(), "conv_transpose", in, kernel)
}

// volume is a window over volumes.
type volume struct {
	kernel.Frames
	height, width int
	plane         ConvSpec
}

func volumeOf(x, w tensor.Shape, spec ConvSpec) (v volume, err error) {
	if spec.Padding == Causal {
		return v, fmt.Errorf("causal padding needs one spatial axis, input has shape %v", x)
	}
	v = volume{height: x[2], width: x[3], plane: ConvSpec{Stride: plane(spec.Stride), Dilation: plane(spec.Dilation), Padding: spec.Padding}}
	v.Frames = kernel.Frames{N: x[0], Frames: x[1], Cells: x[2] * x[3], C: x[4], Taps: w[0], Stride: orOne(spec.Stride[0]), Dilation: orOne(spec.Dilation[0])}
	if w[3] != v.C {
		return v, fmt.Errorf("input has %d channels, kernel was made for %d", v.C, w[3])
	}
	if v.Out, v.Before, err = windowPositions(x[1], v.Taps, v.Stride, v.Dilation, spec.Padding); err != nil {
		return v, fmt.Errorf("depth: %w", err)
	}
	return v, nil
}

// moves reports whether the frames of the positions are not those of the volume.
func (v *volume) moves() bool { return v.Taps != 1 || v.Stride != 1 }

// unfold returns x (batch, depth, height, width, c) as planes (batch·od, height, width, kd·c).
func (v *volume) unfold(x *Node) (*Node, error) {
	if v.moves() {
		return v.op(true, x)
	}
	return Reshape(x, v.N*v.Frames.Frames, v.height, v.width, v.C)
}

// fold is the transpose of unfold.
func (v *volume) fold(y *Node) (*Node, error) {
	if v.moves() {
		return v.op(false, y)
	}
	return Reshape(y, v.N, v.Out, v.height, v.width, v.C)
}

// weights returns w (kd, kh, kw, c, out) as (kh, kw, kd·c, out).
func (v *volume) weights(w *Node) (*Node, error) {
	s := w.Shape()
	if s[0] > 1 {
		var err error
		if w, err = Transpose(w, 1, 2, 0, 3, 4); err != nil {
			return nil, err
		}
	}
	return Reshape(w, s[1], s[2], s[0]*s[3], s[4])
}

func (v *volume) op(unfold bool, x *Node) (*Node, error) {
	s := *v
	cells := tensor.Shape{s.N, s.Frames.Frames, s.height, s.width, s.C}
	planes := tensor.Shape{s.N * s.Out, s.height, s.width, s.Taps * s.C}
	o := &op{
		in: []int{5}, out: 4, shape: fixed(planes), diff: []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := s.op(!unfold, dy)
			return Nodes{dx}, err
		},
	}
	settings := attrs("taps", s.Taps, "stride", s.Stride, "dilation", s.Dilation, "before", s.Before, "frames", s.Frames.Frames, "positions", s.Out)
	if unfold {
		o.name = "unfold" + settings
		o.run = forDtypes(runUnfold[float32](&s.Frames), runUnfold[float64](&s.Frames))
		o.kind = unfolded{s}
	} else {
		o.name, o.in, o.out, o.shape = "fold"+settings, []int{4}, 5, fixed(cells)
		o.run = forDtypes(runFold[float32](&s.Frames), runFold[float64](&s.Frames))
	}
	return apply(o, x)
}

// unfolded identifies the op that unfolds a volume.
type unfolded struct{ volume }

// fuseFrames makes convolutions read the frames of volumes where they are, if nothing else reads their copies.
func (c *compiler) fuseFrames() {
	uses := c.uses()
	for i, o := range c.ops {
		if o == nil || c.nodes[i].Dtype() != Float32 {
			continue
		}
		conv, ok := o.kind.(convolution)
		if !ok {
			continue
		}
		x := c.children[i][0]
		if c.ops[x] == nil || uses[x] > 1 {
			continue
		}
		planes, ok := c.ops[x].kind.(unfolded)
		if !ok {
			continue
		}
		g, err := convGeometry(c.nodes[x].Shape(), c.second(i), conv.spec)
		if err != nil || !kernel.ConvFramesFits(&g, c.inference != nil) {
			continue
		}
		c.ops[i], c.children[i] = fusedOp(o, runConvFrames(&planes.Frames, g, conv.act)), append(slices.Clone(c.children[x]), c.children[i][1:]...)
	}
}

func runConvFrames(f *kernel.Frames, g kernel.Conv, act Activation) func(*call[float32]) error {
	return func(c *call[float32]) error {
		var b []float32
		if len(c.in) > 2 {
			b = c.in[2]
		}
		kernel.ConvFrames(c.out, c.in[0], c.in[1], b, &g, f, act.kind, float32(act.alpha))
		return nil
	}
}

func runUnfold[T kernel.Float](s *kernel.Frames) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Unfold(c.out, c.in[0], s)
		return nil
	}
}

func runFold[T kernel.Float](s *kernel.Frames) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Fold(c.out, c.in[0], s)
		return nil
	}
}

// poolVolume pools the planes and then the frames: a maximum of maxima, a mean of means over windows
// that have equally many cells on all frames.
func poolVolume(name string, x *Node, spec PoolSpec, pool func(*Node, PoolSpec) (*Node, error)) (*Node, error) {
	s, planes, frames := x.Shape(), spec, spec
	planes.Size, planes.Stride = plane(spec.Size), plane(spec.Stride)
	frames.Size, frames.Stride = [3]int{spec.Size[0], 1}, [3]int{spec.Stride[0], 1}
	if frames.Stride[0] == 0 {
		frames.Stride[0] = spec.Size[0]
	}
	if _, _, err := spec.positions(s[1], spec.Size[0], frames.Stride[0], spec.Padding); err != nil {
		return nil, &OpError{Op: name, Shapes: []Shape{s}, Err: fmt.Errorf("depth: %w", err)}
	}
	var try Try
	y := try.Do(pool(try.Do(Reshape(x, s[0]*s[1], s[2], s[3], s[4])), planes))
	if try.Err() != nil {
		return nil, inTerms(try.Err(), name, s)
	}
	p := y.Shape()
	y = try.Do(pool(try.Do(Reshape(y, s[0], s[1], p[1]*p[2], s[4])), frames))
	if try.Err() != nil {
		return nil, inTerms(try.Err(), name, s)
	}
	return Reshape(y, s[0], y.Shape()[1], p[1], p[2], s[4])
}

// countPadding turns the means of AvgPool over the cells that exist into means over the whole window.
func countPadding(x *Node, spec PoolSpec) (*Node, error) {
	spec.CountPadding = false
	y, err := AvgPool(x, spec)
	if err != nil || spec.Padding != Same {
		return y, err
	}
	// The share of a window that exists is the product of its shares along the axes.
	in, out := x.Shape(), y.Shape()
	for axis := 1; axis < len(in)-1; axis++ {
		k, stride := spec.Size[axis-1], spec.Stride[axis-1]
		if stride == 0 {
			stride = k
		}
		n, before, err := windowPositions(in[axis], k, stride, 1, Same)
		if err != nil {
			return nil, err
		}
		share := make([]float64, n)
		for o := range share {
			first := o*stride - before
			share[o] = float64(min(first+k, in[axis])-max(first, 0)) / float64(k)
		}
		shape := make([]int, len(out))
		for i := range shape {
			shape[i] = 1
		}
		shape[axis] = n
		var try Try
		if y = try.Do(Mul(y, try.Do(Reshape(try.Do(constantLike(y, share)), shape...)))); try.Err() != nil {
			return nil, try.Err()
		}
	}
	return y, nil
}
