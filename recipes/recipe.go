// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
)

// Recipe is one project.
type Recipe struct {
	Name     string   // for the command line
	Title    string   // one line
	Set      string   // the data set's name in package datasets
	Variants []string // its models by name, in the order of the story
	Run      func(ctx context.Context, o Options) (*Report, error)
}

// Options are what every recipe takes. The zero value repeats the article with
// the data that is on this machine.
type Options struct {
	Data    datasets.From
	Variant string // one model of the recipe; empty runs the story through
	Epochs  int    // 0 is the article's number
	Batch   int    // 0 is the article's number
	Seed    uint64
	// Base names the pretrained network that catsdogs and visualize build upon; empty
	// is the one that is part of the program.
	Base string
	// Explain is a photo: catsdogs says what it shows and why, visualize looks at it.
	Explain string
	// File is a saved model that visualize opens instead of a pretrained network.
	File string
	// Progress is told of all events of the training; it may be nil.
	Progress keraslike.Callback
	// Say is told what comes next where a recipe trains more than one model; it may
	// be nil.
	Say func(line string)
	// Start is told what is about to be trained on what; it may be nil.
	Start func(m *keraslike.Model, origin datasets.Origin) error
}

// All are the recipes, in the article's order.
func All() []Recipe {
	return []Recipe{
		{Name: "mnist", Title: "dense classifier of handwritten digits (MNIST)", Set: "mnist", Run: MNIST},
		{Name: "boston", Title: "prices of homes in Boston: regression and cross-validation", Set: "boston_housing", Variants: bostonVariants, Run: Boston},
		{Name: "imdb", Title: "good and bad film reviews: overfitting, L2 and dropout", Set: "imdb", Variants: imdbVariants, Run: IMDB},
		{Name: "reuters", Title: "newswires of 46 topics: one-hot and sparse labels", Set: "reuters", Variants: reutersVariants, Run: Reuters},
		{Name: "mnistcnn", Title: "convolutional classifier of handwritten digits (MNIST)", Set: "mnist", Run: MNISTCNN},
		{Name: "catsdogs", Title: "cats and dogs: a small convnet, pretrained features, fine-tuning", Set: "dogs_vs_cats", Variants: catsDogsVariants, Run: CatsDogs},
		{Name: "visualize", Title: "what a convnet sees: activations, filter patterns, Grad-CAM", Set: "dogs_vs_cats", Run: Visualize},
		{Name: "embeddings", Title: "words as vectors: learned with the task, and GloVe", Set: "imdb", Variants: embeddingsVariants, Run: Embeddings},
		{Name: "temperature", Title: "tomorrow's temperature from ten days of weather: dense and GRU", Set: "jena", Variants: temperatureVariants, Run: Temperature},
		{Name: "conv1d", Title: "convolutions along time, on reviews and on the weather", Set: "imdb", Variants: conv1dVariants, Run: Conv1D},
	}
}

// Find is the recipe of that name; the error of an unknown one lists all.
func Find(name string) (Recipe, error) {
	all := All()
	i := slices.IndexFunc(all, func(r Recipe) bool { return r.Name == name })
	if i < 0 {
		var names []string
		for _, r := range all {
			names = append(names, r.Name)
		}
		return Recipe{}, fmt.Errorf("unknown recipe %q, want one of: %s%s", name, strings.Join(names, ", "), text.Meant(name, names...))
	}
	return all[i], nil
}

// check refuses what the recipe cannot work with; takes are the names of the options
// that only some recipes have.
func (o Options) check(variants []string, takes ...string) error {
	for _, option := range [][2]string{{"base", o.Base}, {"explain", o.Explain}, {"model", o.File}} {
		if option[1] != "" && !slices.Contains(takes, option[0]) {
			return fmt.Errorf("%s %q: the recipe has no such option", option[0], option[1])
		}
	}
	switch {
	case o.Epochs < 0:
		return fmt.Errorf("%d epochs, want a positive number", o.Epochs)
	case o.Batch < 0:
		return fmt.Errorf("batches of %d samples, want a positive number", o.Batch)
	case o.Variant != "" && len(variants) == 0:
		return fmt.Errorf("variant %q: the recipe has one model only", o.Variant)
	case o.Variant != "" && !slices.Contains(variants, o.Variant):
		return fmt.Errorf("unknown variant %q, want one of: %s%s", o.Variant, strings.Join(variants, ", "), text.Meant(o.Variant, variants...))
	}
	return nil
}

func (o Options) say(format string, args ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, args...))
	}
}

// wants tells whether a variant is to be run.
func (o Options) wants(variant string) bool { return o.Variant == "" || o.Variant == variant }

// Bases are the names of the pretrained networks that Options.Base takes.
func Bases() (names []string) {
	for _, p := range pretrainedNetworks {
		names = append(names, p.name)
	}
	return names
}

// or is v, or the default for 0.
func or(v, standard int) int {
	if v == 0 {
		return standard
	}
	return v
}
