// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// unmarshalStrict decodes JSON into v and rejects unknown fields and trailing data.
func unmarshalStrict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("unexpected data after the JSON value at byte %d", dec.InputOffset())
	}
	return nil
}
