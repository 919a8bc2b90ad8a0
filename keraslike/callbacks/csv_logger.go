// SPDX-License-Identifier: Apache-2.0

package callbacks

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

	"github.com/reef-dl/reef/internal/wholefile"
	"github.com/reef-dl/reef/keraslike"
)

// CSVLogger writes the logs of each epoch as a line of a CSV file, with a header line and the
// epoch in the first column. After each epoch a new file is written and renamed to path,
// which therefore never holds partial lines.
//
// Options and their defaults:
//
//	Append   keep the existing lines of the file (off)
//
// See https://keras.io/api/callbacks/csv_logger/.
func CSVLogger(path string, opts ...CSVLoggerOption) keraslike.Callback {
	c := &csvLog{path: path}
	for _, o := range given(opts, &c.mistake) {
		o.applyCSVLogger(c)
	}
	return c
}

// CSVLoggerOption is an option of CSVLogger.
type CSVLoggerOption interface{ applyCSVLogger(*csvLog) }

// Append keeps the existing lines of the file, for example those of an earlier training. The
// file must have the same columns.
const Append appendLines = true

type appendLines bool

func (on appendLines) applyCSVLogger(c *csvLog) { c.append = bool(on) }

type csvLog struct {
	noLogs
	path    string
	append  bool
	lines   [][]string
	mistake error // in the options
}

// OnFirstRank returns true: in a distributed training one rank does it for all.
func (c *csvLog) OnFirstRank() bool { return true }

func (c *csvLog) On(e keraslike.Event, t *keraslike.Training) (err error) {
	switch e {
	case keraslike.TrainBegin:
		if c.lines, err = nil, c.mistake; err == nil && c.append {
			err = c.load()
		}
	case keraslike.EpochEnd:
		err = c.epochEnd(t)
	}
	if err != nil {
		err = fmt.Errorf("csv logger: %w", err)
	}
	return err
}

func (c *csvLog) epochEnd(t *keraslike.Training) error {
	line := []string{strconv.Itoa(t.Epoch)}
	for _, l := range t.Logs {
		line = append(line, strconv.FormatFloat(l.Value, 'g', 9, 64))
	}
	names := append([]string{"epoch"}, namesOf(t.Logs)...)
	if len(c.lines) == 0 {
		c.lines = [][]string{names}
	}
	if !slices.Equal(c.lines[0], names) {
		return fmt.Errorf("%s has columns %q, the logs have %q", c.path, c.lines[0], names)
	}
	c.lines = append(c.lines, line)
	return wholefile.Write(c.path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(c.lines) })
}

func (c *csvLog) load() error {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		c.lines, err = csv.NewReader(bytes.NewReader(text)).ReadAll()
	}
	return err
}
