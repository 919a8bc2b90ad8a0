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

// sets returns the names of the sets to download. Pretrained weights are downloaded only by
// name, since the recipes do not require them.
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

// download fills the cache. If a set fails, the others are still downloaded; all errors are
// reported at the end, with what else the user can do.
func download(ctx context.Context, names []string, quiet bool, stdout, stderr io.Writer) error {
	display := newDisplay(stderr, quiet)
	var failures []error
	for _, name := range names {
		origin, err := datasets.Fetch(ctx, name, datasets.From{Progress: display.download})
		display.line.Erase()
		if ctx.Err() != nil {
			return errors.Join(append(failures, ctx.Err())...)
		}
		if err != nil {
			failures = append(failures, err)
			display.say(name + ": not downloaded")
			continue
		}
		fmt.Fprintln(stdout, origin)
	}
	if len(failures) == 0 {
		return nil
	}
	display.say("Another -fetch resumes the downloads. Or copy the files of a set to $REEF_DATA/SET, or set\n" +
		"$REEF_MIRROR to the URL of a server that has a folder for each set.")
	return fmt.Errorf("-fetch: %d of %d sets could not be downloaded\n%w", len(failures), len(names), errors.Join(failures...))
}
