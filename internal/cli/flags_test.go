// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func testFlags() *flag.FlagSet {
	f := flag.NewFlagSet("test", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Int("epochs", 0, "`number` of epochs")
	f.Uint64("seed", 1, "`number` that seeds all randomness, which is described here at such a length that it does not fit into one line of a terminal")
	f.Float64("rate", 0.5, "learning `rate`")
	f.Duration("wait", 0, "`time` to wait")
	f.Bool("quiet", false, "show nothing")
	f.String("name", "", "`name` of a thing")
	return f
}

// TestFlagErrors: a mistake is answered with what is wanted, in the user's words.
func TestFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-epochs many":           `-epochs "many": want a whole number; -help shows all flags`,
		"-epochs 1.5":            `-epochs "1.5": want a whole number; `,
		"-seed -1":               `-seed "-1": want a whole number of at least 0; `,
		"-rate fast":             `-rate "fast": want a number; `,
		"-wait 5":                `-wait "5": want a duration such as 30s or 5m; `,
		"-quiet=maybe":           `-quiet "maybe": want true or false; `,
		"-epochs for_flag-seed:": `-epochs "for_flag-seed:": want a whole number; `,
		"-epoch 3":               `(did you mean -epochs?); -help shows all flags`,
		"-name":                  `flag needs an argument: -name; -help shows all flags`,
	} {
		_, err := Parse(testFlags(), strings.Fields(args))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
		if Status("test", err, io.Discard) != Misused {
			t.Errorf("%s: exit status %d, want %d", args, Status("test", err, io.Discard), Misused)
		}
	}
}

// TestPrintFlags: all flags in order, in lines of at most 80 characters.
func TestPrintFlags(t *testing.T) {
	var b strings.Builder
	PrintFlags(&b, testFlags())
	const want = `  -epochs number
        number of epochs
  -name name
        name of a thing
  -quiet
        show nothing
  -rate rate
        learning rate (default 0.5)
  -seed number
        number that seeds all randomness, which is described here at such a
        length that it does not fit into one line of a terminal (default 1)
  -wait time
        time to wait
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if time.Duration(0).String() != "0s" {
		t.Error("PrintFlags takes 0s for no duration")
	}
}
