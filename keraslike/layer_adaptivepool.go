// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// AdaptiveMaxPooling1D computes the maximum of each channel over size windows, whatever the number of steps:
// window i of n steps is from ⌊i·n/size⌋ to ⌈(i+1)·n/size⌉. Windows overlap where size does not
// divide n. Equal maxima of a window share its gradient.
//
//	input   (batch, steps, channels), whose steps may be Any
//	output  (batch, size, channels)
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/pooling_layers/.
func AdaptiveMaxPooling1D(size int, opts ...LayerOption) Layer {
	return newLayer(&adaptivePool{Max: true, Size: []int{size}}, opts)
}

// AdaptiveMaxPooling2D computes the maximum of each channel over height x width windows, whatever the size
// of the picture; the windows along an axis are those of AdaptiveMaxPooling1D.
//
//	input   (batch, rows, columns, channels), whose rows and columns may be Any
//	output  (batch, height, width, channels)
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/pooling_layers/.
func AdaptiveMaxPooling2D(height, width int, opts ...LayerOption) Layer {
	return newLayer(&adaptivePool{Max: true, Size: []int{height, width}}, opts)
}

// AdaptiveMaxPooling3D computes the maximum of each channel over depth x height x width windows, whatever
// the size of the volume; the windows along an axis are those of AdaptiveMaxPooling1D.
//
//	input   (batch, planes, rows, columns, channels), of which all but the channels may be Any
//	output  (batch, depth, height, width, channels)
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/pooling_layers/.
func AdaptiveMaxPooling3D(depth, height, width int, opts ...LayerOption) Layer {
	return newLayer(&adaptivePool{Max: true, Size: []int{depth, height, width}}, opts)
}

// AdaptiveAveragePooling1D computes the mean of each channel over size windows, whatever the number of
// steps. Windows and shapes are those of AdaptiveMaxPooling1D.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/pooling_layers/.
func AdaptiveAveragePooling1D(size int, opts ...LayerOption) Layer {
	return newLayer(&adaptivePool{Size: []int{size}}, opts)
}

// AdaptiveAveragePooling2D computes the mean of each channel over height x width windows, whatever the size
// of the picture. Windows and shapes are those of AdaptiveMaxPooling2D.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/pooling_layers/.
func AdaptiveAveragePooling2D(height, width int, opts ...LayerOption) Layer {
	return newLayer(&adaptivePool{Size: []int{height, width}}, opts)
}

// AdaptiveAveragePooling3D computes the mean of each channel over depth x height x width windows, whatever
// the size of the volume. Windows and shapes are those of AdaptiveMaxPooling3D.
//
// Options: Name, Trainable (default true).
//
// See https://keras.io/api/layers/pooling_layers/.
func AdaptiveAveragePooling3D(depth, height, width int, opts ...LayerOption) Layer {
	return newLayer(&adaptivePool{Size: []int{depth, height, width}}, opts)
}

type adaptivePool struct {
	Max  bool  `json:"max"`
	Size []int `json:"size"`
}

var _ = register[adaptivePool]("AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
	"AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D")

func (d *adaptivePool) Kind() string {
	if d.Max {
		return fmt.Sprintf("AdaptiveMaxPooling%dD", len(d.Size))
	}
	return fmt.Sprintf("AdaptiveAveragePooling%dD", len(d.Size))
}

func (d *adaptivePool) check() error {
	if err := checkAxes(len(d.Size), 3); err != nil {
		return err
	}
	return perAxis(d.Size).check("size", len(d.Size))
}

func (d *adaptivePool) multiplications(in []Shape, _ Shape, _ float64) float64 {
	return floatSize(in[0])
}

func (d *adaptivePool) Build(_ *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, len(d.Size))
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(d.Size), x[len(d.Size)]), nil
}

// Forward reduces one axis after another: the windows of an axis are copied, filled up to one length by
// cells that do not change the maximum and count 0 in the mean.
func (d *adaptivePool) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x := in[0]
	for i, m := range d.Size {
		if x == nil {
			return nil
		}
		axis, n := i+1, x.Shape()[i+1]
		length := n / m
		if n%m != 0 {
			var ids []int64
			var weights []float32
			ids, weights, length = adaptiveWindows(n, m)
			x = s.Do(graph.Gather(x, s.Do(graph.Constant(s.g, tensor.New(tensor.WithBacking(ids), tensor.WithShape(len(ids))))), axis))
			if !d.Max {
				along := slices.Repeat([]int{1}, len(d.Size)+2)
				along[axis] = len(weights)
				x = s.Do(graph.Mul(x, s.constant(fmt.Sprintf("adaptive windows %d %d along %d of %d", n, m, axis, len(d.Size)), weights, along...)))
			}
		}
		if x == nil || length == 1 {
			continue
		}
		windows := slices.Insert(slices.Clone([]int(x.Shape())), axis+1, length)
		windows[axis] = m
		reduce := graph.Mean
		if d.Max {
			reduce = graph.Max
		}
		x = s.Do(reduce(s.Do(graph.Reshape(x, windows...)), graph.Axes(axis+1)))
	}
	return x
}

// adaptiveWindows returns the cells of m windows of n cells, each filled up to the length of the longest, and
// the factors that make their means those of the windows.
func adaptiveWindows(n, m int) (ids []int64, weights []float32, length int) {
	bounds := func(i int) (from, to int) { return i * n / m, ((i+1)*n + m - 1) / m }
	for i := range m {
		from, to := bounds(i)
		length = max(length, to-from)
	}
	for i := range m {
		from, to := bounds(i)
		for k := range length {
			ids = append(ids, int64(min(from+k, to-1)))
			if from+k < to {
				weights = append(weights, float32(float64(length)/float64(to-from)))
			} else {
				weights = append(weights, 0)
			}
		}
	}
	return ids, weights, length
}
