// SPDX-License-Identifier: Apache-2.0

// Package callbacks has the callbacks of Keras and a progress display, which
// keraslike.Callbacks passes to Fit:
//
//	EarlyStopping           ends training when a series stops improving
//	ReduceLROnPlateau       lowers the learning rate when a series stops improving
//	LearningRateScheduler   sets the learning rate of each epoch
//	ModelCheckpoint         saves the model after each epoch, or the best one
//	TerminateOnNaN          ends training without an error when it diverges
//	CSVLogger               writes the logs of each epoch to a CSV file
//	TensorBoard             writes the logs of each epoch to an event file
//	Progress                shows the progress of training
//
// For example
//
//	h, err := m.Fit(ctx, data, k.Epochs(100), k.ValidationSplit(0.2), k.Callbacks(
//		callbacks.Progress(os.Stderr),
//		callbacks.EarlyStopping("val_loss", callbacks.Patience(3), callbacks.RestoreBest),
//	))
//
// The documentation of each constructor lists its options with their defaults. An option
// that does not fit a callback does not compile; an invalid setting is an error of Fit before
// training starts. The order of options does not matter; if an option is given twice, the
// last one counts, but Min and Max together are an error.
//
// These callbacks use only exported names of keraslike, so your own can do the same: see
// keraslike.Callback.
package callbacks

import (
	"fmt"
	"reflect"

	"github.com/reef-dl/reef/keraslike"
)

// noLogs is embedded by callbacks that add no numbers to the logs.
type noLogs struct{}

// AddsLogs returns nil: the callback adds no numbers to the logs.
func (noLogs) AddsLogs() []string { return nil }

// given returns the options that are not nil; a nil option is an error.
func given[O any](options []O, mistake *error) []O {
	var list []O
	for i, o := range options {
		if v := reflect.ValueOf(o); !v.IsValid() || v.Kind() == reflect.Func && v.IsNil() {
			*mistake = fmt.Errorf("option %d is nil", i)
			continue
		}
		list = append(list, o)
	}
	return list
}

// namesOf returns the names of the logs.
func namesOf(logs keraslike.Logs) []string {
	var names []string
	for _, l := range logs {
		names = append(names, l.Name)
	}
	return names
}
