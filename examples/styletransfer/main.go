// SPDX-License-Identifier: Apache-2.0

// Command styletransfer paints a photograph in the style of another picture (Gatys, Ecker, Bethge 2015,
// "A Neural Algorithm of Artistic Style"). The weights are those of SqueezeNet and stay as they are; what is
// optimized is the picture, by Adam. Without pictures of yours, it paints a cat in the style of colored rings.
// Run it in its folder:
//
//	go run . [painting.png [content.jpg [style.jpg]]]
package main

import (
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	apps "github.com/reef-dl/reef/keraslike/applications"
)

const (
	height, width = 160, 240
	steps, rate   = 150, 6.0
	contentWeight = 0.1
	smoothness    = 3e-5 / (height * width * 3)
)

func main() {
	paths := []string{"painting.png", "../transfer/testdata/photo.jpg", "testdata/style.png"}
	copy(paths, os.Args[1:])
	painting, style := load(paths[1]), load(paths[2]) // the painting begins as the content

	model, err := apps.SqueezeNet(apps.WithoutTop)
	check(err)
	n := &network{model: model, g: graph.New()}
	x := n.variable("picture", painting.Data, 1, height, width, 3)
	layers := n.layers(x)

	// The features of one layer are to become those of the content. The Gram matrices of several layers, which
	// tell how often two features occur together, wherever it is, are to become those of the style.
	seen := graph.Nodes{layers[3]}
	for _, f := range layers {
		seen = append(seen, n.Do(graph.Einsum("bijc,bijd->cd", f, f)))
	}
	check(n.Err())
	see, err := graph.Compile(seen...)
	check(err)
	in := func(picture datasets.Array) (values [][]float32) {
		check(graph.LetFloats(x, picture.Data))
		check(see.RunAll())
		for i := range seen {
			values = append(values, slices.Clone(see.Floats(i)))
		}
		return values
	}
	targets := in(style)
	targets[0] = in(painting)[0]

	// The loss is the sum of Σ (y - target)² / Σ target², and what neighboring pixels differ.
	cost := n.Do(graph.Scalar(x, 0))
	add := func(term *graph.Node, weight float64) {
		cost = n.Do(graph.Add(cost, n.Do(graph.Scale(term, weight))))
	}
	squares := func(y *graph.Node) *graph.Node { return n.Do(graph.Sum(n.Do(graph.Square(y)))) }
	for i, y := range seen {
		target, weight := n.variable(fmt.Sprint("target", i), targets[i], y.Shape()...), 1.0
		if i == 0 {
			weight = contentWeight
		}
		add(n.Do(graph.Div(squares(n.Do(graph.Sub(y, target))), squares(target))), weight)
	}
	for axis := 1; axis <= 2; axis++ {
		next, pixel := n.Do(graph.Slice(x, graph.At(axis, 1, graph.Open))), n.Do(graph.Slice(x, graph.At(axis, 0, -1)))
		add(squares(n.Do(graph.Sub(next, pixel))), smoothness)
	}

	// Adam changes the picture, with steps that become smaller, and keeps it between black and white.
	speed := n.variable("speed", []float32{rate})
	check(n.Err())
	updates, err := graph.Adam(cost, speed, graph.Nodes{x}, graph.Epsilon(1e-9))
	check(err)
	updates[0].Value = n.Do(graph.Clip(updates[0].Value, 0, 255))
	program, err := graph.CompileOptions{Updates: updates}.Compile(cost)
	check(err)
	for step := range steps + 1 {
		check(graph.LetFloats(speed, []float32{rate * (1 - float32(step)/steps)}))
		check(program.RunAll())
		if step%50 == 0 {
			fmt.Printf("step %d: loss %.3f\n", step, program.Floats(0)[0])
		}
	}
	check(datasets.SaveImageFile(paths[0], painting, datasets.SaveOptions{Pixels: datasets.Bytes}))
}

func load(path string) datasets.Array {
	picture, err := datasets.LoadImageFile(path, datasets.ImageOptions{Height: height, Width: width, Crop: true,
		Filter: datasets.Bilinear, Pixels: datasets.Bytes})
	check(err)
	return picture
}

// network makes expressions with the weights of SqueezeNet.
type network struct {
	graph.Try // keeps the first error
	model     *k.Model
	g         *graph.Graph
}

func (n *network) variable(name string, values []float32, shape ...int) *graph.Node {
	return n.Do(graph.Variable(n.g, name, values, shape...))
}

func (n *network) conv(x *graph.Node, name string, spec graph.ConvSpec) *graph.Node {
	w, err := n.model.Weight(name + "/kernel")
	check(err)
	b, err := n.model.Weight(name + "/bias")
	check(err)
	kernel, bias := n.variable(w.Path(), w.Values(), w.Shape()...), n.variable(b.Path(), b.Values(), b.Shape()...)
	return n.Do(graph.Conv(x, kernel, bias, spec, graph.Act(graph.ReLU)))
}

// layers returns what the first five layers see in x: red, green and blue of pictures. They have averages where
// SqueezeNet has maxima: the paper found the pictures better.
func (n *network) layers(x *graph.Node) graph.Nodes {
	means := n.variable("means", []float32{104, 117, 123}, 3) // of blue, green and red
	x = n.conv(n.Do(graph.Sub(n.Do(graph.Flip(x, 3)), means)), "conv1", graph.ConvSpec{Stride: [3]int{2, 2}})
	layers := graph.Nodes{x}
	for i := 2; i <= 5; i++ {
		if i%2 == 0 {
			x = n.Do(graph.AvgPool(x, graph.PoolSpec{Size: [3]int{3, 3}, Stride: [3]int{2, 2}, CeilMode: true}))
		}
		fire := fmt.Sprint("fire", i)
		squeezed := n.conv(x, fire+"/squeeze1x1", graph.ConvSpec{})
		x = n.Do(graph.Concat(3, n.conv(squeezed, fire+"/expand1x1", graph.ConvSpec{}),
			n.conv(squeezed, fire+"/expand3x3", graph.ConvSpec{Padding: graph.Same})))
		layers = append(layers, x)
	}
	return layers
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
