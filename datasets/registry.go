// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/fetch"
)

// samples holds the embedded samples, each with a README that gives its origin and terms.
//
//go:embed samples
var samples embed.FS

// Set describes a data set: what it is, who publishes it and which files it consists of.
type Set struct {
	Name      string
	Folder    string // in $REEF_DATA and in the cache
	Title     string
	Publisher string // web page
	License   string
	Sample    string // what the embedded sample holds
	files     []file
	// excerpt is a pattern for files that hold a part of the set, empty if there are none.
	// An excerpt in $REEF_DATA is preferred to downloading the whole set.
	excerpt string
}

// file is one published file of a set.
type file struct {
	Name   string
	Also   []string // other names that a user's copy may have
	URLs   []string // publisher first, then mirrors
	SHA256 string   // of the file; empty if nobody publishes it
	Size   int64    // bytes
	check  func(path string) error
}

// published is the file as the downloader needs it.
func (f file) published() fetch.File {
	return fetch.File{Name: f.Name, URLs: f.URLs, SHA256: f.SHA256, Size: f.Size, Check: f.check}
}

// sets and weights are filled by register and registerWeights: each data set is described
// in the file that reads it.
var sets, weights []*Set

func register(s Set) *Set {
	sets = append(sets, &s)
	return &s
}

func registerWeights(s Set) *Set {
	weights = append(weights, &s)
	return &s
}

// Sets lists the data sets, sorted by name.
func Sets() []Set { return sorted(sets) }

// Weights lists the published weights of networks, sorted by name. They are found and
// downloaded like data sets, but have no sample.
func Weights() []Set { return sorted(weights) }

func sorted(list []*Set) []Set {
	out := make([]Set, 0, len(list))
	for _, s := range list {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Set) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// lookup finds a set by name; the error lists the names there are.
func lookup(name string, lists ...[]*Set) (*Set, error) {
	for _, s := range slices.Concat(lists...) {
		if s.Name == name {
			return s, nil
		}
	}
	var names []string
	for _, s := range Sets() {
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("data set %q: unknown, want one of %s", name, strings.Join(names, ", "))
}
