// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"
	"strings"
	"time"
)

// Event is a point in a training run.
type Event int

// The events, in the order in which they occur.
const (
	TrainBegin Event = iota
	EpochBegin
	BatchEnd // after an update
	EpochEnd // after validation
	TrainEnd // also after Stop and after an interruption, not after an error
)

// Callback is called at every event of a training run. An error ends the training and is
// returned by Fit.
//
// A Callback may implement further interfaces: StatefulCallback saves its state when training
// is interrupted, LastCallback runs after the other callbacks, NotFiniteHandler decides what
// happens when training diverges, LogAdder declares additional logs and Finisher releases
// resources. Package callbacks provides the callbacks of Keras and a progress display.
type Callback interface {
	// On is called on the goroutine that called Fit; t is valid until Fit returns. It may
	// evaluate and save the model and train it on single batches, but not Fit or Compile it.
	On(e Event, t *Training) error
}

// CallbackFunc is a function used as a Callback.
type CallbackFunc func(e Event, t *Training) error

// On calls f.
func (f CallbackFunc) On(e Event, t *Training) error { return f(e, t) }

// LastCallback is a Callback that runs after the other callbacks at each event, regardless of
// the order in which they were given, so that it sees their changes; for example, it may save
// the model. If another callback returns an error, only the LastCallbacks given before that
// one are called.
type LastCallback interface {
	Callback
	// RunsLast reports whether this callback runs last. It is called once in each Fit.
	RunsLast() bool
}

// LogAdder is a Callback that declares which logs it adds to Training.Logs. If every callback
// is a LogAdder, LogNames is complete when training begins, and a callback that monitors a
// missing log fails then instead of after the first epoch.
type LogAdder interface {
	Callback
	// AddsLogs returns the names of the logs, nil if there are none. It is called once,
	// before TrainBegin.
	AddsLogs() []string
}

// NotFiniteHandler is a Callback that decides how a training ends whose loss, gradients or
// weights are NaN or infinite. With such a callback Fit checks all gradients before each
// update, without one only the loss.
type NotFiniteHandler interface {
	Callback
	// HandleNotFinite is called instead of the update that would have spoiled the weights.
	// Nil ends the training as Stop does, with TrainEnd and without an error; an error is
	// returned by Fit along with found. Of several handlers only the first is called.
	HandleNotFinite(found *NotFiniteError) error
}

// Finisher is a Callback that is called when Fit ends, for example to close a file.
type Finisher interface {
	Callback
	// Finish is called exactly once in each Fit, after all events, whatever ended it; err is
	// what Fit returns. TrainBegin may not have reached the callback where another one failed.
	Finish(err error)
}

// Training is the state of a training run. Callbacks must not retain Logs.
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
	// samples, followed at EpochEnd by those of validation.
	Logs    Logs
	Elapsed time.Duration // of this epoch, without validation
	// Waited is the part of Elapsed in which nothing was computed because the next
	// batch was not there yet: what a faster source could save.
	Waited time.Duration
	// Interrupted is set at TrainEnd if the context was canceled: training can be resumed.
	Interrupted bool

	stop    bool
	history *History
	scores  *scores
	names   []string // of the logs, nil if callbacks may add some
}

// Stop ends the training after the current epoch.
func (t *Training) Stop() { t.stop = true }

// Stopped reports whether a callback has called Stop.
func (t *Training) Stopped() bool { return t.stop }

// History returns what this Fit has measured in the epochs that are complete, as it will return it. At EpochEnd it
// includes that epoch. Callbacks must not change it.
func (t *Training) History() *History { return t.history }

// Series returns the names of what the model measures on each batch: "loss", the losses of
// several outputs and the metrics, in the order of Logs.
func (t *Training) Series() []string {
	if t.scores == nil {
		return nil
	}
	return t.scores.series()
}

// LogNames returns the names that Logs will have at the end of an epoch: those of Series,
// of validation and those that callbacks add. It is nil if a callback is not a LogAdder.
func (t *Training) LogNames() []string { return slices.Clone(t.names) }

// LargerIsBetter reports whether training should raise the number of that name, such as an
// accuracy, or lower it, such as a loss. The model's own series are known, with and without
// "val_" before their names, whatever its outputs are called; of other numbers those that
// are named as a metric or a loss of this package.
func (t *Training) LargerIsBetter(name string) (larger, known bool) {
	g := unknownGoal
	bare := strings.TrimPrefix(name, "val_")
	if t.scores != nil {
		if g = t.scores.goal(name); g == unknownSeries {
			g = t.scores.goal(bare)
		}
	}
	if t.scores == nil || g == unknownSeries {
		g = goalOfName(bare)
	}
	return g == maximize, g != unknownGoal
}

// Schedule returns the schedule that sets the learning rate, nil if callbacks may set it.
func (t *Training) Schedule() Schedule {
	if t.Model == nil || t.Model.trainer == nil {
		return nil
	}
	return t.Model.trainer.settings.Schedule.Schedule
}
