// SPDX-License-Identifier: Apache-2.0

package graph

// applyAll applies options to the settings s. A nil option does nothing.
func applyAll[S any, O ~func(*S)](s *S, options []O) {
	for _, o := range options {
		if o != nil {
			o(s)
		}
	}
}
