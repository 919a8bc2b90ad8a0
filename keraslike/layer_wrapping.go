// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
)

// wrapping is embedded by definitions that compute another layer, whose weights are theirs.
type wrapping struct{ layer *layer }

func wrap(inner Layer) wrapping {
	if inner == nil {
		return wrapping{}
	}
	return wrapping{inner.core()}
}

// frozenAs freezes a layer if the inner one is.
func (d *wrapping) frozenAs(l *layer) *layer {
	l.frozen = l.frozen || d.layer != nil && d.layer.frozen
	return l
}

// write stores the inner layer as models store theirs.
func (d *wrapping) write(to *layerWriter) ([]byte, error) {
	c, err := to.layer(d.layer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]layerConfig{"layer": c})
}

// read restores the inner layer.
func (d *wrapping) read(text []byte, from *loader) (err error) {
	var saved struct {
		Layer layerConfig `json:"layer"`
	}
	if err := unmarshalStrict(text, &saved); err != nil {
		return err
	}
	d.layer, err = saved.Layer.layer(from)
	return err
}

// inner returns the wrapped layer.
func (d *wrapping) inner() *layer { return d.layer }

// holdsLayers reports whether the inner layer contains layers.
func (d *wrapping) holdsLayers() bool { return d.layer != nil && holdsLayers(d.layer.def) }

func (d *wrapping) check() error {
	if d.layer == nil {
		return errors.New("got no layer")
	}
	if d.layer.built && !holdsLayers(d.layer.def) {
		return fmt.Errorf("the %s is also applied elsewhere; only a model may be shared", d.layer.def.Kind())
	}
	if err := d.layer.checkSettings(); err != nil {
		return fmt.Errorf("%s: %w", d.layer.def.Kind(), err)
	}
	return nil
}

// multiplications returns those of an inner recurrent layer, otherwise the usual number.
func (d *wrapping) multiplications(in []Shape, out Shape, each float64) float64 {
	if r, ok := d.layer.def.(*recurrent); ok {
		return r.multiplications(in, out, each)
	}
	return each
}

func (d *wrapping) internalValues(in []Shape) float64 {
	if r, ok := d.layer.def.(*recurrent); ok {
		return r.internalValues(in)
	}
	return 0
}
