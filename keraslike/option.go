// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Options are typed: each is a value with one unexported method for each layer
// that it fits, so that an option that does not fit does not compile. Their order does
// not matter: of the same option given twice the last counts, and two different ones
// for the same setting, such as Strides and Strides2D, are a mistake.

// LayerOption fits every layer.
type LayerOption interface{ applyLayer(*common) }

// common is what every layer of this package has beside its arguments.
type common struct {
	name    string
	frozen  bool
	mistake error // in the options
	choices []choice
}

// choice is an option that has set what other options could set, too.
type choice struct{ setting, option string }

// choose notes that an option has set a setting.
func (c *common) choose(setting, option string) {
	if one := (choice{setting, option}); !slices.Contains(c.choices, one) {
		c.choices = append(c.choices, one)
	}
}

// chosen tells whether an option has set the setting.
func (c *common) chosen(setting string) bool {
	return slices.ContainsFunc(c.choices, func(o choice) bool { return o.setting == setting })
}

// contradiction reports two options for one setting, in the same words for both orders.
func (c *common) contradiction() error {
	for i, a := range c.choices {
		for _, b := range c.choices[i+1:] {
			if a.setting == b.setting {
				return fmt.Errorf("%s: got both %s and %s, want one of them", a.setting, min(a.option, b.option), max(a.option, b.option))
			}
		}
	}
	return nil
}

func (c *common) optionMistake() error {
	if c.mistake != nil {
		return c.mistake
	}
	return c.contradiction()
}

func (c *common) isFrozen() bool { return c.frozen }

// Trainable false keeps training from changing the layer's weights. Model.SetTrainable
// changes it later.
type Trainable bool

func (v Trainable) applyLayer(c *common)                { c.frozen = !bool(v) }
func (v Trainable) applyDense(d *dense)                 { d.frozen = !bool(v) }
func (v Trainable) applyConv(d *conv)                   { d.frozen = !bool(v) }
func (v Trainable) applyConvTranspose(d *convTranspose) { d.frozen = !bool(v) }
func (v Trainable) applyDepthwise(d *depthwise)         { d.frozen = !bool(v) }
func (v Trainable) applySeparable(d *separable)         { d.frozen = !bool(v) }
func (v Trainable) applyEmbedding(d *embedding)         { d.frozen = !bool(v) }
func (v Trainable) applyRecurrent(d *recurrent)         { d.frozen = !bool(v) }
func (v Trainable) applyAttention(d *attention)         { d.frozen = !bool(v) }
func (v Trainable) applyBatchNorm(d *batchNorm)         { d.frozen = !bool(v) }
func (v Trainable) applyLayerNorm(d *layerNorm)         { d.frozen = !bool(v) }
func (v Trainable) applyPReLU(d *preLU)                 { d.frozen = !bool(v) }

// Name gives a layer its name. Names must differ within a model.
type Name string

func (n Name) applyLayer(c *common) { c.name = string(n) }
func (n Name) applyDense(d *dense)  { d.name = string(n) }
func (n Name) applyConv(d *conv)    { d.name = string(n) }
func (n Name) applyPool(d *pool)    { d.name = string(n) }

// NoBias leaves the bias away.
type NoBias struct{}

func (NoBias) applyDense(d *dense) { d.NoBias = true }
func (NoBias) applyConv(d *conv)   { d.NoBias = true }

func (f ActivationFunc) applyDense(d *dense) { d.Activation = f }
func (f ActivationFunc) applyConv(d *conv)   { d.Activation = f }

// KernelInit sets the initialiser of a layer's kernel; the default is GlorotUniform.
func KernelInit(i Initializer) KernelInitOption { return KernelInitOption{i} }

// KernelInitOption is made by KernelInit.
type KernelInitOption struct{ init Initializer }

func (o KernelInitOption) applyDense(d *dense) { d.KernelInit = o.init }
func (o KernelInitOption) applyConv(d *conv)   { d.KernelInit = o.init }

// BiasInit sets the initialiser of a layer's bias; the default is Zeros.
func BiasInit(i Initializer) BiasInitOption { return BiasInitOption{i} }

// BiasInitOption is made by BiasInit.
type BiasInitOption struct{ init Initializer }

func (o BiasInitOption) applyDense(d *dense) { d.BiasInit = o.init }
func (o BiasInitOption) applyConv(d *conv)   { d.BiasInit = o.init }

// KernelL2 adds factor·Σ k² over the kernel to the loss.
type KernelL2 float64

func (f KernelL2) applyDense(d *dense) { d.setKernelL2(float64(f)) }
func (f KernelL2) applyConv(d *conv)   { d.setKernelL2(float64(f)) }

// newLayer makes a layer of a definition that takes only options for every layer.
func newLayer(d Definition, c *common, opts []LayerOption) Layer {
	for _, o := range given(opts, &c.mistake) {
		o.applyLayer(c)
	}
	return &layer{name: c.name, def: d, mistake: c.mistake}
}

// Custom makes a layer of one's own definition.
func Custom(d Definition, opts ...LayerOption) Layer {
	if isNil(d) {
		d = undefined{errors.New("has no definition")}
	} else if err := guard("definition", d, "Kind", func() error { _ = d.Kind(); return nil }); err != nil {
		d = undefined{err}
	}
	return newLayer(d, new(common), opts)
}

// undefined stands for a definition that is nil or of no use, so that it is reported
// with the other mistakes of the model.
type undefined struct{ err error }

func (undefined) Kind() string                              { return "Custom" }
func (d undefined) check() error                            { return d.err }
func (d undefined) Build(*Builder, []Shape) (Shape, error)  { return nil, d.err }
func (undefined) Forward(*Scope, []*graph.Node) *graph.Node { return nil }

func one(in []Shape) error {
	if len(in) != 1 {
		return fmt.Errorf("got %d inputs, want 1", len(in))
	}
	return nil
}
