// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// Recipe is one project.
type Recipe struct {
	Name     string   // for the command line
	Title    string   // one line
	Set      string   // the data set's name in package datasets
	Variants []string // its models by name, in the order in which they are trained
	Run      func(ctx context.Context, o Options) (*Report, error)
	Lesson   func() Lesson // what it teaches, layer by layer
}

// All returns the recipes in the article's order.
func All() []Recipe {
	return []Recipe{
		{Name: "mnist", Title: "dense classifier of handwritten digits (MNIST)", Set: "mnist", Run: MNIST, Lesson: mnistLesson},
		{Name: "boston", Title: "prices of homes in Boston: regression and cross-validation", Set: "boston_housing", Variants: bostonVariants, Run: Boston, Lesson: bostonLesson},
		{Name: "imdb", Title: "good and bad film reviews: overfitting, L2 and dropout", Set: "imdb", Variants: imdbVariants, Run: IMDB, Lesson: imdbLesson},
		{Name: "reuters", Title: "newswires of 46 topics: one-hot and sparse labels", Set: "reuters", Variants: reutersVariants, Run: Reuters, Lesson: reutersLesson},
		{Name: "mnistcnn", Title: "convolutional classifier of handwritten digits (MNIST)", Set: "mnist", Run: MNISTCNN, Lesson: mnistCNNLesson},
		{Name: "catsdogs", Title: "cats and dogs: a small convnet, pretrained features, fine-tuning", Set: "dogs_vs_cats", Variants: catsDogsVariants, Run: CatsDogs, Lesson: catsDogsLesson},
		{Name: "visualize", Title: "what a convnet sees: activations, filter patterns, Grad-CAM", Set: "dogs_vs_cats", Run: Visualize, Lesson: visualizeLesson},
		{Name: "embeddings", Title: "words as vectors: learned with the task, and GloVe", Set: "imdb", Variants: embeddingsVariants, Run: Embeddings, Lesson: embeddingsLesson},
		{Name: "temperature", Title: "tomorrow's temperature from ten days of weather: dense and GRU", Set: "jena", Variants: temperatureVariants, Run: Temperature, Lesson: temperatureLesson},
		{Name: "conv1d", Title: "convolutions along time, on reviews and on the weather", Set: "imdb", Variants: conv1dVariants, Run: Conv1D, Lesson: conv1dLesson},
	}
}

// Find returns the recipe with that name; the error for an unknown name lists all.
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
