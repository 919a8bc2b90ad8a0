// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/reef-dl/reef/datasets"
)

// inference is a request in the form of the Open Inference Protocol, version 2.
type inference struct {
	id      string
	hasID   bool
	inputs  []tensor
	outputs []wanted
	binary  bool // all outputs are binary, see wanted
	rest    []byte
}

// tensor is an input as the request states it.
type tensor struct {
	name, datatype string
	shape          []int
	values         []float32
	dims           dims
	texts          [][]byte
	size           int64 // of the binary data, -1 without
	given          bool  // data
}

// wanted is an output that the request wants.
type wanted struct {
	index  int
	binary bool
	top    int // classes in place of values
}

// headerLength is the header with the length of the JSON object where binary data follow it.
const headerLength = "Inference-Header-Content-Length"

func (n *inference) reset() {
	n.id, n.hasID, n.binary, n.rest = "", false, false, nil
	n.inputs, n.outputs = n.inputs[:0], n.outputs[:0]
}

// next returns an empty tensor, which keeps its memory.
func (n *inference) next() *tensor {
	if len(n.inputs) < cap(n.inputs) {
		n.inputs = n.inputs[:len(n.inputs)+1]
	} else {
		n.inputs = append(n.inputs, tensor{})
	}
	t := &n.inputs[len(n.inputs)-1]
	*t = tensor{values: t.values[:0], shape: t.shape[:0], size: -1}
	return t
}

