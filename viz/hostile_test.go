// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile are rows of numbers that axes, scales and legends have to live with.
var hostile = map[string][]float64{
	"nothing":        {},
	"one":            {7},
	"zero":           {0, 0, 0},
	"an ulp":         {1, 1.0000000000000002},
	"an ulp of much": {84.41955615616556, math.Nextafter(84.41955615616556, 85), 84.41955615616556},
	"an ulp of huge": {1e308, math.Nextafter(1e308, math.MaxFloat64)},
	"all range":      {-math.MaxFloat64, math.MaxFloat64},
	"largest":        {math.MaxFloat64, math.MaxFloat64},
	"huge":           {1e308, -1e308, 0, 1},
	"denormal":       {5e-324, 0, 1e-323},
	"one denormal":   {5e-324},
	"tiny":           {1e-300, 2e-300},
	"many sizes":     {1e-300, 1e300, 1, -1},
	"NaN":            {math.NaN(), math.NaN()},
	"some NaN":       {math.NaN(), 1, math.NaN(), 2, 3, math.NaN()},
	"infinite":       {math.Inf(1), math.Inf(-1)},
	"some infinite":  {1, math.Inf(1), 2, math.Inf(-1), 3},
	"negative zero":  {math.Copysign(0, -1), 0},
	"after the dot":  {1e15, 1e15 + 0.125, 1e15 + 0.25},
	"steep":          {1e300, 3, 2, 1.5, 1.2, 1.1, 1.05, 1.04},
	"dead":           {600, 84.4, 84.4, 84.4, 84.4, 84.4, 84.4, 84.4},
}

// draws makes every figure there is of a row of numbers. A figure may be refused
// with an error where the numbers cannot be what it shows.
func draws(v []float64) map[string]func() (*Figure, error) {
	name := "<" + strings.Repeat("very long name \x00 ", 100)
	half := len(v) / 2
	table := [][]float64{v, v}
	volume := Volume{Height: 1, Width: len(v), Channels: 1}
	whole := make([]int, len(v))
	positive := make([]bool, len(v))
	var times []time.Time
	var points []Point
	var samples []Sample
	var views []View
	var names []string
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i, x := range v {
		volume.Values = append(volume.Values, float32(x))
		if x > 0 {
			whole[i] = int(min(x, 1e18))
		}
		positive[i] = i%2 == 0
		times = append(times, time.Unix(int64(i)*100, 0))
		points = append(points, Point{X: x, Y: -x, Group: i%2 - 1, Label: name})
		samples = append(samples, Sample{Image: img, Predicted: name, Confidence: x, Truth: "b"})
		views = append(views, View{Image: img, Caption: name})
		names = append(names, name)
	}
	square := make([][]int, len(v))
	for i := range square {
		square[i] = whole
	}
	spark := func(width int) func() (*Figure, error) {
		return func() (*Figure, error) {
			if got := []rune(Spark(v, width)); width > 0 && len(got) > width {
				return nil, fmt.Errorf("%d characters in %d columns", len(got), width)
			}
			return &Figure{Alt: "-", width: 1, height: 1, draw: func(*pen) {}}, nil
		}
	}
	return map[string]func() (*Figure, error){
		"Lines":      func() (*Figure, error) { return Lines(name, name, name, Line{Name: name, Y: v}, Line{Y: v}) },
		"Lines of X": func() (*Figure, error) { return Lines("t", "x", "y", Line{Name: "a", X: v, Y: v}) },
		"Training": func() (*Figure, error) {
			return Training(name, Metric{Name: "loss", Unit: name, Training: v, Validation: v}, Metric{Name: "mse", Training: v})
		},
		"TimeSeries": func() (*Figure, error) { return TimeSeries(name, name, times, Line{Name: name, Y: v}) },
		"ROC":        func() (*Figure, error) { return ROC(name, Scores{Name: name, Score: v, Positive: positive}) },
		"HeatMap":    func() (*Figure, error) { return HeatMap{Title: name, Values: table, Bar: name}.Figure() },
		"HeatMap with names": func() (*Figure, error) {
			return HeatMap{Values: table, Cols: names, XLabel: name, YLabel: name}.Figure()
		},
		"HeatMap with range": func() (*Figure, error) {
			return HeatMap{Values: table, Min: v[0], Max: v[half]}.Figure()
		},
		"Correlation": func() (*Figure, error) { return Correlation(name, nil, table) },
		"Confusion":   func() (*Figure, error) { return Confusion(name, names, square) },
		"ActivationGrid": func() (*Figure, error) {
			return ActivationGrid(name, volume, 0, Standardized)
		},
		"ActivationGrid from min to max": func() (*Figure, error) { return ActivationGrid(name, volume, 1000, MinMax) },
		"Channel":                        func() (*Figure, error) { return Channel(name, volume, 0) },
		"EmbeddingMap":                   func() (*Figure, error) { return EmbeddingMap(name, name, name, points, nil) },
		"Samples":                        func() (*Figure, error) { return Samples(name, samples, 1000) },
		"Gallery":                        func() (*Figure, error) { return Gallery(name, views, 0) },
		"SideBySide":                     func() (*Figure, error) { return SideBySide(name, Magma, name, views...) },
		"Overlay": func() (*Figure, error) {
			over, err := Overlay(img, volume, 0.5)
			if err != nil {
				return nil, err
			}
			return Gallery("", []View{{Image: over}}, 0)
		},
		"Spark": spark(0), "Spark of one": spark(1), "Spark of few": spark(3),
		"LayerGraph": func() (*Figure, error) {
			return LayerGraph{Title: name, Nodes: []GraphNode{{ID: "a", Title: name, Lines: names, Cluster: name}}}.Figure()
		},
		"PCA": func() (*Figure, error) {
			places, _, err := PCA([][]float64{v, v, make([]float64, len(v))}, 1)
			if err != nil {
				return nil, err
			}
			return EmbeddingMap("", "", "", []Point{{X: places[0][0]}, {X: places[2][0]}}, nil)
		},
		"TSNE": func() (*Figure, error) {
			places, err := TSNE([][]float64{v, v, make([]float64, len(v)), v, v}, TSNEOptions{Steps: 20})
			if err != nil {
				return nil, err
			}
			return EmbeddingMap("", "", "", []Point{{X: places[0][0], Y: places[0][1]}}, nil)
		},
	}
}

