// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
	"github.com/reef-dl/reef/viz/inspect"
)

// The models of CatsDogs, in the article's order.
var catsDogsVariants = []string{"scratch", "features", "frozen", "finetune"}

// CatsDogs is project 6: is it a cat or a dog? There are 2,000 photographs to learn
// from, few for a network that starts with random weights.
//
//   - scratch: a small convnet; random rotations, shifts and zooms make each photograph
//     a new one in every epoch. The article reaches a test accuracy of 0.694.
//   - features: a network trained on ImageNet processes every photograph once, and one
//     dense layer learns from its features, which are cached on disk.
//   - frozen: the network is part of the model, unchanged, so that it can process
//     augmented photographs too, from which the dense layer of features learns further.
//   - finetune: starting with the dense layer of features, the network's last blocks are
//     trained with it, at a low rate. The article reaches 0.934.
//
// What is chosen here is chosen on the validation photographs.
//
// Differences: the article's network is VGG16, with 20 times the weights of SqueezeNet
// 1.1, which is part of this program and the default. Where the article flattens the
// last feature map, here the mean and the maximum of each of its channels go into the
// dense layer. Colors are preprocessed inside the model, as its network was trained with
// them. SqueezeNet is less robust to rotated photographs than VGG16, so they are rotated
// and shifted by less, and its last four blocks are trained where it is the last one of
// VGG16. Fine-tuning starts with a trained dense layer, not with a random one, whose first
// gradients would destroy what the network knows (Chollet, Deep Learning with Python,
// 5.3.2); frozen does too, which saves 20 of the article's 30 epochs of processing every
// photograph. Learning rates decay to zero over the training, along half a cosine.
func CatsDogs(ctx context.Context, o Options) (*Report, error) {
	o, err := o.check("catsdogs", catsDogsVariants, "base", "explain")
	if err != nil {
		return nil, err
	}
	base, err := o.pretrained(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("catsdogs: %w", err)
	}
	var asked *photo // to explain; nil for none
	if o.Explain != "" {
		if asked, err = openPhoto(o.Explain); err != nil { // before the training
			return nil, fmt.Errorf("catsdogs: %w", err)
		}
	}
	train, validation, test, err := datasets.CatsDogs(ctx, o.Data, datasets.ImageOptions{Height: 1, Width: 1})
	if err != nil {
		return nil, fmt.Errorf("catsdogs: %w", err)
	}
	photographs := folders{train, validation, test}
	origin, batch := train.Origin(), o.batch(20, train.Len(), 2_000)
	kind, scratchSide, side := "photograph", 150, base.size
	switch origin.Kind {
	case datasets.Sample: // drawings, simple enough to be recognized when they are small
		kind, scratchSide, side = "drawing", 48, base.small
	case datasets.Generated:
		kind = "drawing"
	}
	decay := func(epochs int) k.OptimizerOption { // to zero at the end of the training
		return k.WithSchedule(k.CosineDecay{Steps: epochs * ((train.Len() + batch - 1) / batch)})
	}
	var seen parts       // the features of the photographs, once the base has processed them
	var head [][]float32 // the weights of the dense layer that was trained on them

	return o.each("catsdogs", catsDogsVariants, func(variant string) (*Report, error) {
		r := &Report{
			Recipe: "catsdogs", Variant: variant, TrainSamples: train.Len(), TestSamples: test.Len(),
			Batch: batch, Headlines: []string{"best_val_accuracy", "test_accuracy"}, Article: catsDogsArticle[variant],
			Takes: "a " + kind + " of a cat or a dog", Classes: animals,
		}
		var (
			data      parts
			network   classifier // on the pretrained network
			optimizer k.Optimizer
			err       error
		)
		if variant != "scratch" { // a head on the pretrained network, which processes every photograph once
			if network, err = newClassifier("catsdogs_"+variant, base, side, o.Seed); err != nil {
				return nil, err
			}
			if seen.train == nil {
				if seen, err = extractFeatures(ctx, o, network.extractor, photographs, side, kind+"s", base.title); err != nil {
					return nil, err
				}
			}
			if base.name != "vgg16" {
				r.Notes = []string{fmt.Sprintf("%s: the network below is %s, the article's is VGG16.", variant, base.title)}
			}
		}
		if variant == "frozen" || variant == "finetune" { // start with a head that was trained on these features
			if head == nil {
				if head, err = trainHead(ctx, o, network.head, seen, k.Adam(5e-3, decay(headEpochs)), batch); err != nil {
					return nil, err
				}
			}
			if err := network.setHead(head, o.Seed); err != nil {
				return nil, err
			}
		}

		switch variant {
		case "scratch":
			r.Model, r.Epochs = smallConvnet(scratchSide), o.epochs(20)
			optimizer = k.RMSprop(5e-4, decay(r.Epochs)) // 20 epochs at the article's 1e-4 end before it has learned what it can
			data, err = photographs.resized(scratchSide, &articleAugment, o.Seed)
		case "features":
			r.Model, r.Epochs = network.head, o.epochs(headEpochs)
			optimizer = k.Adam(5e-3, decay(r.Epochs))
			data = seen
		case "frozen":
			r.Model, r.Epochs = network.whole, o.epochs(10)
			optimizer = k.Adam(1e-3, decay(r.Epochs))
			data, err = photographs.resized(side, &base.augment, o.Seed)
		case "finetune":
			for _, block := range base.last {
				if err := network.whole.SetTrainable(true, base.name+"/"+block); err != nil {
					return nil, err
				}
			}
			r.Model, r.Epochs = network.whole, o.epochs(10)
			optimizer = k.Adam(base.rate, decay(r.Epochs))
			data, err = photographs.resized(side, &base.augment, o.Seed)
		}
		if err != nil {
			return nil, err
		}

		if err := r.Model.Compile(optimizer, k.BinaryCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
			return nil, err
		}
		if err := r.begin(o, origin); err != nil {
			return r.stopped(err)
		}
		shown := side
		if variant == "scratch" {
			shown = scratchSide
		}
		r.Input = datasets.ImageOptions{Height: shown, Width: shown, Filter: datasets.Bilinear}
		history, err := o.fit(ctx, r.Model, data.train, k.Epochs(r.Epochs), k.BatchSize(batch), k.Validation(data.validation), k.Callbacks(o.Progress))
		if r.trained(history); err != nil {
			return r.stopped(err)
		}
		scores, err := r.Model.Evaluate(ctx, data.test, k.BatchSize(batch))
		if r.scored("test_", scores); err != nil {
			return r.stopped(err)
		}
		probabilities, err := predictAll(ctx, r.Model, data.test)
		if err != nil {
			return r.stopped(err)
		}

		if variant == "features" { // the whole model is saved, and applied to photographs
			head = network.headWeights()
			if err := network.whole.Compile(optimizer, k.BinaryCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
				return r.stopped(err)
			}
			r.Model = network.whole
			r.Parameters, _ = r.Model.Parameters()
			if data, err = photographs.resized(side, nil, o.Seed); err != nil {
				return r.stopped(err)
			}
		}
		if err := drawCatsDogs(ctx, r, data.test, probabilities.Values(), kind, asked); err != nil {
			return r.stopped(err)
		}
		return r, nil
	})
}

