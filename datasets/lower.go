// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lower maps a text to lower case as Python's str.lower does: by the full mappings of
// Unicode, which differ from the simple ones in two cases. A capital sigma at the end of
// a word becomes ς, and İ becomes i with a combining dot.
//
// Source: The Unicode Standard, section 3.13, and SpecialCasing.txt.
func lower(text string) string {
	const sigma, dotted = 'Σ', 'İ'
	if strings.IndexFunc(text, func(r rune) bool { return r == sigma || r == dotted }) < 0 {
		return strings.ToLower(text)
	}
	var b strings.Builder
	b.Grow(len(text) + 8)
	for i, r := range text {
		switch {
		case r == dotted:
			b.WriteString("i\u0307")
		case r == sigma && endsWord(text[:i], text[i+utf8.RuneLen(sigma):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// endsWord is Unicode's condition Final_Sigma: a cased letter precedes and none follows,
// ignoring case-ignorable characters in between.
func endsWord(before, behind string) bool {
	cased := false
	for len(before) > 0 && !cased {
		r, n := utf8.DecodeLastRuneInString(before)
		before = before[:len(before)-n]
		if caseIgnorable(r) {
			continue
		}
		if cased = isCased(r); !cased {
			return false
		}
	}
	for _, r := range behind {
		if !caseIgnorable(r) {
			return cased && !isCased(r)
		}
	}
	return cased
}

// isCased is Unicode's property Cased.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is Unicode's property Case_Ignorable: marks, formats, modifiers and the
// punctuation inside words (Word_Break MidLetter, MidNumLet, Single_Quote).
func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:·\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}
