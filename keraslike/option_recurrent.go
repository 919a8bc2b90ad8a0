// SPDX-License-Identifier: Apache-2.0

package keraslike

// Options of the recurrent layers.

// ReturnSequences puts out the state after every step instead of the last.
type ReturnSequences struct{}

func (ReturnSequences) applyRecurrent(d *recurrent) { d.ReturnSequences = true }

// ReturnState puts out the last state too: output 1 is h, output 2 of an LSTM c.
type ReturnState struct{}

func (ReturnState) applyRecurrent(d *recurrent) { d.ReturnState = true }

// GoBackwards takes the inputs from the last to the first; outputs stay in the
// order of the steps taken.
type GoBackwards struct{}

func (GoBackwards) applyRecurrent(d *recurrent) { d.GoBackwards = true }

// ZeroOutputForMask puts out 0 at masked steps, with ReturnSequences, in the place of
// the state before them.
type ZeroOutputForMask struct{}

func (ZeroOutputForMask) applyRecurrent(d *recurrent) { d.ZeroOutputForMask = true }

// ResetBefore makes a GRU's reset gate act on the state before the product with
// the recurrent kernel (reset_after=False in Keras).
type ResetBefore struct{}

func (ResetBefore) applyRecurrent(d *recurrent) { d.ResetBefore = true }

// RecurrentActivation is the function of a GRU's or LSTM's gates in place of Sigmoid:
//
//	keraslike.LSTM(32, keraslike.RecurrentActivation(keraslike.HardSigmoid))
type RecurrentActivation ActivationFunc

func (f RecurrentActivation) applyRecurrent(d *recurrent) {
	d.RecurrentActivation = ActivationFunc(f)
}

// InputDropout is the rate at which a recurrent layer drops its inputs while the model
// trains (dropout in Keras). A feature is dropped at all steps of a sequence or at none
// (Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287).
type InputDropout float64

func (r InputDropout) applyRecurrent(d *recurrent) { d.InputDropout = float64(r) }

// RecurrentDropout is the rate at which a recurrent layer drops its state, where this
// enters the products with the recurrent kernel, while the model trains
// (recurrent_dropout in Keras). The units dropped are the same at all steps of a
// sequence; each gate has its own, and then its own inputs dropped, too.
type RecurrentDropout float64

func (r RecurrentDropout) applyRecurrent(d *recurrent) { d.RecurrentDropout = float64(r) }

// RecurrentInit sets the initialiser of the recurrent kernel; the default is
// Orthogonal(1).
func RecurrentInit(i Initializer) RecurrentInitOption { return RecurrentInitOption{i} }

// RecurrentInitOption is made by RecurrentInit.
type RecurrentInitOption struct{ init Initializer }

func (o RecurrentInitOption) applyRecurrent(d *recurrent) { d.RecurrentInit = o.init }

// RecurrentL2 adds factor·Σ u² over the recurrent kernel to the loss.
type RecurrentL2 float64

func (f RecurrentL2) applyRecurrent(d *recurrent) { d.setRecurrentL2(float64(f)) }

func (n Name) applyRecurrent(d *recurrent)             { d.name = string(n) }
func (NoBias) applyRecurrent(d *recurrent)             { d.NoBias = true }
func (f ActivationFunc) applyRecurrent(d *recurrent)   { d.Activation = f }
func (o KernelInitOption) applyRecurrent(d *recurrent) { d.KernelInit = o.init }
func (o BiasInitOption) applyRecurrent(d *recurrent)   { d.BiasInit = &o.init }
func (f KernelL2) applyRecurrent(d *recurrent)         { d.setKernelL2(float64(f)) }
