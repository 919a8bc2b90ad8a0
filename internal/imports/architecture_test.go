// SPDX-License-Identifier: Apache-2.0

package imports

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/viz"
)

var update = flag.Bool("update", false, "write the drawings of docs anew")

// layersOfReef are the colors of the drawing: the first folder of a package's path.
var layersOfReef = []string{"cmd", "recipes", "datasets", "viz", "keraslike", "graph", "internal"}

// TestArchitecture draws the packages of the module and who imports whom, and compares
// the drawing with the one in docs/architecture.md. Imports that follow from others are
// left out, and so are the small packages that everything may use.
func TestArchitecture(t *testing.T) {
	root := filepath.Join("..", "..")
	edges := map[string]map[string]bool{}
	shown := func(pkg string) bool {
		return pkg != "." && !slices.Contains([]string{"internal/text", "internal/openfile", "internal/wholefile", "internal/golden", "internal/mpitest", "internal/imports"}, pkg) &&
			!strings.Contains(pkg, "/asm") && !strings.Contains(pkg, "/kerneltest") && !strings.HasPrefix(pkg, "examples")
	}
	for pkg, list := range importsByPackage(t, root) {
		if !shown(pkg) {
			continue
		}
		if edges[pkg] == nil {
			edges[pkg] = map[string]bool{}
		}
		for _, imp := range list {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok && shown(own) {
				edges[pkg][own] = true
				if edges[own] == nil { // perhaps it imports nothing
					edges[own] = map[string]bool{}
				}
			}
		}
	}
	g := viz.LayerGraph{Title: "Packages of Reef: an arrow leads from a package to one that it imports"}
	for _, pkg := range slices.Sorted(maps.Keys(edges)) {
		folder, _, _ := strings.Cut(pkg, "/")
		g.Nodes = append(g.Nodes, viz.GraphNode{ID: pkg, Title: pkg, Kind: slices.Index(layersOfReef, folder)})
		for _, to := range slices.Sorted(maps.Keys(edges[pkg])) {
			if !reaches(edges, pkg, to) {
				g.Edges = append(g.Edges, viz.GraphEdge{From: pkg, To: to})
			}
		}
	}
	figure, err := g.Figure()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := figure.WriteSVG(&got, viz.Light); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "architecture.svg")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("docs/architecture.svg does not show the packages as they are; go test ./internal/imports -update draws it anew")
	}
}

// reaches reports whether to follows from another import of pkg.
func reaches(edges map[string]map[string]bool, pkg, to string) bool {
	seen := map[string]bool{}
	var visit func(p string) bool
	visit = func(p string) bool {
		if p == to {
			return true
		}
		if seen[p] {
			return false
		}
		seen[p] = true
		for next := range edges[p] {
			if visit(next) {
				return true
			}
		}
		return false
	}
	for other := range edges[pkg] {
		if other != to && visit(other) {
			return true
		}
	}
	return false
}
