// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Schedule is a learning rate schedule: it computes the rate of each batch. Pass it to an
// optimizer by WithSchedule. A schedule of this package is saved with the optimizer.
// Formulas: https://keras.io/api/optimizers/learning_rate_schedules/.
type Schedule interface {
	// Name returns the schedule's name in saved models.
	Name() string
	// Check returns an error for invalid settings.
	Check() error
	// At returns the learning rate after the given number of batches (which equals the
	// number of updates without AccumulateGradients); initial is the optimizer's rate.
	At(initial float64, step int) float64
}

// ScheduleFunc makes a schedule of a function, which returns the learning rate after step batches for
// the optimizer's rate:
//
//	k.WithSchedule(k.ScheduleFunc("warmup", func(initial float64, step int) float64 {
//		return initial * min(1, float64(step+1)/1000)
//	}))
//
// The function must depend on its arguments only. To load a model that was saved with the schedule, pass
// it to Load by WithCustomSchedule.
func ScheduleFunc(name string, at func(initial float64, step int) float64) Schedule {
	return &scheduleFunc{name, at}
}

type scheduleFunc struct {
	name string
	at   func(initial float64, step int) float64
}

// Name returns the name given to ScheduleFunc.
func (s *scheduleFunc) Name() string { return s.name }

// Check requires a name and a function.
func (s *scheduleFunc) Check() error {
	if s.name == "" || s.at == nil {
		return errors.New("want a name and a function")
	}
	return nil
}

// At is the rate after step batches.
func (s *scheduleFunc) At(initial float64, step int) float64 { return s.at(initial, step) }

// ExponentialDecay is initial·Rate^(step/Steps); with Staircase the exponent is
// rounded down.
type ExponentialDecay struct {
	Steps     int     `json:"decay_steps"`
	Rate      float64 `json:"decay_rate"`
	Staircase bool    `json:"staircase,omitempty"`
}

// InverseTimeDecay is initial/(1 + Rate·step/Steps); with Staircase step/Steps is
// rounded down.
type InverseTimeDecay struct {
	Steps     int     `json:"decay_steps"`
	Rate      float64 `json:"decay_rate"`
	Staircase bool    `json:"staircase,omitempty"`
}

// PolynomialDecay decreases from initial to End within Steps and then stays there:
// (initial - End)·(1 - step/Steps)^Power + End. A Power of 0 means 1, a straight line. With
// Cycle, Steps is replaced by its smallest multiple that is not less than step.
type PolynomialDecay struct {
	Steps int     `json:"decay_steps"`
	End   float64 `json:"end_learning_rate"` // Keras's default is 0.0001
	Power float64 `json:"power,omitempty"`
	Cycle bool    `json:"cycle,omitempty"`
}

// PiecewiseConstantDecay is initial·Factors[i] for steps above Boundaries[i-1] up to
// Boundaries[i]. There must be one more factor than boundaries.
type PiecewiseConstantDecay struct {
	Boundaries []int     `json:"boundaries"`
	Factors    []float64 `json:"factors"`
}

// CosineDecay decreases from initial to Alpha·initial along half a cosine wave within Steps
// (Loshchilov & Hutter 2017). With Warmup the rate first increases linearly from WarmupFrom
// to initial within Warmup steps.
type CosineDecay struct {
	Steps      int     `json:"decay_steps"`
	Alpha      float64 `json:"alpha,omitempty"`
	Warmup     int     `json:"warmup_steps,omitempty"`
	WarmupFrom float64 `json:"warmup_from,omitempty"`
}

// CosineDecayRestarts is CosineDecay with restarts (Loshchilov & Hutter 2017). The first
// period takes Steps; each further period is Grow times as long and starts at Shrink times
// the rate of the one before. A Grow of 0 means 2, a Shrink of 0 means 1.
type CosineDecayRestarts struct {
	Steps  int     `json:"first_decay_steps"`
	Grow   float64 `json:"t_mul,omitempty"`
	Shrink float64 `json:"m_mul,omitempty"`
	Alpha  float64 `json:"alpha,omitempty"`
}

// Name returns "exponential_decay".
func (ExponentialDecay) Name() string { return "exponential_decay" }

// Name returns "inverse_time_decay".
func (InverseTimeDecay) Name() string { return "inverse_time_decay" }

