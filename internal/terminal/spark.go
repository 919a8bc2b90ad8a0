// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"math"
	"os"
	"strings"
)

// The levels of a spark line, from the lowest, and the mark of what is no number.
const (
	blocks, notNumber           = "▁▂▃▄▅▆▇█", '×'
	asciiBlocks, asciiNotNumber = "_.,-~=*#", 'x'
)

// UTF8 reports whether the environment says that the terminal shows UTF-8: the first of LC_ALL,
// LC_CTYPE and LANG that is set decides, as in POSIX.
func UTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToLower(strings.ReplaceAll(v, "-", ""))
			return strings.Contains(v, "utf8")
		}
	}
	return false
}

// Spark draws a series as a line of blocks, in at most width characters: each is the mean of as
// many neighbors as it takes. The lowest value has the lowest block, the highest the highest;
// equal values have the lowest. First values that are so far away that all others would look alike,
// such as the losses of a training's first epochs, do not count for the scale. NaN and infinity are
// marked. Without utf8 there are ASCII characters in place of the blocks.
func Spark(series []float64, width int, utf8 bool) string {
	levels, bad := []rune(blocks), notNumber
	if !utf8 {
		levels, bad = []rune(asciiBlocks), asciiNotNumber
	}
	n := min(len(series), max(0, width))
	means := make([]float64, n)
	for i := range means {
		part := series[i*len(series)/n : (i+1)*len(series)/n]
		for _, v := range part {
			means[i] += v / float64(len(part))
		}
	}
	low, high := scale(means)
	line := make([]rune, n)
	for i, v := range means {
		switch {
		case !finite(v):
			line[i] = bad
		case high > low:
			share := (min(max(v, low), high)/2 - low/2) / (high/2 - low/2) // halves, which do not overflow
			line[i] = levels[min(len(levels)-1, int(share*float64(len(levels))))]
		default:
			line[i] = levels[0]
		}
	}
	return string(line)
}

// scale returns the values of the lowest and the highest block.
func scale(values []float64) (low, high float64) {
	low, high = extent(values)
	const least, far = 4, 3 // values that must be left, and how many times their range is far away
	for len(values) > least {
		first := values[0]
		values = values[1:]
		l, h := extent(values)
		if finite(first) && max(l-first, first-h)/far <= h-l || !(h > l) {
			return low, high
		}
		low, high = l, h
	}
	return low, high
}

// extent returns the least and the greatest of the finite values.
func extent(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if finite(v) {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	return low, high
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
