// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// Options are what every recipe takes. The zero value repeats the article with
// the data that is on this machine.
type Options struct {
	Data    datasets.From
	Variant string // one model of the recipe; empty trains all of them
	Epochs  int    // 0 is the article's number
	Batch   int    // 0 is the article's number
	Seed    uint64
	// Base names the pretrained network that catsdogs and visualize build upon; empty
	// is the one that is part of the program.
	Base string
	// Explain is a photo: catsdogs classifies and explains it, visualize looks at it.
	Explain string
	// File is a saved model that visualize opens instead of a pretrained network.
	File string
	// Training holds more options of each training, such as keraslike.Distributed; nil for none.
	Training []k.FitOption
	// Leaves is the number of leaves of keraslike.Distributed in Training, which a run must keep when it is resumed; 0
	// without.
	Leaves int
	// Journal keeps what is needed to resume the run if it is interrupted; nil for none.
	Journal *Journal
	// Progress receives all events of the training; nil for none.
	Progress k.Callback
	// Say receives a line before each model where a recipe trains more than one; nil
	// for none.
	Say func(line string)
	// Start is called with the compiled model and the origin of its data before the
	// training; nil for none.
	Start func(m *k.Model, origin datasets.Origin) error
}

// check rejects what the recipe cannot work with and fills in the callbacks that are
// nil. variants are the recipe's, takes the names of the options that only some
// recipes have.
func (o Options) check(recipe string, variants []string, takes ...string) (Options, error) {
	silent := o.quiet()
	if o.Progress == nil {
		o.Progress = silent.Progress
	}
	if o.Start == nil {
		o.Start = silent.Start
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	for _, option := range [][2]string{{"base", o.Base}, {"explain", o.Explain}, {"model", o.File}} {
		if option[1] != "" && !slices.Contains(takes, option[0]) {
			return o, fmt.Errorf("%s: %s %q: the recipe has no such option", recipe, option[0], option[1])
		}
	}
	switch {
	case o.Epochs < 0:
		return o, fmt.Errorf("%s: %d epochs, want a positive number", recipe, o.Epochs)
	case o.Batch < 0:
		return o, fmt.Errorf("%s: batches of %d samples, want a positive number", recipe, o.Batch)
	case o.Variant != "" && len(variants) == 0:
		return o, fmt.Errorf("%s: variant %q: the recipe has one model only", recipe, o.Variant)
	case o.Variant != "" && !slices.Contains(variants, o.Variant):
		return o, fmt.Errorf("%s: unknown variant %q, want one of: %s%s", recipe, o.Variant, strings.Join(variants, ", "), text.Meant(o.Variant, variants...))
	}
	if err := o.Journal.begin(Settings{recipe, o.Variant, o.Epochs, o.Batch, o.Seed, o.Base, o.Explain, o.File, o.Leaves}); err != nil {
		return o, fmt.Errorf("%s: %w", recipe, err)
	}
	return o, nil
}

// quiet returns the options for a training without progress.
func (o Options) quiet() Options {
	o.Progress = k.CallbackFunc(func(k.Event, *k.Training) error { return nil })
	o.Start = func(*k.Model, datasets.Origin) error { return nil }
	return o
}

func (o Options) say(format string, args ...any) { o.Say(fmt.Sprintf(format, args...)) }

// epochs is the number of epochs: the article's, unless another is asked for.
func (o Options) epochs(article int) int {
	if o.Epochs > 0 {
		return o.Epochs
	}
	return article
}

// batch is the batch size: the article's, unless another is asked for. A sample with
// fewer training samples than the article's set gets smaller batches, of at least 16,
// so that an epoch has about as many updates.
func (o Options) batch(article, samples, articleSamples int) int {
	switch {
	case o.Batch > 0:
		return o.Batch
	case articleSamples <= samples:
		return article
	}
	return min(article, max(16, article*samples/articleSamples))
}
