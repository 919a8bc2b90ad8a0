// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/terminal"
)

// display shows downloads, on a terminal as a line that is redrawn, and messages between
// training runs, which callbacks.Progress shows.
type display struct {
	w     io.Writer
	quiet bool
	line  *terminal.Line
	file  string    // being downloaded
	began time.Time // when its download began
}

func newDisplay(w io.Writer, quiet bool) *display {
	return &display{w: w, quiet: quiet, line: terminal.NewLine(w)}
}

// say shows a message between training runs.
func (d *display) say(line string) {
	if !d.quiet {
		d.line.Erase()
		if d.line.Columns() > 0 { // a log has one line for each message
			line = cli.Wrap(line, cli.TextWidth(d.w))
		}
		fmt.Fprintln(d.w, line)
	}
}

// download shows the progress of a download.
func (d *display) download(p datasets.Progress) {
	if d.quiet {
		return
	}
	if p.File != d.file {
		d.line.Erase()
		d.file, d.began = p.File, time.Now()
		if d.line.Columns() == 0 {
			fmt.Fprintf(d.w, "downloading %s/%s\n", p.Set, p.File)
		}
	}
	d.line.Draw(func(width int) string { return downloadLine(p, time.Since(d.began), width) })
	if p.Done == p.Total {
		d.line.Erase()
	}
}

// downloadLine describes the state of a download in at most width characters.
func downloadLine(p datasets.Progress, elapsed time.Duration, width int) string {
	const mega = 1e6
	head := fmt.Sprintf("downloading %s/%s ", p.Set, p.File)
	rate := terminal.PerSecond(int(p.Done), elapsed)
	if p.Total <= 0 {
		return terminal.Cut(fmt.Sprintf("%s %.1f MB  %.1f MB/s", head, float64(p.Done)/mega, rate/mega), width)
	}
	left := "?"
	if rate > 0 {
		left = time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second)).Round(time.Second).String()
	}
	tail := fmt.Sprintf(" %.1f/%.1f MB  %.1f MB/s  %s left", float64(p.Done)/mega, float64(p.Total)/mega, rate/mega, left)
	return terminal.Bar(head, float64(p.Done)/float64(p.Total), tail, width)
}
