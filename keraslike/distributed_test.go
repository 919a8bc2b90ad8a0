// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/keraslike/distributed"
)

func distributedData(t testing.TB, n int) Source {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float32, n*6), make([]float32, n)
	for i := range n {
		for j := range 6 {
			x[i*6+j] = float32(r.NormFloat64())
		}
		y[i] = float32(int(math.Abs(float64(x[i*6]*2+x[i*6+1]))) % 3)
	}
	a, err := NewArray(x, n, 6)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewArray(y, n, 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Data(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDistributedHasOneResult(t *testing.T) {
	data := distributedData(t, 100)
	train := func(ctx context.Context, c distributed.Comm) (string, error) {
		m := Sequential("m", Input(6), Dense(16, ReLU), BatchNormalization(), Dropout(0.2), Dense(3, Softmax))
		if err := m.Compile(Adam(0.01), SparseCategoricalCrossentropy, Accuracy, Seed(3)); err != nil {
			return "", err
		}
		options := []FitOption{Epochs(3), BatchSize(24), ValidationSplit(0.2)}
		if c != nil {
			options = append(options, Distributed(c, Leaves(6)))
		}
		h, err := m.Fit(ctx, data, options...)
		if err != nil {
			return "", err
		}
		text := h.String()
		for _, w := range m.Weights() {
			text += fmt.Sprintf("\n%x", w.floats())
		}
		return text, nil
	}
	var want string
	for _, ranks := range []int{1, 2, 3, 4, 6} {
		err := distributed.Local(t.Context(), ranks, func(ctx context.Context, c distributed.Comm) error {
			got, err := train(ctx, c)
			if err != nil {
				return err
			}
			if ranks == 1 {
				want = got
			}
			if got != want {
				return fmt.Errorf("got %.300s\nwant %.300s", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%d ranks: %v", ranks, err)
		}
	}
	t.Log(want[:200])
}
