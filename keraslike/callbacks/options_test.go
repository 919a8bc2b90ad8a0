// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/keraslike"
)

// option is what the test calls of an option: a value of its type, and for one with a
// number that number.
type option struct {
	value any // of the static type that a user passes
	of    func(v float64) any
}

func number[O any](make func(float64) O) option {
	return option{make(1), func(v float64) any { return make(v) }}
}

func count[O any](make func(int) O) option {
	return number(func(v float64) O { return make(int(v)) })
}

// options are all options of the package by name.
var options = map[string]option{
	"Patience": count(Patience), "MinDelta": number(MinDelta),
	"Auto": {value: Auto}, "Min": {value: Min}, "Max": {value: Max},
	"Baseline": number(Baseline), "StartFrom": count(StartFrom), "RestoreBest": {value: RestoreBest},
	"Factor": number(Factor), "Cooldown": count(Cooldown), "MinRate": number(MinRate),
	"SaveBestOnly": {value: SaveBestOnly("loss")}, "InitialValueThreshold": number(InitialValueThreshold),
	"EveryBatches": count(EveryBatches), "WithoutOptimizer": {value: WithoutOptimizer},
	"Append": {value: Append}, "Histograms": count(Histograms), "Clock": {value: Clock(time.Now)}, "Columns": count(Columns),
}

// settings is what a callback is made of, but for functions, which cannot be compared.
func settings(c keraslike.Callback) any {
	if p, ok := c.(*progress); ok {
		return p.mistake
	}
	if b, ok := c.(*board); ok {
		return []any{b.dir, b.histograms, b.mistake}
	}
	return c
}

// with makes a callback with options that need not fit; ok reports whether they do.
func with[O any](make func(string, ...O) keraslike.Callback) func(option any) (keraslike.Callback, bool) {
	return func(option any) (keraslike.Callback, bool) {
		if option == nil {
			return make("x"), true
		}
		if o, ok := option.(O); ok {
			return make("x", o), true
		}
		return nil, false
	}
}

// TestOptionsAreDocumented holds the list in each constructor's doc against the options
// that compile there, and each default against the constructor without options.
func TestOptionsAreDocumented(t *testing.T) {
	constructors := map[string]func(option any) (keraslike.Callback, bool){
		"EarlyStopping":     with(func(name string, o ...EarlyStoppingOption) keraslike.Callback { return EarlyStopping(name, o...) }),
		"ReduceLROnPlateau": with(ReduceLROnPlateau),
		"ModelCheckpoint":   with(ModelCheckpoint),
		"CSVLogger":         with(CSVLogger),
		"TensorBoard":       with(TensorBoard),
		"Progress":          with(func(_ string, o ...ProgressOption) keraslike.Callback { return Progress(os.Stderr, o...) }),
	}
	docs, names := exported(t)
	if got, want := slices.Sorted(maps.Keys(options)), names; !slices.Equal(got, want) {
		t.Errorf("this test knows the options %q, the package has %q", got, want)
	}
	line := regexp.MustCompile(`(?m)^\t([A-Z]\w*(?:, [A-Z]\w*)*)(?:\(([^)]*)\))?  +\S.*$`)
	for name, construct := range constructors {
		listed := map[string]bool{}
		plain, _ := construct(nil)
		for _, m := range line.FindAllStringSubmatch(docs[name], -1) {
			for _, o := range strings.Split(m[1], ", ") {
				listed[o] = true
			}
			value, err := strconv.ParseFloat(m[2], 64)
			o := options[m[1]]
			switch {
			case m[2] != "" && err == nil && o.of != nil:
				if given, ok := construct(o.of(value)); !ok || !similar(given, plain) {
					t.Errorf("%s: %s(%s) is not the default", name, m[1], m[2])
				}
				if other, ok := construct(o.of(value + 1)); ok && similar(other, plain) {
					t.Errorf("%s: %s(%g) changes nothing", name, m[1], value+1)
				}
			case m[2] == "" && !strings.HasSuffix(m[0], ")"):
				t.Errorf("%s: %q tells no default", name, m[0])
			}
		}
		for o, option := range options {
			if _, fits := construct(option.value); fits != listed[o] {
				t.Errorf("%s: its doc lists %s: %v; it fits: %v", name, o, listed[o], fits)
			}
		}
	}
}

func similar(a, b keraslike.Callback) bool {
	if s, ok := a.(*checkpoint); ok { // whose best number is NaN before any
		x, y := *s, *b.(*checkpoint)
		x.best, y.best = 0, 0
		return reflect.DeepEqual(x, y)
	}
	return reflect.DeepEqual(settings(a), settings(b))
}

// exported returns the docs of the package's functions, and the names of its options: the
// functions that return an option and the constants.
func exported(t *testing.T) (docs map[string]string, names []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fset, files := token.NewFileSet(), []*ast.File{}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			f, err := parser.ParseFile(fset, e.Name(), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	p, err := doc.NewFromFiles(fset, files, "callbacks")
	if err != nil {
		t.Fatal(err)
	}
	docs = map[string]string{}
	consts, funcs := p.Consts, p.Funcs
	for _, typ := range p.Types {
		consts = append(consts, typ.Consts...)
		for _, f := range typ.Funcs {
			if strings.HasSuffix(typ.Name, "Option") {
				names = append(names, f.Name)
			}
		}
		funcs = append(funcs, typ.Funcs...)
	}
	for _, f := range funcs {
		docs[f.Name] = f.Doc
	}
	for _, c := range consts {
		names = append(names, c.Names...)
	}
	slices.Sort(names)
	return docs, names
}
