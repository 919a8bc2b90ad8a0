// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// TestDiagramOfNestedModels: the layers of a model within a model have its whole path,
// each call of a shared one has its own boxes, and all arrows lead from what is
// computed before to what is computed after.
func TestDiagramOfNestedModels(t *testing.T) {
	inner := keraslike.Sequential("inner", keraslike.Input(4), keraslike.Dense(4, keraslike.Name("d")))
	in := keraslike.Input(4)
	encoder := keraslike.NewModel("encoder", []*keraslike.Tensor{in}, []*keraslike.Tensor{inner.Apply(in)})
	a, b := keraslike.Input(4), keraslike.Input(4)
	once := encoder.Apply(a)
	m := keraslike.NewModel("twins", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{keraslike.Add().Apply(encoder.Apply(once), encoder.Apply(b))})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	d, err := m.Diagram()
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, box := range d.Boxes {
		groups = append(groups, box.Group)
	}
	if want := []string{"", "", "encoder/inner", "encoder, call 2/inner", "encoder, call 3/inner", ""}; !slices.Equal(groups, want) {
		t.Errorf("groups %q, want %q", groups, want)
	}
	if len(d.Arrows) != 5 {
		t.Errorf("arrows %v", d.Arrows)
	}
	for _, arrow := range d.Arrows {
		if arrow[0] >= arrow[1] {
			t.Errorf("arrow from box %d back to %d", arrow[0], arrow[1])
		}
	}
}
