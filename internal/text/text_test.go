// SPDX-License-Identifier: Apache-2.0

package text

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{
		0: "0", 999: "999", 1000: "1,000", 407050: "407,050", 14714688: "14,714,688",
		-1: "-1", -999: "-999", -1000: "-1,000", -123456: "-123,456", math.MinInt32: "-2,147,483,648",
	} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got := Thousands(math.MinInt); strings.ReplaceAll(got, ",", "") != strconv.Itoa(math.MinInt) { // whose negative overflows
		t.Errorf("%d is %q", math.MinInt, got)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 epochs", 1: "1 epoch", 2: "2 epochs", 1200: "1,200 epochs"} {
		if got := Count(n, "epoch"); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	choices := []string{"sample", "full", "mnist", "mnistcnn", "l2"}
	for word, want := range map[string]string{
		"smaple": "sample", "Sample": "sample", "samples": "sample", "ful": "full", "fulll": "full", "minst": "mnist", "mnist_cnn": "mnistcnn", "mnistccn": "mnistcnn",
		"l3": "l2", "": "", "x": "", "pigeons": "", "/data/sample": "", strings.Repeat("sample", 1<<20): "",
	} {
		if got := Nearest(word, choices...); got != want {
			t.Errorf("%.20q is taken for %q, want %q", word, got, want)
		}
	}
	if got, want := Meant("smaple", choices...), ` (did you mean "sample"?)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Meant("there", choices...); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestFirstOf(t *testing.T) {
	long := strings.Repeat("x", 41)
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"a", "b\x1b[2J"}, "a, b [2J"},
		{[]string{long}, long[:40] + "..."},
		{strings.Split("a b c d e f g h i j", " "), "a, b, c, d, e, f, g, h, and 2 more"},
	} {
		if got := FirstOf(c.names); got != c.want {
			t.Errorf("FirstOf(%q) is %q, want %q", c.names, got, c.want)
		}
	}
}
