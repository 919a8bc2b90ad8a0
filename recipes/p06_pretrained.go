// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// A classifier is a pretrained network with a head. Its parts are models too, which
// share their weights with it.
type classifier struct {
	whole, extractor, head *keraslike.Model
}

// classifier puts a head on the pretrained network: of each channel of its last map
// the mean and the maximum over all places, half of them dropped while training, and
// one dense layer.
func (c *catsDogs) classifier(variant string) (m classifier, err error) {
	in := keraslike.Input(c.side(), c.side(), 3)
	maps, err := c.base.of(in, applications.WithoutTop)
	if err != nil {
		return m, err
	}
	channels := keraslike.Concatenate(keraslike.Name("mean_and_maximum")).Apply(
		keraslike.GlobalAveragePooling2D().Apply(maps), keraslike.GlobalMaxPooling2D().Apply(maps))
	m.head = keraslike.Sequential("head",
		keraslike.Input(channels.Shape()[0]),
		keraslike.Rescaling(1.0/32, 0), // maxima are of the order of 50, which would make single pictures too loud
		keraslike.Dropout(0.5),
		keraslike.Dense(1, keraslike.Sigmoid))
	m.extractor = keraslike.NewModel("catsdogs_extractor", []*keraslike.Tensor{in}, []*keraslike.Tensor{channels})
	m.whole = keraslike.NewModel("catsdogs_"+variant, []*keraslike.Tensor{in}, []*keraslike.Tensor{m.head.Apply(channels)})
	if err := m.extractor.Build(c.o.Seed); err != nil {
		return m, err
	}
	return m, m.whole.SetTrainable(false, c.base.name)
}

// pretrained prepares one of the three models with the pretrained network.
func (c *catsDogs) pretrained(ctx context.Context, variant string) (t training, err error) {
	m, err := c.classifier(variant)
	if err != nil {
		return t, err
	}
	switch variant {
	case "features":
		t, err = c.features(ctx, m)
	case "frozen":
		t, err = c.frozen(ctx, m)
	case "finetune":
		t, err = c.finetune(ctx, m)
	}
	if err != nil {
		return t, err
	}
	if c.base.name != "vgg16" {
		t.note = fmt.Sprintf("%s: the network below is %s, the article's is VGG16.", variant, c.base.title)
	}
	return t, nil
}

// features trains the head on what the network saw in each photograph. What is
// reported and saved is the whole model.
func (c *catsDogs) features(ctx context.Context, m classifier) (t training, err error) {
	if t, err = c.pictures(c.side(), datasets.Augment{}); err != nil {
		return t, err
	}
	if c.seen == nil {
		if c.seen, err = c.extract(ctx, m.extractor, t); err != nil {
			return t, err
		}
	}
	photographs := t.test.(*datasets.ImageFolder)
	t.model, t.train, t.validation, t.test = m.head, c.seen.train, c.seen.validation, c.seen.test
	t.optimizer = keraslike.Adam(5e-3, c.falling(t))
	t.article = Figures{"loss": 0.0859, "accuracy": 0.9740, "val_loss": 0.2393, "val_accuracy": 0.9040, "best_val_accuracy": 0.9090}
	t.show = func(r *Report) error {
		c.keep(m.head)
		if err := m.whole.Compile(t.optimizer, t.loss, keraslike.Seed(c.o.Seed), keraslike.Accuracy); err != nil {
			return err
		}
		r.Model = m.whole
		r.Parameters, _ = m.whole.Parameters()
		probabilities, err := m.head.PredictSource(ctx, c.seen.test)
		if err != nil {
			return err
		}
		return c.show(ctx, r, photographs, probabilities[0].Values())
	}
	return t, nil
}

// falling is a learning rate that ends at zero with the training: at a constant one the
// weights end where the noise of the last batches has put them.
func (c *catsDogs) falling(t training) keraslike.OptimizerOption {
	batch := t.batchSize(c.o)
	return keraslike.WithSchedule(keraslike.CosineDecay{Steps: or(c.o.Epochs, t.epochs) * ((t.train.Len() + batch - 1) / batch)})
}

// frozen trains on augmented photographs a head that has learned from plain ones.
func (c *catsDogs) frozen(ctx context.Context, m classifier) (t training, err error) {
	if t, err = c.pictures(c.side(), c.base.augment); err != nil {
		return t, err
	}
	if err := c.learnHead(ctx, m); err != nil {
		return t, err
	}
	t.model, t.epochs = m.whole, 10
	t.optimizer = keraslike.Adam(1e-3, c.falling(t))
	t.article = Figures{"loss": 0.2758, "accuracy": 0.8835, "val_loss": 0.2350, "val_accuracy": 0.9030, "best_val_accuracy": 0.9090}
	t.show = c.tested(ctx, t)
	return t, nil
}

// finetune trains the last blocks of the network with a head that has learned already.
func (c *catsDogs) finetune(ctx context.Context, m classifier) (t training, err error) {
	if t, err = c.pictures(c.side(), c.base.augment); err != nil {
		return t, err
	}
	if err := c.learnHead(ctx, m); err != nil {
		return t, err
	}
	for _, block := range c.base.last {
		if err := m.whole.SetTrainable(true, c.base.name+"/"+block); err != nil {
			return t, err
		}
	}
	t.model, t.epochs = m.whole, 10
	t.optimizer = keraslike.Adam(c.base.rate, c.falling(t))
	t.article = Figures{
		"loss": 0.1080, "accuracy": 0.9570, "val_loss": 0.1925, "val_accuracy": 0.9270, "best_val_accuracy": 0.9370,
		"test_accuracy": 0.9340,
	}
	t.show = c.tested(ctx, t)
	return t, nil
}

// learnHead gives the head the weights that it learns from features.
func (c *catsDogs) learnHead(ctx context.Context, m classifier) error {
	if c.dense == nil {
		quiet := c.o
		quiet.Progress, quiet.Start, quiet.Epochs = nil, nil, 0
		t, err := c.features(ctx, m)
		if err != nil {
			return err
		}
		t.show, t.test = nil, nil
		if _, err := quiet.train(ctx, t); err != nil {
			return err
		}
		c.keep(m.head)
	}
	if err := m.whole.Build(c.o.Seed); err != nil {
		return err
	}
	for i, w := range m.head.Weights() {
		if err := w.Set(c.dense[i]); err != nil {
			return err
		}
	}
	return nil
}

// keep remembers what the head has learned.
func (c *catsDogs) keep(head *keraslike.Model) {
	c.dense = nil
	for _, w := range head.Weights() {
		c.dense = append(c.dense, append([]float32{}, w.Value()...))
	}
}
