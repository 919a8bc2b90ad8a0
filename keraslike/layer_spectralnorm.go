// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// SpectralNormalization divides the kernel of a layer by its largest singular value σ, so that the layer
// stretches no input by more than 1 (Miyato et al. 2018, https://arxiv.org/abs/1802.05957).
//
//	input, output  those of the layer
//	weights        those of the layer, under the name of the SpectralNormalization; not trained:
//	               vector_u (1, n), of the n columns of the kernel
//
// Each training step first makes power iterations of W, the kernel as a matrix of its last axis and all
// others, from u where the step before has left it,
//
//	v = u·Wᵀ/|u·Wᵀ|,  u = v·W/|v·W|,  σ = v·W·uᵀ
//
// and replaces the kernel by kernel/σ; the optimizer then updates that one, with a gradient that takes σ for
// a constant. A kernel of zeros stays. Prediction and evaluation use the kernel as the last update has left
// it, as Keras does, and a frozen layer does not change it.
//
// The layer is any with a weight "kernel" or "embeddings": Dense, EinsumDense, Embedding, the convolution
// layers and their transposes, the depthwise ones; not a recurrent or separable one.
//
// Options:
//
//	PowerIterations  1
//	Name             "spectral_normalization", "spectral_normalization_1" and so on
//	Trainable        true
//
// See https://keras.io/api/layers/normalization_layers/spectral_normalization/.
func SpectralNormalization(inner Layer, opts ...NormalizationOption) Layer {
	d := &spectralNorm{wrapping: wrap(inner), PowerIterations: 1}
	return d.frozenAs(newLayer(d, opts))
}

// PowerIterations sets the number of power iterations in each training step of SpectralNormalization; the
// default is 1.
func PowerIterations(n int) NormalizationOption { return newNormalizationOption("PowerIterations", n) }

type spectralNorm struct {
	wrapping
	PowerIterations int `option:"PowerIterations"`
}

var _ = register[spectralNorm]("SpectralNormalization")

func (d *spectralNorm) Kind() string { return "SpectralNormalization" }

// spectralConfig is how the layer is saved.
type spectralConfig struct {
	Layer           layerConfig `json:"layer"`
	PowerIterations int         `json:"power_iterations"`
}

func (d *spectralNorm) write(to *layerWriter) ([]byte, error) {
	c, err := to.layer(d.layer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(spectralConfig{c, d.PowerIterations})
}

func (d *spectralNorm) read(text []byte, from *loader) (err error) {
	var saved spectralConfig
	if err := unmarshalStrict(text, &saved); err != nil {
		return err
	}
	d.PowerIterations = saved.PowerIterations
	d.layer, err = saved.Layer.layer(from)
	return err
}

func (d *spectralNorm) check() error {
	var mistake error
	if d.PowerIterations <= 0 {
		mistake = fmt.Errorf("PowerIterations is %d, want a positive number", d.PowerIterations)
	}
	if d.layer != nil && holdsLayers(d.layer.def) {
		return errors.Join(mistake, fmt.Errorf("got a %s, want a layer with a kernel", d.layer.def.Kind()))
	}
	return errors.Join(mistake, d.wrapping.check())
}

func (d *spectralNorm) Build(b *Builder, in []Shape) (Shape, error) {
	out, err := d.layer.def.Build(b, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.layer.def.Kind(), err)
	}
	w := kernelOf(b.layer.weights, b.prefix)
	if w == nil {
		return nil, fmt.Errorf("%s has no weight \"kernel\" or \"embeddings\" to normalize", d.layer.def.Kind())
	}
	b.State("vector_u", TruncatedNormal(0.02), 1, w.shape[len(w.shape)-1])
	return out, nil
}

// kernelOf returns the kernel of a layer that has one only, or the table of an embedding.
func kernelOf(weights []*Weight, prefix string) (kernel *Weight) {
	for _, w := range weights {
		switch w.name {
		case prefix + "kernel", prefix + "embeddings":
			kernel = w
		case prefix + "recurrent_kernel":
			return nil
		}
	}
	return kernel
}

func (d *spectralNorm) Forward(s *Scope, in []*graph.Node) *graph.Node {
	if s.Training() && !s.Frozen() {
		d.normalize(s)
	}
	return s.forward(d.layer.def, in)
}

// normalize replaces the kernel by kernel/σ, and vector_u by u of the last power iteration.
func (d *spectralNorm) normalize(s *Scope) {
	w := kernelOf(s.layer.weights, s.prefix)
	kernel, u := s.variable(w), s.Weight("vector_u")
	if kernel == nil || u == nil {
		return
	}
	n := w.shape[len(w.shape)-1]
	matrix := s.Do(graph.Reshape(kernel, -1, n))
	next := u
	var v *graph.Node
	for range d.PowerIterations {
		v = unit(s, s.Do(graph.MatMul(next, matrix, graph.Transposed(false, true))))
		next = unit(s, s.Do(graph.MatMul(v, matrix)))
	}
	sigma := s.Do(graph.MatMul(s.Do(graph.MatMul(v, matrix)), next, graph.Transposed(false, true)))
	zero := s.Do(graph.Equal(sigma, s.Do(graph.Scale(sigma, 0))))
	next = s.Do(graph.Where(zero, u, next))
	divided := s.Do(graph.Div(matrix, s.Do(graph.Where(zero, s.Do(graph.Affine(sigma, 0, 1)), sigma))))
	s.Update("vector_u", next)
	s.assign(w, s.Do(graph.Reshape(divided, w.shape...)))
}

// unit returns a row divided by its length, which counts as 1e-7 at least.
func unit(s *Scope, row *graph.Node) *graph.Node {
	inverse := s.Do(graph.Rsqrt(s.Do(graph.Sum(s.Do(graph.Square(row)), graph.Axes(-1), graph.KeepDims()))))
	return s.Do(graph.Mul(row, s.Do(graph.Clip(inverse, 0, 1e7))))
}
