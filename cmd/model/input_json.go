// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// maxValue is the longest JSON value that is read into memory: a sample, or all samples of an object
// of arrays.
const maxValue = 256 << 20

// json reads samples from JSON: a sample, a list of samples, or several of both one after another,
// as in JSON lines. Lists are read element by element.
func (r *reader) json(in *bufio.Reader, name string, each func(sample) error) error {
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // was peeked at
	}
	limited := &io.LimitedReader{R: in, N: maxValue}
	d := json.NewDecoder(limited)
	n := 0
	fail := func(err error) error {
		if limited.N <= 0 {
			return fmt.Errorf("%s: sample %d: more than %d bytes", name, n, maxValue)
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	next := func() (raw json.RawMessage, err error) {
		limited.N = maxValue
		err = d.Decode(&raw)
		return raw, err
	}
	one := func(raw json.RawMessage) error {
		count := 0
		err := r.value(raw, func(s sample) error {
			s.name = r.where(name, "sample", n)
			n++
			count++
			return each(s)
		})
		if err != nil && !errors.Is(err, errStop) {
			return fmt.Errorf("%s: sample %d: %w", name, n, err)
		}
		return err
	}
	for values := 0; ; values++ {
		limited.N = maxValue
		list, err := r.isList(d, in)
		if errors.Is(err, io.EOF) {
			if values == 0 {
				return fmt.Errorf("%s is empty", name)
			}
			return nil
		} else if err != nil {
			return fail(err)
		}
		if !list {
			raw, err := next()
			if errors.Is(err, io.EOF) && values > 0 {
				return nil
			} else if err != nil {
				return fail(err)
			}
			if err := one(raw); err != nil {
				return err
			}
			continue
		}
		if _, err := d.Token(); err != nil { // [
			return fail(err)
		}
		for d.More() {
			raw, err := next()
			if err != nil {
				return fail(err)
			}
			if err := one(raw); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil { // ]
			return fail(err)
		}
	}
}

// isList looks at the beginning of the next value, whether it is a list of samples.
func (r *reader) isList(d *json.Decoder, in *bufio.Reader) (bool, error) {
	var begin []byte
	buffered, err := io.ReadAll(d.Buffered())
	if err != nil {
		return false, err
	}
	if begin = bytes.TrimLeft(buffered, " \t\r\n"); len(begin) < 64 {
		more, err := in.Peek(256)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return false, err
		}
		begin = bytes.TrimLeft(append(slices.Clone(begin), more...), " \t\r\n")
	}
	if len(begin) == 0 {
		return false, io.EOF
	}
	depth := 0
	for _, c := range begin {
		switch c {
		case '[':
			depth++
			continue
		case ' ', '\t', '\r', '\n':
			continue
		case '{', '"':
			return depth > 0, nil
		}
		break
	}
	return depth > len(r.shapes[0]) || depth == 1 && len(r.shapes) > 1 && begin[0] == '[', nil
}

// value reads one value: a sample, or an object with a list of samples for each input.
func (r *reader) value(raw json.RawMessage, each func(sample) error) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return io.ErrUnexpectedEOF
	}
	if table, ok := r.raw[0].(*datasets.TableEncoder); ok {
		source, err := table.EncodeJSON(raw)
		if err != nil {
			return err
		}
		return r.source(source, func(int) string { return "" }, each)
	}
	switch raw[0] {
	case '"':
		if err := r.alone("a text"); err != nil {
			return err
		}
		var line string
		if err := json.Unmarshal(raw, &line); err != nil {
			return err
		}
		return r.words("text", line, each)
	case '{':
		return r.object(raw, each)
	case '[':
		if err := r.alone("an array"); err != nil {
			return err
		}
		values, shape, err := numbersOf(raw)
		if err != nil {
			return err
		}
		return r.sampleOf([][]float32{values}, [][]int{shape}, each)
	}
	return fmt.Errorf("%.40q, want an array of numbers, a text, or an object with the inputs by name: %s", raw, strings.Join(r.names, ", "))
}

// sampleOf makes a sample of the numbers of each input.
func (r *reader) sampleOf(values [][]float32, shapes [][]int, each func(sample) error) error {
	var s sample
	for i := range values {
		if p, ok := r.raw[i].(datasets.Columns); ok {
			row := make([]float64, len(values[i]))
			for j, v := range values[i] {
				row[j] = float64(v)
			}
			if len(row) != len(p.Names) {
				return fmt.Errorf("%s, want %d: %s", text.Count(len(row), "number"), len(p.Names), text.FirstOf(p.Names))
			}
			a, err := p.Array(row)
			if err != nil {
				return err
			}
			values[i], shapes[i] = a.Data, a.Shape
		}
		a, err := r.array(i, values[i], shapes[i])
		if err != nil {
			return err
		}
		s.inputs = append(s.inputs, a)
	}
	return each(s)
}