// catsDogsArticle are the article's figures.
var catsDogsArticle = map[string]Figures{
	"scratch": {
		"loss": 0.5556, "accuracy": 0.7120, "val_loss": 0.5646, "val_accuracy": 0.6990, "best_val_accuracy": 0.7350,
		"test_loss": 0.6143, "test_accuracy": 0.6940,
	},
	"features": {"loss": 0.0859, "accuracy": 0.9740, "val_loss": 0.2393, "val_accuracy": 0.9040, "best_val_accuracy": 0.9090},
	"frozen":   {"loss": 0.2758, "accuracy": 0.8835, "val_loss": 0.2350, "val_accuracy": 0.9030, "best_val_accuracy": 0.9090},
	"finetune": {
		"loss": 0.1080, "accuracy": 0.9570, "val_loss": 0.1925, "val_accuracy": 0.9270, "best_val_accuracy": 0.9370,
		"test_accuracy": 0.9340,
	},
}

// articleAugment are the article's changes: of the angle, position and size of what is
// in the picture, and its mirror image.
var articleAugment = datasets.Augment{
	Rotation: 40, WidthShift: 0.2, HeightShift: 0.2, Shear: 0.2, Zoom: 0.2, HorizontalFlip: true,
}

// folders are the photographs of the three parts.
type folders struct{ train, validation, test *datasets.ImageFolder }

