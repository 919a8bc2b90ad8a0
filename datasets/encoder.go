// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// EncoderKey is the key under which an encoder is saved in the metadata of a model's file, as
// the JSON that its MarshalJSON returns.
const EncoderKey = "reef.encoder"

// Encoder turns what a user of a model has, such as a row of a table, a picture or a text,
// into what the model takes. It is a *TableEncoder, an *ImageEncoder or a *TextEncoder: what
// was fitted or chosen for training and must be the same in prediction.
type Encoder interface {
	json.Marshaler
	// Shapes returns the shapes of one sample.
	Shapes() (inputs, targets [][]int)
	// Names returns the class names, by class index; nil if there are none.
	Names() []string
}

// encoderVersion is the version of the JSON of encoders. Readers reject later ones.
const encoderVersion = 1

// maxEncoderBytes is the largest JSON of an encoder.
const maxEncoderBytes = 1 << 26

// encoderHead is how the JSON of every encoder begins.
type encoderHead struct {
	Encoder string `json:"encoder"` // "table", "image" or "text"
	Version int    `json:"version"`
}

// ParseEncoder reads the JSON of an encoder. Errors name the value that is wrong. At most
// 64 MB.
func ParseEncoder(raw []byte) (Encoder, error) {
	var head encoderHead
	if len(raw) > maxEncoderBytes {
		return nil, fmt.Errorf("encoder: %d bytes, want at most %d", len(raw), maxEncoderBytes)
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	var e interface {
		Encoder
		json.Unmarshaler
	}
	switch head.Encoder {
	case "table":
		e = new(TableEncoder)
	case "image":
		e = new(ImageEncoder)
	case "text":
		e = new(TextEncoder)
	default:
		return nil, fmt.Errorf(`encoder: kind %.40q, want "table", "image" or "text"`, head.Encoder)
	}
	if err := e.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return e, nil
}

// decodeEncoder decodes the JSON of an encoder of the given kind into v, which embeds its
// head.
func decodeEncoder(raw []byte, kind string, head *encoderHead, v any) error {
	if len(raw) > maxEncoderBytes {
		return fmt.Errorf("%s encoder: %d bytes, want at most %d", kind, len(raw), maxEncoderBytes)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := json.Unmarshal(raw, head); err != nil {
		return fmt.Errorf("%s encoder: %w", kind, err)
	}
	if head.Encoder != kind || head.Version < 1 || head.Version > encoderVersion {
		return fmt.Errorf("%s encoder: kind %.40q of version %d, want %q of version 1 to %d", kind, head.Encoder, head.Version, kind, encoderVersion)
	}
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s encoder: %w", kind, unexpected(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s encoder: offset %d: more after the end", kind, d.InputOffset())
	}
	return nil
}
