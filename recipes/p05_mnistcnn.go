// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

// MNISTCNN is project 5: three convolutions learn the digits of project 1 with
// a quarter of its parameters. A convolution looks for the same small pattern
// everywhere; pooling keeps where it was found roughly, so that patterns of
// patterns can be looked for.
//
// The article trains for 5 epochs in batches of 64 and reaches a test accuracy
// of 0.9928. The last epoch differs as in project 1.
func MNISTCNN(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(nil); err != nil {
		return nil, fmt.Errorf("mnistcnn: %w", err)
	}
	train, test, err := datasets.MNIST(ctx, o.Data)
	if err != nil {
		return nil, fmt.Errorf("mnistcnn: %w", err)
	}
	r, err := o.train(ctx, training{
		recipe: "mnistcnn",
		model: keraslike.Sequential("mnistcnn",
			keraslike.Input(28, 28, 1),
			keraslike.Conv2D(32, 3, keraslike.ReLU), // 26 x 26: a window of 3 loses a pixel on each side
			keraslike.MaxPooling2D(2),               // 13 x 13
			keraslike.Conv2D(64, 3, keraslike.ReLU), // 11 x 11
			keraslike.MaxPooling2D(2),               // 5 x 5
			keraslike.Conv2D(64, 3, keraslike.ReLU), // 3 x 3
			keraslike.Flatten(),
			keraslike.Dense(64, keraslike.ReLU),
			keraslike.Dense(10, keraslike.Softmax),
		),
		optimizer: keraslike.RMSprop(0.001),
		lastRate:  0.0001,
		loss:      keraslike.CategoricalCrossentropy,
		metrics:   []keraslike.Metric{keraslike.Accuracy},
		origin:    train.Origin(),
		train:     train.OneHot(),
		test:      test.OneHot(),
		epochs:    5, batch: 64, samples: 60_000,
		show: func(r *Report) error {
			said, err := guesses(ctx, r.Model, test)
			if err != nil {
				return err
			}
			truth := make([]int, test.Len())
			for i := range truth {
				truth[i] = test.Label(i)
			}
			if err := r.confuse(test.Names(), truth, said, len(test.Names())); err != nil {
				return err
			}
			return r.showDigits(test, said)
		},
		article: Figures{"accuracy": 0.9939, "loss": 0.0194, "test_accuracy": 0.9928},
	})
	if err != nil {
		return r, fmt.Errorf("mnistcnn: %w", err)
	}
	return r, nil
}
