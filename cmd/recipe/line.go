// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
)

// The widths of the bar; it is the first to go where there is little room.
const (
	narrowBar = 8
	wideBar   = 24
)

// trainingLine is the state of an epoch in at most room characters:
//
//	epoch 2/5 [####----] 118/469  loss 0.4799  accuracy 0.8596  20,173 samples/s  17s left
//
// The time is what is left of the whole training.
func trainingLine(t *keraslike.Training, room int) string {
	left := time.Duration(0)
	if t.Samples > 0 {
		todo := t.Total - t.Samples + t.Total*(t.Epochs-t.Epoch)
		left = time.Duration(float64(t.Elapsed) / float64(t.Samples) * float64(todo))
	}
	head := fmt.Sprintf("epoch %d/%d ", t.Epoch, t.Epochs)
	digits := len(fmt.Sprint(t.Steps))
	tail := func(unit string) string {
		return fmt.Sprintf(" %*d/%d  %s  %s%s/s  %v left", digits, t.Step, t.Steps, figures(t.Logs), text.Thousands(int(perSecond(t.Samples, t.Elapsed))), unit, left.Round(time.Second))
	}
	unit := " samples"
	if len(head)+len(tail(unit))+narrowBar+len("[]") > room {
		unit = "" // the bar says more
	}
	return fit(head, float64(t.Samples)/float64(max(1, t.Total)), tail(unit), room)
}

// epochLine is what an epoch came to:
//
//	epoch 2/5  loss 0.2685 (val 0.2812)  accuracy 0.9217 (val 0.9102)  2.8 s, 21,272 samples/s
//
// The rate goes where it would wrap on a terminal; columns is 0 where there is none.
func epochLine(t *keraslike.Training, columns int) string {
	line := fmt.Sprintf("epoch %d/%d  %s  %.3g s", t.Epoch, t.Epochs, figures(t.Logs), t.Elapsed.Seconds())
	rate := fmt.Sprintf(", %s samples/s", text.Thousands(int(perSecond(t.Samples, t.Elapsed))))
	if columns > 0 && len(line)+len(rate) >= columns {
		return line
	}
	return line + rate
}

// figures are the logs' names and values, those of validation in brackets.
func figures(logs keraslike.Logs) string {
	var parts []string
	for _, l := range logs {
		if strings.HasPrefix(l.Name, "val_") {
			continue
		}
		part := fmt.Sprintf("%s %.4f", l.Name, l.Value)
		if v, ok := logs.Get("val_" + l.Name); ok {
			part += fmt.Sprintf(" (val %.4f)", v)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "  ")
}

// downloadLine is the state of a download in at most room characters.
func downloadLine(p datasets.Progress, elapsed time.Duration, room int) string {
	const mega = 1e6
	head := fmt.Sprintf("downloading %s/%s ", p.Set, p.File)
	rate := perSecond(int(p.Done), elapsed)
	if p.Total <= 0 {
		return cut(fmt.Sprintf("%s %.1f MB  %.1f MB/s", head, float64(p.Done)/mega, rate/mega), room)
	}
	left := "?"
	if rate > 0 {
		left = time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second)).Round(time.Second).String()
	}
	tail := fmt.Sprintf(" %.1f/%.1f MB  %.1f MB/s  %s left", float64(p.Done)/mega, float64(p.Total)/mega, rate/mega, left)
	return fit(head, float64(p.Done)/float64(p.Total), tail, room)
}

// fit puts a bar between head and tail, as wide as there is room for.
func fit(head string, done float64, tail string, room int) string {
	width := min(wideBar, room-len(head)-len(tail)-len("[]"))
	if width < narrowBar {
		return cut(strings.TrimSpace(head)+" "+tail, room)
	}
	full := min(width, int(done*float64(width)))
	return head + "[" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "]" + tail
}

func cut(line string, room int) string { return line[:max(0, min(len(line), room))] }

func perSecond(n int, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}
