// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/applications"
)

// noCache keeps the features of a test out of the user's cache.
func noCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("REEF_CACHE", dir)
	t.Setenv("REEF_DATA", "")
	return dir
}

// TestCatsDogs runs all variants on the drawings. Half of them are cats, so that 0.5 is
// chance; the bounds allow for the rounding of other processors.
func TestCatsDogs(t *testing.T) {
	cache := noCache(t)
	o := Options{Data: datasets.From{Source: datasets.Sample}, Seed: 1}
	r, err := CatsDogs(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []learned{
		{"scratch", "test_accuracy", false, 0.7},
		{"features", "test_accuracy", false, 0.85},
		{"frozen", "test_accuracy", false, 0.85},
		{"finetune", "test_accuracy", false, 0.9},
	} {
		if got := r.Metrics[want.variant+"/"+want.figure]; got < want.bound {
			t.Errorf("%s: %s is %g, want at least %g", want.variant, want.figure, got, want.bound)
		}
	}
	for _, v := range r.Variants {
		if err := v.label(); err != nil {
			t.Fatal(err)
		}
		p, err := datasets.ReadPreprocessor(v.Model.Preprocessor(0))
		if err != nil {
			t.Fatal(err)
		}
		var drawn bytes.Buffer
		if err := png.Encode(&drawn, image.NewRGBA(image.Rect(0, 0, 100, 80))); err != nil {
			t.Fatal(err)
		}
		a, err := datasets.DecodeImage(&drawn, "photo", p.(datasets.ImageOptions))
		if err != nil {
			t.Fatal(err)
		}
		x, err := k.NewArray(a.Data, append([]int{1}, a.Shape...)...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Model.Predict(x); err != nil || !slices.Equal(v.Model.Classes(0), animals) {
			t.Errorf("%s: classes %q, a picture from a file: %v", v.Variant, v.Model.Classes(0), err)
		}
		var shown []string
		for _, p := range v.Pictures {
			shown = append(shown, p.Name)
			if strings.Contains(p.Figure.Alt+p.Caption, "photograph") {
				t.Errorf("%s, %s: generated drawings are called photographs: %q, %q", v.Variant, p.Name, p.Figure.Alt, p.Caption)
			}
		}
		if want := []string{"samples", "confusion", "roc", "gradcam"}; !slices.Equal(shown, want) {
			t.Errorf("%s shows %q, want %q", v.Variant, shown, want)
		}
	}
	kept, err := filepath.Glob(filepath.Join(cache, "features", "*.safetensors"))
	if err != nil || len(kept) != 3 {
		t.Fatalf("%d files of features (%v), want those of three parts", len(kept), err)
	}

	// cached features are used, and give the same model; a corrupt file is not
	heads := map[string]float64{}
	for _, how := range []string{"kept", "spoiled"} {
		if how == "spoiled" {
			for _, f := range kept {
				if err := os.WriteFile(f, []byte("no features"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		o.Variant = "features"
		again, err := CatsDogs(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		heads[how] = again.Metrics["test_loss"]
	}
	if want := r.Metrics["features/test_loss"]; heads["kept"] != want || heads["spoiled"] != want {
		t.Errorf("test loss %g, with the features that were kept %g, after they were spoiled %g", want, heads["kept"], heads["spoiled"])
	}
}

// TestCatsDogsExplain: the answer to the user's photo is among the notes and its
// explanation among the pictures, and the saved model gives the same answer.
func TestCatsDogsExplain(t *testing.T) {
	noCache(t)
	dir := t.TempDir()
	photo := filepath.Join(dir, "gray.png")
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 31, 20))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(photo, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := CatsDogs(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Variant: "features", Explain: photo, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.HasPrefix(n, "features: gray.png: ") }) {
		t.Errorf("no answer among %q", r.Notes)
	}
	if last := r.Pictures[len(r.Pictures)-1]; last.Name != "explain" || !strings.Contains(last.Figure.Alt, "evidence for") {
		t.Errorf("the last picture is %q", last.Name)
	}

	// project 7 opens the model through the nested network
	if _, err := r.Save(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	v, err := Visualize(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, File: filepath.Join(dir, "out", "model.safetensors"), Explain: photo})
	if err != nil {
		t.Fatal(err)
	}
	var answer string
	for _, n := range r.Notes {
		if _, a, ok := strings.Cut(n, "features: gray.png"); ok {
			answer = "gray.png" + a + "."
		}
	}
	if !slices.Contains(v.Notes, answer) {
		t.Errorf("catsdogs says %q, visualize %q", answer, v.Notes)
	}
	var shown []string
	for _, p := range v.Pictures {
		shown = append(shown, p.Name)
	}
	for _, want := range []string{"gradcam", "pixels", "activations_squeezenet_conv1", "activations_squeezenet_fire9_expand3x3", "channel_squeezenet_fire9_expand3x3"} {
		if !slices.Contains(shown, want) {
			t.Errorf("no picture %q among %q", want, shown)
		}
	}
}

// TestVGG16Base: without its weights the error says where they are looked for and how
// to get them; with weights, of which only the shapes are Keras's, the last block can be
// trained alone.
func TestVGG16Base(t *testing.T) {
	cache := noCache(t)
	o := Options{Data: datasets.From{Source: datasets.Sample}, Base: "vgg16", Seed: 1}
	_, err := CatsDogs(t.Context(), o)
	for _, want := range []string{
		`catsdogs: base "vgg16": vgg16_notop: vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5 is neither in $REEF_DATA/vgg16 nor in the cache, ` + filepath.Join(cache, "vgg16"),
		`the source "full" downloads it (59 MB, from https://storage.googleapis.com/`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := Visualize(t.Context(), o); err == nil || !strings.Contains(err.Error(), "vgg16_weights_tf_dim_ordering_tf_kernels.h5 is neither in") {
		t.Errorf("visualize: error %v", err)
	}
	if testing.Short() {
		t.Skip("59 MB of weights")
	}
	data := t.TempDir()
	t.Setenv("REEF_DATA", data)
	file := filepath.Join(data, "vgg16", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	drawn, err := applications.VGG16(applications.WithoutTop, applications.Untrained)
	if err != nil {
		t.Fatal(err)
	}
	if err := drawn.Build(7); err != nil {
		t.Fatal(err)
	}
	if err := drawn.Save(file); err != nil { // the format is recognized by the content
		t.Fatal(err)
	}
	base, err := o.pretrained(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newClassifier("catsdogs_finetune", base, base.small, o.Seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range base.last {
		if err := m.whole.SetTrainable(true, "vgg16/"+block); err != nil {
			t.Fatal(err)
		}
	}
	// block 5 has 3 convolutions of 512 · 9 inputs and 512 filters, the head 1024 inputs
	if all, free := m.whole.Parameters(); all != 14_714_688+12+1025 || free != 3*(512*9*512+512)+1025 {
		t.Errorf("%d parameters, %d free", all, free)
	}
	if err := m.whole.Compile(k.Adam(base.rate), k.BinaryCrossentropy, k.Seed(1)); err != nil {
		t.Fatal(err)
	}
	got, err := m.whole.Weight("vgg16/block3_conv2/kernel")
	if err != nil {
		t.Fatal(err)
	}
	want, err := drawn.Weight("block3_conv2/kernel")
	if err != nil || !slices.Equal(got.Values(), want.Values()) {
		t.Errorf("the weights are not the file's (%v)", err)
	}
}

// TestBaseOfAnotherNetwork: a file that holds another network's weights is rejected.
func TestBaseOfAnotherNetwork(t *testing.T) {
	noCache(t)
	data := t.TempDir()
	t.Setenv("REEF_DATA", data)
	file := filepath.Join(data, "vgg16", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	other, err := applications.SqueezeNet(applications.WithoutTop)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Save(file); err != nil {
		t.Fatal(err)
	}
	_, err = CatsDogs(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Variant: "features", Base: "vgg16", Seed: 1})
	if err == nil || !strings.Contains(err.Error(), "no layer in common") || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
	if _, err := CatsDogs(t.Context(), Options{Base: "alexnet"}); err == nil || !strings.Contains(err.Error(), `unknown base "alexnet", want one of: squeezenet, vgg16`) {
		t.Errorf("error %v", err)
	}
}
