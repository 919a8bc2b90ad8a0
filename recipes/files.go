// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/internal/wholefile"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// Save writes the model, the history, the drawings of the graph and the report
// into a folder: model.safetensors, history.csv, graph.dot, graph.svg,
// graph-ops.dot and result.json, the curves and the recipe's own pictures as PNG
// and SVG, and report.html. A story gets a folder for each variant, and
// result.json, report.html and its own pictures for all. A recipe that trains
// nothing leaves no model and no history, and one that has diverged no model, which is an
// error once all else is written. What another run left there is moved into the
// folder "earlier", so that it does not look current.
// Each file is written beside its place and renamed.
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
		model := filepath.Join(dir, "model.safetensors")
		if unsaved = r.Model.Save(model, keraslike.WithOptimizer); unsaved == nil {
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

// savePictures draws as many pictures at once as there are processors.
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

// outputs are what one model leaves beside its weights.
func (r *Report) outputs() []output {
	list := []output{
		{"graph.dot", r.Model.WriteDOT},
		{"graph.svg", func(w io.Writer) error {
			f, err := r.layers()
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

// Writable makes the folder if need be and proves that files can be made in it.
func Writable(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		probe := filepath.Join(dir, ".writable")
		err = wholefile.Write(probe, func(w io.Writer) error {
			_, err := w.Write(make([]byte, 4096)) // a full disk shows here
			return err
		})
		if err == nil {
			if err = os.Remove(probe); errors.Is(err, fs.ErrNotExist) {
				err = nil // another process has just proved the same
			}
		}
	}
	if err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	return nil
}

// WriteFile writes a file beside its place and renames it, so that path holds
// either what it held before or the whole new content.
func WriteFile(path string, write func(io.Writer) error) error {
	if err := wholefile.Write(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
