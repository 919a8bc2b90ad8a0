// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// each trains the variants that are asked for, in order, and joins their reports.
// When one fails or is interrupted, the report of what was trained comes with the
// error, which names the recipe.
func (o Options) each(recipe string, variants []string, train func(variant string) (*Report, error)) (*Report, error) {
	if o.Variant != "" {
		variants = []string{o.Variant}
	}
	var reports []*Report
	for i, v := range variants {
		if len(variants) > 1 {
			o.say("model %d of %d, %s:", i+1, len(variants), v)
		}
		r, err := train(v)
		if r != nil {
			reports = append(reports, r)
		}
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", recipe, err)
		if len(reports) == 0 {
			return nil, err
		}
		all := join(reports)
		if r == nil {
			all.Stopped = v + ": " + strings.TrimPrefix(err.Error(), recipe+": ")
		}
		if rest := variants[i+1:]; len(rest) > 0 {
			all.Stopped += "; not started: " + strings.Join(rest, ", ")
		}
		return all, err
	}
	return join(reports), nil
}

// join makes one report of the reports of several variants; a single one stays as it is.
func join(reports []*Report) *Report {
	if len(reports) == 1 {
		return reports[0]
	}
	r := *reports[0]
	r.Variant, r.Model, r.History, r.Variants = "", nil, nil, reports
	r.Metrics, r.Article, r.Seconds, r.Epochs, r.Parameters = Figures{}, Figures{}, 0, 0, 0
	r.Notes, r.Headlines, r.Pictures, r.Tables, r.seen = nil, nil, nil, nil, 0
	r.Planned = 0
	for _, v := range reports {
		for _, n := range v.Notes {
			if !slices.Contains(r.Notes, n) {
				r.Notes = append(r.Notes, n)
			}
		}
		r.Seconds += v.Seconds
		r.Epochs += v.Epochs
		r.Planned += cmp.Or(v.Planned, v.Epochs)
		if v.Stopped != "" {
			r.Stopped = v.Variant + ": " + v.Stopped
		}
		r.Parameters += v.Parameters
		r.seen += v.seen
		for name, value := range v.Metrics {
			r.Metrics[v.Variant+"/"+name] = value
		}
		for name, value := range v.Article {
			r.Article[v.Variant+"/"+name] = value
		}
		for _, name := range v.Headlines {
			r.Headlines = append(r.Headlines, v.Variant+"/"+name)
		}
	}
	if r.Stopped == "" {
		r.Planned = 0
	}
	if r.Seconds > 0 {
		r.SamplesPerSecond = math.Round(float64(r.seen) / r.Seconds)
	}
	return &r
}
