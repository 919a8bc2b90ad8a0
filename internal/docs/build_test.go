// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const module = "github.com/reef-dl/reef"

// workshop holds what is built for all pages of a test run.
type workshop struct {
	root   string // of the repository
	folder string
	goTool string
}

func (w *workshop) bin() string { return filepath.Join(w.folder, "bin") }

// environment is that of builds and of all programs and commands of pages: no data but the
// samples, no network.
func (w *workshop) environment(extra ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "REEF_DATA", "REEF_CACHE", "REEF_MIRROR", "REEF_FULL", "REEF_DOCS", "GOFLAGS", "GOWORK", "PWD":
			continue
		}
		env = append(env, v)
	}
	return append(append(env, "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local", "NO_COLOR=1", "TERM=dumb"), extra...)
}

// buildPages compiles the programs as packages of one module outside the repository, which
// sees what a reader's module sees. It returns what the compiler says, by program.
func (w *workshop) buildPages(list []*program) (map[*program]string, error) {
	folder, err := os.MkdirTemp(w.folder, "pages") // whose programs alone are built
	if err != nil {
		return nil, err
	}
	modFile, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return nil, err
	}
	sum, err := os.ReadFile(filepath.Join(w.root, "go.sum"))
	if err != nil {
		return nil, err
	}
	mod := strings.Replace(string(modFile), "module "+module, "module example.org/pages", 1) +
		fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %[1]s => %[2]s\n", module, filepath.ToSlash(w.root))
	files := map[string]string{"go.mod": mod, "go.sum": string(sum)}
	for _, p := range list {
		files[p.name+"/main.go"] = p.source
	}
	for name, text := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(w.goTool, "build", "-mod=mod", "-ldflags=-s -w", "-o", w.bin()+string(filepath.Separator), "./...")
	cmd.Dir, cmd.Env = folder, w.environment()
	out, buildErr := cmd.CombinedOutput()
	if buildErr == nil {
		return nil, nil
	}
	// Messages stand behind lines "# example.org/pages/NAME" and name the page.
	said := map[*program]string{}
	for _, part := range bytes.Split(append([]byte("\n"), out...), []byte("\n# ")) {
		head, rest, _ := strings.Cut(string(part), "\n")
		for _, p := range list {
			if head == "example.org/pages/"+p.name {
				said[p] += readable(p, rest)
			}
		}
	}
	if len(said) == 0 {
		for _, p := range list {
			if bytes.Contains(out, []byte(p.name+"/")) {
				said[p] += readable(p, string(out))
			}
		}
	}
	if len(said) == 0 {
		return nil, fmt.Errorf("go build: %v\n%s", buildErr, out)
	}
	return said, nil
}

// readable removes the folder of the package from messages.
func readable(p *program, messages string) string {
	return regexp.MustCompile(`(?:\./)?`+regexp.QuoteMeta(p.name)+`/(`+regexp.QuoteMeta(p.page.file)+`:)`).ReplaceAllString(messages, "$1")
}

// buildCommands builds the commands that pages run with go run ./cmd/NAME.
func (w *workshop) buildCommands() error {
	args := []string{"build", "-ldflags=-s -w", "-o", w.bin() + string(filepath.Separator), "./cmd/..."}
	cmd := exec.Command(w.goTool, args...)
	cmd.Dir, cmd.Env = w.root, w.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./cmd/...: %v\n%s", err, out)
	}
	return nil
}
