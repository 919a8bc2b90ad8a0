// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// runner runs the blocks of a page in their order.
type runner struct {
	w        *workshop
	p        *page
	programs []*program
	full     bool // with full data, pictures too
	update   bool
	commands func() error // builds the commands
	tol      tolerance
	limit    time.Duration // of a block

	folder string
	sh     *shell
	ran    map[string]bool   // the commands that have run
	drawn  map[string][]byte // pictures by their targets, as they were when their commands had run
	rest   *process          // the program of all blocks that are none of their own
	errs   []error
	edits  map[*block]string // what text blocks should be
}

// printed is what a block printed; nothing is known of one that did not run.
type printed struct {
	outputs []string
	known   bool
}

// withCopies are the folders of the repository of which a page has a copy if it names them.
var withCopies = []string{"examples/", "recipes/photos/", "datasets/samples/"}

func (r *runner) fail(line int, format string, args ...any) {
	r.errs = append(r.errs, r.p.fault(line, format, args...))
}

func (r *runner) run(folder string, log func(...any)) []error {
	r.folder, r.edits, r.ran, r.drawn = folder, map[*block]string{}, map[string]bool{}, map[string][]byte{}
	text := strings.Join(r.p.lines, "\n") // also commands in sentences
	for _, name := range withCopies {
		if strings.Contains(text, name) {
			from := filepath.Join(r.w.root, filepath.FromSlash(name))
			if err := os.CopyFS(filepath.Join(folder, filepath.FromSlash(name)), os.DirFS(from)); err != nil {
				return []error{err}
			}
		}
	}
	defer func() {
		if r.sh != nil {
			r.sh.close()
		}
		if r.rest != nil {
			r.rest.kill()
		}
	}()
	last := map[*block]printed{}
	for _, b := range r.p.blocks {
		switch {
		case b.lang == "go" && b.has("in"):
			r.overlay(b)
		case b.file() != "":
			r.save(b)
		case b.lang == "go" && !b.has("norun"):
			last[b] = r.runGo(b)
		case b.lang == "sh":
			last[b] = r.runShell(b, log)
			r.keepPictures()
		case b.lang == "text" && b.for_ != nil:
			if out := last[b.for_]; out.known {
				r.compare(b, out.outputs)
			}
		}
		if len(r.errs) > 0 && !r.update {
			return r.errs // what follows would fail, too
		}
	}
	r.finish()
	r.makePictures(log)
	if r.update && len(r.edits) > 0 {
		if err := r.rewrite(); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	return r.errs
}

func (r *runner) save(b *block) {
	file := filepath.Join(r.folder, filepath.FromSlash(b.file()))
	if !filepath.IsLocal(filepath.FromSlash(b.file())) {
		r.fail(b.line-1, "%s is not a file of the page's folder", b.file())
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.fail(b.line, "%v", err)
		return
	}
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		r.fail(b.line, "%v", err)
	}
}

// programOf returns the program that a block is or belongs to.
func (r *runner) programOf(b *block) *program {
	for _, p := range r.programs {
		for _, own := range p.blocks {
			if own == b {
				return p
			}
		}
	}
	return nil
}

func (r *runner) binary(p *program) string {
	name := filepath.Join(r.w.bin(), p.name)
	if _, err := os.Stat(name); err != nil {
		name += ".exe"
	}
	return name
}

func (r *runner) env() []string {
	return r.w.environment("REEF_CACHE=" + filepath.Join(r.w.folder, "cache"))
}

func (r *runner) runGo(b *block) printed {
	prog := r.programOf(b)
	if !prog.run {
		return printed{}
	}
	if isComplete(b) {
		p, err := start(r.binary(prog), r.folder, r.env())
		if err != nil {
			r.fail(b.line, "%v", err)
			return printed{}
		}
		err = p.wait(r.limit)
		if err != nil {
			p.kill()
		}
		out, errOut := string(p.out.text), string(p.err.text)
		if err != nil {
			r.fail(b.line, "the program ends with %v\n%s", err, indent(out+errOut))
			return printed{}
		}
		return printed{[]string{out, errOut, errOut + out}, true}
	}
	if r.rest == nil {
		p, err := start(r.binary(prog), r.folder, r.env())
		if err != nil {
			r.fail(b.line, "%v", err)
			return printed{}
		}
		r.rest = p
		if out, errOut, err := r.untilTurn(); err != nil {
			r.endOfGo(b, err, out, errOut)
			return printed{}
		}
	}
	// The program writes a mark when the next block waits for its turn; behind the last one
	// there is none. What stands before it is the block's.
	if err := r.rest.write("\n"); err != nil {
		r.fail(b.line, "the program has ended before this block: %v", err)
		return printed{}
	}
	lastOne := true
	for i, own := range prog.blocks {
		if own == b {
			for _, later := range prog.blocks[i+1:] {
				lastOne = lastOne && later.has("norun")
			}
		}
	}
	if lastOne {
		return r.finishGo(b)
	}
	out, errOut, err := r.untilTurn()
	if err != nil {
		r.endOfGo(b, err, out, errOut)
		return printed{}
	}
	return printed{[]string{out, errOut, errOut + out}, true}
}

// untilTurn returns what the program writes until the next block waits for its turn.
func (r *runner) untilTurn() (out, errOut string, err error) {
	if out, _, err = r.rest.out.until(turn, r.limit); err != nil {
		errOut, _, _ = r.rest.err.until(turn, time.Second)
		return out, errOut, err
	}
	errOut, _, err = r.rest.err.until(turn, r.limit)
	return out, errOut, err
}

