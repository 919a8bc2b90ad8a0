// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// choices are the names of a type's values in files.
type choices[T ~int] []string

func (c choices[T]) marshal(what string, v T) ([]byte, error) {
	if v < 0 || int(v) >= len(c) {
		return nil, fmt.Errorf("%s %d is unknown", what, v)
	}
	return []byte(c[v]), nil
}

func (c choices[T]) unmarshal(what string, text []byte, to *T) error {
	i := slices.Index(c, string(text))
	if i < 0 {
		return fmt.Errorf("%s %.40q is unknown, want one of %s", what, text, strings.Join(c, ", "))
	}
	*to = T(i)
	return nil
}

// nameOf returns the name of a value, its number if it has none.
func nameOf[T ~int](v T, names []string) string {
	if v < 0 || int(v) >= len(names) {
		return strconv.Itoa(int(v))
	}
	return names[v]
}

// decodeStrict decodes JSON and rejects unknown fields and what follows.
func decodeStrict(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return unexpected(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more follows the settings at byte %d", d.InputOffset())
	}
	return nil
}
