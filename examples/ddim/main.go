// SPDX-License-Identifier: Apache-2.0

// Command ddim trains a network that finds the noise in noisy handwritten digits, makes new digits from noise
// alone by removing it step by step (Song, Meng, Ermon 2020, "Denoising Diffusion Implicit Models"), and writes a
// picture of them. Run it by
//
//	go run . [digits.png]
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

const (
	size, columns, rows, steps = 14, 12, 8, 20
	mean, deviation            = 0.13, 0.27 // of the pixels
)

// The cosine schedule: at time t from 0 to 1 a picture is cos(a)·picture + sin(a)·noise, a = first + t·range.
var first, last = math.Acos(0.95), math.Acos(0.02)

// frequencies makes 16 sines and cosines of a number.
func frequencies(in ...*graph.Node) (*graph.Node, error) {
	var try graph.Try
	var waves []*graph.Node
	for i := range 8 {
		angle := try.Do(graph.Scale(in[0], 2*math.Pi*math.Pow(2, float64(i)/2)))
		waves = append(waves, try.Do(graph.Sin(angle)), try.Do(graph.Cos(angle)))
	}
	return try.Do(graph.Concat(-1, waves...)), try.Err()
}

// block adds to x what two convolutions make of it.
func block(x *k.Tensor, width int) *k.Tensor {
	y := k.Conv2D(width, 3, k.SamePadding, k.SiLU).Apply(k.BatchNormalization(k.NoCenter, k.NoScale).Apply(x))
	y = k.Conv2D(width, 3, k.SamePadding).Apply(y)
	if shape := x.Shape(); shape[2] != width {
		x = k.Conv2D(width, 1).Apply(x)
	}
	return k.Add().Apply(x, y)
}

func newUNet() *k.Model {
	noisy, variance := k.Input(size, size, 1), k.Input(1, 1, 1)
	embedded := k.UpSampling2D(size, size).Apply(k.Lambda(frequencies).Apply(variance))
	fine := block(k.Concatenate().Apply(k.Conv2D(24, 1).Apply(noisy), embedded), 24)
	coarse := block(block(k.AveragePooling2D(2).Apply(fine), 48), 48)
	x := block(k.Concatenate().Apply(k.UpSampling2D(2, 2).Apply(coarse), fine), 24)
	return k.NewModel("unet", []*k.Tensor{noisy, variance}, []*k.Tensor{k.Conv2D(1, 1, k.KernelInitializer(k.Zeros())).Apply(x)})
}

func main() {
	ctx, out := context.Background(), "digits.png"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	train, test, err := datasets.MNIST(ctx, datasets.From{Source: datasets.Sample})
	check(err)
	small := k.Sequential("small", k.Input(28, 28, 1), k.AveragePooling2D(2), k.Rescaling(1/deviation, -mean/deviation))
	check(small.Build(0))

	unet := newUNet()
	check(unet.Compile(k.AdamW(3e-3, k.WeightDecay(1e-4), k.AverageWeights(0.99)), k.Objective(func(s *k.Step) *graph.Node {
		do, n := s.Do, s.Batch()
		pictures := s.Predict(small, s.Input(0, 28, 28, 1))
		angle := do(graph.Affine(s.RandomUniform(n, 1, 1, 1), last-first, first))
		signal, share, noise := do(graph.Cos(angle)), do(graph.Sin(angle)), s.RandomNormal(n, size, size, 1)
		noisy := do(graph.Add(do(graph.Mul(signal, pictures)), do(graph.Mul(share, noise))))
		found := s.Call(unet, noisy, do(graph.Square(share)))
		cleaned := do(graph.Div(do(graph.Sub(noisy, do(graph.Mul(share, found)))), signal))
		s.Log("picture_loss", do(graph.Mean(do(graph.Abs(do(graph.Sub(cleaned, pictures)))))))
		return do(graph.Mean(do(graph.Abs(do(graph.Sub(noise, found))))))
	}), k.Seed(1)))
	_, err = unet.Fit(ctx, train, k.Epochs(12), k.BatchSize(32))
	check(err)
	scores, err := unet.Evaluate(ctx, test)
	check(err)
	fmt.Printf("error of the noise: %.3f, of the pictures: %.3f\n", scores.Get("loss"), scores.Get("picture_loss"))

	// Begin with noise; at each time split the pictures into signal and noise, and mix them again with less noise.
	random, values, times := rand.New(rand.NewPCG(1, 2)), make([]float32, columns*rows*size*size), make([]float32, columns*rows)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	digits, err := k.NewArray(values, columns*rows, size, size, 1)
	check(err)
	variance, err := k.NewArray(times, columns*rows, 1, 1, 1)
	check(err)
	for step := range steps {
		share, signal := math.Sincos(last - (last-first)*float64(step)/steps)
		next, nextSignal := math.Sincos(last - (last-first)*float64(step+1)/steps)
		for i := range variance.Values() {
			variance.Values()[i] = float32(share * share)
		}
		noise, err := unet.Predict(digits, variance)
		check(err)
		for i, v := range digits.Values() {
			picture := (float64(v) - share*float64(noise.Values()[i])) / signal
			if step == steps-1 {
				next, nextSignal = 0, 1
			}
			digits.Values()[i] = float32(nextSignal*picture + next*float64(noise.Values()[i]))
		}
	}

	large := k.Sequential("large", k.Input(size, size, 1), k.Rescaling(deviation, mean), k.UpSampling2D(2, 2))
	check(large.Build(0))
	pixels, err := large.Predict(digits)
	check(err)
	pictures := datasets.Array{Shape: []int{2 * size, 2 * size, 1}, Data: pixels.Values()}
	check(datasets.SaveImageFile(out, pictures, datasets.SaveOptions{PerRow: columns}))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
