// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// smallPicture is a PNG of 2 x 2 pixels whose red values are 1, 2, 3 and 4.
func smallPicture(t testing.TB) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 2, 2))
	for i := range 4 {
		m.Set(i%2, i/2, color.RGBA{uint8(i + 1), 0, 0, 255})
	}
	var b bytes.Buffer
	check(t, png.Encode(&b, m))
	return b.Bytes()
}

// everything serves all models of the tests.
func everything(t testing.TB, options ...Option) *Handler {
	t.Helper()
	return handler(t, append([]Option{
		Model("iris", iris(t)), Model("pair", pair(t)), Model("steps", steps(t)), Model("same", same(t)), Model("reviews", reviews(t)),
		Model("photos", photos(t)), Model("penguins", penguins(t)), Model("houses", houses(t)),
	}, options...)...)
}

// TestProtocol compares all kinds of requests with their answers in testdata/protocol.golden.
func TestProtocol(t *testing.T) {
	h := everything(t)
	picture := smallPicture(t)
	b64 := base64.StdEncoding.EncodeToString(picture)
	var got strings.Builder
	answer := func(line, code string, body string) {
		fmt.Fprintf(&got, "%s\n%s %s\n", line, code, body)
		if strings.HasPrefix(body, "{") && !json.Valid([]byte(body)) {
			t.Errorf("%s: the answer is no JSON: %s", line, body)
		}
	}
	section := func(title string) { fmt.Fprintf(&got, "== %s\n\n", title) }
	ask := func(path string) {
		w := get(h, path)
		answer("GET "+path, fmt.Sprint(w.Code), bodyOf(w))
	}
	send := func(path, kind, body string) {
		w := post(h, path, kind, body)
		shown := strings.ReplaceAll(body, b64, "PICTURE")
		if kind != "" {
			shown = kind + " " + shown
		}
		if strings.HasPrefix(kind, "image") || strings.HasPrefix(body, "\x89PNG") {
			shown = kind + " PICTURE"
		}
		answer("POST "+path+"\n"+shown, fmt.Sprint(w.Code), bodyOf(w))
	}
	predict := func(model, body string) { send("/v1/models/"+model+":predict", "", body) }
	infer := func(model, body string) { send("/v2/models/"+model+"/infer", "", body) }

	section("what there is")
	for _, path := range []string{"/", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/iris", "/v2/models/pair", "/v2/models/steps/versions/1",
		"/v2/models/iris/ready", "/v2/models/iris/versions/1/ready", "/v1/models/iris", "/v1/models/iris/versions/1",
		"/v2/models/irs", "/v2/models/iris/versions/2", "/v1/models/x", "/v2/models/iris/infer", "/v1/models/iris:predict", "/v3"} {
		ask(path)
	}
	section("the plain form")
	predict("iris", `{"instances":[[1,0,0,0],[0,1,0,0]]}`)
	predict("iris", ` [1,2,1,0] `)
	predict("iris", `[[1,2,1,0]]`)
	predict("iris", `{"inputs":[[1,2,1,0]]}`)
	predict("iris", `{"signature_name":"serving_default","instances":[[1,2.5e0,1,true]]}`)
	predict("iris/versions/1", `[1,2,1,0]`)
	predict("iris", `{"instances":[{"input":[1,2,1,0]}]}`)
	predict("pair", `{"instances":[{"a":[1,2],"b":[5]},{"b":[6],"a":[0,1]}]}`)
	predict("pair", `{"inputs":{"a":[[1,2],[0,1]],"b":[[5],[6]]}}`)
	predict("steps", `{"instances":[[[1,2],[3,1]],[[1,1],[2,2],[5,0]]]}`)
	predict("steps", `[[1,2],[3,1]]`)
	predict("same", `{"instances":[[1,2,3],[4]]}`)
	predict("same", `{"instances":[[1,2,3]]}`)
	section("texts, pictures and rows")
	predict("reviews", `{"instances":["a good film", "bad"]}`)
	predict("reviews", `"good film"`)
	predict("reviews", `a good, bad film`)
	send("/v1/models/reviews:predict", "text/plain; charset=utf-8", "[good] film")
	predict("reviews", `[1,2]`)
	send("/v1/models/photos:predict", "image/png", string(picture))
	send("/v1/models/photos:predict", "application/x-www-form-urlencoded", string(picture))
	predict("photos", `{"instances":[{"b64":"`+b64+`"},{"b64":"`+b64+`"}]}`)
	predict("photos", `{"b64":"`+b64+`"}`)
	predict("photos", `[{"b64":"`+b64+`"}]`)
	predict("penguins", `{"instances":[{"mass":3,"island":"b"},{"island":"a","mass":null}]}`)
	predict("penguins", `{"mass":3,"island":"b"}`)
	send("/v1/models/penguins:predict", "text/csv", "island,mass\nb,3\na,\n")
	predict("penguins", "island,mass\nb,3\n")
	predict("houses", `{"instances":[{"rooms":4,"area":2}, {"area":2, "rooms":2, "color":"red"}]}`)
	send("/v1/models/houses:predict", "text/csv", "area,rooms\n2,4\n")
	predict("houses", `[4,2]`)
	section("the Open Inference Protocol")
	infer("iris", `{"id":"42","inputs":[{"name":"input","shape":[2,4],"datatype":"FP32","data":[1,2,1,0,0,0,4,0]}],"outputs":[{"name":"dense"}]}`)
	infer("iris", `{"inputs":[{"data":[[1,2,1,0]],"datatype":"INT64","shape":[1,4],"name":"input","parameters":{"x":[1,{}]}}],"parameters":{"any":1}}`)
	infer("iris", `{"inputs":[{"name":"input","shape":[1,4],"datatype":"BOOL","data":[true,false,true,false]}]}`)
	infer("iris/versions/1", `{"inputs":[{"name":"input","shape":[1,4],"datatype":"UINT8","data":[1,2,1,255]}],"outputs":[{"name":"dense","parameters":{"classification":2}}]}`)
	infer("pair", `{"inputs":[{"name":"b","shape":[1,1],"datatype":"FP64","data":[5]},{"name":"a","shape":[1,2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"same"}]}`)
	infer("pair", `{"inputs":[{"name":"b","shape":[2,1],"datatype":"FP64","data":[5,6]},{"name":"a","shape":[2,2],"datatype":"FP32","data":[[1,2],[0,1]]}]}`)
	infer("steps", `{"inputs":[{"name":"input","shape":[1,3,2],"datatype":"FP32","data":[1,2,3,1,0,0]}]}`)
	infer("reviews", `{"inputs":[{"name":"input","shape":[2],"datatype":"BYTES","data":["a good film","bad"]}]}`)
	infer("photos", `{"inputs":[{"name":"input","shape":[1,1],"datatype":"BYTES","data":["`+b64+`"]}]}`)
	infer("penguins", `{"inputs":[{"name":"input","shape":[1],"datatype":"BYTES","data":["{\"mass\":3,\"island\":\"b\"}"]}]}`)
	section("mistakes")
	for _, body := range []string{
		``, `{`, `{}`, `[]`, `{"instances":[]}`, `{"instances":[[1,2]]}`, `{"instances":[[1,2,3,4],[1,2,3]]}`, `[[1,2,3,4],5]`, `[[1,2],[3,4]]`,
		`{"instances":[[1,2,3,"4"]]}`, `{"instances":[["a"]]}`, `{"instances":[[1,2,3,1e39]]}`, `{"instances":[[1,2,3,01]]}`, `{"instances":[[1,2,3,4]]} x`,
		`{"instances":[[1,2,3,4]],"inputs":[[1,2,3,4]]}`, `{"instance":[1,2,3,4]}`, `{"instances":["a"]}`, `{"instances":[{"b64":"AA=="}]}`, `{"instances":[{"inputs":[1]}]}`, `{"instances":[[]]}`, `1`, `null`, `{"instances":1}`,
	} {
		predict("iris", body)
	}
	predict("pair", `[1,2]`)
	predict("pair", `{"instances":[{"a":[1,2]}]}`)
	predict("pair", `{"instances":[{"a":[1,2],"b":[1,2]}]}`)
	predict("pair", `{"inputs":{"a":[[1,2],[0,1]],"b":[[5]]}}`)
	predict("pair", `{"inputs":{"a":[[1,2]],"c":[[5]]}}`)
	predict("pair", `{"inputs":[[1,2]]}`)
	predict("reviews", `{"instances":["a", 1]}`)
	predict("photos", `{"instances":[{"b64":"AAAA"}]}`)
	predict("photos", `{"instances":["AAAA"]}`)
	predict("penguins", `{"instances":[{"mass":3}]}`)
	predict("penguins", `{"instances":[{"mass":"heavy","island":"b"}]}`)
	predict("houses", `{"instances":[{"rooms":3}]}`)
	predict("houses", `{"instances":[{"rooms":"x","area":1}]}`)
	send("/v1/models/houses:predict", "text/csv", "area,rooms\n2,many\n")
	send("/v1/models/houses:predict", "text/csv", "area\n2\n")
	send("/v1/models/iris:predict", "image/png", string(picture))
	send("/v1/models/iris:predict", "text/csv", "a,b\n1,2\n")
	send("/v1/models/iris:predict", "application/xml", "<a/>")
	send("/v1/models/iris:train", "", "{}")
	send("/v1/models/iris", "", "{}")
	for _, body := range []string{
		``, `[]`, `{}`, `{"inputs":[]}`, `{"inputs":[{}]}`, `{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}`,
		`{"inputs":[{"name":"input","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}`,
		`{"inputs":[{"name":"input","shape":[2,4],"datatype":"FP32","data":[1,2,3,4]}]}`,
		`{"inputs":[{"name":"input","shape":[2,4],"datatype":"FP32","data":[[1,2,3,4,5,6,7,8]]}]}`,
		`{"inputs":[{"name":"input","shape":[0,4],"datatype":"FP32","data":[]}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"FLOAT","data":[1,2,3,4]}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"INT32","data":[1,2,3.5,4]}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"UINT8","data":[1,2,3,256]}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"INT64","data":[1,2,3,16777217]}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","data":[1,2,3,null]}]}`,
		`{"inputs":[{"name":"input","shape":[1],"datatype":"BYTES","data":["a"]}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}],"outputs":[{"name":"y"}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]},{"name":"input"}]}`,
		`{"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","parameters":{"binary_data_size":16}}]}`,
		`{"inputs":[{"name":"input","shape":[99999999999,4],"datatype":"FP32","data":[1]}]}`,
		`{"instances":[[1,2,3,4]]}`,
	} {
		infer("iris", body)
	}
	infer("pair", `{"inputs":[{"name":"a","shape":[1,2],"datatype":"FP32","data":[1,2]}]}`)
	infer("pair", `{"inputs":[{"name":"a","shape":[1,2],"datatype":"FP32","data":[1,2]},{"name":"a","shape":[1,2],"datatype":"FP32","data":[1,2]}]}`)

	const file = "testdata/protocol.golden"
	if *update {
		check(t, os.MkdirAll("testdata", 0o755))
		check(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if got.String() != string(want) {
		g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("line %d is\n%s\nwant\n%s\n(-update writes %s anew)", i+1, g[i], w[i], file)
			}
		}
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
}
