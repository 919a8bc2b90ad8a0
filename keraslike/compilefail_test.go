// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestOptionsThatDoNotFit compiles one program whose every marked line must be
// rejected by the type checker, and no other line.
func TestOptionsThatDoNotFit(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	program, err := os.ReadFile(filepath.Join("testdata", "compilefail", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(goTool, "build", "-gcflags=-e", "-o", os.DevNull, "./testdata/compilefail").CombinedOutput()
	if err == nil {
		t.Fatal("the program compiles")
	}
	refused := map[string]string{} // message by line
	for _, m := range regexp.MustCompile(`main\.go:(\d+):\d+: (.*)`).FindAllStringSubmatch(string(out), -1) {
		refused[m[1]] = strings.ReplaceAll(m[2], "keraslike.", "")
	}
	for i, line := range strings.Split(string(program), "\n") {
		number := strconv.Itoa(i + 1)
		_, want, marked := strings.Cut(line, "// refused: ")
		message, got := refused[number]
		switch {
		case marked && !got:
			t.Errorf("line %s compiles: %s", number, line)
		case got && !marked:
			t.Errorf("line %s does not compile: %s", number, message)
		case marked && !strings.Contains(message, want):
			t.Errorf("line %s: got %q, want %q", number, message, want)
		}
		delete(refused, number)
	}
	if len(refused) > 0 || t.Failed() {
		t.Logf("the compiler says:\n%s", out)
	}
}
