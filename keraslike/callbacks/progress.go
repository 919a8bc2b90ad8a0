// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/reef-dl/reef/internal/terminal"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
)

// Progress shows training on w, such as os.Stderr. On a terminal it redraws a line with a
// progress bar during each epoch, with the time left for the whole training. There and
// elsewhere it prints a line for each finished epoch:
//
//	epoch 2/5 [####----] 118/469  loss 0.4799  accuracy 0.8596  20,173 samples/s  17s left
//	epoch 2/5  loss 0.2685 (val 0.2812)  accuracy 0.9217 (val 0.9102)  2.8 s, 21,272 samples/s
//
// If there are more than 100 short epochs, only the first ten, the last and at most 50 others
// have a line. A metric that has always been equal to the loss, such as the mean squared
// error of a model that minimizes it, is not shown. A write error ends training.
//
// Options and their defaults:
//
//	Columns           width of the line that is redrawn, 0 for none (the terminal's)
//	Clock(time.Now)   source of the time
//
// It is the counterpart of the display of Keras's fit(verbose="auto").
func Progress(w io.Writer, opts ...ProgressOption) keraslike.Callback {
	p := &progress{w: w, line: terminal.NewLine(w), differ: map[string]bool{}}
	for _, o := range given(opts, &p.mistake) {
		o.applyProgress(p)
	}
	return p
}

// ProgressOption is an option of Progress.
type ProgressOption interface{ applyProgress(*progress) }

type progressSetting func(*progress)

func (set progressSetting) applyProgress(p *progress) { set(p) }

// Columns sets the width of the line that Progress redraws, even if w is not a terminal. With
// 0 there is only a line for each epoch.
func Columns(n int) ProgressOption {
	return progressSetting(func(p *progress) { p.line.Columns = func() int { return n } })
}

type progress struct {
	noLogs
	w       io.Writer
	line    *terminal.Line
	omitted bool            // the last epoch was not printed
	differ  map[string]bool // metrics that have differed from the loss
	printed time.Time       // when the last line was printed
	mistake error           // in the options
}

// OnFirstRank returns true: in a distributed training one rank does it for all.
func (p *progress) OnFirstRank() bool { return true }

func (p *progress) On(e keraslike.Event, t *keraslike.Training) error {
	switch e {
	case keraslike.TrainBegin:
		return p.begin()
	case keraslike.BatchEnd:
		p.line.Draw(func(width int) string { return runningLine(t, p.distinct(t.Logs), width) })
	case keraslike.EpochEnd:
		if p.omitted = p.omits(t); !p.omitted {
			return p.epoch(t)
		}
	case keraslike.TrainEnd:
		return p.end(t)
	}
	return nil
}

// Finish erases the line if training failed.
func (p *progress) Finish(error) { p.line.Erase() }

func (p *progress) begin() error {
	p.omitted, p.differ = false, map[string]bool{}
	switch {
	case p.mistake != nil:
		return fmt.Errorf("progress: %w", p.mistake)
	case p.w == nil:
		return fmt.Errorf("progress: the writer is nil")
	case p.line.Columns() < 0:
		return fmt.Errorf("progress: %d columns, want at least 0", p.line.Columns())
	}
	return nil
}

// epoch prints the line of a finished epoch.
func (p *progress) epoch(t *keraslike.Training) error {
	p.line.Erase()
	p.omitted, p.printed = false, p.line.Now()
	return p.print(epochLine(t, p.distinct(t.Logs), p.line.Columns()))
}

// end prints the line of the last epoch, if it was omitted, and whether training was stopped.
func (p *progress) end(t *keraslike.Training) error {
	p.line.Erase()
	inside := t.Step < t.Steps
	if p.omitted && !inside {
		if err := p.epoch(t); err != nil {
			return err
		}
	}
	if !inside && !t.Interrupted {
		return nil
	}
	line := fmt.Sprintf("epoch %d/%d  ", t.Epoch, t.Epochs)
	if inside {
		line += figures(p.distinct(t.Logs)) + "  "
	}
	return p.print(fmt.Sprintf("%sstopped after step %s", line, steps(t, " of ")))
}

