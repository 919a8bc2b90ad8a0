// SPDX-License-Identifier: Apache-2.0

package callbacks

import "github.com/reef-dl/reef/keraslike"

// TerminateOnNaN ends training in good order, without an error of Fit, when the loss or a
// gradient is NaN or infinite; the update that would have spoiled the weights is not made.
// Without this callback Fit checks only the loss and returns a keraslike.NotFiniteError.
// It has no options. See https://keras.io/api/callbacks/terminate_on_nan/.
func TerminateOnNaN() *NaNTerminator { return &NaNTerminator{} }

// NaNTerminator is the callback that ends a training that diverges, and knows why it did.
type NaNTerminator struct {
	noLogs
	found *keraslike.NotFiniteError
}

// Found names the layer and the step where the last Fit ended; it is nil if no number was
// NaN or infinite.
func (c *NaNTerminator) Found() *keraslike.NotFiniteError { return c.found }

// On forgets what an earlier Fit has found.
func (c *NaNTerminator) On(e keraslike.Event, _ *keraslike.Training) error {
	if e == keraslike.TrainBegin {
		c.found = nil
	}
	return nil
}

// HandleNotFinite ends the training without an error.
func (c *NaNTerminator) HandleNotFinite(found *keraslike.NotFiniteError) error {
	c.found = found
	return nil
}
