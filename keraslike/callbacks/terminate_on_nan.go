// SPDX-License-Identifier: Apache-2.0

package callbacks

import "github.com/reef-dl/reef/keraslike"

// TerminateOnNaN ends training in good order, without an error of Fit, when the loss or a
// gradient is NaN or infinite; the update that would have spoiled the weights is not made.
// Without this callback Fit checks only the loss and returns a keraslike.NotFiniteError.
// FoundNaN tells afterwards where it was. It has no options. See https://keras.io/api/callbacks/terminate_on_nan/.
func TerminateOnNaN() keraslike.Callback { return &terminateOnNaN{} }

type terminateOnNaN struct {
	noLogs
	found *keraslike.NotFiniteError
}

// FoundNaN returns where a TerminateOnNaN ended the training of the last Fit: the layer, the
// step and what was NaN or infinite. It is nil if nothing was, and for other callbacks.
func FoundNaN(c keraslike.Callback) *keraslike.NotFiniteError {
	if n, ok := c.(*terminateOnNaN); ok {
		return n.found
	}
	return nil
}

// On forgets what an earlier Fit has found.
func (c *terminateOnNaN) On(e keraslike.Event, _ *keraslike.Training) error {
	if e == keraslike.TrainBegin {
		c.found = nil
	}
	return nil
}

// HandleNotFinite ends the training without an error.
func (c *terminateOnNaN) HandleNotFinite(found *keraslike.NotFiniteError) error {
	c.found = found
	return nil
}
