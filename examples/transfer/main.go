// SPDX-License-Identifier: Apache-2.0

// Command transfer learns to classify images, a folder for each class, with a new head on
// the frozen layers of SqueezeNet, and classifies one more image. Run it in its folder:
//
//	go run . [folder image.jpg]
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	apps "github.com/reef-dl/reef/keraslike/applications"
)

func main() {
	ctx, folder, image := context.Background(), "testdata/photos", "testdata/photo.jpg"
	if len(os.Args) == 3 {
		folder, image = os.Args[1], os.Args[2]
	}
	options := datasets.ImageOptions{Height: 227, Width: 227, Filter: datasets.Bilinear, Pixels: datasets.SqueezeNet}
	images, err := datasets.NewImageFolder(os.DirFS(folder), "", options)
	check(err)
	train, test, err := datasets.TrainTestSplit(images, 0.25, 1)
	check(err)

	base, err := apps.SqueezeNet(apps.WithoutTop, apps.AveragePooling)
	check(err)
	model := k.Sequential("transfer", k.Input(227, 227, 3), base, k.Dense(len(images.Names()), k.Softmax))
	check(model.SetTrainable(false, base.Name()))
	check(model.Compile(k.Adam(0.001), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	_, err = model.Fit(ctx, train, k.Epochs(3), k.BatchSize(8))
	check(err)
	scores, err := model.Evaluate(ctx, test)
	check(err)
	fmt.Printf("accuracy: %.2f\n", scores.Get("accuracy"))

	x, err := datasets.LoadImageFile(image, options)
	check(err)
	out, err := model.PredictSource(ctx, x)
	check(err)
	class := out[0].ArgMax()[0]
	fmt.Printf("%s: %s (%.2f)\n", image, images.Names()[class], out[0].Row(0)[class])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
