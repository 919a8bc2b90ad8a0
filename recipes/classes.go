// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// guess is what a classifier says of one sample.
type guess struct {
	class       int
	probability float64
}

// guesses are the likeliest classes of all samples of a source.
func guesses(ctx context.Context, m *keraslike.Model, s keraslike.Source) ([]guess, error) {
	out, err := m.PredictSource(ctx, s)
	if err != nil {
		return nil, err
	}
	list := make([]guess, s.Len())
	for i, class := range out[0].ArgMax() {
		list[i] = guess{class, float64(out[0].Row(i)[class])}
	}
	return list, nil
}

// confuse draws which of the largest classes are taken for which, all others
// together as one, and lists the most frequent mistakes among all classes.
func (r *Report) confuse(names []string, truth []int, said []guess, largest int) error {
	sizes, order := make([]int, len(names)), make([]int, len(names))
	for c := range order {
		order[c] = c
	}
	for _, c := range truth {
		sizes[c]++
	}
	shown := slices.Clone(names)
	at := order // of each class in the matrix
	if len(names) > largest {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
		shown, at = nil, make([]int, len(names))
		for i, c := range order {
			at[c] = min(i, largest)
			if i < largest {
				shown = append(shown, names[c])
			}
		}
		shown = append(shown, "other")
	}
	counts := make([][]int, len(shown))
	for i := range counts {
		counts[i] = make([]int, len(shown))
	}
	mistakes := map[[2]int]int{}
	right := 0
	for i, c := range truth {
		counts[at[c]][at[said[i].class]]++
		if c == said[i].class {
			right++
		} else {
			mistakes[[2]int{c, said[i].class}]++
		}
	}
	caption := fmt.Sprintf("%s of %s are classified correctly.", text.Thousands(right), text.Count(len(truth), "test sample"))
	if len(shown) < len(names) {
		caption += fmt.Sprintf(" The %d largest of %d classes; “other” is all the rest, which may be mistaken for one another.", largest, len(names))
	}
	f, err := viz.Confusion("Confusion matrix", shown, counts)
	if err := r.show("confusion", caption, f, err); err != nil {
		return err
	}
	var pairs [][2]int
	for p := range mistakes {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b [2]int) int {
		return cmp.Or(cmp.Compare(mistakes[b], mistakes[a]), slices.Compare(a[:], b[:]))
	})
	var lines [][]string
	for _, p := range pairs[:min(10, len(pairs))] {
		lines = append(lines, []string{names[p[0]], names[p[1]], fmt.Sprint(mistakes[p]), fmt.Sprint(sizes[p[0]])})
	}
	if len(lines) > 0 {
		r.tabulate("The most frequent mistakes.", []string{"true class", "predicted as", "times", "of"}, lines, 2, 3)
	}
	return nil
}

// showDigits draws the first pictures of the test with what the model says of
// them, and the mistakes that it is surest of.
func (r *Report) showDigits(test *datasets.Images, said []guess) error {
	name := func(class int) string { return "digit " + test.Names()[class] }
	sample := func(i int) viz.Sample {
		return viz.Sample{Image: ink(test.Image(i)), Predicted: name(said[i].class), Confidence: said[i].probability, Truth: name(test.Label(i))}
	}
	var first, wrong []viz.Sample
	var mistakes []int
	for i := range said {
		if i < 16 {
			first = append(first, sample(i))
		}
		if said[i].class != test.Label(i) {
			mistakes = append(mistakes, i)
		}
	}
	f, err := viz.Samples("First test samples", first, 8)
	if err := r.show("samples", "What the model predicts for the first test pictures, and with what confidence.", f, err); err != nil {
		return err
	}
	slices.SortStableFunc(mistakes, func(a, b int) int { return cmp.Compare(said[b].probability, said[a].probability) })
	for _, i := range mistakes[:min(16, len(mistakes))] {
		wrong = append(wrong, sample(i))
	}
	if len(wrong) == 0 {
		return nil
	}
	f, err = viz.Samples("Mistakes", wrong, 8)
	return r.show("mistakes", fmt.Sprintf("Of %s, the ones with the highest confidence.", text.Count(len(mistakes), "mistake")), f, err)
}

// ink is a digit of 28 x 28 bytes as black on white.
func ink(pixels []uint8) image.Image {
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	for i, v := range pixels {
		img.Pix[i] = 255 - v
	}
	return img
}
