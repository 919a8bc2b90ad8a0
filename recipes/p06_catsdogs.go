// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

// The models of CatsDogs, in the order of the article's story.
var catsDogsVariants = []string{"scratch", "features", "frozen", "finetune"}

// CatsDogs is project 6: is it a cat or a dog? There are 2,000 photographs to learn
// from, few for a network that begins with nothing.
//
//   - scratch: a small convnet; random turns, shifts and zooms make each photograph
//     a new one in every epoch. The article reaches a test accuracy of 0.694.
//   - features: a network trained on ImageNet looks at every photograph once, and one
//     dense layer learns from what it saw. What it saw is kept on disk.
//   - frozen: the network stands inside the model, unchanged, so that it can look at
//     turned and shifted photographs too, from which the dense layer of features goes on
//     to learn.
//   - finetune: from the dense layer of features on, the network's last blocks are
//     trained with it, at a low rate. The article reaches 0.934.
//
// What is chosen here is chosen on the validation photographs.
//
// Where it differs: the article's network is VGG16, with 20 times the weights of SqueezeNet
// 1.1, which is part of this program and the default. Where the article flattens the
// last map, here the mean and the maximum of each of its channels go into the dense
// layer. Colours are prepared inside the model, as its network was trained with them.
// SqueezeNet knows turned photographs less well than VGG16 does, so they are turned and
// shifted by less, and its last four blocks are set free where it is the last one of
// VGG16. Fine-tuning begins with a dense layer that has learned, not with a random one,
// whose first gradients would spoil what the network knows (Chollet, Deep Learning with
// Python, 5.3.2); frozen does too, which spares it 20 of the article's 30 epochs of looking at
// every photograph. Learning rates fall to zero with the training, along half a cosine.
func CatsDogs(ctx context.Context, o Options) (*Report, error) {
	r, err := catsAndDogs(ctx, o)
	if err != nil {
		return r, fmt.Errorf("catsdogs: %w", err)
	}
	return r, nil
}

func catsAndDogs(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(catsDogsVariants, "base", "explain"); err != nil {
		return nil, err
	}
	c := &catsDogs{o: o}
	var err error
	if c.base, err = o.pretrained(ctx, false); err != nil {
		return nil, err
	}
	if o.Explain != "" { // a photo that cannot be read is found before the training
		if c.photo, err = openPhoto(o.Explain); err != nil {
			return nil, err
		}
	}
	c.train, c.validation, c.test, err = datasets.CatsDogs(ctx, o.Data, datasets.ImageOptions{Height: 1, Width: 1})
	if err != nil {
		return nil, err
	}
	return o.story(ctx, "catsdogs", catsDogsVariants, func(variant string) (training, error) {
		if variant == "scratch" {
			return c.scratch(ctx)
		}
		return c.pretrained(ctx, variant)
	})
}

type catsDogs struct {
	o                       Options
	base                    pretrained
	photo                   *photo // to explain; nil for none
	train, validation, test *datasets.ImageFolder
	seen                    *features   // what the base saw, once it has been asked
	dense                   [][]float32 // the weights of the head that learned from that
}

// The sides of the pictures. Drawings are simple enough to be told apart when they
// are small, and a sample is there to be run through quickly.
const (
	scratchSide       = 150
	sampleScratchSide = 48
)

func (c *catsDogs) sample() bool { return c.train.Origin().Kind == datasets.Sample }

// side is the size of the pictures for the pretrained network.
func (c *catsDogs) side() int {
	if c.sample() {
		return c.base.small
	}
	return c.base.size
}

// articleAugment are the article's changes: of the angle, place and size of what is to
// be seen, and its mirror image.
var articleAugment = datasets.Augment{
	Rotation: 40, WidthShift: 0.2, HeightShift: 0.2, Shear: 0.2, Zoom: 0.2, HorizontalFlip: true,
}

// pictures reads all photographs at one size, those to train with augmented if so
// wanted. They stay decoded in memory, at 227 × 227 all of them take 620 MB.
func (c *catsDogs) pictures(side int, augment datasets.Augment) (t training, err error) {
	augment.Seed = c.o.Seed
	o := datasets.ImageOptions{Height: side, Width: side, Filter: datasets.Bilinear, Cache: true}
	sources := [3]*datasets.ImageFolder{c.train, c.validation, c.test}
	for i, s := range sources {
		o.Augment = nil
		if i == 0 && augment != (datasets.Augment{Seed: c.o.Seed}) {
			o.Augment = &augment
		}
		if sources[i], err = s.With(o); err != nil {
			return t, err
		}
	}
	return training{
		loss: keraslike.BinaryCrossentropy, metrics: []keraslike.Metric{keraslike.Accuracy},
		origin: c.train.Origin(), train: sources[0], validation: sources[1], test: sources[2],
		epochs: 30, batch: 20, samples: 2_000,
		headlines: []string{"best_val_accuracy", "test_accuracy"},
	}, nil
}

// scratch is the article's first model: of the two numbers of filters that it gives
// for the last convolution the one of its printed summary and its results, 128.
func (c *catsDogs) scratch(ctx context.Context) (training, error) {
	side := scratchSide
	if c.sample() {
		side = sampleScratchSide
	}
	t, err := c.pictures(side, articleAugment)
	if err != nil {
		return t, err
	}
	t.model = keraslike.Sequential("catsdogs_scratch",
		keraslike.Input(side, side, 3),
		keraslike.Conv2D(32, 3, keraslike.ReLU), // 148 × 148: a window of 3 loses a pixel on each side
		keraslike.MaxPooling2D(2),               // 74 × 74
		keraslike.Conv2D(64, 3, keraslike.ReLU),
		keraslike.MaxPooling2D(2),
		keraslike.Conv2D(128, 3, keraslike.ReLU),
		keraslike.MaxPooling2D(2),
		keraslike.Conv2D(128, 3, keraslike.ReLU),
		keraslike.MaxPooling2D(2), // 7 × 7
		keraslike.Flatten(),
		keraslike.Dropout(0.5),
		keraslike.Dense(512, keraslike.ReLU),
		keraslike.Dense(1, keraslike.Sigmoid))
	t.epochs = 20
	t.optimizer = keraslike.RMSprop(5e-4, c.falling(t)) // 20 epochs at the article's 1e-4 end before it has learned what it can
	t.article = Figures{
		"loss": 0.5556, "accuracy": 0.7120, "val_loss": 0.5646, "val_accuracy": 0.6990, "best_val_accuracy": 0.7350,
		"test_loss": 0.6143, "test_accuracy": 0.6940,
	}
	t.show = c.tested(ctx, t)
	return t, nil
}
