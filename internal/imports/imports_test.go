// SPDX-License-Identifier: Apache-2.0

// Package imports has no code, only tests of the project's conventions: what each package
// may import, and how files look.
package imports

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/reef-dl/reef"

// packageRule is a row of the table in CONTRIBUTING.md. A package follows the rule with the
// longest matching folder.
type packageRule struct {
	folder string
	reef   []string // folders of this module that it may import, besides its own
	never  []string // other packages, and all below them, that it must not import
	rule   string
}

var packageRules = []packageRule{
	{
		"internal/kernel", nil,
		[]string{"gorgonia.org", "net", "image", "flag", "gonum.org/v1/plot"},
		"kernel knows slices, CPU features and gonum/blas, never tensors, Gorgonia or layers",
	},
	{
		"internal/wholefile", nil,
		[]string{"gorgonia.org", "net", "image", "flag", "gonum.org"},
		"wholefile knows how a file is replaced whole, never what is in it",
	},
	{
		"internal/openfile", nil,
		[]string{"gorgonia.org", "net", "image", "flag", "gonum.org"},
		"openfile knows how a file is read at any offset, never what is in it",
	},
	{
		"internal/terminal", nil,
		[]string{"gorgonia.org", "net", "image", "flag", "gonum.org"},
		"terminal knows how a line is redrawn, never what it says",
	},
	{
		"internal/cli",
		[]string{"internal/terminal"},
		[]string{"gorgonia.org", "net", "image", "gonum.org", "os"},
		"cli knows flags, the terminal and shells, never what a command does",
	},
	{
		"internal/npz", nil,
		[]string{"gorgonia.org", "net", "image", "flag", "gonum.org"},
		"npz knows numpy's files, never what is in them",
	},
	{
		"graph",
		[]string{"internal/kernel"},
		[]string{"net", "flag", "gonum.org/v1/plot"},
		"graph knows Gorgonia, tensor and kernel, never layers, epochs, data sets or file formats",
	},
	{
		"keraslike",
		[]string{"graph", "internal/kernel", "internal/openfile", "internal/wholefile", "keraslike/*", "keraslike/distributed"},
		[]string{"net", "image", "flag", "gonum.org/v1/plot", "golang.org/x/image"},
		"keraslike knows graph, tensor and kernel, never data sets, HTTP, images, flags or plotting",
	},
	{
		"keraslike/*",
		[]string{"internal/openfile", "internal/wholefile"},
		[]string{"net", "flag", "image"},
		"a format knows its file and weights by name, never training",
	},
	{
		"keraslike/distributed",
		[]string{"internal/kernel"},
		[]string{"gorgonia.org", "net", "flag", "image", "os"},
		"distributed knows vectors and how ranks exchange bytes, never models or how ranks are connected",
	},
	{
		"keraslike/mpi",
		[]string{"keraslike/distributed"},
		[]string{"gorgonia.org", "net", "flag", "image", "gonum.org"},
		"mpi knows how processes started by MPI exchange bytes, never models or training",
	},
	{
		"keraslike/callbacks",
		[]string{"internal/wholefile", "internal/terminal", "keraslike", "keraslike/*"},
		[]string{"gorgonia.org", "net", "image", "flag", "golang.org/x/term"},
		"callbacks know trainings and the files that they write, never flags, data sets or what a layer computes",
	},
	{
		"keraslike/kerasfile",
		[]string{"internal/openfile", "keraslike", "keraslike/*"},
		[]string{"gorgonia.org", "net", "image", "flag"},
		"kerasfile knows keraslike and the formats of Keras's files, never graphs, tensors or data sets",
	},
	{
		"keraslike/applications",
		[]string{"keraslike", "keraslike/*", "keraslike/kerasfile", "graph"},
		[]string{"flag"},
		"applications know keraslike and formats, never data sets or recipes",
	},
	{
		"keraslike/serve",
		[]string{"keraslike", "graph", "datasets"},
		[]string{"gorgonia.org", "flag", "gonum.org"},
		"serving knows models, preprocessors and HTTP, never flags, tensors or file formats",
	},
	{
		"datasets",
		[]string{"internal/npz", "internal/wholefile"},
		[]string{"gorgonia.org/gorgonia", "flag", "gonum.org/v1/plot"},
		"datasets know files, decoding, batching and tensor, never models, graph or keraslike",
	},
	{
		"viz", nil,
		[]string{"os", "path/filepath", "net", "flag", "gorgonia.org"},
		"viz knows numbers, colors, images and io.Writer, never data sets, training or file paths",
	},
	{
		"viz/inspect",
		[]string{"viz", "keraslike"},
		[]string{"os", "path/filepath", "net", "flag", "gorgonia.org"},
		"viz/inspect is where viz and keraslike meet; it knows no tensors, data sets, training or file paths",
	},
	{
		"recipes",
		[]string{"internal/kernel", "internal/wholefile", "graph", "keraslike", "keraslike/*", "keraslike/callbacks", "keraslike/kerasfile", "keraslike/applications", "datasets", "viz", "viz/inspect"},
		[]string{"flag", "gorgonia.org", "golang.org/x/term", "github.com/schollz/progressbar", "github.com/mattn/go-isatty"},
		"recipes know every package below, never tensors, flags or the terminal",
	},
	{
		"cmd",
		[]string{"internal/cli", "internal/npz", "internal/terminal", "internal/wholefile", "graph", "keraslike", "keraslike/*", "keraslike/callbacks", "keraslike/kerasfile", "keraslike/applications", "keraslike/serve", "datasets", "viz", "viz/inspect", "recipes"},
		[]string{"gonum.org", "gorgonia.org"},
		"commands know flags, terminal and exit codes, never mathematics or tensors",
	},
	{
		"cmd/recipe-mpi",
		[]string{"internal/cli", "keraslike", "keraslike/callbacks", "keraslike/distributed", "keraslike/mpi", "datasets", "recipes"},
		[]string{"gonum.org", "gorgonia.org"},
		"recipe-mpi imports mpi, which makes a binary dynamic, as recipe does not",
	},
	{
		"cmd/bench",
		[]string{"internal/kernel", "graph", "keraslike", "keraslike/*", "keraslike/applications", "keraslike/mpi", "datasets", "recipes"},
		[]string{"gorgonia.org"},
		"the benchmark times the packages and draws nothing",
	},
	{
		"examples",
		[]string{"graph", "keraslike", "keraslike/*", "keraslike/distributed", "keraslike/mpi", "keraslike/callbacks", "keraslike/kerasfile", "keraslike/applications", "keraslike/serve", "datasets", "viz", "viz/inspect"},
		[]string{otherModules, module + "/internal"},
		"examples use what a reader can: Reef's public packages and the standard library",
	},
}

