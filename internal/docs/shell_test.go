// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// goWrapper stands for the go command in a page's folder: what a page builds from the repository
// or fetches from the network is here already.
const goWrapper = `#!/bin/sh
case "$1 $2" in
"run ./cmd/"*|"run github.com/reef-dl/reef/cmd/"*)
	name="${2##*/cmd/}" && shift 2
	exec "$REEF_DOCS_BIN/${name%%@*}" "$@" ;;
"run ./examples/"*)
	name="${2##*/}" && shift 2
	(cd "$REEF_DOCS_ROOT" && "$REEF_DOCS_GO" build -o "$REEF_DOCS_BIN/example-$name" "./examples/$name") || exit
	exec "$REEF_DOCS_BIN/example-$name" "$@" ;;
"get github.com/reef-dl/reef"*)
	cp "$REEF_DOCS_ROOT/go.sum" go.sum
	"$REEF_DOCS_GO" mod edit -require=github.com/reef-dl/reef@v0.0.0 -replace="github.com/reef-dl/reef=$REEF_DOCS_ROOT" ;;
"mod tidy"*) # would look for the modules that tests of other modules need
	cp "$REEF_DOCS_ROOT/go.sum" go.sum ;;
*)
	exec "$REEF_DOCS_GO" "$@" ;;
esac
`

// tools are programs that a page may use and that a machine may lack.
var tools = regexp.MustCompile(`(?:^|[|;&(]\s*)(curl|wget|jq|unzip|zip|tar|dot|convert|python3?|docker|hey|openssl|git|sqlite3)\b`)

var (
	needs      = regexp.MustCompile(`^#\s*needs:\s*(.+)$`)
	exitStatus = regexp.MustCompile(`#\s*exit status (\d+)\s*$`)
	// elsewhere are commands that are tested by others: all tests, CI.
	elsewhere = regexp.MustCompile(`^(go (test|vet|install) |make\b|\.ci/|git clone )`)
)

// command is a line of a sh block, with those that continue it.
type command struct {
	text   string
	line   int
	status int
	full   bool   // needs full data
	skip   string // why it is not run, or ""
}

// commands splits a block into lines; those that continue others belong to them.
func commands(b *block, full bool, have func(tool string) bool) (list []command) {
	lines := strings.Split(strings.TrimRight(b.text, "\n"), "\n")
	need := ""
	for i := 0; i < len(lines); i++ {
		s := strings.TrimSpace(lines[i])
		if m := needs.FindStringSubmatch(s); m != nil {
			need = m[1]
			continue
		}
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		c := command{text: strings.TrimPrefix(lines[i], "$ "), line: b.line + i}
		for !closed(c.text) && i+1 < len(lines) {
			i++
			c.text += "\n" + lines[i]
		}
		if m := exitStatus.FindStringSubmatch(c.text); m != nil {
			c.status, _ = strconv.Atoi(m[1])
		}
		if strings.HasPrefix(c.text, "git clone https://"+module) {
			c.text, s = "mkdir -p reef", "" // its commands are here
		}
		c.full = need != "" || strings.Contains(c.text, "-data full")
		switch {
		case elsewhere.MatchString(s):
			c.skip = "tested elsewhere"
		case c.full && !full:
			c.skip = "run by make docs"
		}
		for _, m := range tools.FindAllStringSubmatch(c.text, -1) {
			if !have(m[1]) {
				c.skip = "this machine has no " + m[1]
			}
		}
		list = append(list, c)
	}
	return list
}

var (
	heredoc = regexp.MustCompile(`<<-?\s*['"]?(\w+)['"]?`)
	opens   = regexp.MustCompile(`(?:^|[;&|]\s*|\n\s*)(for|while|until|if|case)\s`)
	closes  = regexp.MustCompile(`(?:^|[;&|]\s*|\n\s*)(done|fi|esac)\b`)
)

// closed reports whether a command ends with its last line.
func closed(text string) bool {
	if strings.HasSuffix(text, `\`) || strings.HasSuffix(strings.TrimSpace(text), "|") || strings.HasSuffix(strings.TrimSpace(text), "&&") {
		return false
	}
	if m := heredoc.FindStringSubmatch(text); m != nil {
		return strings.HasSuffix(text, "\n"+m[1])
	}
	if strings.Count(text, `'`)%2 == 1 && strings.Count(text, `"`)%2 == 0 {
		return false
	}
	return len(opens.FindAllString(text, -1)) <= len(closes.FindAllString(text, -1))
}

// shell runs the commands of one page in one folder, so that variables, the folder and
// programs in the background stay.
type shell struct {
	p      *process
	folder string
	n      int
}

func newShell(w *workshop, folder string, full bool) (*shell, error) {
	wrap := filepath.Join(w.folder, "wrap")
	if err := os.MkdirAll(wrap, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(wrap, "go")
	if _, err := os.Stat(file); err != nil {
		if err := os.WriteFile(file, []byte(goWrapper), 0o755); err != nil {
			return nil, err
		}
	}
	extra := []string{
		"PATH=" + wrap + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"REEF_DOCS_BIN=" + w.bin(), "REEF_DOCS_ROOT=" + w.root, "REEF_DOCS_GO=" + w.goTool,
		"GOFLAGS=-mod=mod",
	}
	if cache := os.Getenv("REEF_CACHE"); !full {
		extra = append(extra, "REEF_CACHE="+filepath.Join(w.folder, "cache"))
	} else if cache != "" {
		extra = append(extra, "REEF_CACHE="+cache)
	}
	p, err := start("bash", folder, w.environment(extra...), "--noprofile", "--norc")
	if err != nil {
		return nil, err
	}
	return &shell{p: p, folder: folder}, nil
}

// run runs a command and returns what it prints on each stream.
func (s *shell) run(c command, limit time.Duration) (stdout, stderr string, err error) {
	s.n++
	mark := fmt.Sprintf("\x00end %d ", s.n)
	data := ""
	if folder := os.Getenv("REEF_DATA"); c.full && folder != "" {
		data = "export REEF_DATA='" + folder + "'\n"
	}
	script := fmt.Sprintf("%s{ %s\n} </dev/null\nreef_docs_status=$?\nunset REEF_DATA\nprintf '%%b%%s\\n' '\\0000end %d ' \"$reef_docs_status\"\nprintf '%%b0\\n' '\\0000end %[3]d ' >&2\n", data, c.text, s.n)
	if err := s.p.write(script); err != nil {
		return "", "", err
	}
	stdout, status, err := s.p.out.until(mark, limit)
	if err != nil {
		stderr, _, _ = s.p.err.until(mark, 100*time.Millisecond)
		return stdout, stderr, err
	}
	stderr, _, err = s.p.err.until(mark, limit)
	if err != nil {
		return stdout, stderr, err
	}
	if status = strings.TrimSpace(status); status != strconv.Itoa(c.status) {
		return stdout, stderr, fmt.Errorf("exit status %s", status)
	}
	return stdout, stderr, nil
}

func (s *shell) close() { s.p.kill() }
