// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/terminal"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// compared is a trained model of a run under the name by which the user knows it.
type compared struct {
	name string
	*recipes.Report
}

// compare prints a table of runs, one column each: the settings that differ, the parameters,
// the time of an epoch, the best and the last value of each curve, all other figures, and the
// curves.
func compare(w io.Writer, paths []string) error {
	if len(paths) == 0 || strings.HasPrefix(paths[0], "-") {
		return cli.UsageError{Err: errNoRuns}
	}
	var runs []compared
	for _, path := range paths {
		r, err := recipes.ReadReport(path)
		if err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		name := strings.TrimSuffix(filepath.Clean(path), string(filepath.Separator)+"result.json")
		if len(r.Variants) == 0 {
			runs = append(runs, compared{name, r})
		}
		for _, v := range r.Variants {
			runs = append(runs, compared{filepath.Join(name, v.Variant), v})
		}
	}
	if len(runs) < 2 {
		return cli.Misuse("compare: want at least two runs, got %q alone", paths)
	}
	names := shorten(runs)
	width := cli.TextWidth(w)
	rows, shared := settingRows(runs)
	rows = append(rows, measuredRows(runs)...)
	if shared != "" {
		cli.Paragraph(w, "", "In common: "+shared+".", width)
		fmt.Fprintln(w)
	}
	grid(w, names, append(rows, curveRows(runs, width)...), width)
	return nil
}

