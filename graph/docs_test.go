// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestPageListsEveryOp: docs/graph.md has a row for each exported op, in one of its tables beside the names
// of NumPy, TensorFlow and Gorgonia, and for nothing that is none.
func TestPageListsEveryOp(t *testing.T) {
	page, err := os.ReadFile("../docs/graph.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]\\w*)` \\|").FindAllSubmatch(page, -1) {
		rows[string(m[1])]++
	}
	ops := exportedOps(t)
	for _, name := range append(ops, "Grad", "Backpropagate") {
		if rows[name] != 1 {
			t.Errorf("%s has %d rows in docs/graph.md, want 1", name, rows[name])
		}
	}
	var functions []string
	for _, f := range parsed(t, "") {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				functions = append(functions, fn.Name.Name)
			}
		}
	}
	for name := range rows {
		if !slices.Contains(functions, name) {
			t.Errorf("docs/graph.md has a row for %s, which package graph has not", name)
		}
	}
}
