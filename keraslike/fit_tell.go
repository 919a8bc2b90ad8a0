// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
)

// tell tells all callbacks, those that save after the others.
func (f *fit) tell(e Event) error {
	var failed error
	told := f.callbacks
	for i, c := range f.callbacks {
		if _, saves := c.(*checkpoint); saves {
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
	for _, c := range told {
		if _, saves := c.(*checkpoint); saves {
			if err := f.call(c, e); err != nil {
				return errors.Join(failed, err)
			}
		}
	}
	return failed
}

// nilCallback reports a callback that is nothing; a LearningRateScheduler of nil says so itself.
func nilCallback(c Callback) bool {
	_, says := c.(rateScheduler)
	return !says && isNil(c)
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