// shorten leaves out the folders that all names begin with.
func shorten(runs []compared) (names []string) {
	common := strings.Split(runs[0].name, string(filepath.Separator))
	common = common[:len(common)-1]
	for _, r := range runs[1:] {
		parts := strings.Split(r.name, string(filepath.Separator))
		n := 0
		for n < len(common) && n < len(parts)-1 && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	prefix := strings.Join(common, string(filepath.Separator))
	for _, r := range runs {
		name := r.name
		if prefix != "" || len(common) > 0 {
			name = strings.TrimPrefix(name[len(prefix):], string(filepath.Separator))
		}
		names = append(names, name)
	}
	return names
}

// row is a line of the table: a label and a cell for each run.
type tableRow struct {
	label string
	cells []string
}

// settingRows returns the settings that differ, and names those that do not.
func settingRows(runs []compared) (rows []tableRow, shared string) {
	var common []string
	for _, s := range []struct {
		name string
		of   func(r compared) string
	}{
		{"recipe", func(r compared) string { return r.Recipe }},
		{"variant", func(r compared) string { return r.Variant }},
		{"data", func(r compared) string { return r.Data }},
		{"base", func(r compared) string { return r.Base }},
		{"seed", func(r compared) string { return fmt.Sprint(r.Seed) }},
		{"batch", func(r compared) string { return text.Thousands(r.Batch) }},
		{"training samples", func(r compared) string { return text.Thousands(r.TrainSamples) }},
		{"test samples", func(r compared) string { return text.Thousands(r.TestSamples) }},
		{"epochs", epochsOf},
		{"parameters", func(r compared) string { return text.Thousands(r.Parameters) }},
	} {
		row := tableRow{label: s.name}
		for _, r := range runs {
			row.cells = append(row.cells, s.of(r))
		}
		switch first := row.cells[0]; {
		case !slices.ContainsFunc(row.cells, func(c string) bool { return c != first }):
			if first != "" && first != "0" {
				common = append(common, s.name+" "+first)
			}
		default:
			rows = append(rows, row)
		}
	}
	return rows, strings.Join(common, ", ")
}

func epochsOf(r compared) string {
	if r.Stopped != "" {
		return fmt.Sprintf("%d of %d, stopped", r.Epochs, r.Planned)
	}
	return text.Thousands(r.Epochs)
}

// measuredRows returns the time of an epoch, the best and last values of the curves and the
// figures that are not from a curve.
func measuredRows(runs []compared) (rows []tableRow) {
	row := tableRow{label: "time of an epoch"}
	for _, r := range runs {
		row.cells = append(row.cells, epochTime(r))
	}
	rows = append(rows, row)
	curves := curveNames(runs)
	for _, name := range curves {
		best, last := tableRow{label: name + ", best"}, tableRow{label: name + ", last"}
		for _, r := range runs {
			b, l := extremes(r, name)
			best.cells, last.cells = append(best.cells, b), append(last.cells, l)
		}
		rows = append(rows, best, last)
	}
	for _, name := range figureNames(runs) {
		if slices.Contains(curves, name) || slices.Contains(curves, strings.TrimPrefix(name, "best_")) {
			continue
		}
		row := tableRow{label: name}
		for _, r := range runs {
			row.cells = append(row.cells, figure(r.Metrics, name))
		}
		rows = append(rows, row)
	}
	return rows
}

// number has four decimals, or an exponent where these would be zeros.
func number(v float64) string {
	if v != 0 && math.Abs(v) < 0.0005 {
		return fmt.Sprintf("%.1e", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// extremes returns the best value of a curve, with its epoch, and the last one.
func extremes(r compared, name string) (best, last string) {
	at, value := bestOf(r, name)
	if at == 0 {
		return "-", "-"
	}
	return fmt.Sprintf("%s (%d)", number(value), at), number(r.History.Last(name))
}

// epochTime is the median, since the first epoch is slower than the others.
func epochTime(r compared) string {
	if r.History == nil || len(r.History.Seconds) == 0 {
		return "-"
	}
	s := slices.Sorted(slices.Values(r.History.Seconds))
	return fmt.Sprintf("%.3g s", s[len(s)/2])
}

// curveNames returns the names of all curves, in the order of the first run that has them.
func curveNames(runs []compared) (names []string) {
	for _, r := range runs {
		if r.History == nil {
			continue
		}
		for _, name := range r.History.Names() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// figureNames returns the names of all figures in order.
func figureNames(runs []compared) (names []string) {
	for _, r := range runs {
		for name := range r.Metrics {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// bestOf returns the best value of a curve and its epoch, which is 0 if there is none.
func bestOf(r compared, name string) (epoch int, value float64) {
	if r.History == nil {
		return 0, 0
	}
	smaller, _ := recipes.SmallerIsBetter(name)
	for i, v := range r.History.Get(name) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if epoch == 0 || smaller && v < value || !smaller && v > value {
			epoch, value = i+1, v
		}
	}
	return epoch, value
}

// curveRows returns a spark line for each curve.
func curveRows(runs []compared, width int) (rows []tableRow) {
	cell := max(8, min(24, width/(len(runs)+1)-2))
	for _, name := range curveNames(runs) {
		row := tableRow{label: name}
		for _, r := range runs {
			spark := "-"
			if r.History != nil && len(r.History.Get(name)) > 0 {
				spark = terminal.Spark(r.History.Get(name), cell, terminal.UTF8())
			}
			row.cells = append(row.cells, spark)
		}
		rows = append(rows, row)
	}
	return rows
}

// grid prints the rows with right-aligned cells; columns that do not fit into the width follow
// in further tables.
func grid(w io.Writer, names []string, rows []tableRow, width int) {
	label := 0
	for _, r := range rows {
		label = max(label, utf8.RuneCountInString(r.label))
	}
	rows = append([]tableRow{{"", names}}, rows...)
	for first := 0; first < len(names); {
		widths := columnWidths(rows, first, width-label)
		line := func(name string, cells []string) {
			fmt.Fprint(w, pad(name, -label))
			for i, n := range widths {
				fmt.Fprint(w, "  ", pad(cells[first+i], n))
			}
			fmt.Fprintln(w)
		}
		if first > 0 {
			fmt.Fprintln(w)
		}
		for _, r := range rows {
			line(r.label, r.cells)
		}
		first += len(widths)
	}
}

// columnWidths returns the widths of as many columns as fit, at least one.
func columnWidths(rows []tableRow, first, width int) (widths []int) {
	for c := first; c < len(rows[0].cells); c++ {
		n := 0
		for _, r := range rows {
			n = max(n, utf8.RuneCountInString(r.cells[c]))
		}
		if width -= 2 + n; width < 0 && c > first {
			break
		}
		widths = append(widths, n)
	}
	return widths
}

// pad fills a text with blanks before it, or behind it if the width is negative.
func pad(s string, width int) string {
	blanks := strings.Repeat(" ", max(0, max(width, -width)-utf8.RuneCountInString(s)))
	if width < 0 {
		return s + blanks
	}
	return blanks + s
}

var errNoRuns = errors.New("compare: want the folders of at least two runs, as in: recipe compare runs/mnist runs/mnistcnn")
