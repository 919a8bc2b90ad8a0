// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"testing"

	"github.com/reef-dl/reef/datasets"
)

// TestRegistry: every recipe can be found, names its data set and its variants
// once each.
func TestRegistry(t *testing.T) {
	for _, r := range All() {
		found, err := Find(r.Name)
		if err != nil || found.Title != r.Title || r.Run == nil || r.Title == "" {
			t.Errorf("%q: found %+v (%v)", r.Name, found, err)
		}
		if _, err := datasets.Find(r.Set); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		seen := map[string]bool{}
		for _, v := range r.Variants {
			if seen[v] {
				t.Errorf("%s has variant %q twice", r.Name, v)
			}
			seen[v] = true
		}
	}
	if _, err := Find("pigeons"); err == nil {
		t.Error("found a recipe that is none")
	}
}
