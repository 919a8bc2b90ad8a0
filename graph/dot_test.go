// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/awalterschulze/gographviz"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// compareFile compares text with a file under testdata.
func compareFile(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got), run with -update if that is intended:\n%s", path, d)
	}
}

// parse reads DOT text with an independent parser.
func parse(t *testing.T, text []byte) *gographviz.Graph {
	t.Helper()
	ast, err := gographviz.ParseString(string(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	g := gographviz.NewGraph()
	if err := gographviz.Analyse(ast, g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWriteDOT(t *testing.T) {
	g := New()
	var groups Groups
	x, _ := Input(g, Float32, "x", 4, 3)
	labels, _ := Input(g, Float32, "labels", 4)
	w, _ := Input(g, Float32, "fc/kernel", 3, 2)
	b, _ := Input(g, Float32, "fc/bias", 2)
	var z, cost *Node
	err := groups.Record(g, "fc", func() (err error) {
		z, err = Dense(x, w, b, Act(ReLU))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = groups.Record(g, `the "loss"`, func() error {
		rows, err := SparseSoftmaxCrossEntropy(z, labels)
		if err != nil {
			return err
		}
		cost, err = Mean(rows)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, w, b)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := WriteDOT(&text, "training", &groups, append(Nodes{cost}, grads...)...); err != nil {
		t.Fatal(err)
	}
	compareFile(t, "training.dot", text.Bytes())

	parsed := parse(t, text.Bytes())
	colors := map[string]int{}
	for _, n := range parsed.Nodes.Nodes {
		colors[strings.Trim(n.Attrs["fillcolor"], `"`)]++
	}
	want := map[string]int{colorVariable: 4, colorForward: 3, colorBackward: 6}
	if d := cmp.Diff(want, colors); d != "" {
		t.Errorf("nodes by color (-want +got): %s", d)
	}
	if n := len(parsed.SubGraphs.SubGraphs); n != 4 {
		t.Errorf("%d clusters, want one for the values and one for the gradients of the layer and of the loss", n)
	}
}

func TestDiagram(t *testing.T) {
	d := Diagram{
		Name: "model",
		Boxes: []Box{
			{Title: "input", Kind: "Input", Shape: "(batch, 150, 150, 3)"},
			{Title: "block1_conv1", Kind: "Conv2D", Shape: "(batch, 150, 150, 64)", Parameters: 1792, Group: "vgg16"},
			{Title: "block1_pool", Kind: "MaxPooling2D", Shape: "(batch, 75, 75, 64)", Group: "vgg16"},
			{Title: "deep", Kind: "Dense", Shape: "(batch, 7)", Parameters: 2048, Group: "vgg16/inner"},
			{Title: "deep", Kind: "Dense", Shape: "(batch, 7)", Group: "other/inner"},
			{Title: `a "quoted" \ name`, Kind: "Dense", Shape: "(batch, 1)", Parameters: 1},
		},
		Arrows: [][2]int{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}},
	}
	var text bytes.Buffer
	if err := d.WriteDOT(&text); err != nil {
		t.Fatal(err)
	}
	compareFile(t, "diagram.dot", text.Bytes())
	parsed := parse(t, text.Bytes())
	if len(parsed.Nodes.Nodes) != 6 || len(parsed.Edges.Edges) != 5 {
		t.Errorf("parsed %d nodes and %d edges, want 6 and 5", len(parsed.Nodes.Nodes), len(parsed.Edges.Edges))
	}
	// A nested model is a nested frame, and two models of the same name are two frames.
	frames := map[string]string{}
	for name, s := range parsed.SubGraphs.SubGraphs {
		if just := s.Attrs["labeljust"]; just != "l" {
			t.Errorf("the label of %s is set at %q, where an arrow may pass", name, just)
		}
		for parent := range parsed.Relations.ChildToParents[name] {
			frames[name+s.Attrs["label"]] = parent
		}
	}
	want := map[string]string{`cluster_1"vgg16"`: `"model"`, `cluster_2"inner"`: "cluster_1", `cluster_3"other"`: `"model"`, `cluster_4"inner"`: "cluster_3"}
	if d := cmp.Diff(want, frames); d != "" {
		t.Errorf("frames within frames (-want +got): %s", d)
	}
}

// TestWriteCompiledDOT draws a chain that is fused, with a view, a folded constant and a gradient.
func TestWriteCompiledDOT(t *testing.T) {
	var try Try
	do := try.Do
	g := New()
	x := do(Input(g, Float32, "x", 4, 3))
	w := do(Input(g, Float32, "w", 3, 2))
	half := do(Exp(do(Scalar(x, -0.5))))
	y := do(Reshape(do(MatMul(x, w)), 8))
	cost := do(Sum(do(Square(do(Mul(do(Exp(do(Neg(y)))), half))))))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, w)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (CompileOptions{}).WriteDOT(&b, "compiled", nil, cost, grads[0]); err != nil {
		t.Fatal(err)
	}
	parse(t, b.Bytes())
	compareFile(t, "compiled.dot", b.Bytes())
	d, err := CompileOptions{}.DiagramOf("compiled", nil, cost, grads[0])
	if err != nil {
		t.Fatal(err)
	}
	steps, err := StepsOf(nil, cost, grads[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps.List {
		found := false
		for _, box := range d.Boxes {
			found = found || box.Title == step.Op && (box.Kind == KindGradient) == step.Gradient
		}
		if !found {
			t.Errorf("no box of the diagram is %q", step.Op)
		}
	}
	if err := (CompileOptions{}).WriteDOT(&b, "compiled", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "dot: root 0 is nil") {
		t.Errorf("drawing without a root: error %v", err)
	}
	if got := (Simplify | FuseLayers).String(); got != "Simplify, FuseLayers" || Passes(0).String() != "none" {
		t.Errorf("passes are %q", got)
	}
}
