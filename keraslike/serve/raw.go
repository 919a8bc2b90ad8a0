// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"mime"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// textEncoder is a preprocessor of texts.
type textEncoder interface {
	Array(texts []string) (datasets.Array, error)
}

// decoders limits how many pictures are decoded at once, since each takes a processor and memory.
var decoders = make(chan struct{}, runtime.GOMAXPROCS(0))

// kindOf returns the form of a body: "json", "image", "text" or "csv". The type that curl states if
// none is given says nothing, so the first bytes do.
func (q *request) kindOf(contentType string) (string, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind == "application/x-www-form-urlencoded" || kind == "application/octet-stream" {
		kind = ""
	}
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return "json", nil
	case strings.HasPrefix(kind, "image/"):
		return "image", nil
	case kind == "text/plain":
		return "text", nil
	case kind == "text/csv":
		return "csv", nil
	case kind != "":
		return "", fail(http.StatusUnsupportedMediaType,
			"Content-Type %s: want application/json, image/jpeg, image/png, text/plain or text/csv", quoted(kind))
	}
	body := bytes.TrimLeft(q.body, " \n\t\r")
	p := q.preprocessor()
	_, isText := p.(textEncoder)
	isText = isText || len(q.version.inputs) == 1 && q.version.inputs[0].strings
	switch {
	case strings.HasPrefix(http.DetectContentType(q.body), "image/"):
		return "image", nil
	case len(body) > 0 && (body[0] == '{' || body[0] == '[' || body[0] == '"'):
		return "json", nil
	case isText && utf8.Valid(body):
		return "text", nil
	case q.hasColumns():
		return "csv", nil
	}
	return "json", nil
}

// preprocessor returns that of the model's input; of several inputs, that of the first one.
func (q *request) preprocessor() datasets.Preprocessor { return q.version.raw[0] }

// noPreprocessor is the failure of a form that the model's preprocessor does not read.
func (q *request) noPreprocessor(got, want string) error {
	have := "none was saved with it"
	if p := q.preprocessor(); p != nil {
		have = "it has one for " + strconv.Quote(p.Kind())
	}
	return fail(http.StatusUnsupportedMediaType, "%s: the model needs a preprocessor for %s; %s", got, want, have)
}

// readRaw reads a body that is no JSON.
func (q *request) readRaw(kind string) error {
	switch kind {
	case "image":
		return q.picture(q.ctx, q.body)
	case "text":
		if !utf8.Valid(q.body) {
			return bad("the text is not valid UTF-8")
		}
		q.texts = append(q.texts[:0], string(q.body))
		return q.encodeTexts("a text")
	}
	return q.csv()
}

// only checks that the preprocessor makes the only input.
func (q *request) only() error {
	if n := len(q.version.inputs); n != 1 {
		return bad("the model has %d inputs, %s, and what the request has is one", n, names(q.version.inputs))
	}
	return nil
}

// picture adds a picture as a sample.
func (q *request) picture(ctx context.Context, file []byte) error {
	options, ok := q.preprocessor().(datasets.ImageOptions)
	if !ok {
		return q.noPreprocessor("a picture", "pictures")
	}
	if err := q.only(); err != nil {
		return err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return bad("the picture: %v", err)
	}
	pixels := int64(config.Width) * int64(config.Height)
	if most := int64(q.settings.maxPixels); pixels > most {
		return fail(http.StatusRequestEntityTooLarge, "the picture has %d x %d pixels, the most is %s in all", config.Width, config.Height, text.Thousands(most))
	}
	height, width := options.Height, options.Width
	if height == 0 {
		height, width = config.Height, config.Width
	}
	if in := q.version.inputs[0]; !in.takes([]int{height, width, 3}) {
		return bad("the picture becomes an array of shape %s, input %q wants %s", lengths([]int{height, width, 3}), in.name, lengths(in.shape))
	}
	if err := q.take(12 * int64(height) * int64(width)); err != nil {
		return err
	}
	select {
	case decoders <- struct{}{}:
	case <-ctx.Done():
		return busy(0, "no processor had time for the picture")
	}
	defer func() { <-decoders }()
	a, err := datasets.DecodeImage(bytes.NewReader(file), "the picture", options)
	if err != nil {
		return bad("%v", err)
	}
	return q.add(0, a.Shape, a.Data)
}

