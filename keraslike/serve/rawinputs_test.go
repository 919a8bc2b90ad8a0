// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// colors takes a color and a size as they are: 1, 2 or 4 for an unknown color, red and green, plus ten
// times the size.
func colors(t testing.TB) *k.Model {
	t.Helper()
	name, size := k.NamedStringInput("color", 1), k.NamedInput("size", 1)
	lookup := k.StringLookup(k.Vocabulary("red", "green"), k.OneHotOutput)
	x := k.Concatenate().Apply(lookup.Apply(name), size)
	m := k.NewModel("colors", []*k.Tensor{name, size}, []*k.Tensor{k.Dense(1, k.NoBias).Apply(x)})
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 1, 2, 4, 10)
	return m
}

// critics takes texts as they are and counts good and bad words.
func critics(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("critics", k.StringInput(1), k.TextVectorization(k.Vocabulary("good", "bad"), k.CountOutput), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 0, 1, -1)
	return m
}

// anySize takes pictures of any size, and adds the red of two columns.
func anySize(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("any", k.Input(k.Any, k.Any, 3), k.Resizing(1, 2, k.NearestInterpolation), k.Flatten(), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 1, 0, 0, 1, 0, 0)
	return m
}

// TestRawInputs: every form of request gives strings, rows and pictures to models that preprocess them.
func TestRawInputs(t *testing.T) {
	h := handler(t, Model("colors", colors(t)), Model("critics", critics(t)), Model("any", anySize(t)))
	picture := func(width, height int) string {
		img := image.NewNRGBA(image.Rect(0, 0, width, height))
		for y := range height {
			for x := range width {
				img.Set(x, y, color.NRGBA{uint8(10 * (x + 1)), 1, 2, 255})
			}
		}
		var b bytes.Buffer
		check(t, png.Encode(&b, img))
		return b.String()
	}
	b64 := func(s string) string { return `{"b64":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}` }
	for _, c := range []struct{ model, kind, body, want string }{
		{"colors", "", `{"instances": [{"color": "red", "size": 3}, {"color": ["blue"], "size": [1]}]}`, `"predictions":[[32],[11]]`},
		{"colors", "", `{"inputs": {"color": [["green"], ["red"]], "size": [[1], [2]]}}`, `"outputs":[[14],[22]]`},
		{"colors", "", `{"color": "green", "size": 0.5}`, `"predictions":[[9]]`},
		{"colors", "text/csv", "size;color\n1,5;red\n2;green\n", `line 2: column "size": "1,5" is not a number`},
		{"colors", "text/csv", "size,color\n1.5,red\n2,green\n", `"predictions":[[17],[24]]`},
		{"colors", "text/csv", "size\n1\n", `no column "color"`},
		{"colors", "", `{"instances": [{"color": "red"}]}`, `input \"size\" is missing`},
		{"colors", "", `{"color": "red"}`, `input \"size\" is missing`},
		{"colors", "", `{"instances": [{"color": 3, "size": 3}]}`, `input \"color\"`},
		{"colors", "", `{"instances": [{"color": ["a", "b"], "size": 3}]}`, `got 2 texts, want those of the shape (1)`},
		{"colors", "", `{"instances": [{"color": "red", "size": "3"}]}`, `input \"size\"`},
		{"critics", "text/plain", "good, good and bad", `"predictions":[[1]]`},
		{"critics", "", `{"instances": ["good", "bad bad"]}`, `"predictions":[[1],[-2]]`},
		{"critics", "", `[["good good"], ["bad"]]`, `"predictions":[[2],[-1]]`},
		{"critics", "", `"good"`, `"predictions":[[1]]`},
		{"any", "", picture(4, 3), `"predictions":[[60]]`},
		{"any", "", `{"instances": [` + b64(picture(4, 3)) + `, ` + b64(picture(2, 7)) + `]}`, `"predictions":[[60],[30]]`},
	} {
		got := bodyOf(post(h, "/v1/models/"+c.model+":predict", c.kind, c.body))
		if !strings.Contains(strings.ReplaceAll(got, `\"`, `"`), strings.ReplaceAll(c.want, `\"`, `"`)) {
			t.Errorf("%s %.60q: got %s, want %s", c.model, c.body, got, c.want)
		}
	}
	for _, c := range []struct{ model, body, want string }{
		{"colors", `{"inputs":[{"name":"color","shape":[2,1],"datatype":"BYTES","data":["red","green"]},{"name":"size","shape":[2,1],"datatype":"FP32","data":[1,2]}]}`, `"data":[12,24]`},
		{"colors", `{"inputs":[{"name":"color","shape":[2],"datatype":"BYTES","data":["red","green"]},{"name":"size","shape":[2,1],"datatype":"FP32","data":[1,2]}]}`, `"data":[12,24]`},
		{"critics", `{"inputs":[{"name":"input","shape":[1,1],"datatype":"BYTES","data":["bad"]}]}`, `"data":[-1]`},
		{"colors", `{"inputs":[{"name":"color","shape":[1,1],"datatype":"FP32","data":[1]},{"name":"size","shape":[1,1],"datatype":"FP32","data":[1]}]}`, `want BYTES for an input of strings`},
		{"colors", `{"inputs":[{"name":"color","shape":[3,1],"datatype":"BYTES","data":["a"]},{"name":"size","shape":[1,1],"datatype":"FP32","data":[1]}]}`, `got 1 elements of shape (3, 1)`},
	} {
		if got := bodyOf(post(h, "/v2/models/"+c.model+"/infer", "application/json", c.body)); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got %s, want %s", c.model, c.body, got, c.want)
		}
	}
	if got := bodyOf(get(h, "/v2/models/colors")); !strings.Contains(got, `{"name":"color","datatype":"BYTES","shape":[-1,1]}`) {
		t.Errorf("metadata: %s", got)
	}
	if got := h.Example("http://x", "colors"); !strings.Contains(got, `{"color": ["a text"], "size": [0]}`) {
		t.Errorf("example: %s", got)
	}
	// Requests are computed together.
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			body := fmt.Sprintf(`{"color": "red", "size": %d}`, i)
			if got, want := bodyOf(post(h, "/v1/models/colors:predict", "", body)), fmt.Sprintf(`"predictions":[[%d]]`, 2+10*i); !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want %s", body, got, want)
			}
		})
	}
	all.Wait()
}