// mayRefuse are the figures that refuse numbers which cannot be theirs: scores that
// are NaN, correlations beyond 1, layer outputs and rows of embeddings that are not
// finite. All others draw whatever there is.
var mayRefuse = map[string]bool{
	"ROC": true, "HeatMap with range": true, "Correlation": true, "ActivationGrid": true, "ActivationGrid from min to max": true,
	"Channel": true, "Overlay": true, "PCA": true, "TSNE": true,
}

// try draws a figure as PNG and as HTML in bounded time and memory.
func try(t *testing.T, name string, draw func() (*Figure, error), empty bool) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	f, err := draw()
	if err != nil {
		if !mayRefuse[name] && !empty {
			t.Errorf("%s: %.300v", name, err)
		}
		return
	}
	if err := f.writePNG(io.Discard, Light, 72); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	var page strings.Builder
	if err := f.WriteHTML(&page); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for d := xml.NewDecoder(strings.NewReader(page.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: SVG: %v", name, err)
		}
	}
	for _, wrong := range []string{`="NaN"`, `="+Inf"`, `="-Inf"`, "NaN,", "Inf,", ",NaN", "L-Inf"} {
		if strings.Contains(page.String(), wrong) {
			t.Errorf("%s: the SVG has %s", name, wrong)
		}
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; took > 30*time.Second || used > 400<<20 {
		t.Errorf("%s took %v and %d MB", name, took, used>>20)
	}
}

// TestHostileNumbers: every figure of all kinds of numbers is drawn at once.
func TestHostileNumbers(t *testing.T) {
	for what, v := range hostile {
		t.Run(what, func(t *testing.T) {
			for name, draw := range draws(v) {
				if len(v) == 0 && name == "HeatMap with range" {
					continue
				}
				try(t, name, draw, len(v) == 0)
			}
		})
	}
}

