// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// What does a photograph show?
func ExampleSqueezeNet() {
	photo, err := datasets.LoadImage(os.DirFS("testdata"), "chelsea227.png", datasets.ImageOptions{
		Height: 227, Width: 227, Filter: datasets.Bilinear, Pixels: datasets.SqueezeNet,
	})
	if err != nil {
		log.Fatal(err)
	}
	m, err := applications.SqueezeNet()
	if err != nil {
		log.Fatal(err)
	}
	p, err := m.PredictSource(context.Background(), photo)
	if err != nil {
		log.Fatal(err)
	}
	best, err := applications.DecodePredictions(p[0], 3)
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range best[0] {
		fmt.Printf("%s %.2f\n", b.Name, b.Score)
	}
	// Output:
	// Egyptian_cat 0.52
	// tiger_cat 0.31
	// tabby 0.16
}

// A classifier of one's own on top of the frozen network, whose last fire is trained.
func ExampleSqueezeNet_features() {
	base, err := applications.SqueezeNet(applications.WithoutTop, applications.InputShape(150, 150), applications.AveragePooling)
	if err != nil {
		log.Fatal(err)
	}
	m := keraslike.Sequential("cats_and_dogs",
		keraslike.Input(150, 150, 3),
		base,
		keraslike.Dropout(0.5),
		keraslike.Dense(1, keraslike.Sigmoid),
	)
	if err := m.SetTrainable(false, "squeezenet"); err != nil {
		log.Fatal(err)
	}
	if err := m.SetTrainable(true, "squeezenet/fire9"); err != nil {
		log.Fatal(err)
	}
	all, free := m.Parameters()
	fmt.Println(all, free)
	// Output: 723009 197697
}
