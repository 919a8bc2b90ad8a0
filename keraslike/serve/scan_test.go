// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
)

// TestNumber compares number with strconv, which rounds once.
func TestNumber(t *testing.T) {
	compare := func(text string) {
		t.Helper()
		want, err := strconv.ParseFloat(text, 32)
		v, end, ok, tooLarge := number([]byte(text), 0)
		if !ok || end != len(text) || tooLarge != (err != nil) || err == nil && math.Float32bits(v) != math.Float32bits(float32(want)) {
			t.Errorf("%s is %v (end %d, ok %v, too large %v), want %v (%v)", text, v, end, ok, tooLarge, float32(want), err)
		}
	}
	for _, text := range []string{
		"0", "-0", "0.0", "1", "-1.5", "1e10", "1E-10", "1e+3", "16777217", "16777217.0", "16777216.999999999", "9007199254740993",
		"0.1", "0.49803922", "3.4028234e38", "3.4028235e38", "3.4028236e38", "1e39", "-1e39", "1e-45", "1e-46", "1.1754943e-38", "0.000000000000000000001",
		"1.00000017881393432617187499", "1.00000017881393432617187500", "1.00000017881393432617187501", // between two float32 values
		"123456789012345678901234567890", "0.123456789012345678901234567890", "1e22", "1e23", "1e-22", "1e-23", "1e99999999999", "0e99999999999", "1e-99999999999",
	} {
		compare(text)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := math.Float32frombits(rng.Uint32())
		if f-f != 0 {
			continue
		}
		compare(strconv.FormatFloat(float64(f), 'g', -1, 32))
		compare(strconv.FormatFloat(float64(f), 'e', rng.IntN(20), 64))
		if a := math.Abs(float64(f)); a > 1e-5 && a < 1e9 {
			compare(strconv.FormatFloat(float64(f), 'f', rng.IntN(12), 64))
		}
		next := math.Nextafter32(f, math.MaxFloat32)
		middle := (float64(f) + float64(next)) / 2
		if !math.IsInf(middle, 0) {
			compare(strconv.FormatFloat(middle, 'e', -1, 64)) // exactly between two values
		}
	}
	for _, text := range []string{"", "-", "a", "+1", ".5", "01", "1.", "1e", "1e+", "-a", "1.e3"} {
		if _, end, ok, _ := number([]byte(text), 0); ok && end == len(text) {
			t.Errorf("%q is a number", text)
		}
	}
}

