// SPDX-License-Identifier: Apache-2.0

package viz

import "math"

// Spark writes values as a line of block characters for a terminal, the smallest as ▁ and
// the largest as █; NaN and Inf become a space. More than width values are averaged over
// equal intervals; width 0 shows them all.
//
//	Spark([]float64{1, 2, 3, 4, 5, 6, 7, 8}, 0) == "▁▂▃▄▅▆▇█"
func Spark(values []float64, width int) string {
	if width > 0 && len(values) > width {
		values = stretchMeans(values, width)
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if finite(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	flat := hi == lo
	var a axis
	a.min, a.max = widen(lo, hi)
	blocks := []rune("▁▂▃▄▅▆▇█")
	line := make([]rune, len(values))
	for i, v := range values {
		switch {
		case !finite(v):
			line[i] = ' '
		case flat:
			line[i] = blocks[3]
		default:
			line[i] = blocks[int(math.Round(a.scale(v)*float64(len(blocks)-1)))]
		}
	}
	return string(line)
}

// stretchMeans returns the means of the finite values in n equal intervals.
func stretchMeans(values []float64, n int) []float64 {
	means := make([]float64, n)
	for i := range means {
		from, to := share(len(values), n, i)
		stretch := values[from:to]
		count := 0.0
		for _, v := range stretch {
			if finite(v) {
				count++
			}
		}
		means[i] = math.NaN()
		if count > 0 {
			means[i] = 0
		}
		for _, v := range stretch {
			if finite(v) {
				means[i] += v / count // the sum itself may overflow
			}
		}
	}
	return means
}
