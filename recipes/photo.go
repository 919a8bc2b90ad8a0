// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
	"github.com/reef-dl/reef/viz/inspect"
)

// photo is a picture file to classify and explain.
type photo struct {
	name  string // without its folder
	path  string // for errors
	fsys  fs.FS
	image image.Image // as it is shown
}

// photoSide is the longer side of a photo as it is shown; more only adds to the size of the HTML report.
const photoSide = 640

// openPhoto reads a whole picture file, so that errors in it are found.
func openPhoto(path string) (*photo, error) {
	return newPhoto(os.DirFS(filepath.Dir(path)), filepath.Base(path), path)
}

func newPhoto(fsys fs.FS, name, path string) (p *photo, err error) {
	p = &photo{name: name, path: path, fsys: fsys}
	height, width, err := p.shownSize()
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err // the path is that of a file system nobody sees
	}
	if err != nil {
		return nil, fmt.Errorf("photo %s: %w", path, err)
	}
	v, err := p.at(height, width)
	if err != nil {
		return nil, err
	}
	if p.image, err = v.Image(); err != nil {
		return nil, fmt.Errorf("photo %s: %w", path, err)
	}
	return p, nil
}

// shownSize returns that of the file, or a smaller one with the same aspect ratio.
func (p *photo) shownSize() (height, width int, err error) {
	f, err := p.fsys.Open(p.name)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }() // only read
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return 0, 0, err
	}
	if longer := max(c.Height, c.Width); longer > photoSide {
		return max(1, c.Height*photoSide/longer), max(1, c.Width*photoSide/longer), nil
	}
	return c.Height, c.Width, nil
}

// at returns the photo in the size that a network takes, values from 0 to 1.
func (p *photo) at(height, width int) (viz.Volume, error) {
	a, err := datasets.LoadImage(p.fsys, p.name, datasets.ImageOptions{Height: height, Width: width, Filter: datasets.Bilinear})
	if err != nil {
		return viz.Volume{}, fmt.Errorf("photo %s: %w", p.path, err)
	}
	return viz.Volume{Height: height, Width: width, Channels: 3, Values: a.Data}, nil
}

// overlay draws the evidence for a class over the picture as it is shown.
func overlay(ctx context.Context, m *inspect.Model, shown image.Image, x viz.Volume, class int, method explain.Method) (*image.NRGBA, error) {
	heat, err := method.Explain(ctx, m, x, class)
	if err != nil {
		return nil, err
	}
	return viz.Overlay(shown, heat, 0.65)
}
