// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/reef-dl/reef/internal/cli"
	k "github.com/reef-dl/reef/keraslike"
)

var predictCommand = subcommand{
	name: "predict", args: "FILE INPUT...", summary: "predictions for pictures, CSV, text, JSON, npy",
	help: `Predicts for each sample of the inputs:

  a picture (png, jpeg, gif, bmp), or a folder with pictures
  CSV               a sample for each row
  text              a sample for each line
  JSON              a sample, a list of samples, or one behind the other (JSON
                    lines); a model with several inputs takes objects with the
                    inputs by name
  npy, npz          an array of samples; npz has one for each input, by name
  -                 standard input, with any of these but npz

What is saved with the model is used: the preprocessor turns pictures, texts and
rows into numbers as in training, and classes have their names. Numbers in npy
and npz are what the model takes. So are those in JSON, but for a model of a
table, whose rows are encoded or scaled. -raw ignores the preprocessor.

Classifiers print the -top most likely classes, other models all numbers. The
formats are a table, JSON (an object for each line) and csv. Large files are
read batch by batch.

Examples:
  model predict squeezenet.safetensors cat.jpg dog.jpg
  model predict keras.h5 photos/ -scale 1/255 -size 224
  model predict penguins.safetensors new.csv -format csv > predicted.csv
  echo "what a wonderful film" | model predict reviews.safetensors -
  model predict digits.safetensors digits.npy -format json -top 10
  echo '{"left": [1, 2], "right": [3, 4]}' | model predict two.reef -
`,
	start: func(f *flag.FlagSet) func(context.Context, streams, []string) error {
		format := f.String("format", "table", "`format` of the output: table, json or csv")
		top := f.Int("top", 3, "`number` of classes to show, the most likely first; 0 for all")
		batch := f.Int("batch", 32, "`number` of samples that are predicted at once")
		as := f.String("as", "", "`kind` of the inputs, whatever their names: image, csv, text, json, npy or npz")
		column := f.String("column", "", "`name` of the column of a CSV file that has the texts")
		raw := f.Bool("raw", false, "ignore the preprocessor that is saved with the model")
		pixels := pixelFlags(f)
		return func(ctx context.Context, s streams, args []string) error {
			if len(args) < 2 {
				return wantArgs(args, "FILE", "INPUT")
			}
			switch {
			case *top < 0:
				return cli.Misuse("-top %d: want 0 or more", *top)
			case *batch < 1:
				return cli.Misuse("-batch %d: want a positive number", *batch)
			}
			if err := oneOf("format", *format, "table", "json", "csv"); err != nil {
				return err
			}
			file, r, err := openReader(args[0], pixels, *raw)
			if err != nil {
				return err
			}
			defer file.close()
			r.as, r.column, r.at, r.stdin, r.several = *as, *column, *batch, s.in, len(args) > 2
			if err := r.check(); err != nil {
				return err
			}
			p := &predictor{m: file.model, most: *batch, out: newResults(s.out, *format, file.model, *top)}
			for _, arg := range args[1:] {
				for sample, err := range r.read(arg) {
					if err == nil {
						err = p.add(ctx, sample)
					}
					if err != nil {
						_ = p.flush(ctx) // what was read before
						_ = p.out.end()
						return err
					}
				}
			}
			if err := p.flush(ctx); err != nil {
				return err
			}
			return p.out.end()
		}
	},
}

// batchBytes is about how much memory the samples of a batch may take.
const batchBytes = 64 << 20

// predictor predicts samples in batches.
type predictor struct {
	m       *k.Model
	most    int // samples of a batch
	samples []sample
	bytes   int
	out     results
}

// add predicts when there are enough samples.
func (p *predictor) add(ctx context.Context, s sample) error {
	p.samples = append(p.samples, s)
	for _, a := range s.inputs {
		p.bytes += 4 * len(a.Values())
	}
	if len(p.samples) < p.most && p.bytes < batchBytes {
		return nil
	}
	return p.flush(ctx)
}

// flush predicts the samples that have been added.
func (p *predictor) flush(ctx context.Context) error {
	if len(p.samples) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	samples := p.samples
	p.samples, p.bytes = nil, 0
	var x []*k.Array
	for i := range samples[0].inputs {
		var list []*k.Array
		for _, s := range samples {
			list = append(list, s.inputs[i])
		}
		a, err := k.Ragged(list)
		if err != nil {
			return err
		}
		x = append(x, a)
	}
	out, err := p.m.PredictAll(x...)
	if err != nil {
		return fmt.Errorf("%s to %s: %w", samples[0].name, samples[len(samples)-1].name, err)
	}
	for i, s := range samples {
		var rows []row
		for _, a := range out {
			rows = append(rows, row{a.RowShape(i), a.Row(i)})
		}
		if err := p.out.add(s.name, rows); err != nil {
			return err
		}
	}
	return p.out.flush()
}

// row is the output for one sample.
type row struct {
	shape  []int
	values []float32
}
