// SPDX-License-Identifier: Apache-2.0

package keraslike

import "time"

// Event is a moment of a training.
type Event int

// The events, in the order in which they come.
const (
	TrainBegin Event = iota
	EpochBegin
	BatchEnd // after an update
	EpochEnd // after validation
	TrainEnd // also after Stop and after an interruption, not after an error
)

// Callback is told of every event of a training. An error ends the training
// and is returned by Fit. Progress displays are callbacks, too.
type Callback interface {
	// On is called in the training's own goroutine; t is valid until Fit returns. It may
	// evaluate the model, save it and train it on single batches, not Fit or Compile it.
	On(e Event, t *Training) error
}

// CallbackFunc makes a Callback of a function.
type CallbackFunc func(e Event, t *Training) error

// On calls f.
func (f CallbackFunc) On(e Event, t *Training) error { return f(e, t) }

// Training is where a training stands. Callbacks must not keep Logs.
type Training struct {
	Model   *Model
	Epoch   int // from 1
	Epochs  int
	Step    int // batches done in this epoch
	Steps   int
	Samples int // samples done in this epoch
	Total   int // samples of an epoch
	// Rate is the learning rate of the next update; callbacks may change it.
	Rate float64
	// Logs are the loss and the metrics so far in this epoch, as means over its
	// samples, and with EpochEnd those of validation behind them.
	Logs    Logs
	Elapsed time.Duration // of this epoch, without validation
	// Waited is the part of Elapsed in which nothing was computed because the next
	// batch was not there yet: what a faster source could save.
	Waited time.Duration
	// Interrupted is set with TrainEnd where the context was canceled: training may go on.
	Interrupted bool

	stop   bool
	scores *scores
	named  []string // the series that there will be, nil where callbacks may add some
}

// Stop ends the training after the epoch that runs.
func (t *Training) Stop() { t.stop = true }

// Logs are named numbers in a fixed order: "loss", the metrics, "val_loss", ...
type Logs []Log

// Log is one named number.
type Log struct {
	Name  string
	Value float64
}

// Get is the number of that name; ok is false when there is none.
func (l Logs) Get(name string) (value float64, ok bool) {
	for _, e := range l {
		if e.Name == name {
			return e.Value, true
		}
	}
	return 0, false
}
