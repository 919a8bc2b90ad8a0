// SPDX-License-Identifier: Apache-2.0

// Package docs has no code, only tests of the documentation: README.md, CONTRIBUTING.md,
// recipes/README.md and everything under docs.
//
//	go test ./internal/docs                              all pages, on the data samples
//	go test ./internal/docs -run Pages/tutorials/01      one page, or those that begin so
//	go test ./internal/docs -v -run Pages/tutorials/01   says which commands were skipped, and why
//	make docs                                            with full data; makes the pictures, too
//	make docs PAGE=tutorials/01 UPDATE=1                 writes text blocks and pictures anew that differ
//
// All blocks of a page run in their order, in one folder that is empty at first; a page that
// names examples/, recipes/photos/ or datasets/samples/ has a copy of it there. REEF_DATA is
// not set. What can stand on a page:
//
//	```go            code. A block that begins with "package" is a program of its own. All other
//	                 blocks of a page are one program: declarations at the top level, statements
//	                 in main. Given are ctx, check(err), and the imports of what is named (k is
//	                 keraslike). Variables that are not used are no error.
//	```go norun      is compiled only
//	```go main.go    a complete program that is compiled and saved under this name in the page's folder,
//	                 for sh blocks such as "go run ."
//	```go in keraslike  is compiled as a file of that package
//	```csv data.csv  any block with a file name is saved under it
//	<!--go ... -->   hidden code in lines of a comment, such as a variable that the page takes for granted
//	```sh            commands, in one bash: the folder, variables and programs in the background stay.
//	                 Lines with -data full and those behind "# needs: full data" (or "# needs: network")
//	                 run only in make docs; go test and make never; a line with a tool that
//	                 the machine lacks (curl, jq, unzip ...) is skipped. "go run ./cmd/NAME" is the binary, and
//	                 "go get github.com/reef-dl/reef" takes this repository. A command that fails on
//	                 purpose ends with "# exit status 2".
//	```text          what the last go or sh block before it prints, if no heading and no other block
//	                 stands between: stdout, stderr or both. Words must be equal, numbers within 5 % (or one
//	                 unit of the last decimal), times and rates within a factor of 10 in make docs and
//	                 arbitrary otherwise. A line "..." stands for any lines, " ..." at the end of a line for
//	                 the rest of it. Empty lines do not count.
//	```text norun    is not compared
//	![what it shows](../pictures/NAME.svg)
//	                 behind it, before the next heading or picture, a sh block or "Made by `COMMAND`." (or "drawn by") that
//	                 writes a file NAME.svg, or one whose path ends so with - for /: runs/mnist/accuracy.svg
//	                 is mnist-accuracy.svg. make docs runs it on full data and compares the pictures.
//	                 A go block of the page that writes "NAME.svg" makes it, too, and so does a sh block
//	                 that needs no full data: these pictures are compared in every test.
//
// Code like `k.Dense` in a sentence must be an exported name.
package docs

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write text blocks and pictures anew that differ (with make docs: those of full data, too)")

// full is what make docs sets.
func full() bool { return os.Getenv("REEF_DOCS") == "full" }

// pageFiles lists the pages.
func pageFiles(root string) ([]string, error) {
	files := []string{"README.md", "CONTRIBUTING.md", "recipes/README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
			var rel string
			if rel, err = filepath.Rel(root, path); err == nil {
				files = append(files, filepath.ToSlash(rel))
			}
		}
		return err
	})
	return files, err
}

