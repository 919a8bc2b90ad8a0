// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the line numbers of README.md")

// step is a row of README.md: a step of the notebook, the code that does it in the recipe,
// and the line of that code.
var step = regexp.MustCompile("^\\| .+ \\| `(.+)` \\| \\[(\\d+)\\]\\((p\\d+_\\w+\\.go)#L(\\d+)\\) \\|$")

// TestReadme: each row of the tables names a line that contains its code, and every
// recipe has a table. -update finds the lines: the next one after the line of the previous
// row, or else the first in the file.
func TestReadme(t *testing.T) {
	old, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	files, rows := map[string][]string{}, map[string]int{}
	before := 0
	for i, row := range strings.Split(string(old), "\n") {
		m := step.FindStringSubmatch(row)
		if m == nil {
			if before = 0; strings.Contains(row, "#L") {
				t.Errorf("README.md:%d is not a step: %s", i+1, row)
			}
			out = append(out, row)
			continue
		}
		code, file := m[1], m[3]
		if files[file] == nil {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files[file] = strings.Split(string(b), "\n")
		}
		rows[file]++
		line := find(files[file], code, before)
		if line == 0 {
			t.Errorf("README.md:%d: %s has no line with %s", i+1, file, code)
		}
		before = line
		want := fmt.Sprintf("[%d](%s#L%[1]d)", line, file)
		if got := fmt.Sprintf("[%s](%s#L%s)", m[2], file, m[4]); got != want && !*update {
			t.Errorf("README.md:%d: %s is in line %s, not %s (-update corrects it)", i+1, code, want, got)
		}
		out = append(out, row[:strings.LastIndex(row, "[")]+want+" |")
	}
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if name := n.Name(); recipeFile.MatchString(name) && !strings.HasSuffix(name, "_test.go") && rows[name] < 4 {
			t.Errorf("%s has %d rows in README.md, want at least 4", name, rows[name])
		}
	}
	if text := []byte(strings.Join(out, "\n")); *update && !bytes.Equal(text, old) {
		if err := os.WriteFile("README.md", text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// find returns the number of the next line after a line that contains the code, else
// that of the first in the file, or 0.
func find(lines []string, code string, after int) int {
	for i := after; i < len(lines); i++ {
		if strings.Contains(lines[i], code) {
			return i + 1
		}
	}
	if after == 0 {
		return 0
	}
	return find(lines, code, 0)
}
