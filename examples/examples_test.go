// SPDX-License-Identifier: Apache-2.0

// Package examples_test runs the programs of the folders beside it as a reader would.
package examples_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples builds and runs each program on its own data, without any other, and wants
// that it has learned.
func TestExamples(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	for _, example := range []struct {
		name  string
		lines int // at most
		check func(out string) error
	}{
		{"regression", 70, func(out string) error {
			var mae, mean float64
			if _, err := fmt.Sscanf(out, "mean absolute error: %f, of predicting the mean: %f\n", &mae, &mean); err != nil {
				return err
			}
			if mae <= 0 || mae > 0.4*mean || mean < 0.6 || mean > 0.8 {
				return fmt.Errorf("error %g kg, want less than 0.4 times that of the mean, %g, which is 0.6 to 0.8", mae, mean)
			}
			return nil
		}},
		{"table", 69, func(out string) error {
			_, scores, ok := strings.Cut(out, "species            category  class index  error                       target\n\n")
			if !ok {
				return fmt.Errorf("no schema")
			}
			return classifies(scores, 0.9, `{"sex": null, "bill_length_mm": 48, "bill_depth_mm": 14.1, "flipper_length_mm": 215, "body_mass_kg": 5.1}: Gentoo `)
		}},
		{"transfer", 57, func(out string) error {
			return classifies(out, 0.85, "testdata/photo.jpg: cat ")
		}},
		{"text", 67, func(out string) error {
			return classifies(out, 0.7, "I was charged twice for one invoice: billing ")
		}},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(filepath.Join(example.name, "main.go"))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(source, []byte("\n")); n > example.lines {
				t.Errorf("the program has %d lines, want at most %d", n, example.lines)
			}
			program := filepath.Join(t.TempDir(), example.name+".exe")
			if out, err := exec.Command(goTool, "build", "-o", program, "./"+example.name).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			cmd := exec.Command(program)
			cmd.Dir = example.name
			cmd.Env = append(os.Environ(), "REEF_DATA=", "REEF_CACHE="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if err := example.check(string(out)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// classifies checks what a classifier prints: its accuracy, at least the given one, and the
// class of one more sample.
func classifies(out string, least float64, prediction string) error {
	var accuracy, probability float64
	if _, err := fmt.Sscanf(out, "accuracy: %f\n"+prediction+"(%f)\n", &accuracy, &probability); err != nil {
		return err
	}
	if accuracy < least || accuracy > 1 || probability < 0.5 || probability > 1 {
		return fmt.Errorf("accuracy %g, probability %g, want at least %g and 0.5", accuracy, probability, least)
	}
	return nil
}
