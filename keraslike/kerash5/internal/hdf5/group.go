// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Node is a group or a dataset, with what lies below it in ascending order of
// the names.
type Node struct {
	Name     string
	Children []*Node
	Dataset  *Dataset // nil for a group
	attrs    *object
	named    map[string]attribute // those of attrs, once they have been asked for
	at       map[string]int       // of the children, once one has been asked for
}

// Child returns the child of that name, or nil.
func (n *Node) Child(name string) *Node {
	if n.at == nil {
		n.at = make(map[string]int, len(n.Children))
		for i, c := range n.Children {
			n.at[c.Name] = i
		}
	}
	if i, ok := n.at[name]; ok {
		return n.Children[i]
	}
	return nil
}

// Tree reads all groups and the description of all datasets, not their data.
// A group or dataset that is linked twice is an error: Keras writes none, and a
// file could unfold to any size by it.
func (f *File) Tree() (*Node, error) {
	limited := *f
	limited.budget = f.allowance()
	return limited.node("", f.root, 0, map[uint64]bool{})
}

// allowance is how many bytes may be read where structures do not overlap: a few times
// the file, since a text may be read for each of those that share its heap.
func (f *File) allowance() *int64 {
	n := 4*min(f.size, 1<<50) + 1<<16
	return &n
}

// maxDepth is far beyond the deepest model.
const maxDepth = 100

func (f *File) node(name string, address uint64, depth int, seen map[uint64]bool) (*Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("groups are nested more than %d deep", maxDepth)
	}
	if seen[address] {
		return nil, fmt.Errorf("the object at %d is linked twice", address)
	}
	seen[address] = true
	o, err := f.object(address)
	if err != nil {
		return nil, err
	}
	n := &Node{Name: name, attrs: o}
	if _, err := o.one(msgLayout); err == nil {
		if n.Dataset, err = f.dataset(o); err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		return n, n.readBrain()
	}
	links, err := o.links()
	if err != nil {
		return nil, fmt.Errorf("group: %w", err)
	}
	for _, l := range links {
		child, err := f.node(l.name, l.address, depth+1, seen)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		n.Children = append(n.Children, child)
	}
	return n, nil
}

// readBrain knows the numbers that Keras stores as two plain bytes, with a note that
// they are of type bfloat16.
func (n *Node) readBrain() error {
	if t := &n.Dataset.kind; t.class == classOpaque && t.size == 2 {
		note, _, err := n.Strings("dtype")
		if err != nil {
			return err
		}
		t.brain = slices.Equal(note, []string{"bfloat16"})
	}
	return nil
}

type link struct {
	name    string
	address uint64
}

// links lists what is in a group, from its symbol table or its link messages.
func (o *object) links() ([]link, error) {
	var list []link
	if body, err := o.one(msgSymbolTable); err == nil {
		c := cursor{b: body}
		tree, heap := c.u64(), c.u64()
		if c.err != nil {
			return nil, c.err
		}
		names, err := o.f.localHeap(heap)
		if err != nil {
			return nil, fmt.Errorf("names: %w", err)
		}
		err = o.f.walkTree(tree, 0, 8, func(_ []byte, child uint64) error {
			entries, err := o.f.symbols(child, names)
			list = append(list, entries...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("tree: %w", err)
		}
	}
	for _, m := range o.messages {
		switch m.kind {
		case msgLink:
			l, err := parseLink(m.body)
			if err != nil {
				return nil, err
			}
			list = append(list, l)
		case msgLinkInfo:
			if err := notDense(m.body, 8, "links"); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(list, func(a, b link) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	for i := range list {
		if i > 0 && list[i].name == list[i-1].name {
			return nil, fmt.Errorf("%q is there twice", list[i].name)
		}
	}
	return list, nil
}

// notDense refuses groups whose links or attributes lie in a fractal heap, whose
// address follows two bytes and, by flag, an index of size bytes. HDF5 does that
// in files of the newest layout for many of them.
func notDense(body []byte, size uint64, what string) error {
	c := cursor{b: body}
	c.skip(1)
	if c.u8()&1 != 0 {
		c.skip(size)
	}
	if heap := c.u64(); c.err == nil && heap != undefined {
		return fmt.Errorf("%s in dense storage are not supported", what)
	}
	return c.err
}

// parseLink decodes a hard link (section IV.A.2.g).
func parseLink(body []byte) (link, error) {
	c := cursor{b: body}
	if v := c.u8(); v != 1 {
		return link{}, fmt.Errorf("link: version %d is not supported", v)
	}
	flags := c.u8()
	if flags&8 != 0 && c.u8() != 0 {
		return link{}, errors.New("soft and external links are not supported")
	}
	if flags&4 != 0 {
		c.skip(8) // creation order
	}
	if flags&16 != 0 {
		c.skip(1) // character set
	}
	var n uint64
	for i, b := range c.take(1 << (flags & 3)) {
		n |= uint64(b) << (8 * i)
	}
	l := link{name: string(c.take(n))}
	l.address = c.u64()
	return l, c.err
}

// localHeap returns the text segment of a group's names (section III.D).
func (f *File) localHeap(address uint64) ([]byte, error) {
	c, err := f.signed(address, 32, "HEAP")
	if err != nil {
		return nil, err
	}
	c.skip(4)
	size := c.u64()
	c.skip(8)
	return f.bytes(c.u64(), size)
}

// symbols decodes one node of a symbol table (section III.B).
func (f *File) symbols(address uint64, names []byte) ([]link, error) {
	c, err := f.signed(address, 8, "SNOD")
	if err != nil {
		return nil, err
	}
	c.skip(2)
	n := uint64(c.u16())
	if c, err = f.cursor(address+8, 40*n); err != nil {
		return nil, err
	}
	var list []link
	for range n {
		offset, header, cache := c.u64(), c.u64(), c.u32()
		c.skip(20)
		if cache == 2 {
			return nil, errors.New("soft links are not supported")
		}
		if offset >= uint64(len(names)) {
			return nil, fmt.Errorf("a name at %d lies outside the heap of %d bytes", offset, len(names))
		}
		end := bytes.IndexByte(names[offset:], 0)
		if end < 0 {
			return nil, fmt.Errorf("the name at %d has no end", offset)
		}
		list = append(list, link{string(names[offset:][:end]), header})
	}
	return list, nil
}

// walkTree visits the leaves of a version 1 B-tree (section III.A.1) whose keys
// have keySize bytes, with the key left of each child.
func (f *File) walkTree(address uint64, kind uint8, keySize uint64, leaf func(key []byte, child uint64) error) error {
	seen := map[uint64]bool{}
	var walk func(address uint64, level int) error
	walk = func(address uint64, level int) error {
		if seen[address] {
			return fmt.Errorf("the node at %d is linked twice", address)
		}
		seen[address] = true
		c, err := f.signed(address, 24, "TREE")
		if err != nil {
			return err
		}
		if k := c.u8(); k != kind {
			return fmt.Errorf("the node at %d is of type %d, want %d", address, k, kind)
		}
		own := int(c.u8())
		if level >= 0 && own != level {
			return fmt.Errorf("the node at %d has level %d, want %d", address, own, level)
		}
		n := uint64(c.u16())
		if c, err = f.cursor(address+24, n*(keySize+8)+keySize); err != nil {
			return err
		}
		for range n {
			key, child := c.take(keySize), c.u64()
			if own > 0 {
				err = walk(child, own-1)
			} else {
				err = leaf(key, child)
			}
			if err != nil {
				return err
			}
		}
		return c.err
	}
	return walk(address, -1)
}
