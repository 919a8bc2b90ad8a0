// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var preprocessorTexts = []string{"the cat sat", "the dog", "a cat and the cat", "nothing known"}

func fitted() *Tokenizer {
	tok := &Tokenizer{NumWords: 6, OOV: "?"}
	tok.Fit(preprocessorTexts[:3])
	return tok
}

// savedPreprocessor is the preprocessor as it returns from a file.
func savedPreprocessor(t *testing.T, p Preprocessor) Preprocessor {
	t.Helper()
	settings, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadPreprocessor(p.Kind(), settings)
	if err != nil {
		t.Fatalf("%s: %v", settings, err)
	}
	again, err := json.Marshal(got)
	if err != nil || !bytes.Equal(again, settings) {
		t.Errorf("settings are\n%s after reading (%v), before\n%s", again, err, settings)
	}
	return got
}

func TestPreprocessorsOfTexts(t *testing.T) {
	for _, p := range []interface {
		Preprocessor
		Array([]string) (Array, error)
	}{
		TextSequences{fitted(), Padding{Length: 4}},
		TextSequences{fitted(), Padding{Length: 3, Post: true, TruncatePost: true, Value: 7}},
		TextSequences{fitted(), Padding{}},
		TextSequences{&Tokenizer{KeepCase: true, CharLevel: true, NoFilters: true}, Padding{Length: 2}},
		TextMatrix{fitted(), Binary}, TextMatrix{fitted(), Count}, TextMatrix{fitted(), Freq}, TextMatrix{fitted(), TFIDF},
	} {
		want, wantErr := p.Array(preprocessorTexts)
		got, err := savedPreprocessor(t, p).(interface{ Array([]string) (Array, error) }).Array(preprocessorTexts)
		if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%v: %v (%v), before it was saved %v (%v)", p, got, err, want, wantErr)
		}
	}
	x, err := TextSequences{fitted(), Padding{Length: 4}}.Array([]string{"the cat flew"})
	if want := []float32{0, 2, 3, 1}; err != nil || !slices.Equal(x.Data, want) || !slices.Equal(x.Shape, []int{4}) {
		t.Errorf("got %v (%v), want %v", x, err, want)
	}
}

func TestPreprocessorOfColumns(t *testing.T) {
	x := []float64{1, 10, 3, 30}
	s, err := StandardScaler(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p    Columns
		want []float32
	}{
		{Columns{Names: []string{"a", "b"}, Scaler: s}, []float32{-1, -1, 1, 1}},
		{Columns{Names: []string{"a", "b"}}, []float32{1, 10, 3, 30}},
	} {
		got, err := savedPreprocessor(t, c.p).(Columns).Array(x)
		if err != nil || !slices.Equal(got.Data, c.want) || !slices.Equal(got.Shape, []int{2}) {
			t.Errorf("%v (%v), want %v", got, err, c.want)
		}
	}
	if !slices.Equal(x, []float64{1, 10, 3, 30}) {
		t.Errorf("the rows were changed: %v", x)
	}
	if _, err := (Columns{Names: []string{"a", "b"}}).Array(x[:3]); err == nil || !strings.Contains(err.Error(), "3 numbers, want whole rows of 2 columns") {
		t.Errorf("error %v", err)
	}
	series := savedPreprocessor(t, Columns{Names: []string{"a", "b"}, Scaler: s, Steps: 2}).(Columns)
	if got, err := series.Array(append(x, x...)); err != nil || !slices.Equal(got.Shape, []int{2, 2}) || !slices.Equal(got.Data, []float32{-1, -1, 1, 1, -1, -1, 1, 1}) {
		t.Errorf("a series: %v (%v)", got, err)
	}
	if _, err := series.Array(append(x, 5, 50)); err == nil || !strings.Contains(err.Error(), "3 rows, want samples of 2 rows") {
		t.Errorf("error %v", err)
	}
	if got, err := (Columns{Names: []string{"a"}}).Array(nil); err != nil || len(got.Data) > 0 {
		t.Errorf("no rows: %v, %v", got, err)
	}
}

