// SPDX-License-Identifier: Apache-2.0

package conv

// Sums over many pixels are split into partial sums, as many as the shape
// asks for, whatever the number of workers, and added up in order.
const (
	pixelsPerPartial = 5000    // adding up a partial sum then costs 1 % of making it
	maxPartials      = 16      // and so workers beyond some number find nothing to do
	maxPartialFloats = 1 << 20 // of all partial sums
)
