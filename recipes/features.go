// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// features are what a pretrained network saw in the pictures of a data set.
type features struct {
	train, validation, test keraslike.Source
}

// atOnce is how many pictures are looked at together, which bounds the memory.
const atOnce = 32

// extract lets the network look at every picture, or reads what it saw another time.
func (c *catsDogs) extract(ctx context.Context, extractor *keraslike.Model, t training) (*features, error) {
	f := &features{}
	for _, part := range []struct {
		from keraslike.Source
		to   *keraslike.Source
	}{{t.train, &f.train}, {t.validation, &f.validation}, {t.test, &f.test}} {
		pictures := part.from.(*datasets.ImageFolder)
		x, err := c.look(ctx, extractor, pictures)
		if err != nil {
			return nil, err
		}
		classes, err := datasets.Classes(pictures)
		if err != nil {
			return nil, err
		}
		labels, err := keraslike.Column(classes)
		if err != nil {
			return nil, err
		}
		if *part.to, err = keraslike.Data(x, labels); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// look is the model's output for every picture: what was kept on disk, else computed
// and kept. Where nothing can be kept that is no mistake, only slower the next time.
func (c *catsDogs) look(ctx context.Context, m *keraslike.Model, pictures *datasets.ImageFolder) (*keraslike.Array, error) {
	path, err := featureFile(m, pictures)
	if err != nil {
		return nil, err
	}
	if x := readFeatures(path, pictures.Len()); x != nil {
		return x, nil
	}
	c.o.say("%s go through %s once", text.Count(pictures.Len(), c.pictured()), c.base.title)
	x, err := predictAll(ctx, m, pictures)
	if err != nil {
		return nil, err
	}
	if err := writeFeatures(path, x); err != nil {
		c.o.say("%v", err)
	}
	return x, nil
}

// predictAll is the model's output for every picture.
func predictAll(ctx context.Context, m *keraslike.Model, pictures datasets.Source) (*keraslike.Array, error) {
	var all []float32
	n := pictures.Len()
	for first := 0; first < n; first += atOnce {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", keraslike.ErrInterrupted, ctx.Err())
		}
		some, err := datasets.Range(pictures, first, min(first+atOnce, n))
		if err != nil {
			return nil, err
		}
		out, err := m.PredictSource(ctx, some)
		if err != nil {
			return nil, err
		}
		all = append(all, out[0].Values()...)
	}
	return keraslike.NewArray(all, n, len(all)/n)
}

// featureFile is where the features are kept: in the cache, under a name that changes
// with the network's architecture, its weights and the pictures. It is empty where the
// machine has no cache folder.
func featureFile(m *keraslike.Model, pictures *datasets.ImageFolder) (string, error) {
	dir, err := datasets.CacheDir()
	if err != nil {
		return "", nil // nothing is kept
	}
	digest, err := pictures.Digest()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(digest[:])
	for _, l := range m.Layers() {
		fmt.Fprintln(h, l.Path, l.Kind, l.Output)
	}
	for _, w := range m.Weights() {
		if err := hashWeight(h, w); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "features", fmt.Sprintf("%x.safetensors", h.Sum(nil)[:16])), nil
}

func hashWeight(h hash.Hash, w *keraslike.Weight) error {
	fmt.Fprintln(h, w.Path())
	return binary.Write(h, binary.LittleEndian, w.Value())
}

// readFeatures is nil where there is no file, or none that holds n rows.
func readFeatures(path string, n int) *keraslike.Array {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	shape, values, err := f.Tensor("features")
	if err != nil || len(shape) != 2 || shape[0] != n {
		return nil
	}
	x, err := keraslike.NewArray(values, shape...)
	if err != nil {
		return nil
	}
	return x
}

func writeFeatures(path string, x *keraslike.Array) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("features are not kept: %w", err)
	}
	if err := safetensors.WriteFile(path, []safetensors.Tensor{{Name: "features", Shape: x.Shape(), Data: x.Values()}}, nil); err != nil {
		return fmt.Errorf("features are not kept: %w", err)
	}
	return nil
}
