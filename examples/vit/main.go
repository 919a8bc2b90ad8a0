// SPDX-License-Identifier: Apache-2.0

// Command vit classifies handwritten digits by a vision transformer (Dosovitskiy et al. 2020): each digit is a
// sequence of 16 patches. It follows Keras's example image_classification_with_vision_transformer; a
// convolution whose stride is its size cuts the patches and projects them. Run it by
//
//	go run . [-data full] [-units 64] [-layers 4] [-epochs 4]
//
// After 8 epochs on 2,000 digits, in 1.3 s on two cores, 93 % of 500 others are right.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

const patch, patches, heads, classes = 7, 28 / 7 * 28 / 7, 4, 10

func main() {
	ctx := context.Background()
	data := flag.String("data", datasets.Sample, "the digits: sample or full")
	units := flag.Int("units", 32, "the size of a patch's vector")
	layers := flag.Int("layers", 2, "the number of transformer blocks")
	epochs := flag.Int("epochs", 8, "how often to see all digits")
	flag.Parse()
	train, test, err := datasets.MNIST(ctx, datasets.From{Source: *data})
	check(err)

	in := k.Input(28, 28, 1)
	augmented := k.RandomZoom(0.1).Apply(k.RandomRotation(0.02).Apply(in))
	x := k.Conv2D(*units, patch, k.Strides(patch)).Apply(augmented) // projects each patch
	x = k.Reshape([]int{patches, *units}).Apply(x)
	x = k.Add().Apply(x, k.PositionEmbedding(patches).Apply(x))
	for range *layers {
		normal := k.LayerNormalization(k.Epsilon(1e-6)).Apply(x)
		attended := k.MultiHeadAttention(heads, *units, k.AttentionDropout(0.1)).Apply(normal)
		x = k.Add().Apply(attended, x)
		x = k.Add().Apply(mlp(k.LayerNormalization(k.Epsilon(1e-6)).Apply(x), 0.1, 2**units, *units), x)
	}
	x = k.Flatten().Apply(k.LayerNormalization(k.Epsilon(1e-6)).Apply(x))
	x = mlp(k.Dropout(0.3).Apply(x), 0.3, 128)
	vit := k.NewModel("vit", []*k.Tensor{in}, []*k.Tensor{k.Dense(classes, k.Softmax).Apply(x)})
	check(vit.Compile(k.AdamW(0.002, k.WeightDecay(0.0001)), k.SparseCategoricalCrossentropy,
		k.Accuracy, k.NamedMetric("top_3", k.SparseTopKCategoricalAccuracy(3)), k.Seed(1)))
	history, err := vit.Fit(ctx, train, k.Epochs(*epochs), k.BatchSize(32))
	check(err)
	fmt.Println(history)
	scores, err := vit.Evaluate(ctx, test)
	check(err)
	fmt.Printf("accuracy: %.3f, among the best three: %.3f\n", scores.Get("accuracy"), scores.Get("top_3"))
}

// mlp is a multilayer perceptron.
func mlp(x *k.Tensor, dropout float64, units ...int) *k.Tensor {
	for _, n := range units {
		x = k.Dropout(dropout).Apply(k.Dense(n, k.GELU).Apply(x))
	}
	return x
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