// Name returns "polynomial_decay".
func (PolynomialDecay) Name() string { return "polynomial_decay" }

// Name returns "piecewise_constant".
func (PiecewiseConstantDecay) Name() string { return "piecewise_constant" }

// Name returns "cosine_decay".
func (CosineDecay) Name() string { return "cosine_decay" }

// Name returns "cosine_decay_restarts".
func (CosineDecayRestarts) Name() string { return "cosine_decay_restarts" }

// Check wants Steps and Rate positive.
func (s ExponentialDecay) Check() error {
	return errors.Join(checkSteps(s.Steps), checkDecayRate(s.Rate))
}

// Check wants Steps and Rate positive.
func (s InverseTimeDecay) Check() error {
	return errors.Join(checkSteps(s.Steps), checkDecayRate(s.Rate))
}

// Check requires a positive Steps and an End and a Power of at least 0.
func (s PolynomialDecay) Check() error {
	return errors.Join(checkNonNegative("end", s.End), checkNonNegative("power", s.Power), checkSteps(s.Steps))
}

// Check requires ascending boundaries and one more factor, all at least 0.
func (s PiecewiseConstantDecay) Check() error {
	for i := 1; i < len(s.Boundaries); i++ {
		if s.Boundaries[i] <= s.Boundaries[i-1] {
			return fmt.Errorf("boundaries are %v, want an ascending order", s.Boundaries)
		}
	}
	for i, f := range s.Factors {
		if err := checkNonNegative(fmt.Sprint("factor ", i), f); err != nil {
			return err
		}
	}
	if len(s.Factors) != len(s.Boundaries)+1 {
		return fmt.Errorf("got %d factors for %d boundaries, want one more factor than boundaries", len(s.Factors), len(s.Boundaries))
	}
	return nil
}

// Check requires a positive Steps and Alpha, Warmup and WarmupFrom of at least 0.
func (s CosineDecay) Check() error {
	return errors.Join(checkNonNegative("alpha", s.Alpha), checkNonNegative("warm-up", float64(s.Warmup)), checkNonNegative("start of the warm-up", s.WarmupFrom), checkSteps(s.Steps))
}

// Check requires a positive Steps, periods that do not get shorter, and a Shrink and an Alpha
// of at least 0.
func (s CosineDecayRestarts) Check() error {
	var grow error
	if s.Grow != 0 && s.Grow != 1 && !(s.Grow >= minGrow && !math.IsInf(s.Grow, 1)) {
		grow = fmt.Errorf("grow is %g, want 1, a finite number of at least %g, or 0 for 2", s.Grow, minGrow)
	}
	return errors.Join(grow, checkNonNegative("shrink", s.Shrink), checkNonNegative("alpha", s.Alpha), checkSteps(s.Steps))
}

// minGrow is the smallest growth above 1: the number of periods stays small, so At can loop
// over them.
const minGrow = 1.001

// maxSteps keeps sums of steps from overflowing.
const maxSteps = math.MaxInt / 4

func checkSteps(steps int) error {
	if steps < 1 || steps > maxSteps {
		return fmt.Errorf("steps is %d, want 1 to %d", steps, maxSteps)
	}
	return nil
}

func checkDecayRate(rate float64) error {
	return checkPositive("rate", rate)
}

// At is the rate after step updates.
func (s ExponentialDecay) At(initial float64, step int) float64 {
	return initial * math.Pow(s.Rate, progress(step, s.Steps, s.Staircase))
}

// At is the rate after step updates.
func (s InverseTimeDecay) At(initial float64, step int) float64 {
	return initial / (1 + s.Rate*progress(step, s.Steps, s.Staircase))
}

func progress(step, steps int, whole bool) float64 {
	if whole {
		return float64(step / steps)
	}
	return float64(step) / float64(steps)
}

// At is the rate after step updates.
func (s PolynomialDecay) At(initial float64, step int) float64 {
	steps, power := s.Steps, s.Power
	if power == 0 {
		power = 1
	}
	if s.Cycle {
		steps *= max(1, (step+steps-1)/steps)
	}
	return (initial-s.End)*math.Pow(1-progress(min(step, steps), steps, false), power) + s.End
}

