// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// request is the memory of a request, which is used again for others.
type request struct {
	call
	ctx      context.Context
	settings *settings
	body     []byte
	reply    []byte
	dims     dims
	infer    inference
	parts    [][]part // of each input with free axes
	order    []int
	texts    []string // of the input with a preprocessor
}

// begin makes the request ready for a version of a model.
func (q *request) begin(v *version) {
	q.call.begin(v)
	q.parts = slices.Grow(q.parts[:0], len(v.inputs))[:len(v.inputs)]
	for i := range q.parts {
		q.parts[i] = q.parts[i][:0]
	}
}

// perByte is what a request may take for each byte of its body: the byte, a number of two bytes as a
// float32, and that again in a batch.
const perByte = 5

// read reads the body into the memory of the request.
func (q *request) read(w http.ResponseWriter, r *http.Request) error {
	limit := q.settings.maxBody
	if r.ContentLength > limit {
		return tooLong(limit)
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return &failure{code: http.StatusUnsupportedMediaType, text: "Content-Encoding " + quoted(e) + ": want none", hang: true}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(q.deadline) // a server without deadlines has its own limits
	body := q.body[:0]
	if err := q.take(int64(cap(body)) * perByte); err != nil {
		return err
	}
	for {
		if len(body) == cap(body) {
			more := max(4096, cap(body))
			if rest := int(r.ContentLength) - len(body) + 1; rest > 0 && rest < more {
				more = max(512, rest)
			}
			if err := q.take(int64(more) * perByte); err != nil {
				asFailure(err).hang = true
				return err
			}
			body = slices.Grow(body, more)
		}
		n, err := r.Body.Read(body[len(body):min(cap(body), len(body)+1<<20)])
		body = body[:len(body)+n]
		q.body = body
		switch {
		case int64(len(body)) > limit:
			return tooLong(limit)
		case err == io.EOF:
			_ = control.SetReadDeadline(time.Time{})
			if len(body) == 0 {
				return bad("the body is empty")
			}
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &failure{code: http.StatusRequestTimeout, text: "the body took too long", hang: true}
		case err != nil:
			return &failure{code: http.StatusBadRequest, text: "the body: " + err.Error(), hang: true}
		}
	}
}

func tooLong(limit int64) error {
	return &failure{code: http.StatusRequestEntityTooLarge, text: "the body is too long, the most is " + text.Thousands(limit) + " bytes", hang: true}
}

// part is where a sample of an input with free axes lies.
type part struct {
	from  int
	shape []int
}

// sample gives the values of input i from number from on, which were read as an array of the shape in
// q.dims, the shape of a sample. An axis of length 1 at the end may be missing, or all values may be in
// one row.
func (q *request) sample(i, from int) error {
	info, in := &q.version.inputs[i], &q.inputs[i]
	shape, n := q.dims.shape(), len(in.values)-from
	switch {
	case info.takes(shape):
	case info.size == n && (len(shape) == 1 || len(shape) < len(info.shape) && slices.Equal(shape, info.shape[:len(shape)])):
		shape = info.shape
	default:
		return bad("input %q: got shape %s, want %s", info.name, lengths(shape), lengths(info.shape))
	}
	if q.version.free {
		q.parts[i] = append(q.parts[i], part{from, slices.Clone(shape)})
	}
	in.shape = append(in.shape[:0], shape...)
	return nil
}

// join makes ragged arrays of samples that differ in length.
func (q *request) join() error {
	differ := false
	for _, list := range q.parts {
		for _, p := range list {
			differ = differ || !slices.Equal(p.shape, list[0].shape)
		}
	}
	if !differ {
		return nil
	}
	q.ragged = make([]*k.Array, 0, len(q.parts))
	for i, list := range q.parts {
		var arrays []*k.Array
		for _, p := range list {
			a, err := k.NewArray(q.inputs[i].values[p.from:p.from+k.Shape(p.shape).Size()], p.shape...)
			if err != nil {
				return bad("input %q: %v", q.version.inputs[i].name, err)
			}
			arrays = append(arrays, a)
		}
		a, err := k.Ragged(arrays)
		if err != nil {
			return bad("input %q: %v", q.version.inputs[i].name, err)
		}
		q.ragged = append(q.ragged, a)
	}
	return nil
}

// check compares the inputs and counts the rows. It must be called when all inputs have their values.
func (q *request) check() error {
	v := q.version
	if q.ragged != nil {
		q.rows = q.ragged[0].Len()
		return nil
	}
	for i := range v.inputs {
		in := &q.inputs[i]
		each := k.Shape(in.shape).Size()
		if in.count() == 0 || in.count()%each != 0 {
			return bad("input %q: no values", v.inputs[i].name)
		}
		rows := in.count() / each
		if i > 0 && rows != q.rows {
			return bad("input %q has %d samples, input %q has %d", v.inputs[i].name, rows, v.inputs[0].name, q.rows)
		}
		q.rows = rows
	}
	return nil
}

// reserve takes the memory of the outputs from the budget.
func (q *request) reserve() error {
	const each = 4 + 4 + 16 // bytes of a value, in the batch and as text
	for _, out := range q.version.outputs {
		if out.size != k.Any {
			if err := q.take(int64(q.rows) * int64(out.size) * each); err != nil {
				return err
			}
		}
	}
	return nil
}
