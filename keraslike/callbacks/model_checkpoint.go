// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reef-dl/reef/keraslike"
)

// ModelCheckpoint saves the model after each epoch, with its optimizer, so that training can
// be resumed from the file. It runs after all other callbacks, regardless of its position
// among them, so that the file includes their changes.
//
// In path, "{epoch}" stands for the epoch, counted from 1, "{batch}" for the number of batches
// done in it, and a name such as "{val_loss}" for a value of the logs, with four digits. A
// colon is followed by a format, as in Python: "{epoch:02d}", "{val_loss:.2f}", with sign,
// width, alignment and one of d, e, f, g and %; "{{" and "}}" stand for braces. A placeholder
// that is unknown or does not fit is an error when training begins or, if a callback may add
// logs that it has not announced, when the first file is written. Missing folders are created.
//
// Options and their defaults:
//
//	SaveBestOnly            save only if this series is the best so far (off)
//	Auto, Min, Max          which values of it are better (Auto)
//	InitialValueThreshold   value that the first file must improve on (none)
//	EveryBatches(0)         also save after every n batches of an epoch
//	WithoutOptimizer        save smaller files, without the optimizer's state (off)
//
// See https://keras.io/api/callbacks/model_checkpoint/.
func ModelCheckpoint(path string, opts ...ModelCheckpointOption) keraslike.Callback {
	c := &checkpoint{path: path}
	c.forget()
	for _, o := range given(opts, &c.mistake) {
		o.applyModelCheckpoint(c)
	}
	return c
}

// ModelCheckpointOption is an option of ModelCheckpoint.
type ModelCheckpointOption interface{ applyModelCheckpoint(*checkpoint) }

type checkpointSetting func(*checkpoint)

func (set checkpointSetting) applyModelCheckpoint(c *checkpoint) { set(c) }

// SaveBestOnly saves only if the monitored series has its best value so far, over all calls of
// Fit with this callback. With EveryBatches it is also checked after every n batches, and
// must not be a series of the validation.
func SaveBestOnly(monitored string) ModelCheckpointOption {
	return checkpointSetting(func(c *checkpoint) { c.bestOnly, c.name = true, monitored })
}

// InitialValueThreshold is a value, for example of an earlier run, that the first file of
// SaveBestOnly must improve on.
func InitialValueThreshold(v float64) ModelCheckpointOption {
	return checkpointSetting(func(c *checkpoint) { c.threshold = &v })
}

// EveryBatches also saves after every n batches of an epoch; 0 saves only after epochs.
func EveryBatches(n int) ModelCheckpointOption {
	return checkpointSetting(func(c *checkpoint) { c.every = n })
}

// WithoutOptimizer saves smaller files, from which training cannot be resumed exactly.
const WithoutOptimizer withoutOptimizer = true

type withoutOptimizer bool

func (on withoutOptimizer) applyModelCheckpoint(c *checkpoint) { c.withoutOptimizer = bool(on) }

type checkpoint struct {
	monitor
	noLogs
	path             string
	parts            pathTemplate
	bestOnly         bool
	threshold        *float64
	every            int
	withoutOptimizer bool
}

// RunsLast returns true, so that the file includes the changes of other callbacks.
func (c *checkpoint) RunsLast() bool { return true }

// OnFirstRank returns true: in a distributed training one rank does it for all.
func (c *checkpoint) OnFirstRank() bool { return true }

func (c *checkpoint) On(e keraslike.Event, t *keraslike.Training) (err error) {
	switch {
	case e == keraslike.TrainBegin:
		err = c.begin(t)
	case e == keraslike.BatchEnd && c.every > 0 && t.Step%c.every == 0, e == keraslike.EpochEnd:
		err = c.save(t)
	}
	if err != nil {
		err = fmt.Errorf("checkpoint: %w", err)
	}
	return err
}

// begin checks the settings. It keeps the best value: as in Keras, a second Fit does not
// overwrite a better file of the first one.
func (c *checkpoint) begin(t *keraslike.Training) (err error) {
	switch {
	case c.mistake != nil:
		return c.mistake
	case c.path == "" || c.every < 0:
		return fmt.Errorf("path %q every %d batches, want a path and at least 0", c.path, c.every)
	case c.threshold != nil && (!c.bestOnly || math.IsNaN(*c.threshold)):
		return fmt.Errorf("initial value threshold is %g, want a number, with SaveBestOnly", *c.threshold)
	case c.mode != "" && !c.bestOnly:
		return fmt.Errorf("mode %s is given without SaveBestOnly", c.mode)
	}
	names := t.LogNames()
	if c.every > 0 && names != nil { // there is no validation after a batch
		names = t.Series()
		if c.bestOnly && strings.HasPrefix(c.name, "val_") && !slices.Contains(names, c.name) {
			return fmt.Errorf("%q is not known after a batch, want one of %q with EveryBatches", c.name, names)
		}
	}
	if c.bestOnly {
		if err := c.monitor.begin(t); err != nil {
			return err
		}
		if c.threshold != nil && !c.seen {
			c.best, c.seen = *c.threshold, true
		}
	}
	if c.parts, err = parsePath(c.path); err != nil {
		return err
	}
	return c.parts.check(c.path, names)
}

func (c *checkpoint) save(t *keraslike.Training) error {
	if c.bestOnly {
		v, err := c.value(t.Logs)
		if err != nil || !c.improves(v) {
			return err
		}
	}
	path, err := c.parts.fill(c.path, t)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if c.withoutOptimizer {
		return t.Model.Save(path)
	}
	return t.Model.Save(path, keraslike.WithOptimizer)
}

// StateKey names the path and the monitored series.
func (c *checkpoint) StateKey() string { return fmt.Sprintf("checkpoint %q of %q", c.path, c.name) }

// State returns the best value.
func (c *checkpoint) State() keraslike.CallbackState { return c.monitor.state() }

// SetState restores what State returned.
func (c *checkpoint) SetState(state keraslike.CallbackState) error {
	c.setState(state)
	return nil
}