// finishGo lets the program run to its end.
func (r *runner) finishGo(b *block) printed {
	err := r.rest.wait(r.limit)
	if err != nil {
		r.rest.kill()
	}
	out, errOut := string(r.rest.out.text), string(r.rest.err.text)
	r.rest = nil
	if err != nil {
		r.fail(b.line, "the block ends with %v\n%s", err, indent(out+errOut))
		return printed{}
	}
	return printed{[]string{out, errOut, errOut + out}, true}
}

// endOfGo reports a block in which the program ended or hung.
func (r *runner) endOfGo(b *block, err error, out, errOut string) {
	r.rest.kill()
	if r.rest.state != nil {
		err = r.rest.state
	}
	r.rest = nil
	r.fail(b.line, "the block ends with %v\n%s", err, indent(out+errOut))
}

func (r *runner) finish() {
	if r.rest != nil {
		r.rest.kill()
		r.rest = nil
	}
}

func (r *runner) runShell(b *block, log func(...any)) printed {
	if !shellAvailable() {
		log(r.p.fault(b.line, "not run: there is no bash"))
		return printed{}
	}
	have := func(tool string) bool { _, err := exec.LookPath(tool); return err == nil }
	var out, errOut, both, other strings.Builder
	known := true
	for _, c := range commands(b, r.full, have) {
		if c.skip != "" {
			log(r.p.fault(c.line, "not run: %s: %s", c.skip, c.text))
			known = false
			continue
		}
		if err := r.openShell(); err != nil {
			r.fail(c.line, "%v", err)
			return printed{}
		}
		if strings.Contains(c.text, "/cmd/") {
			if err := r.commands(); err != nil {
				r.fail(c.line, "%v", err)
				return printed{}
			}
		}
		o, e, err := r.sh.run(c, r.limit)
		if err != nil {
			r.fail(c.line, "%s: %v\n%s", c.text, err, indent(o+e))
			return printed{}
		}
		r.ran[c.text] = true
		out.WriteString(o)
		errOut.WriteString(e)
		both.WriteString(o + e)
		other.WriteString(e + o)
	}
	return printed{[]string{out.String(), errOut.String(), both.String(), other.String()}, known}
}

func (r *runner) openShell() (err error) {
	if r.sh == nil {
		r.sh, err = newShell(r.w, r.folder, r.full)
	}
	return err
}

func (r *runner) compare(b *block, outputs []string) {
	for i := range outputs {
		outputs[i] = strings.ReplaceAll(outputs[i], r.folder+string(filepath.Separator), "")
	}
	err := compareText(r.p, b, outputs, r.tol)
	if err == nil {
		return
	}
	if r.update {
		if text, ok := renew(b, outputs); ok {
			r.edits[b] = text
			return
		}
	}
	r.errs = append(r.errs, err)
}

// rewrite replaces text blocks of the page.
func (r *runner) rewrite() error {
	lines := r.p.lines
	var out []string
	at := 0
	for _, b := range r.p.blocks {
		text, ok := r.edits[b]
		if !ok {
			continue
		}
		out = append(out, lines[at:b.line-1]...)
		out = append(out, strings.Split(strings.TrimRight(text, "\n"), "\n")...)
		at = b.end - 1
	}
	out = append(out, lines[at:]...)
	return os.WriteFile(filepath.Join(r.w.root, filepath.FromSlash(r.p.file)), []byte(strings.Join(out, "\n")), 0o644)
}

// overlay compiles a block as one more file of a package of the repository.
func (r *runner) overlay(b *block) {
	if len(b.args) != 2 {
		r.fail(b.line-1, "want ```go in PACKAGE")
		return
	}
	folder := filepath.Join(r.w.root, filepath.FromSlash(b.args[1]))
	if _, err := os.Stat(folder); err != nil {
		r.fail(b.line-1, "%v", err)
		return
	}
	text := b.text
	if !isComplete(b) {
		imports, used := "", map[string]bool{}
		if f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+b.text, parser.SkipObjectResolution); err == nil {
			note(f, used)
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if used[name] && given[name] != module+"/"+b.args[1] {
				imports += fmt.Sprintf("import %s %q\n", name, given[name])
			}
		}
		text = fmt.Sprintf("package %s\n%s//line %s:%d\n%s", filepath.Base(folder), imports, r.p.file, b.line, b.text)
	}
	file := filepath.Join(r.folder, "overlay.go")
	list := filepath.Join(r.folder, "overlay.json")
	for name, text := range map[string]string{
		file: text,
		list: fmt.Sprintf("{\"Replace\": {%q: %q}}", filepath.Join(folder, "reef_docs_overlay.go"), file),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			r.fail(b.line, "%v", err)
			return
		}
	}
	cmd := exec.Command(r.w.goTool, "build", "-overlay", list, "./"+b.args[1])
	cmd.Dir, cmd.Env = r.w.root, r.w.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		r.fail(b.line, "does not compile in %s:\n%s", b.args[1], indent(string(bytes.TrimSpace(out))))
	}
}

// find returns the file in the page's folder that a picture is: one of its name, or one
// whose path ends with it if / is -.
func (r *runner) find(name string) (found string) {
	_ = filepath.WalkDir(r.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(r.folder, path)
		if err != nil {
			return err
		}
		flat := "-" + strings.ReplaceAll(filepath.ToSlash(rel), "/", "-")
		if strings.HasSuffix(flat, "-"+name) && (found == "" || d.Name() == name) {
			found = path
		}
		return nil
	})
	return found
}
