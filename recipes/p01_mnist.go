// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// MNIST is project 1: a dense network with one hidden layer classifies handwritten
// digits. Each picture is a vector of 784 gray values from 0 to 1, each label a
// one-hot vector.
//
// The article trains for 5 epochs in batches of 128 and reaches a test accuracy
// of 0.9805. Difference: the last epoch is trained at a tenth of the learning rate.
// At a constant rate the result is the noise of the last batches: eight seeds gave
// 0.9782 to 0.9819.
func MNIST(ctx context.Context, o Options) (*Report, error) {
	o, err := o.check("mnist", nil)
	if err != nil {
		return nil, err
	}
	digits, unseen, err := datasets.MNIST(ctx, o.Data)
	if err != nil {
		return nil, err // which names the data set
	}
	train, test := digits.Flat().OneHot(), unseen.Flat().OneHot()

	model := mnistModel()
	if err := model.Compile(k.RMSprop(0.001), k.CategoricalCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
		return nil, err
	}
	r := &Report{
		Recipe: "mnist", Model: model, TrainSamples: train.Len(), TestSamples: test.Len(),
		Epochs: o.epochs(5), Batch: o.batch(128, train.Len(), 60_000),
		Article: Figures{"accuracy": 0.9888, "loss": 0.0372, "test_accuracy": 0.9805, "test_loss": 0.07106},
		Input:   datasets.ImageOptions{Height: 28, Width: 28, Filter: datasets.Bilinear, Gray: true, Flat: true},
		Takes:   digitPicture, Classes: digits.Names(),
	}
	if err := r.begin(o, digits.Origin()); err != nil {
		return r.stopped(err)
	}
	history, err := o.fit(ctx, model, train, k.Epochs(r.Epochs), k.BatchSize(r.Batch),
		k.Callbacks(lastEpochAt(0.0001), o.Progress))
	if r.trained(history); err != nil {
		return r.stopped(err)
	}
	r.Notes = lastEpochNote(r.Epochs)

	// The training accuracy is ahead of the test accuracy: the network has begun to
	// memorize its training samples.
	scores, err := model.Evaluate(ctx, test, k.BatchSize(r.Batch))
	if r.scored("test_", scores); err != nil {
		return r.stopped(err)
	}

	predicted, err := classify(ctx, model, test)
	if err != nil {
		return r.stopped(err)
	}
	if err := drawDigits(r, unseen, predicted); err != nil {
		return r.stopped(err)
	}
	return r, nil
}

// mnistModel has 512 rectified units that see all pixels at once; softmax makes ten
// probabilities.
func mnistModel() *k.Model {
	return k.Sequential("mnist",
		k.Input(28*28),
		k.Dense(512, k.ReLU),
		k.Dense(10, k.Softmax),
	)
}

// mnistLesson explains the project.
func mnistLesson() Lesson {
	return Lesson{
		Teaches: "what a network is: weights, an activation, a loss",
		Data:    "70,000 gray pictures of handwritten digits, 28 × 28 pixels each: 60,000 to learn from, 10,000 to test. The sample has 2,000 and 500 of them.",
		Models: []ModelLesson{{
			Build: built(mnistModel),
			Layers: []LayerLesson{
				{"input", "A picture as one vector of 28 · 28 = 784 gray values from 0 to 1. What was above or beside what is lost: to this network a picture is a list."},
				{"dense", "512 units, each with a weight for every pixel and a bias: 784 · 512 + 512 numbers to learn. ReLU sets negative sums to 0; without it, two layers could compute no more than one."},
				{"dense_1", "Ten units, one for each digit, that weigh the 512 before. Softmax turns their sums into ten probabilities that add up to 1; the largest is the answer."},
			},
			Training: "Categorical cross-entropy is −log of the probability that the true digit got: 0 for certainty, large for a confident mistake. RMSprop at 0.001 divides each gradient by its recent size, so that pixels that are seldom inked learn as fast as others.",
		}},
		Expect: "On the full data a test accuracy of about 0.982, the article has 0.9805; on the sample about 0.93. The training accuracy ends higher than that of the test: the network has begun to memorize.",
		Next: []string{
			"-epochs 20: the training accuracy goes to 1, the test accuracy hardly moves",
			"-seed 2: how much of a figure is chance",
			"-batch 16, which makes eight times as many updates of an epoch",
			"mnistcnn, which sees pictures as pictures",
		},
		Took: [2]Measurement{seconds(0.4), seconds(2.9)},
	}
}
