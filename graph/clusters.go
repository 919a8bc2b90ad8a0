// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"io"
	"strings"
)

// A cluster is a frame in a DOT drawing: nodes, and frames within it.
type cluster struct {
	label  string
	lines  []string
	order  []*cluster
	inside map[string]*cluster
	number int  // unique in the drawing
	count  *int // of all clusters
	whole  bool // the label is the whole path, not its last name
}

// newClusters counts the clusters from a number on. Labels are whole paths, or the
// last name of each.
func newClusters(first int, whole bool) *cluster { return &cluster{count: &first, whole: whole} }

// at is the cluster with that path, of names with slashes between; made at need.
func (c *cluster) at(path string) *cluster {
	if path == "" {
		return c
	}
	for name := range strings.SplitSeq(path, "/") {
		next := c.inside[name]
		if next == nil {
			*c.count++
			next = &cluster{label: name, number: *c.count, count: c.count, whole: c.whole}
			if c.whole && c.label != "" {
				next.label = c.label + "/" + name
			}
			if c.inside == nil {
				c.inside = map[string]*cluster{}
			}
			c.inside[name] = next
			c.order = append(c.order, next)
		}
		c = next
	}
	return c
}

func (c *cluster) add(line string) { c.lines = append(c.lines, line) }

// write writes the nodes and the clusters within.
func (c *cluster) write(w io.Writer, indent string) {
	for _, l := range c.lines {
		fmt.Fprintln(w, indent+l)
	}
	for _, in := range c.order {
		fmt.Fprintf(w, "%ssubgraph cluster_%d {\n%s  label=%s; labeljust=l; style=rounded; color=\"#888888\"; fontname=\"sans-serif\";\n", indent, in.number, indent, quoteDOT(in.label))
		in.write(w, indent+"  ")
		fmt.Fprintln(w, indent+"}")
	}
}