// parts is the data of one model.
type parts struct{ train, validation, test k.Source }

// resized reads all photographs at one size, those to train with augmented unless
// augment is nil. They stay decoded in memory, at 227 × 227 all of them take 620 MB.
func (f folders) resized(side int, augment *datasets.Augment, seed uint64) (p parts, err error) {
	o := datasets.ImageOptions{Height: side, Width: side, Filter: datasets.Bilinear, Cache: true}
	plain := o
	if augment != nil {
		seeded := *augment
		seeded.Seed = seed
		o.Augment = &seeded
	}
	if p.train, err = f.train.With(o); err != nil {
		return p, err
	}
	if p.validation, err = f.validation.With(plain); err != nil {
		return p, err
	}
	p.test, err = f.test.With(plain)
	return p, err
}

// smallConvnet is the article's first model: of the two numbers of filters that it gives
// for the last convolution the one of its printed summary and its results, 128.
func smallConvnet(side int) *k.Model {
	return k.Sequential("catsdogs_scratch",
		k.Input(side, side, 3),
		k.Conv2D(32, 3, k.ReLU), // 148 × 148: a window of 3 loses a pixel on each side
		k.MaxPooling2D(2),       // 74 × 74
		k.Conv2D(64, 3, k.ReLU),
		k.MaxPooling2D(2),
		k.Conv2D(128, 3, k.ReLU),
		k.MaxPooling2D(2),
		k.Conv2D(128, 3, k.ReLU),
		k.MaxPooling2D(2), // 7 × 7
		k.Flatten(),
		k.Dropout(0.5),
		k.Dense(512, k.ReLU),
		k.Dense(1, k.Sigmoid),
	)
}

