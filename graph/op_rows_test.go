// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// name returns the name of the row's op.
func (r opRow) name() string {
	full := runtime.FuncForPC(reflect.ValueOf(r.op).Pointer()).Name()
	return full[strings.LastIndexByte(full, '.')+1:]
}

// TestEveryOpHasARow fails if an exported op is missing from opTable, or is neither chained in
// chain_test.go nor marked as having no gradient.
func TestEveryOpHasARow(t *testing.T) {
	chained := identifiers(parsed(t, "chain_test.go")[0])
	maps.Copy(chained, identifiers(parsed(t, "chain_axes_test.go")[0]))
	ops, rows := exportedOps(t), map[string]opRow{}
	for _, r := range opTable(t, New()) {
		if !slices.Contains(ops, r.name()) {
			t.Errorf("%s has a row and is not an exported op", r.name())
		}
		if len(r.calls) == 0 {
			t.Errorf("%s has no call in its row", r.name())
		}
		rows[r.name()] = r
	}
	for _, name := range ops {
		r, ok := rows[name]
		switch {
		case !ok:
			t.Errorf("%s has no row in opTable", name)
		case !r.noGradient && !chained[name]:
			t.Errorf("%s is not in chain_test.go: chain it, or say that it has no gradient", name)
		}
	}
	if len(ops) < 60 {
		t.Errorf("found only %d ops", len(ops))
	}
}

// TestAttributesAreHashed: a graph merges nodes whose op hashes and children agree, so a hash
// must include every attribute. All calls in the table must return different nodes.
func TestAttributesAreHashed(t *testing.T) {
	type call struct {
		op    string
		index int
	}
	seen := map[node]call{}
	for _, r := range opTable(t, New()) {
		for k, build := range r.calls {
			n, err := build()
			if err != nil {
				t.Fatalf("%s, call %d: %v", r.name(), k, err)
			}
			if other, ok := seen[n]; ok {
				t.Errorf("%s, call %d and %s, call %d became one node, %v", other.op, other.index, r.name(), k, n)
			}
			seen[n] = call{r.name(), k}
		}
	}
}

// TestZeroArguments calls every exported op with zero values: an error, not a panic.
func TestZeroArguments(t *testing.T) {
	rows := append(opTable(t, New()), opRow{op: Input})
	for _, r := range rows {
		t.Run(r.name(), func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("panics: %v", r)
				}
			}()
			f := reflect.ValueOf(r.op)
			var args []reflect.Value
			for i := range f.Type().NumIn() {
				if i < f.Type().NumIn()-1 || !f.Type().IsVariadic() {
					args = append(args, reflect.Zero(f.Type().In(i)))
				}
			}
			results := f.Call(args)
			if err := results[len(results)-1]; err.IsNil() {
				t.Error("no error")
			}
		})
	}
}

// exportedOps returns the names of the exported functions that make nodes.
func exportedOps(t *testing.T) (names []string) {
	for _, f := range parsed(t, "") {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results == nil {
				continue
			}
			if id, ok := fn.Type.Results.List[0].Type.(*ast.Ident); ok && id.Name == "Nodes" && fn.Name.Name != "Grad" && fn.Name.Name != "Backpropagate" {
				names = append(names, fn.Name.Name)
			}
			if ptr, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr); ok {
				if id, ok := ptr.X.(*ast.Ident); ok && id.Name == "Node" && fn.Name.Name != "Input" && fn.Name.Name != "Variable" {
					names = append(names, fn.Name.Name)
				}
			}
		}
	}
	return names
}

// parsed returns the package's files, or only the named one.
func parsed(t *testing.T, name string) (files []*ast.File) {
	t.Helper()
	paths := []string{name}
	if name == "" {
		all, err := filepath.Glob("*.go")
		if err != nil {
			t.Fatal(err)
		}
		paths = slices.DeleteFunc(all, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
	}
	for _, p := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// identifiers returns the identifiers used in a file.
func identifiers(f *ast.File) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names[id.Name] = true
		}
		return true
	})
	return names
}
