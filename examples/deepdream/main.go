// SPDX-License-Identifier: Apache-2.0

// Command deepdream changes a photograph so that a layer of SqueezeNet sees more of what it looks for
// (Mordvintsev, Olah, Tyka 2015, "Inceptionism: Going Deeper into Neural Networks"): by gradient ascent, in small
// pictures first, so that what it dreams has all sizes. Run it in its folder:
//
//	go run . [dream.png [photo.jpg]]
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"os"
	"slices"

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

var means = [3]float32{104, 117, 123} // SqueezeNet's pixels are blue, green, red less these

func main() {
	out, path := "dream.png", "../transfer/testdata/photo.jpg"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if len(os.Args) > 2 {
		path = os.Args[2]
	}
	o := datasets.ImageOptions{Height: height, Width: width, Crop: true, Filter: datasets.Bilinear, Pixels: datasets.SqueezeNet}
	photo, err := datasets.LoadImageFile(path, o)
	check(err)
	model, err := apps.SqueezeNet(apps.WithoutTop)
	check(err)

	var dream, change []float32 // what was dreamed, and what it adds to the photograph
	var before, after float32
	for octave, h, w := 0, 0, 0; octave < octaves; octave++ {
		smaller := math.Pow(scale, float64(octaves-1-octave))
		lastH, lastW := h, w
		h, w = int(height/smaller), int(width/smaller)
		small := resize(photo.Data, height, width, h, w)
		dream = slices.Clone(small)
		if octave > 0 {
			for i, c := range resize(change, lastH, lastW, h, w) {
				dream[i] += c
			}
		}

		n := &network{model: model, g: graph.New()}
		x := n.input("picture", 1, h, w, 3)
		activation := n.Do(graph.Mean(n.layer(x)))
		check(n.Err())
		grads, err := graph.Grad(activation, x)
		check(err)
		program, err := graph.Compile(activation, grads[0])
		check(err)
		check(graph.LetFloats(x, small))
		check(program.RunAll())
		before = program.Floats(0)[0]
		check(graph.LetFloats(x, dream))
		for range steps {
			check(program.RunAll())
			slopes, size := program.Floats(1), float32(0) // the mean of their absolute values
			for _, s := range slopes {
				size += max(s, -s) / float32(len(slopes))
			}
			for i, s := range slopes {
				dream[i] = min(max(dream[i]+rate*s/size, -means[i%3]), 255-means[i%3])
			}
		}
		check(program.RunAll())
		after = program.Floats(0)[0]
		change = slices.Clone(dream)
		for i := range change {
			change[i] -= small[i]
		}
	}
	save(out, dream)
	fmt.Printf("mean activation: %.3f in the photograph, %.3f in the dream\n", before, after)
}

// resize returns a picture, h high and w wide, in another size.
func resize(picture []float32, h, w, toH, toW int) []float32 {
	n := &network{g: graph.New()}
	x := n.input("picture", 1, h, w, 3)
	y := n.Do(graph.Resize(x, toH, toW, graph.Bilinear))
	check(n.Err())
	program, err := graph.Compile(y)
	check(err)
	check(graph.LetFloats(x, picture))
	check(program.RunAll())
	return slices.Clone(program.Floats(0))
}

// network makes expressions with the weights of SqueezeNet.
type network struct {
	graph.Try // keeps the first error
	model     *k.Model
	g         *graph.Graph
}

func (n *network) input(name string, shape ...int) *graph.Node {
	return n.Do(graph.Input(n.g, graph.Float32, name, shape...))
}

func (n *network) weight(path string) *graph.Node {
	w, err := n.model.Weight(path)
	check(err)
	node := n.input(path, w.Shape()...)
	check(graph.LetFloats(node, w.Values()))
	return node
}

func (n *network) conv(x *graph.Node, name string, spec graph.ConvSpec) *graph.Node {
	return n.Do(graph.Conv(x, n.weight(name+"/kernel"), n.weight(name+"/bias"), spec, graph.Act(graph.ReLU)))
}

// layer returns what fire7 sees in x.
func (n *network) layer(x *graph.Node) *graph.Node {
	x = n.conv(x, "conv1", graph.ConvSpec{Stride: [3]int{2, 2}})
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

func save(path string, pixels []float32) {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := 0; i < len(pixels); i += 3 {
		b, g, r := pixels[i]+means[0], pixels[i+1]+means[1], pixels[i+2]+means[2]
		img.Set(i/3%width, i/3/width, color.RGBA{uint8(r), uint8(g), uint8(b), 255})
	}
	f, err := os.Create(path)
	check(err)
	check(png.Encode(f, img))
	check(f.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
