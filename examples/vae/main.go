// SPDX-License-Identifier: Apache-2.0

// Command vae trains a variational autoencoder (Kingma, Welling 2013, "Auto-Encoding Variational Bayes") on
// handwritten digits: an encoder that makes two numbers of a digit, and a decoder that makes a digit of any
// two numbers. It writes a picture of the digits between -2 and 2. Run it by
//
//	go run . [digits.png]
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

const pixels, latent = 28 * 28, 2

// Sampling draws z = μ + σ·ε with normal noise ε; without training, z = μ. It adds the divergence of that
// distribution from the normal one to the loss, KL = ½ Σ (μ² + σ² - 1 - log σ²), for each pixel, because the
// cross-entropy is a mean over the pixels.
type Sampling struct{}

// Kind names the layer in summaries, errors and files.
func (*Sampling) Kind() string { return "Sampling" }

// Build checks the inputs: μ and log σ², both of shape (batch, n).
func (*Sampling) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) {
	if len(in) != 2 || len(in[0]) != 1 || !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("got inputs %v, want two of the same shape (batch, n)", in)
	}
	return in[0], nil
}

// Forward returns z.
func (*Sampling) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	mean, logVariance := in[0], in[1]
	sum := s.Do(graph.Add(s.Do(graph.Square(mean)), s.Do(graph.Exp(logVariance))))
	sum = s.Do(graph.Sum(s.Do(graph.Sub(s.Do(graph.Affine(sum, 1, -1)), logVariance)), graph.Axes(1)))
	s.AddLoss("kl", s.Do(graph.Scale(s.Do(graph.Mean(sum)), 0.5/pixels)))
	if !s.Training() {
		return mean
	}
	rng, stream := s.Random(0)
	noise := s.Do(graph.RandomNormal(mean.Graph(), mean.Dtype(), rng, stream, mean.Shape()...))
	deviation := s.Do(graph.Exp(s.Do(graph.Scale(logVariance, 0.5))))
	return s.Do(graph.Add(mean, s.Do(graph.Mul(deviation, noise))))
}

func main() {
	ctx, out := context.Background(), "digits.png"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	train, test, err := datasets.MNIST(ctx, datasets.From{Source: datasets.Sample})
	check(err)

	in := k.Input(pixels)
	hidden := k.Dense(256, k.ReLU).Apply(in)
	mean, logVariance := k.Dense(latent, k.Name("mean")).Apply(hidden), k.Dense(latent, k.Name("log_variance")).Apply(hidden)
	z := k.Custom(&Sampling{}).Apply(mean, logVariance)
	decoder := k.Sequential("decoder", k.Input(latent), k.Dense(256, k.ReLU), k.Dense(pixels, k.Sigmoid))
	vae := k.NewModel("vae", []*k.Tensor{in}, []*k.Tensor{decoder.Apply(z)})
	check(vae.Compile(k.Adam(0.002), k.BinaryCrossentropy, k.BinaryCrossentropy, k.Seed(1)))
	_, err = vae.Fit(ctx, k.InputsAsTargets(train.Flat()), k.Epochs(40), k.BatchSize(64))
	check(err)
	scores, err := vae.Evaluate(ctx, k.InputsAsTargets(test.Flat()))
	check(err)
	reconstruction := scores.Get("binary_crossentropy")
	fmt.Printf("reconstruction loss: %.1f, KL divergence: %.2f\n", pixels*reconstruction, pixels*scores.Get("kl"))

	const n = 15
	var points [][]float64
	for y := range n {
		for x := range n {
			points = append(points, []float64{4*float64(x)/(n-1) - 2, 2 - 4*float64(y)/(n-1)})
		}
	}
	rows, err := k.Rows(points)
	check(err)
	digits, err := decoder.Predict(rows)
	check(err)
	pictures := datasets.Array{Shape: []int{28, 28, 1}, Data: digits.Values()}
	check(datasets.SaveImageFile(out, pictures, datasets.SaveOptions{PerRow: n}))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