// catsDogsLesson explains the project.
func catsDogsLesson() Lesson {
	onBase := func(frozen bool) func() (*k.Model, error) {
		return func() (*k.Model, error) {
			c, err := newClassifier("catsdogs", pretrainedNetworks[0], pretrainedNetworks[0].size, 1)
			for _, block := range pretrainedNetworks[0].last {
				if err == nil && !frozen {
					err = c.whole.SetTrainable(true, pretrainedNetworks[0].name+"/"+block)
				}
			}
			return c.whole, err
		}
	}
	layers := []LayerLesson{
		{"input", "A photograph of 227 × 227 pixels, red, green and blue from 0 to 1."},
		{"preprocess", "A convolution with a window of a single pixel that turns the colors into what the pretrained network was trained with. It is never trained, and makes the saved model complete: nobody needs to remember the preprocessing."},
		{"squeezenet/conv1", "Where SqueezeNet begins, a network trained on the 1.2 million photographs of ImageNet: 64 filters that look for edges and colors, at every second pixel, which halves the size."},
		{"squeezenet/pool1", "The largest of every 3 × 3 values, two apart: half the size again."},
		{"squeezenet/fire2/*", "A fire module: 1 × 1 convolutions squeeze the channels to 16, then 1 × 1 and 3 × 3 ones expand them, side by side, to 128. The expensive 3 × 3 see few channels, which is how this network does with a twentieth of the weights of VGG16."},
		{"squeezenet/fire3/*", "A second one on the same 128 channels."},
		{"squeezenet/pool3", "Half the size."},
		{"squeezenet/fire4/*", "Twice the channels on a quarter of the area: later maps are of more and rarer things."},
		{"squeezenet/fire5/*", "The same once more: textures, fur, eyes."},
		{"squeezenet/pool5", "Half the size, the last time: each of the 14 × 14 places has seen a large part of the photograph."},
		{"squeezenet/fire6/*", "384 channels. From here on finetune trains, frozen and features don't: the layers before see what every photograph is made of, these what ImageNet asked for."},
		{"squeezenet/fire7/*", "The same."},
		{"squeezenet/fire8/*", "512 channels: parts of animals, among much else."},
		{"squeezenet/fire9/*", "The last map, of 512 things at 14 × 14 places."},
		{"global_average_pooling2d", "The mean of each channel: how much of its thing is in the photograph. Where is forgotten, which leaves 512 numbers to learn from and not 100,352."},
		{"global_max_pooling2d", "Beside it, from the same map, the maximum: whether the thing is anywhere."},
		{"mean_and_maximum", "Both lists in one, 1,024 numbers."},
		{"head/rescaling", "Divides by 32, since maxima are of the order of 50. No parameters."},
		{"head/dropout", "Drops half of them at random while it trains: 1,024 numbers are many for 2,000 photographs."},
		{"head/dense", "One unit weighs them; the sigmoid makes it the probability of a dog."},
	}
	return Lesson{
		Teaches: "little data: augmentation, transfer learning, fine-tuning",
		Data:    "4,000 photographs of cats and dogs from Kaggle, half of each: 2,000 to learn from, 1,000 to validate, 1,000 to test. They are downloaded with -data full; the sample is 800 generated drawings.",
		Models: []ModelLesson{
			{
				Variants: []string{"scratch"}, Why: "What 2,000 photographs can teach a network that begins with random weights.",
				Build: built(func() *k.Model { return smallConvnet(150) }),
				Layers: []LayerLesson{
					{"input", "A photograph of 150 × 150 pixels in three colors. It is rotated, shifted, zoomed and mirrored at random, a new one in each epoch, so that none can be learned by heart."},
					{"conv2d", "32 filters of 3 × 3 over three colors: edges, spots. 150 becomes 148."},
					{"max_pooling2d", "Half the size; what was found stays, where exactly does not matter."},
					{"conv2d_1", "64 filters over those 32 maps: corners, textures."},
					{"max_pooling2d_1", "Half the size."},
					{"conv2d_2", "128 filters: ears, eyes, if there is enough to learn them from."},
					{"max_pooling2d_2", "Half the size."},
					{"conv2d_3", "128 filters over larger parts of the animal."},
					{"max_pooling2d_3", "7 × 7 places are left."},
					{"flatten", "7 · 7 · 128 values as one vector."},
					{"dropout", "Half of them are dropped at random while it trains; the next layer has most of the weights and would memorize first."},
					{"dense", "512 units that see all of the photograph: 3.2 of the 3.5 million parameters."},
					{"dense_1", "One unit and the sigmoid: the probability of a dog."},
				},
				Training: "Binary cross-entropy with RMSprop at 0.0005, which decays to 0 along half a cosine: large steps first, small ones to settle.",
			},
			{
				Variants: []string{"features"}, Why: "SqueezeNet sees each photograph once, and only the last dense layer is trained on what it found: seconds in place of minutes.",
				Build: onBase(true), Layers: layers,
				Training: "Binary cross-entropy with Adam at 0.005, decaying to 0. With 1,025 parameters to train, large steps are safe.",
			},
			{
				Variants: []string{"frozen"}, Why: "The same model as a whole, so that it can see augmented photographs. SqueezeNet's weights stay as they are.",
				Build: onBase(true), Layers: layers,
				Training: "Binary cross-entropy with Adam at 0.001, decaying to 0. The dense layer starts from that of features.",
			},
			{
				Variants: []string{"finetune"}, Why: "The last four blocks of SqueezeNet learn, too, gently: a random head would send large gradients and destroy what they know, so a trained one comes first.",
				Build: onBase(false), Layers: layers,
				Training: "Binary cross-entropy with Adam at 0.0002, a 25th of that of the new layer in features, decaying to 0.",
			},
		},
		Expect: "On the photographs test accuracies of about 0.72 from scratch, and 0.965 to 0.973 on SqueezeNet; the article's VGG16 has 0.934. Grad-CAM in the report shows whether the network looks at the animal or at the sofa.",
		Next: []string{
			"-variant features first: seconds, and most of the gain",
			"-explain photo.jpg: what it says of your own photo, and why",
			"visualize -model runs/catsdogs/finetune/model.safetensors",
		},
		Took: [2]Measurement{seconds(9.8), seconds(300)},
	}
}

// classifier is a pretrained network with a head. Its parts are models too, which
// share their weights with it.
type classifier struct {
	whole, extractor, head *k.Model
}

