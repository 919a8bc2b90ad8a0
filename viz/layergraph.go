// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz/internal/layered"
)

// A LayerGraph is a network drawn as boxes and arrows.
type LayerGraph struct {
	Title string
	Nodes []GraphNode
	Edges []GraphEdge
}

// A GraphNode is one box: a layer with its shape and its parameters.
type GraphNode struct {
	ID      string   // unique, what edges refer to
	Title   string   // "conv2d_1"
	Lines   []string // "Conv2D 3×3, 64", "(26, 26, 64)", "18 496 parameters"
	Kind    int      // boxes of one kind have the same color; -1 for gray
	Cluster string   // boxes of one cluster have a common frame, that of "a/b" within that of "a"; "" for none
}

// A GraphEdge is an arrow between two boxes.
type GraphEdge struct{ From, To string }

const (
	boxPadX, boxPadY = 10.0, 7.0
	boxLine          = tickSize + 3.5
	clusterPad       = 9.0
)

// Figure lays the graph out from top to bottom without any other program. A cycle, an
// edge to a missing box and a duplicate name are errors.
func (g LayerGraph) Figure() (*Figure, error) {
	if len(g.Nodes) == 0 {
		return nil, fmt.Errorf("%s: graph has no layer", g.Title)
	}
	g.Nodes = slices.Clone(g.Nodes)
	for i := range g.Nodes {
		g.Nodes[i].cut()
	}
	l, err := g.place()
	if err != nil {
		return nil, err
	}
	frames := g.frames(l)
	left, right, top, bottom := 0.0, l.Width, 0.0, l.Height
	for _, f := range frames {
		left, top = math.Min(left, f.x), math.Min(top, f.y)
		right, bottom = math.Max(right, f.x+f.w), math.Max(bottom, f.y+f.h)
	}
	const margin = 12
	title := style{size: titleSize, bold: true}
	g.Title = shorten(title, g.Title, widestTitle)
	width := 2*margin + math.Max(right-left, title.width(g.Title))
	dx, dy := (width-(right-left))/2-left, margin-top
	if g.Title != "" {
		dy += titleSize + 10
	}
	return &Figure{
		Alt: fmt.Sprintf("%s: graph of %s and %s, from %s to %s.", g.Title,
			text.Count(len(g.Nodes), "layer"), text.Count(len(g.Edges), "connection"), g.Nodes[0].Title, g.Nodes[len(g.Nodes)-1].Title),
		width:  width,
		height: bottom + dy + margin,
		draw: func(p *pen) {
			p.text(margin, margin+titleSize, title, g.Title)
			for _, f := range frames {
				p.rounded(f.x+dx, f.y+dy, f.w, f.h, 6, p.Grid)
				p.rounded(f.x+dx+0.8, f.y+dy+0.8, f.w-1.6, f.h-1.6, 5.4, mix(p.Paper, p.Grid, 0.35))
				p.text(f.x+dx+clusterPad, f.y+dy+tickSize+3, style{size: tickSize, color: p.Muted}, f.name)
			}
			for _, route := range l.Routes {
				arrow(p, route, dx, dy)
			}
			for i, n := range g.Nodes {
				w, h := n.size()
				n.draw(p, l.Centers[i].X+dx-w/2, l.Centers[i].Y+dy-h/2, w, h)
			}
		},
	}, nil
}

// place converts names to indices and computes the layout.
func (g LayerGraph) place() (*layered.Layout, error) {
	ids, clusters := map[string]int{}, map[string]int{}
	var nodes []layered.Node
	var errs []error
	for i, n := range g.Nodes {
		if _, ok := ids[n.ID]; ok {
			errs = append(errs, fmt.Errorf("%s: two layers are named %q", g.Title, n.ID))
		}
		ids[n.ID] = i
		cluster := -1
		if n.Cluster != "" {
			if _, ok := clusters[n.Cluster]; !ok {
				clusters[n.Cluster] = len(clusters)
			}
			cluster = clusters[n.Cluster]
		}
		w, h := n.size()
		nodes = append(nodes, layered.Node{Width: w, Height: h, Cluster: cluster})
	}
	var edges []layered.Edge
	for _, e := range g.Edges {
		from, ok1 := ids[e.From]
		to, ok2 := ids[e.To]
		if !ok1 || !ok2 {
			errs = append(errs, fmt.Errorf("%s: edge from %q to %q, no such layer", g.Title, e.From, e.To))
		}
		edges = append(edges, layered.Edge{From: from, To: to})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	space := layered.Spacing{Column: 22, Layer: 24, Cluster: 14}
	for path := range clusters { // space for the frames' names and edges
		space.Layer = math.Max(space.Layer, 34+float64(strings.Count(path, "/"))*(clusterPad+tickSize))
	}
	l, err := layered.Place(nodes, edges, space)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.Title, err)
	}
	return l, nil
}

