// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
)

// TestRegistry: every recipe can be found, names its data set and its variants
// once each.
func TestRegistry(t *testing.T) {
	for _, r := range All() {
		found, err := Find(r.Name)
		if err != nil || found.Title != r.Title || r.Run == nil || r.Title == "" {
			t.Errorf("%q: found %+v (%v)", r.Name, found, err)
		}
		if _, err := datasets.Find(r.Set); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		seen := map[string]bool{}
		for _, v := range r.Variants {
			if seen[v] {
				t.Errorf("%s has variant %q twice", r.Name, v)
			}
			seen[v] = true
		}
	}
	if _, err := Find("pigeons"); err == nil {
		t.Error("found a recipe that does not exist")
	}
}

// recipeFile is the name of the file of a recipe.
var recipeFile = regexp.MustCompile(`^p\d\d_\w+\.go$`)

// withoutImports makes the type checker skip other packages.
type withoutImports struct{}

func (withoutImports) Import(string) (*types.Package, error) { return nil, errors.New("skipped") }

// TestIndependence: a recipe can be read without the other nine. No file uses a name of a
// recipe's but registry.go, which no file uses.
func TestIndependence(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: withoutImports{}, Error: func(error) {}}
	pkg, _ := conf.Check("recipes", fset, files, info) // its errors are of other packages
	used := map[string]bool{}
	for id, o := range info.Uses {
		if o.Pkg() != pkg {
			continue
		}
		user, home := fset.Position(id.Pos()).Filename, fset.Position(o.Pos()).Filename
		switch {
		case user == home || !recipeFile.MatchString(home) && home != "registry.go":
		case user == "registry.go":
			used[home] = true
		default:
			t.Errorf("%s: %s belongs to %s", fset.Position(id.Pos()), id.Name, home)
		}
	}
	if len(used) != len(All()) {
		t.Errorf("registry.go uses %d recipes, want %d", len(used), len(All()))
	}
}
