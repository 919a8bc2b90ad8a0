// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/keraslike"
)

// ReduceLROnPlateau multiplies the learning rate by a factor when a series of the logs,
// such as "val_loss", has not improved for some epochs.
//
// Options and their defaults:
//
//	Factor(0.1)      factor of the learning rate
//	Patience(10)     epochs without improvement that are tolerated
//	MinDelta(1e-4)   smallest change that counts as an improvement
//	Auto, Min, Max   which values are better (Auto)
//	Cooldown(0)      epochs after a reduction that are ignored
//	MinRate(0)       lower bound of the learning rate
//
// Each Fit starts from scratch, unless it resumes an interrupted one. It is an error if the
// optimizer has a schedule, which sets the rate itself.
// See https://keras.io/api/callbacks/reduce_lr_on_plateau/.
func ReduceLROnPlateau(monitored string, opts ...ReduceLROnPlateauOption) keraslike.Callback {
	p := &plateau{monitor: monitor{name: monitored, patience: 10, minDelta: 1e-4}, factor: 0.1}
	for _, o := range given(opts, &p.mistake) {
		o.applyReduceLROnPlateau(p)
	}
	return p
}

// ReduceLROnPlateauOption is an option of ReduceLROnPlateau.
type ReduceLROnPlateauOption interface{ applyReduceLROnPlateau(*plateau) }

type plateauSetting func(*plateau)

func (set plateauSetting) applyReduceLROnPlateau(p *plateau) { set(p) }

// Factor multiplies the learning rate; it is at least 0 and less than 1.
func Factor(f float64) ReduceLROnPlateauOption {
	return plateauSetting(func(p *plateau) { p.factor = f })
}

// Cooldown is the number of epochs after a reduction in which a lack of improvement does
// not count.
func Cooldown(epochs int) ReduceLROnPlateauOption {
	return plateauSetting(func(p *plateau) { p.cooldown = epochs })
}

// MinRate is a lower bound of the learning rate.
func MinRate(rate float64) ReduceLROnPlateauOption {
	return plateauSetting(func(p *plateau) { p.minRate = rate })
}

type plateau struct {
	monitor
	noLogs
	factor, minRate float64
	cooldown        int
	wait, cooling   int
}

func (p *plateau) On(e keraslike.Event, t *keraslike.Training) (err error) {
	switch e {
	case keraslike.TrainBegin:
		p.wait, p.cooling = 0, 0
		p.forget()
		if !(p.factor >= 0 && p.factor < 1) || p.cooldown < 0 || !(p.minRate >= 0) {
			err = fmt.Errorf("factor is %g, cooldown %d, minimum rate %g: want a factor below 1 and nothing negative", p.factor, p.cooldown, p.minRate)
		}
		err = errors.Join(err, mayChangeRate(t), p.begin(t))
	case keraslike.EpochEnd:
		err = p.epochEnd(t)
	}
	if err != nil {
		err = fmt.Errorf("reduce on plateau: %w", err)
	}
	return err
}

func (p *plateau) epochEnd(t *keraslike.Training) error {
	v, err := p.value(t.Logs)
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
		if p.wait++; p.wait >= p.patience && t.Rate > p.minRate {
			t.Rate = max(t.Rate*p.factor, p.minRate)
			p.cooling, p.wait = p.cooldown, 0
		}
	}
	return nil
}

// mayChangeRate returns an error if a schedule sets the rate.
func mayChangeRate(t *keraslike.Training) error {
	if s := t.Schedule(); s != nil {
		return fmt.Errorf("the optimizer's schedule %s sets the learning rate", s.Name())
	}
	return nil
}

const epochsCooling = "epochs cooling" // in saved states

// StateKey names the monitored series.
func (p *plateau) StateKey() string { return fmt.Sprintf("reduce on plateau of %q", p.name) }

// State returns the best value and the epochs since the last improvement or reduction.
func (p *plateau) State() keraslike.CallbackState {
	state := p.monitor.state()
	state.Counts = map[string]int{epochsWaited: p.wait, epochsCooling: p.cooling}
	return state
}

// SetState restores what State returned.
func (p *plateau) SetState(state keraslike.CallbackState) error {
	p.wait, p.cooling = state.Counts[epochsWaited], state.Counts[epochsCooling]
	p.setState(state)
	return nil
}
