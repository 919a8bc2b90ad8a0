// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A layer as it is saved: its definition by its kind, with its arguments.

type layerConfig struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Frozen   bool            `json:"frozen,omitempty"`
	Unmasked bool            `json:"unmasked,omitempty"`
	Config   json.RawMessage `json:"config,omitempty"`
	// Shared is set instead of Config for a layer that the file has already described as a
	// layer of another model: its index among all layers of the file (see layerWriter).
	Shared *int `json:"shared,omitempty"`
}

// definitions makes an empty definition for each kind of this package, into which a saved
// layer's arguments are read. The file of each kind registers it.
var definitions = map[string]func() Definition{}

// register adds kinds whose definition is a D:
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

// reader is a definition that reads its arguments itself, because other layers are among
// them.
type reader interface {
	read(text []byte, from *loading) error
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
		err = own.Err // what the definition says, without what package json adds
	}
	if err != nil {
		return layerConfig{}, fmt.Errorf("layer %q: %w", l.name, err)
	}
	return layerConfig{Name: l.name, Kind: l.def.Kind(), Frozen: l.frozen, Unmasked: l.ignoresMasks, Config: raw}, nil
}

// loading is the reading of one architecture.
type loading struct {
	known map[string]func() Definition // definitions that are not of this package, by kind
	// left is how many bytes of JSON may still be read: those of a layer within a layer
	// are read again at each level.
	left int
	path int      // bytes of the names of the models around, and the slashes between them
	read []*layer // the layers read so far, by their index in the file
}

const (
	readAgain   = 16      // times that a configuration may be read
	readAnyhow  = 4 << 20 // bytes that are no matter
	longestPath = 4096
)

func newLoading(known map[string]func() Definition, size int) *loading {
	return &loading{known: known, left: readAnyhow + readAgain*size}
}

// charge counts JSON that is about to be read.
func (l *loading) charge(bytes int) error {
	if l.left -= bytes; l.left < 0 {
		return fmt.Errorf("layers are nested too often: their configurations are more than %d times as long as the whole", readAgain)
	}
	return nil
}

// enter checks the path of a layer, and of those within it until leave.
func (l *loading) enter(name string) error {
	if l.path += len(name) + 1; l.path > longestPath {
		return fmt.Errorf("its path has more than %d bytes", longestPath)
	}
	return nil
}

func (l *loading) leave(name string) { l.path -= len(name) + 1 }

func (lc *layerConfig) layer(from *loading) (*layer, error) {
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
			return fmt.Errorf("WithCustomLayer(...) makes nothing for kind %q", lc.Kind)
		}
		if r, ok := d.(reader); ok {
			return r.read(lc.Config, from)
		}
		return unmarshalStrict(lc.Config, d)
	})
	if err != nil {
		return nil, err
	}
	l := &layer{name: lc.Name, def: d, frozen: lc.Frozen, ignoresMasks: lc.Unmasked}
	if j, ok := d.(interface{ join(*layer) }); ok {
		j.join(l)
	}
	from.read = append(from.read, l)
	return l, nil
}
