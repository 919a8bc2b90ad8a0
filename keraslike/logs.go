// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"strings"
)

// Logs are named values in a fixed order: "loss", the metrics and, if there is validation
// data, "val_loss" and so on. Evaluate returns them, and callbacks receive them.
type Logs []Log

// Log is one named value.
type Log struct {
	Name  string
	Value float64
}

// Get returns the value with the given name, NaN if there is none.
func (l Logs) Get(name string) float64 {
	if v, ok := l.Lookup(name); ok {
		return v
	}
	return math.NaN()
}

// Lookup returns the value with the given name; ok is false if there is none.
func (l Logs) Lookup(name string) (value float64, ok bool) {
	for _, e := range l {
		if e.Name == name {
			return e.Value, true
		}
	}
	return 0, false
}

// String formats all values in one line: "loss 0.1234  accuracy 0.987".
func (l Logs) String() string {
	words := make([]string, len(l))
	for i, e := range l {
		words[i] = fmt.Sprintf("%s %.4g", e.Name, e.Value)
	}
	return strings.Join(words, "  ")
}