// add adds samples of one shape to input i.
func (q *request) add(i int, shape []int, values []float32) error {
	info, in := &q.version.inputs[i], &q.inputs[i]
	if !info.takes(shape) {
		return bad("input %q: the preprocessor makes samples of shape %s, want %s", info.name, lengths(shape), lengths(info.shape))
	}
	if q.version.free {
		size := k.Shape(shape).Size()
		for from := range len(values) / size {
			q.parts[i] = append(q.parts[i], part{len(in.values) + from*size, slices.Clone(shape)})
		}
	}
	in.shape = append(in.shape[:0], shape...)
	in.values = append(in.values, values...)
	return nil
}

// encoded reads strings and {"b64": "..."}, which each visits, for the model's preprocessor.
func (q *request) encoded(s *scanner, each func(one func() error) error) error {
	_, isImage := q.preprocessor().(datasets.ImageOptions)
	q.texts = q.texts[:0]
	count := 0
	err := each(func() error {
		if count++; count > q.settings.maxRows {
			return fail(http.StatusRequestEntityTooLarge, "the request has more than %d samples", q.settings.maxRows)
		}
		if s.peek() == '{' {
			file, err := base64Of(s)
			if err == nil {
				err = q.picture(q.ctx, file)
			}
			return sampleOf(err, count)
		}
		t, err := s.text("a text, or an object with a picture")
		if err == nil && isImage {
			err = bad(`a picture is {"b64": "..."}`)
		}
		q.texts = append(q.texts, string(t))
		return sampleOf(err, count)
	})
	switch {
	case err != nil:
		return err
	case isImage:
		return q.join()
	}
	return q.encodeTexts("a text")
}

// sampleOf names a sample in an error.
func sampleOf(err error, count int) error {
	if err == nil {
		return nil
	}
	return in(err, "sample %d", count-1)
}

// base64Of reads {"b64": "..."}.
func base64Of(s *scanner) (file []byte, err error) {
	err = s.object("an object", func(key []byte) error {
		if string(key) != "b64" {
			return bad(`an object with a member %s, want {"b64": "..."}`, quoted(key))
		}
		t, err := s.text("base64 in quotes")
		if err != nil {
			return err
		}
		file = make([]byte, base64.StdEncoding.DecodedLen(len(t)))
		n, err := base64.StdEncoding.Decode(file, t)
		if file = file[:n]; err != nil {
			return bad("b64: %v", err)
		}
		return nil
	})
	if err == nil && len(file) == 0 {
		err = bad("b64: empty")
	}
	return file, err
}

// encodeTexts turns the texts of the request into samples.
func (q *request) encodeTexts(got string) error {
	if len(q.version.inputs) == 1 && q.version.inputs[0].strings {
		return q.addTexts(0, q.texts)
	}
	encoder, ok := q.preprocessor().(textEncoder)
	if !ok {
		return q.noPreprocessor(got, "texts")
	}
	if err := q.only(); err != nil {
		return err
	}
	size := q.version.inputs[0].size
	if size == k.Any { // as many numbers as the longest text has words
		for _, t := range q.texts {
			size = max(size, len(t)+1)
		}
	}
	if err := q.take(int64(len(q.texts)) * int64(size) * 8); err != nil {
		return err
	}
	a, err := encoder.Array(q.texts)
	if err != nil {
		return bad("%v", err)
	}
	return q.add(0, a.Shape, a.Data)
}

// hasColumns reports whether the preprocessor reads rows of a table.
func (q *request) hasColumns() bool {
	switch q.preprocessor().(type) {
	case *datasets.TableEncoder, datasets.Columns:
		return true
	}
	return q.version.takesRows()
}

// isColumn reports whether the preprocessor reads a column.
func (q *request) isColumn(name []byte) bool {
	switch p := q.preprocessor().(type) {
	case *datasets.TableEncoder:
		return slices.Contains(p.Columns(), string(name))
	case datasets.Columns:
		return slices.Contains(p.Names, string(name))
	}
	return q.version.takesRows() && index(q.version.inputs, name) >= 0
}

