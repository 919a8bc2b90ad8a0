// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// parseNumber reads a decimal number such as -1.5e3 that is finite.
func parseNumber(cell string, decimal, thousands rune) (float64, bool) {
	digits := false
	for i, c := range cell {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c == '+' || c == '-' || c == decimal:
		case (c == 'e' || c == 'E') && digits && i+1 < len(cell):
		case thousands != 0 && c == thousands && digits && i+1 < len(cell):
		default:
			return 0, false
		}
	}
	if !digits {
		return 0, false
	}
	if thousands != 0 {
		cell = strings.ReplaceAll(cell, string(thousands), "")
	}
	if decimal != '.' {
		cell = strings.ReplaceAll(cell, string(decimal), ".")
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil && !math.IsInf(v, 0)
}

// truths are the words for false and true, in lower case.
var truths = [][2]string{{"false", "true"}, {"no", "yes"}, {"f", "t"}, {"n", "y"}, {"off", "on"}, {"0", "1"}}

// parseBool reads a word for true or false in any case.
func parseBool(cell string) (value, ok bool) {
	if len(cell) > 5 {
		return false, false
	}
	cell = strings.ToLower(cell)
	for _, pair := range truths {
		if cell == pair[0] || cell == pair[1] {
			return cell == pair[1], true
		}
	}
	return false, false
}

// DateOrder is the order of day and month in dates such as 03/04/2020.
type DateOrder int

// The orders of dates.
const (
	GuessDates DateOrder = iota // from days above 12; undecided dates are an error
	DayFirst                    // British: 3 April
	MonthFirst                  // American: 4 March
)

// dateForm is what a cell tells about the dates of its column.
type dateForm struct {
	day, clock bool      // it has a day, a time of day
	order      DateOrder // that it must have, if only one is possible
	either     bool      // both orders are possible
}

// parseDate reads a date, a time of day, or both, with the offset of a time zone, if there is
// one. Without a day it is 1 January 1970, without a zone UTC.
//
//	2020-12-31  2020/12/31  2020-12  31.12.2020  31/12/2020  12/31/20  31 Dec 2020  Dec 31, 2020
//	15:04  15:04:05  15:04:05.999  3:04 PM  15:04:05Z  15:04+02:00
//
// The day and the time are separated by a space or a T. Years of two digits are 1969 to 2068,
// as in POSIX.
func parseDate(cell string, order DateOrder) (at time.Time, form dateForm, ok bool) {
	date, clock := cell, ""
	if colon := strings.IndexByte(cell, ':'); colon >= 0 {
		split := strings.LastIndexAny(cell[:colon], "T ")
		date, clock = strings.TrimSpace(cell[:max(split, 0)]), cell[split+1:]
	}
	if len(cell) < 4 || len(cell) > 40 {
		return at, form, false
	}
	year, month, day := 1970, 1, 1
	if date != "" {
		if year, month, day, form, ok = parseDay(date, order); !ok {
			return at, form, false
		}
		form.day = true
	}
	var since time.Duration
	zone := time.UTC
	if clock != "" {
		if since, zone, ok = parseClock(clock); !ok {
			return at, form, false
		}
		form.clock = true
	}
	at = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if at.Month() != time.Month(month) || at.Day() != day { // 31 June
		return at, form, false
	}
	h, rest := since/time.Hour, since%time.Hour
	return time.Date(year, time.Month(month), day, int(h), int(rest/time.Minute), int(rest%time.Minute/time.Second), int(rest%time.Second), zone), form, true
}