// otherModules, in a row's list of what it must not import, are all packages outside of
// this module and the standard library.
const otherModules = "other modules"

// owner names the only folder that may import a package.
type owner struct{ pkg, folder, rule string }

var owners = []owner{
	{"gorgonia.org/gorgonia", "graph", "graph is the only importer of Gorgonia"},
	{"gonum.org/v1/plot", "viz", "plots are made in viz"},
	{module + "/internal/golden", "", "known values belong to tests"},
	{module + "/internal/mpitest", "", "jobs of MPI are started by tests"},
	{"math/rand", "", "randomness is passed in, from math/rand/v2"},
	{"github.com/ebitengine/purego", "keraslike/mpi", "only mpi opens a C library, which makes a binary dynamic"},
	{"C", "", "the module is pure Go"},
}

func TestImports(t *testing.T) {
	for pkg, imports := range importsByPackage(t, filepath.Join("..", "..")) {
		for _, imp := range imports {
			if err := check(pkg, imp); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestCheck checks violations of each row, one or more, as well as valid imports.
func TestCheck(t *testing.T) {
	tests := []struct {
		pkg, imp string
		ok       bool
	}{
		{"internal/kernel", "gonum.org/v1/gonum/blas/gonum", true},
		{"internal/kernel", "gorgonia.org/tensor", false},
		{"internal/kernel", module + "/graph", false},
		{"internal/wholefile", module + "/keraslike", false},
		{"keraslike/safetensors", module + "/internal/wholefile", true},
		{"keraslike/safetensors", module + "/internal/openfile", true},
		{"internal/openfile", module + "/keraslike", false},
		{"viz", module + "/internal/wholefile", false},
		{"graph", "gorgonia.org/gorgonia", true},
		{"graph", module + "/internal/kernel", true},
		{"graph/internal/op", module + "/graph", true},
		{"graph", module + "/keraslike", false},
		{"keraslike", "gorgonia.org/tensor", true},
		{"keraslike", "gorgonia.org/gorgonia", false},
		{"keraslike", module + "/keraslike/safetensors", true},
		{"keraslike", module + "/datasets", false},
		{"keraslike", "net/http", false},
		{"keraslike", "image/png", false},
		{"keraslike", "gonum.org/v1/plot/plotter", false},
		{"keraslike/onnx", "google.golang.org/protobuf/encoding/protowire", true},
		{"keraslike/onnx", module + "/keraslike", false},
		{"keraslike", module + "/keraslike/kerasfile", false},
		{"keraslike/kerasfile", module + "/keraslike", true},
		{"keraslike/kerasfile", module + "/keraslike/kerash5", true},
		{"keraslike/kerasfile", module + "/graph", false},
		{"keraslike/kerash5", module + "/keraslike/kerasfile", false},
		{"keraslike/applications", module + "/keraslike/kerash5", true},
		{"keraslike/applications", module + "/keraslike/kerasfile", true},
		{"keraslike/applications", module + "/datasets", false},
		{"keraslike/serve", module + "/datasets", true},
		{"keraslike/serve", "net/http", true},
		{"keraslike/serve", module + "/keraslike/kerasfile", false},
		{"keraslike/serve", "flag", false},
		{"keraslike", module + "/keraslike/serve", false},
		{"cmd/serve", module + "/keraslike/serve", true},
		{"examples/service", module + "/keraslike/serve", true},
		{"keraslike", module + "/keraslike/callbacks", false},
		{"keraslike", module + "/keraslike/mpi", false},
		{"keraslike/mpi", module + "/keraslike/distributed", true},
		{"keraslike/mpi", "github.com/ebitengine/purego", true},
		{"keraslike/mpi", module + "/keraslike", false},
		{"keraslike/distributed", "github.com/ebitengine/purego", false},
		{"recipes", module + "/keraslike/mpi", false},
		{"cmd/recipe", module + "/keraslike/mpi", false},
		{"cmd/recipe-mpi", module + "/keraslike/mpi", true},
		{"examples/mpi", module + "/keraslike/mpi", true},
		{"examples/mpi", module + "/keraslike/distributed", true},
		{"keraslike/callbacks", module + "/keraslike", true},
		{"keraslike/callbacks", module + "/keraslike/tensorboard", true},
		{"keraslike/callbacks", module + "/graph", false},
		{"internal/terminal", module + "/keraslike", false},
		{"cmd/recipe", module + "/internal/terminal", true},
		{"cmd/model", module + "/viz/inspect", true},
		{"cmd/model", module + "/internal/npz", true},
		{"internal/cli", module + "/internal/terminal", true},
		{"internal/cli", module + "/keraslike", false},
		{"internal/npz", module + "/internal/inflate", true},
		{"internal/npz", module + "/datasets", false},
		{"viz", module + "/internal/npz", false},
		{"datasets", "net/http", true},
		{"datasets", module + "/graph", false},
		{"datasets/internal/idx", module + "/datasets", true},
		{"viz", "gonum.org/v1/plot", true},
		{"viz/report", module + "/viz", true},
		{"viz", "os", false},
		{"viz", module + "/keraslike", false},
		{"viz/inspect", module + "/keraslike", true},
		{"viz/inspect", module + "/datasets", false},
		{"viz/explain", module + "/viz/inspect", false},
		{"recipes", module + "/viz/inspect", true},
		{"recipes", module + "/viz/report", true},
		{"recipes", "flag", false},
		{"recipes", "gorgonia.org/tensor", false},
		{"cmd/bench", "gorgonia.org/tensor", false},
		{"recipes", module + "/cmd/recipe", false},
		{"cmd/recipe", module + "/recipes", true},
		{"cmd/recipe", module + "/internal/kernel", false},
		{"cmd/bench", module + "/internal/kernel", true},
		{"cmd/bench", module + "/viz", false},
		{"examples/text", module + "/datasets", true},
		{"examples/text", module + "/keraslike/callbacks", true},
		{"examples/text", "encoding/csv", true},
		{"examples/text", "gorgonia.org/tensor", false},
		{"examples/text", "github.com/someone/else", false},
		{"examples/text", module + "/internal/text", false},
		{"examples/text", module + "/recipes", false},
		{"keraslike", module + "/internal/golden", false},
		{"cmd/recipe", "gonum.org/v1/gonum/mat", false},
		{"datasets", "math/rand/v2", true},
		{"datasets", "math/rand", false},
		{"internal/kernel", "C", false},
	}
	for _, test := range tests {
		if err := check(test.pkg, test.imp); (err == nil) != test.ok {
			t.Errorf("check(%q, %q) = %v, want ok = %v", test.pkg, test.imp, err, test.ok)
		}
	}
}

// check returns an error if the package in folder pkg must not import imp.
func check(pkg, imp string) error {
	breach := func(rule string) error {
		return fmt.Errorf("package %s imports %s, which breaks the rule: %s", pkg, imp, rule)
	}
	for _, o := range owners {
		if imp != "math/rand/v2" && within(imp, o.pkg) && (o.folder == "" || !within(pkg, o.folder)) {
			return breach(o.rule)
		}
	}
	r, ok := ruleOf(pkg)
	if !ok {
		return nil
	}
	for _, never := range r.never {
		if within(imp, never) || never == otherModules && isForeign(imp) {
			return breach(r.rule)
		}
	}
	if other, ok := strings.CutPrefix(imp, module+"/"); ok {
		target, known := ruleOf(other)
		if !known || target.folder == r.folder {
			return nil
		}
		for _, allowed := range r.reef {
			if target.folder == allowed {
				return nil
			}
		}
		return breach(r.rule)
	}
	return nil
}

// ruleOf returns the rule for a folder: the one with the longest folder that is equal to it or
// contains it. "keraslike/*" matches any folder below keraslike that has no row.
func ruleOf(folder string) (packageRule, bool) {
	for at := folder; at != "."; at = path.Dir(at) {
		for _, r := range packageRules {
			if r.folder == at {
				return r, true
			}
		}
		for _, r := range packageRules {
			if r.folder == path.Dir(at)+"/*" {
				return r, true
			}
		}
	}
	return packageRule{}, false
}

// isForeign reports whether imp belongs to another module, whose path has a dot in its
// first element, as that of a server has.
func isForeign(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".") && !within(imp, module)
}

// within reports whether p is the package root or one below it.
func within(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

// importsByPackage returns the imports of all non-test Go files below root, for all build
// tags, by package folder.
func importsByPackage(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, file := range goFiles(t, root) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := path.Dir(filepath.ToSlash(file))
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: import %s: %v", file, spec.Path.Value, err)
			}
			imports[pkg] = append(imports[pkg], imp)
		}
	}
	return imports
}

// goFiles lists the module's own Go files relative to root, without testdata, hidden folders
// and nested modules (generators).
func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			if strings.HasSuffix(name, ".go") {
				rel, err := filepath.Rel(root, name)
				files = append(files, rel)
				return err
			}
			return nil
		}
		if name == root {
			return nil
		}
		if d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no Go file below %s", root)
	}
	return files
}
