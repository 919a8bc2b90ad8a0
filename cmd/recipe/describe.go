// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/terminal"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// widest is the longest line of text that is pleasant to read.
const widest = 100

// textWidth returns how wide text for w is: as the terminal, between 40 and 100 columns, or 80.
func textWidth(w io.Writer) int {
	columns := terminal.NewLine(w).Columns()
	if columns == 0 {
		columns = 80
	}
	return max(40, min(widest, columns-1))
}

// paragraph wraps a text with an indent before each line.
func paragraph(w io.Writer, indent, s string, width int) {
	for line := range strings.SplitSeq(wrap(s, width-len(indent)), "\n") {
		fmt.Fprintln(w, indent+line)
	}
}

// describe explains a recipe: its data, the layers of its models, what to expect and to try.
func describe(w io.Writer, r recipes.Recipe, variant string) error {
	width, lesson := textWidth(w), r.Lesson()
	fmt.Fprintf(w, "%s: %s\n\n", r.Name, r.Title)
	paragraph(w, "", "It is about "+lesson.Teaches+".", width)
	fmt.Fprintln(w)
	paragraph(w, "", "Data. "+lesson.Data, width)
	models := lesson.Models
	if variant != "" {
		models = []recipes.ModelLesson{lesson.Model(variant)}
	}
	seen := map[string]string{}
	for _, m := range models {
		if err := describeModel(w, m, seen, width); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	paragraph(w, "", "Expect. "+lesson.Expect, width)
	paragraph(w, "", fmt.Sprintf("The whole command takes about %v on the sample and %v on the full data, on two cores.", lesson.Took[0], lesson.Took[1]), width)
	fmt.Fprintf(w, "\nTry next:\n")
	for _, next := range lesson.Next {
		lines := strings.Split(wrap(next, width-4), "\n")
		fmt.Fprintln(w, "  * "+strings.Join(lines, "\n    "))
	}
	return nil
}

// describeModel explains a model. One whose layers have been explained already is referred to.
func describeModel(w io.Writer, m recipes.ModelLesson, seen map[string]string, width int) error {
	model, layers, err := m.Explain()
	if err != nil {
		return err
	}
	all, trainable := model.Parameters()
	title := "Model"
	if len(m.Variants) > 0 {
		title += " of " + strings.Join(m.Variants, ", ")
	}
	size := text.Count(all, "parameter")
	if trainable < all {
		size += fmt.Sprintf(", %s of them trainable", text.Thousands(trainable))
	}
	fmt.Fprintf(w, "\n%s\n%s\n", title, strings.Repeat("-", len(title)))
	if m.Why != "" {
		paragraph(w, "", m.Why, width)
	}
	paragraph(w, "", size+".", width)
	fmt.Fprintln(w)
	key := fmt.Sprint(layers)
	if before, ok := seen[key]; ok {
		paragraph(w, "  ", "The layers are those of "+before+".", width)
	} else {
		seen[key] = strings.Join(m.Variants, ", ")
		for _, l := range layers {
			describeLayer(w, l, width)
		}
	}
	fmt.Fprintln(w)
	paragraph(w, "", "Training. "+m.Training, width)
	return nil
}

func describeLayer(w io.Writer, l recipes.ExplainedLayer, width int) {
	line := l.Path
	if !slices.Contains([]string{"Input", ""}, l.Kind) {
		line += " (" + l.Kind + ")"
	}
	line += "  " + l.Out
	if l.In != "" && l.In != l.Out {
		line = strings.TrimSuffix(line, l.Out) + l.In + " -> " + l.Out
	}
	if l.Parameters > 0 {
		line += "  " + text.Count(l.Parameters, "parameter")
	}
	if l.Frozen {
		line += ", frozen"
	}
	if len(line)+2 <= width {
		fmt.Fprintln(w, "  "+line)
	} else {
		paragraph(w, "  ", line, width)
	}
	paragraph(w, "      ", l.Text, width)
}

// list prints the recipes as a table, with what they teach and how long they take.
func list(w io.Writer) {
	width := textWidth(w)
	name, sample, full := len("recipe"), len("sample"), len("full")
	for _, r := range recipes.All() {
		took := r.Lesson().Took
		name, sample, full = max(name, len(r.Name)), max(sample, len(took[0].String())), max(full, len(took[1].String()))
	}
	indent := strings.Repeat(" ", name+sample+full+6)
	row := func(a, b, c, d string) {
		lines := strings.Split(wrap(d, width-len(indent)), "\n")
		fmt.Fprintf(w, "%-*s  %*s  %*s  %s\n", name, a, sample, b, full, c, strings.Join(lines, "\n"+indent))
	}
	row("recipe", "sample", "full", "what it teaches")
	for _, r := range recipes.All() {
		l := r.Lesson()
		row(r.Name, l.Took[0].String(), l.Took[1].String(), l.Teaches)
		if len(r.Variants) > 0 {
			row("", "", "", "variants: "+strings.Join(r.Variants, ", "))
		}
	}
	fmt.Fprintln(w)
	paragraph(w, "", "Times are of the whole command on two cores, all variants in turn: on the embedded sample (-data sample) and on the full data. -describe RECIPE explains one, -name RECIPE runs it.", width)
}
