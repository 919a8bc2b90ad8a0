// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
	"github.com/reef-dl/reef/keraslike/kerasfile"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
	"github.com/reef-dl/reef/viz/inspect"
)

// photos holds the photo for a user who names none.
//
//go:embed photos/chelsea.png
var photos embed.FS

const ownPhoto = "photos/chelsea.png"

// articlePhoto is the file whose figures the article gives.
const articlePhoto = "creative_commons_elephant.jpg"

// Visualize is project 7: what does a convnet see in a photo? It trains nothing. A
// network trained on ImageNet classifies the photo; then come the evidence for its answer,
// the patterns that filters look for, single channels, and the activations of each
// convolution and pooling.
//
// With Options.File it opens a saved model instead, such as one of project 6, of
// this package or of Keras, with all models that are nested inside.
//
// Differences: the article looks at the first eight layers of VGG16, here at all
// layers of SqueezeNet 1.1, or of VGG16 where its weights are on this machine. It has no filter
// patterns. It takes Grad-CAM of the probability, here it is of the score before softmax,
// as in the paper.
func Visualize(ctx context.Context, o Options) (*Report, error) {
	o, err := o.check("visualize", nil, "base", "explain", "model")
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Report, error) { return nil, fmt.Errorf("visualize: %w", err) }
	switch {
	case o.Epochs != 0 || o.Batch != 0:
		return fail(fmt.Errorf("%d epochs and batches of %d: there is nothing to train", o.Epochs, o.Batch))
	case o.File != "" && o.Base != "":
		return fail(fmt.Errorf("got both the model %s and the base %q, want one", o.File, o.Base))
	}
	began := time.Now()
	shown, origin, err := choosePhoto(o.Explain)
	if err != nil {
		return fail(err)
	}
	model, classes, err := chooseModel(ctx, o)
	if err != nil {
		return fail(err)
	}
	v, err := newViewer(o, model, classes, shown)
	if err != nil {
		return fail(err)
	}

	r := &Report{Recipe: "visualize", Model: model}
	if err := r.begin(o, origin); err != nil {
		return fail(err)
	}
	if r.Data = "photo"; v.quick {
		r.Data = datasets.Sample
	}
	for _, part := range []struct {
		section string
		look    func(context.Context, *Report) error
	}{
		{"What it shows", v.predict},
		{"Where the answer comes from", v.explain},
		{"What filters look for", v.patterns},
		{"Most active channels", v.channels},
		{"Activations of each layer", v.activations},
	} {
		if ctx.Err() != nil {
			return fail(fmt.Errorf("%w: %w", k.ErrInterrupted, ctx.Err()))
		}
		if err := part.look(ctx, r); err != nil {
			return fail(err)
		}
		r.section(part.section)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// choosePhoto opens the user's photo, or the one that is part of the program.
func choosePhoto(path string) (*photo, datasets.Origin, error) {
	if path == "" {
		p, err := newPhoto(photos, ownPhoto, ownPhoto)
		return p, datasets.Origin{Set: "photo " + filepath.Base(ownPhoto), Kind: datasets.Sample, Detail: "public domain, Stéfan van der Walt"}, err
	}
	p, err := openPhoto(path)
	return p, datasets.Origin{Set: "photo " + filepath.Base(path), Kind: "folder", Path: filepath.Dir(path)}, err
}

// chooseModel opens the user's saved model, or the pretrained network with its top, and
// returns the names of its classes, where they are known.
func chooseModel(ctx context.Context, o Options) (model *k.Model, classes []string, err error) {
	switch {
	case o.File == "":
		return imageNet(ctx, o)
	case slices.Contains([]string{".h5", ".hdf5", ".keras"}, filepath.Ext(o.File)):
		model, _, err = kerasfile.Load(o.File)
	default:
		model, err = k.Load(o.File, k.WithoutCompile)
	}
	if err == nil && strings.HasPrefix(model.Name(), "catsdogs_") {
		classes = []string{"cat", "dog"} // saved by project 6
	}
	return model, classes, err
}

// imageNet makes the pretrained network with its top, behind its preprocessing.
func imageNet(ctx context.Context, o Options) (*k.Model, []string, error) {
	base, err := o.pretrained(ctx, true)
	if err != nil {
		return nil, nil, err
	}
	in := k.Input(base.topSize, base.topSize, 3)
	out, err := base.apply(in)
	if err != nil {
		return nil, nil, err
	}
	model := k.NewModel("imagenet_"+base.name, []*k.Tensor{in}, []*k.Tensor{out})
	return model, applications.ImageNetClasses(), model.Build(o.Seed)
}

// viewer shows what a network sees in a photo.
type viewer struct {
	o       Options
	quick   bool // the sample: less of everything, in seconds
	model   *k.Model
	network *inspect.Model // the same
	classes []string
	maps    []k.LayerInfo // the convolutions and poolings
	photo   *photo
	x       viz.Volume   // the photo as the network takes it
	best    []prediction // the likeliest classes, the first first
}

func newViewer(o Options, model *k.Model, classes []string, shown *photo) (v *viewer, err error) {
	v = &viewer{o: o, quick: o.Data.Source == datasets.Sample, model: model, classes: classes, photo: shown}
	if v.network, err = inspect.New(model); err != nil {
		return nil, err
	}
	height, width, channels := v.network.Size()
	if channels != 1 && channels != 3 {
		return nil, fmt.Errorf("model %q takes pictures of %d channels, a photo has 1 or 3", model.Name(), channels)
	}
	if v.x, err = shown.at(height, width); err != nil {
		return nil, err
	}
	if channels == 1 {
		v.x = gray(v.x)
	}
	v.maps = slices.DeleteFunc(v.network.Maps("Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D"),
		func(l k.LayerInfo) bool { return l.Path == preprocessLayer })
	if len(v.maps) == 0 {
		return nil, fmt.Errorf("model %q has no convolution to look into", model.Name())
	}
	for c := len(v.classes); c < v.network.Classes(); c++ {
		v.classes = append(v.classes, fmt.Sprintf("class %d", c))
	}
	return v, nil
}

// gray returns the brightness of a picture (ITU-R BT.601).
func gray(x viz.Volume) viz.Volume {
	out := viz.Volume{Height: x.Height, Width: x.Width, Channels: 1}
	for p := range slices.Chunk(x.Values, 3) {
		out.Values = append(out.Values, 0.299*p[0]+0.587*p[1]+0.114*p[2])
	}
	return out
}

// predict classifies the photo.
func (v *viewer) predict(_ context.Context, r *Report) error {
	x, err := k.NewArray(v.x.Values, 1, v.x.Height, v.x.Width, v.x.Channels)
	if err != nil {
		return err
	}
	y, err := v.model.Predict(x)
	if err != nil {
		return err
	}
	p := y.Values()
	if len(p) == 1 { // one probability for two classes
		p = []float32{1 - p[0], p[0]}
	}
	for class, value := range p {
		v.best = append(v.best, prediction{class, float64(value)})
	}
	slices.SortStableFunc(v.best, func(a, b prediction) int { return cmp.Compare(b.probability, a.probability) })
	v.best = v.best[:min(3, len(v.best))]
	var rows [][]string
	for i, b := range v.best {
		r.Metrics[fmt.Sprintf("top%d", i+1)] = b.probability
		rows = append(rows, []string{fmt.Sprint(i + 1), v.classes[b.class], fmt.Sprintf("%.4f", b.probability)})
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%s: %s, %.1f%%.", filepath.Base(v.photo.name), v.classes[v.best[0].class], 100*v.best[0].probability))
	if filepath.Base(v.photo.name) == articlePhoto && v.o.File == "" {
		r.Article = Figures{"top1": 0.9094, "top2": 0.0862, "top3": 0.0044}
		if v.o.Base != "vgg16" {
			r.Notes = append(r.Notes, "The article's figures are for VGG16.")
		}
	}
	r.table("What "+v.model.Name()+" sees in the photo.", []string{"rank", "class", "probability"}, rows, 0, 2)
	return nil
}

// explain lays the evidence for the likeliest class over the photo, by each of the
// methods.
func (v *viewer) explain(ctx context.Context, r *Report) error {
	name := v.classes[v.best[0].class]
	shares := explain.IntegratedGradients{Square: max(1, min(v.x.Height, v.x.Width)/14), Baseline: v.x}
	shares.Baseline.Values = slices.Repeat([]float32{0.5}, len(v.x.Values)) // black would give dark animals no share
	if v.quick {
		shares.Steps = 10
	}
	for _, group := range []struct {
		file, bar, caption string
		colors             viz.ColorMap
		methods            []explain.Method
		captions           []string
	}{
		{
			"gradcam", "evidence", "Where the last convolution found evidence for the class; Grad-CAM++ copes better with several objects of one class.",
			viz.Magma,
			[]explain.Method{explain.GradCAM{}, explain.GradCAMPlusPlus{}},
			[]string{"Grad-CAM", "Grad-CAM++"},
		},
		{
			"pixels", "evidence", "Evidence for the class in red, against it in blue: by the gradients on the way from gray to the photo, and by how much the score drops when a square is hidden.",
			viz.Diverging,
			[]explain.Method{shares, explain.Occlusion{}},
			[]string{"integrated gradients", "occlusion"},
		},
	} {
		views := []viz.View{{Image: v.photo.image, Caption: "the photo"}}
		for i, method := range group.methods {
			over, err := overlay(ctx, v.network, v.photo.image, v.x, v.best[0].class, method)
			if err != nil {
				return err
			}
			views = append(views, viz.View{Image: over, Caption: group.captions[i]})
		}
		f, err := viz.SideBySide("Why "+name+"?", group.colors, group.bar, views...)
		if err := r.picture(group.file, group.caption, f, err); err != nil {
			return err
		}
	}
	return nil
}

// activations draws all channels of every convolution and pooling.
func (v *viewer) activations(_ context.Context, r *Report) error {
	v.o.say("activations of %s", text.Count(len(v.maps), "layer"))
	paths := make([]string, len(v.maps))
	for i, l := range v.maps {
		paths[i] = l.Path
	}
	seen, err := v.network.Activations(v.x, paths...)
	if err != nil {
		return err
	}
	for i, l := range v.maps {
		perRow := 16
		if seen[i].Channels > 256 {
			perRow = 32
		}
		caption := ""
		if i == 0 {
			caption = "Each small picture is one channel, yellow where it is active. The first layers keep the photo and find edges; later ones respond to parts of the scene and are inactive elsewhere."
		}
		f, err := viz.ActivationGrid(l.Path, seen[i], perRow, viz.Standardized)
		if err := r.picture("activations_"+fileName(l.Path), caption, f, err); err != nil {
			return err
		}
	}
	return nil
}

// stages returns the last convolution of each size of feature map.
func (v *viewer) stages() (list []k.LayerInfo) {
	for _, l := range v.maps {
		switch n := len(list); {
		case strings.Contains(l.Kind, "Pooling"):
		case n > 0 && slices.Equal(list[n-1].Output[:2], l.Output[:2]):
			list[n-1] = l
		default:
			list = append(list, l)
		}
	}
	return list
}

// strongest returns the channels of a layer with the highest mean activation.
func (v *viewer) strongest(layer string, n int) (channels []int, seen viz.Volume, err error) {
	maps, err := v.network.Activations(v.x, layer)
	if err != nil {
		return nil, seen, err
	}
	seen = maps[0]
	sums := make([]float64, seen.Channels)
	for i, value := range seen.Values {
		sums[i%seen.Channels] += float64(value)
	}
	for c := range sums {
		channels = append(channels, c)
	}
	slices.SortStableFunc(channels, func(a, b int) int { return cmp.Compare(sums[b], sums[a]) })
	return channels[:min(n, len(channels))], seen, nil
}

// channels draws the strongest channel of each stage.
func (v *viewer) channels(_ context.Context, r *Report) error {
	for _, l := range v.stages() {
		channels, seen, err := v.strongest(l.Path, 1)
		if err != nil {
			return err
		}
		f, err := viz.Channel(l.Path, seen, channels[0])
		if err := r.picture("channel_"+fileName(l.Path), fmt.Sprintf("Of all channels of %s, this one is the most active.", l.Path), f, err); err != nil {
			return err
		}
	}
	return nil
}

// patterns draws what the strongest filters of each stage look for. A filter that does
// not respond to anything near gray has no pattern.
func (v *viewer) patterns(ctx context.Context, r *Report) error {
	filters, steps := 8, 0 // the default
	if v.quick {
		filters, steps = 2, 30
	}
	for _, l := range v.stages() {
		v.o.say("patterns for filters of %s", l.Path)
		channels, _, err := v.strongest(l.Path, 8*filters) // some of which have no pattern
		if err != nil {
			return err
		}
		var views []viz.View
		for _, c := range channels {
			if len(views) == filters {
				break
			}
			p := explain.Pattern{Height: v.x.Height, Width: v.x.Width, Channels: v.x.Channels, Steps: steps, Seed: v.o.Seed, Smooth: 1}
			picture, _, _, err := explain.FilterPattern(ctx, v.network, explain.Target{Layer: l.Path, Channel: c}, p)
			if errors.Is(err, explain.ErrDead) {
				continue
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%w: %w", k.ErrInterrupted, ctx.Err())
			}
			if err != nil {
				return err
			}
			img, err := picture.Image()
			if err != nil {
				return err
			}
			views = append(views, viz.View{Image: img, Caption: fmt.Sprintf("filter %d", c)})
		}
		if len(views) == 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: the filters that respond to the photo do not respond to anything near gray, so there are no patterns for them.", l.Path))
			continue
		}
		f, err := viz.Gallery("What filters of "+l.Path+" look for", views, 4)
		if err := r.picture("patterns_"+fileName(l.Path), "Pictures that maximize the filters most active on the photo, made from gray by gradient ascent.", f, err); err != nil {
			return err
		}
	}
	return nil
}

// fileName returns a layer's path as a part of the name of a file.
func fileName(path string) string { return strings.ReplaceAll(path, "/", "_") }

// visualizeLesson explains the project.
func visualizeLesson() Lesson {
	return Lesson{
		Teaches: "what a trained network sees in a photo, layer by layer",
		Data:    "One photo: a cat that is part of the program, or yours with -explain. Nothing is trained; the network has learned 1,000 classes from ImageNet.",
		Models: []ModelLesson{{
			Build: func() (*k.Model, error) {
				model, _, err := imageNet(context.Background(), Options{})
				return model, err
			},
			Layers: []LayerLesson{
				{"input", "The photo, scaled to 227 × 227 pixels in three colors."},
				{"preprocess", "Turns the colors into what SqueezeNet was trained with."},
				{"squeezenet/conv1", "64 filters at every second pixel. In the report their maps still look like the photo: edges of one direction, one color, light or shade."},
				{"squeezenet/pool1", "Half the size: the maximum of 3 × 3 places, two apart."},
				{"squeezenet/fire2/*", "A fire module: few 1 × 1 filters that sum up the channels, then 1 × 1 and 3 × 3 ones side by side that look for patterns in the summary."},
				{"squeezenet/fire3/*", "Textures: stripes, dots, fur."},
				{"squeezenet/pool3", "Half the size."},
				{"squeezenet/fire4/*", "Twice as many channels on a quarter of the area."},
				{"squeezenet/fire5/*", "Parts begin: round things, crossings."},
				{"squeezenet/pool5", "Half the size, the last time: 14 × 14 places."},
				{"squeezenet/fire6/*", "Most maps are dark now: what they look for is not in this photo."},
				{"squeezenet/fire7/*", "Parts of objects."},
				{"squeezenet/fire8/*", "Larger parts."},
				{"squeezenet/fire9/*", "512 maps of 14 × 14: the last that know where. Grad-CAM is drawn from here."},
				{"squeezenet/drop9", "Dropped half while the network was trained; it does nothing now."},
				{"squeezenet/conv10", "1,000 filters of a single place, one for each class: evidence for the class at every place, in place of a dense layer with millions of weights."},
				{"squeezenet/pool10", "The mean over all places: one score for each class."},
				{"squeezenet/prob", "Softmax: 1,000 probabilities that add up to 1."},
			},
			Training: "None here. SqueezeNet was trained by its authors with cross-entropy on 1.2 million photographs.",
		}},
		Expect: "The three likeliest classes of the photo; maps of the evidence by Grad-CAM, integrated gradients and occlusion; what filters look for; the activations of every layer. The first layers show the photo, the last hardly anything a person could name.",
		Next: []string{
			"-explain photo.jpg, with something that ImageNet has no class for",
			"-model runs/mnistcnn/model.safetensors: a network of your own",
			"-data sample, which draws less of everything",
		},
		Took: [2]Measurement{seconds(8.6), seconds(20)},
	}
}
