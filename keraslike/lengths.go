// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"
	"strconv"
	"strings"
)

// lengths are the lengths of the free axes of a network's inputs, in their order. They can be
// compared, and up to four take no memory.
type lengths struct {
	first [4]int
	more  string
}

// with returns l with the length n of axis i, which follows the ones that l has.
func (l lengths) with(i, n int) lengths {
	if i < len(l.first) {
		l.first[i] = n
	} else {
		l.more += strconv.Itoa(n) + " "
	}
	return l
}

// all returns the lengths of n axes.
func (l lengths) all(n int) []int {
	list := slices.Clone(l.first[:min(n, len(l.first))])
	for _, word := range strings.Fields(l.more) {
		n, _ := strconv.Atoi(word) // written by with
		list = append(list, n)
	}
	return list
}

// max returns the longer of each of n axes.
func (l lengths) max(m lengths, n int) lengths {
	for i := range min(n, len(l.first)) {
		l.first[i] = max(l.first[i], m.first[i])
	}
	if n <= len(l.first) || l.more == m.more {
		return l
	}
	out, others := lengths{}, m.all(n)
	for i, own := range l.all(n) {
		out = out.with(i, max(own, others[i]))
	}
	return out
}
