// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// tolerance says how much numbers may differ.
type tolerance struct {
	relative float64 // of the larger number
	times    float64 // the largest ratio of two times or rates; 0 allows any
}

var (
	// usual is the tolerance of tests, whose machine may be busy; that of make docs has a
	// limit for times, too.
	usual    = tolerance{0.05, 0}
	measured = tolerance{0.05, 10}
	// anyNumber accepts the same words with other numbers.
	anyNumber = tolerance{math.Inf(1), 0}
)

// A token is a number with its unit, a date, a bar or a word.
var tokenPattern = regexp.MustCompile(strings.Join([]string{
	`(?P<clock>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)?|\b\d\d:\d\d:\d\d\b)`,
	`(?P<bar>[\x{2580}-\x{259f}\x{2800}-\x{28ff}]+)`,
	`(?P<time>(?:\d+(?:\.\d+)?(?:ns|µs|us|ms|s|m|h))+\b|\d+(?:\.\d+)? (?:ns|µs|us|ms|s|min|h|seconds?|minutes?|hours?)\b)`,
	`(?P<rate>\d[\d,]*(?:\.\d+)? ?[\pL]*(?: [\pL]+)?(?:/s\b| per second\b))`,
	`(?P<number>[-+−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)`,
	`(?P<word>[^\s\d]+)`,
}, "|"))

type lexeme struct {
	kind, text string
}

func lexemes(row string) (list []lexeme) {
	names := tokenPattern.SubexpNames()
	for _, m := range tokenPattern.FindAllStringSubmatch(row, -1) {
		for i := 1; i < len(m); i++ {
			if m[i] != "" {
				list = append(list, lexeme{names[i], m[i]})
				break
			}
		}
	}
	return list
}

// sameLine compares a line of a page with one that was printed. "..." at the end stands for
// the rest.
func sameLine(want, got string, tol tolerance) bool {
	w := lexemes(want)
	g := lexemes(got)
	if n := len(w); n > 0 && (w[n-1].text == "..." || w[n-1].text == "…") && n > 1 {
		w = w[:n-1]
		if len(g) > len(w) {
			g = g[:len(w)]
		}
	}
	if len(w) != len(g) {
		return false
	}
	for i := range w {
		if !sameToken(w[i], g[i], tol) {
			return false
		}
	}
	return true
}

func sameToken(w, g lexeme, tol tolerance) bool {
	if w.kind != g.kind {
		return false
	}
	switch w.kind {
	case "clock", "bar":
		return true
	case "time":
		return ratio(seconds(w.text), seconds(g.text), tol.times)
	case "rate":
		a, unit := leading(w.text)
		b, other := leading(g.text)
		return unit == other && ratio(a, b, tol.times)
	case "number":
		a, errA := strconv.ParseFloat(plainNumber(w.text), 64)
		b, errB := strconv.ParseFloat(plainNumber(g.text), 64)
		if errA != nil || errB != nil {
			return w.text == g.text
		}
		return math.Abs(a-b) <= max(tol.relative*max(math.Abs(a), math.Abs(b)), 1.01*unitOf(w.text)) || a == b
	}
	return w.text == g.text
}

func plainNumber(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, ",", ""), "−", "-")
}

// unitOf is one unit of the last decimal, by which a rounded number may differ, or 0 for
// whole numbers, which count something, and for numbers of one digit.
func unitOf(s string) float64 {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	_, decimals, ok := strings.Cut(mantissa, ".")
	if !ok || len(strings.TrimLeft(mantissa, "+-−0.")) < 2 {
		return 0
	}
	e, _ := strconv.Atoi(exponent)
	return math.Pow(10, float64(e-len(decimals)))
}

func ratio(a, b, most float64) bool {
	if most == 0 || a == b {
		return true
	}
	a, b = max(a, 1e-9), max(b, 1e-9)
	return a <= most*b && b <= most*a
}

var timePart = regexp.MustCompile(`(\d+(?:\.\d+)?) ?(ns|µs|us|ms|min|seconds?|minutes?|hours?|s|m|h)`)

