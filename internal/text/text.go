// SPDX-License-Identifier: Apache-2.0

// Package text has the conventions for messages that all packages share: how counts are written,
// and how a message suggests the valid choices.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Thousands formats an integer with commas between groups of three digits, 407050 as "407,050".
func Thousands[T ~int | ~int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	first := 1
	if n < 0 {
		first = 2
	}
	for i := len(s) - 3; i >= first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count formats a number of things: "1 epoch", "1,200 epochs". The noun's plural must end in s.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(n) + " " + noun + "s"
}

// FirstOf lists the first eight names, shortened where they are long, and how many more there are.
func FirstOf(names []string) string {
	const most, longest = 8, 40
	var list []string
	for _, name := range names[:min(most, len(names))] {
		if r := []rune(name); len(r) > longest {
			name = string(r[:longest]) + "..."
		}
		list = append(list, Printable(name))
	}
	if more := len(names) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %s more", Thousands(more)))
	}
	return strings.Join(list, ", ")
}

// Printable replaces control characters, which could move the cursor of a terminal, by blanks.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// Meant returns the end of a message about an unknown word: a suggestion such as
// ` (did you mean "sample"?)`, or "" if no choice is close.
func Meant(word string, choices ...string) string {
	if near := Nearest(word, choices...); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// Nearest returns the choice that a misspelled word most likely stands for: the one with the
// fewest insertions, deletions, replacements and transpositions of adjacent letters (Damerau
// 1964), at most one per three letters, ignoring case. It returns "" if none is close.
func Nearest(word string, choices ...string) string {
	best, fewest := "", 0
	for _, c := range choices {
		limit := max(1, len(c)/3)
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d <= limit && (best == "" || d < fewest) && d < len(c) {
			best, fewest = c, d
		}
	}
	return best
}

// distance returns the edit distance of two words. Words longer than any choice are far from
// every choice.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 2*len(y)+8 {
		return len(x)
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
