// SPDX-License-Identifier: Apache-2.0

// Command dcgan trains a generator of handwritten digits and a discriminator that tells them from real ones
// (Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional Generative
// Adversarial Networks") and writes a picture of generated digits. Run it by
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

const latent, columns, rows = 32, 12, 8

func main() {
	ctx, out := context.Background(), "digits.png"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	train, test, err := datasets.MNIST(ctx, datasets.From{Source: datasets.Sample})
	check(err)

	discriminator := k.Sequential("discriminator", k.Input(28, 28, 1),
		k.Conv2D(16, 3, k.Strides(2), k.SamePadding), k.LeakyReLU(k.NegativeSlope(0.2)),
		k.Conv2D(32, 3, k.Strides(2), k.SamePadding), k.LeakyReLU(k.NegativeSlope(0.2)),
		k.Flatten(), k.Dropout(0.3), k.Dense(1, k.Sigmoid))
	generator := k.Sequential("generator", k.Input(latent),
		k.Dense(7*7*32), k.BatchNormalization(), k.LeakyReLU(k.NegativeSlope(0.2)), k.Reshape([]int{7, 7, 32}),
		k.Conv2DTranspose(32, 4, k.Strides(2), k.SamePadding), k.BatchNormalization(), k.LeakyReLU(k.NegativeSlope(0.2)),
		k.Conv2DTranspose(1, 4, k.Strides(2), k.SamePadding, k.Sigmoid))

	generated := func(s *k.Step) *graph.Node { return s.Call(generator, s.RandomNormal(s.Batch(), latent)) }
	gan := k.Models("gan", generator, discriminator)
	check(gan.Compile(k.Adam(1e-3, k.Beta1(0.5)), k.Phases(
		k.Phase("d", func(s *k.Step) *graph.Node {
			n := s.Batch()
			pictures := s.Do(graph.Concat(0, generated(s), s.Input(0, 28, 28, 1)))
			labels := s.Do(graph.Concat(0, s.Constant(0, n, 1), s.Constant(0.9, n, 1)))
			return s.Loss(k.BinaryCrossentropy, s.Call(discriminator, pictures), labels)
		}, k.Trains(discriminator)),
		k.Phase("g", func(s *k.Step) *graph.Node {
			return s.Loss(k.BinaryCrossentropy, s.Call(discriminator, generated(s)), s.Constant(1, s.Batch(), 1))
		}, k.Trains(generator)),
	), k.Seed(1)))
	_, err = gan.Fit(ctx, train, k.Epochs(10), k.BatchSize(32))
	check(err)

	random, noise := rand.New(rand.NewPCG(1, 2)), make([]float32, columns*rows*latent)
	for i := range noise {
		noise[i] = float32(random.NormFloat64())
	}
	z, err := k.NewArray(noise, columns*rows, latent)
	check(err)
	digits, err := generator.Predict(z)
	check(err)

	// A classifier of real digits judges them by the inception score (Salimans et al. 2016): 1 if it can't tell
	// what they are, or they are all the same, 10 if it is sure about each and they are of all classes.
	judge := k.Sequential("judge", k.Input(28, 28, 1), k.Flatten(), k.Dense(64, k.ReLU), k.Dense(10, k.Softmax))
	check(judge.Compile(k.Adam(2e-3), k.SparseCategoricalCrossentropy, k.Seed(1)))
	_, err = judge.Fit(ctx, train, k.Epochs(8))
	check(err)
	reals, _, err := k.ReadAll(ctx, test)
	check(err)
	fmt.Printf("inception score: %.1f of generated digits, %.1f of real ones\n", score(judge, digits), score(judge, reals[0]))

	pictures := datasets.Array{Shape: []int{28, 28, 1}, Data: digits.Values()}
	check(datasets.SaveImageFile(out, pictures, datasets.SaveOptions{PerRow: columns}))
}

// score returns exp(mean over pictures of Σ p·log(p/q)), p the probabilities of a picture's classes, q their mean.
func score(judge *k.Model, pictures *k.Array) float64 {
	p, err := judge.Predict(pictures)
	check(err)
	var mean [10]float64
	for i := range p.Len() {
		for class, v := range p.Row(i) {
			mean[class] += float64(v) / float64(p.Len())
		}
	}
	divergence := 0.0
	for i := range p.Len() {
		for class, v := range p.Row(i) {
			divergence += float64(v) * math.Log(max(1e-12, float64(v))/mean[class]) / float64(p.Len())
		}
	}
	return math.Exp(divergence)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
