// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/reef-dl/reef/viz"
)

var update = flag.Bool("update", false, "write the golden page anew")

// demo is a report with one of everything; its numbers are made up.
func demo(t *testing.T) *Report {
	t.Helper()
	must := func(f *viz.Figure, err error) *viz.Figure {
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	loss := viz.Metric{Name: "loss", Training: []float64{0.283, 0.131, 0.095, 0.074, 0.061}, Validation: []float64{0.152, 0.108, 0.089, 0.081, 0.079}}
	accuracy := viz.Metric{Name: "accuracy", Training: []float64{0.917, 0.961, 0.972, 0.978, 0.982}, Validation: []float64{0.955, 0.968, 0.973, 0.976, 0.978}}
	digits := strings.Split("0123456789", "")
	counts := make([][]int, 10)
	grid := viz.Volume{Height: 8, Width: 8, Channels: 32}
	for r := range counts {
		counts[r] = make([]int, 10)
		for c := range counts[r] {
			counts[r][c] = (r*7 + c*5 + r*c) % 9
		}
		counts[r][r] = 960 + 6*r
	}
	for i := range 8 * 8 * 32 {
		c, x, y := float64(i%32), float64(i/32%8), float64(i/256)
		grid.Values = append(grid.Values, float32(math.Sin(x*c/9)+math.Cos(y*(c+3)/11)))
	}
	return &Report{
		Title: "MNIST digits with a dense network",
		Lead:  "Two dense layers learn 60,000 handwritten digits in five epochs. The test accuracy is 0.9812, the article reports 0.9805.",
		Metrics: []Metric{
			{Name: "test accuracy", Article: 0.9805, Here: 0.9812, Digits: 4},
			{Name: "test loss", Article: 0.0671, Here: 0.0702, Digits: 4, SmallerBetter: true},
			{Name: "mean absolute error", Unit: "°C", Article: 2.567, Here: 2.567, Digits: 3, SmallerBetter: true},
			{Name: "samples per second", Article: math.NaN(), Here: 91250, Digits: 0},
		},
		Curves: []Picture{
			{must(viz.Training("", loss)), "Both losses still fall after five epochs: no overfitting yet."},
			{must(viz.Training("", accuracy)), "Validation accuracy starts above training accuracy, since dropout is off there."},
		},
		Sections: []Section{
			{
				Title:    "Where it errs",
				Text:     []string{"Rows are what the digit is, columns what the network took it for. Most of the digits that are lost are a 4 taken for a 9 & a 7 taken for a 2 <as people do>."},
				Pictures: []Picture{{must(viz.Confusion("Confusion on the test set", digits, counts)), ""}},
				Tables: []Table{{
					Caption: "The three most frequent confusions.",
					Head:    []string{"Digit", "Taken for", "Times"},
					Rows:    [][]string{{"4", "9", "8"}, {"7", "2", "8"}, {"5", "3", "7"}},
					Numbers: []int{2},
				}},
			},
			{
				Title:    "What the first layer sees",
				Pictures: []Picture{{must(viz.ActivationGrid("dense_1", grid, 16, viz.Standardized)), "Each channel is scaled for itself."}},
			},
		},
		Model: Table{
			Caption: "mnist: 407,050 parameters, all trainable.",
			Head:    []string{"Layer", "Type", "Output shape", "Parameters", "Trainable"},
			Rows: [][]string{
				{"dense_1", "Dense, ReLU", "(batch, 512)", "401,920", "yes"},
				{"dropout_1", "Dropout 0.5", "(batch, 512)", "0", ""},
				{"dense_2", "Dense, softmax", "(batch, 10)", "5,130", "yes"},
			},
			Numbers: []int{3},
		},
		Facts: []Facts{
			{"Run", [][2]string{{"recipe", "mnist"}, {"data", "full, 60,000 + 10,000"}, {"seed", "1"}, {"epochs", "5"}, {"batch", "128"}, {"duration", "8.4 s"}}},
			{"Versions", [][2]string{{"reef", "v0.1.0"}, {"Go", "go1.26.8"}, {"Gorgonia", "v0.9.18"}}},
			{"Machine", [][2]string{{"system", "linux/amd64"}, {"cores", "2"}, {"instructions", "AVX-512"}}},
		},
		Repeat: []string{"go run ./cmd/recipe -name mnist -data full -epochs 5 -batch 128 -seed 1"},
	}
}

func write(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestGolden compares the page without its pictures, which have golden files
// of their own.
func TestGolden(t *testing.T) {
	svg := regexp.MustCompile(`(?s)<svg .*?</svg>`)
	got := svg.ReplaceAllString(write(t, demo(t)), "<svg/>")
	const file = "testdata/report.html"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("page differs from %s; run the test with -update and read the diff", file)
	}
	if n := strings.Count(got, "<svg/>"); n != 4 {
		t.Errorf("page has %d pictures, want 4", n)
	}
}

// TestSelfContained: nothing in the page names another file or host.
func TestSelfContained(t *testing.T) {
	page := write(t, demo(t))
	for _, address := range regexp.MustCompile(`\b(?:src=|href=|srcset=|url\()["']?([^"' )>]+)`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(address[1], "data:") && !strings.HasPrefix(address[1], "#") {
			t.Errorf("page refers to %q", address[1])
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("page has a script")
	}
	if !strings.Contains(page, "&lt;as people do&gt;") {
		t.Error("text is not escaped")
	}
	if !strings.Contains(page, "light-dark(#") {
		t.Error("pictures do not follow the color scheme")
	}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		m                   Metric
		difference, verdict string
	}{
		{Metric{Article: 0.98, Here: 0.99, Digits: 2}, "+0.01", "better"},
		{Metric{Article: 0.98, Here: 0.97, Digits: 2}, "−0.01", "worse"},
		{Metric{Article: 2.5, Here: 2.25, Digits: 2, SmallerBetter: true, Unit: "°C"}, "−0.25\u00a0°C", "better"},
		{Metric{Article: 0.98, Here: 0.9801, Digits: 2}, "+0.00", "equal"},
		{Metric{Article: math.NaN(), Here: 1}, "–", ""},
		{Metric{Article: 0.5, Here: 0.75, Digits: 2, Neutral: true}, "+0.25", ""},
		{Metric{Article: 0.5, Here: math.NaN()}, "–", "worse"},
		{Metric{Article: 0.5, Here: math.Inf(1), SmallerBetter: true}, "∞", "worse"},
	}
	for _, test := range tests {
		if d, v := test.m.DifferenceText(), test.m.Verdict(); d != test.difference || v != test.verdict {
			t.Errorf("%+v: %q %q, want %q %q", test.m, d, v, test.difference, test.verdict)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		r    Report
		want string
	}{
		{Report{}, "report has no title"},
		{Report{Title: "t", Model: Table{Caption: "c", Head: []string{"a", "b"}, Rows: [][]string{{"1"}}}}, `report "t": table "c": row 0 has 1 cells, the head 2`},
		{Report{Title: "t", Sections: []Section{{Tables: []Table{{Head: []string{"a"}, Rows: [][]string{{"1"}}}}}}}, `report "t": table with head ["a"] has no caption`},
		{Report{Title: "t", Curves: []Picture{{Caption: "c"}}}, `report "t": picture 0, "c", has no figure or no alt text`},
	}
	for _, test := range tests {
		var b bytes.Buffer
		if err := test.r.Write(&b); err == nil || err.Error() != test.want {
			t.Errorf("error = %v, want %s", err, test.want)
		}
		if b.Len() > 0 {
			t.Errorf("a wrong report wrote %d bytes", b.Len())
		}
	}
	if err := (&Report{Title: "t"}).Write(brokenWriter{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("on a broken writer: %v", err)
	}
	alone := write(t, &Report{Title: "t", Metrics: []Metric{{Name: "loss", Article: math.NaN(), Here: 0.5, Digits: 2}}})
	if strings.Contains(alone, "Difference") || !strings.Contains(alone, "0.50") {
		t.Errorf("a run without an article shows columns for one:\n%s", alone)
	}
	if page := write(t, &Report{Title: "t"}); strings.Contains(page, "<h2>") {
		t.Error("an empty report has headings")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestNumbers: groups of three digits, a true minus sign, and what is no number.
func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.0", -0.5: "−0.5", 999: "999.0", 91250.25: "91,250.2", -1234567: "−1,234,567.0", math.Inf(-1): "−∞", 1e300: "1" + strings.Repeat("0", 300) + ".0",
	} {
		got := Metric{Digits: 1}.format(v)
		if v == 1e300 {
			got, want = got[:1], want[:1]
		}
		if got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
	page := write(t, &Report{Title: "t", Metrics: []Metric{{Name: "loss", Article: 1, Here: math.NaN(), Digits: 2}}})
	if !strings.Contains(page, ">not a number<") {
		t.Errorf("a diverged loss is not reported:\n%s", page)
	}
}

// TestContents: a page of many sections or pictures lists them, each link leads to a
// section, and the caption of a picture has what the figure adds.
func TestContents(t *testing.T) {
	if c := demo(t).Contents(); c != nil {
		t.Errorf("a short page has contents %v", c)
	}
	r := demo(t)
	for range 3 {
		r.Sections = append(r.Sections, r.Sections...)
	}
	steep, err := viz.Training("", viz.Metric{Name: "loss", Training: []float64{900, 3, 2, 1}})
	if err != nil {
		t.Fatal(err)
	}
	r.Curves = []Picture{{steep, "It falls."}}
	page := write(t, r)
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) != 2+len(r.Sections)+3 {
		t.Errorf("%d links", len(links))
	}
	for _, l := range links {
		if n := strings.Count(page, `<section id="`+l[1]+`"`); n != 1 {
			t.Errorf("%d sections %q", n, l[1])
		}
	}
	if !strings.Contains(page, "<figcaption>It falls. The panel for loss omits epoch 1 (training 900.0).</figcaption>") {
		t.Error("the caption does not say what the panel omits")
	}
}