// cut makes texts that are too long for a box shorter.
func (n *GraphNode) cut() {
	const widest = 300
	n.Title = shorten(style{size: labelSize, bold: true}, n.Title, widest)
	n.Cluster = shorten(style{size: tickSize}, n.Cluster, widest)
	n.Lines = slices.Clone(n.Lines[:min(len(n.Lines), 12)])
	for i := range n.Lines {
		n.Lines[i] = shorten(style{size: tickSize}, n.Lines[i], widest)
	}
}

func (n GraphNode) size() (w, h float64) {
	w = style{size: labelSize, bold: true}.width(n.Title)
	for _, line := range n.Lines {
		w = math.Max(w, style{size: tickSize}.width(line))
	}
	return math.Max(w+2*boxPadX, 60), 2*boxPadY + labelSize + float64(len(n.Lines))*boxLine
}

func (n GraphNode) draw(p *pen, x, y, w, h float64) {
	tint := p.Muted
	if n.Kind >= 0 {
		tint = p.series(n.Kind)
	}
	p.rounded(x, y, w, h, 5, mix(p.Paper, tint, 0.75))
	p.rounded(x+0.9, y+0.9, w-1.8, h-1.8, 4.2, mix(p.Paper, tint, 0.13))
	p.text(x+w/2, y+boxPadY+labelSize*0.82, style{bold: true, align: 0.5}, n.Title)
	for i, line := range n.Lines {
		p.text(x+w/2, y+boxPadY+labelSize*0.82+float64(i+1)*boxLine,
			style{size: tickSize, color: p.Muted, align: 0.5}, line)
	}
}

// A clusterFrame is the rectangle around the boxes of a cluster.
type clusterFrame struct {
	name       string
	x, y, w, h float64
}

// frames returns the clusters, the outer before those within, in the order in which
// they first appear.
func (g LayerGraph) frames(l *layered.Layout) []clusterFrame {
	var paths []string
	boxes := map[string]clusterFrame{}
	join := func(path string, box clusterFrame) {
		f, ok := boxes[path]
		if !ok {
			f = box
		}
		right, bottom := math.Max(f.x+f.w, box.x+box.w), math.Max(f.y+f.h, box.y+box.h)
		f.x, f.y = math.Min(f.x, box.x), math.Min(f.y, box.y)
		f.w, f.h = right-f.x, bottom-f.y
		boxes[path] = f
	}
	for i, n := range g.Nodes {
		if n.Cluster == "" {
			continue
		}
		w, h := n.size()
		for at := n.Cluster; at != ""; at = outer(at) {
			if !slices.Contains(paths, at) {
				paths = append(paths, at)
			}
		}
		join(n.Cluster, clusterFrame{x: l.Centers[i].X - w/2, y: l.Centers[i].Y - h/2, w: w, h: h})
	}
	depth := func(path string) int { return strings.Count(path, "/") }
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(depth(b), depth(a)) }) // inner ones first
	frames := make([]clusterFrame, len(paths))
	for i, path := range paths {
		f := boxes[path]
		f.name = path[strings.LastIndex(path, "/")+1:]
		f.x, f.w = f.x-clusterPad, f.w+2*clusterPad
		f.y, f.h = f.y-clusterPad-tickSize, f.h+2*clusterPad+tickSize
		// the name ends before the center, where arrows pass
		if short := 2*(style{size: tickSize}.width(f.name)+clusterPad) + 12 - f.w; short > 0 {
			f.x, f.w = f.x-short/2, f.w+short
		}
		frames[len(paths)-1-i] = f
		if at := outer(path); at != "" {
			join(at, f)
		}
	}
	return frames
}

// outer is the path of the cluster around a cluster.
func outer(path string) string { return path[:max(0, strings.LastIndex(path, "/"))] }

// arrow draws a smooth line through the route that leaves and arrives
// vertically, with its head at the end.
func arrow(p *pen, route []layered.Point, dx, dy float64) {
	const head = 5.0
	pts := make([]point, len(route))
	for i, q := range route {
		pts[i] = point{q.X + dx, q.Y + dy}
	}
	end := pts[len(pts)-1]
	pts[len(pts)-1].y -= head
	var path vg.Path
	path.Move(p.at(pts[0].x, pts[0].y))
	for i := 1; i < len(pts); i++ {
		a, b := pts[i-1], pts[i]
		if math.Abs(a.x-b.x) < 0.01 {
			path.Line(p.at(b.x, b.y))
			continue
		}
		mid := (a.y + b.y) / 2
		path.CubeTo(p.at(a.x, mid), p.at(b.x, mid), p.at(b.x, b.y))
	}
	p.c.SetColor(p.Muted)
	p.c.SetLineWidth(1)
	p.c.SetLineDash(nil, 0)
	p.c.Stroke(path)
	p.polygon(p.Muted, end, point{end.x - 3, end.y - head - 1}, point{end.x + 3, end.y - head - 1})
}
