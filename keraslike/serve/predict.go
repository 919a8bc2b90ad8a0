// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"net/http"
	"slices"
	"strconv"
)

// predict is the plain form of a request, that of TensorFlow Serving:
//
//	{"instances": [sample, ...]}       a list of samples
//	{"inputs": {"name": [...], ...}}   a list for each input
//	sample or [sample, ...]            without a name
//
// A sample is an array of numbers, a text, {"b64": picture} or an object with a member for each input
// or, for a model with a table's preprocessor, for each column.
type predict struct {
	columns bool // answered by "outputs" in place of "predictions"
}

// read reads the body of a request.
func (p *predict) read(q *request) error {
	s := &scanner{data: q.body}
	if s.peek() != '{' {
		if err := q.bare(s); err != nil {
			return err
		}
		return s.end()
	}
	if s.hasKey("b64") {
		if err := q.encoded(s, func(one func() error) error { return one() }); err != nil {
			return err
		}
		return s.end()
	}
	found := ""
	start := s.pos
	err := s.object("an object", func(key []byte) error {
		switch string(key) {
		case "instances", "inputs":
			if found != "" {
				return bad("the request has %q and %q, want one of them", found, key)
			}
			found = string(key)
			if found == "instances" {
				return q.instances(s)
			}
			p.columns = true
			return q.columns(s)
		case "signature_name", "parameters", "id":
			return s.skip()
		}
		if q.isColumn(key) {
			found = "record"
			return s.skip()
		}
		return bad(`the request has a member %s, want "instances" or "inputs"`, quoted(key))
	})
	if err != nil {
		return err
	}
	switch found {
	case "":
		return bad(`the request has no "instances" and no "inputs"`)
	case "record":
		if err := q.records(s.data[start:s.pos]); err != nil {
			return err
		}
	}
	return s.end()
}

// bare reads a sample or a list of samples.
func (q *request) bare(s *scanner) error {
	if len(q.version.inputs) != 1 {
		return bad(`the model has the inputs %s: want {"instances": [...]} with a member for each`, names(q.version.inputs))
	}
	if c := s.peek(); c == '"' {
		return q.encoded(s, func(one func() error) error { return one() })
	} else if c == '[' {
		if first := s.inside(); first == '"' || first == '{' || q.version.inputs[0].strings {
			return q.instances(s)
		}
	}
	in, info := &q.inputs[0], &q.version.inputs[0]
	start := s.pos
	values, err := s.numbers(in.values, &q.dims)
	if err != nil {
		return inInput(err, info.name)
	}
	if rank := q.dims.rank; rank == len(info.shape) || rank == 1 && len(values) == info.size {
		in.values = values
		return q.sample(0, 0)
	}
	s.pos = start
	return q.instances(s)
}

// inside returns the first byte in an array or object that comes next.
func (s *scanner) inside() byte { return (&scanner{data: s.data, pos: s.pos + 1}).peek() }

// key returns the first key of an object that comes next, and what its value begins with.
func (s *scanner) key() (key []byte, value byte) {
	in := &scanner{data: s.data, pos: s.pos}
	if !in.is('{') {
		return nil, 0
	}
	key, err := in.text("")
	if err != nil || !in.is(':') {
		return nil, 0
	}
	return key, in.peek()
}

// hasKey reports whether an object comes next whose first key is this one.
func (s *scanner) hasKey(key string) bool {
	got, _ := s.key()
	return string(got) == key
}