// steps returns how many steps of the epoch are done, and of how many if that is known.
func steps(t *keraslike.Training, of string) string {
	if t.Steps == 0 && t.Step > 0 {
		return fmt.Sprint(t.Step)
	}
	return fmt.Sprint(t.Step, of, t.Steps)
}

func (p *progress) print(line string) error {
	if _, err := fmt.Fprintln(p.w, line); err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	return nil
}

// omits reports whether the line of an epoch is omitted.
func (p *progress) omits(t *keraslike.Training) bool {
	const first, lines = 10, 50
	if t.Epochs <= 2*lines || t.Epoch <= first || t.Epoch == t.Epochs || p.line.Now().Sub(p.printed) > time.Second {
		return false
	}
	step := 10
	for t.Epochs/step > lines {
		step *= 10
	}
	return t.Epoch%step != 0
}

// distinct returns the logs without the metrics that have been equal to the loss in every
// call so far, in both training and validation.
func (p *progress) distinct(logs keraslike.Logs) keraslike.Logs {
	const prefix = "val_"
	var list keraslike.Logs
	for _, l := range logs {
		name := strings.TrimPrefix(l.Name, prefix)
		of := "loss"
		if name != l.Name {
			of = prefix + of
		}
		loss, ok := logs.Lookup(of)
		if name != "loss" && (!ok || !equal(l.Value, loss)) {
			p.differ[name] = true
		}
	}
	for _, l := range logs {
		if name := strings.TrimPrefix(l.Name, prefix); name == "loss" || p.differ[name] {
			list = append(list, l)
		}
	}
	return list
}

// equal reports whether two numbers are equal except for rounding, since they are summed in
// different orders.
func equal(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-5*math.Max(math.Abs(a), math.Abs(b))
}

// runningLine describes the state of an epoch in at most width characters, with the time left
// for the whole training. A stream of unknown length has neither bar nor time.
func runningLine(t *keraslike.Training, logs keraslike.Logs, width int) string {
	head := fmt.Sprintf("epoch %d/%d ", t.Epoch, t.Epochs)
	endless := t.Steps == 0 && t.Step > 0
	done, left := steps(t, "/"), ""
	if !endless {
		done = fmt.Sprintf("%*s", 2*len(fmt.Sprint(t.Steps))+1, done)
		left = fmt.Sprintf("  %v left", timeLeft(t).Round(time.Second))
	}
	tail := func(unit string) string {
		return fmt.Sprintf(" %s  %s  %s%s/s%s", done, figures(logs), text.Thousands(int(terminal.PerSecond(t.Samples, t.Elapsed))), unit, left)
	}
	unit := " samples"
	if len(head)+len(tail(unit))+terminal.MinBar > width {
		unit = "" // the bar says more
	}
	if endless {
		return terminal.Cut(strings.TrimSpace(head)+" "+tail(unit), width)
	}
	return terminal.Bar(head, float64(t.Samples)/float64(max(1, t.Total)), tail(unit), width)
}

// timeLeft estimates the time for the rest of the training.
func timeLeft(t *keraslike.Training) time.Duration {
	if t.Samples == 0 {
		return 0
	}
	todo := t.Total - t.Samples + t.Total*(t.Epochs-t.Epoch)
	return time.Duration(float64(t.Elapsed) / float64(t.Samples) * float64(todo))
}

// epochLine describes a finished epoch. It omits the samples per second if the line would wrap
// on a terminal; columns is 0 without one.
func epochLine(t *keraslike.Training, logs keraslike.Logs, columns int) string {
	line := fmt.Sprintf("epoch %d/%d  %s  %.3g s", t.Epoch, t.Epochs, figures(logs), t.Elapsed.Seconds())
	rate := fmt.Sprintf(", %s samples/s", text.Thousands(int(terminal.PerSecond(t.Samples, t.Elapsed))))
	if columns > 0 && len(line)+len(rate) >= columns {
		return line
	}
	return line + rate
}

// figures formats the names and values of the logs, with those of validation in parentheses.
func figures(logs keraslike.Logs) string {
	var parts []string
	for _, l := range logs {
		if strings.HasPrefix(l.Name, "val_") {
			continue
		}
		part := fmt.Sprintf("%s %.4f", l.Name, l.Value)
		if v, ok := logs.Lookup("val_" + l.Name); ok {
			part += fmt.Sprintf(" (val %.4f)", v)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "  ")
}
