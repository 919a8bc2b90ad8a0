// SPDX-License-Identifier: Apache-2.0

// Command deepdream changes a photograph so that a layer of SqueezeNet sees more of what it looks for
// (Mordvintsev, Olah, Tyka 2015, "Inceptionism: Going Deeper into Neural Networks"): by gradient ascent, in small
// pictures first, so that what it dreams has all sizes. Run it in its folder:
//
//	go run . [dream.png [photo.jpg]]
package main

import (
	"fmt"
	"log"
	"math"
	"os"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	apps "github.com/reef-dl/reef/keraslike/applications"
)

const (
	height, width  = 240, 360
	octaves, scale = 3, 1.4
	steps, rate    = 20, 1.5
)

func main() {
	paths := []string{"dream.png", "../transfer/testdata/photo.jpg"}
	copy(paths, os.Args[1:])
	model, err := apps.SqueezeNet(apps.WithoutTop)
	check(err)

	var dream datasets.Array
	added, h, w := make([]float32, 3), 1, 1 // what the dream adds to the photograph: nothing yet
	for octave := range octaves {
		smaller := math.Pow(scale, float64(octaves-1-octave))
		lastH, lastW := h, w
		h, w = int(height/smaller), int(width/smaller)
		photo, err := datasets.LoadImageFile(paths[1], datasets.ImageOptions{Height: h, Width: w, Crop: true,
			Filter: datasets.Bilinear, Pixels: datasets.Bytes})
		check(err)

		// The picture is the photograph, what was added to smaller ones, and a change that begins with zeros.
		n := &network{model: model, g: graph.New()}
		change := n.variable("change", make([]float32, len(photo.Data)), 1, h, w, 3)
		coarse := n.Do(graph.Resize(n.variable("coarse", added, 1, lastH, lastW, 3), h, w, graph.Bilinear))
		sum := n.Do(graph.Add(coarse, change))
		picture := n.Do(graph.Clip(n.Do(graph.Add(n.variable("photo", photo.Data, 1, h, w, 3), sum)), 0, 255))
		activation := n.Do(graph.Mean(n.layer(picture)))
		check(n.Err())
		grads, err := graph.Grad(activation, change)
		check(err)
		slope := n.Do(graph.Div(grads[0], n.Do(graph.Mean(n.Do(graph.Abs(grads[0]))))))
		climb := graph.Update{Variable: change, Value: n.Do(graph.Add(change, n.Do(graph.Scale(slope, rate))))}
		check(n.Err())
		program, err := graph.CompileOptions{Updates: []graph.Update{climb}}.Compile(activation, picture, sum)
		check(err)

		check(program.RunAll())
		fmt.Printf("%d x %d pixels: mean activation %.3f at first", w, h, program.Floats(0)[0])
		for range steps {
			check(program.RunAll())
		}
		fmt.Printf(", %.3f at last\n", program.Floats(0)[0])
		dream, added = datasets.Array{Shape: photo.Shape, Data: program.Floats(1)}, program.Floats(2)
	}
	check(datasets.SaveImageFile(paths[0], dream, datasets.SaveOptions{Pixels: datasets.Bytes}))
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

// layer returns what fire7 sees in x: red, green and blue of pictures.
func (n *network) layer(x *graph.Node) *graph.Node {
	means := n.variable("means", []float32{104, 117, 123}, 3) // of blue, green and red
	x = n.conv(n.Do(graph.Sub(n.Do(graph.Flip(x, 3)), means)), "conv1", graph.ConvSpec{Stride: [3]int{2, 2}})
	for i := 2; i <= 7; i++ {
		if i%2 == 0 {
			x = n.Do(graph.MaxPool(x, graph.PoolSpec{Size: [3]int{3, 3}, Stride: [3]int{2, 2}, CeilMode: true}))
		}
		fire := fmt.Sprint("fire", i)
		squeezed := n.conv(x, fire+"/squeeze1x1", graph.ConvSpec{})
		x = n.Do(graph.Concat(3, n.conv(squeezed, fire+"/expand1x1", graph.ConvSpec{}),
			n.conv(squeezed, fire+"/expand3x3", graph.ConvSpec{Padding: graph.Same})))
	}
	return x
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
