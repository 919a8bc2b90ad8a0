// SPDX-License-Identifier: Apache-2.0

package text

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBrief(t *testing.T) {
	if Brief(nil) != nil || Brief(io.EOF) != io.EOF {
		t.Error("a short error is another one")
	}
	err := Brief(fmt.Errorf("load x: %s: %w", strings.Repeat("ä", 50_000), io.EOF))
	message := err.Error()
	if len(message) > longest || !strings.HasPrefix(message, "load x: ä") || !strings.HasSuffix(message, "ä: EOF") || !utf8.ValidString(message) {
		t.Errorf("got %d bytes, %q", len(message), message)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}