func parseDay(s string, order DateOrder) (year, month, day int, form dateForm, ok bool) {
	fail := func() (int, int, int, dateForm, bool) { return 0, 0, 0, form, false }
	parts, separator := splitDay(s)
	if len(parts) != 3 || !strings.HasPrefix(s, parts[0]) && named(s[:3], weekdays) == 0 {
		return fail()
	}
	var n [3]int
	name := -1
	for k, p := range parts {
		if v, err := strconv.Atoi(p); err == nil && v >= 0 && p[0] != '+' && len(p) <= 4 {
			n[k] = v
		} else if n[k] = named(p, months); n[k] > 0 && name < 0 {
			name = k
		} else {
			return fail()
		}
	}
	switch {
	case name == 1: // 2 Jan 2006
		year, month, day = n[2], n[1], n[0]
		if len(parts[0]) == 4 { // 2006 Jan 2
			year, day = n[0], n[2]
		} else if len(parts[2]) == 2 {
			year = century(year)
		}
	case name == 0: // Jan 2, 2006
		year, month, day = n[2], n[0], n[1]
	case name == 2:
		return fail()
	case len(parts[0]) == 4 && separator != ' ':
		year, month, day = n[0], n[1], n[2]
	case separator == ' ' || len(parts[2]) != 4 && len(parts[2]) != 2 || len(parts[0]) > 2 || len(parts[1]) > 2:
		return fail()
	default:
		year = n[2]
		if len(parts[2]) == 2 {
			year = century(year)
		}
		day, month, form = dayAndMonth(n[0], n[1], separator, order)
	}
	return year, month, day, form, year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

// splitDay returns the parts of a date, which are three if it is one, and the last separator. A day of
// the week is left out; a month without a day gets its first.
func splitDay(s string) (parts []string, separator rune) {
	parts = strings.FieldsFunc(s, func(r rune) bool {
		if r == '-' || r == '/' || r == '.' || r == ' ' || r == ',' {
			separator = r
			return true
		}
		return false
	})
	if len(parts) == 4 && named(parts[0], weekdays) > 0 { // Mon, 2 Jan 2006
		parts = parts[1:]
	}
	if len(parts) == 2 && len(parts[0]) == 4 && (separator == '-' || separator == '/') { // 2006-01
		parts = append(parts, "1")
	}
	return parts, separator
}

// dayAndMonth reads the first two numbers of a date, of which either may be the day.
func dayAndMonth(first, second int, separator rune, order DateOrder) (day, month int, form dateForm) {
	switch {
	case separator == '.':
		order = DayFirst
	case first > 12:
		form.order = DayFirst
	case second > 12:
		form.order = MonthFirst
	default:
		form.either = true
	}
	if order == GuessDates {
		order = form.order
	}
	if order == MonthFirst {
		return second, first, form
	}
	return first, second, form
}

// century completes a year of two digits.
func century(year int) int {
	if year < 69 {
		return 2000 + year
	}
	return 1900 + year
}

var (
	months   = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// named is the number of a month or weekday that is written out or as its first letters, at
// least three; 0 for others.
func named(s string, names []string) int {
	if len(s) < 3 {
		return 0
	}
	s = strings.ToLower(s)
	return slices.IndexFunc(names, func(name string) bool { return s == name || s == name[:3] || s == "sept" && name == "september" }) + 1
}

// parseClock reads a time of day and its zone.
func parseClock(s string) (since time.Duration, zone *time.Location, ok bool) {
	zone = time.UTC
	upper := strings.ToUpper(strings.TrimSpace(s))
	half := ""
	for _, suffix := range []string{"AM", "PM"} {
		if rest, found := strings.CutSuffix(upper, suffix); found {
			upper, half = strings.TrimSpace(rest), suffix
		}
	}
	if rest, found := strings.CutSuffix(upper, "UTC"); found {
		upper = strings.TrimSpace(rest)
	} else if rest, found := strings.CutSuffix(upper, "Z"); found {
		upper = rest
	} else if at := strings.LastIndexAny(upper, "+-"); at > 0 {
		offset, ok := parseOffset(upper[at:])
		if !ok {
			return 0, nil, false
		}
		zone, upper = time.FixedZone("", offset), strings.TrimSpace(upper[:at])
	}
	parts := strings.Split(upper, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, nil, false
	}
	whole := func(s string, most int) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && len(s) <= 2 && unicode.IsDigit(rune(s[0])) && n <= most
	}
	hour, hours := whole(parts[0], 23)
	minute, minutes := whole(parts[1], 59)
	if !hours || !minutes || len(parts[1]) != 2 {
		return 0, nil, false
	}
	if half != "" {
		if hour < 1 || hour > 12 {
			return 0, nil, false
		}
		if hour %= 12; half == "PM" {
			hour += 12
		}
	}
	since = time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	if len(parts) == 3 {
		second, fraction, _ := strings.Cut(parts[2], ".")
		n, ok := whole(second, 59)
		if !ok || len(fraction) > 9 || strings.ContainsFunc(fraction, func(r rune) bool { return r < '0' || r > '9' }) {
			return 0, nil, false
		}
		since += time.Duration(n) * time.Second
		if fraction != "" {
			n, _ := strconv.Atoi(fraction + strings.Repeat("0", 9-len(fraction))) // nine digits
			since += time.Duration(n)
		}
	}
	return since, zone, true
}

// parseOffset reads +02:00, +0200 or +02, in seconds.
func parseOffset(s string) (int, bool) {
	digits := strings.Replace(s[1:], ":", "", 1)
	if len(digits) != 2 && len(digits) != 4 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	hours, _ := strconv.Atoi(digits[:2])
	minutes := 0
	if len(digits) == 4 {
		minutes, _ = strconv.Atoi(digits[2:])
	}
	offset := hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, hours <= 23 && minutes <= 59
}
