// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"errors"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

func TestWrongOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"mnist: -1 epochs, want a positive number":             {Epochs: -1},
		"mnist: batches of -1 samples, want a positive number": {Batch: -1},
		`mnist: variant "big": the recipe has one model only`:  {Variant: "big"},
		"mnist: folder of the data set: stat nowhere at all: ": {Data: datasets.From{Source: "nowhere at all"}},
	} {
		if _, err := MNIST(t.Context(), o); err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	mine := errors.New("no")
	_, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Start: func(*k.Model, datasets.Origin) error { return mine }})
	if !errors.Is(err, mine) {
		t.Errorf("an error of Start: got %v", err)
	}
}
