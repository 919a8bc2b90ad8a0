// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
)

// TestVisualize looks at the photo of the program with the network of the program.
// 0.52 is what PyTorch gives for chelsea.
func TestVisualize(t *testing.T) {
	noCache(t)
	r, err := Visualize(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Metrics["top1"]; got < 0.51 || got > 0.53 || !strings.HasPrefix(r.Notes[0], "chelsea.png: Egyptian_cat, ") {
		t.Errorf("%g, %q", got, r.Notes)
	}
	count := map[string]int{}
	for _, p := range r.Pictures {
		if p.Figure.Alt == "" {
			t.Errorf("picture %q has no alt text", p.Name)
		}
		kind, _, _ := strings.Cut(p.Name, "_")
		count[kind]++
	}
	// conv1, conv10, three convolutions in each of eight fires, three poolings; the
	// maps have four sizes
	for kind, want := range map[string]int{"gradcam": 1, "pixels": 1, "activations": 2 + 3*8 + 3, "channel": 4, "patterns": 4} {
		if count[kind] != want {
			t.Errorf("%d pictures %q, want %d", count[kind], kind, want)
		}
	}
	dir := t.TempDir()
	files, err := r.Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, ".safetensors") || strings.HasSuffix(f, ".csv") {
			t.Errorf("%s was written, though nothing was trained", f)
		}
	}
	html, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if len(html) > 3<<20 {
		t.Errorf("the HTML report has %d bytes", len(html))
	}
	for _, want := range []string{`<nav aria-label="Contents">`, "chelsea.png: Egyptian_cat", "Grad-CAM++", "What filters of squeezenet/conv10 look for", "tiger_cat"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the HTML report lacks %q", want)
		}
	}
}

