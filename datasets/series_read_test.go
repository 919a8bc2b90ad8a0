// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestReadSeries(t *testing.T) {
	const good = "\"Date Time\",\"p (mbar)\",T\n01.01.2009 00:10:00,996.52,-8.02\n31.12.2009 23:50:00,1,2e1\n"
	s, err := ReadSeries(strings.NewReader(good), "f")
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(s.Columns, s.X) != "[p (mbar) T] [996.52 -8.02 1 20]" || !s.Times[1].Equal(time.Date(2009, 12, 31, 23, 50, 0, 0, time.UTC)) {
		t.Errorf("%v %v %v", s.Columns, s.X, s.Times)
	}
	for _, same := range []string{"\ufeff" + good, utf16Of(good, true), utf16Of(good, false), strings.ReplaceAll(good, "\n", "\r\n"), strings.TrimSuffix(good, "\n")} {
		if again, err := ReadSeries(strings.NewReader(same), "f"); err != nil || fmt.Sprint(again.Columns, again.X) != fmt.Sprint(s.Columns, s.X) {
			t.Errorf("%q: %v", same, err)
		}
	}
	for _, c := range []struct{ raw, want string }{
		{"", "f: line 1: an empty file, want CSV"},
		{"time\n", "f: line 1: 1 column, want the time and 1 to 999 numbers"},
		{"time,a\n", "f: no rows after the header"},
		{good + "01.01.2009,1,2\n", `f: line 4: time "01.01.2009", want day.month.year hour:minute:second`},
		{good + "01.01.2009 00:20:00,1\n", "f: line 4: 2 columns, the header has 3"},
		{good + "01.01.2009 00:20:00,1,x\n", `f: line 4: "T": "x" is not a finite number`},
		{good + "01.01.2009 00:20:00,NaN,1\n", `f: line 4: "p (mbar)": "NaN" is not a finite number`},
		{good + "\"", "f: "},
		{strings.ReplaceAll(good, ",", ";"), "f: line 1: columns are separated by semicolons, want commas"},
		{strings.ReplaceAll(good, ",", "\t"), "f: line 1: columns are separated by tabs, want commas"},
		{"\"time\";\"p, mbar\"\n01.01.2009 00:10:00;1,5\n", "f: line 1: columns are separated by semicolons, want commas"},
		{"time|a\n", "f: line 1: columns are separated by vertical bars, want commas"},
		{strings.ReplaceAll(good, "\n", "\r"), "f: line 1: lines end with CR alone, want LF or CRLF"},
		{"time,a\r01.01.2009 00:10:00,1\r", "f: line 1: lines end with CR alone, want LF or CRLF"},
		{"<html>", "f: line 1: an HTML page, want CSV"},
		{"PK\x03\x04", "f: line 1: a zip archive, want CSV"},
		{"t\x00,\x00a\x00", "f: line 1: zeros between the characters, as in UTF-16: set CSVOptions.Charset"},
		{strings.Repeat("a", maxCSVLine+1), "f: line 1: longer than 32768 bytes"},
		{good + strings.Repeat("a", maxCSVLine+1), "f: line 4: longer than 32768 bytes"},
	} {
		if _, err := ReadSeries(strings.NewReader(c.raw), "f"); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func FuzzReadSeries(f *testing.F) {
	f.Add("\"Date Time\",a,b\n01.01.2009 00:10:00,996.52,-8.02\n")
	f.Add("t,a\n01.01.2009 00:10:00,1e999\n")
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := ReadSeries(strings.NewReader(raw), "f")
		if err != nil {
			if !positioned.MatchString(err.Error()) {
				t.Fatalf("error without file and position: %v", err)
			}
			return
		}
		if s.Len() != len(s.Times) || s.Len() == 0 {
			t.Fatalf("%d rows, %d times", s.Len(), len(s.Times))
		}
	})
}
