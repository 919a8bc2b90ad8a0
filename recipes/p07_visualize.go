// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/inspect"
)

// photos holds the photo that is looked at where the user names none.
//
//go:embed photos/chelsea.png
var photos embed.FS

const ownPhoto = "photos/chelsea.png"

// articlePhoto is the file whose figures the article gives.
const articlePhoto = "creative_commons_elephant.jpg"

// Visualize is project 7: what does a convnet see in a photo? It trains nothing. A
// network trained on ImageNet names what the photo shows; then come what each
// convolution and pooling made of it, single channels large, the patterns that their
// filters look for, and where in the photo the answer comes from.
//
// With Options.File it opens a saved model instead, such as catsdogs leaves behind, of
// this package or of Keras, with all models that are nested inside.
//
// Where it differs: the article looks at the first eight layers of VGG16, here at all
// layers of SqueezeNet 1.1, or of VGG16 where its weights are at hand. It has no filter
// patterns. It takes Grad-CAM of the probability, here it is of the score before softmax,
// as in the paper.
func Visualize(ctx context.Context, o Options) (*Report, error) {
	r, err := visualizeNetwork(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("visualize: %w", err)
	}
	return r, nil
}

// visualize is a network that looks at a photo.
type visualize struct {
	o     Options
	model *keraslike.Model
	seen  *inspect.Model
	names []string // of the classes
	photo *photo
	x     viz.Volume // the photo as the network takes it
	best  []guess    // the likeliest classes, the first first
	maps  []keraslike.LayerInfo
	r     *Report
}

func visualizeNetwork(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(nil, "base", "explain", "model"); err != nil {
		return nil, err
	}
	switch {
	case o.Epochs != 0 || o.Batch != 0:
		return nil, fmt.Errorf("%d epochs and batches of %d: there is nothing to train", o.Epochs, o.Batch)
	case o.File != "" && o.Base != "":
		return nil, fmt.Errorf("got both the model %s and the base %q, want one", o.File, o.Base)
	}
	began := time.Now()
	v := &visualize{o: o}
	origin := datasets.Origin{Set: "photo " + filepath.Base(ownPhoto), Kind: datasets.Sample, Detail: "public domain, Stéfan van der Walt"}
	var err error
	if o.Explain == "" {
		v.photo, err = newPhoto(photos, ownPhoto, ownPhoto)
	} else {
		origin = datasets.Origin{Set: "photo " + filepath.Base(o.Explain), Kind: "folder", Path: filepath.Dir(o.Explain)}
		v.photo, err = openPhoto(o.Explain)
	}
	if err != nil {
		return nil, err
	}
	if err := v.open(ctx); err != nil {
		return nil, err
	}
	all, _ := v.model.Parameters()
	v.r = &Report{Recipe: "visualize", Data: "photo", Seed: o.Seed, Parameters: all, Model: v.model, Metrics: Figures{}, Article: Figures{}}
	if v.quick() {
		v.r.Data = datasets.Sample
	}
	if o.Start != nil {
		if err := o.Start(v.model, origin); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		section string
		look    func(context.Context) error
	}{
		{"What it shows", v.predict},
		{"Where the answer comes from", v.reasons},
		{"What filters look for", v.patterns},
		{"Most active channels", v.channels},
		{"Activations of each layer", v.activations},
	} {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", keraslike.ErrInterrupted, ctx.Err())
		}
		if err := part.look(ctx); err != nil {
			return nil, err
		}
		v.r.under(part.section)
	}
	v.r.Seconds = time.Since(began).Seconds()
	return v.r, nil
}

// quick tells whether it is to be done in seconds, with less of everything.
func (v *visualize) quick() bool { return v.o.Data.Source == datasets.Sample }

