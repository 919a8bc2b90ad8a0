// SPDX-License-Identifier: Apache-2.0

package imports

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCalls: only commands end the process, and nothing uses the global random generator,
// which cannot be seeded.
func TestCalls(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, file := range goFiles(t, root) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range checkCalls(fset, f, f.Name.Name == "main") {
			t.Error(err)
		}
	}
}

func TestCheckCalls(t *testing.T) {
	tests := []struct {
		code    string
		command bool
		faults  int
	}{
		{`import "os"; func f() { os.Exit(1) }`, false, 1},
		{`import "os"; func f() { os.Exit(1) }`, true, 0},
		{`import "log"; func f() { log.Fatalf("x"); log.Print("y") }`, false, 1},
		{`import "math/rand/v2"; func f() { rand.IntN(3); rand.New(rand.NewPCG(1, 2)).IntN(3) }`, false, 1},
		{`import "math/rand/v2"; func f() { g := rand.Shuffle; _ = g }`, true, 1},
		{`import r "math/rand/v2"; func f() { r.Float64() }`, false, 1},
		{`import "example.org/rand"; func f() { rand.IntN(3) }`, false, 0},
	}
	for _, test := range tests {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "x.go", "package x; "+test.code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if faults := checkCalls(fset, f, test.command); len(faults) != test.faults {
			t.Errorf("%s (command: %v) has faults %v, want %d", test.code, test.command, faults, test.faults)
		}
	}
}

// seeded are the names in math/rand/v2 that do not use the global generator.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}

func checkCalls(fset *token.FileSet, f *ast.File, command bool) []error {
	imported := map[string]string{} // name in the file to path
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the compiler reports it
		}
		name := p[strings.LastIndex(p, "/")+1:]
		if p == "math/rand/v2" {
			name = "rand"
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = p
	}
	var faults []error
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		name, at := sel.Sel.Name, fset.Position(sel.Pos())
		switch imported[x.Name] {
		case "os":
			if name == "Exit" && !command {
				faults = append(faults, fmt.Errorf("%s: os.Exit outside a program", at))
			}
		case "log":
			if strings.HasPrefix(name, "Fatal") && !command {
				faults = append(faults, fmt.Errorf("%s: log.%s outside a program", at, name))
			}
		case "math/rand/v2":
			if !slices.Contains(seeded, name) {
				faults = append(faults, fmt.Errorf("%s: rand.%s draws from the shared generator, which has no seed", at, name))
			}
		}
		return true
	})
	return faults
}