// instances reads a list of samples.
func (q *request) instances(s *scanner) error {
	if s.peek() != '[' {
		return s.unexpected("an array of samples")
	}
	one := len(q.version.inputs) == 1
	first := &scanner{data: s.data, pos: s.pos + 1}
	key, value := first.key()
	if named := index(q.version.inputs, key) >= 0 && value == '['; key != nil && !named && q.hasColumns() {
		raw, err := s.raw()
		if err != nil {
			return err
		}
		return q.records(raw)
	} else if one && (first.peek() == '"' || !named && string(key) == "b64") {
		return q.encoded(s, func(each func() error) error { return s.array("", func(int) error { return each() }) })
	}
	rows := 0
	err := s.array("an array", func(row int) error {
		if rows++; rows > q.settings.maxRows {
			return fail(http.StatusRequestEntityTooLarge, "the request has more than %d samples", q.settings.maxRows)
		}
		if one && s.peek() != '{' {
			if err := q.instance(s, 0); err != nil {
				return in(err, "sample %d", row)
			}
			return nil
		}
		seen := 0
		err := s.object("an object with a member for each input", func(key []byte) error {
			i := index(q.version.inputs, key)
			if i < 0 {
				return bad("the model has no input %s, its inputs are %s", quoted(key), names(q.version.inputs))
			}
			seen++
			return q.instance(s, i)
		})
		if err == nil && seen != len(q.version.inputs) {
			err = bad("%d inputs, want one of each: %s", seen, names(q.version.inputs))
		}
		if err != nil {
			return in(err, "sample %d", row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if rows == 0 {
		return bad("there are no samples")
	}
	return q.join()
}

// instance reads a sample of input i.
func (q *request) instance(s *scanner, i int) (err error) {
	if q.version.inputs[i].strings {
		return q.strings(s, i)
	}
	in := &q.inputs[i]
	from := len(in.values)
	if in.values, err = s.numbers(in.values, &q.dims); err != nil {
		return inInput(err, q.version.inputs[i].name)
	}
	return q.sample(i, from)
}

// inInput names the input in an error.
func inInput(err error, name string) error { return in(err, "input %q", name) }

// columns reads a list of samples for each input.
func (q *request) columns(s *scanner) error {
	v := q.version
	if s.peek() != '{' {
		if len(v.inputs) != 1 {
			return bad(`"inputs" is no object, want one with the members %s`, names(v.inputs))
		}
		return q.instances(s)
	}
	seen := 0
	err := s.object("an object", func(key []byte) error {
		i := index(v.inputs, key)
		if i < 0 {
			return bad("the model has no input %s, its inputs are %s", quoted(key), names(v.inputs))
		}
		if q.inputs[i].count() > 0 {
			return bad("input %q comes twice", v.inputs[i].name)
		}
		seen++
		return s.array("an array of samples", func(row int) error {
			if err := q.instance(s, i); err != nil {
				return in(err, "sample %d", row)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if seen < len(v.inputs) {
		return bad("the request has %d inputs, want %s", seen, names(v.inputs))
	}
	return q.join()
}

// write appends the answer.
func (p *predict) write(q *request, model string) ([]byte, error) {
	b := append(q.reply[:0], `{"model_name":`...)
	b = appendText(b, model)
	b = append(b, `,"model_version":`...)
	b = appendText(b, q.version.id)
	var err error
	outputs := q.version.outputs
	if p.columns {
		b = append(b, `,"outputs":`...)
		if len(outputs) > 1 {
			b = append(b, '{')
		}
		for i := range outputs {
			if i > 0 {
				b = append(b, ',')
			}
			if len(outputs) > 1 {
				b = append(appendText(b, outputs[i].name), ':')
			}
			b = append(b, '[')
			for row := range q.rows {
				if row > 0 {
					b = append(b, ',')
				}
				if b, err = q.appendRow(b, i, row); err != nil {
					return b, err
				}
			}
			b = append(b, ']')
		}
		if len(outputs) > 1 {
			b = append(b, '}')
		}
	} else {
		b = append(b, `,"predictions":[`...)
		for row := range q.rows {
			if row > 0 {
				b = append(b, ',')
			}
			if len(outputs) == 1 {
				b, err = q.appendRow(b, 0, row)
			} else {
				b, err = q.appendRows(b, row)
			}
			if err != nil {
				return b, err
			}
		}
		b = append(b, ']')
	}
	b = q.appendClasses(b)
	return append(b, "}\n"...), nil
}

// appendRows appends the outputs of a sample by name.
func (q *request) appendRows(b []byte, row int) (_ []byte, err error) {
	b = append(b, '{')
	for i, out := range q.version.outputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, out.name), ':')
		if b, err = q.appendRow(b, i, row); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendRow appends the values of a sample, nested as their shape.
func (q *request) appendRow(b []byte, i, row int) ([]byte, error) {
	values, shape := q.outputs[i].row(row)
	if at := notFinite(values); at >= 0 {
		return b, fail(http.StatusInternalServerError, "output %q of sample %d: value %d is %v", q.version.outputs[i].name, row, at, values[at])
	}
	return appendNested(b, values, shape), nil
}

// appendClasses appends the most probable classes of each sample, for outputs that have classes.
func (q *request) appendClasses(b []byte) []byte {
	first := true
	for i, out := range q.version.outputs {
		if out.classes == nil || q.outputs[i].ragged != nil || len(q.outputs[i].shape) != 1 {
			continue
		}
		if first {
			b = append(b, `,"classes":`...)
			if len(q.version.outputs) > 1 {
				b = append(b, '{')
			}
		} else {
			b = append(b, ',')
		}
		first = false
		if len(q.version.outputs) > 1 {
			b = append(appendText(b, out.name), ':')
		}
		b = append(b, '[')
		for row := range q.rows {
			if row > 0 {
				b = append(b, ',')
			}
			values, _ := q.outputs[i].row(row)
			b = q.appendTop(b, values, out.classes)
		}
		b = append(b, ']')
	}
	if !first && len(q.version.outputs) > 1 {
		b = append(b, '}')
	}
	return b
}

// appendTop appends the names of the largest values, with the values if they may be probabilities.
func (q *request) appendTop(b []byte, values []float32, classes []string) []byte {
	if len(values) == 1 && len(classes) == 2 {
		values = []float32{1 - values[0], values[0]}
	}
	probable := true
	for _, v := range values {
		probable = probable && v >= 0 && v <= 1
	}
	b = append(b, '[')
	for j, i := range q.largest(values, q.settings.top) {
		if j > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"class":`...)
		b = appendText(b, classes[i])
		if probable {
			b = append(b, `,"probability":`...)
			b = strconv.AppendFloat(b, float64(values[i]), 'g', -1, 32)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// largest returns the indices of the n largest values, the largest first. They are valid until the next
// call.
func (q *request) largest(values []float32, n int) []int {
	order := q.order[:0]
	for i, v := range values {
		at := len(order)
		for at > 0 && values[order[at-1]] < v {
			at--
		}
		if at < n {
			order = slices.Insert(order, at, i)[:min(n, len(order)+1)]
		}
	}
	q.order = order
	return order
}