// read reads the body of a request.
func (n *inference) read(q *request, header http.Header) error {
	n.reset()
	text := q.body
	if h := header.Get(headerLength); h != "" {
		length, err := strconv.Atoi(h)
		if err != nil || length < 0 || length > len(q.body) {
			return bad("%s is %s, want at most the length of the body, %d", headerLength, quoted(h), len(q.body))
		}
		text, n.rest = q.body[:length], q.body[length:]
	}
	s := &scanner{data: text}
	err := s.object("an object with inputs", func(key []byte) error {
		switch string(key) {
		case "id":
			id, err := s.text("an id in quotes")
			n.id, n.hasID = string(id), true
			return err
		case "parameters":
			return n.parameters(s)
		case "inputs":
			return s.array(`an array for "inputs"`, func(i int) error {
				if i >= len(q.version.inputs) {
					return bad("the request has more inputs than the model: %s", names(q.version.inputs))
				}
				return n.input(s)
			})
		case "outputs":
			return s.array(`an array for "outputs"`, func(i int) error {
				if i >= len(q.version.outputs) {
					return bad("the request wants more outputs than the model has: %s", names(q.version.outputs))
				}
				return n.output(s, q.version)
			})
		}
		return bad(`the request has a member %s, want "id", "parameters", "inputs" and "outputs"`, quoted(key))
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return err
	}
	return n.apply(q)
}

func (n *inference) parameters(s *scanner) error {
	return s.object("an object", func(key []byte) (err error) {
		if string(key) == "binary_data_output" {
			n.binary, err = s.boolean("true or false for binary_data_output")
			return err
		}
		return s.skip()
	})
}

// input reads an input.
func (n *inference) input(s *scanner) error {
	t := n.next()
	err := s.object("an object for the input", func(key []byte) error {
		switch string(key) {
		case "name", "datatype":
			text, err := s.text(string(key) + " in quotes")
			if key[0] == 'n' {
				t.name = string(text)
			} else {
				t.datatype = string(text)
			}
			return err
		case "shape":
			return s.array("an array of lengths", func(i int) error {
				if i > maxRank {
					return bad("a shape of more than %d axes", maxRank+1)
				}
				length, err := s.integer("a length")
				if err == nil && (length < 1 || length > math.MaxInt32) {
					return bad("a length of %d in a shape, want 1 to %d", length, math.MaxInt32)
				}
				t.shape = append(t.shape, int(length))
				return err
			})
		case "parameters":
			return s.object("an object", func(key []byte) (err error) {
				if string(key) == "binary_data_size" {
					t.size, err = s.integer("a number of bytes for binary_data_size")
					if err == nil && t.size < 0 {
						err = bad("binary_data_size is %d", t.size)
					}
					return err
				}
				return s.skip()
			})
		case "data":
			return t.data(s)
		}
		return bad(`it has a member %s, want "name", "shape", "datatype", "parameters" and "data"`, quoted(key))
	})
	if err != nil {
		return in(err, "input %q", t.name)
	}
	return nil
}

// data reads the numbers or texts of an input.
func (t *tensor) data(s *scanner) (err error) {
	if t.given {
		return bad("it has data twice")
	}
	t.given = true
	if s.peek() == '[' && s.inside() == '"' {
		return s.array("", func(int) error {
			text, err := s.text("a text in quotes")
			t.texts = append(t.texts, text)
			return err
		})
	}
	if s.peek() != '[' {
		return s.unexpected("an array of data")
	}
	t.values, err = s.numbers(t.values, &t.dims)
	return err
}

// output reads which output is wanted.
func (n *inference) output(s *scanner, v *version) error {
	w := wanted{index: -1, binary: n.binary}
	err := s.object("an object for the output", func(key []byte) error {
		switch string(key) {
		case "name":
			name, err := s.text("a name in quotes")
			if err != nil {
				return err
			}
			if w.index = index(v.outputs, name); w.index < 0 {
				return bad("the model has no output %s, its outputs are %s", quoted(name), names(v.outputs))
			}
			return nil
		case "parameters":
			return s.object("an object", func(key []byte) (err error) {
				switch string(key) {
				case "binary_data":
					w.binary, err = s.boolean("true or false for binary_data")
					return err
				case "classification":
					top, err := s.integer("a number of classes")
					if err == nil && top < 1 {
						return bad("classification is %d, want a positive number", top)
					}
					w.top = int(min(top, math.MaxInt32))
					return err
				}
				return s.skip()
			})
		}
		return bad(`an output has a member %s, want "name" and "parameters"`, quoted(key))
	})
	if err == nil && w.index < 0 {
		err = bad("an output has no name")
	}
	n.outputs = append(n.outputs, w)
	return err
}

// apply gives the inputs of the request to the model.
func (n *inference) apply(q *request) error {
	v := q.version
	if len(n.inputs) == 0 {
		return bad("the request has no inputs, want %s", names(v.inputs))
	}
	var done [64]bool
	filled := 0
	for j := range n.inputs {
		t := &n.inputs[j]
		i := index(v.inputs, []byte(t.name))
		if i < 0 {
			return bad("the model has no input %s, its inputs are %s", quoted(t.name), names(v.inputs))
		}
		if i < len(done) && done[i] {
			return bad("input %q comes twice", t.name)
		} else if i < len(done) {
			done[i] = true
		}
		if t.size >= 0 {
			if t.given || t.size > int64(len(n.rest)) {
				return bad("input %q: binary_data_size is %d, want no data and at most the %d bytes behind the JSON object", t.name, t.size, len(n.rest))
			}
			if err := t.binaryData(n.rest[:t.size]); err != nil {
				return in(err, "input %q", t.name)
			}
			n.rest = n.rest[t.size:]
		}
		if t.datatype == "BYTES" {
			if v.inputs[i].strings {
				if err := t.strings(q, i); err != nil {
					return in(err, "input %q", t.name)
				}
				filled++
				continue
			}
			if err := t.encode(q, i); err != nil {
				return in(err, "input %q", t.name)
			}
			filled = len(v.inputs) // the preprocessor makes all
			continue
		}
		if err := t.check(&v.inputs[i], q.settings.maxRows); err != nil {
			return in(err, "input %q", t.name)
		}
		to := &q.inputs[i]
		to.values, t.values = t.values, to.values
		to.shape = append(to.shape[:0], t.shape[1:]...)
		filled++
	}
	if len(n.rest) > 0 {
		return bad("%d bytes follow the binary data", len(n.rest))
	}
	if filled < len(v.inputs) {
		return bad("the request has %d inputs, the model wants %s", filled, names(v.inputs))
	}
	return nil
}

// limits are the datatypes with the lowest and highest value that float32 represents exactly.
var limits = map[string][2]float32{
	"FP32": {}, "FP64": {}, "BOOL": {0, 1},
	"UINT8": {0, math.MaxUint8}, "UINT16": {0, math.MaxUint16}, "UINT32": {0, exact}, "UINT64": {0, exact},
	"INT8": {math.MinInt8, math.MaxInt8}, "INT16": {math.MinInt16, math.MaxInt16}, "INT32": {-exact, exact}, "INT64": {-exact, exact},
}

// exact is the highest integer below which all are float32 values and no other is rounded to it.
const exact = 1<<24 - 1

// check compares a tensor with the model's input and its values with their datatype.
func (t *tensor) check(in *tensorInfo, maxRows int) error {
	limit, ok := limits[t.datatype]
	if ok && in.strings {
		return bad("datatype %s, want BYTES for an input of strings", quoted(t.datatype))
	}
	if !ok {
		return bad("datatype %s, want FP32, FP64, BOOL, an INT or UINT, or BYTES", quoted(t.datatype))
	}
	if len(t.shape) == 0 || !in.takes(t.shape[1:]) {
		return bad("got shape %s, want (samples, %s", lengths(t.shape), lengths(in.shape)[1:])
	}
	if t.shape[0] > maxRows {
		return fail(http.StatusRequestEntityTooLarge, "the request has %d samples, the most is %d", t.shape[0], maxRows)
	}
	size := 1
	for _, length := range t.shape {
		if size *= length; size > len(t.values) {
			break
		}
	}
	if size != len(t.values) {
		return bad("got %d values, want those of the shape %s", len(t.values), lengths(t.shape))
	}
	if nested := t.dims.shape(); len(nested) > 1 && !slices.Equal(nested, t.shape) {
		return bad("data are nested as %s, want %s, or one array of all values", lengths(nested), lengths(t.shape))
	}
	if t.size >= 0 && limit[1] > 1 && limit[1] < exact {
		return nil // binary integers that float32 all represents
	}
	if limit[1] == 0 {
		if i := notFinite(t.values); i >= 0 {
			return bad("value %d is %v", i, t.values[i])
		}
		return nil
	}
	for i, v := range t.values {
		if !(v >= limit[0] && v <= limit[1]) || v != float32(int32(v)) {
			return bad("value %d is %v, want an integer from %.0f to %.0f for %s", i, v, limit[0], limit[1], t.datatype)
		}
	}
	return nil
}

// binaryData reads little-endian values.
func (t *tensor) binaryData(b []byte) error {
	t.given = true
	le := binary.LittleEndian
	switch t.datatype {
	case "FP32":
		if len(b)%4 == 0 { // the usual one, in a loop of its own
			t.values = slices.Grow(t.values, len(b)/4)[:len(b)/4]
			for i := range t.values {
				t.values[i] = math.Float32frombits(le.Uint32(b[4*i:]))
			}
			return nil
		}
		return decode(t, b, 4, nil)
	case "FP64":
		return decode(t, b, 8, func(b []byte) float32 { return float32(math.Float64frombits(le.Uint64(b))) })
	case "BOOL", "UINT8":
		t.values = slices.Grow(t.values, len(b))[:len(b)]
		for i, v := range b {
			t.values[i] = float32(v)
		}
		return nil
	case "INT8":
		return decode(t, b, 1, func(b []byte) float32 { return float32(int8(b[0])) })
	case "UINT16":
		return decode(t, b, 2, func(b []byte) float32 { return float32(le.Uint16(b)) })
	case "INT16":
		return decode(t, b, 2, func(b []byte) float32 { return float32(int16(le.Uint16(b))) })
	case "UINT32":
		return decode(t, b, 4, func(b []byte) float32 { return float32(le.Uint32(b)) })
	case "INT32":
		return decode(t, b, 4, func(b []byte) float32 { return float32(int32(le.Uint32(b))) })
	case "UINT64":
		return decode(t, b, 8, func(b []byte) float32 { return float32(le.Uint64(b)) })
	case "INT64":
		return decode(t, b, 8, func(b []byte) float32 { return float32(int64(le.Uint64(b))) })
	case "BYTES":
		for len(b) > 0 {
			if len(b) < 4 || int64(le.Uint32(b)) > int64(len(b)-4) {
				return bad("binary data end within an element")
			}
			n := int(le.Uint32(b))
			t.texts = append(t.texts, b[4:4+n])
			b = b[4+n:]
		}
		return nil
	}
	return bad("datatype %s, want FP32, FP64, BOOL, an INT or UINT, or BYTES", quoted(t.datatype))
}

// decode appends values of width bytes.
func decode(t *tensor, b []byte, width int, value func(b []byte) float32) error {
	if len(b)%width != 0 {
		return bad("%d bytes of binary data, want %d for each value", len(b), width)
	}
	t.values = slices.Grow(t.values, len(b)/width)[:len(b)/width]
	for i := range t.values {
		t.values[i] = value(b[i*width : (i+1)*width])
	}
	return nil
}

// strings gives elements of the datatype BYTES to an input of strings.
func (t *tensor) strings(q *request, i int) error {
	info, in := &q.version.inputs[i], &q.inputs[i]
	size := 1
	for _, length := range t.shape {
		size = min(size*length, math.MaxInt32)
	}
	if len(t.shape) == 0 || size != len(t.texts) || !info.takes(t.shape[1:]) && (size != t.shape[0] || info.size != 1) {
		return bad("got %d elements of shape %s, want (samples, %s", len(t.texts), lengths(t.shape), lengths(info.shape)[1:])
	}
	if t.shape[0] > q.settings.maxRows {
		return fail(http.StatusRequestEntityTooLarge, "the request has %d samples, the most is %d", t.shape[0], q.settings.maxRows)
	}
	for _, text := range t.texts {
		in.texts = append(in.texts, string(text))
	}
	in.shape = append(in.shape[:0], info.shape...)
	return nil
}

// encode gives elements of the datatype BYTES to the model's preprocessor: texts, pictures (in JSON as
// base64) or rows of a table as JSON objects.
func (t *tensor) encode(q *request, i int) error {
	size := 1
	for _, length := range t.shape {
		size = min(size*length, math.MaxInt32)
	}
	if len(t.shape) == 0 || size != len(t.texts) || len(t.shape) > 2 || len(t.shape) == 2 && t.shape[1] != 1 {
		return bad("got %d elements of shape %s, want shape (samples)", len(t.texts), lengths(t.shape))
	}
	if size > q.settings.maxRows {
		return fail(http.StatusRequestEntityTooLarge, "the request has %d samples, the most is %d", size, q.settings.maxRows)
	}
	if i != 0 {
		return bad("datatype BYTES, which only the first input takes, by its preprocessor")
	}
	switch q.preprocessor().(type) {
	case datasets.ImageOptions:
		for row, file := range t.texts {
			if t.size < 0 {
				decoded, err := base64.StdEncoding.AppendDecode(nil, file)
				if err != nil {
					return bad("sample %d: base64: %v", row, err)
				}
				file = decoded
			}
			if err := q.picture(q.ctx, file); err != nil {
				return in(err, "sample %d", row)
			}
		}
		return q.join()
	case *datasets.TableEncoder, datasets.Columns:
		rows := []byte{'['}
		for row, text := range t.texts {
			if row > 0 {
				rows = append(rows, ',')
			}
			rows = append(rows, text...)
		}
		return q.records(append(rows, ']'))
	}
	q.texts = q.texts[:0]
	for _, text := range t.texts {
		q.texts = append(q.texts, string(text))
	}
	return q.encodeTexts("datatype BYTES")
}

// write appends the answer and, behind it, binary data. length is that of the JSON object, 0 if nothing
// follows it.
func (n *inference) write(q *request, model string) (b []byte, length int, err error) {
	b = append(q.reply[:0], `{"model_name":`...)
	b = appendText(b, model)
	b = append(b, `,"model_version":`...)
	b = appendText(b, q.version.id)
	if n.hasID {
		b = append(b, `,"id":`...)
		b = appendText(b, n.id)
	}
	b = append(b, `,"outputs":[`...)
	if len(n.outputs) == 0 {
		for i := range q.version.outputs {
			n.outputs = append(n.outputs, wanted{index: i, binary: n.binary})
		}
	}
	isBinary := false
	for j, w := range n.outputs {
		if j > 0 {
			b = append(b, ',')
		}
		isBinary = isBinary || w.binary && w.top == 0
		if b, err = n.writeOutput(b, q, w); err != nil {
			return b, 0, err
		}
	}
	b = append(b, "]}\n"...)
	if !isBinary {
		return b, 0, nil
	}
	length = len(b)
	for _, w := range n.outputs {
		if !w.binary || w.top > 0 {
			continue
		}
		for row := range q.rows {
			values, _ := q.outputs[w.index].row(row)
			for _, v := range values {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
	}
	return b, length, nil
}

// writeOutput appends the JSON object of an output.
func (n *inference) writeOutput(b []byte, q *request, w wanted) ([]byte, error) {
	info, out := &q.version.outputs[w.index], &q.outputs[w.index]
	first, shape := out.row(0)
	b = append(b, `{"name":`...)
	b = appendText(b, info.name)
	if w.top > 0 {
		return q.classification(b, w, len(first))
	}
	b = append(b, `,"datatype":"FP32","shape":[`...)
	b = strconv.AppendInt(b, int64(q.rows), 10)
	for _, length := range shape {
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(length), 10)
	}
	if w.binary {
		b = append(b, `],"parameters":{"binary_data_size":`...)
		b = strconv.AppendInt(b, 4*int64(q.rows)*int64(len(first)), 10)
		return append(b, "}}"...), nil
	}
	b = append(b, `],"data":[`...)
	for row := range q.rows {
		if row > 0 {
			b = append(b, ',')
		}
		values, _ := out.row(row)
		if at := notFinite(values); at >= 0 {
			return b, fail(http.StatusInternalServerError, "output %q of sample %d: value %d is %v", info.name, row, at, values[at])
		}
		b = appendValues(b, values)
	}
	return append(b, "]}"...), nil
}

// classification appends the largest values of an output as "value:index:class", as Triton does.
func (q *request) classification(b []byte, w wanted, values int) ([]byte, error) {
	info, out := &q.version.outputs[w.index], &q.outputs[w.index]
	if _, shape := out.row(0); len(shape) != 1 {
		return b, bad("output %q has shape (samples, %s, classification wants (samples, classes)", info.name, lengths(shape)[1:])
	}
	top := min(w.top, values)
	b = append(b, `,"datatype":"BYTES","shape":[`...)
	b = strconv.AppendInt(b, int64(q.rows), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(top), 10)
	b = append(b, `],"data":[`...)
	for row := range q.rows {
		v, _ := out.row(row)
		if at := notFinite(v); at >= 0 {
			return b, fail(http.StatusInternalServerError, "output %q of sample %d: value %d is %v", info.name, row, at, v[at])
		}
		for j, i := range q.largest(v, top) {
			if row+j > 0 {
				b = append(b, ',')
			}
			text := strconv.FormatFloat(float64(v[i]), 'g', -1, 32) + ":" + strconv.Itoa(i)
			if i < len(info.classes) && len(v) == len(info.classes) {
				text += ":" + info.classes[i]
			}
			b = appendText(b, text)
		}
	}
	return append(b, "]}"...), nil
}
