// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
)

// ReduceLROnPlateau multiplies the learning rate by a factor when a number of the
// logs has not improved for some epochs.
//
// Options: Factor (0.1), Patience (10), MinDelta (1e-4), a Mode (Auto), Cooldown (0),
// MinRate (0). See https://keras.io/api/callbacks/reduce_lr_on_plateau/.
func ReduceLROnPlateau(monitored string, opts ...PlateauOption) Callback {
	p := &plateau{monitor: monitor{name: monitored, minDelta: 1e-4}, factor: 0.1, patience: 10}
	for _, o := range given(opts, &p.mistake) {
		o.applyPlateau(p)
	}
	return p
}

// PlateauOption is an option of ReduceLROnPlateau.
type PlateauOption interface{ applyPlateau(*plateau) }

// Factor is what the rate is multiplied by, below 1.
type Factor float64

// Cooldown is the number of epochs after a reduction that do not count.
type Cooldown int

// MinRate is the smallest rate.
type MinRate float64

func (n Patience) applyPlateau(p *plateau) { p.patience = int(n) }
func (d MinDelta) applyPlateau(p *plateau) { p.minDelta = float64(d) }
func (m Mode) applyPlateau(p *plateau)     { p.mode = m }
func (f Factor) applyPlateau(p *plateau)   { p.factor = float64(f) }
func (n Cooldown) applyPlateau(p *plateau) { p.cooldown = int(n) }
func (r MinRate) applyPlateau(p *plateau)  { p.least = float64(r) }

type plateau struct {
	monitor
	factor, least      float64
	patience, cooldown int
	wait, cooling      int
}

func (p *plateau) On(e Event, t *Training) error {
	switch e {
	case TrainBegin:
		p.wait, p.cooling = 0, 0
		p.forget()
		if !(p.factor >= 0 && p.factor < 1) || p.patience < 0 || p.cooldown < 0 || !(p.least >= 0) {
			return fmt.Errorf("reduce on plateau: factor %g, patience %d, cool-down %d, least rate %g: want a factor below 1 and nothing below 0", p.factor, p.patience, p.cooldown, p.least)
		}
		return errors.Join(ownsRate("reduce on plateau", t), p.begin("reduce on plateau", t))
	case EpochEnd:
		return p.epochEnd(t)
	}
	return nil
}

func (p *plateau) remember() recollection {
	return recollection{ID: fmt.Sprintf("reduce on plateau of %q", p.name), monitored: p.monitored(), Wait: p.wait, Cooling: p.cooling}
}

func (p *plateau) recall(m recollection) error {
	p.wait, p.cooling = m.Wait, m.Cooling
	return p.monitor.recall(m.monitored)
}

func (p *plateau) epochEnd(t *Training) error {
	v, err := p.value("reduce on plateau", t.Logs)
	if err != nil {
		return err
	}
	if p.cooling > 0 {
		p.cooling--
		p.wait = 0
	}
	switch {
	case p.improves(v):
		p.wait = 0
	case p.cooling == 0:
		if p.wait++; p.wait >= p.patience && t.Rate > p.least {
			t.Rate = max(t.Rate*p.factor, p.least)
			p.cooling, p.wait = p.cooldown, 0
		}
	}
	return nil
}

// ownsRate reports a schedule, which would set the rate again.
func ownsRate(callback string, t *Training) error {
	if s := t.Model.trainer.settings.Schedule.Schedule; s != nil {
		return fmt.Errorf("%s: the optimiser's schedule %s sets the learning rate", callback, s.Name())
	}
	return nil
}

// LearningRateScheduler sets the learning rate at the beginning of each epoch, which
// counts from 1; rate is the one so far. The rest of an epoch that was interrupted keeps
// the rate that was set for it.
// See https://keras.io/api/callbacks/learning_rate_scheduler/, where epochs count from 0.
func LearningRateScheduler(next func(epoch int, rate float64) float64) Callback {
	return rateScheduler(next)
}

type rateScheduler func(epoch int, rate float64) float64

func (next rateScheduler) On(e Event, t *Training) error {
	switch e {
	case TrainBegin:
		if next == nil {
			return errors.New("learning rate scheduler: the function is nil")
		}
		return ownsRate("learning rate scheduler", t)
	case EpochBegin:
		if t.Step > 0 {
			return nil
		}
		rate := next(t.Epoch, t.Rate)
		if !(rate >= 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("learning rate scheduler: rate %g for epoch %d, want at least 0", rate, t.Epoch)
		}
		t.Rate = rate
	}
	return nil
}
