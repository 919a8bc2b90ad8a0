// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/recipes"
)

// describe explains a recipe: its data, the layers of its models, what to expect and to try.
func describe(w io.Writer, r recipes.Recipe, variant string) error {
	width, lesson := cli.TextWidth(w), r.Lesson()
	fmt.Fprintf(w, "%s: %s\n\n", r.Name, r.Title)
	cli.Paragraph(w, "", "It is about "+lesson.Teaches+".", width)
	fmt.Fprintln(w)
	cli.Paragraph(w, "", "Data. "+lesson.Data, width)
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
	cli.Paragraph(w, "", "Expect. "+lesson.Expect, width)
	cli.Paragraph(w, "", fmt.Sprintf("The whole command takes about %v on the sample and %v on the full data, on two cores.", lesson.Took[0], lesson.Took[1]), width)
	fmt.Fprintf(w, "\nTry next:\n")
	for _, next := range lesson.Next {
		lines := strings.Split(cli.Wrap(next, width-4), "\n")
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
		cli.Paragraph(w, "", m.Why, width)
	}
	cli.Paragraph(w, "", size+".", width)
	fmt.Fprintln(w)
	key := fmt.Sprint(layers)
	if before, ok := seen[key]; ok {
		cli.Paragraph(w, "  ", "The layers are those of "+before+".", width)
	} else {
		seen[key] = strings.Join(m.Variants, ", ")
		for _, l := range layers {
			describeLayer(w, l, width)
		}
	}
	fmt.Fprintln(w)
	cli.Paragraph(w, "", "Training. "+m.Training, width)
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
		cli.Paragraph(w, "  ", line, width)
	}
	cli.Paragraph(w, "      ", l.Text, width)
}

// list prints the recipes as a table, with what they teach and how long they take.
func list(w io.Writer) {
	width := cli.TextWidth(w)
	name, sample, full := len("recipe"), len("sample"), len("full")
	for _, r := range recipes.All() {
		took := r.Lesson().Took
		name, sample, full = max(name, len(r.Name)), max(sample, len(took[0].String())), max(full, len(took[1].String()))
	}
	indent := strings.Repeat(" ", name+sample+full+6)
	row := func(a, b, c, d string) {
		lines := strings.Split(cli.Wrap(d, width-len(indent)), "\n")
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
	cli.Paragraph(w, "", "Times are of the whole command on two cores, all variants in turn: on the embedded sample (-data sample) and on the full data. -describe RECIPE explains one, -name RECIPE runs it.", width)
}
