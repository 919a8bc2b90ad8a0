// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// Options of layers with a moving window.

// SamePadding adds cells at the edges so that an axis of n cells gives ⌈n/s⌉
// places, the odd cell behind, as TensorFlow does.
type SamePadding struct{}

func (SamePadding) applyConv(d *conv) { d.Padding = graph.Same }
func (SamePadding) applyPool(d *pool) { d.Padding = graph.Same }

// CausalPadding adds cells in front only, so that no step sees a later one. It
// fits Conv1D.
type CausalPadding struct{}

func (CausalPadding) applyConv(d *conv) { d.Padding = graph.Causal }

// Strides is how far the window moves each time, along all axes alike. The
// default is 1 for convolutions and the window's size for poolings.
type Strides int

func (n Strides) applyConv(d *conv) { d.Strides = [2]int{int(n), int(n)} }
func (n Strides) applyPool(d *pool) { d.Strides = [2]int{int(n), int(n)} }

// Strides2D is Strides with a distance of its own for each axis; for one axis the
// width counts.
func Strides2D(height, width int) Strides2DOption { return Strides2DOption{height, width} }

// Strides2DOption is made by Strides2D.
type Strides2DOption struct{ height, width int }

func (o Strides2DOption) applyConv(d *conv) { d.Strides = [2]int{o.height, o.width} }
func (o Strides2DOption) applyPool(d *pool) { d.Strides = [2]int{o.height, o.width} }

// Dilation is the distance of the kernel's cells, along all axes alike; the default is 1.
type Dilation int

func (n Dilation) applyConv(d *conv) { d.Dilation = [2]int{int(n), int(n)} }

// Dilation2D is Dilation with a distance of its own for each axis; for one axis the
// width counts.
func Dilation2D(height, width int) Dilation2DOption { return Dilation2DOption{height, width} }

// Dilation2DOption is made by Dilation2D.
type Dilation2DOption struct{ height, width int }

func (o Dilation2DOption) applyConv(d *conv)           { d.Dilation = [2]int{o.height, o.width} }
func (o Dilation2DOption) applyDepthwise(d *depthwise) { d.Dilation = [2]int{o.height, o.width} }
func (o Dilation2DOption) applySeparable(d *separable) { d.Dilation = [2]int{o.height, o.width} }

// KernelSize makes a convolution's kernel height x width cells; for Conv1D the
// width counts.
func KernelSize(height, width int) KernelSizeOption { return KernelSizeOption{height, width} }

// KernelSizeOption is made by KernelSize.
type KernelSizeOption struct{ height, width int }

func (o KernelSizeOption) applyConv(d *conv) { d.Kernel = [2]int{o.height, o.width} }

// PoolSize makes a pooling's window height x width cells, side by side unless
// Strides comes behind it.
func PoolSize(height, width int) PoolSizeOption { return PoolSizeOption{height, width} }

// PoolSizeOption is made by PoolSize.
type PoolSizeOption struct{ height, width int }

func (o PoolSizeOption) applyPool(d *pool) {
	d.Size = [2]int{o.height, o.width}
	d.Strides = d.Size
}
