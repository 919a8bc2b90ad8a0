// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"errors"
	"fmt"
	"math"

	"github.com/reef-dl/reef/keraslike"
)

// LearningRateScheduler sets the learning rate at the beginning of each epoch to
// next(epoch, rate), where epochs count from 1 and rate is the current one. The rest of an
// interrupted epoch keeps the rate that was set for it. It has no options; a
// keraslike.WithSchedule of the optimizer sets the rate of each batch.
// See https://keras.io/api/callbacks/learning_rate_scheduler/, where epochs count from 0.
func LearningRateScheduler(next func(epoch int, rate float64) float64) keraslike.Callback {
	return &rateScheduler{next: next}
}

type rateScheduler struct {
	noLogs
	next func(epoch int, rate float64) float64
}

func (s *rateScheduler) On(e keraslike.Event, t *keraslike.Training) (err error) {
	switch {
	case e == keraslike.TrainBegin && s.next == nil:
		err = errors.New("the function is nil")
	case e == keraslike.TrainBegin:
		err = mayChangeRate(t)
	case e == keraslike.EpochBegin && t.Step == 0:
		rate := s.next(t.Epoch, t.Rate)
		if !(rate >= 0) || math.IsInf(rate, 0) {
			err = fmt.Errorf("rate %g for epoch %d, want at least 0", rate, t.Epoch)
			break
		}
		t.Rate = rate
	}
	if err != nil {
		err = fmt.Errorf("learning rate scheduler: %w", err)
	}
	return err
}
