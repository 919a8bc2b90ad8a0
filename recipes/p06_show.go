// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
	"github.com/reef-dl/reef/viz/inspect"
)

// animals are the two classes.
var animals = []string{"cat", "dog"}

// shownSamples is how many test photographs are shown, half of them cats.
const shownSamples = 16

// tested shows what a model makes of the test photographs once it is trained.
func (c *catsDogs) tested(ctx context.Context, t training) func(r *Report) error {
	return func(r *Report) error {
		test := t.test.(*datasets.ImageFolder)
		p, err := predictAll(ctx, t.model, test)
		if err != nil {
			return err
		}
		return c.show(ctx, r, test, p.Values())
	}
}

// show draws what the model makes of the test photographs, and of the photo that the
// user asks about. test has them as the model takes them.
func (c *catsDogs) show(ctx context.Context, r *Report, test *datasets.ImageFolder, probabilities []float32) error {
	classes, err := datasets.Classes(test)
	if err != nil {
		return err
	}
	counts := [][]int{{0, 0}, {0, 0}}
	roc := viz.Scores{Name: r.Variant}
	for i, p := range probabilities {
		counts[classes[i]][told(p)]++
		roc.Score, roc.Positive = append(roc.Score, float64(p)), append(roc.Positive, classes[i] == 1)
	}
	if err := c.showSamples(r, test, probabilities, classes); err != nil {
		return err
	}
	f, err := viz.Confusion("Test "+c.pictured()+"s", animals, counts)
	if err := r.show("confusion", "How often the network mistakes one for the other.", f, err); err != nil {
		return err
	}
	f, err = viz.ROC("ROC curve: dogs against cats", roc)
	if err := r.show("roc", "Each point of the curve is one threshold of the probability; the area under it is 1 if every dog scores higher than every cat.", f, err); err != nil {
		return err
	}
	return c.why(ctx, r, test, probabilities, classes)
}

// pictured is what the pictures are: the sample has drawings, which a program made.
func (c *catsDogs) pictured() string {
	if k := c.train.Origin().Kind; k == datasets.Sample || k == datasets.Generated {
		return "drawing"
	}
	return "photograph"
}

// told is the class of a probability of a dog.
func told(p float32) int {
	if p > 0.5 {
		return 1
	}
	return 0
}

// confidence is the probability of the class that was told.
func confidence(p float32) float64 { return max(float64(p), 1-float64(p)) }

func (c *catsDogs) showSamples(r *Report, test *datasets.ImageFolder, probabilities []float32, classes []int) error {
	var samples []viz.Sample
	for k := range shownSamples {
		i := k * test.Len() / shownSamples
		x, err := pictureOf(test, i)
		if err != nil {
			return err
		}
		img, err := x.Image()
		if err != nil {
			return err
		}
		samples = append(samples, viz.Sample{Image: img, Predicted: animals[told(probabilities[i])], Confidence: confidence(probabilities[i]), Truth: animals[classes[i]]})
	}
	f, err := viz.Samples("Test "+c.pictured()+"s", samples, 8)
	return r.show("samples", fmt.Sprintf("%d of the %s, evenly spaced.", shownSamples, text.Count(test.Len(), "test "+c.pictured())), f, err)
}

// why lays Grad-CAM over the user's photo, else over the cat and the dog of the test
// photographs that the network is surest of, among those that are one.
func (c *catsDogs) why(ctx context.Context, r *Report, test *datasets.ImageFolder, probabilities []float32, classes []int) error {
	m, err := inspect.New(r.Model)
	if err != nil {
		return err
	}
	if c.photo != nil {
		return c.explain(ctx, r, m)
	}
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
		views = append(views, viz.View{Image: img, Caption: fmt.Sprintf("%s %.1f%%", animals[told(probabilities[surest])], 100*confidence(probabilities[surest]))},
			viz.View{Image: over, Caption: "evidence for " + animals[class]})
	}
	f, err := viz.SideBySide("The most confident cat and dog", viz.Magma, "Grad-CAM", views...)
	return r.show("gradcam", "Where the last convolution found evidence for the class (Grad-CAM).", f, err)
}

// explain says what the user's photo shows and why.
func (c *catsDogs) explain(ctx context.Context, r *Report, m *inspect.Model) error {
	height, width, _ := m.Size()
	x, err := c.photo.at(height, width)
	if err != nil {
		return err
	}
	in, err := keraslike.NewArray(x.Values, 1, height, width, 3)
	if err != nil {
		return err
	}
	y, err := r.Model.Predict(in)
	if err != nil {
		return err
	}
	p := y.Values()[0]
	class := told(p)
	over, err := overlay(ctx, m, c.photo.image, x, class, explain.GradCAM{})
	if err != nil {
		return err
	}
	answer := fmt.Sprintf("%s: %s, %.1f%%", c.photo.name, animals[class], 100*confidence(p))
	r.Notes = append(r.Notes, r.Variant+": "+answer)
	f, err := viz.SideBySide(answer, viz.Magma, "Grad-CAM",
		viz.View{Image: c.photo.image, Caption: "the photo"}, viz.View{Image: over, Caption: "evidence for " + animals[class]})
	return r.show("explain", "Where the last convolution found evidence for the answer (Grad-CAM).", f, err)
}

// pictureOf reads one picture of a source.
func pictureOf(s *datasets.ImageFolder, i int) (viz.Volume, error) {
	in, _ := s.Shapes()
	v := viz.Volume{Height: in[0][0], Width: in[0][1], Channels: in[0][2]}
	v.Values = make([]float32, v.Height*v.Width*v.Channels)
	return v, s.Read([]int{i}, [][]float32{v.Values}, nil)
}