func TestPages(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	files, err := pageFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Log("there is no go command: only links and pictures are tested")
	}
	w := &workshop{root: root, folder: t.TempDir(), goTool: goTool}
	commands := sync.OnceValue(w.buildCommands)
	names := newNames(root)
	var (
		folders []*folder // in the order of their first pages
		byName  = map[string]*folder{}
	)
	for _, file := range files {
		p, err := readPage(root, file)
		if err != nil {
			t.Fatal(err)
		}
		name, inner, nested := strings.Cut(p.name(), "/")
		in := byName[name]
		if in == nil {
			in = &folder{name: name, workshop: w}
			byName[name], folders = in, append(folders, in)
		}
		test := func(t *testing.T) {
			for _, err := range slices.Concat(checkForm(p), checkLinks(root, p), checkNames(p, names), checkPictures(root, p)) {
				if !*update || !strings.Contains(err.Error(), "/pictures/") { // they are about to be written
					t.Error(err)
				}
			}
			list, err := programs(p)
			if err != nil {
				t.Fatal(err)
			}
			if goTool == "" {
				return
			}
			in.selected = append(in.selected, list...) // bodies run one after another until here
			t.Parallel()
			said, err := in.build()
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{w: w, p: p, programs: list, full: full(), update: *update, commands: commands, tol: usual, limit: 2 * time.Minute}
			if r.full {
				r.tol, r.limit = measured, time.Hour
			}
			broken := false
			for _, prog := range list {
				if s := said[prog]; s != "" {
					broken = true
					t.Errorf("does not compile:\n%s", s)
				}
			}
			if broken {
				return
			}
			for _, err := range r.run(t.TempDir(), t.Log) {
				t.Error(err)
			}
		}
		if !nested {
			inner = "page"
		}
		in.pages = append(in.pages, testing.InternalTest{Name: inner, F: test})
	}
	for _, in := range folders {
		// Pages of a folder run at the same time, and folders one after another: Run returns when all are done.
		t.Run(in.name, func(t *testing.T) {
			for _, p := range in.pages {
				t.Run(p.Name, p.F)
			}
		})
	}
}

// folder is the pages of one folder, whose programs are built together.
type folder struct {
	name     string
	pages    []testing.InternalTest
	workshop *workshop
	selected []*program // of the pages that -run selects
	once     sync.Once
	said     map[*program]string
	err      error
}

// build compiles the programs of all selected pages at the first call.
func (f *folder) build() (map[*program]string, error) {
	f.once.Do(func() {
		if len(f.selected) > 0 {
			f.said, f.err = f.workshop.buildPages(f.selected)
		}
	})
	return f.said, f.err
}

// TestReadmeProgram: the first program of README.md is short, and learns.
func TestReadmeProgram(t *testing.T) {
	p, err := readPage(filepath.Join("..", ".."), "README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range p.blocks {
		if b.lang != "go" || !isComplete(b) {
			continue
		}
		if n := strings.Count(b.text, "\n"); n > 35 {
			t.Errorf("README.md:%d: the program has %d lines, want at most 35", b.line, n)
		}
		// The text behind it, or behind "go run ." behind it, is compared with what it prints.
		next := slices.IndexFunc(p.blocks[i:], func(b *block) bool { return b.lang == "text" })
		if next < 0 {
			t.Fatalf("README.md:%d: want the accuracy that the program prints, in a text block behind it", b.end)
		}
		text := p.blocks[i+next]
		accuracy, err := strconv.ParseFloat(strings.TrimSpace(text.text), 64)
		if err != nil || accuracy < 0.8 {
			t.Errorf("README.md:%d: the program prints %q, want an accuracy of at least 0.8", text.line, text.text)
		}
		return
	}
	t.Error("README.md has no program")
}

// TestReachable: links lead from README.md or docs/README.md to every page.
func TestReachable(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := pageFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]*page{}
	for _, file := range files {
		if pages[file], err = readPage(root, file); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range unreachable(pages, "README.md", "docs/README.md") {
		t.Errorf("%s: no link leads to it; docs/README.md or the README of its folder should have one", file)
	}
}

// TestPictures: what is in docs/pictures is shown somewhere, and small.
func TestPictures(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := pageFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	var pages []*page
	for _, file := range files {
		p, err := readPage(root, file)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, p)
	}
	for _, err := range checkPictureFolder(root, pages) {
		t.Error(err)
	}
}

func shellAvailable() bool {
	if runtime.GOOS == "windows" {
		return false
	}
	_, err := exec.LookPath("bash")
	return err == nil
}
