// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"strings"
	"testing"
)

func planOfThree() MemoryPlan {
	return MemoryPlan{
		Title: "small",
		Steps: []PlanStep{{"dense", 0}, {"softmax", 0}, {"softmax_grad", 1}, {"dense_grad", 1}},
		Buffers: []PlanBuffer{
			{0, 4096, 0, 3}, {4096, 2048, 1, 2}, {6144, 64, 2, 3}, {4096, 2048, 3, 4},
		},
		Bytes: 6208, Naive: 9000,
	}
}

func TestMemoryPlanFigure(t *testing.T) {
	f, err := planOfThree().Figure("forward", "gradients")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "memoryplan", f, Light)
	if want := "small: memory plan of 4 steps with 4 buffers: values of 8.79 KiB in 6.06 KiB of memory."; f.Alt != want {
		t.Errorf("the figure is described by %q, want %q", f.Alt, want)
	}
}

func TestMemoryPlanMistakes(t *testing.T) {
	for _, b := range []PlanBuffer{{-1, 1, 0, 1}, {0, 7000, 0, 1}, {0, 1, -1, 1}, {0, 1, 4, 5}, {0, 1, 2, 1}} {
		m := planOfThree()
		m.Buffers = append(m.Buffers, b)
		if _, err := m.Figure(); err == nil || !strings.Contains(err.Error(), "small: buffer 4, ") {
			t.Errorf("buffer %+v: the error is %v", b, err)
		}
	}
	if _, err := (MemoryPlan{Title: "none"}).Figure(); err == nil || err.Error() != "none: the plan has no step" {
		t.Errorf("the error is %v", err)
	}
}

// TestLongMemoryPlan: with many steps names are omitted and the figure does not grow.
func TestLongMemoryPlan(t *testing.T) {
	m := MemoryPlan{Title: "long", Bytes: 1 << 20}
	for i := range 5000 {
		m.Steps = append(m.Steps, PlanStep{"step", 0})
		m.Buffers = append(m.Buffers, PlanBuffer{i % 7 * 1000, 1000, i, i + 3})
	}
	f, err := m.Figure()
	if err != nil {
		t.Fatal(err)
	}
	if w, h := f.Size(); w > 11000 || h > 400 {
		t.Errorf("the figure is %.0f × %.0f points large", w, h)
	}
}
