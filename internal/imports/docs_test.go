// SPDX-License-Identifier: Apache-2.0

package imports

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDocs: in packages that users import, every exported name has a doc comment.
func TestDocs(t *testing.T) {
	root, packages := filepath.Join("..", ".."), map[string]bool{}
	for _, file := range goFiles(t, root) {
		if strings.HasSuffix(file, "_test.go") || strings.Contains("/"+filepath.ToSlash(file), "/internal/") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, file), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Dir(file)
		packages[folder] = packages[folder] || f.Doc != nil
		if f.Name.Name == "main" {
			continue
		}
		for _, err := range checkDocs(fset, f) {
			t.Error(err)
		}
	}
	for folder, documented := range packages {
		if !documented {
			t.Errorf("package %s has no comment", folder)
		}
	}
}

func TestCheckDocs(t *testing.T) {
	for code, want := range map[string]int{
		"func F() {}":                                         1,
		"// F does.\nfunc F() {}":                             0,
		"// It does.\nfunc F() {}":                            1, // does not begin with the name
		"func f() {}":                                         0,
		"type t int\nfunc (t) M() {}":                         0, // method of an unexported type
		"// T is.\ntype T int\nfunc (t *T) M() {}":            1,
		"// A T is.\ntype T[E any] int\nfunc (t T[E]) M() {}": 1,
		"type T int":                                          1,
		"// Both.\nconst (\n\tA = 1\n\tB = 2\n)":              0,
		"const (\n\tA = 1 // one\n\tB = 2\n)":                 1,
		"var A, b int":                                        1,

		"// I is.\ntype I interface {\n\t// M does.\n\tM()\n\tN()\n}": 1,
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "x.go", "package x\n"+code, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if faults := checkDocs(fset, f); len(faults) != want {
			t.Errorf("%s\nhas faults %v, want %d", code, faults, want)
		}
	}
}

// checkDocs reports exported names without a comment, and comments on a single function,
// method or type that do not begin with its name.
func checkDocs(fset *token.FileSet, f *ast.File) (faults []error) {
	fault := func(at ast.Node, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", fset.Position(at.Pos()), fmt.Sprintf(format, args...)))
	}
	named := func(at ast.Node, name string, doc *ast.CommentGroup) {
		words := strings.Fields(doc.Text())
		if len(words) > 0 && slices.Contains([]string{"A", "An", "The"}, words[0]) {
			words = words[1:]
		}
		switch {
		case len(words) == 0:
			fault(at, "%s has no comment", name)
		case strings.TrimFunc(words[0], notInName) != name && !strings.HasPrefix(words[0], name+"("):
			fault(at, "the comment of %s begins with %q", name, words[0])
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d.Recv.List[0].Type))) {
				named(d, d.Name.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if !s.Name.IsExported() {
						continue
					}
					if s.Doc == nil && d.Doc != nil && !d.Lparen.IsValid() {
						named(s, s.Name.Name, d.Doc)
					} else if d.Doc == nil && s.Doc == nil && s.Comment == nil {
						fault(s, "%s has no comment", s.Name.Name)
					}
					if i, ok := s.Type.(*ast.InterfaceType); ok {
						for _, m := range i.Methods.List {
							if len(m.Names) > 0 && m.Names[0].IsExported() && m.Doc == nil && m.Comment == nil {
								fault(m, "%s.%s has no comment", s.Name.Name, m.Names[0].Name)
							}
						}
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
							fault(n, "%s has no comment", n.Name)
						}
					}
				}
			}
		}
	}
	return faults
}

func notInName(r rune) bool { return strings.ContainsRune(",:;.", r) }

// receiver returns the name of a method's receiver type.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
