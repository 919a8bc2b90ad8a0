// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// standardized is a preprocessor of numbers.
type standardized struct {
	Mean, Deviation float64
	Columns         []string
}

func (standardized) Kind() string { return "scale" }

// twoSides has two inputs and two outputs.
func twoSides(t *testing.T) *keraslike.Model {
	t.Helper()
	a, b := keraslike.Input(2), keraslike.Input(3)
	x := keraslike.Concatenate().Apply(a, b)
	m := keraslike.NewModel("sides", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{
		keraslike.Dense(4, keraslike.Softmax, keraslike.Name("kind")).Apply(x),
		keraslike.Dense(1, keraslike.Sigmoid, keraslike.Name("good")).Apply(x),
	})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMetadataIsSaved(t *testing.T) {
	m := twoSides(t)
	plain, _ := saved(t, m)
	type note struct {
		Author string
		Scores []float64
	}
	want := note{"<Ada> & co", []float64{0.5, 1e-300}}
	if err := errors.Join(
		m.SetClasses(0, "ant", "bee", "cat", "dog"),
		m.SetClasses(1, "bad", "good"),
		m.SetPreprocessor(1, standardized{1.5, 2, []string{"x", "y", "z"}}),
		m.SetMetadata("note", want),
		m.SetMetadata("version", "7"),
	); err != nil {
		t.Fatal(err)
	}
	content, path := saved(t, m)
	again := loaded(t, path)
	for i, names := range [][]string{{"ant", "bee", "cat", "dog"}, {"bad", "good"}} {
		if got := again.Classes(i); !slices.Equal(got, names) {
			t.Errorf("classes of output %d are %q, want %q", i, got, names)
		}
	}
	if kind, _ := again.Preprocessor(0); kind != "" {
		t.Errorf("input 0 has a preprocessor of kind %q, want none", kind)
	}
	kind, settings := again.Preprocessor(1)
	var s standardized
	if err := json.Unmarshal(settings, &s); kind != "scale" || err != nil || s.Mean != 1.5 || len(s.Columns) != 3 {
		t.Errorf("preprocessor of input 1: %q %s, %v", kind, settings, err)
	}
	var got note
	if found, err := again.Metadata("note", &got); !found || err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("note is %v, %v, %v; want %v", got, found, err, want)
	}
	if keys := again.MetadataKeys(); !slices.Equal(keys, []string{"note", "version"}) {
		t.Errorf("keys are %q", keys)
	}
	if found, err := again.Metadata("absent", &got); found || err != nil {
		t.Errorf("absent key: %v, %v", found, err)
	}
	if _, err := again.Metadata("version", new(int)); err == nil || !strings.Contains(err.Error(), `model "sides": metadata "version": json:`) {
		t.Errorf("a string read as a number: %v", err)
	}
	if second, _ := saved(t, again); !bytes.Equal(second, content) {
		t.Error("saving the loaded model gives other bytes")
	}
	text := summary(t, again)
	for _, line := range []string{"Preprocessor of \"input_1\": scale\n", "Classes of \"kind\": ant, bee, cat, dog\n", "Classes of \"good\": bad, good\n", "Metadata: note, version\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("summary lacks %q:\n%s", line, text)
		}
	}
	// Without them the file is that of before.
	if err := errors.Join(m.SetClasses(0), m.SetClasses(1), m.SetPreprocessor(1, nil), m.SetMetadata("note", nil), m.SetMetadata("version", nil)); err != nil {
		t.Fatal(err)
	}
	if content, _ := saved(t, m); !bytes.Equal(content, plain) {
		t.Error("a model whose metadata were removed is saved with other bytes than before")
	}
}

// TestMetadataAreCopied: what callers do with their values afterward changes nothing.
func TestMetadataAreCopied(t *testing.T) {
	m := twoSides(t)
	names, p := []string{"no", "yes"}, &standardized{Columns: []string{"x"}}
	if err := errors.Join(m.SetClasses(1, names...), m.SetPreprocessor(0, p)); err != nil {
		t.Fatal(err)
	}
	names[0], p.Columns[0] = "changed", "changed"
	m.Classes(1)[1] = "changed"
	_, settings := m.Preprocessor(0)
	settings[0] = '?'
	if got := m.Classes(1); !slices.Equal(got, []string{"no", "yes"}) {
		t.Errorf("classes are %q", got)
	}
	if _, settings := m.Preprocessor(0); string(settings) != `{"Mean":0,"Deviation":0,"Columns":["x"]}` {
		t.Errorf("settings are %s", settings)
	}
}

// badPreprocessor fails in all ways.
type badPreprocessor struct {
	kind string
	json string
}

