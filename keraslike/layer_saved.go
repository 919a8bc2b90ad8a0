// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Saved layers: the kind and the arguments of a layer's definition.

type layerConfig struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Frozen   bool            `json:"frozen,omitempty"`
	Unmasked bool            `json:"unmasked,omitempty"`
	Unused   bool            `json:"mask_unused,omitempty"`
	Config   json.RawMessage `json:"config,omitempty"`
	// Shared is set instead of Config for a layer that the file has already described as a
	// layer of another model: its index among all layers of the file (see layerWriter).
	Shared *int `json:"shared,omitempty"`
}

// definitions maps each kind of this package to a function that makes an empty definition,
// into which the arguments of a saved layer are read. Every kind registers itself.
var definitions = map[string]func() Definition{}

// register registers kinds whose definition is a D:
//
//	var _ = register[dense]("Dense")
func register[D any, P interface {
	*D
	Definition
}](kinds ...string) bool {
	for _, kind := range kinds {
		definitions[kind] = func() Definition { return P(new(D)) }
	}
	return true
}

// reader is a definition that reads its arguments itself because they include other layers.
type reader interface {
	read(text []byte, from *loader) error
}

// writer is a definition that writes its arguments itself, because other layers are among
// them.
type writer interface {
	write(to *layerWriter) ([]byte, error)
}

// marshal is json.Marshal of something that may be a user's own.
func marshal(what string, v any) (text []byte, err error) {
	defer caught(&err, what, v, "MarshalJSON")
	return json.Marshal(v)
}

// config is the layer as it is saved by itself.
func (l *layer) config() (layerConfig, error) { return newLayerWriter().layer(l) }

// describe writes the layer in full.
func (l *layer) describe(to *layerWriter) (layerConfig, error) {
	var raw []byte
	var err error
	if w, ok := l.def.(writer); ok {
		raw, err = w.write(to)
	} else {
		raw, err = marshal("definition", l.def)
	}
	var own *json.MarshalerError
	if errors.As(err, &own) {
		err = own.Err // without what package json adds
	}
	if err != nil {
		return layerConfig{}, fmt.Errorf("layer %q: %w", l.name, err)
	}
	return layerConfig{Name: l.name, Kind: l.def.Kind(), Frozen: l.frozen, Unmasked: l.ignoresMasks, Unused: l.passesUnused, Config: raw}, nil
}

// loader is the state of loading one architecture.
type loader struct {
	known      map[string]func() Definition     // custom definitions, by kind
	knownCells map[string]func() CellDefinition // custom cells, by kind
	// left is the number of bytes of JSON that may still be read. It limits nesting: the
	// JSON of an inner layer is read again at each level.
	left int
	// resized counts the layers of nested models that are applied at other sizes than their own,
	// for which all their shapes are computed.
	resized float64
	path    int      // bytes of the names of the models around, and the slashes between them
	read    []*layer // the layers read so far, by their index in the file
}

const (
	maxReads      = 16      // how often a configuration may be read
	freeBytes     = 4 << 20 // bytes that may be read in any case
	maxPathLength = 4096
)

func newLoader(known map[string]func() Definition, size int) *loader {
	return &loader{known: known, left: freeBytes + maxReads*size}
}

// withCells adds custom cells.
func (l *loader) withCells(cells map[string]func() CellDefinition) *loader {
	l.knownCells = cells
	return l
}

// charge counts JSON that is about to be read.
func (l *loader) charge(bytes int) error {
	if l.left -= bytes; l.left < 0 {
		return fmt.Errorf("layers are nested too deeply: their configurations are more than %d times as long as the file", maxReads)
	}
	return nil
}

// enter checks the length of a layer's path and extends the path until leave.
func (l *loader) enter(name string) error {
	if l.path += len(name) + 1; l.path > maxPathLength {
		return fmt.Errorf("its path has more than %d bytes", maxPathLength)
	}
	return nil
}

func (l *loader) leave(name string) { l.path -= len(name) + 1 }

func (lc *layerConfig) layer(from *loader) (*layer, error) {
	if lc.Shared != nil {
		return from.shared(lc)
	}
	if err := from.enter(lc.Name); err != nil {
		return nil, err
	}
	defer from.leave(lc.Name)
	if err := from.charge(len(lc.Config)); err != nil {
		return nil, err
	}
	make, ok := definitions[lc.Kind]
	if !ok {
		make, ok = from.known[lc.Kind]
	}
	if !ok {
		return nil, fmt.Errorf("kind %q is unknown; pass WithCustomLayer(...) for a layer of your own", lc.Kind)
	}
	var d Definition
	err := guard("custom definition", nil, lc.Kind, func() error {
		if d = make(); isNil(d) {
			return fmt.Errorf("the function given to WithCustomLayer returned nil for kind %q", lc.Kind)
		}
		if r, ok := d.(reader); ok {
			return r.read(lc.Config, from)
		}
		return unmarshalStrict(lc.Config, d)
	})
	if err != nil {
		return nil, err
	}
	l := &layer{name: lc.Name, def: d, frozen: lc.Frozen, ignoresMasks: lc.Unmasked, passesUnused: lc.Unused}
	if j, ok := d.(interface{ join(*layer) }); ok {
		j.join(l)
	}
	from.read = append(from.read, l)
	return l, nil
}

// layerWriter numbers the layers of one file in the order in which their descriptions end. A
// layer that several models share is described once; later uses refer to its number.
type layerWriter struct {
	described int            // layers so far
	index     map[*layer]int // of the first description of each layer
}

func newLayerWriter() *layerWriter { return &layerWriter{index: map[*layer]int{}} }

// layer returns the description of a layer, or a reference to an earlier one. A layer without
// weights has nothing to share and is always described.
func (w *layerWriter) layer(l *layer) (layerConfig, error) {
	if i, again := w.index[l]; again && (len(l.weights) > 0 || holdsLayers(l.def)) {
		return layerConfig{Name: l.name, Kind: l.def.Kind(), Shared: &i}, nil
	}
	c, err := l.describe(w)
	if err != nil {
		return c, err
	}
	if _, again := w.index[l]; !again {
		w.index[l] = w.described
	}
	w.described++
	return c, nil
}

// itemBytes is the minimum charge for a layer or a weight of a nested model; its text is
// longer.
const itemBytes = 16

// shared returns the layer that lc refers to.
func (l *loader) shared(lc *layerConfig) (*layer, error) {
	i := *lc.Shared
	if i < 0 || i >= len(l.read) {
		return nil, fmt.Errorf("is layer %d of the file, of which %d have been read", i, len(l.read))
	}
	found := l.read[i]
	if found.name != lc.Name || found.def.Kind() != lc.Kind {
		return nil, fmt.Errorf("is the %s %q according to the file, whose layer %d is the %s %q", lc.Kind, lc.Name, i, found.def.Kind(), found.name)
	}
	if lc.Config != nil || lc.Frozen || lc.Unmasked || lc.Unused {
		return nil, fmt.Errorf("is layer %d of the file and has arguments of its own", i)
	}
	return found, nil
}
