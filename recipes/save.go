// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/inspect"
)

// label gives the model what serving it takes: the preprocessor of its input, the names of its
// classes, and as metadata where it comes from: "recipe", "variant", "data", "seed", "epochs",
// "input" (Takes), "output" and "figures".
func (r *Report) label() error {
	var errs []error
	if r.Input != nil {
		errs = append(errs, r.Model.SetPreprocessor(0, r.Input))
	}
	if len(r.Classes) > 0 {
		errs = append(errs, r.Model.SetClasses(0, r.Classes...))
	}
	for key, value := range map[string]any{"recipe": r.Recipe, "data": r.Data, "seed": r.Seed, "epochs": r.Epochs, "figures": r.Metrics} {
		errs = append(errs, r.Model.SetMetadata(key, value))
	}
	for key, value := range map[string]string{"variant": r.Variant, "base": r.Base, "input": r.Takes} {
		if value != "" {
			errs = append(errs, r.Model.SetMetadata(key, value))
		}
	}
	if r.Output != nil {
		errs = append(errs, r.Model.SetMetadata("output", r.Output))
	}
	return errors.Join(errs...)
}

// Save writes the model, the history, the drawings of the graph and the report
// into a folder: model.safetensors with what serving it takes, history.csv, graph.dot, graph.svg,
// graph-ops.dot and result.json, the curves and the recipe's own pictures as PNG
// and SVG, and report.html. Several variants get a folder each, with result.json,
// report.html and the common pictures above them. A recipe that trains nothing writes
// no model and no history, and one that has diverged no model, which is an error once
// everything else is written. Files of another run are moved into the folder
// "earlier", so that they do not look current. Each file is replaced as a whole.
func (r *Report) Save(dir string) (files []string, err error) {
	if err := Writable(dir); err != nil {
		return nil, err
	}
	if err := r.retire(dir); err != nil {
		return nil, err
	}
	var unsaved error // a model that has diverged; the rest of its run is worth keeping
	for _, v := range r.Variants {
		more, err := v.Save(filepath.Join(dir, v.Variant))
		if files = append(files, more...); err != nil && v.Stopped == "" {
			return files, err
		}
		unsaved = cmp.Or(unsaved, err)
	}
	list := []output{{"result.json", r.WriteJSON}, {"report.html", r.WriteHTML}}
	if r.History != nil {
		if err := r.label(); err != nil {
			return files, err
		}
		model := filepath.Join(dir, "model.safetensors")
		if unsaved = r.Model.Save(model, k.WithOptimizer); unsaved == nil {
			files = append(files, model)
		} else if r.Stopped == "" {
			return files, unsaved
		}
	}
	if len(r.Variants) == 0 {
		list = append(r.outputs(), list...)
	}
	for _, f := range list {
		path := filepath.Join(dir, f.name)
		if err := WriteFile(path, f.write); err != nil {
			return files, err
		}
		files = append(files, path)
	}
	more, err := r.savePictures(dir)
	return append(files, more...), cmp.Or(err, unsaved)
}

// savePictures draws as many pictures concurrently as there are processors.
func (r *Report) savePictures(dir string) (files []string, err error) {
	var list []output
	for _, p := range r.Pictures {
		list = append(list, p.outputs()...)
	}
	errs := make([]error, len(list))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				errs[i] = WriteFile(filepath.Join(dir, list[i].name), list[i].write)
			}
		})
	}
	wg.Wait()
	for i, f := range list {
		if errs[i] == nil {
			files = append(files, filepath.Join(dir, f.name))
		}
	}
	return files, errors.Join(errs...)
}

type output struct {
	name  string
	write func(io.Writer) error
}

// outputs returns the files of one model beside its weights.
func (r *Report) outputs() []output {
	list := []output{
		{"graph.dot", r.Model.WriteDOT},
		{"graph.svg", func(w io.Writer) error {
			f, err := inspect.Layers(r.Model)
			if err != nil {
				return err
			}
			return f.WriteSVG(w, viz.Light)
		}},
		{"graph-ops.dot", func(w io.Writer) error { return r.Model.WriteOpsDOT(w, max(1, r.Batch)) }},
	}
	if r.History != nil {
		list = append(list, output{"history.csv", r.History.WriteCSV})
	}
	if r.History != nil && r.History.Epochs() > 0 {
		list = append(list,
			output{"curves.png", func(w io.Writer) error {
				f, err := r.curves()
				if err != nil {
					return err
				}
				return f.WritePNG(w, viz.Light)
			}},
			output{"curves.svg", func(w io.Writer) error {
				f, err := r.curves()
				if err != nil {
					return err
				}
				return f.WriteSVG(w, viz.Light)
			}})
	}
	return list
}

// outputs writes the picture in both formats.
func (p Picture) outputs() []output {
	return []output{
		{p.Name + ".png", func(w io.Writer) error { return p.Figure.WritePNG(w, viz.Light) }},
		{p.Name + ".svg", func(w io.Writer) error { return p.Figure.WriteSVG(w, viz.Light) }},
	}
}

// earlierFolder takes the files of an earlier run.
const earlierFolder = "earlier"

// ReadReport reads the report of a run from its folder, or from the file result.json in it, as
// far as it was saved: figures, settings and curves, but no models and pictures.
func ReadReport(path string) (*Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "result.json")
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no report of a run: %w", path, err)
	} else if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: no report of a run: %w", path, err)
	}
	if r.Recipe == "" {
		return nil, fmt.Errorf("%s: no report of a run: it names no recipe", path)
	}
	return &r, nil
}

// retire moves the files of an earlier run that this one does not replace into the
// folder "earlier", so that they are not mistaken for this run's: all files of another recipe
// or variant, else the pictures and variants that this run does not have. An older file
// of the same name there is replaced. Files that no run wrote stay where they are.
func (r *Report) retire(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if os.IsNotExist(err) {
		return nil
	}
	var old Report
	if err != nil || json.Unmarshal(b, &old) != nil || old.Recipe == "" {
		return nil // not written by a run
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
		if err := r.move(from, to); err != nil {
			return fmt.Errorf("output folder: %w", err)
		}
	}
	return nil
}

// move moves a file or folder; a resumed run removes it instead, since it is what the run
// itself left when it was interrupted.
func (r *Report) move(from, to string) error {
	if r.resumed {
		return os.RemoveAll(from)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// names returns the files and folders that Save writes, or may have written for a
// report that was read back.
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
