// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"strings"
	"testing"
	"time"
)

func TestParseNumber(t *testing.T) {
	for _, c := range []struct {
		cell               string
		decimal, thousands rune
		want               float64
		ok                 bool
	}{
		{"1.5", '.', 0, 1.5, true},
		{"-1.5e3", '.', 0, -1500, true},
		{"+.5", '.', 0, 0.5, true},
		{"1,5", ',', 0, 1.5, true},
		{"1.234,5", ',', '.', 1234.5, true},
		{"1,234.5", '.', ',', 1234.5, true},
		{"1\u00a0234", '.', '\u00a0', 1234, true},
		{"1,5", '.', 0, 0, false},
		{"1.5", ',', 0, 0, false},
		{"", '.', 0, 0, false},
		{"-", '.', 0, 0, false},
		{"e5", '.', 0, 0, false},
		{"5e", '.', 0, 0, false},
		{"1e999", '.', 0, 0, false},
		{"NaN", '.', 0, 0, false},
		{"inf", '.', 0, 0, false},
		{"0x10", '.', 0, 0, false},
		{"1_000", '.', 0, 0, false},
		{"1-2", '.', 0, 0, false},
		{"12 kg", '.', 0, 0, false},
	} {
		if v, ok := parseNumber(c.cell, c.decimal, c.thousands); v != c.want || ok != c.ok {
			if c.ok || ok {
				t.Errorf("%q: %v %v, want %v %v", c.cell, v, ok, c.want, c.ok)
			}
		}
	}
}

func TestParseDate(t *testing.T) {
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	east := time.FixedZone("", 2*60*60)
	for _, c := range []struct {
		cell  string
		order DateOrder
		want  time.Time
		form  dateForm
	}{
		{"2020-12-31", 0, day(2020, 12, 31), dateForm{day: true}},
		{"2020/1/2", 0, day(2020, 1, 2), dateForm{day: true}},
		{"2020-02", 0, day(2020, 2, 1), dateForm{day: true}},
		{"31.12.2020", MonthFirst, day(2020, 12, 31), dateForm{day: true}},
		{"31/12/2020", 0, day(2020, 12, 31), dateForm{day: true, order: DayFirst}},
		{"12/31/2020", 0, day(2020, 12, 31), dateForm{day: true, order: MonthFirst}},
		{"03/04/2020", DayFirst, day(2020, 4, 3), dateForm{day: true, either: true}},
		{"03/04/2020", MonthFirst, day(2020, 3, 4), dateForm{day: true, either: true}},
		{"3-4-68", DayFirst, day(2068, 4, 3), dateForm{day: true, either: true}},
		{"3-4-69", DayFirst, day(1969, 4, 3), dateForm{day: true, either: true}},
		{"2 Jan 2006", 0, day(2006, 1, 2), dateForm{day: true}},
		{"02-JAN-06", 0, day(2006, 1, 2), dateForm{day: true}},
		{"September 5, 2021", 0, day(2021, 9, 5), dateForm{day: true}},
		{"Mon, 02 Jan 2006 15:04:05 +0200", 0, time.Date(2006, 1, 2, 15, 4, 5, 0, east), dateForm{day: true, clock: true}},
		{"2020-12-31T23:59:58.25Z", 0, time.Date(2020, 12, 31, 23, 59, 58, 250e6, time.UTC), dateForm{day: true, clock: true}},
		{"2020-12-31 23:59+02:00", 0, time.Date(2020, 12, 31, 23, 59, 0, 0, east), dateForm{day: true, clock: true}},
		{"31.12.2009 00:10:00", 0, time.Date(2009, 12, 31, 0, 10, 0, 0, time.UTC), dateForm{day: true, clock: true}},
		{"12/31/2020 12:05 AM", 0, time.Date(2020, 12, 31, 0, 5, 0, 0, time.UTC), dateForm{day: true, clock: true, order: MonthFirst}},
		{"3:04 pm", 0, time.Date(1970, 1, 1, 15, 4, 0, 0, time.UTC), dateForm{clock: true}},
	} {
		at, form, ok := parseDate(c.cell, c.order)
		if !ok || !at.Equal(c.want) || at.Format(time.RFC3339Nano) != c.want.Format(time.RFC3339Nano) || form != c.form {
			t.Errorf("%q: %v %+v %v, want %v %+v", c.cell, at, form, ok, c.want, c.form)
		}
	}
	for _, cell := range []string{
		"", "2020", "20", "31/02/2020", "2021-02-29", "2020-13-01", "32.1.2020", "31/12/2020 24:00", "12:60", "13:00 PM", "1.2.3", "1 2 3",
		"2020-12-31T", "12/31", "Foo 5, 2020", "Jan 5", "10:00+25:00", "10:00:00.1234567890", "-1-2-2020", "0000-01-01", ":", "T:", strings.Repeat("1", 50), "a:b", "10:5",
	} {
		if at, _, ok := parseDate(cell, MonthFirst); ok {
			t.Errorf("%q is read as %v", cell, at)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("31/12/2020 15:04:05+02:00")
	f.Add("Mon, 02 Jan 2006")
	f.Fuzz(func(t *testing.T, cell string) {
		for _, order := range []DateOrder{GuessDates, DayFirst, MonthFirst} {
			at, form, ok := parseDate(cell, order)
			if ok && (at.Year() < 1 || at.Year() > 9999 || !form.day && !form.clock) {
				t.Fatalf("%q: %v %+v", cell, at, form)
			}
		}
	})
}
