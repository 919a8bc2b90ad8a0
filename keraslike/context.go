// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
)

// ErrStopped is wrapped by the error of a Fit whose context was canceled: the
// batch was finished and the model holds its updates. So it is by that of Evaluate,
// PredictSource and whatever else takes a context.
var ErrStopped = errors.New("training was stopped")

// errNoContext is the mistake of a nil context.
var errNoContext = errors.New("the context is nil, want context.Background() where there is none")

// checkContext reports a nil context.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	return nil
}

// stopped is the error of a canceled context.
func stopped(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrStopped, ctx.Err()) }
