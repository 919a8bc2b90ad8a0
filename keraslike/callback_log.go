// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/reef-dl/reef/internal/wholefile"
	"github.com/reef-dl/reef/keraslike/tensorboard"
)

// CSVLogger writes the logs of each epoch as a line of a file, under a line of names.
// The file is written anew after each epoch, beside path, and renamed; Append keeps
// the lines that it has. See https://keras.io/api/callbacks/csv_logger/.
func CSVLogger(path string, opts ...CSVOption) Callback {
	c := &csvLog{path: path}
	for _, o := range given(opts, &c.mistake) {
		o.applyCSV(c)
	}
	return c
}

// CSVOption is an option of CSVLogger: Append.
type CSVOption interface{ applyCSV(*csvLog) }

// Append goes on with a file that a training before has begun.
type Append struct{}

func (Append) applyCSV(c *csvLog) { c.append = true }

type csvLog struct {
	path    string
	append  bool
	lines   [][]string
	mistake error // in the options
}

func (c *csvLog) On(e Event, t *Training) error {
	switch e {
	case TrainBegin:
		c.lines = nil
		if c.mistake != nil {
			return fmt.Errorf("csv logger: %w", c.mistake)
		}
		if c.append {
			return c.load()
		}
	case EpochEnd:
		names, line := []string{"epoch"}, []string{strconv.Itoa(t.Epoch)}
		for _, l := range t.Logs {
			names, line = append(names, l.Name), append(line, strconv.FormatFloat(l.Value, 'g', 9, 64))
		}
		if len(c.lines) == 0 {
			c.lines = [][]string{names}
		}
		if !slices.Equal(c.lines[0], names) {
			return fmt.Errorf("csv logger: %s has columns %q, the logs are %q", c.path, c.lines[0], names)
		}
		c.lines = append(c.lines, line)
		return c.write()
	}
	return nil
}

func (c *csvLog) load() error {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		c.lines, err = csv.NewReader(bytes.NewReader(text)).ReadAll()
	}
	if err != nil {
		return fmt.Errorf("csv logger: %w", err)
	}
	return nil
}

func (c *csvLog) write() error {
	err := wholefile.Write(c.path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(c.lines) })
	if err != nil {
		return fmt.Errorf("csv logger: %w", err)
	}
	return nil
}

// TensorBoard writes the logs of each epoch as an event file in dir, "epoch_loss" and
// so on, with the learning rate. Options: Histograms.
// See https://keras.io/api/callbacks/tensorboard/.
func TensorBoard(dir string, opts ...BoardOption) Callback {
	b := &board{dir: dir, clock: time.Now}
	for _, o := range given(opts, &b.mistake) {
		o.applyBoard(b)
	}
	return b
}

// BoardOption is an option of TensorBoard: Histograms or Clock.
type BoardOption interface{ applyBoard(*board) }

// Histograms notes how the weights are spread after every so many epochs.
type Histograms int

// Clock is where the times of the events come from; the default is time.Now.
type Clock func() time.Time

func (n Histograms) applyBoard(b *board) { b.histograms = int(n) }
func (c Clock) applyBoard(b *board)      { b.clock = c }

type board struct {
	dir        string
	histograms int
	clock      func() time.Time
	w          *tensorboard.Writer
	mistake    error // in the options
}

func (b *board) On(e Event, t *Training) (err error) {
	switch e {
	case TrainBegin:
		if b.mistake != nil {
			return fmt.Errorf("tensorboard: %w", b.mistake)
		}
		b.w, err = tensorboard.Create(b.dir, b.clock)
		return err
	case EpochEnd:
		return b.epochEnd(t)
	case TrainEnd:
		return b.w.Close()
	}
	return nil
}

func (b *board) epochEnd(t *Training) error {
	step := int64(t.Epoch)
	for _, l := range append(slices.Clone(t.Logs), Log{"learning_rate", t.Rate}) {
		if err := b.w.Scalar("epoch_"+l.Name, step, l.Value); err != nil {
			return err
		}
	}
	if b.histograms > 0 && t.Epoch%b.histograms == 0 {
		for _, w := range t.Model.weights {
			if err := b.w.Histogram(t.Model.paths[w], step, w.Value()); err != nil {
				return err
			}
		}
	}
	return b.w.Flush()
}
