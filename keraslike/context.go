// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
)

// ErrInterrupted is wrapped by the error of Fit, Evaluate, PredictSource and every other
// function whose context was canceled. Fit finishes the current batch first, and the model
// keeps its updates.
var ErrInterrupted = errors.New("interrupted")

// errNoContext reports a nil context.
var errNoContext = errors.New("the context is nil, want context.Background() or another context")

// checkContext returns an error for a nil context.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	return nil
}

// interrupted returns the error for a canceled context.
func interrupted(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrInterrupted, ctx.Err()) }
