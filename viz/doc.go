// SPDX-License-Identifier: Apache-2.0

// Package viz draws what a network learns: training curves, heat maps, what
// its layers see, where it looked, and its layers as a graph.
//
// Every function takes plain numbers or images and returns a [Figure], which
// writes itself as PNG or SVG to an io.Writer, in a light or a dark [Theme]:
//
//	fig, err := viz.Training("MNIST, dense network",
//		viz.Metric{Name: "loss", Training: loss, Validation: valLoss})
//	...
//	err = fig.WriteSVG(w, viz.Light)
//
// The same numbers give the same bytes. What cannot be drawn (no value at all, rows of
// different lengths, names that do not match) is an error of the function that makes the
// figure, not of writing it; a single NaN or Inf leaves a gap in a line and a blank cell in
// a heat map.
package viz
