// SPDX-License-Identifier: Apache-2.0

package reef_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestReadme runs the program of README.md as it stands there, on the embedded sample.
func TestReadme(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```go\n")
	program, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("README.md has no program")
	}
	if n := strings.Count(program, "\n"); n > 35 {
		t.Errorf("the program has %d lines, want at most 35", n)
	}
	main := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(main, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(goTool, "run", main)
	cmd.Env = append(os.Environ(), "REEF_DATA=", "REEF_CACHE="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	accuracy, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || accuracy < 0.8 {
		t.Errorf("the program prints %q, want an accuracy of at least 0.8", out)
	}
}