// open gets the network and prepares the photo for it.
func (v *visualize) open(ctx context.Context) (err error) {
	if v.o.File != "" {
		err = v.load(v.o.File)
	} else {
		err = v.imageNet(ctx)
	}
	if err != nil {
		return err
	}
	if v.seen, err = inspect.New(v.model); err != nil {
		return err
	}
	height, width, channels := v.seen.Size()
	if channels != 1 && channels != 3 {
		return fmt.Errorf("model %q takes pictures of %d channels, a photo has 1 or 3", v.model.Name(), channels)
	}
	if v.x, err = v.photo.at(height, width); err != nil {
		return err
	}
	if channels == 1 {
		v.x = grey(v.x)
	}
	v.maps = slices.DeleteFunc(v.seen.Maps("Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D"),
		func(l keraslike.LayerInfo) bool { return l.Path == preprocessLayer })
	if len(v.maps) == 0 {
		return fmt.Errorf("model %q has no convolution to look into", v.model.Name())
	}
	for c := len(v.names); c < v.seen.Classes(); c++ {
		v.names = append(v.names, fmt.Sprintf("class %d", c))
	}
	return nil
}

// imageNet makes the pretrained network, with its top, behind its preprocessing.
func (v *visualize) imageNet(ctx context.Context) error {
	base, err := v.o.pretrained(ctx, true)
	if err != nil {
		return err
	}
	in := keraslike.Input(base.topSize, base.topSize, 3)
	out, err := base.of(in)
	if err != nil {
		return err
	}
	v.model = keraslike.NewModel("imagenet_"+base.name, []*keraslike.Tensor{in}, []*keraslike.Tensor{out})
	v.names = applications.ImageNetClasses()
	return v.model.Build(v.o.Seed)
}

// load opens a saved model. The classes are known of those that catsdogs saved.
func (v *visualize) load(path string) (err error) {
	switch filepath.Ext(path) {
	case ".h5", ".hdf5", ".keras":
		v.model, _, err = kerasfile.Load(path)
	default:
		v.model, err = keraslike.Load(path, keraslike.WithoutCompile)
	}
	if err == nil && strings.HasPrefix(v.model.Name(), "catsdogs_") {
		v.names = animals
	}
	return err
}

// grey is the brightness of a picture (ITU-R BT.601).
func grey(x viz.Volume) viz.Volume {
	out := viz.Volume{Height: x.Height, Width: x.Width, Channels: 1}
	for p := range slices.Chunk(x.Values, 3) {
		out.Values = append(out.Values, 0.299*p[0]+0.587*p[1]+0.114*p[2])
	}
	return out
}

// predict asks the network what the photo shows.
func (v *visualize) predict(context.Context) error {
	x, err := keraslike.NewArray(v.x.Values, 1, v.x.Height, v.x.Width, v.x.Channels)
	if err != nil {
		return err
	}
	y, err := v.model.Predict(x)
	if err != nil {
		return err
	}
	p := y.Values()
	if len(p) == 1 { // one number tells two classes apart
		p = []float32{1 - p[0], p[0]}
	}
	for class, value := range p {
		v.best = append(v.best, guess{class, float64(value)})
	}
	slices.SortStableFunc(v.best, func(a, b guess) int { return cmp.Compare(b.probability, a.probability) })
	v.best = v.best[:min(3, len(v.best))]
	var rows [][]string
	for i, b := range v.best {
		v.r.Metrics[fmt.Sprintf("top%d", i+1)] = b.probability
		rows = append(rows, []string{fmt.Sprint(i + 1), v.names[b.class], fmt.Sprintf("%.4f", b.probability)})
	}
	v.r.Notes = append(v.r.Notes, fmt.Sprintf("%s: %s, %.1f%%.", filepath.Base(v.photo.name), v.names[v.best[0].class], 100*v.best[0].probability))
	if filepath.Base(v.photo.name) == articlePhoto && v.o.File == "" {
		v.r.Article = Figures{"top1": 0.9094, "top2": 0.0862, "top3": 0.0044}
		if v.o.Base != "vgg16" {
			v.r.Notes = append(v.r.Notes, "The article's figures are for VGG16.")
		}
	}
	v.r.tabulate("What "+v.model.Name()+" sees in the photo.", []string{"rank", "class", "probability"}, rows, 0, 2)
	return nil
}
