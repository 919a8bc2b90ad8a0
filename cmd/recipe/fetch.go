// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
)

// sets are the data sets that -fetch names. Weights of networks are fetched by name only:
// the recipes do without.
func sets(name string) ([]string, error) {
	var all []string
	for _, s := range datasets.Sets() {
		all = append(all, s.Name)
	}
	if name == "all" {
		return all, nil
	}
	for _, s := range datasets.Weights() {
		all = append(all, s.Name)
	}
	if !slices.Contains(all, name) {
		return nil, fmt.Errorf("-fetch %q: want all or one of: %s%s", name, strings.Join(all, ", "), text.Meant(name, append(all, "all")...))
	}
	return []string{name}, nil
}

// download fills the cache. One set that cannot be had does not keep the others
// away; all errors come together at the end, with what else there is to do.
func (o *options) download(ctx context.Context, stdout, stderr io.Writer) error {
	display := newDisplay(stderr, o.quiet)
	var mistakes []error
	for _, name := range o.fetch {
		origin, err := datasets.Fetch(ctx, name, datasets.From{Progress: display.download})
		display.line.Erase()
		if ctx.Err() != nil {
			return errors.Join(append(mistakes, ctx.Err())...)
		}
		if err != nil {
			mistakes = append(mistakes, err)
			display.say(name + ": not downloaded")
			continue
		}
		fmt.Fprintln(stdout, origin)
	}
	if len(mistakes) == 0 {
		return nil
	}
	display.say("The next -fetch resumes where this one stopped. Files from elsewhere can be put into $REEF_DATA, a folder with\n" +
		"one folder for each set; $REEF_MIRROR may name a server that has such folders.")
	return fmt.Errorf("-fetch: %d of %d sets could not be downloaded\n%w", len(mistakes), len(o.fetch), errors.Join(mistakes...))
}
