// SPDX-License-Identifier: Apache-2.0

package conv

// Sums over many pixels are split into partial sums, whose number depends on the shape but not
// on the number of workers, and added in order.
const (
	pixelsPerPartial = 5000    // then adding a partial sum costs 1 % of computing it
	maxPartials      = 16      // so beyond some number, workers are idle
	maxPartialFloats = 1 << 20 // for all partial sums together
)
