// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/keraslike"
)

// pathTemplate is a path with placeholders in Python's form: "{epoch:02d}", "{val_loss}".
type pathTemplate []pathPart

// pathPart is a literal or the name and the format of a number.
type pathPart struct {
	literal, name string
	format        numberFormat
}

// parsePath parses a path; "{{" and "}}" stand for braces.
func parsePath(path string) (pathTemplate, error) {
	var list pathTemplate
	var literal strings.Builder
	for rest := path; rest != ""; {
		at := strings.IndexAny(rest, "{}")
		if at < 0 {
			literal.WriteString(rest)
			break
		}
		literal.WriteString(rest[:at])
		brace := rest[at]
		rest = rest[at+1:]
		if rest != "" && rest[0] == brace {
			literal.WriteByte(brace)
			rest = rest[1:]
			continue
		}
		end := strings.IndexAny(rest, "{}")
		if brace == '}' || end < 0 || rest[end] == '{' {
			return nil, fmt.Errorf("path %q has an unmatched brace; write {{ or }} for a literal one", path)
		}
		name, spec, _ := strings.Cut(rest[:end], ":")
		format, err := parseFormat(spec)
		if err != nil || name == "" {
			return nil, fmt.Errorf("path %q: placeholder {%s}: want a name and an optional format, as in {epoch:02d} or {val_loss:.2f}", path, rest[:end])
		}
		list = append(list, pathPart{literal: literal.String()}, pathPart{name: name, format: format})
		literal.Reset()
		rest = rest[end+1:]
	}
	return append(list, pathPart{literal: literal.String()}), nil
}

// check reports wrong placeholders before training; names are the names of the logs, nil if
// they are not known yet.
func (p pathTemplate) check(path string, names []string) error {
	for _, part := range p {
		whole := part.name == "epoch" || part.name == "batch"
		switch {
		case part.name == "":
		case whole && part.format.verb == 0 && part.format.precision >= 0:
			return fmt.Errorf("path %q: %s is an integer and has no precision, want a format such as 02d", path, part.name)
		case !whole && part.format.verb == 'd':
			return fmt.Errorf("path %q: %s is not an integer, want another format than d", path, part.name)
		case !whole && names != nil && !slices.Contains(names, part.name):
			return fmt.Errorf("path %q: there is no %q, want epoch, batch or one of %q", path, part.name, names)
		}
	}
	return nil
}

// fill replaces the placeholders by values.
func (p pathTemplate) fill(path string, t *keraslike.Training) (string, error) {
	var b strings.Builder
	for _, part := range p {
		switch part.name {
		case "":
			b.WriteString(part.literal)
		case "epoch":
			b.WriteString(part.format.whole(t.Epoch))
		case "batch":
			b.WriteString(part.format.whole(t.Step))
		default:
			v, ok := t.Logs.Lookup(part.name)
			if !ok {
				return "", fmt.Errorf("path %q: there is no %q, want epoch, batch or one of %q", path, part.name, namesOf(t.Logs))
			}
			b.WriteString(part.format.float(v))
		}
	}
	return b.String(), nil
}

// numberFormat is the part of Python's format specification that is useful in a file name.
type numberFormat struct {
	fill             rune
	align, sign      byte // 0 for none
	width, precision int  // a precision of -1 is none
	verb             byte // of "deEfFgG%", 0 for none
}

var formatSpec = regexp.MustCompile(`^(?:(.)??([<>=^]))?([-+ ])?(0)?([0-9]{0,3})(?:\.([0-9]{1,2}))?([deEfFgG%])?$`)

func parseFormat(spec string) (numberFormat, error) {
	m := formatSpec.FindStringSubmatch(spec)
	if m == nil {
		return numberFormat{}, fmt.Errorf("format %q is unknown", spec)
	}
	f := numberFormat{fill: ' ', precision: -1}
	first := func(s string) byte {
		if s == "" {
			return 0
		}
		return s[0]
	}
	f.align, f.sign, f.verb = first(m[2]), first(m[3]), first(m[7])
	if m[4] != "" {
		f.fill = '0'
		if f.align == 0 {
			f.align = '='
		}
	}
	if m[1] != "" {
		f.fill = []rune(m[1])[0]
	}
	f.width, _ = strconv.Atoi(m[5])
	if m[6] != "" {
		f.precision, _ = strconv.Atoi(m[6])
	}
	if f.verb == 'd' && f.precision >= 0 {
		return f, fmt.Errorf("format %q: an integer has no precision", spec)
	}
	return f, nil
}

// whole formats an integer; as in Python, formats of floats are allowed.
func (f numberFormat) whole(n int) string {
	if f.verb == 0 && f.precision < 0 || f.verb == 'd' {
		return f.pad(n < 0, strconv.Itoa(max(n, -n)))
	}
	return f.float(float64(n))
}

// float formats a number, by default with four digits.
func (f numberFormat) float(v float64) string {
	negative, v := math.Signbit(v), math.Abs(v)
	verb, precision := f.verb, f.precision
	if precision < 0 && verb != 0 {
		precision = 6
	}
	if digits := notNumber(v); digits != "" {
		switch verb {
		case 'E', 'F', 'G':
			digits = strings.ToUpper(digits)
		case '%':
			digits += "%"
		}
		return f.pad(negative && !math.IsNaN(v), digits)
	}
	switch {
	case verb == 0 && precision < 0:
		return f.pad(negative, strconv.FormatFloat(v, 'f', 4, 64))
	case verb == 0:
		return f.pad(negative, general(v, max(1, precision)))
	case verb == '%':
		return f.pad(negative, strconv.FormatFloat(100*v, 'f', precision, 64)+"%")
	case verb == 'g' || verb == 'G':
		precision = max(1, precision)
	case verb == 'F':
		verb = 'f'
	}
	return f.pad(negative, strconv.FormatFloat(v, verb, precision, 64))
}

// notNumber returns "nan" or "inf" for v >= 0 without digits, "" for other numbers.
func notNumber(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return "inf"
	}
	return ""
}

// general is Python's format without a letter: like g, but with a digit after the point.
func general(v float64, precision int) string {
	s := strconv.FormatFloat(v, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	if e, _ := strconv.Atoi(exponent); e >= -4 && e < precision-1 {
		s = strconv.FormatFloat(v, 'f', max(precision-1-e, 1), 64)
		whole, fraction, _ := strings.Cut(s, ".")
		if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
			fraction = "0"
		}
		return whole + "." + fraction
	}
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + exponent
}

// pad adds the sign and pads to the width.
func (f numberFormat) pad(negative bool, digits string) string {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case f.sign == '+' || f.sign == ' ':
		sign = string(f.sign)
	}
	n := max(0, f.width-len(sign)-len(digits))
	fill := strings.Repeat(string(f.fill), n)
	switch f.align {
	case '<':
		return sign + digits + fill
	case '=':
		return sign + fill + digits
	case '^':
		half := strings.Repeat(string(f.fill), n/2)
		return half + sign + digits + strings.Repeat(string(f.fill), n-n/2)
	}
	return fill + sign + digits
}
