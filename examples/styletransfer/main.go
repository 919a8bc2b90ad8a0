// SPDX-License-Identifier: Apache-2.0

// Command styletransfer paints a photograph in the style of another picture (Gatys, Ecker, Bethge 2015,
// "A Neural Algorithm of Artistic Style"). The weights are those of SqueezeNet and stay as they are; what is
// optimized is the picture, by Adam. Without pictures of yours, it paints a cat in a style that it draws.
// Run it in its folder:
//
//	go run . [painting.png [content.jpg [style.jpg]]]
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
	height, width = 160, 240
	steps, rate   = 150, 6.0
	contentWeight = 0.1
	smoothness    = 3e-5 / (height * width * 3)
)

var means = [3]float32{104, 117, 123} // SqueezeNet's pixels are blue, green, red less these

func main() {
	out, photo, style := "painting.png", "../transfer/testdata/photo.jpg", drawStyle()
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if len(os.Args) > 2 {
		photo = os.Args[2]
	}
	if len(os.Args) > 3 {
		style = load(os.Args[3])
	}
	content := load(photo)

	model, err := apps.SqueezeNet(apps.WithoutTop)
	check(err)
	n := &network{model: model, g: graph.New()}
	x := n.input("picture", 1, height, width, 3)
	layers := n.features(x)

	// The features of one layer are to become those of the content. The Gram matrices of several layers, which
	// tell how often two features occur together, wherever it is, are to become those of the style.
	seen := graph.Nodes{layers[3]}
	for _, f := range layers {
		seen = append(seen, n.Do(graph.Einsum("bijc,bijd->cd", f, f)))
	}
	check(n.Err())
	see, err := graph.Compile(seen...)
	check(err)
	in := func(picture []float32) (values [][]float32) {
		check(graph.LetFloats(x, picture))
		check(see.RunAll())
		for i := range seen {
			values = append(values, slices.Clone(see.Floats(i)))
		}
		return values
	}
	targets := in(style)
	targets[0] = in(content)[0]

	// The loss is the sum of Σ (y - target)² / Σ target², and what neighboring pixels differ.
	cost := n.Do(graph.Scalar(x, 0))
	squares := func(y *graph.Node) *graph.Node { return n.Do(graph.Sum(n.Do(graph.Square(y)))) }
	for i, y := range seen {
		target := n.input(fmt.Sprint("target", i), y.Shape()...)
		check(graph.LetFloats(target, targets[i]))
		difference := n.Do(graph.Div(squares(n.Do(graph.Sub(y, target))), squares(target)))
		if i == 0 {
			difference = n.Do(graph.Scale(difference, contentWeight))
		}
		cost = n.Do(graph.Add(cost, difference))
	}
	for axis := 1; axis <= 2; axis++ {
		next, pixel := n.Do(graph.Slice(x, graph.At(axis, 1, graph.Open))), n.Do(graph.Slice(x, graph.At(axis, 0, -1)))
		cost = n.Do(graph.Add(cost, n.Do(graph.Scale(squares(n.Do(graph.Sub(next, pixel))), smoothness))))
	}
	check(n.Err())
	grads, err := graph.Grad(cost, x)
	check(err)
	program, err := graph.Compile(cost, grads[0])
	check(err)

	painting := slices.Clone(content)
	check(graph.LetFloats(x, painting))
	m, v := make([]float64, len(painting)), make([]float64, len(painting)) // Adam's averages
	first := 0.0
	for step := range steps {
		check(program.RunAll())
		if step == 0 {
			first = float64(program.Floats(0)[0])
		}
		t := float64(step + 1)
		scale := rate * (1 - t/(steps+1)) * math.Sqrt(1-math.Pow(0.999, t)) / (1 - math.Pow(0.9, t))
		for i, slope := range program.Floats(1) {
			m[i] += 0.1 * (float64(slope) - m[i])
			v[i] += 0.001 * (float64(slope)*float64(slope) - v[i])
			p := painting[i] - float32(scale*m[i]/(math.Sqrt(v[i])+1e-9))
			painting[i] = min(max(p, -means[i%3]), 255-means[i%3])
		}
	}
	check(program.RunAll())
	save(out, painting)
	fmt.Printf("loss: %.3f at first, %.3f at last\n", first, program.Floats(0)[0])
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

func (n *network) fire(x *graph.Node, name string) *graph.Node {
	x = n.conv(x, name+"/squeeze1x1", graph.ConvSpec{})
	return n.Do(graph.Concat(3, n.conv(x, name+"/expand1x1", graph.ConvSpec{}),
		n.conv(x, name+"/expand3x3", graph.ConvSpec{Padding: graph.Same})))
}

// features returns the outputs of the first layers, with averages where SqueezeNet has maxima: the paper
// found the pictures better.
func (n *network) features(x *graph.Node) (layers graph.Nodes) {
	pool := func(x *graph.Node) *graph.Node {
		return n.Do(graph.AvgPool(x, graph.PoolSpec{Size: [3]int{3, 3}, Stride: [3]int{2, 2}, CeilMode: true}))
	}
	conv1 := n.conv(x, "conv1", graph.ConvSpec{Stride: [3]int{2, 2}})
	fire2 := n.fire(pool(conv1), "fire2")
	fire3 := n.fire(fire2, "fire3")
	fire4 := n.fire(pool(fire3), "fire4")
	fire5 := n.fire(fire4, "fire5")
	return graph.Nodes{conv1, fire2, fire3, fire4, fire5}
}

func load(path string) []float32 {
	o := datasets.ImageOptions{Height: height, Width: width, Crop: true, Filter: datasets.Bilinear, Pixels: datasets.SqueezeNet}
	x, err := datasets.LoadImageFile(path, o)
	check(err)
	return x.Data
}

// drawStyle draws rings of a few colors around several points, with dark lines between them.
func drawStyle() []float32 {
	palette := [][3]float32{{160, 60, 20}, {220, 150, 60}, {60, 190, 245}, {235, 235, 225}, {50, 110, 225}} // blue, green, red
	var picture []float32
	for y := range height {
		for x := range width {
			ring := math.Inf(1)
			for _, center := range [][2]float64{{40, 50}, {125, 100}, {25, 160}, {130, 200}, {95, 15}} {
				ring = min(ring, math.Hypot(float64(y)-center[0], float64(x)-center[1])/6)
			}
			c, line := palette[int(ring)%len(palette)], float32(1)
			if ring-math.Floor(ring) < 0.2 {
				line = 0.2
			}
			for i := range 3 {
				picture = append(picture, line*c[i]-means[i])
			}
		}
	}
	return picture
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
