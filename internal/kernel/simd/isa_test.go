// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"testing"
	"unsafe"
)

func TestForceISAUnknown(t *testing.T) {
	if _, err := ForceISA("sse9"); err == nil {
		t.Error("ForceISA accepted a name that does not exist")
	}
}

func TestChosenISA(t *testing.T) {
	if got := choose("generic"); got != &generic {
		t.Errorf("REEF_KERNEL=generic chooses %q", got.Name)
	}
	if got := choose("nonsense"); got != ISAs[0] {
		t.Errorf("REEF_KERNEL=nonsense chooses %q, want the best %q", got.Name, ISAs[0].Name)
	}
}

// The assembly accesses the fields of TileArgs at these offsets; see asm/tile.go.
func TestTileArgsLayout(t *testing.T) {
	var a TileArgs
	got := []uintptr{
		unsafe.Offsetof(a.A), unsafe.Offsetof(a.B), unsafe.Offsetof(a.C), unsafe.Offsetof(a.Bias),
		unsafe.Offsetof(a.RowA), unsafe.Offsetof(a.StepA), unsafe.Offsetof(a.StepB), unsafe.Offsetof(a.RowC),
		unsafe.Offsetof(a.K), unsafe.Offsetof(a.Segments), unsafe.Offsetof(a.Offsets), unsafe.Offsetof(a.Flags), unsafe.Offsetof(a.last),
		unsafe.Offsetof(a.PanelB), unsafe.Offsetof(a.column), unsafe.Offsetof(a.groups), unsafe.Offsetof(a.AheadA), unsafe.Offsetof(a.AheadB),
		unsafe.Offsetof(a.Scale), unsafe.Offsetof(a.Shift), unsafe.Offsetof(a.ahead), unsafe.Offsetof(a.stepAhead), unsafe.Offsetof(a.left),
	}
	for i, offset := range got {
		if offset != uintptr(i)*unsafe.Sizeof(uintptr(0)) {
			t.Errorf("field %d of TileArgs lies at %d", i, offset)
		}
	}
}
