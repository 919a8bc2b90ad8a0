// SPDX-License-Identifier: Apache-2.0

package kerash5

import (
	"bytes"
	"encoding/json"
)

// notNumbers are what Python writes for numbers that JSON cannot represent.
var notNumbers = []string{"NaN", "Infinity", "-Infinity"}

// strictJSON converts Python's output to valid JSON: NaN, Infinity and -Infinity become
// strings, which no reader mistakes for a number or null.
func strictJSON(text []byte) json.RawMessage {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	var out bytes.Buffer
	for quoted := false; len(text) > 0; {
		n := 1
		switch {
		case quoted && text[0] == '\\':
			n = min(2, len(text))
		case text[0] == '"':
			quoted = !quoted
		case !quoted:
			for _, word := range notNumbers {
				if bytes.HasPrefix(text, []byte(word)) {
					n = len(word)
					out.WriteString(`"` + word + `"`)
					text, n = text[n:], 0
					break
				}
			}
		}
		out.Write(text[:n])
		text = text[n:]
	}
	return out.Bytes()
}

// checkJSON reports where a text is not valid JSON.
func checkJSON(text json.RawMessage) error {
	var any json.RawMessage
	return json.Unmarshal(text, &any)
}
