// SPDX-License-Identifier: Apache-2.0

package applications

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/reef-dl/reef/keraslike"
)

// imageNetText has a line for each of the 1,000 classes: its WordNet id and its name.
//
//go:embed imagenet_classes.txt
var imageNetText string

var imageNetClasses = sync.OnceValue(func() [][2]string {
	var classes [][2]string
	for line := range strings.Lines(imageNetText) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		classes = append(classes, [2]string{id, name})
	}
	return classes
})

// ImageNetClasses are the names of the 1,000 classes, by the outputs of the networks.
func ImageNetClasses() []string {
	names := make([]string, len(imageNetClasses()))
	for i, class := range imageNetClasses() {
		names[i] = class[1]
	}
	return names
}

// Prediction is one class that a network sees in a picture.
type Prediction struct {
	Class int     // which of the 1,000 outputs it is
	ID    string  // its WordNet id, "n02504458"
	Name  string  // "African_elephant"
	Score float32 // the probability
}

// DecodePredictions gives the top most probable classes of each picture, the most
// probable first; of equal ones the first. p is what a network with its top predicts,
// (n, 1000), see https://keras.io/api/applications/.
func DecodePredictions(p *keraslike.Array, top int) ([][]Prediction, error) {
	classes := imageNetClasses()
	if shape := p.Shape(); len(shape) != 2 || shape[1] != len(classes) {
		return nil, fmt.Errorf("decode predictions: got shape %v, want [n %d]", shape, len(classes))
	}
	if top < 1 || top > len(classes) {
		return nil, fmt.Errorf("decode predictions: top is %d, want 1 to %d", top, len(classes))
	}
	order := make([]int, len(classes))
	var all [][]Prediction
	for row := range slices.Chunk(p.Values(), len(classes)) {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(row[b], row[a]) })
		best := make([]Prediction, top)
		for i, class := range order[:top] {
			best[i] = Prediction{class, classes[class][0], classes[class][1], row[class]}
		}
		all = append(all, best)
	}
	return all, nil
}

// caffe turns red, green, blue into blue, green, red less the means of ImageNet.
func caffe(rgb []float32, blue, green, red float32) error {
	if len(rgb)%3 != 0 {
		return fmt.Errorf("preprocess: %d values, want three for each pixel", len(rgb))
	}
	for i := 0; i < len(rgb); i += 3 {
		rgb[i], rgb[i+1], rgb[i+2] = rgb[i+2]-blue, rgb[i+1]-green, rgb[i]-red
	}
	return nil
}
