// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"slices"
	"testing"
)

// TestStartEpoch: a source that is new, and one that has been read in part, continue like one
// that has been read from beginning to end in each epoch.
func TestStartEpoch(t *testing.T) {
	table, err := InMemory([]Array{{Shape: []int{1}, Data: []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}}, []Array{{Shape: []int{1}, Data: make([]float32, 10)}})
	if err != nil {
		t.Fatal(err)
	}
	type source interface {
		Source
		StartEpoch(n int)
	}
	for name, create := range map[string]func() (Source, error){
		"resample": func() (Source, error) { return Resample(table, 8, 3) },
		"augment": func() (Source, error) {
			train, _, _, err := CatsDogs(t.Context(), From{Source: Sample}, ImageOptions{Height: 6, Width: 6, Augment: &Augment{Rotation: 40, Seed: 5}})
			return train, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			open := func() source {
				s, err := create()
				if err != nil {
					t.Fatal(err)
				}
				return s.(source)
			}
			const n = 8
			read := func(s source, indices ...int) []float32 {
				in, _ := s.Shapes()
				size := 1
				for _, d := range in[0] {
					size *= d
				}
				x := make([]float32, len(indices)*size)
				if err := s.Read(indices, [][]float32{x}, nil); err != nil {
					t.Fatal(err)
				}
				return x
			}
			whole := open()
			var epochs [][]float32
			for range 4 {
				epochs = append(epochs, read(whole, upTo(n)...))
			}
			if slices.Equal(epochs[2], epochs[3]) {
				t.Error("two epochs are the same")
			}
			resumed := open()
			read(resumed, 1, 4, 5)
			for _, e := range []int{3, 4, 2} {
				resumed.StartEpoch(e)
				if got := read(resumed, upTo(n)...); !slices.Equal(got, epochs[e-1]) {
					t.Errorf("epoch %d is another one", e)
				}
			}
		})
	}
}
