// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/graph"
)

// lines runs the command and decodes its output.
func lines(t *testing.T, args ...string) (list []map[string]any) {
	t.Helper()
	var out bytes.Buffer
	if err := run(args, &out, &out); err != nil {
		t.Fatalf("bench %v: %v", args, err)
	}
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q is not JSON: %v", line, err)
		}
		list = append(list, fields)
	}
	return list
}

// positive fails unless the fields of a line are numbers above 0.
func positive(t *testing.T, line map[string]any, fields ...string) {
	t.Helper()
	for _, f := range fields {
		if v, ok := line[f].(float64); !ok || v <= 0 {
			t.Errorf("%s is %v in %v", f, line[f], line)
		}
	}
}

func TestWorkload(t *testing.T) {
	list := lines(t, "-workload", "boston", "-secs", "0.001")
	if len(list) != 2 || list[0]["phase"] != "train" || list[1]["phase"] != "infer" {
		t.Fatalf("got %v, want a line for training and one for prediction", list)
	}
	for _, line := range list {
		positive(t, line, "batch", "samples_per_s", "ms_per_step_median", "ms_per_step_p99", "steps", "threads")
	}
	if list := lines(t, "-workload", "gru", "-phase", "infer", "-batch", "3", "-secs", "0.001"); list[0]["batch"] != 3.0 {
		t.Errorf("a batch of 3 gives %v", list)
	}
	if list := lines(t, "-workload", "reuters", "-phase", "infer", "-secs", "0.001"); len(list) != 1 {
		t.Errorf("prediction of sparse rows gives %v", list)
	}
	if list := lines(t, "-workload", "predict_latency", "-secs", "0.001"); len(list) != 1 || list[0]["phase"] != "infer" {
		t.Errorf("predict_latency gives %v, want one line of prediction", list)
	}
}

// Fit is measured alone, and as a distributed training of one process.
func TestFit(t *testing.T) {
	for leaves, args := range [][]string{{}, {"-leaves", "1"}, {"-leaves", "2"}} {
		list := lines(t, append([]string{"-workload", "boston", "-phase", "fit", "-secs", "0.001"}, args...)...)
		if len(list) != 1 || list[0]["phase"] != "fit" || leaves > 0 && (list[0]["ranks"] != 1.0 || list[0]["leaves"] != float64(leaves)) {
			t.Errorf("%v: got %v", args, list)
		}
		positive(t, list[0], "batch", "samples_per_s", "ms_per_step_median", "ms_per_step_p99", "ms_per_step_mean", "steps")
	}
}

// TestLayers takes a step with every layer in both phases, which reports wrong shapes.
func TestLayers(t *testing.T) {
	for _, w := range layers {
		if w.name == "lstm_5000_steps" && testing.Short() {
			continue
		}
		w.batch = 2
		for _, phase := range w.phases() {
			step, err := w.steps(phase)
			if err == nil {
				err = step(0)
			}
			if err != nil {
				t.Errorf("%s %s: %v", w.name, phase, err)
			}
		}
	}
}

func TestGemm(t *testing.T) {
	var shapes, threads []any
	for _, line := range lines(t, "-workload", "gemm", "-secs", "0.001") {
		if line["workload"] != "gemm" {
			continue
		}
		positive(t, line, "batch", "gflops", "threads")
		if line["path"] != graph.ISA() {
			t.Errorf("path is %v, want %s", line["path"], graph.ISA())
		}
		shapes, threads = append(shapes, line["shape"]), append(threads, line["threads"])
	}
	if len(shapes) != 10 || !slices.Contains(shapes, any("1024x1024x1024")) || threads[0] != 1.0 || threads[9] != 2.0 {
		t.Errorf("got shapes %v with threads %v", shapes, threads)
	}
}

func TestNamesOfWorkloads(t *testing.T) {
	for _, name := range strings.Fields(`mnist_dense boston imdb_dense reuters mnist_cnn catsdogs_scratch vgg16_features
		vgg16_finetune embedding_dense gru_jena gru_jena_stacked lstm_imdb conv1d_imdb predict_latency squeezenet mlp_big depthwise_3x3 layernorm attention gru_256`) {
		if !slices.Contains(names(), name) {
			t.Errorf("there is no workload %q", name)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-workload nonsense", "nonsense"}, {"-phase test", "test"}, {"-secs 0", "positive"}, {"-secs NaN", "positive"},
		{"-secs 1e300", "at most 86400"}, {"-secs two", "invalid value"}, {"-workload bosten", `(did you mean "boston"?)`}, {"-phase trian", `(did you mean "train"?)`},
		{"-batch -1", "-batch -1"}, {"-workload gemm -batch 3", "fixed shapes"},
		{"boston", "did you mean -workload boston?"}, {"everything", "-help shows them all"}, {"-worklod boston", `(did you mean "-workload"?)`},
		{"-workload predict_latency -phase train", "in prediction only"}, {"-workload gemm -phase train", "not trained"},
		{"-workload reuters -phase fit", "sparse rows"}, {"-workload boston -leaves 2", "phase fit"}, {"-workload boston -phase fit -leaves -1", "positive number"},
	} {
		if err := run(strings.Fields(c.args), &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("bench %s: error %v, want one about %q", c.args, err, c.want)
		}
	}
}

// TestMoves makes the expressions of inputs of their own; the program in PyTorch has the same names.
func TestMoves(t *testing.T) {
	peer, err := os.ReadFile("expressions.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(moves(), volumes()...) {
		p, err := e.program(nil)
		if err != nil {
			t.Error(err)
		} else if err := p.Close(); err != nil {
			t.Error(err)
		}
		if name := strings.TrimSuffix(e.name, "_step"); !bytes.Contains(peer, []byte("'"+name+"'")) {
			t.Errorf("expressions.py has no %q", e.name)
		}
	}
}

// TestExpressions measures small ones: each has a rate, and the names are those of the program in PyTorch.
func TestExpressions(t *testing.T) {
	var out bytes.Buffer
	if err := benchExpressions(json.NewEncoder(&out), regexp.MustCompile(",|:"), []int{3, 5, 7}, time.Microsecond); err != nil {
		t.Fatal(err)
	}
	peer, err := os.ReadFile("expressions.py")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		positive(t, fields, "threads", "steps")
		name, _ := fields["name"].(string)
		if strings.Contains(name, ", ") && !strings.Contains(name, ":") {
			name, _, _ = strings.Cut(name, ", ")
		}
		if !bytes.Contains(peer, []byte("'"+name+"'")) {
			t.Errorf("expressions.py has no %q", name)
		}
		count++
	}
	if want := 1 + len(expressions()) - len(moves()) - len(volumes()) - len(norms()); count != want {
		t.Errorf("%d lines, want %d", count, want)
	}
	for _, args := range [][]string{{"-phase", "train"}, {"-batch", "2"}, {"-match", "("}} {
		if err := run(append([]string{"-workload", "expressions"}, args...), &out, &out); err == nil {
			t.Errorf("expressions accept %v", args)
		}
	}
}