// At is the rate after step updates.
func (s PiecewiseConstantDecay) At(initial float64, step int) float64 {
	for i, b := range s.Boundaries {
		if step <= b {
			return initial * s.Factors[i]
		}
	}
	return initial * s.Factors[len(s.Factors)-1]
}

// At is the rate after step updates.
func (s CosineDecay) At(initial float64, step int) float64 {
	if step < s.Warmup {
		return s.WarmupFrom + (initial-s.WarmupFrom)*progress(step, s.Warmup, false)
	}
	return initial * cosine(progress(min(step-s.Warmup, s.Steps), s.Steps, false), s.Alpha, 1)
}

// At is the rate after step updates.
func (s CosineDecayRestarts) At(initial float64, step int) float64 {
	grow, shrink := s.Grow, s.Shrink
	if grow == 0 {
		grow = 2
	}
	if shrink == 0 {
		shrink = 1
	}
	at, period, factor := float64(step), float64(s.Steps), 1.0
	if grow == 1 { // periods of equal length need no loop
		n := math.Floor(at / period)
		return initial * cosine(at/period-n, s.Alpha, math.Pow(shrink, n))
	}
	for at >= period {
		at, period, factor = at-period, period*grow, factor*shrink
	}
	return initial * cosine(at/period, s.Alpha, factor)
}

// cosine decreases from factor to alpha as x goes from 0 to 1.
func cosine(x, alpha, factor float64) float64 {
	return (1-alpha)*0.5*factor*(1+math.Cos(math.Pi*x)) + alpha
}

// rateAt returns the rate of the schedule, or an error if it is invalid or At panics.
func (s scheduled) rateAt(initial float64, step int) (rate float64, err error) {
	defer caught(&err, "schedule", s.Schedule, "At")
	rate = s.At(initial, step)
	if err := checkRate(rate); err != nil {
		return rate, fmt.Errorf("schedule %s at step %d: %w", s.Name(), step, err)
	}
	return rate, nil
}

// scheduled is a schedule that is saved by its name.
type scheduled struct{ Schedule }

// IsZero reports whether there is no schedule; it is omitted then.
func (s scheduled) IsZero() bool { return s.Schedule == nil }

// MarshalJSON writes {"name": ..., "settings": ...}.
func (s scheduled) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"name": s.Name(), "settings": s.Schedule})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *scheduled) UnmarshalJSON(text []byte) error {
	var saved struct {
		Name     string          `json:"name"`
		Settings json.RawMessage `json:"settings"`
	}
	if err := unmarshalStrict(text, &saved); err != nil {
		return err
	}
	read, ok := scheduleKinds[saved.Name]
	if !ok {
		s.Schedule = &unknownSchedule{scheduleFunc{name: saved.Name}}
		return nil
	}
	var err error
	s.Schedule, err = read(saved.Settings)
	return err
}

// unknownSchedule takes the place of a user's schedule while a file is read.
type unknownSchedule struct{ scheduleFunc }

// Check returns an error.
func (s *unknownSchedule) Check() error {
	return fmt.Errorf("schedule %q: unknown; pass WithCustomSchedule(...) for one of your own, or WithoutCompile", s.name)
}

// restore replaces a schedule that is not of this package by that of WithCustomSchedule.
func (s *scheduled) restore(known []Schedule) error {
	unknown, ok := s.Schedule.(*unknownSchedule)
	if !ok {
		return nil
	}
	for _, one := range known {
		if one.Name() == unknown.name {
			s.Schedule = one
			return nil
		}
	}
	return unknown.Check()
}

// scheduleKinds maps each name to a function that reads the settings of the schedule.
var scheduleKinds = map[string]func(json.RawMessage) (Schedule, error){
	ExponentialDecay{}.Name():       readSchedule[ExponentialDecay],
	InverseTimeDecay{}.Name():       readSchedule[InverseTimeDecay],
	PolynomialDecay{}.Name():        readSchedule[PolynomialDecay],
	PiecewiseConstantDecay{}.Name(): readSchedule[PiecewiseConstantDecay],
	CosineDecay{}.Name():            readSchedule[CosineDecay],
	CosineDecayRestarts{}.Name():    readSchedule[CosineDecayRestarts],
}

func readSchedule[S Schedule](settings json.RawMessage) (Schedule, error) {
	var s S
	err := unmarshalStrict(settings, &s)
	return s, err
}