// object reads the inputs by name, or the columns of a row.
func (r *reader) object(raw json.RawMessage, each func(sample) error) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	if r.takesStrings() {
		return r.rawObject(fields, each)
	}
	if p, ok := r.raw[0].(datasets.Columns); ok && len(r.shapes) == 1 && fields[r.names[0]] == nil {
		row := make([]float32, len(p.Names))
		for i, c := range p.Names {
			v, ok := fields[c]
			if !ok {
				return fmt.Errorf("no column %q, has %s", c, text.FirstOf(sortedKeys(fields)))
			}
			if err := json.Unmarshal(v, &row[i]); err != nil {
				return fmt.Errorf("column %q: %.40q, want a number", c, v)
			}
		}
		return r.sampleOf([][]float32{row}, [][]int{{len(row)}}, each)
	}
	values, shapes, n := make([][]float32, len(r.names)), make([][]int, len(r.names)), -1
	for i, input := range r.names {
		v, ok := fields[input]
		if !ok {
			return fmt.Errorf("no input %q, has %s%s", input, text.FirstOf(sortedKeys(fields)), text.Meant(input, sortedKeys(fields)...))
		}
		var err error
		if values[i], shapes[i], err = numbersOf(v); err != nil {
			return fmt.Errorf("input %q: %w", input, err)
		}
		own := -1 // a sample
		if len(shapes[i]) == len(r.shapes[i])+1 {
			own, shapes[i] = shapes[i][0], shapes[i][1:]
		}
		if i > 0 && own != n {
			return fmt.Errorf("inputs %q and %q have different numbers of samples", r.names[0], input)
		}
		n = own
	}
	for name := range fields {
		if !slices.Contains(r.names, name) {
			return fmt.Errorf("input %q is none of the model's, which are %s", name, strings.Join(r.names, ", "))
		}
	}
	if n < 0 {
		return r.sampleOf(values, shapes, each)
	}
	for j := range n {
		part := make([][]float32, len(values))
		for i := range values {
			size := k.Shape(shapes[i]).Size()
			part[i] = values[i][j*size : (j+1)*size]
		}
		if err := r.sampleOf(part, slices.Clone(shapes), each); err != nil {
			return err
		}
	}
	return nil
}

// maxDepth is the largest number of axes of an array in JSON.
const maxDepth = 16

// numbersOf reads nested lists of numbers, all of one length at each level.
func numbersOf(raw json.RawMessage) (values []float32, shape []int, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	depth := 0
	var counts []int // elements so far of the open lists
	var shapeSet []bool
	count := func() {
		if depth > 0 {
			counts[depth-1]++
		}
	}
	leaf := -1
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, err
		}
		if depth == 0 && len(shape) > 0 || leaf == 0 {
			return nil, nil, errors.New("more than one value")
		}
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '[':
				if depth == maxDepth {
					return nil, nil, fmt.Errorf("lists nested more than %d deep", maxDepth)
				}
				if leaf >= 0 && depth >= leaf {
					return nil, nil, errors.New("a list beside a number")
				}
				depth++
				if counts = append(counts[:depth-1], 0); len(shape) < depth {
					shape, shapeSet = append(shape, 0), append(shapeSet, false)
				}
			case ']':
				if n := counts[depth-1]; shapeSet[depth-1] && shape[depth-1] != n {
					return nil, nil, fmt.Errorf("lists of %d and of %d elements at the same level, want equal ones", shape[depth-1], n)
				}
				shape[depth-1], shapeSet[depth-1] = counts[depth-1], true
				depth--
				count()
			default:
				return nil, nil, errors.New("an object, want a number")
			}
		case float64:
			if leaf >= 0 && leaf != depth || leaf < 0 && len(shape) > depth {
				return nil, nil, errors.New("a number beside a list")
			}
			leaf = depth
			if math.IsInf(float64(float32(v)), 0) {
				return nil, nil, fmt.Errorf("%g does not fit 32 bits", v)
			}
			values = append(values, float32(v))
			count()
		default:
			return nil, nil, fmt.Errorf("%v, want a number", token)
		}
	}
	if depth > 0 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	if len(values) == 0 || leaf != len(shape) {
		return nil, nil, errors.New("no numbers")
	}
	return values, shape, nil
}