// newClassifier puts a head on the frozen pretrained network: the mean and the maximum
// of each channel of its last feature map, half of them dropped while training, and one
// dense layer.
func newClassifier(name string, base pretrained, side int, seed uint64) (c classifier, err error) {
	in := k.Input(side, side, 3)
	maps, err := base.apply(in, applications.WithoutTop)
	if err != nil {
		return c, err
	}
	channels := k.Concatenate(k.Name("mean_and_maximum")).Apply(
		k.GlobalAveragePooling2D().Apply(maps), k.GlobalMaxPooling2D().Apply(maps))
	c.head = k.Sequential("head",
		k.Input(channels.Shape()[0]),
		k.Rescaling(1.0/32, 0), // maxima are of the order of 50, which would give single pictures too much weight
		k.Dropout(0.5),
		k.Dense(1, k.Sigmoid),
	)
	c.extractor = k.NewModel("catsdogs_extractor", []*k.Tensor{in}, []*k.Tensor{channels})
	c.whole = k.NewModel(name, []*k.Tensor{in}, []*k.Tensor{c.head.Apply(channels)})
	if err := c.extractor.Build(seed); err != nil {
		return c, err
	}
	return c, c.whole.SetTrainable(false, base.name)
}

// extractFeatures processes every photograph once with the pretrained network, or reads
// the features from the cache.
func extractFeatures(ctx context.Context, o Options, extractor *k.Model, photographs folders, side int, kind, network string) (p parts, err error) {
	plain, err := photographs.resized(side, nil, o.Seed)
	if err != nil {
		return p, err
	}
	for _, part := range []struct {
		pictures k.Source
		to       *k.Source
	}{{plain.train, &p.train}, {plain.validation, &p.validation}, {plain.test, &p.test}} {
		pictures := part.pictures.(*datasets.ImageFolder)
		announcement := fmt.Sprintf("%s go through %s once", text.Count(pictures.Len(), kind), network)
		x, err := o.features(ctx, extractor, pictures, announcement)
		if err != nil {
			return p, err
		}
		classes, err := datasets.Classes(pictures)
		if err != nil {
			return p, err
		}
		y, err := k.Column(classes)
		if err != nil {
			return p, err
		}
		if *part.to, err = k.Data(x, y); err != nil {
			return p, err
		}
	}
	return p, nil
}

// headEpochs is how long the dense layer is trained on features.
const headEpochs = 30

// trainHead trains the dense layer on features, for the models that start with it, and
// returns its weights.
func trainHead(ctx context.Context, o Options, head *k.Model, features parts, optimizer k.Optimizer, batch int) ([][]float32, error) {
	if err := head.Compile(optimizer, k.BinaryCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
		return nil, err
	}
	if _, err := o.fit(ctx, head, features.train, k.Epochs(headEpochs), k.BatchSize(batch)); err != nil {
		return nil, err
	}
	return classifier{head: head}.headWeights(), nil
}

// headWeights returns copies of the weights of the head.
func (c classifier) headWeights() (list [][]float32) {
	for _, w := range c.head.Weights() {
		list = append(list, w.Values())
	}
	return list
}

// setHead gives the head trained weights.
func (c classifier) setHead(weights [][]float32, seed uint64) error {
	if err := c.whole.Build(seed); err != nil {
		return err
	}
	for i, w := range c.head.Weights() {
		if err := w.Set(weights[i]); err != nil {
			return err
		}
	}
	return nil
}

// animals are the two classes.
var animals = []string{"cat", "dog"}

// shownSamples is how many test photographs are shown, half of them cats.
const shownSamples = 16

