// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
)

// Zip joins sources of equal length: sample i has the inputs of all of them, in order,
// and then the targets of all of them. At most one may have sample weights.
func Zip(sources ...Source) (Source, error) {
	if len(sources) == 0 {
		return nil, errors.New("zip: no source")
	}
	z := &zipped{sources: slices.Clone(sources)}
	var inputs, targets [][]int
	first := 0
	for k, s := range sources {
		l, n, err := measure(s)
		if err != nil {
			return nil, fmt.Errorf("zip: %w", err)
		}
		if k == 0 {
			first = n
		}
		if n != first {
			return nil, fmt.Errorf("zip: source %d has %d samples, source 0 has %d", k, n, first)
		}
		z.counts = append(z.counts, [2]int{len(l.inputs), len(l.targets)})
		inputs, targets = append(inputs, l.inputs...), append(targets, l.targets...)
	}
	z.layout, z.n = newLayout(inputs, targets), first
	var weights []weigher
	for _, s := range sources {
		if w, ok := s.(weigher); ok {
			weights = append(weights, w)
		}
	}
	switch len(weights) {
	case 0:
		return z, nil
	case 1:
		return &weightedZip{z, weights[0]}, nil
	}
	return nil, fmt.Errorf("zip: %d sources have sample weights, want at most one", len(weights))
}

// weightedZip has the sample weights of one of its sources.
type weightedZip struct {
	*zipped
	weigher
}

type zipped struct {
	layout
	sources []Source
	counts  [][2]int // inputs and targets of each
	n       int      // samples
}

func (z *zipped) Len() int { return z.n }

func (z *zipped) Read(indices []int, inputs, targets [][]float32) error {
	return z.readVisits(indices, nil, inputs, targets)
}

func (z *zipped) readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error {
	if err := z.check(z.n, indices, inputs, targets); err != nil {
		return err
	}
	for i, s := range z.sources {
		in, out := z.counts[i][0], z.counts[i][1]
		var x, y [][]float32
		if inputs != nil {
			x, inputs = inputs[:in], inputs[in:]
		}
		if targets != nil {
			y, targets = targets[:out], targets[out:]
		}
		if err := readVisits(s, indices, visits, x, y); err != nil {
			return err
		}
	}
	return nil
}

// owner finds the source that input k belongs to, and its index there.
func (z *zipped) owner(k int) (view, int) {
	for i, s := range z.sources {
		in := z.counts[i][0]
		if k < in {
			return view{s}, k
		}
		k -= in
	}
	return view{}, k
}

func (z *zipped) SparseInput(k int) bool {
	s, k := z.owner(k)
	return s.SparseInput(k)
}

func (z *zipped) Active(k, i int) []int32 {
	s, k := z.owner(k)
	return s.Active(k, i)
}

func (z *zipped) Names() []string {
	for _, s := range z.sources {
		if names := (view{s}).Names(); names != nil {
			return names
		}
	}
	return nil
}

func (z *zipped) Prefetch() int {
	most := 0
	for _, s := range z.sources {
		most = max(most, view{s}.Prefetch())
	}
	return most
}

func (z *zipped) StartEpoch(n int) {
	for _, s := range z.sources {
		view{s}.StartEpoch(n)
	}
}
