// SPDX-License-Identifier: Apache-2.0

package callbacks_test

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

func ExampleEarlyStopping() {
	m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
	optimizer := keraslike.AdamW(0.1, keraslike.GlobalClipNorm(1), keraslike.WithSchedule(keraslike.CosineDecay{Steps: 500}))
	if err := m.Compile(optimizer, keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy); err != nil {
		fmt.Println(err)
		return
	}
	stopping := callbacks.EarlyStopping("val_loss", callbacks.Patience(3), callbacks.RestoreBest)
	h, err := m.Fit(context.Background(), blobs(200, 1), keraslike.Epochs(100), keraslike.ValidationSplit(0.25), keraslike.Callbacks(stopping))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Epochs() < 100, callbacks.BestEpoch(stopping) == h.Epochs()-3)
	// Output: true true
}
