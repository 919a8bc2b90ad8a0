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
// equal values have the lowest. NaN and infinity are marked. Without utf8 there are ASCII
// characters in place of the blocks.
func Spark(series []float64, width int, utf8 bool) string {
	levels, bad := []rune(blocks), notNumber
	if !utf8 {
		levels, bad = []rune(asciiBlocks), asciiNotNumber
	}
	n := min(len(series), max(0, width))
	means := make([]float64, n)
	low, high := math.Inf(1), math.Inf(-1)
	for i := range means {
		part := series[i*len(series)/n : (i+1)*len(series)/n]
		for _, v := range part {
			means[i] += v / float64(len(part))
		}
		if finite(means[i]) {
			low, high = math.Min(low, means[i]), math.Max(high, means[i])
		}
	}
	line := make([]rune, n)
	for i, v := range means {
		switch {
		case !finite(v):
			line[i] = bad
		case high > low:
			share := (v/2 - low/2) / (high/2 - low/2) // halves, which do not overflow
			line[i] = levels[min(len(levels)-1, int(share*float64(len(levels))))]
		default:
			line[i] = levels[0]
		}
	}
	return string(line)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
