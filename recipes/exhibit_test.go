// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/viz"
)

// TestExhibits: a recipe's own pictures and tables, of one model and of a story,
// lie in the folder in both formats and stand on the page with their captions.
func TestExhibits(t *testing.T) {
	one, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Epochs: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	one.Variant, one.Headlines = "first", []string{"test_accuracy"}
	figure, err := viz.Lines("slope", "x", "y", viz.Line{Name: "line", Y: []float64{1, 2}})
	if err := one.show("slope", "It goes up.", figure, err); err != nil {
		t.Fatal(err)
	}
	one.tabulate("Two numbers.", []string{"name", "value"}, [][]string{{"a <b>", "1"}}, 1)
	two := *one
	two.Variant = "second"
	story := join([]*Report{one, &two})
	if err := story.show("both", "Both of them.", figure, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r     *Report
		files []string
		page  []string
	}{
		"model": {
			one,
			[]string{"slope.png", "slope.svg", "graph.svg"},
			[]string{"It goes up.", "Two numbers.", "a &lt;b&gt;", "mnist: graph of 3 layers", figure.Alt},
		},
		"story": {
			story,
			[]string{"both.png", "both.svg", "first/slope.png", "second/slope.svg", "second/report.html"},
			[]string{"Both of them.", "Model first", "Model second", "first/test_accuracy", "What first measured."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := c.r.Save(dir); err != nil {
				t.Fatal(err)
			}
			for _, f := range c.files {
				if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", f, err)
				}
			}
			page, err := os.ReadFile(filepath.Join(dir, "report.html"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.page {
				if !strings.Contains(string(page), want) {
					t.Errorf("the page lacks %q", want)
				}
			}
		})
	}
	mine := errors.New("no")
	if err := one.show("bad", "", nil, mine); !errors.Is(err, mine) {
		t.Errorf("an error of viz: got %v", err)
	}
}
