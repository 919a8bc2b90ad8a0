// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// recordedTest is one of Keras's own tests: what it called, with which configurations and
// numbers. testdata/replay/reefrecord.py writes it.
type recordedTest struct {
	Test    string         `json:"test"`
	Failed  string         `json:"failed"`
	Records []recordedCall `json:"records"`
	// Arrays are indices of palettes that several tests name; the first entry of a file has them.
	Arrays map[string]string `json:"arrays"`
}

// recordedCall is a call of one of Keras's objects.
type recordedCall struct {
	Kind      string          `json:"kind"`
	Name      string          `json:"name"` // of a function
	Config    layerConfig     `json:"config"`
	Weights   json.RawMessage `json:"weights"`
	Args      []recorded      `json:"args"`
	Kwargs    map[string]recorded
	Out       recorded                     `json:"out"`
	Masks     []recorded                   `json:"masks"`
	Named     map[string]recorded          `json:"named_masks"`
	OutMasks  []recorded                   `json:"out_masks"`
	Losses    []float64                    `json:"losses"`
	Seeds     bool                         `json:"seeds"`
	Drawn     []map[string]json.RawMessage `json:"drawn"`
	States    []recorded                   `json:"states"`
	After     []recorded                   `json:"states_after"`
	Gradients []recorded                   `json:"gradients"`
	Updates   []recordedCall               `json:"updates"`
	Steps     []recordedStep               `json:"steps"`
	Paths     []string                     `json:"paths"`
	Overwrite bool                         `json:"overwrite"`
	Excluded  []int                        `json:"excluded"`
	Limits    []*layerConfig               `json:"constraints"`
	Other     string                       `json:"other"`
	ordered   []*k.Weight                  // the model's weights in Keras's order
}

// recordedStep is a step of an optimizer.
type recordedStep struct {
	Gradients []recorded `json:"gradients"`
	Rate      float64    `json:"rate"`
	Before    []recorded `json:"before"`
	After     []recorded `json:"after"`
	Other     string     `json:"other"`
}

// recorded is a value: nil, bool, float64, string, []recorded, map[string]recorded, *numbers, or
// an unknown value.
type recorded struct{ v any }

type unknown string

// numbers is an array.
type numbers struct {
	Shape []int    `json:"shape"`
	Type  string   `json:"dtype"`
	V     []number `json:"v"`
	Path  string   `json:"path"` // of a weight
	Large []int    `json:"large"`
	text  []string
	// Palette has the different values of an array of which At has the indices: bytes, compressed by zlib, in
	// base64, or # and the name of such ones in arrays.
	Palette []number `json:"palette"`
	At      string   `json:"at"`
}

// arrays are those of the file that is read.
var arrays map[string]string

// paint sets the values from the palette.
func (a *numbers) paint() error {
	text := a.At
	if name, ok := strings.CutPrefix(text, "#"); ok {
		text = arrays[name]
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	indices, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	a.V = make([]number, len(indices))
	for i, at := range indices {
		a.V[i] = a.Palette[at]
	}
	return nil
}

type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	*n = number(v)
	return err
}

func (a *numbers) UnmarshalJSON(text []byte) error {
	type plain numbers
	var strs struct {
		Type string   `json:"dtype"`
		V    []string `json:"v"`
	}
	if json.Unmarshal(text, &strs) == nil && strs.Type == "string" {
		a.text = strs.V
		var rest struct {
			Shape []int `json:"shape"`
		}
		err := json.Unmarshal(text, &rest)
		a.Shape, a.Type = rest.Shape, "string"
		return err
	}
	err := json.Unmarshal(text, (*plain)(a))
	if err == nil && len(a.Palette) > 0 {
		err = a.paint()
	}
	return err
}

func (a *numbers) floats() []float32 {
	out := make([]float32, len(a.V))
	for i, v := range a.V {
		out[i] = float32(v)
	}
	return out
}

func (r *recorded) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case '[':
		var list []recorded
		err := json.Unmarshal(text, &list)
		r.v = list
		return err
	case '{':
		var o struct {
			Dict  map[string]recorded `json:"dict"`
			Other *string             `json:"other"`
		}
		if err := json.Unmarshal(text, &o); err != nil {
			return err
		}
		switch {
		case o.Dict != nil:
			r.v = o.Dict
		case o.Other != nil:
			r.v = unknown(*o.Other)
		default:
			a := &numbers{}
			r.v = a
			return json.Unmarshal(text, a)
		}
		return nil
	}
	return json.Unmarshal(text, &r.v)
}

