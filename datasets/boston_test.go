// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"slices"
	"testing"
)

// TestBoston: the figures that the article prints. The sample is the full file.
func TestBoston(t *testing.T) {
	train, test, err := Boston(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 404 || test.Len() != 102 {
		t.Fatalf("%d + %d rows, want 404 + 102", train.Len(), test.Len())
	}
	if want := []float64{15.2, 42.3, 50.0, 21.1, 17.7, 18.5, 11.3, 15.6, 15.6, 14.4}; !slices.Equal(train.Y[:10], want) {
		t.Errorf("first targets %v, want %v", train.Y[:10], want)
	}
	scaler, err := StandardScaler(train.X, len(train.Columns))
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := train.Scaled(scaler)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := readAll(t, scaled)
	for j, want := range map[int]float32{0: -0.27224633, 1: -0.48361547, 2: -0.43576161, 11: 0.44807713, 12: 0.8252202} {
		if x[j] != want {
			t.Errorf("first standardized row, column %d: %v, the notebook prints %v", j, x[j], want)
		}
	}
	// Project 2's heat map, of the standardized training rows with the target.
	r := scaled.Correlation()
	for _, c := range []struct {
		a, b int
		want float64 // as readable in the article's heat map
	}{{12, 13, -0.73}, {5, 13, 0.68}, {8, 9, 0.92}, {4, 4, 1}} {
		if math.Abs(r[c.a][c.b]-c.want) > 0.011 {
			t.Errorf("correlation of %d and %d is %.3f, want %.2f", c.a, c.b, r[c.a][c.b], c.want)
		}
	}
	best, err := scaled.Select(12, 5, 7, 0, 4, 6, 10, 9, 11)
	if err != nil || best.Columns[0] != "LSTAT" || len(best.Columns) != 9 {
		t.Errorf("%v, columns %v", err, best.Columns)
	}
}

func TestBostonFull(t *testing.T) {
	realData(t, "boston_housing", "boston_housing.npz")
	full, _, err := Boston(t.Context(), From{Source: Full})
	if err != nil {
		t.Fatal(err)
	}
	sample, _, err := Boston(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(full.X, sample.X) || full.Origin().Kind != Full {
		t.Error("the sample is not the published table")
	}
}
