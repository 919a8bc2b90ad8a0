// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/npz"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/internal/wholefile"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// formatNames are what convert writes.
var formatNames = []string{"reef", "safetensors", "npz"}

var convertCommand = subcommand{
	name: "convert", args: "FILE OUT", summary: "to Reef's format, safetensors or npz",
	help: `Writes a model in another format, by -to or by the name of OUT:

  reef         the whole model, for .reef and .safetensors: it is a safetensors
               file with the architecture, classes and preprocessors in its
               metadata, so that other programs read its weights
  safetensors  weights alone
  npz          weights alone, for .npz: numpy.load reads them

Weights are named by their paths in the model, "dense_1/kernel", and have
Keras's shapes. Keras's own files (.h5, .keras) are read, but not written. To
bring weights to Keras, write npz and set them there by name: layer.set_weights
takes the arrays of a layer in the order of summary -weights.

A file of weights alone becomes a model with -into MODEL, any model file with
the same layers.

What was written is read back before it replaces OUT: all weights must be equal,
bit by bit, and of a whole model so must predictions for random input.

Examples:
  model convert vgg16.h5 vgg16.reef
  model convert digits.safetensors digits.npz
  model convert digits.reef digits-weights.safetensors -to safetensors
  model convert trained.weights.h5 trained.reef -into untrained.reef
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		to := f.String("to", "", "`format` of OUT: reef, safetensors or npz (default: that of its name)")
		into := f.String("into", "", "model `file` that gets the weights of FILE")
		training := f.Bool("training", false, "keep the training state of a Reef model, so that training can continue")
		length := f.String("length", "", "`lengths` of the axes of any length, in order, at which predictions are compared (default: 16 each)")
		return func(ctx context.Context, s streams, args []string) error {
			if err := wantArgs(args, "FILE", "OUT"); err != nil {
				return err
			}
			c := conversion{training: *training}
			var err error
			if c.lengths, err = parseLengths(*length); err != nil {
				return err
			}
			if c.to, err = targetFormat(*to, args[1]); err != nil {
				return err
			}
			file, err := open(args[0], true)
			if err != nil {
				return err
			}
			defer file.close()
			if *into != "" {
				if file, err = intoModel(file, *into); err != nil {
					return err
				}
			}
			done, err := c.write(ctx, file, args[1])
			if err != nil {
				return err
			}
			for _, n := range file.notes {
				fmt.Fprintf(s.out, "Note: %s\n", n)
			}
			_, err = fmt.Fprintf(s.out, "%s: %s\n", args[1], done)
			return err
		}
	},
}

// targetFormat is the format by its flag, else by the name of the file.
func targetFormat(flag, path string) (string, error) {
	ext := strings.ToLower(filepath.Ext(path))
	if ext == ".h5" || ext == ".hdf5" || ext == ".keras" {
		return "", cli.Misuse("%s: Keras's files are read, but not written; want .reef, .safetensors or .npz. -h says how to bring weights to Keras", path)
	}
	if flag != "" {
		return flag, oneOf("to", flag, formatNames...)
	}
	switch ext {
	case ".reef", ".safetensors":
		return "reef", nil
	case ".npz":
		return "npz", nil
	}
	return "", cli.Misuse("%s: the name does not say which format; want .reef, .safetensors, .npz or -to", path)
}

// intoModel reads the model at path and gives it the weights of the file.
func intoModel(file *modelFile, path string) (*modelFile, error) {
	target, err := openModel(path, true)
	if err != nil {
		return nil, err
	}
	notes, err := file.into(target.model)
	if err != nil {
		return nil, err
	}
	target.notes = append(target.notes, notes...)
	return target, nil
}

type conversion struct {
	to       string
	training bool
	lengths  []int
}

// write writes a file, checks what was written and replaces OUT by it; done says what was done.
func (c conversion) write(ctx context.Context, file *modelFile, out string) (done string, err error) {
	if c.to == "reef" && file.model == nil {
		return "", cli.Misuse("%s holds weights alone (%s), and a Reef model has layers: -into MODEL says which, or want -to safetensors or npz", file.path, file.format)
	}
	if c.training && (c.to != "reef" || file.state == 0) {
		return "", cli.Misuse("-training: %s", map[bool]string{true: "only a Reef model can keep it: want -to reef", false: file.path + " has no training state"}[c.to != "reef"])
	}
	err = wholefile.Write(out, func(w io.Writer) error {
		written, ok := w.(writtenFile)
		if !ok {
			return errors.New("what was written cannot be read back")
		}
		if err := c.content(file, w); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		size, err := written.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if done, err = c.check(file, written, size, out); err != nil {
			return fmt.Errorf("what was written differs from %s, so that it was removed: %w", file.path, err)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("write %s: %w", out, err)
	}
	return done, nil
}

// writtenFile is what wholefile.Write passes.
type writtenFile interface {
	io.ReaderAt
	io.Seeker
}

// content writes the model or the weights.
func (c conversion) content(file *modelFile, w io.Writer) error {
	if c.to == "reef" {
		if c.training {
			return file.model.SaveTo(w, k.WithOptimizer)
		}
		return file.model.SaveTo(w)
	}
	var arrays []npz.Named
	var tensors []safetensors.Tensor
	for _, x := range file.weights {
		values, err := x.read()
		if err != nil {
			return err
		}
		arrays = append(arrays, npz.Named{Name: x.name, Shape: x.shape, Data: values})
		tensors = append(tensors, safetensors.Tensor{Name: x.name, Shape: x.shape, Data: values})
	}
	if c.to == "npz" {
		return npz.Write(w, arrays)
	}
	return safetensors.Write(w, tensors, nil)
}

// check reads the file back and compares it.
func (c conversion) check(file *modelFile, r io.ReaderAt, size int64, out string) (done string, err error) {
	var same func(x weight) ([]float32, error)
	var predicted string
	switch c.to {
	case "npz":
		a, err := npz.Open(r, size, out)
		if err != nil {
			return "", err
		}
		same = func(x weight) ([]float32, error) {
			rows, err := a.Rows(x.name, maxNumbers)
			if err != nil {
				return nil, err
			}
			defer func() { _ = rows.Close() }() // only read
			return rows.All()
		}
	case "safetensors":
		f, err := safetensors.New(r, size, out)
		if err != nil {
			return "", err
		}
		same = func(x weight) ([]float32, error) {
			_, values, err := f.Tensor(x.name)
			return values, err
		}
	default:
		m, err := k.LoadFrom(r, size, out, k.WithoutCompile)
		if err != nil {
			return "", err
		}
		same = func(x weight) ([]float32, error) {
			w, err := m.Weight(x.name)
			if err != nil {
				return nil, err
			}
			return w.Values(), nil
		}
		if predicted, err = c.comparePredictions(file.model, m); err != nil {
			return "", err
		}
	}
	n := 0
	for _, x := range file.weights {
		want, err := x.read()
		if err != nil {
			return "", err
		}
		got, err := same(x)
		if err != nil {
			return "", err
		}
		n += len(want)
		if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			return "", fmt.Errorf("weight %q", x.name)
		}
	}
	what := "weights"
	if c.to == "reef" {
		what = fmt.Sprintf("model %q", file.model.Name())
	}
	return fmt.Sprintf("%s, %s; %s with %s equal%s", what, byteSize(size), text.Count(len(file.weights), "array"), text.Count(n, "number"), predicted), nil
}

// comparePredictions compares the predictions of two models for random input.
func (c conversion) comparePredictions(a, b *k.Model) (done string, err error) {
	lengths := c.lengths
	if lengths == nil {
		for range freeAxes(a) {
			lengths = append(lengths, 16)
		}
	}
	x, err := randomInput(a, 2, lengths)
	if err != nil {
		return "", err
	}
	want, err := a.PredictAll(x...)
	if err != nil {
		return fmt.Sprintf(", predictions not compared (%v)", err), nil
	}
	got, err := b.PredictAll(x...)
	if err != nil {
		return "", err
	}
	for i := range want {
		if !slices.EqualFunc(got[i].Values(), want[i].Values(), func(a, b float32) bool { return a == b || a != a && b != b }) {
			return "", fmt.Errorf("predictions of output %d", i)
		}
	}
	return ", predictions for random input equal", nil
}

// randomInput makes samples of numbers from 0 to 1, or of ids where an Embedding takes them.
func randomInput(m *k.Model, samples int, lengths []int) ([]*k.Array, error) {
	if err := wantLengths(m, lengths); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	ids := idInputs(m)
	var list []*k.Array
	for _, t := range m.Inputs() {
		shape := slices.Clone(t.Shape())
		for i, n := range shape {
			if n == k.Any {
				shape[i], lengths = lengths[0], lengths[1:]
			}
		}
		if samples > maxNumbers/max(1, shape.Size()) {
			return nil, fmt.Errorf("a batch of %d samples of shape %s has too many numbers", samples, shape)
		}
		if t.IsString() {
			a, err := k.Strings(slices.Repeat([]string{"a text"}, samples*shape.Size()), append([]int{samples}, shape...)...)
			if err != nil {
				return nil, err
			}
			list = append(list, a)
			continue
		}
		values := make([]float32, samples*shape.Size())
		for i := range values {
			if n := ids[t]; n > 0 {
				values[i] = float32(rng.IntN(n))
			} else {
				values[i] = rng.Float32()
			}
		}
		a, err := k.NewArray(values, append([]int{samples}, shape...)...)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// idInputs are the inputs that an Embedding reads, with the number of its rows, and those of layers that
// take whole numbers.
func idInputs(m *k.Model) map[*k.Tensor]int {
	ids, seen := map[*k.Tensor]int{}, map[*k.Tensor]bool{}
	var visit func(t *k.Tensor)
	visit = func(t *k.Tensor) {
		if seen[t] {
			return
		}
		seen[t] = true
		info := k.Inspect(t.Layer())
		for i, in := range t.Inputs() {
			switch {
			case slices.Contains([]string{"IntegerLookup", "CategoryEncoding", "Hashing", "HashedCrossing"}, info.Kind) && len(in.Inputs()) == 0:
				ids[in] = 1 // whole numbers
			case info.Kind == "Embedding" && len(info.Weights) > 0:
				if rows := info.Weights[0].Shape()[0]; len(in.Inputs()) == 0 && (ids[in] == 0 || rows < ids[in]) {
					ids[in] = rows
				}
			case info.Model != nil && i < len(info.Model.Inputs()):
				if rows := idInputs(info.Model)[info.Model.Inputs()[i]]; rows > 0 && len(in.Inputs()) == 0 {
					ids[in] = rows
				}
			}
			visit(in)
		}
	}
	for _, t := range m.Outputs() {
		visit(t)
	}
	return ids
}
