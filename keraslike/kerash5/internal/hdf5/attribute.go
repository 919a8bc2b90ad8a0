// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"bytes"
	"fmt"
	"strings"
)

// Strings returns a text attribute: one element for a scalar, all of a list;
// ok is false when the node has none of that name. An empty list may have any type.
func (n *Node) Strings(name string) (list []string, ok bool, err error) {
	if err := n.readAttributes(); err != nil {
		return nil, false, err
	}
	a, ok := n.named[name]
	if !ok {
		return nil, false, nil
	}
	if list, err = n.attrs.f.strings(a); err != nil {
		return nil, false, fmt.Errorf("attribute %q: %w", name, err)
	}
	return list, true, nil
}

// readAttributes takes the attributes apart, once: a node may have tens of thousands.
func (n *Node) readAttributes() error {
	if n.named != nil {
		return nil
	}
	named := map[string]attribute{}
	for _, m := range n.attrs.messages {
		switch m.kind {
		case msgAttribute:
			a, err := parseAttribute(m)
			if err != nil {
				return fmt.Errorf("attribute: %w", err)
			}
			if _, twice := named[a.name]; twice {
				return fmt.Errorf("attribute %q is there twice", a.name)
			}
			named[a.name] = a
		case msgAttrInfo:
			if err := notDense(m.body, 2, "attributes"); err != nil {
				return err
			}
		}
	}
	n.named = named
	return nil
}

// attribute is an attribute message (section IV.A.2.m), its parts undecoded.
type attribute struct {
	name              string
	kind, space, data []byte
}

func parseAttribute(m message) (attribute, error) {
	if m.shared {
		return attribute{}, fmt.Errorf("shared attributes are not supported")
	}
	c := cursor{b: m.body}
	version, flags := c.u8(), c.u8()
	if version < 1 || version > 3 {
		return attribute{}, fmt.Errorf("version %d is not supported", version)
	}
	if version > 1 && flags&3 != 0 {
		return attribute{}, fmt.Errorf("shared types are not supported")
	}
	name, kind, space := uint64(c.u16()), uint64(c.u16()), uint64(c.u16())
	if version == 3 {
		c.skip(1) // character set
	}
	part := func(n uint64) []byte {
		b := c.take(n)
		if version == 1 {
			c.skip(-n & 7) // padded to a multiple of eight
		}
		return b
	}
	a := attribute{name: strings.TrimRight(string(part(name)), "\x00"), kind: part(kind), space: part(space)}
	a.data = c.b
	return a, c.err
}

func (f *File) strings(a attribute) ([]string, error) {
	_, n, err := parseSpace(a.space)
	if err != nil || n == 0 {
		return nil, err
	}
	t, err := parseType(a.kind)
	if err != nil {
		return nil, err
	}
	varying := t.class == classVarying && t.text
	if t.class != classString && !varying {
		return nil, fmt.Errorf("elements of class %d are no text", t.class)
	}
	if n > uint64(len(a.data))/t.size || varying && t.size != 16 {
		return nil, fmt.Errorf("%d elements of %d bytes do not fit the attribute of %d", n, t.size, len(a.data))
	}
	c := cursor{b: a.data}
	list := make([]string, n)
	total := int64(0) // a heap object that all elements share must not multiply the file
	for i := range list {
		if !varying {
			list[i] = text(c.take(t.size))
			continue
		}
		length, collection, index := uint64(c.u32()), c.u64(), c.u32()
		if length == 0 {
			continue
		}
		b, err := f.heapObject(collection, uint16(index))
		if err != nil {
			return nil, err
		}
		if uint64(len(b)) < length {
			return nil, fmt.Errorf("element %d has %d bytes, its heap object %d", i, length, len(b))
		}
		if total += int64(length); total > f.size {
			return nil, fmt.Errorf("the elements have more bytes than the file")
		}
		list[i] = text(b[:length])
	}
	return list, nil
}

// text cuts at the first zero: strings are padded with zeros.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// heapObject finds an object of a global heap collection (section III.E).
func (f *File) heapObject(address uint64, index uint16) ([]byte, error) {
	objects, ok := f.heaps[address]
	if !ok {
		var err error
		if objects, err = f.heap(address); err != nil {
			return nil, fmt.Errorf("heap: %w", err)
		}
		f.heaps[address] = objects
	}
	b, ok := objects[index]
	if !ok {
		return nil, fmt.Errorf("heap: the collection at %d has no object %d", address, index)
	}
	return b, nil
}

// heap reads a collection.
func (f *File) heap(address uint64) (map[uint16][]byte, error) {
	c, err := f.signed(address, 16, "GCOL")
	if err != nil {
		return nil, err
	}
	c.skip(4)
	size := c.u64()
	if size < 16 {
		return nil, errShort
	}
	if c, err = f.cursor(address+16, size-16); err != nil {
		return nil, err
	}
	objects := map[uint16][]byte{}
	for len(c.b) >= 16 {
		id := c.u16()
		c.skip(6)
		n := c.u64()
		if id == 0 {
			break // the free space ends the collection
		}
		b := c.take(n)
		c.skip(-n & 7)
		if _, twice := objects[id]; b != nil && !twice {
			objects[id] = b
		}
	}
	return objects, nil
}
