// SPDX-License-Identifier: Apache-2.0

package keraslike

import "testing"

// A step of two phases allocates nothing after the first ones, with clipped gradients and a schedule.
func TestPhasesAllocateNothing(t *testing.T) {
	schedule := SGD(0.05, GlobalClipNorm(1), WithSchedule(ExponentialDecay{Steps: 10, Rate: 0.9}))
	gan, _, _ := tinyGAN(t, []PhaseOption{PhaseOptimizer(schedule)}, nil)
	f := &fit{m: gan, epochs: 1, batch: 4, keepOrder: true}
	if err := f.prepare(ganData(t)); err != nil {
		t.Fatal(err)
	}
	if err := f.beginReading(0, 0); err != nil {
		t.Fatal(err)
	}
	step := func() {
		if f.state.Samples == 12 {
			f.state.Samples = 0
			f.train.begin(nil)
		}
		if more, err := f.advance(t.Context()); !more || err != nil {
			t.Fatal(more, err)
		}
	}
	for range 6 {
		step()
	}
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("%v allocations in a step", n)
	}
}
