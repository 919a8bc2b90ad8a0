// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/text"
)

// modelMetadata is what a file carries besides the model: what a program needs to use the model
// without knowing how it was trained.
type modelMetadata struct {
	classes [][]string // of each output, nil for none
	inputs  []rawInput // of each input
	values  map[string]json.RawMessage
}

// rawInput is a saved Preprocessor; its kind is empty for none.
type rawInput struct {
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`
}

// savedMetadata is modelMetadata in a file.
type savedMetadata struct {
	Classes [][]string                 `json:"classes,omitempty"`
	Inputs  []rawInput                 `json:"inputs,omitempty"`
	Values  map[string]json.RawMessage `json:"values,omitempty"`
}

const (
	maxMetadata      = 64 << 20 // bytes of all metadata of a model, as JSON
	maxMetadataName  = 1 << 10  // bytes of a key, of a kind or of the name of a class
	maxMetadataItems = 1 << 20  // values, or classes of an output
)

// Preprocessor describes how something raw, such as a picture, a text or a row of a table, becomes
// an array of a model's input. Its settings, including what was fitted to the training data, are
// its exported fields or what its MarshalJSON returns. Package datasets has preprocessors and reads
// them back with datasets.ReadPreprocessor; keraslike only keeps them with the model. What computes
// on arrays should be a layer instead, such as StringLookup, Resizing or Normalization.
type Preprocessor interface {
	// Kind names the type to the program that reads the settings, such as "image".
	Kind() string
}

// SetPreprocessor sets how raw data becomes the i-th input, as it is at the time of the call. Save
// saves it with the model; nil removes it.
func (m *Model) SetPreprocessor(i int, p Preprocessor) (err error) {
	if i < 0 || i >= len(m.inputs) {
		return fmt.Errorf("model %q: preprocessor of input %d, the model has %d", m.name, i, len(m.inputs))
	}
	var raw rawInput
	if !isNil(p) {
		if err := guard("preprocessor", p, "Kind", func() error { raw.Kind = p.Kind(); return nil }); err != nil {
			return fmt.Errorf("model %q: input %d: %w", m.name, i, err)
		}
		if raw.Settings, err = marshal("preprocessor", p); err != nil {
			return fmt.Errorf("model %q: preprocessor %q of input %d: %w", m.name, raw.Kind, i, err)
		}
	}
	return m.changeMetadata(func(d *modelMetadata) error {
		d.inputs = slices.Clone(d.inputs)
		for len(d.inputs) < len(m.inputs) {
			d.inputs = append(d.inputs, rawInput{})
		}
		d.inputs[i] = raw
		if isNil(p) {
			return nil
		}
		return raw.check()
	})
}

// Preprocessor returns the kind and the settings, as JSON, of the preprocessor of the i-th input.
// The kind is empty if there is none.
func (m *Model) Preprocessor(i int) (kind string, settings []byte) {
	if i < 0 || i >= len(m.metadata.inputs) {
		return "", nil
	}
	raw := m.metadata.inputs[i]
	return raw.Kind, slices.Clone(raw.Settings)
}

// SetClasses names the classes of the i-th output, in the order of its last axis. An output of one
// value, such as that of a sigmoid, has two classes: the first is that of 0. Save saves the names
// with the model; without names they are removed.
func (m *Model) SetClasses(i int, names ...string) error {
	if i < 0 || i >= len(m.outputs) {
		return fmt.Errorf("model %q: classes of output %d, the model has %d", m.name, i, len(m.outputs))
	}
	return m.changeMetadata(func(d *modelMetadata) error {
		d.classes = slices.Clone(d.classes)
		for len(d.classes) < len(m.outputs) {
			d.classes = append(d.classes, nil)
		}
		d.classes[i] = nil
		if len(names) > 0 {
			d.classes[i] = slices.Clone(names)
		}
		return m.checkClasses(i, names)
	})
}

// Classes returns the names of the classes of the i-th output, nil if they have no names.
func (m *Model) Classes(i int) []string {
	if i < 0 || i >= len(m.metadata.classes) {
		return nil
	}
	return slices.Clone(m.metadata.classes[i])
}

// SetMetadata keeps a value of your own with the model, for example a version or the threshold of a
// classifier. It is saved as JSON; nil removes the key.
func (m *Model) SetMetadata(key string, value any) error {
	var raw json.RawMessage
	if value != nil {
		var err error
		if raw, err = marshal("metadata", value); err != nil {
			return fmt.Errorf("model %q: metadata %q: %w", m.name, key, err)
		}
	}
	return m.changeMetadata(func(d *modelMetadata) error {
		d.values = maps.Clone(d.values)
		if value == nil {
			delete(d.values, key)
			return nil
		}
		if d.values == nil {
			d.values = map[string]json.RawMessage{}
		}
		d.values[key] = raw
		return checkMetadataName("key", key)
	})
}

// Metadata decodes the value of a key, as package json does, into what to points to. found is false
// if there is none.
func (m *Model) Metadata(key string, to any) (found bool, err error) {
	raw, found := m.metadata.values[key]
	if !found {
		return false, nil
	}
	err = guard("metadata", to, "UnmarshalJSON", func() error { return json.Unmarshal(raw, to) })
	if err != nil {
		return true, fmt.Errorf("model %q: metadata %q: %w", m.name, key, err)
	}
	return true, nil
}

// MetadataKeys returns the keys of SetMetadata in ascending order.
func (m *Model) MetadataKeys() []string { return slices.Sorted(maps.Keys(m.metadata.values)) }

// changeMetadata applies a change unless it is a mistake.
func (m *Model) changeMetadata(change func(*modelMetadata) error) error {
	if err := m.Err(); err != nil {
		return err
	}
	changed := m.metadata
	err := change(&changed)
	if err == nil {
		_, err = changed.text()
	}
	if err != nil {
		return fmt.Errorf("model %q: %w", m.name, err)
	}
	m.metadata = changed
	return nil
}

// text returns the metadata as they are saved, nil for none.
func (d *modelMetadata) text() ([]byte, error) {
	saved := savedMetadata{Values: d.values}
	if slices.ContainsFunc(d.classes, func(names []string) bool { return names != nil }) {
		saved.Classes = d.classes
	}
	if slices.ContainsFunc(d.inputs, func(raw rawInput) bool { return raw.Kind != "" }) {
		saved.Inputs = slices.Clone(d.inputs)
		for i := range saved.Inputs {
			if saved.Inputs[i].Kind == "" {
				saved.Inputs[i].Settings = json.RawMessage("null")
			}
		}
	}
	if saved.Classes == nil && saved.Inputs == nil && len(saved.Values) == 0 {
		return nil, nil
	}
	if len(saved.Values) > maxMetadataItems {
		return nil, fmt.Errorf("%d values of metadata, the most is %d", len(saved.Values), maxMetadataItems)
	}
	encoded, err := json.Marshal(saved)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if len(encoded) > maxMetadata {
		return nil, fmt.Errorf("metadata of %d bytes, the most is %d", len(encoded), maxMetadata)
	}
	return encoded, nil
}

// encode adds the metadata to those of a file.
func (d *modelMetadata) encode(meta map[string]string) error {
	encoded, err := d.text()
	if encoded != nil {
		meta[metaData] = string(encoded)
	}
	return err
}

// loadMetadata reads what encode wrote.
func (m *Model) loadMetadata(encoded string) error {
	if encoded == "" {
		return nil
	}
	if len(encoded) > maxMetadata {
		return fmt.Errorf("%d bytes, the most is %d", len(encoded), maxMetadata)
	}
	var saved savedMetadata
	if err := unmarshalStrict([]byte(encoded), &saved); err != nil {
		return err
	}
	if c, i := len(saved.Classes), len(saved.Inputs); c != 0 && c != len(m.outputs) || i != 0 && i != len(m.inputs) {
		return fmt.Errorf("classes of %d outputs and preprocessors of %d inputs, the model has %d and %d", c, i, len(m.outputs), len(m.inputs))
	}
	for i, names := range saved.Classes {
		if len(names) == 0 {
			saved.Classes[i] = nil
		}
		if err := m.checkClasses(i, names); err != nil {
			return err
		}
	}
	for i, raw := range saved.Inputs {
		if raw.Kind == "" {
			saved.Inputs[i] = rawInput{}
			continue
		}
		if err := raw.check(); err != nil {
			return err
		}
	}
	for key := range saved.Values {
		if err := checkMetadataName("key", key); err != nil {
			return err
		}
	}
	m.metadata = modelMetadata{saved.Classes, saved.Inputs, saved.Values}
	return nil
}

func (raw rawInput) check() error {
	if len(raw.Settings) == 0 {
		return fmt.Errorf("preprocessor %q has no settings", raw.Kind)
	}
	return checkMetadataName("kind of preprocessor", raw.Kind)
}

// checkClasses compares the names with the last axis of the i-th output.
func (m *Model) checkClasses(i int, names []string) error {
	if len(names) == 0 {
		return nil
	}
	shape := m.outputs[i].shape
	values := 1
	if len(shape) > 0 {
		values = shape[len(shape)-1]
	}
	if want := max(2, values); values > 0 && len(names) != want || len(names) > maxMetadataItems {
		return fmt.Errorf("output %d has shape %v, got %s of classes, want %d", i, shape, text.Count(len(names), "name"), want)
	}
	for _, name := range names {
		if err := checkMetadataName("name of a class", name); err != nil {
			return err
		}
	}
	return nil
}

func checkMetadataName(what, name string) error {
	switch {
	case name == "":
		return errors.New(what + " is empty")
	case len(name) > maxMetadataName:
		return fmt.Errorf("%s %.20q... has %d bytes, the most is %d", what, name, len(name), maxMetadataName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %q is not valid UTF-8", what, name)
	}
	return nil
}

// summarize writes a line for each kind of metadata that the model has.
func (d *modelMetadata) summarize(w io.Writer, n *network) {
	for i, raw := range d.inputs {
		if raw.Kind != "" {
			fmt.Fprintf(w, "Preprocessor of %q: %s\n", n.inputs[i].layer.name, raw.Kind)
		}
	}
	outputs := n.outputNames()
	for i, names := range d.classes {
		if names != nil {
			fmt.Fprintf(w, "Classes of %q: %s\n", outputs[i], text.FirstOf(names))
		}
	}
	if len(d.values) > 0 {
		fmt.Fprintf(w, "Metadata: %s\n", text.FirstOf(slices.Sorted(maps.Keys(d.values))))
	}
}
