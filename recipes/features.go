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
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// atOnce is how many pictures are processed together, which bounds the memory.
const atOnce = 32

// features returns the model's output for every picture: from the cache on disk, else
// computed and cached, after the announcement. A cache that cannot be written is no
// error, the next run is only slower.
func (o Options) features(ctx context.Context, m *k.Model, pictures *datasets.ImageFolder, announcement string) (*k.Array, error) {
	path, err := featureFile(m, pictures)
	if err != nil {
		return nil, err
	}
	if x := readFeatures(path, pictures.Len()); x != nil {
		return x, nil
	}
	o.say("%s", announcement)
	x, err := predictAll(ctx, m, pictures)
	if err != nil {
		return nil, err
	}
	if err := writeFeatures(path, x); err != nil {
		o.say("%v", err)
	}
	return x, nil
}

// predictAll returns the model's output for every sample.
func predictAll(ctx context.Context, m *k.Model, samples datasets.Source) (*k.Array, error) {
	var all []float32
	n := samples.Len()
	for first := 0; first < n; first += atOnce {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", k.ErrInterrupted, ctx.Err())
		}
		some, err := datasets.Range(samples, first, min(first+atOnce, n))
		if err != nil {
			return nil, err
		}
		out, err := m.PredictSource(ctx, some)
		if err != nil {
			return nil, err
		}
		all = append(all, out[0].Values()...)
	}
	return k.NewArray(all, n, len(all)/n)
}

// featureFile returns the path of the cached features, whose name changes with the
// network's architecture, its weights and the pictures. It is empty where the machine has
// no cache folder.
func featureFile(m *k.Model, pictures *datasets.ImageFolder) (string, error) {
	dir, err := datasets.CacheDir()
	if err != nil {
		return "", nil // no cache
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

func hashWeight(h hash.Hash, w *k.Weight) error {
	fmt.Fprintln(h, w.Path())
	return binary.Write(h, binary.LittleEndian, w.Values())
}

// readFeatures returns nil where there is no file, or none that holds n rows.
func readFeatures(path string, n int) *k.Array {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	shape, values, err := f.Tensor("features")
	if err != nil || len(shape) != 2 || shape[0] != n {
		return nil
	}
	x, err := k.NewArray(values, shape...)
	if err != nil {
		return nil
	}
	return x
}

func writeFeatures(path string, x *k.Array) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("features are not cached: %w", err)
	}
	if err := safetensors.WriteFile(path, []safetensors.Tensor{{Name: "features", Shape: x.Shape(), Data: x.Values()}}, nil); err != nil {
		return fmt.Errorf("features are not cached: %w", err)
	}
	return nil
}