// flat returns the arrays of nested lists, in order; numbers are arrays without axes.
func (r recorded) flat() (list []*numbers) {
	switch v := r.v.(type) {
	case *numbers:
		list = append(list, v)
	case float64:
		list = append(list, &numbers{V: []number{number(v)}, Type: "float32"})
	case bool:
		n := number(0)
		if v {
			n = 1
		}
		list = append(list, &numbers{V: []number{n}, Type: "bool"})
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			list = append(list, &numbers{V: []number{number(f)}, Type: "float32"})
		} else {
			list = append(list, &numbers{text: []string{v}, Type: "string"})
		}
	case []recorded:
		for _, e := range v {
			list = append(list, e.flat()...)
		}
	case map[string]recorded:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			list = append(list, v[name].flat()...)
		}
	}
	return list
}

// asArray returns an array of nested lists of numbers, nil if it is none.
func (r recorded) asArray() *numbers {
	switch v := r.v.(type) {
	case *numbers:
		if v.Large != nil {
			return nil
		}
		return v
	case []recorded:
		if len(v) == 0 {
			return nil
		}
		first := v[0].asArray()
		if first == nil {
			return nil
		}
		out := &numbers{Shape: append([]int{len(v)}, first.Shape...), Type: first.Type}
		for _, e := range v {
			a := e.asArray()
			if a == nil || !slices.Equal(a.Shape, first.Shape) {
				return nil
			}
			out.V, out.text = append(out.V, a.V...), append(out.text, a.text...)
		}
		return out
	case nil, unknown, map[string]recorded:
		return nil
	}
	list := r.flat()
	if len(list) != 1 {
		return nil
	}
	return list[0]
}

// A verdict on a recorded call: nil if Reef computes the same, or one of these errors.
type (
	missing    string // Reef has no counterpart
	impossible string // nothing can be compared
	documented string // another value, which docs/keras.md explains
)

func (m missing) Error() string    { return "missing: " + string(m) }
func (m impossible) Error() string { return "impossible: " + string(m) }
func (m documented) Error() string { return "documented: " + string(m) }

// compare compares arrays in order.
func compare(what string, got []float32, want *numbers, tolerance float64) error {
	if want.Type == "bfloat16" || want.Type == "float16" {
		return impossible(want.Type)
	}
	if want.Large != nil {
		return impossible("too large to be recorded")
	}
	if len(got) != len(want.V) {
		return fmt.Errorf("%s: %d values, want %d of shape %v", what, len(got), len(want.V), want.Shape)
	}
	largest := 0.0
	for _, w := range want.V {
		if v := math.Abs(float64(w)); v > largest && !math.IsInf(v, 0) {
			largest = v
		}
	}
	worst, at := 0.0, -1
	for i, w := range want.V {
		g, w := float64(got[i]), float64(w)
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		d := math.Abs(g-w) / (tolerance * (1e-1 + math.Abs(w) + 0.1*largest))
		if math.IsNaN(d) || math.IsInf(w, 0) || math.IsInf(g, 0) {
			d = math.Inf(1)
		}
		if d > worst {
			worst, at = d, i
		}
	}
	if worst > 1 {
		return fmt.Errorf("%s: value %d of %v is %g, want %g", what, at, want.Shape, got[at], float64(want.V[at]))
	}
	return nil
}

const tolerance = 2e-5

// compareFrom compares what became of numbers as large as those in from, which limits how exact
// it is.
func compareFrom(what string, got []float32, want *numbers, from float64) error {
	err := compare(what, got, want, tolerance)
	if err == nil || len(got) != len(want.V) {
		return err
	}
	for i, w := range want.V {
		if d := math.Abs(float64(got[i]) - float64(w)); !(d <= tolerance*from) {
			return err
		}
	}
	return nil
}

func largest(list []*numbers) float64 {
	most := 0.0
	for _, a := range list {
		for _, v := range a.V {
			most = max(most, math.Abs(float64(v)))
		}
	}
	return most
}

// replayers holds the replay of each kind of record.
var replayers = map[string]func(*recordedCall) error{}

// outcome of a test.
type outcome struct {
	test   string
	status string // equal, different, missing, impossible, documented, failed
	reason string
}

