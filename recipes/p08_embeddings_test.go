// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"slices"
	"testing"
)

// TestAlternate: the first reviews, if their number is even, are half of each class,
// none is missing, and another seed gives another order.
func TestAlternate(t *testing.T) {
	labels := make([]int32, 60)
	for i := 30; i < 60; i++ {
		labels[i] = 1
	}
	order := alternate(labels, 1)
	good := 0
	for n, i := range order {
		good += int(labels[i])
		if n%2 == 1 && good != (n+1)/2 {
			t.Fatalf("%d good ones among the first %d", good, n+1)
		}
	}
	if slices.Equal(order, alternate(labels, 2)) {
		t.Error("two seeds give one order")
	}
	slices.Sort(order)
	for i, at := range order {
		if i != at {
			t.Fatalf("index %d is missing", i)
		}
	}
}
