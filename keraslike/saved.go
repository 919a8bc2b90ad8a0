// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
)

// named is a saved loss or metric: its name and its settings, if it has any.
type savedObject struct {
	Name     string          `json:"name"`
	Settings json.RawMessage `json:"settings,omitempty"`
	As       string          `json:"as,omitempty"` // a metric's name by Named
	Output   string          `json:"output,omitempty"`
	Weighted bool            `json:"weighted,omitempty"`
}

func newSavedObject(name string, v any) (savedObject, error) {
	n := savedObject{Name: name}
	text, err := marshal("loss or metric", v)
	if err != nil {
		return n, fmt.Errorf("%s: %w", name, err)
	}
	if text[0] == '{' && string(text) != "{}" {
		n.Settings = text
	}
	return n, nil
}
