// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// Lesson explains a project to those who want to understand it before they run it. It stands
// in the file of its recipe; tests compare it with the models that the recipe trains.
type Lesson struct {
	Teaches string         // in one line
	Data    string         // what is learned from what
	Models  []ModelLesson  // each variant belongs to one of them
	Expect  string         // figures, and what they mean
	Next    []string       // what to try
	Took    [2]Measurement // of the whole command, on the sample and on the full data
}

// Measurement is how long a command took on two cores of an AMD EPYC with AVX-512, with nothing
// else running, data and pretrained weights on disk, nothing in the cache and all variants in turn.
// Those of more than ten seconds follow from the first two epochs of each variant.
type Measurement time.Duration

func seconds(s float64) Measurement { return Measurement(s * float64(time.Second)) }

// String rounds to what a reader plans with: "2 s", "30 s", "4 min".
func (m Measurement) String() string {
	d := time.Duration(m)
	switch {
	case d == 0:
		return "–"
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", max(1, d.Seconds()))
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}

// ModelLesson explains a model of a project.
type ModelLesson struct {
	Variants []string // those that train this model; empty in a project of one model
	Why      string   // what it is to show
	// Build makes the model in the article's sizes.
	Build    func() (*k.Model, error)
	Layers   []LayerLesson // in their order
	Training string        // loss and optimizer, and why these
}

// LayerLesson explains a layer: what it is, what it does to the shape and why it is there. A
// path that ends in * stands for all layers that begin like it.
type LayerLesson struct{ Path, Text string }

// ExplainedLayer is a layer of the model with its explanation.
type ExplainedLayer struct {
	Path, Kind string // of a group of layers the path of the lesson, and how many there are
	In, Out    string // the shapes of one sample
	Parameters int
	Frozen     bool // training leaves its weights as they are
	Text       string
}

// Explain pairs the layers of the model with their explanations. It returns an error if a
// layer has none, or an explanation no layer.
func (m ModelLesson) Explain() (model *k.Model, layers []ExplainedLayer, err error) {
	if model, err = m.Build(); err != nil {
		return nil, nil, err
	}
	if err := model.Build(1); err != nil {
		return nil, nil, err
	}
	left := model.Layers()
	d, err := model.Diagram()
	if err != nil {
		return nil, nil, err
	}
	for _, l := range m.Layers {
		n := 0
		for n < len(left) && l.matches(left[n].Path) {
			n++
		}
		if n == 0 {
			return nil, nil, fmt.Errorf("lesson of model %q: the explanation of layer %q stands where the model has %s", model.Name(), l.Path, next(left))
		}
		e := l.explain(left[:n])
		e.In = l.input(d)
		layers, left = append(layers, e), left[n:]
	}
	if len(left) > 0 {
		return nil, nil, fmt.Errorf("lesson of model %q: nothing explains %s", model.Name(), next(left))
	}
	return model, layers, nil
}

// explain joins the explanation with the layers that it is for.
func (l LayerLesson) explain(group []k.LayerInfo) ExplainedLayer {
	e := ExplainedLayer{Path: l.Path, Kind: group[0].Kind, Out: sample(group[len(group)-1].Output.String()), Text: l.Text}
	if len(group) > 1 {
		e.Kind = text.Count(len(group), "layer")
	}
	for _, layer := range group {
		for _, w := range layer.Weights {
			e.Parameters += k.Shape(w.Shape()).Size()
			e.Frozen = !layer.Trainable
		}
	}
	return e
}

func next(left []k.LayerInfo) string {
	if len(left) == 0 {
		return "no layer left"
	}
	return fmt.Sprintf("layer %q", left[0].Path)
}

// matches reports whether the lesson explains the layer at that path.
func (l LayerLesson) matches(path string) bool {
	if group, ok := strings.CutSuffix(l.Path, "*"); ok {
		return strings.HasPrefix(path, group)
	}
	return path == l.Path
}

// input returns the shape that enters the layers, "2 × (512)" for two of one shape and empty for
// an input of the model.
func (l LayerLesson) input(d *graph.Diagram) string {
	inside := func(b graph.Box) bool { return l.matches(strings.TrimPrefix(b.Group+"/"+b.Title, "/")) }
	var from []int
	var shapes []string
	for _, a := range d.Arrows {
		if !inside(d.Boxes[a[1]]) || inside(d.Boxes[a[0]]) || slices.Contains(from, a[0]) {
			continue
		}
		from = append(from, a[0])
		shapes = append(shapes, sample(d.Boxes[a[0]].Shape))
	}
	if n := len(shapes); n > 1 && len(slices.Compact(slices.Clone(shapes))) == 1 {
		return fmt.Sprintf("%d × %s", n, shapes[0])
	}
	return strings.Join(shapes, ", ")
}

// sample is a shape without its batch.
func sample(shape string) string { return strings.Replace(shape, "batch, ", "", 1) }

// Model returns the lesson of the model that a variant trains.
func (l Lesson) Model(variant string) ModelLesson {
	i := slices.IndexFunc(l.Models, func(m ModelLesson) bool { return slices.Contains(m.Variants, variant) })
	return l.Models[max(0, i)]
}
