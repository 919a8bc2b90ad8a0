// SPDX-License-Identifier: Apache-2.0

package npz

// What a pickle contains around the lists: the names, texts and calls that make up an
// object array. Everything else is rejected.

func (m *machine) text(op byte) error {
	size := 1
	if op == opUnicode {
		size = 4
	}
	n, err := m.uint(size)
	if err != nil {
		return err
	}
	if n > maxText {
		return m.failf("pickle: text of %d bytes, only lists of integers are read", n)
	}
	b := make([]byte, n)
	if err := m.fill(b); err != nil {
		return err
	}
	return m.push(kindText, &object{text: string(b)})
}

// global accepts the names that make up an array, and the text encoder to which protocol
// 2 passes the array's type code.
func (m *machine) global(op byte) error {
	var module, name string
	if op == opStackGlobal {
		items, err := m.pop(2)
		if err != nil {
			return err
		}
		if items[0].kind != kindText || items[1].kind != kindText {
			return m.failf("pickle: the name of a class is no text")
		}
		module, name = items[0].obj.text, items[1].obj.text
	} else {
		for _, to := range []*string{&module, &name} {
			for {
				b, err := m.byte()
				if err != nil {
					return err
				}
				if b == '\n' {
					break
				}
				if *to += string(rune(b)); len(*to) > 2*maxText {
					return m.failf("pickle: class name %q too long", *to)
				}
			}
		}
	}
	switch module + " " + name {
	case "numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "_codecs encode":
		return m.push(kindGlobal, &object{text: name})
	}
	return m.failf("pickle: asks for %q of %q: refused, only lists of integers are read", name, module)
}

// reduce calls one of the allowed names: it makes an empty array, a dtype or a text.
func (m *machine) reduce() error {
	v, err := m.pop(2)
	if err != nil {
		return err
	}
	if v[0].kind != kindGlobal || v[1].kind != kindTuple {
		return m.failf("pickle: a call of %s with %s", kindNames[v[0].kind], kindNames[v[1].kind])
	}
	args := v[1].obj.items
	switch v[0].obj.text {
	case "_reconstruct":
		if len(args) == 3 && args[0].kind == kindGlobal && args[0].obj.text == "ndarray" {
			return m.push(kindArray, &object{})
		}
	case "encode":
		if len(args) == 2 && args[0].kind == kindText {
			m.stack = append(m.stack, args[0])
			return nil
		}
	case "dtype":
		if len(args) == 3 && args[0].kind == kindText && (args[0].obj.text == "O8" || args[0].obj.text == "O4") {
			return m.push(kindDtype, &object{})
		}
	}
	return m.failf("pickle: call of %s with %d arguments that make no object array", v[0].obj.text, len(args))
}

// build gives a dtype or an array its state.
func (m *machine) build() error {
	v, err := m.pop(2)
	if err != nil {
		return err
	}
	m.stack = append(m.stack, v[0])
	if v[1].kind != kindTuple {
		return m.failf("pickle: state of %s is %s, want a tuple", kindNames[v[0].kind], kindNames[v[1].kind])
	}
	state := v[1].obj.items
	switch v[0].kind {
	case kindDtype: // byte order, fields and alignment: irrelevant here
		return nil
	case kindArray: // version, shape, dtype, columns first, elements
		if len(state) != 5 || state[2].kind != kindDtype || state[4].kind != kindList {
			return m.failf("pickle: state of the array has %d parts and is none of an object array", len(state))
		}
		if shape := state[1]; shape.kind != kindTuple || len(shape.obj.items) != 1 || shape.obj.items[0].kind != kindInt || int(shape.obj.items[0].n) != m.n {
			return m.failf("pickle: shape of the array is not (%d,)", m.n)
		}
		list := state[4].obj
		if len(list.ints) > 0 {
			return m.failf("pickle: the array holds integers, want lists of integers")
		}
		v[0].obj.lists, v[0].obj.built = list.lists, true
		return nil
	default:
		return m.failf("pickle: state given to %s", kindNames[v[0].kind])
	}
}
