// SPDX-License-Identifier: Apache-2.0

package inspect_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
	"github.com/reef-dl/reef/viz/inspect"
)

// base is a small functional network with a block that is a model of its own.
func base() *keraslike.Model {
	in := keraslike.Input(8, 7, 3)
	x := keraslike.Conv2D(5, 3, keraslike.Tanh, keraslike.Name("conv1")).Apply(in)
	inner := keraslike.Input(6, 5, 5)
	block := keraslike.NewModel("fire", []*keraslike.Tensor{inner}, []*keraslike.Tensor{keraslike.Concatenate(keraslike.Name("concat")).Apply(
		keraslike.Conv2D(2, 1, keraslike.Tanh, keraslike.Name("expand1")).Apply(inner),
		keraslike.Conv2D(2, 3, keraslike.Tanh, keraslike.SamePadding, keraslike.Name("expand3")).Apply(inner))})
	x = keraslike.AveragePooling2D(2, keraslike.Name("pool")).Apply(block.Apply(x))
	return keraslike.NewModel("base", []*keraslike.Tensor{in}, []*keraslike.Tensor{x})
}

// classifier nests the base under a head of one sigmoid or of several classes.
func classifier(t *testing.T, classes int) *inspect.Model {
	t.Helper()
	f := keraslike.Softmax
	if classes == 1 {
		f = keraslike.Sigmoid
	}
	m := keraslike.Sequential("classifier", keraslike.Input(8, 7, 3), base(),
		keraslike.Flatten(), keraslike.Dropout(0.5), keraslike.Dense(classes, f, keraslike.Name("top")))
	if err := m.Build(4); err != nil {
		t.Fatal(err)
	}
	v, err := inspect.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func picture() viz.Volume {
	v := viz.Volume{Height: 8, Width: 7, Channels: 3}
	for i := range 8 * 7 * 3 {
		v.Values = append(v.Values, float32(i*5%17)/17)
	}
	return v
}

// TestScoreDifferences moves pixels up and down and looks how the scores follow.
func TestScoreDifferences(t *testing.T) {
	const h = 1.0 / 32
	for classes, want := range map[int]int{1: 2, 3: 3} {
		m := classifier(t, classes)
		if m.Classes() != want {
			t.Errorf("%d outputs are %d classes, want %d", classes, m.Classes(), want)
		}
		for class := range want {
			g, err := m.Gradient(t.Context(), picture(), explain.Target{Channel: class}, "")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(g.Activation.Values, picture().Values) {
				t.Error("the activation of the input is not the picture")
			}
			for i := 0; i < len(g.Gradient.Values); i += 13 {
				up, down := picture(), picture()
				up.Values[i] += h
				down.Values[i] -= h
				rows, err := m.Scores(t.Context(), []viz.Volume{up, down, picture()})
				if err != nil {
					t.Fatal(err)
				}
				slope := (rows[0][class] - rows[1][class]) / (2 * h)
				if math.Abs(slope-float64(g.Gradient.Values[i])) > 2e-3*(1+math.Abs(slope)) {
					t.Errorf("%d outputs, class %d: slope at %d is %v, differences give %v", classes, class, i, g.Gradient.Values[i], slope)
				}
				if math.Abs(rows[2][class]-g.Value) > 1e-5 {
					t.Errorf("value is %v, score %v", g.Value, rows[2][class])
				}
			}
		}
	}
}

// TestTwoClasses: of one number, class 0 has the opposite of class 1.
func TestTwoClasses(t *testing.T) {
	m := classifier(t, 1)
	rows, err := m.Scores(t.Context(), []viz.Volume{picture()})
	if err != nil || rows[0][0] != -rows[0][1] || rows[0][1] == 0 {
		t.Errorf("scores %v (%v)", rows, err)
	}
	a, err := m.Gradient(t.Context(), picture(), explain.Target{Channel: 0}, "base/fire/concat")
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Gradient(t.Context(), picture(), explain.Target{Channel: 1}, "base/fire/concat")
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range a.Gradient.Values {
		if v != -b.Gradient.Values[i] {
			t.Fatalf("slope %d is %v and %v", i, v, b.Gradient.Values[i])
		}
	}
}

// TestChannelDifferences: the mean of an inner channel by the picture, as gradient
// ascent needs it, against differences of Activations.
func TestChannelDifferences(t *testing.T) {
	const h, channel, layer = 1.0 / 32, 2, "base/fire/concat"
	m := classifier(t, 3)
	g, err := m.Gradient(t.Context(), picture(), explain.Target{Layer: layer, Channel: channel}, "")
	if err != nil {
		t.Fatal(err)
	}
	mean := func(x viz.Volume) (sum float64) {
		maps, err := m.Activations(x, layer)
		if err != nil {
			t.Fatal(err)
		}
		a := maps[0]
		for p := range a.Height * a.Width {
			sum += float64(a.Values[p*a.Channels+channel]) / float64(a.Height*a.Width)
		}
		return sum
	}
	for i := 0; i < len(g.Gradient.Values); i += 11 {
		up, down := picture(), picture()
		up.Values[i] += h
		down.Values[i] -= h
		if slope := (mean(up) - mean(down)) / (2 * h); math.Abs(slope-float64(g.Gradient.Values[i])) > 1e-4 {
			t.Errorf("slope at %d is %v, differences give %v", i, g.Gradient.Values[i], slope)
		}
	}
	if math.Abs(mean(picture())-g.Value) > 1e-5 {
		t.Errorf("value is %v, mean %v", g.Value, mean(picture()))
	}
}

func TestLastConvolution(t *testing.T) {
	m := classifier(t, 3)
	if last, err := m.LastConvolution(); err != nil || last != "base/fire/concat" {
		t.Errorf("last convolution is %q (%v)", last, err)
	}
	var paths []string
	for _, l := range m.Maps("Conv2D", "AveragePooling2D") {
		paths = append(paths, l.Path)
	}
	if want := []string{"base/conv1", "base/fire/expand1", "base/fire/expand3", "base/pool"}; !slices.Equal(paths, want) {
		t.Errorf("maps are %q, want %q", paths, want)
	}
	maps, err := m.Activations(picture(), append(paths, "top")...)
	if err != nil {
		t.Fatal(err)
	}
	if pool, top := maps[3], maps[4]; pool.Height != 3 || pool.Width != 2 || pool.Channels != 4 || top.Height != 1 || top.Channels != 3 {
		t.Errorf("pool is %d × %d × %d, top has %d channels", pool.Height, pool.Width, pool.Channels, top.Channels)
	}
}

// TestMethods: all of package explain works on the model, from many goroutines.
func TestMethods(t *testing.T) {
	m := classifier(t, 1)
	var wg sync.WaitGroup
	for _, method := range []explain.Method{explain.GradCAM{}, explain.GradCAMPlusPlus{Layer: "base/conv1"}, explain.IntegratedGradients{Steps: 3}, explain.Occlusion{Size: 3}} {
		for class := range 2 {
			wg.Go(func() {
				heat, err := method.Explain(t.Context(), m, picture(), class)
				if err != nil || heat.Check() != nil {
					t.Errorf("%T: %v, %v", method, err, heat.Check())
				}
			})
		}
	}
	wg.Wait()
	_, before, after, err := explain.FilterPattern(t.Context(), m, explain.Target{Layer: "base/fire/expand3", Channel: 1}, explain.Pattern{Height: 8, Width: 7, Seed: 1})
	if err != nil || after <= before {
		t.Errorf("filter rose from %v to %v (%v)", before, after, err)
	}
}

func TestErrors(t *testing.T) {
	m := classifier(t, 3)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	small := viz.Volume{Height: 2, Width: 7, Channels: 3, Values: make([]float32, 42)}
	gradient := func(ctx context.Context, x viz.Volume, of explain.Target, at string) error {
		_, err := m.Gradient(ctx, x, of, at)
		return err
	}
	for want, err := range map[string]error{
		`inspect: image is (batch, 2, 7, 3), model "classifier" takes (batch, 8, 7, 3)`: gradient(t.Context(), small, explain.Target{}, ""),
		`inspect: channel 3 of 3 of layer ""`:                                           gradient(t.Context(), picture(), explain.Target{Channel: 3}, ""),
		`inspect: channel -1 of 4 of layer "base/pool"`:                                 gradient(t.Context(), picture(), explain.Target{Layer: "base/pool", Channel: -1}, ""),
		`there is no layer "fire"`:                                                      gradient(t.Context(), picture(), explain.Target{}, "fire"),
		"context canceled":                                                              gradient(canceled, picture(), explain.Target{}, ""),
		"inspect: image: volume":                                                        gradient(t.Context(), viz.Volume{}, explain.Target{}, ""),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := m.Scores(canceled, []viz.Volume{picture()}); err == nil {
		t.Error("scores after the end")
	}
	flat := keraslike.Sequential("digits", keraslike.Input(784), keraslike.Dense(10, keraslike.Softmax))
	if _, err := inspect.New(flat); err == nil || !strings.Contains(err.Error(), "has no weights yet") {
		t.Errorf("got %v", err)
	}
	if err := flat.Build(1); err != nil {
		t.Fatal(err)
	}
	if _, err := inspect.New(flat); err == nil || !strings.Contains(err.Error(), `inspect: model "digits" takes (batch, 784) and gives (batch, 10), want (height, width, channels)`) {
		t.Errorf("got %v", err)
	}
	dense := keraslike.Sequential("flat", keraslike.Input(2, 2, 3), keraslike.Flatten(), keraslike.Dense(2))
	if err := dense.Build(1); err != nil {
		t.Fatal(err)
	}
	v, err := inspect.New(dense)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.LastConvolution(); err == nil || err.Error() != `inspect: model "flat" has no convolution` {
		t.Errorf("got %v", err)
	}
	if rows, err := v.Scores(t.Context(), []viz.Volume{{Height: 2, Width: 2, Channels: 3, Values: make([]float32, 12)}}); err != nil || len(rows[0]) != 2 {
		t.Errorf("scores %v (%v)", rows, err)
	}
}

// Grad-CAM looks for the last convolution by itself, inside of nested models too.
func ExampleModel() {
	m := keraslike.Sequential("classifier", keraslike.Input(8, 7, 3), base(), keraslike.Flatten(), keraslike.Dense(3, keraslike.Softmax))
	if err := m.Build(1); err != nil {
		fmt.Println(err)
		return
	}
	v, err := inspect.New(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	heat, err := explain.GradCAM{}.Explain(context.Background(), v, picture(), 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	layer, _ := v.LastConvolution()
	fmt.Printf("%s: %d × %d\n", layer, heat.Height, heat.Width)
	// Output: base/fire/concat: 6 × 5
}

// TestMemory draws the plans of prediction and of training, and reports mistakes.
func TestMemory(t *testing.T) {
	m := keraslike.Sequential("small", keraslike.Input(6), keraslike.Dense(4, keraslike.ReLU), keraslike.Dense(3, keraslike.Softmax))
	if _, err := inspect.Memory(m, 8); err == nil || !strings.Contains(err.Error(), `model "small" has no weights yet`) {
		t.Errorf("the error is %v", err)
	}
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"small: memory for a batch of 8: memory plan of 3 steps with 2 buffers", "small: memory for a batch of 8: memory plan of 13 steps"} {
		f, err := inspect.Memory(m, 8)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(f.Alt, want) {
			t.Errorf("the drawing is %q, want %q", f.Alt, want)
		}
		if err := m.Compile(keraslike.SGD(0.1), keraslike.SparseCategoricalCrossentropy); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := inspect.Memory(m, 0); err == nil || !strings.Contains(err.Error(), "batch of 0 samples") {
		t.Errorf("the error is %v", err)
	}
}
