// SPDX-License-Identifier: Apache-2.0

// Command train trains the model of the folder above on pictures that it draws, and writes its file. Run it there:
//
//	go run ./train [file.safetensors]
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"

	k "github.com/reef-dl/reef/keraslike"
)

// answers are the classes: shapes, then colors.
var answers = []string{"disk", "square", "triangle", "red", "green", "blue", "yellow"}

var shades = [][3]float64{{200, 40, 30}, {40, 150, 60}, {40, 80, 200}, {210, 190, 30}}

func main() {
	path := "vqa.safetensors"
	if len(os.Args) == 2 {
		path = os.Args[1]
	}
	ctx, random := context.Background(), rand.New(rand.NewPCG(1, 2))
	data, test := questions(1500, random), questions(200, random)

	vectorize := k.TextVectorization(k.MultiHotOutput)
	check(k.Adapt(ctx, vectorize, data, k.AdaptInput(1)))
	picture, question := k.NamedInput("picture", k.Any, k.Any, 3), k.NamedStringInput("question", 1)
	x := k.Rescaling(1.0/255, 0).Apply(k.RandomFlip(k.FlipHorizontally).Apply(k.Resizing(24, 24).Apply(picture)))
	for _, filters := range []int{8, 16, 32} {
		x = k.MaxPooling2D(2).Apply(k.Conv2D(filters, 3, k.ReLU, k.SamePadding).Apply(x))
	}
	x = k.Dense(32, k.ReLU).Apply(k.GlobalMaxPooling2D().Apply(x))
	words := k.Dense(32, k.ReLU).Apply(vectorize.Apply(question))
	x = k.Dense(32, k.ReLU).Apply(k.Concatenate().Apply(x, words))
	model := k.NewModel("vqa", []*k.Tensor{picture, question}, []*k.Tensor{k.Dense(len(answers), k.Softmax).Apply(x)})
	check(model.Compile(k.Adam(0.005), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	history, err := model.Fit(ctx, data, k.Epochs(16))
	check(err)
	fmt.Println(history)
	scores, err := model.Evaluate(ctx, test)
	check(err)
	fmt.Printf("accuracy: %.2f\n", scores.Get("accuracy"))
	check(model.SetClasses(0, answers...))
	check(model.Save(path))
}

// questions draws pictures of any sizes, and asks for the shape or the color of what is on each.
func questions(n int, random *rand.Rand) k.Source {
	var pictures []*k.Array
	var asked []string
	var answer []int
	for range n {
		shape, shade := random.IntN(3), random.IntN(len(shades))
		pictures = append(pictures, draw(answers[shape], shades[shade], random))
		form := []string{"What %s is it?", "Which %s do you see?", "Tell me the %s!"}[random.IntN(3)]
		if random.IntN(2) == 0 {
			asked, answer = append(asked, fmt.Sprintf(form, "shape")), append(answer, shape)
		} else {
			asked, answer = append(asked, fmt.Sprintf(form, "color")), append(answer, 3+shade)
		}
	}
	x, err := k.Ragged(pictures)
	check(err)
	words, err := k.Strings(asked)
	check(err)
	y, err := k.Column(answer)
	check(err)
	source, err := k.MultiData([]*k.Array{x, words}, []*k.Array{y})
	check(err)
	return source
}

// draw draws a shape on noise, of values from 0 to 255, in a picture of any size.
func draw(shape string, shade [3]float64, random *rand.Rand) *k.Array {
	height, width := 24+random.IntN(24), 24+random.IntN(24)
	r := (0.25 + 0.2*random.Float64()) * float64(min(height, width))
	cx, cy := r+random.Float64()*(float64(width)-2*r), r+random.Float64()*(float64(height)-2*r)
	ground, pixels := 200*random.Float64(), make([]float64, 0, height*width*3)
	for y := range height {
		for x := range width {
			dx, dy := float64(x)-cx, float64(y)-cy
			inside := map[string]bool{
				"disk":     math.Hypot(dx, dy) < r,
				"square":   math.Max(math.Abs(dx), math.Abs(dy)) < 0.9*r,
				"triangle": dy < r && math.Abs(dx) < (dy+r)/2,
			}[shape]
			for c := range 3 {
				v := ground
				if inside {
					v = shade[c]
				}
				pixels = append(pixels, math.Floor(v+40*random.Float64()))
			}
		}
	}
	a, err := k.NewArray(pixels, height, width, 3)
	check(err)
	return a
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
