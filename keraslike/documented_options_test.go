// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// optionRow is a row of a table of options in a doc comment: name, default and meaning.
var optionRow = regexp.MustCompile(`(?m)^\t(any )?([A-Z]\w*) +(\S+)  +\S.*$`)

// TestOptionsOfModelsAreDocumented holds that the doc comments of Fit, Evaluate, PredictSource and
// Compile list exactly the options that there are.
func TestOptionsOfModelsAreDocumented(t *testing.T) {
	for _, c := range []struct {
		method, option string
		families       []optionFamily
		more           []string
	}{
		{"Fit", "FitOption", []optionFamily{{option: "FitOption", apply: "applyFit"}, {option: "BatchOption"}, {option: "RankOption"}}, nil},
		{"Evaluate", "EvaluateOption", []optionFamily{{option: "EvaluateOption", apply: "applyEvaluate"}, {option: "BatchOption"}, {option: "RankOption"}}, nil},
		{"PredictSource", "PredictOption", []optionFamily{{option: "PredictOption", apply: "applyPredict"}, {option: "RankOption"}}, nil},
		{"Compile", "CompileOption", []optionFamily{{option: "CompileOption"}}, []string{"Metric"}},
	} {
		want := c.more
		for _, f := range c.families {
			_, options := f.declared(t)
			want = append(want, options...)
		}
		listed, text := documentedOptions(t, c.method, c.option)
		got := make([]string, 0, len(listed))
		for _, row := range listed {
			got = append(got, row[0])
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s documents the options %v, there are %v:\n%s", c.method, got, want, text)
		}
	}
}

// documentedOptions are the names and defaults of the options in the comment of a method.
func documentedOptions(t *testing.T, method, option string) (rows [][2]string, text string) {
	t.Helper()
	takers, _ := optionFamily{option: option}.declared(t)
	_, text, ok := strings.Cut(takers[method], "Options and their defaults:\n")
	if !ok {
		t.Fatalf("the comment of %s has no options: %q", method, takers[method])
	}
	for _, m := range optionRow.FindAllStringSubmatch(text, -1) {
		rows = append(rows, [2]string{m[2], m[3]})
	}
	return rows, text
}

// TestDefaultsOfFitAreDocumented: Fit with an option at its documented default trains the
// weights that Fit without it trains, and at another value others or measures more.
func TestDefaultsOfFitAreDocumented(t *testing.T) {
	const n = 80
	x, y := make([][]float64, n), make([]int, n)
	for i := range n {
		x[i], y[i] = []float64{float64(i%7) - 3, float64(i%11) - 5}, i%2
	}
	data := func() Source {
		inputs, err := Rows(x)
		if err != nil {
			t.Fatal(err)
		}
		targets, err := Column(y)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Data(inputs, targets)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}()
	fit := func(options ...FitOption) string {
		m := Sequential("m", Input(2), Dense(4, Tanh), Dense(1, Sigmoid))
		if err := m.Compile(SGD(0.1), BinaryCrossentropy, Seed(3)); err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(t.Context(), data, options...)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(h.Names())
		for _, w := range m.Weights() {
			text += fmt.Sprint(w.Values())
		}
		return text
	}
	counts := 0
	options := map[string]struct {
		number func(v float64) FitOption // of options whose default is a number
		other  FitOption                 // something else than the default
		beside []FitOption               // without which the other changes nothing
	}{
		"Epochs":          {number: func(v float64) FitOption { return Epochs(int(v)) }, other: Epochs(2)},
		"BatchSize":       {number: func(v float64) FitOption { return BatchSize(int(v)) }, other: BatchSize(31)},
		"ValidationSplit": {number: ValidationSplit, other: ValidationSplit(0.5)},
		"InitialEpoch":    {number: func(v float64) FitOption { return InitialEpoch(int(v)) }, other: InitialEpoch(1), beside: []FitOption{Epochs(2)}},
		"Validation":      {other: Validation(data)},
		"StepsPerEpoch":   {other: StepsPerEpoch(1)},
		"KeepOrder":       {other: KeepOrder},
		"ClassWeights":    {other: ClassWeights{0: 3}},
		"Until":           {other: Until(2)},
		"ValidationSteps": {}, // the logs of one batch and of all have the same names
		"Distributed":     {other: Distributed(distributed.Single(), Leaves(3))},
		"Callbacks": {other: Callbacks(CallbackFunc(func(e Event, _ *Training) error {
			counts++
			return nil
		}))},
	}
	plain := fit()
	listed, _ := documentedOptions(t, "Fit", "FitOption")
	for _, row := range listed {
		name, value := row[0], row[1]
		o, ok := options[name]
		if !ok {
			t.Errorf("%s: this test does not try it", name)
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if (err == nil) != (o.number != nil) || err != nil && !slices.Contains([]string{"none", "off", "all"}, value) {
			t.Errorf("%s: the default is %q", name, value)
			continue
		}
		if o.number != nil && fit(o.number(v)) != plain {
			t.Errorf("%s: the default is not %s", name, value)
		}
		if o.other != nil && name != "Callbacks" && fit(append(o.beside, o.other)...) == fit(o.beside...) {
			t.Errorf("%s: another value than %s changes nothing", name, value)
		}
	}
	if fit(options["Callbacks"].other); counts == 0 {
		t.Error("Callbacks: none was called")
	}
}