// seconds reads 1m2.5s, 350 ms, 3 minutes.
func seconds(s string) (sum float64) {
	for _, m := range timePart.FindAllStringSubmatch(s, -1) {
		v, _ := strconv.ParseFloat(m[1], 64)
		switch m[2] {
		case "ns":
			v *= 1e-9
		case "µs", "us":
			v *= 1e-6
		case "ms":
			v *= 1e-3
		case "m", "min", "minute", "minutes":
			v *= 60
		case "h", "hour", "hours":
			v *= 3600
		}
		sum += v
	}
	return sum
}

func leading(s string) (float64, string) {
	i := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789,.", r) })
	v, _ := strconv.ParseFloat(plainNumber(s[:i]), 64)
	return v, strings.TrimSpace(s[i:])
}

// row is a line that is not blank, with its index in the text.
type row struct {
	text string
	at   int
}

func rows(text string) (list []row) {
	i := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if at := strings.LastIndexByte(line, '\r'); at >= 0 {
			line = line[at+1:] // what a terminal shows of a line that is written again
		}
		if strings.TrimSpace(line) != "" {
			list = append(list, row{line, i})
		}
		i++
	}
	return list
}

func isGap(s string) bool { s = strings.TrimSpace(s); return s == "..." || s == "…" }

// match compares the text of a page with an output. A line "..." stands for any lines.
// It returns for each line of want that is not blank the one in got, or how far it came.
func match(want, got []row, tol tolerance) (pairs []int, far int, ok bool) {
	type state struct{ w, g int }
	dead := map[state]bool{}
	pairs = make([]int, len(want))
	var walk func(w, g int) bool
	walk = func(w, g int) bool {
		far = max(far, w)
		if w == len(want) {
			return g == len(got)
		}
		if dead[state{w, g}] {
			return false
		}
		found := false
		if isGap(want[w].text) {
			pairs[w] = -1
			for next := g; next <= len(got) && !found; next++ {
				found = walk(w+1, next)
			}
		} else if g < len(got) && sameLine(want[w].text, got[g].text, tol) {
			pairs[w] = g
			found = walk(w+1, g+1)
		}
		if !found {
			dead[state{w, g}] = true
		}
		return found
	}
	ok = walk(0, 0)
	return pairs, far, ok
}

// compareText compares a text block with outputs, any of which may be the one that is shown.
func compareText(p *page, b *block, outputs []string, tol tolerance) error {
	want := rows(b.text)
	best := -1
	var at row
	for _, o := range outputs {
		_, far, ok := match(want, rows(o), tol)
		if ok {
			return nil
		}
		if far > best {
			best = far
			if at = (row{"", len(strings.Split(b.text, "\n")) - 2}); far < len(want) {
				at = want[far]
			}
		}
	}
	printed := strings.TrimRight(outputs[0], "\n")
	for _, o := range outputs {
		if strings.TrimSpace(printed) == "" {
			printed = strings.TrimRight(o, "\n")
		}
	}
	if best >= len(want) {
		return p.fault(b.line+at.at, "more is printed than the page shows (a line ... stands for any lines):\n%s", indent(printed))
	}
	return p.fault(b.line+at.at, "the page shows\n%s\nprinted is\n%s", indent(at.text), indent(printed))
}

func indent(s string) string {
	lines := strings.Split(s, "\n")
	if len(lines) > 60 {
		lines = append(lines[:60:60], fmt.Sprintf("... and %d lines more", len(lines)-60))
	}
	return "\t" + strings.Join(lines, "\n\t")
}

// renew returns the text of a block with what is printed now, or false if it is not
// clear where the lines between gaps are now.
func renew(b *block, outputs []string) (string, bool) {
	want := rows(b.text)
	gaps := false
	for _, w := range want {
		gaps = gaps || isGap(w.text) || strings.HasSuffix(w.text, " ...")
	}
	if !gaps {
		return strings.TrimRight(outputs[0], "\n") + "\n", strings.TrimSpace(outputs[0]) != ""
	}
	for _, o := range outputs {
		got := rows(o)
		pairs, _, ok := match(want, got, anyNumber)
		if !ok {
			continue
		}
		lines := strings.Split(b.text, "\n")
		for i, w := range want {
			if pairs[i] >= 0 && !strings.HasSuffix(w.text, " ...") {
				lines[w.at] = got[pairs[i]].text
			}
		}
		return strings.Join(lines, "\n"), true
	}
	return "", false
}