// TestGradCAMRegion: the heat lies on the animals. The boxes were measured on the
// photos, as fractions of the height and the width: top, left, bottom, right.
func TestGradCAMRegion(t *testing.T) {
	type photograph struct {
		name, class string
		boxes       [][4]float64
	}
	photographs := []photograph{{"", "Egyptian_cat", [][4]float64{{0, 0.15, 1, 0.8}}}}
	if elephant := filepath.Join(os.Getenv("REEF_DATA"), "photos", articlePhoto); os.Getenv("REEF_DATA") != "" {
		if _, err := os.Stat(elephant); err == nil {
			photographs = append(photographs, photograph{elephant, "African_elephant", [][4]float64{{0.36, 0.16, 0.70, 0.56}, {0.13, 0.44, 0.65, 1}}})
		}
	}
	for _, p := range photographs {
		t.Run(p.class, func(t *testing.T) {
			shown, _, err := choosePhoto(p.name)
			if err != nil {
				t.Fatal(err)
			}
			model, classes, err := chooseModel(t.Context(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			v, err := newViewer(Options{}, model, classes, shown)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.predict(t.Context(), &Report{Metrics: Figures{}}); err != nil {
				t.Fatal(err)
			}
			if got := v.classes[v.best[0].class]; got != p.class {
				t.Fatalf("the photo shows %s", got)
			}
			for _, method := range []explain.Method{explain.GradCAM{}, explain.GradCAMPlusPlus{}} {
				heat, err := method.Explain(t.Context(), v.network, v.x, v.best[0].class)
				if err != nil {
					t.Fatal(err)
				}
				inside, outside, hottest := spread(heat, p.boxes)
				if !hottest || inside < 2*outside {
					t.Errorf("%T: hottest inside: %v, mean heat %g inside and %g outside", method, hottest, inside, outside)
				}
			}
		})
	}
}

// spread is the mean heat inside and outside of the boxes, and whether the hottest
// cell is inside.
func spread(heat viz.Volume, boxes [][4]float64) (inside, outside float64, hottest bool) {
	in, out := 0, 0
	most := slices.Max(heat.Values)
	for i, v := range heat.Values {
		y, x := (float64(i/heat.Width)+0.5)/float64(heat.Height), (float64(i%heat.Width)+0.5)/float64(heat.Width)
		if slices.ContainsFunc(boxes, func(b [4]float64) bool { return y >= b[0] && x >= b[1] && y <= b[2] && x <= b[3] }) {
			inside += float64(v)
			in++
			hottest = hottest || v == most
		} else {
			outside += float64(v)
			out++
		}
	}
	return inside / float64(in), outside / float64(max(1, out)), hottest
}

// TestVisualizeOwnModel: a user's model of one channel and three classes, with a
// nested model, and models that cannot be visualized.
func TestVisualizeOwnModel(t *testing.T) {
	noCache(t)
	dir := t.TempDir()
	save := func(name string, m *k.Model) string {
		t.Helper()
		if err := m.Build(3); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inner := k.Sequential("inner", k.Input(20, 24, 1), k.Conv2D(4, 3, k.ReLU), k.AveragePooling2D(2))
	own := save("own.safetensors", k.Sequential("own", k.Input(20, 24, 1), inner, k.Conv2D(6, 3), k.GlobalAveragePooling2D(), k.Dense(3, k.Softmax)))
	r, err := Visualize(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, File: own})
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, p := range r.Pictures {
		shown = append(shown, p.Name)
	}
	for _, want := range []string{"activations_inner_conv2d", "activations_inner_average_pooling2d", "activations_conv2d", "gradcam"} {
		if !slices.Contains(shown, want) {
			t.Errorf("no picture %q among %q", want, shown)
		}
	}
	if r.Metrics["top1"] < 1./3 || !strings.Contains(r.Notes[0], "class ") {
		t.Errorf("%v, %q", r.Metrics, r.Notes)
	}

	dense := save("dense.safetensors", k.Sequential("dense", k.Input(784), k.Dense(10, k.Softmax)))
	flat := save("flat.safetensors", k.Sequential("flat", k.Input(8, 8, 3), k.Flatten(), k.Dense(10, k.Softmax)))
	deep := save("deep.safetensors", k.Sequential("deep", k.Input(8, 8, 5), k.Conv2D(2, 3), k.Flatten(), k.Dense(10, k.Softmax)))
	broken := filepath.Join(dir, "broken.safetensors")
	if err := os.WriteFile(broken, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{File: dense}, `model "dense" takes (batch, 784)`},
		{Options{File: flat}, `model "flat" has no convolution to look into`},
		{Options{File: deep}, `model "deep" takes pictures of 5 channels`},
		{Options{File: broken}, broken},
		{Options{File: filepath.Join(dir, "absent.keras")}, "absent.keras"},
		{Options{File: own, Base: "squeezenet"}, "want one"},
		{Options{Epochs: 3}, "there is nothing to train"},
		{Options{Variant: "x"}, "one model only"},
	} {
		if _, err := Visualize(t.Context(), c.o); err == nil || !strings.HasPrefix(err.Error(), "visualize: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Visualize(stopped, Options{File: own}); !errors.Is(err, k.ErrInterrupted) {
		t.Errorf("stopped: %v", err)
	}
}

// TestVisualizeKeras opens a convnet that Keras 3 saved, where $REEF_DATA has it.
func TestVisualizeKeras(t *testing.T) {
	file := filepath.Join(os.Getenv("REEF_DATA"), "keras_models", "keras3.14_mnist_cnn.keras")
	if _, err := os.Stat(file); os.Getenv("REEF_DATA") == "" || err != nil {
		t.Skip("the model is not in $REEF_DATA")
	}
	r, err := Visualize(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, File: file})
	if err != nil {
		t.Fatal(err)
	}
	if n := fmt.Sprint(r.Parameters); n != "225034" || len(r.Pictures) < 8 {
		t.Errorf("%s parameters, %d pictures", n, len(r.Pictures))
	}
}