// drawCatsDogs draws the predictions for the test photographs, their confusion matrix and
// ROC curve, and explains the photo that the user asks about. test has the photographs
// in the size that the model takes; kind is what they are called.
func drawCatsDogs(ctx context.Context, r *Report, test k.Source, probabilities []float32, kind string, asked *photo) error {
	classes, err := datasets.Classes(test)
	if err != nil {
		return err
	}
	var samples []viz.Sample
	for s := range shownSamples {
		i := s * test.Len() / shownSamples
		x, err := pictureOf(test, i)
		if err != nil {
			return err
		}
		img, err := x.Image()
		if err != nil {
			return err
		}
		samples = append(samples, viz.Sample{Image: img, Predicted: animals[classOf(probabilities[i])], Confidence: confidence(probabilities[i]), Truth: animals[classes[i]]})
	}
	f, err := viz.Samples("Test "+kind+"s", samples, 8)
	if err := r.picture("samples", fmt.Sprintf("%d of the %s, evenly spaced.", shownSamples, text.Count(test.Len(), "test "+kind)), f, err); err != nil {
		return err
	}

	counts := [][]int{{0, 0}, {0, 0}}
	roc := viz.Scores{Name: r.Variant}
	for i, p := range probabilities {
		counts[classes[i]][classOf(p)]++
		roc.Score, roc.Positive = append(roc.Score, float64(p)), append(roc.Positive, classes[i] == 1)
	}
	f, err = viz.Confusion("Test "+kind+"s", animals, counts)
	if err := r.picture("confusion", "How often the network mistakes one for the other.", f, err); err != nil {
		return err
	}
	f, err = viz.ROC("ROC curve: dogs against cats", roc)
	if err := r.picture("roc", "Each point of the curve is one threshold of the probability; the area under it is 1 if every dog scores higher than every cat.", f, err); err != nil {
		return err
	}

	m, err := inspect.New(r.Model)
	if err != nil {
		return err
	}
	if asked != nil {
		return explainPhoto(ctx, r, m, asked)
	}
	return explainSurest(ctx, r, m, test, probabilities, classes)
}

// classOf is the class for a probability of a dog.
func classOf(p float32) int {
	if p > 0.5 {
		return 1
	}
	return 0
}

// confidence is the probability of the predicted class.
func confidence(p float32) float64 { return max(float64(p), 1-float64(p)) }

// explainSurest lays Grad-CAM over the cat and the dog of the test photographs with the
// highest confidence.
func explainSurest(ctx context.Context, r *Report, m *inspect.Model, test k.Source, probabilities []float32, classes []int) error {
	var views []viz.View
	for class, sign := range []float32{-1, 1} {
		surest := -1
		for i, p := range probabilities {
			if classes[i] == class && (surest < 0 || sign*p > sign*probabilities[surest]) {
				surest = i
			}
		}
		x, err := pictureOf(test, surest)
		if err != nil {
			return err
		}
		img, err := x.Image()
		if err != nil {
			return err
		}
		over, err := overlay(ctx, m, img, x, class, explain.GradCAM{})
		if err != nil {
			return err
		}
		views = append(views, viz.View{Image: img, Caption: fmt.Sprintf("%s %.1f%%", animals[classOf(probabilities[surest])], 100*confidence(probabilities[surest]))},
			viz.View{Image: over, Caption: "evidence for " + animals[class]})
	}
	f, err := viz.SideBySide("The most confident cat and dog", viz.Magma, "Grad-CAM", views...)
	return r.picture("gradcam", "Where the last convolution found evidence for the class (Grad-CAM).", f, err)
}

// explainPhoto classifies the user's photo and lays Grad-CAM over it.
func explainPhoto(ctx context.Context, r *Report, m *inspect.Model, asked *photo) error {
	height, width, _ := m.Size()
	x, err := asked.at(height, width)
	if err != nil {
		return err
	}
	in, err := k.NewArray(x.Values, 1, height, width, 3)
	if err != nil {
		return err
	}
	y, err := r.Model.Predict(in)
	if err != nil {
		return err
	}
	p := y.Values()[0]
	class := classOf(p)
	over, err := overlay(ctx, m, asked.image, x, class, explain.GradCAM{})
	if err != nil {
		return err
	}
	answer := fmt.Sprintf("%s: %s, %.1f%%", asked.name, animals[class], 100*confidence(p))
	r.Notes = append(r.Notes, r.Variant+": "+answer)
	f, err := viz.SideBySide(answer, viz.Magma, "Grad-CAM",
		viz.View{Image: asked.image, Caption: "the photo"}, viz.View{Image: over, Caption: "evidence for " + animals[class]})
	return r.picture("explain", "Where the last convolution found evidence for the answer (Grad-CAM).", f, err)
}

// pictureOf reads one picture of a source.
func pictureOf(s k.Source, i int) (viz.Volume, error) {
	in, _ := s.Shapes()
	v := viz.Volume{Height: in[0][0], Width: in[0][1], Channels: in[0][2]}
	v.Values = make([]float32, v.Height*v.Width*v.Channels)
	return v, s.Read([]int{i}, [][]float32{v.Values}, nil)
}
