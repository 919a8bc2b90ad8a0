// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// Options of layers with a moving window.

// SamePadding adds cells at the edges so that an axis of n cells gives ⌈n/s⌉
// places, the odd cell behind, as TensorFlow does.
type SamePadding struct{}

func (SamePadding) applyConv(d *conv) {
	d.Padding = graph.Same
	d.choose("padding", "SamePadding")
}
func (SamePadding) applyPool(d *pool) { d.Padding = graph.Same }

// CausalPadding adds cells in front only, so that no step sees a later one. It
// fits Conv1D.
type CausalPadding struct{}

func (CausalPadding) applyConv(d *conv) {
	d.Padding = graph.Causal
	d.choose("padding", "CausalPadding")
}

// Strides is how far the window moves each time, along all axes alike. The
// default is 1 for convolutions and the window's size for poolings.
type Strides int

func (n Strides) applyConv(d *conv)                   { n.to(&d.common, &d.Strides) }
func (n Strides) applyConvTranspose(d *convTranspose) { n.to(&d.common, &d.Strides) }
func (n Strides) applyDepthwise(d *depthwise)         { n.to(&d.common, &d.Strides) }
func (n Strides) applySeparable(d *separable)         { n.to(&d.common, &d.Strides) }
func (n Strides) applyPool(d *pool)                   { n.to(&d.common, &d.Strides) }

func (n Strides) to(c *common, strides *[2]int) {
	*strides = [2]int{int(n), int(n)}
	c.choose("strides", "Strides")
}

// Strides2D is Strides with a distance of its own for each axis; for one axis the
// width counts.
func Strides2D(height, width int) Strides2DOption { return Strides2DOption{height, width} }

// Strides2DOption is made by Strides2D.
type Strides2DOption struct{ height, width int }

func (o Strides2DOption) applyConv(d *conv)                   { o.to(&d.common, &d.Strides) }
func (o Strides2DOption) applyConvTranspose(d *convTranspose) { o.to(&d.common, &d.Strides) }
func (o Strides2DOption) applyDepthwise(d *depthwise)         { o.to(&d.common, &d.Strides) }
func (o Strides2DOption) applySeparable(d *separable)         { o.to(&d.common, &d.Strides) }
func (o Strides2DOption) applyPool(d *pool)                   { o.to(&d.common, &d.Strides) }

func (o Strides2DOption) to(c *common, strides *[2]int) {
	*strides = [2]int{o.height, o.width}
	c.choose("strides", "Strides2D")
}

// Dilation is the distance of the kernel's cells, along all axes alike; the default is 1.
type Dilation int

func (n Dilation) applyConv(d *conv)           { n.to(&d.common, &d.Dilation) }
func (n Dilation) applyDepthwise(d *depthwise) { n.to(&d.common, &d.Dilation) }
func (n Dilation) applySeparable(d *separable) { n.to(&d.common, &d.Dilation) }

func (n Dilation) to(c *common, dilation *[2]int) {
	*dilation = [2]int{int(n), int(n)}
	c.choose("dilation", "Dilation")
}

// Dilation2D is Dilation with a distance of its own for each axis; for one axis the
// width counts.
func Dilation2D(height, width int) Dilation2DOption { return Dilation2DOption{height, width} }

// Dilation2DOption is made by Dilation2D.
type Dilation2DOption struct{ height, width int }

func (o Dilation2DOption) applyConv(d *conv)           { o.to(&d.common, &d.Dilation) }
func (o Dilation2DOption) applyDepthwise(d *depthwise) { o.to(&d.common, &d.Dilation) }
func (o Dilation2DOption) applySeparable(d *separable) { o.to(&d.common, &d.Dilation) }

func (o Dilation2DOption) to(c *common, dilation *[2]int) {
	*dilation = [2]int{o.height, o.width}
	c.choose("dilation", "Dilation2D")
}

// KernelSize makes a convolution's kernel height x width cells; for Conv1D the
// width counts.
func KernelSize(height, width int) KernelSizeOption { return KernelSizeOption{height, width} }

// KernelSizeOption is made by KernelSize.
type KernelSizeOption struct{ height, width int }

func (o KernelSizeOption) applyConv(d *conv) { d.Kernel = [2]int{o.height, o.width} }

// PoolSize makes a pooling's window height x width cells, side by side without Strides;
// for one axis the width counts.
func PoolSize(height, width int) PoolSizeOption { return PoolSizeOption{height, width} }

// PoolSizeOption is made by PoolSize.
type PoolSizeOption struct{ height, width int }

func (o PoolSizeOption) applyPool(d *pool) { d.Size = [2]int{o.height, o.width} }