func (b badPreprocessor) Kind() string {
	if b.kind == "panic" {
		panic("no kind")
	}
	return b.kind
}

func (b badPreprocessor) MarshalJSON() ([]byte, error) {
	if b.json == "panic" {
		panic("no settings")
	}
	return []byte(b.json), nil
}

func TestMetadataErrors(t *testing.T) {
	m := twoSides(t)
	long := strings.Repeat("x", 2000)
	for want, err := range map[string]error{
		`model "sides": output 0 has shape (batch, 4), got 3 names of classes, want 4`: m.SetClasses(0, "a", "b", "c"),
		`output 1 has shape (batch, 1), got 1 name of classes, want 2`:                 m.SetClasses(1, "a"),
		`classes of output 2, the model has 2`:                                         m.SetClasses(2, "a", "b"),
		`classes of output -1, the model has 2`:                                        m.SetClasses(-1),
		`name of a class is empty`:                                                     m.SetClasses(1, "", "b"),
		`name of a class "xxxxxxxxxxxxxxxxxxxx"... has 2000 bytes`:                     m.SetClasses(1, long, "b"),
		`name of a class "\xff" is not valid UTF-8`:                                    m.SetClasses(1, "\xff", "b"),
		`preprocessor of input 2, the model has 2`:                                     m.SetPreprocessor(2, standardized{}),
		`kind of preprocessor is empty`:                                                m.SetPreprocessor(0, badPreprocessor{"", "1"}),
		`Kind: panic: no kind`:                                                         m.SetPreprocessor(0, badPreprocessor{"panic", "1"}),
		`MarshalJSON: panic: no settings`:                                              m.SetPreprocessor(0, badPreprocessor{"k", "panic"}),
		`preprocessor "k" of input 0: json:`:                                           m.SetPreprocessor(0, badPreprocessor{"k", "{"}),
		`key is empty`:                                                                 m.SetMetadata("", 1),
		`metadata "f": json: unsupported type: func()`:                                 m.SetMetadata("f", func() {}),
		`metadata of 67108887 bytes, the most is 67108864`:                             m.SetMetadata("large", strings.Repeat("x", 64<<20)),
		`the model has no layers`:                                                      new(keraslike.Model).SetMetadata("k", 1),
	} {
		wantError(t, err, want)
	}
	if len(m.Classes(0)) > 0 || len(m.Classes(1)) > 0 || len(m.MetadataKeys()) > 0 || m.Classes(7) != nil {
		t.Error("a mistake was stored")
	}
	if kind, settings := m.Preprocessor(9); kind != "" || settings != nil {
		t.Error("input 9 has a preprocessor")
	}
}

// TestMetadataOfFiles reads metadata that nobody can set.
func TestMetadataOfFiles(t *testing.T) {
	content, _ := saved(t, twoSides(t))
	f, err := safetensors.NewBytes(content, "m")
	if err != nil {
		t.Fatal(err)
	}
	var tensors []safetensors.Tensor
	for _, name := range f.Names() {
		shape, data, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Data: data})
	}
	load := func(metadata string) error {
		meta := map[string]string{"reef.metadata": metadata}
		for k, v := range f.Metadata() {
			meta[k] = v
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, tensors, meta); err != nil {
			t.Fatal(err)
		}
		_, err := keraslike.LoadBytes(b.Bytes())
		return err
	}
	for metadata, want := range map[string]string{
		`{`:                            "metadata: unexpected EOF",
		`{"other":1}`:                  `metadata: json: unknown field "other"`,
		`{} {}`:                        "unexpected data after the JSON value",
		`{"classes":[["a","b"]]}`:      "classes of 1 outputs and preprocessors of 0 inputs, the model has 2 and 2",
		`{"classes":[["a"],null]}`:     "output 0 has shape (batch, 4), got 1 name of classes, want 4",
		`{"classes":[null,["a",""]]}`:  "name of a class is empty",
		`{"inputs":[{"kind":"k"},{}]}`: `preprocessor "k" has no settings`,
		`{"inputs":[{},{},{}]}`:        "preprocessors of 3 inputs",
		`{"values":{"":1}}`:            "key is empty",
		`{"values":{"k":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}}`: "exceeded max depth",
		`{"values":{"k":"` + strings.Repeat("x", 64<<20) + `"}}`:                             "the most is 67108864",
	} {
		err := load(metadata)
		wantError(t, err, want)
		if err != nil && len(err.Error()) > 4096 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
	for _, metadata := range []string{``, `{}`, `null`, `{"classes":[[],null]}`, `{"inputs":[{},{"kind":"k","settings":null}]}`} {
		if err := load(metadata); err != nil {
			t.Errorf("%s: %v", metadata, err)
		}
	}
}
