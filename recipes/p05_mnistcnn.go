// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// MNISTCNN is project 5: three convolutions classify the digits of project 1 with
// a quarter of its parameters. A convolution looks for the same small pattern
// everywhere; pooling keeps roughly where it was found, so that the next one can look
// for patterns of patterns.
//
// The article trains for 5 epochs in batches of 64 and reaches a test accuracy
// of 0.9928. Difference: the learning rate of the last epoch, as in project 1.
func MNISTCNN(ctx context.Context, o Options) (*Report, error) {
	o, err := o.check("mnistcnn", nil)
	if err != nil {
		return nil, err
	}
	digits, unseen, err := datasets.MNIST(ctx, o.Data)
	if err != nil {
		return nil, fmt.Errorf("mnistcnn: %w", err)
	}
	train, test := digits.OneHot(), unseen.OneHot()

	model := k.Sequential("mnistcnn",
		k.Input(28, 28, 1),
		k.Conv2D(32, 3, k.ReLU), // 26 × 26: a window of 3 loses a pixel on each side
		k.MaxPooling2D(2),       // 13 × 13
		k.Conv2D(64, 3, k.ReLU), // 11 × 11
		k.MaxPooling2D(2),       // 5 × 5
		k.Conv2D(64, 3, k.ReLU), // 3 × 3
		k.Flatten(),
		k.Dense(64, k.ReLU),
		k.Dense(10, k.Softmax),
	)
	if err := model.Compile(k.RMSprop(0.001), k.CategoricalCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
		return nil, err
	}
	r := &Report{
		Recipe: "mnistcnn", Model: model, TrainSamples: train.Len(), TestSamples: test.Len(),
		Epochs: o.epochs(5), Batch: o.batch(64, train.Len(), 60_000),
		Article: Figures{"accuracy": 0.9939, "loss": 0.0194, "test_accuracy": 0.9928},
	}
	if err := r.begin(o, digits.Origin()); err != nil {
		return r.stopped(err)
	}
	history, err := model.Fit(ctx, train, k.Epochs(r.Epochs), k.BatchSize(r.Batch),
		k.Callbacks(lastEpochAt(0.0001), o.Progress))
	if r.trained(history); err != nil {
		return r.stopped(err)
	}
	r.Notes = lastEpochNote(r.Epochs)
	scores, err := model.Evaluate(ctx, test, k.BatchSize(r.Batch))
	if r.scored("test_", scores); err != nil {
		return r.stopped(err)
	}

	predicted, err := classify(ctx, model, test)
	if err != nil {
		return r.stopped(err)
	}
	labels := make([]int, unseen.Len())
	for i := range labels {
		labels[i] = unseen.Label(i)
	}
	if err := r.confusion(unseen.Names(), labels, predicted, len(unseen.Names())); err != nil {
		return r.stopped(err)
	}
	if err := drawDigits(r, unseen, predicted); err != nil {
		return r.stopped(err)
	}
	return r, nil
}

// drawDigits draws the first test pictures with their predictions, and the mistakes
// with the highest confidence.
func drawDigits(r *Report, test *datasets.Images, predicted []prediction) error {
	name := func(class int) string { return "digit " + test.Names()[class] }
	sample := func(i int) viz.Sample {
		return viz.Sample{Image: ink(test.Image(i)), Predicted: name(predicted[i].class), Confidence: predicted[i].probability, Truth: name(test.Label(i))}
	}
	var first, wrong []viz.Sample
	var mistakes []int
	for i := range predicted {
		if i < 16 {
			first = append(first, sample(i))
		}
		if predicted[i].class != test.Label(i) {
			mistakes = append(mistakes, i)
		}
	}
	f, err := viz.Samples("First test samples", first, 8)
	if err := r.picture("samples", "What the model predicts for the first test pictures, and with what confidence.", f, err); err != nil {
		return err
	}
	slices.SortStableFunc(mistakes, func(a, b int) int { return cmp.Compare(predicted[b].probability, predicted[a].probability) })
	for _, i := range mistakes[:min(16, len(mistakes))] {
		wrong = append(wrong, sample(i))
	}
	if len(wrong) == 0 {
		return nil
	}
	f, err = viz.Samples("Mistakes", wrong, 8)
	return r.picture("mistakes", fmt.Sprintf("Of %s, the ones with the highest confidence.", text.Count(len(mistakes), "mistake")), f, err)
}

// ink draws a digit of 28 × 28 bytes in black on white.
func ink(pixels []uint8) image.Image {
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	for i, v := range pixels {
		img.Pix[i] = 255 - v
	}
	return img
}
