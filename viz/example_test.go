// SPDX-License-Identifier: Apache-2.0

package viz_test

import (
	"fmt"
	"image"
	"io"

	"github.com/reef-dl/reef/viz"
)

func ExampleTraining() {
	fig, err := viz.Training("MNIST, dense network",
		viz.Metric{Name: "loss", Training: []float64{0.28, 0.13, 0.10}, Validation: []float64{0.15, 0.11, 0.09}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := fig.WritePNG(io.Discard, viz.Light); err != nil { // or a file, or a http.ResponseWriter
		fmt.Println(err)
	}
	fmt.Println(fig.Alt)
	// Output: Training curves over 3 epochs. loss: training 0.1000 from 0.280 to 0.100, validation 0.09000 from 0.150 to 0.0900.
}

func ExampleConfusion() {
	fig, err := viz.Confusion("Cats and dogs", []string{"cat", "dog"}, [][]int{{478, 22}, {13, 487}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(fig.Alt)
	// Output: Cats and dogs: confusion matrix of 2 classes, 965 of 1000 samples right.
}

func ExampleLayerGraph() {
	fig, err := viz.LayerGraph{
		Title: "mnist",
		Nodes: []viz.GraphNode{
			{ID: "in", Title: "input", Lines: []string{"(784)"}, Kind: -1},
			{ID: "fc", Title: "dense", Lines: []string{"Dense, ReLU", "(512)"}},
		},
		Edges: []viz.GraphEdge{{From: "in", To: "fc"}, {From: "fc", To: "out"}},
	}.Figure()
	fmt.Println(fig, err)
	// Output: <nil> mnist: edge from "fc" to "out", no such layer
}

func ExampleOverlay() {
	photo := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	heat := viz.Volume{Height: 2, Width: 2, Channels: 1, Values: []float32{0, 0.2, 0.1, 1}} // as from Grad-CAM
	over, err := viz.Overlay(photo, heat, 0.7)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(over.Bounds().Size())
	// Output: (640,480)
}