func TestPreprocessorOfImages(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 8, 6))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 7)
	}
	m.Set(3, 3, color.White)
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	for _, o := range []ImageOptions{
		{Height: 4, Width: 5, Filter: Bilinear},
		{Height: 12, Width: 3, Filter: CatmullRom, Pixels: VGG16},
		{Height: 4, Width: 4, Pixels: SqueezeNet},
		{Pixels: Bytes},
		{Height: 4, Width: 5, Filter: Bilinear, Gray: true},
		{Height: 6, Width: 8, Pixels: Bytes, Gray: true, Flat: true},
		{Pixels: Bytes, Gray: true}, {Flat: true},
	} {
		want, err := LoadImage(fstest.MapFS{"m.png": {Data: file.Bytes()}}, "m.png", o)
		if err != nil {
			t.Fatal(err)
		}
		training := o
		training.Cache, training.Augment = true, &Augment{HorizontalFlip: true}
		got, err := DecodeImage(bytes.NewReader(file.Bytes()), "body", savedPreprocessor(t, training).(ImageOptions))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: differs from what LoadImage reads (%v)", o, err)
		}
	}
	for want, r := range map[string]io.Reader{
		"body: ":                        strings.NewReader("no picture"),
		"body: a PNG image, truncated":  bytes.NewReader(file.Bytes()[:40]),
		"body: reading it":              nil,
		"body: broken":                  brokenReader{},
		"body: more than 67108864 byte": io.MultiReader(&file, zeros{}),
	} {
		if _, err := DecodeImage(r, "body", ImageOptions{Height: 2, Width: 2}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestReadPreprocessorErrors(t *testing.T) {
	for want, c := range map[string]struct{ kind, settings string }{
		"the input has none":                                                        {"", ""},
		`preprocessor "audio" is unknown, want "image"`:                             {"audio", "{}"},
		`preprocessor "image": unexpected EOF`:                                      {"image", ""},
		`preprocessor "image": json: unknown field "depth"`:                         {"image", `{"depth":1}`},
		`more follows the settings at byte 4`:                                       {"image", `{} {}`},
		`images: size -1x2`:                                                         {"image", `{"height":-1,"width":2}`},
		`filter "best" is unknown, want one of nearest, bilinear, catmull_rom`:      {"image", `{"height":1,"width":2,"filter":"best"}`},
		`pixels "x" is unknown, want one of unit, bytes, vgg16, squeezenet`:         {"image", `{"pixels":"x"}`},
		`preprocessor "text_sequences": preprocessor of texts: it has no tokenizer`: {"text_sequences", `{}`},
		`preprocessor "text_matrix": preprocessor of texts: it has no tokenizer`:    {"text_matrix", `{"tokenizer":null}`},
		`tokenizer: class "", want "Tokenizer"`:                                     {"text_matrix", `{"tokenizer":{}}`},
		`mode "x" is unknown`:                                                       {"text_matrix", `{"mode":"x"}`},
		`columns: there are none`:                                                   {"columns", `{}`},
		`a scaler of 1 shifts and 1 scales for 2 columns`:                           {"columns", `{"names":["a","b"],"scaler":{"shift":[1],"scale":[1]}}`},
		`a scaler of 2 shifts and 1 scales for 2 columns`:                           {"columns", `{"names":["a","b"],"scaler":{"shift":[1,2],"scale":[1]}}`},
		`images: Gray with the colors of a pretrained network`:                      {"image", `{"height":1,"width":2,"gray":true,"pixels":"vgg16"}`},
		`columns: samples of -1 rows`:                                               {"columns", `{"names":["a"],"steps":-1}`},
		`a scale is 0`:                                                              {"columns", `{"names":["a"],"scaler":{"shift":[1],"scale":[0]}}`},
	} {
		p, err := ReadPreprocessor(c.kind, []byte(c.settings))
		if err == nil || !strings.Contains(err.Error(), want) || p != nil {
			t.Errorf("%v, error %v, want %q", p, err, want)
		}
	}
	length := savedSettings(t, TextSequences{fitted(), Padding{Length: 2}})
	if _, err := ReadPreprocessor("text_sequences", bytes.Replace(length, []byte(`"length":2`), []byte(`"length":-2`), 1)); err == nil || !strings.Contains(err.Error(), "length -2") {
		t.Errorf("error %v", err)
	}
	for _, p := range []Preprocessor{ImageOptions{Pixels: 9}, ImageOptions{Filter: -1}, TextMatrix{fitted(), 7}} {
		if _, err := json.Marshal(p); err == nil || !strings.Contains(err.Error(), "is unknown") {
			t.Errorf("%v: error %v", p, err)
		}
	}
	for _, p := range []interface {
		Array([]string) (Array, error)
	}{TextSequences{}, TextMatrix{}} {
		if _, err := p.Array(nil); !errors.Is(err, errNoTokenizer) {
			t.Errorf("error %v", err)
		}
	}
}

func savedSettings(t testing.TB, p Preprocessor) []byte {
	t.Helper()
	settings, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// FuzzReadPreprocessor: settings of any file are an error or work.
func FuzzReadPreprocessor(f *testing.F) {
	for _, p := range []Preprocessor{
		ImageOptions{Height: 2, Width: 3}, TextSequences{fitted(), Padding{Length: 3}}, TextMatrix{fitted(), TFIDF},
		Columns{[]string{"a"}, Scaler{[]float64{1}, []float64{2}}, 2}, WordIDs{Index: &WordIndex{}, NumWords: 7}, WordIDs{Index: &WordIndex{}, Padding: Padding{Length: 3}},
	} {
		f.Add(p.Kind(), savedSettings(f, p))
	}
	f.Fuzz(func(t *testing.T, kind string, settings []byte) {
		p, err := ReadPreprocessor(kind, settings)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case TextSequences:
			if p.Padding.Length < 1<<20 {
				_, _ = p.Array(preprocessorTexts)
			}
		case TextMatrix:
			if p.Tokenizer.NumWords < 1<<20 {
				_, _ = p.Array(preprocessorTexts)
			}
		case WordIDs:
			if p.Padding.Length < 1<<20 {
				_, _ = p.Array(preprocessorTexts)
			}
		case Columns:
			if p.Steps < 1<<10 && len(p.Names) < 1<<10 {
				if _, err := p.Array(make([]float64, 2*max(1, p.Steps)*len(p.Names))); err != nil {
					t.Errorf("two samples: %v", err)
				}
			}
		}
		again, err := ReadPreprocessor(kind, savedSettings(t, p))
		if err != nil || !bytes.Equal(savedSettings(t, again), savedSettings(t, p)) {
			t.Errorf("what was read cannot be saved: %v", err)
		}
	})
}
