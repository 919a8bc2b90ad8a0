// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
)

// TestEverythingHasKnownValues fails when an activation, loss, metric,
// initializer or optimizer is exported of which testdata/golden knows no values.
func TestEverythingHasKnownValues(t *testing.T) {
	aliases := map[string]string{ // what the programs that made the values call it
		"mae": "mean_absolute_error", "mse": "mean_squared_error", "rmse": "root_mean_squared_error",
		"BinaryAccuracyAt": "binary_accuracy", "exact_accuracy": "Accuracy", "Cosine": "CosineSimilarity",
		"LossMetric": "BinaryCrossentropy", "Cutoff": "threshold",
	}
	exempt := []string{
		"accuracy",                                                               // one of the three accuracies, by the shapes
		"CustomLoss", "Losses", "CustomRowMetric", "CustomMetric", "NamedMetric", // what a user or other losses compute
		"Objective", "Phase", "Phases", // functions of a user: TestPhasesTrainAsPyTorch
		"FromSolver", // Gorgonia's: TestSolver
		"STFT",       // stft_keras.json: TestSTFTKernels
	}
	files := map[string]string{
		"ActivationFunc": "activations", "LossFunc": "losses", "Loss": "losses", "MetricFunc": "metrics", "Metric": "metrics", "Initializer": "initializers", "Optimizer": "optimizers",
	}
	known := map[string]bool{}
	byKeras := map[string]string{"metrics": "metrics_keras", "optimizers": "optimizers_keras", "losses": "losses_keras", "activations": "activations_keras"}
	for _, file := range files {
		cases := golden.Load(t, file)
		if more, ok := byKeras[file]; ok {
			cases = append(cases, golden.Load(t, more)...)
		}
		for _, c := range cases {
			for _, arg := range []string{"activation", "loss", "metric", "initializer", "optimizer"} {
				known[file+" "+plain(c.Args.String(arg))] = true
			}
		}
	}
	found := map[string]int{}
	for kind, names := range exportedValues(t) {
		file, ok := files[kind]
		if !ok {
			continue
		}
		for _, name := range names {
			found[file]++
			if slices.Contains(exempt, name) {
				continue
			}
			if a, ok := aliases[name]; ok {
				name = a
			}
			if !known[file+" "+plain(name)] {
				t.Errorf("%s, of type %s, is not in testdata/golden/%s.json", name, kind, file)
			}
		}
	}
	for file, least := range map[string]int{"activations": 18, "losses": 17, "metrics": 16, "initializers": 12, "optimizers": 9} {
		if found[file] < least {
			t.Errorf("found %d %s only", found[file], file)
		}
	}
}

// plain lets GlorotUniform and glorot_uniform be one name.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// exportedValues are, for each type, the values of the package's constants and the
// names of the functions that return one.
func exportedValues(t *testing.T) map[string][]string {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil || !d.Name.IsExported() || d.Type.Results == nil {
					continue
				}
				if kind, ok := d.Type.Results.List[0].Type.(*ast.Ident); ok {
					of[kind.Name] = append(of[kind.Name], d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					v, ok := s.(*ast.ValueSpec)
					if !ok || d.Tok != token.CONST || len(v.Values) == 0 {
						continue
					}
					kind, ok := v.Type.(*ast.Ident)
					text, literal := v.Values[0].(*ast.BasicLit)
					if !ok || !literal || text.Kind != token.STRING {
						continue
					}
					value, err := strconv.Unquote(text.Value)
					if err != nil {
						t.Fatal(err)
					}
					of[kind.Name] = append(of[kind.Name], value)
				}
			}
		}
	}
	return of
}
