// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// ModelCheckpoint saves the model after each epoch, WithOptimizer, so that training
// can go on from the file. It comes after all other callbacks, wherever it stands among
// them, so that the file holds what they have changed.
//
// In path "{epoch}" stands for the epoch, from 1, "{batch}" for the batches done in it and
// "{val_loss}" or the like for a number of the logs, with four digits. A format follows a
// colon, as in Python: "{epoch:02d}", "{val_loss:.2f}", with sign, width and alignment and
// one of d, e, f, g and %; "{{" and "}}" are braces. A placeholder that is unknown or does
// not fit is an error when training begins or, where only a callback of one's own can
// tell, with the first file. A folder that is missing is made.
//
// Options: SaveBestOnly, InitialValueThreshold, EveryBatches, WithoutOptimizer.
// See https://keras.io/api/callbacks/model_checkpoint/.
func ModelCheckpoint(path string, opts ...CheckpointOption) Callback {
	c := &checkpoint{path: path, optimizer: true}
	c.forget()
	for _, o := range given(opts, &c.mistake) {
		o.applyCheckpoint(c)
	}
	return c
}

// CheckpointOption is an option of ModelCheckpoint.
type CheckpointOption interface{ applyCheckpoint(*checkpoint) }

// SaveBestOnly saves only when the monitored number is the best so far, in all calls of
// Fit with this callback together. With EveryBatches it is looked at after so many batches,
// too, and must be one of the training's own.
func SaveBestOnly(monitored string, mode Mode) SaveBestOnlyOption {
	return SaveBestOnlyOption{monitored, mode}
}

// SaveBestOnlyOption is made by SaveBestOnly.
type SaveBestOnlyOption struct {
	monitored string
	mode      Mode
}

// InitialValueThreshold is a number, of an earlier run, that the first file of SaveBestOnly
// must improve on.
type InitialValueThreshold float64

// EveryBatches saves after every so many batches of an epoch, too.
type EveryBatches int

// WithoutOptimizer saves smaller files, from which training does not go on as it was.
type WithoutOptimizer struct{}

func (o SaveBestOnlyOption) applyCheckpoint(c *checkpoint) {
	c.bestOnly, c.name, c.mode = true, o.monitored, o.mode
}
func (v InitialValueThreshold) applyCheckpoint(c *checkpoint) {
	c.threshold, c.known = float64(v), true
}
func (n EveryBatches) applyCheckpoint(c *checkpoint)   { c.every = int(n) }
func (WithoutOptimizer) applyCheckpoint(c *checkpoint) { c.optimizer = false }

type checkpoint struct {
	monitor
	path      string
	parts     pathTemplate
	bestOnly  bool
	threshold float64 // when known
	known     bool
	every     int
	optimizer bool
}

func (c *checkpoint) On(e Event, t *Training) error {
	switch e {
	case TrainBegin:
		return c.begin(t)
	case BatchEnd:
		if c.every > 0 && t.Step%c.every == 0 {
			return c.save(t)
		}
	case EpochEnd:
		return c.save(t)
	}
	return nil
}

// begin checks the settings. What was best is not forgotten: as in Keras a second Fit
// does not overwrite a better file of the first one.
func (c *checkpoint) begin(t *Training) (err error) {
	if c.mistake != nil {
		return fmt.Errorf("checkpoint: %w", c.mistake)
	}
	if c.path == "" || c.every < 0 {
		return fmt.Errorf("checkpoint: path %q every %d batches, want a path and at least 0", c.path, c.every)
	}
	if c.known && (!c.bestOnly || math.IsNaN(c.threshold)) {
		return fmt.Errorf("checkpoint: initial value threshold is %g, want a number, with SaveBestOnly", c.threshold)
	}
	if c.bestOnly {
		if err := c.monitor.begin("checkpoint", t); err != nil {
			return err
		}
		if c.known && !c.seen {
			c.best, c.seen = c.threshold, true
		}
	}
	if c.parts, err = parsePath(c.path); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	names := t.named
	if c.every > 0 && names != nil { // there is no validation after a batch
		names = t.series()
		if c.bestOnly && strings.HasPrefix(c.name, "val_") && t.scores.goal(c.name) == unknownSeries {
			return fmt.Errorf("checkpoint: %q is not known after a batch, want one of %q with EveryBatches", c.name, names)
		}
	}
	if err := c.parts.check(c.path, names); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (c *checkpoint) remember() recollection {
	return recollection{ID: fmt.Sprintf("checkpoint %q of %q", c.path, c.name), monitored: c.monitored()}
}

func (c *checkpoint) recall(m recollection) error { return c.monitor.recall(m.monitored) }

func (c *checkpoint) save(t *Training) error {
	if c.bestOnly {
		v, err := c.value("checkpoint", t.Logs)
		if err != nil || !c.improves(v) {
			return err
		}
	}
	path, err := c.parts.fill(c.path, t)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if c.optimizer {
		return t.Model.Save(path, WithOptimizer{})
	}
	return t.Model.Save(path)
}
