// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

const (
	refresh = 100 * time.Millisecond // between two drawings of the live line
	echo    = len("^C")              // what a terminal writes behind the line at Ctrl-C
)

// display shows a training: on a terminal a live line for the epoch that runs,
// and anywhere one plain line for each epoch that is done.
type display struct {
	w     io.Writer
	quiet bool
	// columns is the width of the terminal, asked before each drawing since
	// windows change; 0 where w is none.
	columns func() int
	shown   int // characters of the live line on the terminal
	drawn   time.Time
	file    string          // that is downloaded
	began   time.Time       // its download
	left    bool            // the last epoch has no line
	apart   map[string]bool // metrics that have differed from the loss
	told    time.Time       // when the last epoch's line was shown
}

func newDisplay(w io.Writer, quiet bool) *display {
	d := &display{w: w, quiet: quiet, columns: func() int { return 0 }, apart: map[string]bool{}}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		d.columns = func() int {
			if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
	}
	return d
}

// On shows one event.
func (d *display) On(e keraslike.Event, t *keraslike.Training) error {
	if d.quiet {
		return nil
	}
	switch e {
	case keraslike.TrainBegin:
		d.apart = map[string]bool{}
	case keraslike.BatchEnd:
		d.live(func(room int) string { return trainingLine(d.once(t), room) })
	case keraslike.EpochEnd:
		if d.left = d.leavesOut(t); d.left {
			return nil
		}
		return d.epoch(d.once(t))
	case keraslike.TrainEnd:
		d.end()
		if d.left && t.Step == t.Steps { // ended early after an epoch that was left out
			if err := d.epoch(d.once(t)); err != nil {
				return err
			}
		}
		switch {
		case t.Step < t.Steps:
			_, err := fmt.Fprintf(d.w, "epoch %d/%d  %s  stopped after step %d of %d\n", t.Epoch, t.Epochs, figures(d.once(t).Logs), t.Step, t.Steps)
			return err
		case t.Interrupted:
			_, err := fmt.Fprintf(d.w, "epoch %d/%d  stopped after step %d of %d\n", t.Epoch, t.Epochs, t.Step, t.Steps)
			return err
		}
	}
	return nil
}

// once is the training without the metrics that are the loss once more, as the mean
// squared error of a network that minimizes it, in training and validation alike and so
// far in every line: they would say the same twice.
func (d *display) once(t *keraslike.Training) *keraslike.Training {
	const prefix = "val_"
	var logs keraslike.Logs
	for _, l := range t.Logs {
		name := strings.TrimPrefix(l.Name, prefix)
		of := "loss"
		if name != l.Name {
			of = prefix + of
		}
		loss, ok := t.Logs.Get(of)
		if name != "loss" && (!ok || !same(l.Value, loss)) {
			d.apart[name] = true
		}
	}
	for _, l := range t.Logs {
		if name := strings.TrimPrefix(l.Name, prefix); name == "loss" || d.apart[name] {
			logs = append(logs, l)
		}
	}
	shown := *t
	shown.Logs = logs
	return &shown
}

// same tells whether two figures are equal but for rounding: they are summed in another
// order.
func same(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-5*math.Max(math.Abs(a), math.Abs(b))
}

// epoch shows the line of an epoch that is done.
func (d *display) epoch(t *keraslike.Training) error {
	d.end()
	d.left, d.told = false, time.Now()
	_, err := fmt.Fprintln(d.w, epochLine(t, d.columns()))
	return err
}

// leavesOut tells whether an epoch goes without a line: of a long training whose
// epochs are short the first ten have one, the last, and at most fifty in between.
func (d *display) leavesOut(t *keraslike.Training) bool {
	const first, lines = 10, 50
	if t.Epochs <= 2*lines || t.Epoch <= first || t.Epoch == t.Epochs || time.Since(d.told) > time.Second {
		return false
	}
	step := 10
	for t.Epochs/step > lines {
		step *= 10
	}
	return t.Epoch%step != 0
}

// say shows a line between two trainings.
func (d *display) say(line string) {
	if !d.quiet {
		d.end()
		fmt.Fprintln(d.w, line)
	}
}

// download shows the progress of a file.
func (d *display) download(p datasets.Progress) {
	if d.quiet {
		return
	}
	if p.File != d.file {
		d.end()
		d.file, d.began = p.File, time.Now()
		if d.columns() == 0 {
			fmt.Fprintf(d.w, "downloading %s/%s\n", p.Set, p.File)
		}
	}
	d.live(func(room int) string { return downloadLine(p, time.Since(d.began), room) })
	if p.Done == p.Total {
		d.end()
	}
}

// live draws the line that text makes for the room there is.
func (d *display) live(text func(room int) string) {
	columns := d.columns()
	if columns == 0 || time.Since(d.drawn) < refresh {
		return
	}
	d.drawn = time.Now()
	line := text(columns - 1 - echo) // the last column would wrap on some terminals
	fmt.Fprint(d.w, "\r", line, strings.Repeat(" ", max(0, d.shown-len(line))))
	d.shown = len(line)
}

// end takes the live line away.
func (d *display) end() {
	if d.shown > 0 {
		fmt.Fprint(d.w, "\r", strings.Repeat(" ", d.shown+echo), "\r")
	}
	d.shown, d.drawn = 0, time.Time{}
}
