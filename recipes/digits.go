// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"fmt"
	"image"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
)

// digitPicture is what the models of digits take.
const digitPicture = "a picture of a digit, white on black, in the middle of 28 × 28 pixels"

// drawDigits draws the confusion matrix, the first test pictures with their predictions, and
// the mistakes with the highest confidence.
func drawDigits(r *Report, test *datasets.Images, predicted []prediction) error {
	labels := make([]int, test.Len())
	for i := range labels {
		labels[i] = test.Label(i)
	}
	if err := r.confusion(test.Names(), labels, predicted, len(test.Names())); err != nil {
		return err
	}
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