// FuzzFigures draws every figure of numbers of any bits.
func FuzzFigures(f *testing.F) {
	for _, what := range []string{"an ulp", "all range", "some infinite"} {
		var b []byte
		for _, x := range hostile[what] {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		for which := range len(draws(hostile[what])) {
			f.Add(append([]byte{byte(which)}, b...))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		which := int(b[0]) // of the figures: all of them are too slow for one input
		b = b[1:]
		var v []float64
		for ; len(b) >= 8 && len(v) < 40; b = b[8:] {
			v = append(v, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
		if len(v) == 0 {
			return
		}
		figures := draws(v)
		names := slices.Sorted(maps.Keys(figures))
		name := names[which%len(names)]
		try(t, name, figures[name], false)
	})
}

// TestTicks: an axis of any numbers has some ticks, within it, rising, with texts
// that differ.
func TestTicks(t *testing.T) {
	for what, v := range hostile {
		lo, hi := extent([]line{{y: v}}, func(l line) []float64 { return l.y })
		a := numberAxis("", lo, hi, 0.05, 5)
		if len(a.ticks) < 2 || len(a.ticks) > 20 {
			t.Errorf("%s: axis from %v to %v has ticks %v", what, a.min, a.max, a.ticks)
		}
		for i, k := range a.ticks {
			if s := a.scale(k.at); !(s >= -1e-6 && s <= 1+1e-6) {
				t.Errorf("%s: tick %v lies at %v", what, k, s)
			}
			if i > 0 && (k.at <= a.ticks[i-1].at || k.text == a.ticks[i-1].text) {
				t.Errorf("%s: tick %v follows %v", what, k, a.ticks[i-1])
			}
		}
	}
}

// TestManyPoints: two million points, a hundred thousand lines, names and groups.
func TestManyPoints(t *testing.T) {
	many := make([]float64, 2_000_000)
	for i := range many {
		many[i] = math.Sin(float64(i) / 1e5)
	}
	began := time.Now()
	written := func(f *Figure, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := f.WriteSVG(&b, Light); err != nil {
			t.Fatal(err)
		}
		if b.Len() > 8<<20 {
			t.Errorf("%s: %d bytes", f.Alt[:min(60, len(f.Alt))], b.Len())
		}
		if took := time.Since(began); took > 60*time.Second {
			t.Errorf("%s took %v", f.Alt[:min(60, len(f.Alt))], took)
		}
		began = time.Now()
	}
	written(Lines("t", "x", "y", Line{Name: "a", Y: many}))
	written(Training("t", Metric{Name: "loss", Training: many, Validation: many}))
	written(HeatMap{Values: [][]float64{many}}.Figure())
	tall := make([][]float64, 100_000)
	names := make([]string, len(tall))
	for i := range tall {
		tall[i], names[i] = many[i:i+2], "row"
	}
	written(HeatMap{Values: tall, Rows: names}.Figure())
	lines, points := make([]Line, 2000), make([]Point, 500_000)
	for i := range lines {
		lines[i] = Line{Name: fmt.Sprint("line ", i), Y: many[i : i+5]}
	}
	for i := range points {
		points[i] = Point{X: many[i], Y: many[3*i+7], Group: i % 3, Label: "word"}
	}
	written(Lines("t", "x", "y", lines...))
	written(EmbeddingMap("t", "", "", points, names[:1000]))
	if got := []rune(Spark(many, 60)); len(got) != 60 {
		t.Errorf("%d characters", len(got))
	}
}

// TestTooLarge: what no memory holds is refused, not tried.
func TestTooLarge(t *testing.T) {
	endless := image.NewUniform(image.White.C)
	for name, draw := range map[string]func() error{
		"Samples":    func() error { _, err := Samples("", []Sample{{Image: endless}}, 0); return err },
		"Gallery":    func() error { _, err := Gallery("", []View{{Image: endless}}, 0); return err },
		"SideBySide": func() error { _, err := SideBySide("", Magma, "", View{Image: endless}); return err },
		"Overlay": func() error {
			_, err := Overlay(endless, Volume{1, 1, 1, []float32{1}}, 0.5)
			return err
		},
		"Overlay on nothing": func() error { _, err := Overlay(nil, Volume{1, 1, 1, []float32{1}}, 0.5); return err },
		"Volume":             func() error { return Volume{Height: math.MaxInt, Width: math.MaxInt, Channels: 1}.Check() },
		"FromImage":          func() error { return FromImage(endless).Check() },
		"TSNE":               func() error { _, err := TSNE(make2(20_000), TSNEOptions{}); return err },
		"TSNE of NaN":        func() error { _, err := TSNE(make2(9), TSNEOptions{Perplexity: math.NaN()}); return err },
	} {
		if draw() == nil {
			t.Errorf("%s was not refused", name)
		}
	}
	tall, err := ActivationGrid("t", Volume{Height: 1, Width: 1, Channels: 200_000, Values: make([]float32, 200_000)}, 1, MinMax)
	if err != nil {
		t.Fatal(err)
	}
	if dpi, err := tall.resolution(192); err == nil && dpi > 30 {
		t.Errorf("200,000 rows in %d pixels to the inch", dpi)
	}
}

func make2(n int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = []float64{float64(i), 1}
	}
	return rows
}
