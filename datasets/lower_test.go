// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestLower compares with Python's str.lower over all code points, alone and in seven
// contexts of a capital sigma (testdata/make_lower.py).
func TestLower(t *testing.T) {
	raw, err := os.ReadFile("testdata/lower.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Known   [][2]rune
		Changed map[string]string
		Final   map[string][][2]rune
		Texts   map[string]string
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for text, low := range want.Texts {
		if got := lower(text); got != low {
			t.Errorf("%q becomes %q, Python gives %q", text, got, low)
		}
	}
	changed := map[rune]string{}
	for hex, low := range want.Changed {
		var r rune
		for _, d := range hex {
			r = r<<4 | rune(strings.IndexRune("0123456789abcdef", d))
		}
		changed[r] = low
	}
	final := map[string]map[rune]bool{}
	for context, ranges := range want.Final {
		final[context] = map[rune]bool{}
		for _, r := range ranges {
			for c := r[0]; c <= r[1]; c++ {
				final[context][c] = true
			}
		}
	}
	n := 0
	for _, known := range want.Known {
		for c := known[0]; c <= known[1]; c++ {
			n++
			low, ok := changed[c]
			if !ok {
				low = string(c)
			}
			if got := lower(string(c)); got != low {
				t.Errorf("%U becomes %q, Python gives %q", c, got, low)
			}
			for context, is := range final {
				text := strings.ReplaceAll(context, "@", string(c))
				if got := strings.Contains(lower(text), "ς"); c != 'ς' && got != is[c] {
					t.Errorf("%U in %q: sigma is final: %t, in Python %t", c, context, got, is[c])
				}
			}
		}
	}
	if n < 144000 || len(final) != 7 || len(changed) < 1300 {
		t.Errorf("%d code points, %d contexts, %d changed", n, len(final), len(changed))
	}
}