// records reads a row of a table as a JSON object, or several in an array.
func (q *request) records(raw []byte) error {
	switch p := q.preprocessor().(type) {
	case *datasets.TableEncoder:
		source, err := p.EncodeJSON(raw)
		if err != nil {
			return bad("%v", err)
		}
		return q.addSource(source)
	case datasets.Columns:
		return q.numberRecords(p, raw)
	}
	if q.version.takesRows() {
		return q.namedRecords(raw)
	}
	return q.noPreprocessor("an object", "rows of a table")
}

// numberRecords reads rows of named numbers.
func (q *request) numberRecords(p datasets.Columns, raw []byte) error {
	if err := q.only(); err != nil {
		return err
	}
	s := &scanner{data: raw}
	var rows []float64
	one := func(int) error {
		at := len(rows)
		rows = append(rows, make([]float64, len(p.Names))...)
		seen := make([]bool, len(p.Names))
		err := s.object("an object with a member for each column", func(key []byte) error {
			i := slices.Index(p.Names, string(key))
			if i < 0 {
				return s.skip()
			}
			text, err := s.raw()
			if err != nil {
				return err
			}
			seen[i] = true
			if rows[at+i], err = strconv.ParseFloat(string(text), 64); err != nil {
				return bad("column %q: %.60s is not a number", p.Names[i], text)
			}
			return nil
		})
		if i := slices.Index(seen, false); err == nil && i >= 0 {
			return bad("column %q is missing", p.Names[i])
		}
		return err
	}
	var err error
	if s.peek() == '[' {
		err = s.array("", one)
	} else {
		err = one(0)
	}
	if err != nil {
		return err
	}
	return q.addColumns(p, rows)
}

func (q *request) addColumns(p datasets.Columns, rows []float64) error {
	a, err := p.Array(rows)
	if err != nil {
		return bad("%v", err)
	}
	if i := notFinite(a.Data); i >= 0 {
		return bad("column %q of sample %d is not finite", p.Names[i%len(p.Names)], i/len(p.Names))
	}
	return q.add(0, a.Shape, a.Data)
}

// csv reads a CSV file with a header.
func (q *request) csv() error {
	if !q.hasColumns() {
		return q.noPreprocessor("CSV", "rows of a table")
	}
	frame, err := datasets.ReadCSV(bytes.NewReader(q.body), "the body", datasets.CSVOptions{})
	if err != nil {
		return bad("%v", err)
	}
	if frame.Len() > q.settings.maxRows {
		return fail(http.StatusRequestEntityTooLarge, "the request has %d samples, the most is %d", frame.Len(), q.settings.maxRows)
	}
	if q.version.takesRows() {
		return q.namedRows(frame)
	}
	switch p := q.preprocessor().(type) {
	case *datasets.TableEncoder:
		source, err := p.EncodeInputs(frame)
		if err != nil {
			return bad("%v", err)
		}
		return q.addSource(source)
	case datasets.Columns:
		if err := q.only(); err != nil {
			return err
		}
		rows := make([]float64, frame.Len()*len(p.Names))
		for i, name := range p.Names {
			cells, err := frame.Column(name)
			if err != nil {
				return bad("%v", err)
			}
			for row, cell := range cells {
				if rows[row*len(p.Names)+i], err = strconv.ParseFloat(cell, 64); err != nil {
					return bad("the body, line %d: column %q: %.60q is not a number", frame.Line(row), name, cell)
				}
			}
		}
		return q.addColumns(p, rows)
	}
	return nil
}

// addSource adds all rows of a table, for all inputs.
func (q *request) addSource(source datasets.Source) error {
	shapes, _ := source.Shapes()
	if len(shapes) != len(q.version.inputs) {
		return bad("the preprocessor makes %d inputs, the model has %s", len(shapes), names(q.version.inputs))
	}
	if n := source.Len(); n > q.settings.maxRows {
		return fail(http.StatusRequestEntityTooLarge, "the request has %d samples, the most is %d", n, q.settings.maxRows)
	}
	for _, shape := range shapes {
		if err := q.take(int64(source.Len()) * int64(k.Shape(shape).Size()) * 8); err != nil {
			return err
		}
	}
	arrays, _, err := k.ReadAll(context.Background(), source)
	if err != nil {
		return bad("%v", err)
	}
	for i, a := range arrays {
		if err := q.add(i, a.Shape()[1:], a.Values()); err != nil {
			return err
		}
	}
	return nil
}
