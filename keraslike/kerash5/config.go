// SPDX-License-Identifier: Apache-2.0

package kerash5

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// layerConfig holds the parts of the configuration of a layer or model that are needed.
type layerConfig struct {
	class, name string
	layers      []layerConfig // of a model
	wrapped     *layerConfig  // the layer that this one wraps
}

// inner returns the innermost layer that this one wraps.
func (c layerConfig) inner() layerConfig {
	if c.wrapped == nil {
		return layerConfig{}
	}
	return *c.wrapped
}

// maxNesting limits how deep models may be nested, far beyond real models.
const maxNesting = 50

// parseConfig decodes a serialized model. Keras 1 and early Keras 2 wrote a
// Sequential's config as the plain list of its layers. Layers other than models may have
// any configuration, since only the name is read. Text in nested models is read once for each
// of them, so the work is limited.
func parseConfig(raw json.RawMessage) (layerConfig, error) {
	p := configParser{left: WorkOf(len(raw))}
	return p.parse(raw, 0)
}

// WorkOf returns how many bytes of JSON may be read to interpret an architecture of n bytes:
// enough for 20 levels of nested models.
func WorkOf(n int) int { return 20*n + 1<<20 }

type configParser struct{ left int }

func (p *configParser) parse(raw json.RawMessage, depth int) (layerConfig, error) {
	if depth > maxNesting {
		return layerConfig{}, fmt.Errorf("models are nested more than %d deep", maxNesting)
	}
	if p.left -= len(raw); p.left < 0 {
		return layerConfig{}, errors.New("too much of it is in too many models within each other")
	}
	var outer struct {
		Class  string          `json:"class_name"`
		Config json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(raw, &outer); err != nil {
		return layerConfig{}, err
	}
	c := layerConfig{class: outer.Class}
	var inner struct {
		Name   string            `json:"name"`
		Layers []json.RawMessage `json:"layers"`
		Layer  json.RawMessage   `json:"layer"`
	}
	if json.Unmarshal(outer.Config, &inner) != nil && json.Unmarshal(outer.Config, &inner.Layers) != nil {
		return c, nil
	}
	c.name = inner.Name
	for _, raw := range inner.Layers {
		l, err := p.parse(raw, depth+1)
		if err != nil {
			return layerConfig{}, fmt.Errorf("%s %q: %w", c.class, c.name, err)
		}
		c.layers = append(c.layers, l)
	}
	if len(inner.Layer) > 0 && inner.Layer[0] == '{' {
		l, err := p.parse(inner.Layer, depth+1)
		if err != nil {
			return layerConfig{}, fmt.Errorf("%s %q: %w", c.class, c.name, err)
		}
		c.wrapped = &l
	}
	return c, nil
}

// groupNames returns the names of a model's layers in Keras 3 files: the class in snake case,
// numbered if it repeats, independent of the layers' own names.
func (c layerConfig) groupNames() map[string]layerConfig {
	used, names := map[string]int{}, map[string]layerConfig{}
	for _, l := range c.layers {
		class := l.class
		if i := strings.LastIndexByte(class, '>'); i >= 0 {
			class = class[i+1:] // "Package>Name" of a registered class
		}
		names[GroupName(class, used[class])] = l
		used[class]++
	}
	return names
}

// GroupName returns the name in files of Keras 3 of the (n+1)-th layer of a class in its model.
func GroupName(class string, n int) string {
	if n > 0 {
		return fmt.Sprintf("%s_%d", snakeCase(class), n)
	}
	return snakeCase(class)
}

// snakeCase turns "Conv2DTranspose" into "conv2d_transpose", as Keras does: an
// underscore goes before a capital that a small letter follows, and between a
// small letter and a capital.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			before := runes[i-1]
			word := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if word || unicode.IsLower(before) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
