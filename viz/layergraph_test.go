// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"strings"
	"testing"
)

// fire is a piece of SqueezeNet in front of a small classifier: two branches,
// a concatenation, a cluster for the pretrained part.
func fire() LayerGraph {
	const base = "squeezenet (frozen)"
	return LayerGraph{
		Title: "Cats and dogs, features of a pretrained network",
		Nodes: []GraphNode{
			{"input", "input", []string{"(150, 150, 3)"}, -1, ""},
			{"conv1", "conv1", []string{"Conv2D 3×3, stride 2, ReLU", "(74, 74, 64)", "1 792 parameters"}, 0, base},
			{"pool1", "pool1", []string{"MaxPooling2D 3×3, stride 2", "(36, 36, 64)"}, 1, base},
			{"squeeze", "fire2/squeeze", []string{"Conv2D 1×1, ReLU", "(36, 36, 16)", "1 040 parameters"}, 0, base},
			{"e1", "fire2/expand1x1", []string{"Conv2D 1×1, ReLU", "(36, 36, 64)", "1 088 parameters"}, 0, base},
			{"e3", "fire2/expand3x3", []string{"Conv2D 3×3, ReLU", "(36, 36, 64)", "9 280 parameters"}, 0, base},
			{"concat", "fire2/concat", []string{"(36, 36, 128)"}, 2, base},
			{"avg", "average", []string{"GlobalAveragePooling2D", "(128)"}, 1, ""},
			{"max", "maximum", []string{"GlobalMaxPooling2D", "(128)"}, 1, ""},
			{"both", "features", []string{"Concatenate", "(256)"}, 2, ""},
			{"drop", "dropout", []string{"Dropout 0.5"}, -1, ""},
			{"out", "prediction", []string{"Dense, sigmoid", "(1)", "257 parameters"}, 3, ""},
		},
		Edges: []GraphEdge{
			{"input", "conv1"},
			{"conv1", "pool1"},
			{"pool1", "squeeze"},
			{"squeeze", "e1"},
			{"squeeze", "e3"},
			{"e1", "concat"},
			{"e3", "concat"},
			{"concat", "avg"},
			{"concat", "max"},
			{"avg", "both"},
			{"max", "both"},
			{"both", "drop"},
			{"drop", "out"},
			{"pool1", "concat"},
		},
	}
}

func TestLayerGraphFigure(t *testing.T) {
	f, err := fire().Figure()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "layers", f, Dark)
	var svg strings.Builder
	if err := f.WriteSVG(&svg, Dark); err != nil {
		t.Fatal(err)
	}
	for _, n := range fire().Nodes {
		for _, text := range append(n.Lines, n.Title) {
			if !strings.Contains(svg.String(), ">"+text+"<") {
				t.Errorf("SVG has no text %q", text)
			}
		}
	}
}

// TestNestedClusters: a cluster lies within the one around it, whose name ends before
// the middle, where the arrows pass.
func TestNestedClusters(t *testing.T) {
	g := LayerGraph{Title: "nested"}
	for i, cluster := range []string{"", "outer network", "outer network/in", "outer network/in", "outer network", ""} {
		g.Nodes = append(g.Nodes, GraphNode{ID: string(rune('a' + i)), Title: "layer", Cluster: cluster})
		if i > 0 {
			g.Edges = append(g.Edges, GraphEdge{g.Nodes[i-1].ID, g.Nodes[i].ID})
		}
	}
	l, err := g.place()
	if err != nil {
		t.Fatal(err)
	}
	frames := g.frames(l)
	if len(frames) != 2 || frames[0].name != "outer network" || frames[1].name != "in" {
		t.Fatalf("frames %+v", frames)
	}
	o, in := frames[0], frames[1]
	if in.x <= o.x || in.y <= o.y || in.x+in.w >= o.x+o.w || in.y+in.h >= o.y+o.h {
		t.Errorf("%+v is not within %+v", in, o)
	}
	for _, f := range frames {
		if end := f.x + clusterPad + (style{size: tickSize}).width(f.name); end >= f.x+f.w/2 {
			t.Errorf("the name of %q ends at %g, an arrow may pass at %g", f.name, end, f.x+f.w/2)
		}
	}
	f, err := g.Figure()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "layers-nested", f)
}

func TestLayerGraphErrors(t *testing.T) {
	a, b := GraphNode{ID: "a"}, GraphNode{ID: "b"}
	tests := []struct {
		g    LayerGraph
		want string
	}{
		{LayerGraph{Title: "m"}, "m: graph has no layer"},
		{LayerGraph{Title: "m", Nodes: []GraphNode{a, a}}, `m: two layers are named "a"`},
		{LayerGraph{Title: "m", Nodes: []GraphNode{a}, Edges: []GraphEdge{{"a", "c"}}}, `m: edge from "a" to "c", no such layer`},
		{LayerGraph{Title: "m", Nodes: []GraphNode{a, b}, Edges: []GraphEdge{{"a", "b"}, {"b", "a"}}}, "m: node 0 is on a cycle or after one"},
	}
	for _, test := range tests {
		if _, err := test.g.Figure(); err == nil || err.Error() != test.want {
			t.Errorf("error = %v, want %s", err, test.want)
		}
	}
}
