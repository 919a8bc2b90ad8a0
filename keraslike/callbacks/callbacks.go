// SPDX-License-Identifier: Apache-2.0

// Package callbacks holds the callbacks of Keras and a progress display, to be given to
// Fit by keraslike.Callbacks:
//
//	EarlyStopping           ends training when a series stops improving
//	ReduceLROnPlateau       lowers the learning rate when a series stops improving
//	LearningRateScheduler   sets the learning rate of each epoch
//	ModelCheckpoint         saves the model after each epoch, or the best one
//	TerminateOnNaN          ends training without an error when it diverges
//	CSVLogger               writes the logs of each epoch to a CSV file
//	TensorBoard             writes them to an event file
//	Progress                shows how far training is
//
// For example
//
//	h, err := m.Fit(ctx, data, k.Epochs(100), k.ValidationSplit(0.2), k.Callbacks(
//		callbacks.Progress(os.Stderr),
//		callbacks.EarlyStopping("val_loss", callbacks.Patience(3), callbacks.RestoreBest),
//	))
//
// Each constructor lists its options with their defaults. An option that does not fit a
// callback does not compile; a setting that makes no sense is an error of Fit, before
// anything is trained. The order of options does not matter; of one given twice the last
// counts, but Min and Max together are an error.
//
// These callbacks use nothing of keraslike that one's own cannot: see keraslike.Callback.
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

// given returns the options that are not nil; a nil one is a mistake.
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
