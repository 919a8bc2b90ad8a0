// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSpark(t *testing.T) {
	nan, huge := math.NaN(), math.MaxFloat64
	for _, c := range []struct {
		series []float64
		width  int
		want   string
		ascii  string
	}{
		{nil, 10, "", ""},
		{[]float64{1}, 10, "▁", "_"},
		{[]float64{5, 5, 5}, 10, "▁▁▁", "___"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 10, "▁▂▃▄▅▆▇█", "_.,-~=*#"},
		{[]float64{7, 0}, 10, "█▁", "#_"},
		{[]float64{0, 2, 6, 8}, 2, "▁█", "_#"},
		{[]float64{1, nan, 3, math.Inf(1)}, 10, "▁×█×", "_x#x"},
		{[]float64{nan, nan}, 10, "××", "xx"},
		{[]float64{-huge, huge}, 10, "▁█", "_#"},
		{[]float64{1, 2}, 0, "", ""},
		{[]float64{345, 36, 22, 18, 16, 14, 12, 8}, 10, "██▅▃▃▂▂▁", "##~,,.._"},
		{[]float64{-100, 1, 2, 3, 4}, 10, "▁▁▃▆█", "__,=#"},
		{[]float64{9, nan, 1, 1, 1, 1}, 10, "█×▁▁▁▁", "#x____"},
		{[]float64{9, 1, 2, 1}, 10, "█▁▂▁", "#_._"},
		{[]float64{1, 2}, -1, "", ""},
	} {
		if got := Spark(c.series, c.width, true); got != c.want {
			t.Errorf("%v in %d columns is %q, want %q", c.series, c.width, got, c.want)
		}
		if got := Spark(c.series, c.width, false); got != c.ascii {
			t.Errorf("%v in %d columns of ASCII is %q, want %q", c.series, c.width, got, c.ascii)
		}
	}
	for n := range 50 {
		for width := range 60 {
			if got := utf8.RuneCountInString(Spark(make([]float64, n), width, true)); got != min(n, width) {
				t.Fatalf("%d values in %d columns take %d", n, width, got)
			}
		}
	}
}

func TestUTF8(t *testing.T) {
	for env, want := range map[string]bool{
		"": false, "LANG=C": false, "LANG=C.UTF-8": true, "LANG=en_US.utf8": true, "LC_ALL=C LANG=C.UTF-8": false, "LC_CTYPE=de_DE.UTF-8 LANG=C": true, "LANG=de_DE.ISO-8859-1": false,
	} {
		for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
			t.Setenv(name, "")
		}
		for _, pair := range strings.Fields(env) {
			name, value, _ := strings.Cut(pair, "=")
			t.Setenv(name, value)
		}
		if got := UTF8(); got != want {
			t.Errorf("%q: %t, want %t", env, got, want)
		}
	}
}

// A terminal that cannot move its cursor gets no line that is redrawn.
func TestDumbTerminal(t *testing.T) {
	for term, want := range map[string]bool{"dumb": false, "": true, "xterm-256color": true} {
		if got := redraws(term); got != want {
			t.Errorf("TERM=%s: %t, want %t", term, got, want)
		}
	}
}
