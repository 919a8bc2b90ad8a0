// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// earlierFolder holds what an earlier run left in a folder.
const earlierFolder = "earlier"

// retire moves what an earlier run left in the folder and this one does not replace
// into the folder "earlier" in it, where nobody takes it for this run's: all of
// another recipe's or another variant's, else the pictures and variants that this run
// does not have. An older file of the same name there is replaced. Files that no run
// left stay where they are.
func (r *Report) retire(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if os.IsNotExist(err) {
		return nil
	}
	var old Report
	if err != nil || json.Unmarshal(b, &old) != nil || old.Recipe == "" {
		return nil // no run's
	}
	var keep []string
	if old.Recipe == r.Recipe && old.Variant == r.Variant && (len(old.Variants) > 0) == (len(r.Variants) > 0) {
		keep = r.names()
	}
	for _, name := range old.names() {
		if slices.Contains(keep, name) {
			continue
		}
		from, to := filepath.Join(dir, name), filepath.Join(dir, earlierFolder, name)
		if _, err := os.Stat(from); err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("output folder: %w", err)
		}
		if err := os.RemoveAll(to); err != nil {
			return fmt.Errorf("output folder: %w", err)
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("output folder: %w", err)
		}
	}
	return nil
}

// names are the files and folders that Save leaves, or may have left for a report that
// was read back.
func (r *Report) names() []string {
	list := []string{"result.json", "report.html"}
	for _, v := range r.Variants {
		if v.Variant == filepath.Base(v.Variant) && v.Variant != "." && v.Variant != ".." {
			list = append(list, v.Variant)
		}
	}
	if len(r.Variants) == 0 {
		list = append(list, "model.safetensors", "history.csv", "curves.png", "curves.svg", "graph.dot", "graph.svg", "graph-ops.dot")
	}
	for _, p := range r.Pictures {
		if p.Name == filepath.Base(p.Name) {
			list = append(list, p.Name+".png", p.Name+".svg")
		}
	}
	return list
}
