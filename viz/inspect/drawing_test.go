// SPDX-License-Identifier: Apache-2.0

package inspect_test

import (
	"bytes"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/inspect"
)

// TestDrawings: layers and ops are drawn with their names, shapes and parameters.
func TestDrawings(t *testing.T) {
	inner := k.Sequential("inner", k.Input(4), k.Dense(3, k.ReLU, k.Name("hidden")))
	m := k.Sequential("outer", k.Input(4), inner, k.Dense(2, k.Softmax, k.Name("class")))
	if _, err := inspect.Ops(m, 2); err == nil {
		t.Error("the ops of a model without weights are drawn")
	}
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	svg := func(f *viz.Figure, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.WriteSVG(&b, viz.Light); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for what, c := range map[string]struct {
		svg  string
		want []string
	}{
		"layers": {svg(inspect.Layers(m)), []string{">inner<", ">hidden<", ">(batch, 3)<", ">15 parameters<", ">class<"}},
		"ops":    {svg(inspect.Ops(m, 2)), []string{">dense<", ">inner/hidden<", ">kernel<", ">(2, 3)<", ">softmax<", "expression graph of 8 nodes"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.svg, want) {
				t.Errorf("%s: no %q in\n%s", what, want, c.svg)
			}
		}
	}
	wrong := k.Sequential("wrong", k.Input(4), k.Dense(0))
	if _, err := inspect.Layers(wrong); err == nil {
		t.Error("a model with a mistake is drawn")
	}
}
