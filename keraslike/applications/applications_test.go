// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/applications"
)

func TestOptionMistakes(t *testing.T) {
	for _, test := range []struct {
		option applications.Option
		want   string
	}{
		{applications.InputShape(16, 300), "squeezenet: input shape is 16x300, want at least 17x17"},
		{applications.AveragePooling, `squeezenet: pooling "avg" is for a network without its top`},
		{applications.Pooling("sum"), `squeezenet: pooling is "sum"`},
		{nil, "squeezenet: an option is nil"},
	} {
		if _, err := applications.SqueezeNet(test.option); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}