func replayTest(t *recordedTest) (o outcome) {
	o.test = t.Test
	defer func() {
		if o.status == "different" || o.status == "missing" {
			for _, name := range []string{"quantiz", "lora", "gptq", "awq", "float8", "int4", "int8"} {
				if strings.Contains(strings.ToLower(t.Test), name) {
					o.status, o.reason = "missing", "LoRA and quantization"
				}
			}
		}
		if reason := difference(t.Test); reason != "" && (o.status == "different" || o.status == "missing") {
			o.status, o.reason = "documented", reason
		}
	}()
	rank := []string{"", "equal", "impossible", "documented", "missing", "different"}
	equal := 0
	carried = map[string]*k.Model{}
	set := func(status, reason string) {
		if slices.Index(rank, status) > slices.Index(rank, o.status) {
			o.status, o.reason = status, reason
		}
	}
	for i := range t.Records {
		r := &t.Records[i]
		if r.Kind == "initializer" && !strings.Contains(t.Test, "initializers/") {
			continue // of a weight
		}
		f := replayers[r.Kind]
		if f == nil {
			set("missing", r.Kind)
			continue
		}
		err := guarded(f, r)
		var m missing
		var im impossible
		var d documented
		switch {
		case err == nil:
			equal++
			set("equal", "")
		case errors.As(err, &m):
			set("missing", string(m))
		case errors.As(err, &im):
			set("impossible", string(im))
		case errors.As(err, &d):
			set("documented", string(d))
		default:
			set("different", fmt.Sprintf("record %d (%s %s%s): %v", i, r.Kind, r.Config.Class, r.Name, err))
		}
	}
	if t.Failed != "" {
		return outcome{} // also in Keras, on torch 1.13
	}
	if o.status == "impossible" && equal > 0 {
		o.status = "equal"
	}
	return o
}

func guarded(f func(*recordedCall) error, r *recordedCall) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f(r)
}

const (
	recordedTests   = "testdata/replay/recorded.json.gz"
	recordedResults = "testdata/replay/results.txt"
)

var update = flag.Bool("update", false, "write testdata/replay/results.txt anew")

// TestReplay replays Keras's own tests: those that had Keras's values still have them.
// testdata/replay/results.txt has those that have not, with the reasons; it is rewritten by -update.
//
// REEF_REPLAY is a pattern of recordings, by reefrecord.py, that are replayed instead; the results are
// written to REEF_RESULTS.
func TestReplay(t *testing.T) {
	files, known := []string{recordedTests}, resultsOf(t)
	if pattern := os.Getenv("REEF_REPLAY"); pattern != "" {
		var err error
		if files, err = filepath.Glob(pattern); err != nil {
			t.Fatal(err)
		}
		known = nil
	}
	var outcomes []outcome
	for _, file := range files {
		eachRecorded(t, file, func(test *recordedTest) {
			if o := replayTest(test); o.status != "" {
				outcomes = append(outcomes, o)
			}
		})
	}
	text := table(outcomes)
	switch out := os.Getenv("REEF_RESULTS"); {
	case out != "":
		writeResults(t, out, text)
	case *update && known != nil:
		writeResults(t, recordedResults, text)
	case known != nil:
		for _, o := range outcomes {
			if o.status != "equal" && !known[o.test] {
				t.Errorf("%s had Keras's values: %s: %s", o.test, o.status, o.reason)
			}
		}
	}
}

func writeResults(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// resultsOf returns the tests that are known not to have Keras's values.
func resultsOf(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(recordedResults)
	if err != nil && !*update {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "\t"); ok {
			known[strings.TrimSuffix(name, "\n")] = true
		}
	}
	return known
}

// eachRecorded reads tests one after another, since all of them take much memory.
func eachRecorded(t *testing.T, path string, replay func(*recordedTest)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	d := json.NewDecoder(r)
	if _, err := d.Token(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for d.More() {
		var one recordedTest
		if err := d.Decode(&one); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if one.Arrays != nil {
			arrays = one.Arrays
			continue
		}
		replay(&one)
	}
}

// table has the number of tests for each status, then the reasons with their tests.
func table(outcomes []outcome) string {
	counts := map[string]int{}
	tests := map[string][]string{}
	for _, o := range outcomes {
		counts[o.status]++
		if o.status != "equal" {
			key := o.status + ": " + strings.ReplaceAll(o.reason, "\n", " ")
			tests[key] = append(tests[key], o.test)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of Keras's tests, of which have Keras's values: %d\n", len(outcomes), counts["equal"])
	for _, status := range []string{"documented", "missing", "impossible", "different"} {
		fmt.Fprintf(&b, "%s: %d\n", status, counts[status])
	}
	keys := slices.SortedFunc(maps.Keys(tests), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(tests[b]), len(tests[a])), cmp.Compare(a, b))
	})
	for _, key := range keys {
		fmt.Fprintf(&b, "\n%d %s\n", len(tests[key]), key)
		slices.Sort(tests[key])
		for _, name := range tests[key] {
			fmt.Fprintf(&b, "\t%s\n", name)
		}
	}
	return b.String()
}
