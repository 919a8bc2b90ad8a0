// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/reef-dl/reef/graph"
)

// Strides is the step size of the moving window: one number for all axes, or one for each spatial axis. The
// default is 1 for convolution layers and the pool size for pooling layers.
func Strides(n ...int) WindowOption {
	return windowOption{setting: setPerAxis("Strides", n)}
}

// Dilation is the distance between the cells of the kernel, with numbers as in Strides. The
// default is 1.
func Dilation(n ...int) ConvOption {
	return convOption{setting: setPerAxis("Dilation", n)}
}

// KernelSize sets the cells of the kernel along each spatial axis, (height, width) in two dimensions, instead
// of the size given to the layer's constructor.
func KernelSize(n ...int) ConvOption {
	return convOption{setting: setPerAxis("KernelSize", n)}
}

// Padding is an option that selects how the edges of the input are padded with zeros for a
// moving window. Pooling layers ignore the padded cells. The default is ValidPadding.
type Padding int

// The paddings.
const (
	// ValidPadding means no padding: the window stays within the input.
	ValidPadding = Padding(graph.Valid)
	// SamePadding pads both ends of each axis so that an axis of length n is reduced to
	// ⌈n/s⌉. If the number of padded cells is odd, the end gets one more, as in TensorFlow.
	SamePadding = Padding(graph.Same)
	// CausalPadding pads the start only, so that no step depends on a later one. It fits
	// Conv1D only.
	CausalPadding = Padding(graph.Causal)
)

func (p Padding) sets() setting {
	names := map[Padding]string{ValidPadding: "ValidPadding", SamePadding: "SamePadding", CausalPadding: "CausalPadding"}
	if names[p] == "" {
		return setting{err: fmt.Errorf("Padding(%d): unknown", int(p))}
	}
	return setting{option: names[p], field: "Padding", value: graph.Padding(p)}
}

func (Padding) forConv()     {}
func (Padding) forPool()     {}
func (Padding) forConvLSTM() {}

// perAxis is a setting of a moving window: one number for all spatial axes, or one for each.
type perAxis []int

func setPerAxis(option string, n []int) setting {
	s := set(option, perAxis(slices.Clone(n)))
	if len(n) < 1 || len(n) > 3 {
		s.err = fmt.Errorf("%s: got %d numbers, want one, or one for each spatial axis", option, len(n))
	}
	return s
}

// String returns a single number without brackets.
func (p perAxis) String() string {
	if len(p) == 1 {
		return strconv.Itoa(p[0])
	}
	return fmt.Sprint([]int(p))
}

func (p perAxis) at(axis int) int {
	if len(p) == 1 {
		return p[0]
	}
	return p[axis]
}

// sizes returns the numbers of all axes.
func (p perAxis) sizes(axes int) []int {
	out := make([]int, axes)
	for i := range out {
		out[i] = p.at(i)
	}
	return out
}

// array returns the numbers as a setting of package graph.
func (p perAxis) array(axes int) (a [3]int) {
	copy(a[:], p.sizes(axes))
	return a
}

func (p perAxis) checkLength(name string, axes int) error {
	switch {
	case len(p) == 1 || len(p) == axes:
		return nil
	case axes == 1:
		return fmt.Errorf("%s has %d numbers, want one", name, len(p))
	}
	return fmt.Errorf("%s has %d numbers, want one, or one for each of the %d spatial axes", name, len(p), axes)
}

func (p perAxis) check(name string, axes int) error {
	if err := p.checkLength(name, axes); err != nil {
		return err
	}
	if slices.Min(p) < 1 {
		return fmt.Errorf("%s is %v, want positive numbers", name, p)
	}
	return nil
}

// window is the moving window of a convolution.
type window struct {
	Axes       int           `json:"axes"`
	KernelSize perAxis       `json:"kernel" option:"KernelSize"`
	Strides    perAxis       `json:"strides" option:"Strides"`
	Dilation   perAxis       `json:"dilation" option:"Dilation"`
	Padding    graph.Padding `json:"padding" option:"Padding"`
}

func newWindow(axes, kernel int) window {
	return window{Axes: axes, KernelSize: perAxis{kernel}, Strides: perAxis{1}, Dilation: perAxis{1}}
}

// check checks the settings of a layer that exists for up to most spatial axes.
func (w *window) check(most int) error {
	if err := checkAxes(w.Axes, most); err != nil {
		return err
	}
	if w.Padding == graph.Causal && w.Axes != 1 {
		return fmt.Errorf("padding is causal, want valid or same")
	}
	return errors.Join(w.KernelSize.check("kernel size", w.Axes), w.Strides.check("strides", w.Axes), w.Dilation.check("dilation", w.Axes))
}

func checkAxes(axes, most int) error {
	if axes < 1 || axes > most {
		return fmt.Errorf("%d spatial axes, want 1 to %d", axes, most)
	}
	return nil
}

func (w *window) spec() graph.ConvSpec {
	return graph.ConvSpec{Stride: w.Strides.array(w.Axes), Dilation: w.Dilation.array(w.Axes), Padding: w.Padding}
}

// output returns the shape of the output with the given number of channels.
func (w *window) output(x Shape, channels int) (Shape, error) {
	out := make(Shape, w.Axes+1)
	for i := range w.Axes {
		n, err := graph.OutputSize(x[i], w.KernelSize.at(i), w.Strides.at(i), w.Dilation.at(i), w.Padding)
		if err != nil {
			return nil, fmt.Errorf("input has shape %v: %w", x, err)
		}
		out[i] = n
	}
	out[w.Axes] = channels
	return out, nil
}

// checkConv checks the settings that all convolution layers have.
func checkConv(w *window, most int, r *regularized, f ActivationFunc) error {
	if err := w.check(most); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	return f.check()
}