// FuzzNumbers: an array of numbers is read as encoding/json reads it, or refused where it is.
func FuzzNumbers(f *testing.F) {
	for _, text := range []string{`[1,2.5,-3e2]`, `[[1,2],[3,4]]`, `[[[0.1]]]`, `[[1],[2,3]]`, `[true,false]`, `[1e39]`, `[1,]`, `[01]`, ` [ 1 , 2 ] `, `[1`, `[[1],2]`, `[]`, `7`, `[null]`, `[1.7e-46]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &scanner{data: text}
		var d dims
		got, err := s.numbers(nil, &d)
		if err == nil {
			err = s.end()
		}
		var want any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if !json.Valid(text) {
			if err == nil {
				t.Fatalf("%q is no JSON, but was read as %v", text, got)
			}
			return
		}
		if err := decoder.Decode(&want); err != nil {
			return
		}
		values, shape, ok := flattened(want)
		if ok != (err == nil) {
			t.Fatalf("%q: error %v, want numbers: %v", text, err, ok)
		}
		if !ok {
			return
		}
		if !reflect.DeepEqual(shape, d.shape()) && len(shape)+d.rank > 0 {
			t.Errorf("%q: shape %v, want %v", text, d.shape(), shape)
		}
		if len(got) != len(values) {
			t.Fatalf("%q: %v, want %v", text, got, values)
		}
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(values[i]) {
				t.Errorf("%q: value %d is %v, want %v", text, i, got[i], values[i])
			}
		}
	})
}

// flattened returns the numbers of nested arrays whose lengths agree.
func flattened(v any) (values []float32, shape []int, ok bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 32)
		return []float32{float32(f)}, nil, err == nil
	case bool:
		if v {
			return []float32{1}, nil, true
		}
		return []float32{0}, nil, true
	case []any:
		for i, e := range v {
			some, inner, ok := flattened(e)
			if !ok || i > 0 && !reflect.DeepEqual(inner, shape[1:]) && len(inner)+len(shape) > 1 || i > 0 && len(inner) != len(shape)-1 {
				return nil, nil, false
			}
			if i == 0 {
				shape = append([]int{len(v)}, inner...)
			}
			values = append(values, some...)
		}
		return values, shape, len(v) > 0 && len(shape) <= maxRank
	}
	return nil, nil, false
}

// FuzzScanner: values are skipped where encoding/json finds them valid.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{`{"a":[1,"b\u00e9\n",null,true,{"c":{}}]}`, `"x`, `{"a" 1}`, `[1 2]`, `"\x"`, `{,}`, `[,1]`, "\"\x01\"", `nul`, `{"a":1,}`, `-`, `"` + "\xff" + `"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &scanner{data: text}
		err := s.skip()
		if err == nil {
			err = s.end()
		}
		if valid := json.Valid(text); valid != (err == nil) && !(valid && bytes.Count(text, []byte{'['})+bytes.Count(text, []byte{'{'}) > maxDepth) {
			t.Errorf("%q: error %v, valid %v", text, err, valid)
		}
		s = &scanner{data: text}
		if got, err := s.text(""); err == nil {
			var want string
			if err := json.Unmarshal(text[:s.pos], &want); err != nil || want != string(got) {
				t.Errorf("%q is %q, want %q (%v)", text, got, want, err)
			}
		}
	})
}

// FuzzRequests: whatever a request has, it is answered, and a mistake of the client is no failure of the
// server.
func FuzzRequests(f *testing.F) {
	h := everything(f)
	paths := []string{"/v1/models/iris:predict", "/v1/models/pair:predict", "/v1/models/same:predict", "/v1/models/steps:predict", "/v1/models/reviews:predict",
		"/v1/models/photos:predict", "/v1/models/penguins:predict", "/v1/models/houses:predict", "/v2/models/iris/infer", "/v2/models/pair/infer", "/v2/models/reviews/infer", "/v2/models/photos/infer", "/v2/models/steps/infer"}
	types := []string{"", "application/json", "text/plain", "text/csv", "image/png"}
	for _, body := range []string{
		`{"instances":[[1,2,3,4]]}`, `{"instances":[{"a":[1,2],"b":[3]}]}`, `{"inputs":{"a":[[1,2]],"b":[[3]]}}`, `[[1,2],[3]]`, `{"instances":["good film"]}`,
		`{"b64":"AAAA"}`, `{"mass":1,"island":"a"}`, "mass,island\n1,a\n", `{"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}],"outputs":[{"name":"dense","parameters":{"classification":2,"binary_data":true}}]}`,
		`{"inputs":[{"name":"input","shape":[1],"datatype":"BYTES","data":["a"]}],"parameters":{"binary_data_output":true}}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","parameters":{"binary_data_size":16}}]}0123456789abcdef`,
	} {
		for p := range paths {
			f.Add(uint8(p), uint8(0), 0, []byte(body))
		}
		f.Add(uint8(8), uint8(0), len(body)-16, []byte(body))
	}
	f.Add(uint8(5), uint8(4), 0, smallPicture(f))
	f.Fuzz(func(t *testing.T, path, kind uint8, header int, body []byte) {
		var headers []string
		if header > 0 {
			headers = []string{headerLength, strconv.Itoa(header)}
		}
		w := post(h, paths[int(path)%len(paths)], types[int(kind)%len(types)], string(body), headers...)
		if w.Code >= 500 && w.Code != 503 {
			t.Errorf("%d %s", w.Code, bodyOf(w))
		}
		if b := w.Body.Bytes(); w.Header().Get("Content-Type") == "application/json" && !json.Valid(b) {
			t.Errorf("the answer is no JSON: %s", b)
		}
	})
}

func BenchmarkNumbers784(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	text := []byte{'['}
	for i := range 784 {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendFloat(text, float64(float32(rng.IntN(256))/255), 'g', -1, 32)
	}
	text = append(text, ']')
	b.Run("scanner", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		var values []float32
		var d dims
		for b.Loop() {
			values, _ = (&scanner{data: text}).numbers(values[:0], &d)
		}
	})
	b.Run("json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		var values []float32
		for b.Loop() {
			if err := json.Unmarshal(text, &values); err != nil {
				b.Fatal(err)
			}
		}
	})
}
