// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
)

// askCallbacks finds out which callbacks come last, which numbers there will be and whether
// gradients are checked.
func (f *fit) askCallbacks() (err error) {
	f.runsLast = make([]bool, len(f.callbacks))
	names := f.state.Series()
	if f.validation != nil || f.split > 0 {
		for _, name := range f.state.Series() {
			names = append(names, "val_"+name)
		}
	}
	allKnown := true
	for i, c := range f.callbacks {
		if last, ok := c.(LastCallback); ok {
			err = guard("callback", c, "RunsLast", func() error { f.runsLast[i] = last.RunsLast(); return nil })
		}
		if adder, ok := c.(LogAdder); !ok {
			allKnown = false
		} else if err == nil {
			err = guard("callback", c, "AddsLogs", func() error { names = append(names, adder.AddsLogs()...); return nil })
		}
		if err != nil {
			return err
		}
	}
	if allKnown {
		f.state.names = names
	}
	f.guarded = slices.ContainsFunc(f.callbacks, func(c Callback) bool {
		_, ok := c.(NotFiniteHandler)
		return ok
	})
	return nil
}

// tell tells all callbacks of an event, those that run last after the others.
func (f *fit) tell(e Event) error {
	var failed error
	told := f.callbacks
	for i, c := range f.callbacks {
		if f.runsLast[i] {
			continue
		}
		if failed = f.call(c, e); failed == nil {
			failed = f.takeRate(c) // which the callback may have changed
		}
		if failed != nil {
			told = f.callbacks[:i]
			break
		}
	}
	for i, c := range told {
		if !f.runsLast[i] {
			continue
		}
		before := f.state.Rate
		err := f.call(c, e)
		if err == nil && f.state.Rate != before {
			err = f.takeRate(c)
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// takeRate takes the rate that a callback may have changed.
func (f *fit) takeRate(c Callback) error {
	rate := &f.m.trainer.rate
	if f.state.Rate == *rate {
		return nil
	}
	if err := checkRate(f.state.Rate); err != nil {
		f.state.Rate = *rate
		return fmt.Errorf("callback %T: %w", c, err)
	}
	*rate = f.state.Rate
	return nil
}

func (f *fit) call(c Callback, e Event) (err error) {
	defer caught(&err, "callback", c, "")
	return c.On(e, &f.state)
}

// handleNotFinite lets a callback decide what becomes of a training that has diverged; ended
// makes an ordinary end of it.
func (f *fit) handleNotFinite(err error) (ended bool, _ error) {
	var found *NotFiniteError
	if !errors.As(err, &found) {
		return false, err
	}
	for _, c := range f.callbacks {
		if h, ok := c.(NotFiniteHandler); ok {
			own := guard("callback", c, "HandleNotFinite", func() error { return h.HandleNotFinite(found) })
			if own == nil {
				return true, nil
			}
			if !errors.Is(own, found) {
				err = errors.Join(err, own)
			}
			return false, err
		}
	}
	return false, err
}

// finish tells the callbacks that Fit ends, and what it returns.
func (f *fit) finish(result error) (err error) {
	for _, c := range f.callbacks {
		if c, ok := c.(Finisher); ok {
			panicked := guard("callback", c, "Finish", func() error { c.Finish(result); return nil })
			err = errors.Join(err, panicked)
		}
	}
	return err
}
