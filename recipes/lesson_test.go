// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// kinds lists the layers of a model, their order, names and kinds.
func kinds(m *k.Model) (list []string) {
	for _, l := range m.Layers() {
		list = append(list, l.Path+" "+l.Kind)
	}
	return list
}

// TestLessons: every layer of every variant is explained, nothing else is, and the models of
// the lesson are those that the recipe trains, with the optimizer that the lesson names.
func TestLessons(t *testing.T) {
	enough := errors.New("seen enough")
	for _, r := range All() {
		t.Run(r.Name, func(t *testing.T) {
			noCache(t)
			lesson := r.Lesson()
			var explained []string
			for _, m := range lesson.Models {
				explained = append(explained, m.Variants...)
				model, layers, err := m.Explain()
				if err != nil {
					t.Fatal(err)
				}
				total := 0
				for _, l := range layers {
					if total += l.Parameters; len(l.Text) < 8 || !strings.HasSuffix(l.Text, ".") {
						t.Errorf("layer %q: %q is no sentence", l.Path, l.Text)
					}
				}
				if all, _ := model.Parameters(); total != all {
					t.Errorf("%v: %d parameters explained, the model has %d", m.Variants, total, all)
				}
			}
			if !slices.Equal(explained, r.Variants) {
				t.Errorf("explains variants %q, the recipe has %q", explained, r.Variants)
			}
			for what, s := range map[string]string{"data": lesson.Data, "expect": lesson.Expect, "next": strings.Join(lesson.Next, "")} {
				if s == "" {
					t.Errorf("%s is empty", what)
				}
			}
			if r.Name == "visualize" {
				return // which compiles no model
			}
			variants := r.Variants
			switch r.Name {
			case "mnist", "mnistcnn":
				variants = []string{""}
			case "catsdogs":
				variants = variants[:1] // the others extract features first
			}
			for _, v := range variants {
				seen := false
				_, err := r.Run(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Variant: v, Epochs: 1, Seed: 1, Start: func(m *k.Model, _ datasets.Origin) error {
					seen = true
					sameModel(t, lesson.Model(v), m)
					return enough
				}})
				if !seen || !errors.Is(err, enough) {
					t.Errorf("%s: %v", v, err)
				}
			}
		})
	}
}

// sameModel compares the model that is trained with that of its lesson.
func sameModel(t *testing.T, lesson ModelLesson, trained *k.Model) {
	t.Helper()
	model, _, err := lesson.Explain()
	if err != nil {
		t.Fatal(err)
	}
	got, want := kinds(model), kinds(trained)
	if trained.Name() == "head" { // of project 6, a part of the model that is saved
		got, want = got[len(got)-3:], want[1:]
		for i := range want {
			want[i] = "head/" + want[i]
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the lesson explains %q, the recipe trains %q", got, want)
	}
	path := filepath.Join(t.TempDir(), "m")
	if err := trained.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var compiled struct {
		Optimizer string
		Losses    []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(f.Metadata()["reef.compile"]), &compiled); err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(lesson.Training))
	for _, name := range []string{compiled.Optimizer, compiled.Losses[0].Name} {
		if !strings.Contains(text, strings.ToLower(strings.ReplaceAll(name, "_", ""))) {
			t.Errorf("%s of %s is not in %q", name, trained.Name(), lesson.Training)
		}
	}
}

// TestLessonShapes: what enters a layer is what the graph has before it, not what is explained
// before it.
func TestLessonShapes(t *testing.T) {
	_, layers, err := catsDogsLesson().Model("features").Explain()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range layers {
		got[l.Path] = l.In + " to " + l.Out
	}
	for path, want := range map[string]string{
		"input": " to (227, 227, 3)", "squeezenet/fire4/*": "(28, 28, 128) to (28, 28, 256)", "global_average_pooling2d": "(14, 14, 512) to (512)",
		"global_max_pooling2d": "(14, 14, 512) to (512)", "mean_and_maximum": "2 × (512) to (1024)", "head/rescaling": "(1024) to (1024)",
	} {
		if got[path] != want {
			t.Errorf("%s: %s, want %s", path, got[path], want)
		}
	}
}

// TestLessonMistakes: what is not explained, or not there, is an error.
func TestLessonMistakes(t *testing.T) {
	good := mnistLesson().Models[0]
	for want, layers := range map[string][]LayerLesson{
		`nothing explains layer "dense_1"`:                                          good.Layers[:2],
		`the explanation of layer "dense" stands where the model has layer "input"`: good.Layers[1:],
		`the explanation of layer "more" stands where the model has no layer left`:  append(slices.Clone(good.Layers), LayerLesson{"more", "?"}),
		`the explanation of layer "input" stands where the model has layer "dense"`: {good.Layers[0], good.Layers[0]},
	} {
		m := good
		m.Layers = layers
		if _, _, err := m.Explain(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestMeasurement(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "–", 300 * time.Millisecond: "1 s", 30 * time.Second: "30 s", 95 * time.Second: "2 min", 9 * time.Minute: "9 min"} {
		if got := Measurement(d).String(); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
