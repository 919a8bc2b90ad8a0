// SPDX-License-Identifier: Apache-2.0

// Package reef is the root of Reef, a deep-learning framework in pure Go: layers and training as
// in Keras, on Gorgonia's expression graphs, without C and without Python. It has no code of
// its own, only imports, so that "go get github.com/reef-dl/reef" fetches what all packages need.
// A program imports
//
//	k "github.com/reef-dl/reef/keraslike"   layers, models, training, saving
//	"github.com/reef-dl/reef/datasets"      data sets, CSV files, texts, folders of pictures
//
// Two commands show what it does, in a copy of the repository:
//
//	go run ./cmd/recipe -name mnist   trains a network on handwritten digits, with a report
//	go test ./...                     runs all tests
//
// A first model, which classifies handwritten digits:
//
//	train, test, err := datasets.MNIST(ctx, datasets.From{})
//	model := k.Sequential("digits",
//		k.Input(28, 28, 1),
//		k.Flatten(),
//		k.Dense(512, k.ReLU),
//		k.Dense(10, k.Softmax),
//	)
//	err = model.Compile(k.RMSprop(0.001), k.SparseCategoricalCrossentropy, k.Accuracy)
//	_, err = model.Fit(ctx, train, k.Epochs(5), k.BatchSize(128))
//	scores, err := model.Evaluate(ctx, test)
//
// Further packages:
//
//	keraslike/callbacks      early stopping, checkpoints, learning rates, logs, progress
//	keraslike/kerasfile      models and weights from files of Keras
//	keraslike/applications   pretrained networks
//	keraslike/serve          models behind an http.Handler
//	viz                      pictures of data, training and models, as SVG and PNG
//	graph                    the expressions and gradients below the layers
//	recipes                  ten complete projects
//	examples                 complete programs of some 60 lines
//
// The folder docs has a page for each question, beginning with docs/getting-started.md; docs/README.md
// is the index. "go doc" of a function, such as "go doc ./keraslike Dense", has its formula, shapes, options
// and defaults.
package reef

import (
	_ "github.com/reef-dl/reef/datasets"
	_ "github.com/reef-dl/reef/graph"
	_ "github.com/reef-dl/reef/keraslike"
	_ "github.com/reef-dl/reef/keraslike/applications"
	_ "github.com/reef-dl/reef/keraslike/callbacks"
	_ "github.com/reef-dl/reef/keraslike/kerasfile"
	_ "github.com/reef-dl/reef/keraslike/serve"
	_ "github.com/reef-dl/reef/recipes"
	_ "github.com/reef-dl/reef/viz"
)
